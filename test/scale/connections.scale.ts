import { CREATED, IMPORTED, rehearseMany } from '../life/many';
import { start } from '../life/scene';
import { Stage } from '../life/stage';

afterEach(() => Stage.clear());

/**
 * How much longer it may take than one call in ten seconds would: callers that are refused wait for at least ten seconds and a random
 * time beyond, so that some of what the rate limit allows is left unused. With 25 connections it is 1.5, and less with more.
 */
const MAX_RATIO = 1.6;

/** What one connection takes by itself: 15 seconds until its claim can be read, and 30 until it is active. */
const ALONE_SECONDS = 45;

const kinds = [
  { kind: 'fleets that are imported', source: IMPORTED },
  { kind: 'fleets that the stack creates', source: CREATED },
];
const cases = kinds.flatMap(({ kind, source }) => [25, 50, 100].map((connections) => ({ connections, kind, source })));

test.each(cases)('$connections connections to $kind, in one stack: all made and all deleted', async ({ connections, source }) => {
  const pace = await rehearseMany(await start(), connections, source);
  expect(pace).toMatchObject({
    statuses: ['CREATE_COMPLETE', 'DELETE_COMPLETE'],
    connected: connections,
    failures: [],
    describing: { creating: connections },
  });
  expect(pace.after).toEqual(pace.before);
  expect(pace.creating).toBeLessThan(MAX_RATIO * 10 * connections + ALONE_SECONDS);
  expect(pace.deleting).toBeLessThan(MAX_RATIO * 10 * connections);
});

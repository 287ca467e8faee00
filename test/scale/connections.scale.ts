import { CREATED, IMPORTED, rehearseMany } from '../life/many';
import { start } from '../life/scene';
import { Stage } from '../life/stage';

afterEach(() => Stage.clear());

/**
 * How much longer it may take than one call in ten seconds would. If throttled calls cost tokens, the first attempts of each batch cost a round
 * or two.
 */
const MAX_RATIO = { free: 1.1, counted: 1.25 };

/** What one connection takes by itself: 15 seconds until its claim can be read, and 30 until it is active. */
const ALONE_SECONDS = 45;

const kinds = [
  { kind: 'fleets that are imported', source: IMPORTED },
  { kind: 'fleets that the stack creates', source: CREATED },
];
const cases = kinds.flatMap(({ kind, source }) =>
  [25, 50, 100].flatMap((connections) =>
    (['free', 'counted'] as const).map((throttledCalls) => ({ connections, kind, source, throttledCalls })),
  ),
);

test.each(cases)(
  '$connections connections to $kind, in one stack, where throttled calls are $throttledCalls: all made and all deleted',
  async ({ connections, source, throttledCalls }) => {
    const rehearsal = await start();
    rehearsal.aws.behaviours.set('throttledCalls', throttledCalls);
    const pace = await rehearseMany(rehearsal, connections, source);
    expect(pace).toMatchObject({
      statuses: ['CREATE_COMPLETE', 'DELETE_COMPLETE'],
      connected: connections,
      failures: [],
      describing: { creating: connections },
    });
    expect(pace.after).toEqual(pace.before);
    expect(pace.creating).toBeLessThan(MAX_RATIO[throttledCalls] * 10 * connections + ALONE_SECONDS);
    expect(pace.deleting).toBeLessThan(MAX_RATIO[throttledCalls] * 10 * connections);
  },
);

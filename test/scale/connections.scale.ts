import { CREATED, IMPORTED, rehearseMany } from '../life/many';
import { start } from '../life/scene';
import { Stage } from '../life/stage';

afterEach(() => Stage.clear());

/**
 * The longest allowed time, relative to one call in ten seconds. If throttled calls count against the rate limit, each batch has to wait
 * longer after its first attempts.
 */
const MAX_RATIO = { free: 1.1, counted: 1.25 };

/** The time for one connection: 15 seconds until it reads its claim again, and 30 until it is active. */
const SINGLE_CONNECTION_SECONDS = 45;

const fleetSources = [
  { kind: 'fleets that are imported', source: IMPORTED },
  { kind: 'fleets that the stack creates', source: CREATED },
];
const cases = fleetSources.flatMap(({ kind, source }) =>
  [25, 50, 100].flatMap((connections) =>
    (['free', 'counted'] as const).map((throttledCalls) => ({ connections, kind, source, throttledCalls })),
  ),
);

test.each(cases)(
  'creates and deletes $connections connections to $kind in one stack (throttledCalls: $throttledCalls)',
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
    expect(pace.creating).toBeLessThan(MAX_RATIO[throttledCalls] * 10 * connections + SINGLE_CONNECTION_SECONDS);
    expect(pace.deleting).toBeLessThan(MAX_RATIO[throttledCalls] * 10 * connections);
  },
);

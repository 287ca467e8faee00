import { CREATED_FLEETS, IMPORTED_FLEETS, rehearseManyConnections } from '../life/many-connections';
import { startFastRehearsal } from '../life/common-stacks';
import { closeRehearsals } from '../life/rehearsals';

afterEach(closeRehearsals);

/**
 * The longest allowed time, relative to one call in ten seconds. If throttled calls count against the rate limit, each batch has to wait
 * longer after its first attempts.
 */
const MAX_RATIO = { free: 1.1, counted: 1.25 };

/** The time for one connection: 15 seconds until it reads its claim again, and 30 until it is active. */
const SINGLE_CONNECTION_SECONDS = 45;

const fleetSources = [
  { kind: 'fleets that are imported', source: IMPORTED_FLEETS },
  { kind: 'fleets that the stack creates', source: CREATED_FLEETS },
];
const cases = fleetSources.flatMap(({ kind, source }) =>
  [25, 50, 100].flatMap((connections) =>
    (['free', 'counted'] as const).map((throttledCalls) => ({ connections, kind, source, throttledCalls })),
  ),
);

test.each(cases)(
  'creates and deletes $connections connections to $kind in one stack (throttledCalls: $throttledCalls)',
  async ({ connections, source, throttledCalls }) => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.behaviours.set('throttledCalls', throttledCalls);
    const result = await rehearseManyConnections(rehearsal, connections, source);
    expect(result).toMatchObject({
      statuses: ['CREATE_COMPLETE', 'DELETE_COMPLETE'],
      connected: connections,
      failures: [],
      creating: { connectionReads: connections },
    });
    expect(result.after).toEqual(result.before);
    expect(result.creating.seconds).toBeLessThan(MAX_RATIO[throttledCalls] * 10 * connections + SINGLE_CONNECTION_SECONDS);
    expect(result.deleting.seconds).toBeLessThan(MAX_RATIO[throttledCalls] * 10 * connections);
  },
);

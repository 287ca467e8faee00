import { CREATED_FLEETS, IMPORTED_FLEETS, rehearseManyConnections } from '../life/many-connections';
import { startFastRehearsal } from '../life/common-stacks';
import { closeRehearsals } from '../life/rehearsals';

afterEach(closeRehearsals);

/** GameLift allows one call of an operation in ten seconds. */
const SECONDS_PER_CALL = 10;

/**
 * The longest allowed time, relative to one call for each connection. The keys are the readings of `throttledCalls`. If throttled calls count
 * against the rate limit, each batch has to wait longer after its first attempts.
 */
const MAX_TIME_RATIO = { 'not counted': 1.1, counted: 1.25 };

/** The time for one connection: 15 seconds until the handler reads the claim again, and 30 until the connection is active. */
const SINGLE_CONNECTION_SECONDS = 45;

const fleetSources = [
  { fleets: 'fleets that are imported', source: IMPORTED_FLEETS },
  { fleets: 'fleets that the stack creates', source: CREATED_FLEETS },
];
const cases = fleetSources.flatMap(({ fleets, source }) =>
  [25, 50, 100].flatMap((connectionCount) =>
    (['not counted', 'counted'] as const).map((throttledCalls) => ({ connectionCount, fleets, source, throttledCalls })),
  ),
);

test.each(cases)(
  'a stack creates and deletes $connectionCount connections of $fleets in the allowed time (throttledCalls: $throttledCalls)',
  async ({ connectionCount, source, throttledCalls }) => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.behaviours.set('throttledCalls', throttledCalls);
    const result = await rehearseManyConnections(rehearsal, connectionCount, source);
    expect(result).toMatchObject({
      statuses: ['CREATE_COMPLETE', 'DELETE_COMPLETE'],
      connected: connectionCount,
      failures: [],
      creating: { connectionReads: connectionCount },
    });
    expect(result.after).toEqual(result.before);
    const maxSeconds = MAX_TIME_RATIO[throttledCalls] * SECONDS_PER_CALL * connectionCount;
    expect(result.creating.seconds).toBeLessThan(maxSeconds + SINGLE_CONNECTION_SECONDS);
    expect(result.deleting.seconds).toBeLessThan(maxSeconds);
  },
);

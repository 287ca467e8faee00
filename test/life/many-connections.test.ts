import { IMPORTED_FLEETS, rehearseManyConnections } from './many-connections';
import { startFastRehearsal } from './common-stacks';
import { closeRehearsals } from './rehearsals';

afterEach(closeRehearsals);

/** The shortest time in which GameLift's rate limit allows one call for each of eight connections. */
const MINIMUM_SECONDS = 80;

test('creates and deletes eight connections in at most 1.5 times the minimum, and reads GameLift’s list once for each connection that it creates', async () => {
  const result = await rehearseManyConnections(await startFastRehearsal(), 8, IMPORTED_FLEETS);
  expect(result).toMatchObject({
    statuses: ['CREATE_COMPLETE', 'DELETE_COMPLETE'],
    connected: 8,
    failures: [],
    creating: { connectionReads: 8 },
    // before the handler cancels the authorization, it checks that the VPC has no other connections
    deleting: { connectionReads: 1 },
  });
  expect(result.after).toEqual(result.before);
  // the last connection becomes active 30 seconds after its request
  expect(result.creating.seconds).toBeLessThan(1.5 * MINIMUM_SECONDS + 30);
  expect(result.deleting.seconds).toBeLessThan(1.5 * MINIMUM_SECONDS);
});

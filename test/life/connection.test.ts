import { deployFleetStack, expectNoFailedDelete, expectNothingLeft, deleteStack, startFastRehearsal } from './common-stacks';
import type { FleetStackOptions } from './common-stacks';
import { countCalls, DAY_MS, closeRehearsals } from './rehearsals';

afterEach(closeRehearsals);

describe('the life of a stack', () => {
  test.each([
    ['connected', {}],
    ['peered on creation', { peerOnCreate: true }],
  ])(
    'creates a fleet that is %s, replaces it after ten days, disconnects it, connects it again, and deletes it after thirty days',
    async (_, kind: FleetStackOptions) => {
      const rehearsal = await startFastRehearsal();
      const before = rehearsal.aws.inventory();
      expect(await deployFleetStack(rehearsal, kind)).toBe('CREATE_COMPLETE');

      const authorizations = countCalls(rehearsal, 'CreateVpcPeeringAuthorization');
      await deployFleetStack(rehearsal, kind);
      expect(countCalls(rehearsal, 'CreateVpcPeeringAuthorization')).toBe(authorizations);

      await rehearsal.clock.sleep(10 * DAY_MS);
      expect(await deployFleetStack(rehearsal, { ...kind, build: '2' })).toBe('UPDATE_COMPLETE');
      await rehearsal.clock.sleep(2 * DAY_MS);
      expect(await deployFleetStack(rehearsal, { ...kind, build: '2', isConnected: false })).toBe('UPDATE_COMPLETE');
      await rehearsal.clock.sleep(2 * DAY_MS);
      expect(await deployFleetStack(rehearsal, { ...kind, build: '2' })).toBe('UPDATE_COMPLETE');
      await rehearsal.clock.sleep(30 * DAY_MS);
      expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
      expectNoFailedDelete(rehearsal);
      await expectNothingLeft(rehearsal, before);
    },
  );

  test('replaces the VPC after ten days, both of a connected fleet and of a fleet that is peered on creation', async () => {
    for (const kind of [{}, { peerOnCreate: true }]) {
      const rehearsal = await startFastRehearsal();
      const before = rehearsal.aws.inventory();
      expect(await deployFleetStack(rehearsal, kind)).toBe('CREATE_COMPLETE');
      await rehearsal.clock.sleep(10 * DAY_MS);
      expect(await deployFleetStack(rehearsal, { ...kind, cidr: '10.91.0.0/16' })).toBe('UPDATE_COMPLETE');
      expectNoFailedDelete(rehearsal);
      await rehearsal.clock.sleep(10 * DAY_MS);
      expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
      await expectNothingLeft(rehearsal, before);
    }
  });
});

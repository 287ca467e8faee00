import { deploy, expectNothingLeft, remove, start, ACCOUNT } from './scene';
import { DAY, failures, Stage } from './stage';

afterEach(() => Stage.clear());

describe('whose connection it is', () => {
  test('a renamed construct is refused, and nothing is lost', async () => {
    const rehearsal = await start();
    await deploy(rehearsal);
    const before = rehearsal.aws.inventory();
    expect(await deploy(rehearsal, { id: 'Renamed' })).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(failures(rehearsal)[0]).toMatch(
      /the peering connection belongs to Stack\/Peering\w+\/[0-9a-f-]{36} .*: remove it there, or pass adoptExisting to use it$/,
    );
    const { connections } = rehearsal.aws.inventory();
    expect(connections).toEqual(before.connections);
  });

  test('a connection deleted by hand is made again by the next update that touches it', async () => {
    const rehearsal = await start();
    const before = rehearsal.aws.inventory();
    await deploy(rehearsal);
    await rehearsal.clock.sleep(DAY / 24);
    const [{ id, fleetId }] = rehearsal.aws.inventory().connections as [{ id: string; fleetId: string }];
    const input = { FleetId: fleetId, VpcPeeringConnectionId: id };
    await rehearsal.aws.callGameLift('DeleteVpcPeeringConnection', input, { account: ACCOUNT, region: 'us-east-1' });
    expect(rehearsal.aws.inventory().connections).toEqual([]);
    expect(await deploy(rehearsal, { props: { dnsResolution: true } })).toBe('UPDATE_COMPLETE');
    expect(rehearsal.aws.inventory().connections).toEqual([expect.objectContaining({ fleetId, status: 'active' })]);
    expect(await deploy(rehearsal, {})).toBe('UPDATE_COMPLETE');
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    await expectNothingLeft(rehearsal, before);
  });
});

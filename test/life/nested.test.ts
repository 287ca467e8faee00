import { NestedStack, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import { addFleet, expectNoFailedDelete, expectNothingLeft, startFastRehearsal } from './common-stacks';
import { DAY_MS, closeRehearsals, STACK, synthesizeApp } from './rehearsals';

/*
 * The authorization is in a stack. The fleets are in its nested stacks.
 */

afterEach(closeRehearsals);

type Kind = 'peered after creation' | 'peered on creation';

function synthesizeStacks(kind: Kind, build: string): string {
  return synthesizeApp((app) => {
    const parent = new Stack(app, STACK);
    const vpc = new ec2.Vpc(parent, 'Vpc', { maxAzs: 1, natGateways: 0, ipAddresses: ec2.IpAddresses.cidr('10.90.0.0/16') });
    const authorization = new VpcPeeringAuthorization(parent, 'Authorization', { vpc });
    for (const name of ['One', 'Two']) {
      const nested = new NestedStack(parent, name);
      const fleet = addFleet(nested, build);
      new VpcPeeringConnection(nested, 'Peering', { authorization, fleet, peerOnCreate: kind === 'peered on creation' });
    }
  });
}

test.each<Kind>(['peered after creation', 'peered on creation'])(
  'replaces fleets that are %s, and when the stack is deleted, deletes the fleets before it cancels the authorization',
  async (kind) => {
    const rehearsal = await startFastRehearsal();
    const before = rehearsal.aws.inventory();
    const { cloudFormation, clock } = rehearsal;
    expect((await cloudFormation.deploy(synthesizeStacks(kind, '1'), STACK)).status).toBe('CREATE_COMPLETE');
    await clock.sleep(10 * DAY_MS);
    expect((await cloudFormation.deploy(synthesizeStacks(kind, '2'), STACK)).status).toBe('UPDATE_COMPLETE');
    expect(rehearsal.aws.inventory().fleets).toHaveLength(2);
    await clock.sleep(30 * DAY_MS);
    const deletionStart = clock.now();
    expect((await cloudFormation.delete(STACK)).status).toBe('DELETE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    const operations = rehearsal.journal.entries
      .filter(({ time, source }) => time >= deletionStart && source === 'gamelift')
      .map(({ subject }) => subject)
      .filter((operation) => /^Delete(Fleet|VpcPeeringAuthorization)$/.test(operation));
    expect(operations).toEqual(['DeleteFleet', 'DeleteFleet', 'DeleteVpcPeeringAuthorization']);
    await expectNothingLeft(rehearsal, before);
  },
);

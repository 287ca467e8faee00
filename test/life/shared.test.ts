import { RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { Existing } from './scene';
import { existing, expectNoFailedDelete, expectNothingLeft, start } from './scene';
import { DAY, Stage, synthesize } from './stage';

/*
 * Two stacks authorize the same VPC for the same account: GameLift has one authorization for both.
 */

afterEach(() => Stage.clear());

type Kind = 'connected' | 'peered on creation';

function half(name: string, there: Existing, fleet: number, kind: Kind, removalPolicy: RemovalPolicy): string {
  return synthesize((stack) => {
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: there.vpcId, availabilityZones: ['us-east-1a'] });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc, removalPolicy });
    if (kind === 'peered on creation') {
      const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name, buildId: 'build-1', ec2InstanceType: 'c5.large' });
      new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true });
    } else {
      const existingFleet = gamelift.CfnFleet.fromFleetId(stack, 'Fleet', there.fleetIds[fleet] ?? '');
      new VpcPeeringConnection(stack, 'Peering', { authorization, fleet: existingFleet });
    }
  }, name);
}

test.each<[Kind, string, RemovalPolicy]>([
  ['connected', 'RETAIN', RemovalPolicy.RETAIN],
  ['peered on creation', 'RETAIN', RemovalPolicy.RETAIN],
  ['connected', 'DESTROY', RemovalPolicy.DESTROY],
])('%s, %s: deleting one stack does not break a deployment of the other one', async (kind, _, removalPolicy) => {
  const rehearsal = await start();
  const { cloudFormation, clock } = rehearsal;
  const there = await existing(rehearsal, 2);
  const before = rehearsal.aws.inventory();
  expect((await cloudFormation.deploy(half('One', there, 0, kind, removalPolicy), 'One')).status).toBe('CREATE_COMPLETE');
  await clock.sleep(2 * DAY);
  for (const head of [5, 30]) {
    const name = `Other${head}`;
    const deployed = cloudFormation.deploy(half(name, there, 1, kind, removalPolicy), name);
    const deleted = clock.sleep(head * 1000).then(() => cloudFormation.delete('One'));
    expect([(await deployed).status, (await deleted).status]).toEqual(['CREATE_COMPLETE', 'DELETE_COMPLETE']);
    await clock.sleep(2 * DAY);
    expect((await cloudFormation.delete(name)).status).toBe('DELETE_COMPLETE');
    expect((await cloudFormation.deploy(half('One', there, 0, kind, removalPolicy), 'One')).status).toBe('CREATE_COMPLETE');
  }
  expect((await cloudFormation.delete('One')).status).toBe('DELETE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await expectNothingLeft(rehearsal, before);
});

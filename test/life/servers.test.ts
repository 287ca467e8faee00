import { isDeepStrictEqual } from 'node:util';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { Rehearsal } from 'rehearsal';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import { expectNothingLeft, remove, start } from './scene';
import { Stage, STACK, synthesize } from './stage';

/*
 * When the servers of a fleet can reach a database: with peerOnCreate, GameLift peers the VPCs before it starts the servers, but the
 * rules and the routes of the stack follow when the fleet is ACTIVE.
 */

const PORT = 5432;

afterEach(() => Stage.clear());

/** A database, and a fleet that GameLift peers on creation. */
function studio(): string {
  return synthesize((stack) => {
    const vpc = new ec2.Vpc(stack, 'Vpc', {
      natGateways: 0,
      subnetConfiguration: [{ name: 'Data', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    });
    const database = new ec2.SecurityGroup(stack, 'Database', { vpc });
    const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet', buildId: 'build-1', ec2InstanceType: 'c5.large' });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    const peering = new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate: true });
    peering.allowTo(database, ec2.Port.tcp(PORT));
  });
}

/** Whether a server of the fleet can reach the database: its security group lets it in, and a route leads back to the fleet's VPC. */
function reachesDatabase({ aws }: Rehearsal): boolean {
  const { rules, routes } = aws.inventory();
  const [fleet] = aws.gameLift.fleets.all();
  const letIn = rules.some((rule) => isDeepStrictEqual(rule, { ...rule, peer: fleet?.vpc?.cidrBlock, fromPort: PORT }));
  return letIn && routes.some((route) => isDeepStrictEqual(route, { ...route, destination: fleet?.vpc?.cidrBlock }));
}

test('a server that reports ready only after it has reached the database fails the creation, and nothing is left', async () => {
  const rehearsal = await start();
  const { aws, cloudFormation } = rehearsal;
  const before = aws.inventory();
  aws.scriptedOutcomes.fleet = () => ({ isReady: () => reachesDatabase(rehearsal) });
  const { status } = await cloudFormation.deploy(studio(), STACK);
  expect(status).toBe('ROLLBACK_COMPLETE');
  const events = rehearsal.journal.entries.filter(({ source }) => source === 'cloudformation');
  expect(events.map(({ message }) => message)).toContainEqual(expect.stringContaining('did not stabilize: ERROR'));
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  await expectNothingLeft(rehearsal, before);
});

test('a server that reports ready and then waits for the database reaches it when the deployment is complete', async () => {
  const rehearsal = await start();
  const { aws, cloudFormation } = rehearsal;
  const before = aws.inventory();
  let wasReached: boolean | undefined;
  aws.scriptedOutcomes.fleet = () => ({
    isReady: () => {
      wasReached = reachesDatabase(rehearsal);
      return true;
    },
  });
  expect((await cloudFormation.deploy(studio(), STACK)).status).toBe('CREATE_COMPLETE');
  expect(wasReached).toBe(false);
  expect(reachesDatabase(rehearsal)).toBe(true);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  await expectNothingLeft(rehearsal, before);
});

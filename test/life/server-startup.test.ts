import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { Rehearsal } from 'rehearsal';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import { expectNothingLeft, deleteStack, startFastRehearsal } from './common-stacks';
import { closeRehearsals, STACK, synthesize } from './rehearsals';

/*
 * Whether servers can reach a database when they start. With peerOnCreate, GameLift peers the VPCs before it starts the servers, but
 * CloudFormation creates the stack's rules and routes only after the fleet is ACTIVE.
 */

const PORT = 5432;

afterEach(closeRehearsals);

/** A database, and a fleet that is peered on creation. */
function synthesizeStack(): string {
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

/** Whether the database's security group allows the fleet's CIDR block, and a route table has a route to it. */
function canReachDatabase({ aws }: Rehearsal): boolean {
  const { rules, routes } = aws.inventory();
  const [fleet] = aws.gameLift.fleets.all();
  const cidrBlock = fleet?.vpc?.cidrBlock;
  const isAllowed = rules.some(
    (rule) => 'peer' in rule && rule.peer === cidrBlock && 'fromPort' in rule && rule.fromPort === PORT,
  );
  return isAllowed && routes.some((route) => 'destination' in route && route.destination === cidrBlock);
}

test('the creation fails and leaves nothing behind if servers wait for the database before they report ready', async () => {
  const rehearsal = await startFastRehearsal();
  const { aws, cloudFormation } = rehearsal;
  const before = aws.inventory();
  aws.scriptedOutcomes.fleet = () => ({ isReady: () => canReachDatabase(rehearsal) });
  const { status } = await cloudFormation.deploy(synthesizeStack(), STACK);
  expect(status).toBe('ROLLBACK_COMPLETE');
  const events = rehearsal.journal.entries.filter(({ source }) => source === 'cloudformation');
  expect(events.map(({ message }) => message)).toContainEqual(expect.stringContaining('did not stabilize: ERROR'));
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  await expectNothingLeft(rehearsal, before);
});

test('servers can reach the database when the deployment is complete if they report ready before they reach it', async () => {
  const rehearsal = await startFastRehearsal();
  const { aws, cloudFormation } = rehearsal;
  const before = aws.inventory();
  let couldReachAtStart: boolean | undefined;
  aws.scriptedOutcomes.fleet = () => ({
    isReady: () => {
      couldReachAtStart = canReachDatabase(rehearsal);
      return true;
    },
  });
  expect((await cloudFormation.deploy(synthesizeStack(), STACK)).status).toBe('CREATE_COMPLETE');
  expect(couldReachAtStart).toBe(false);
  expect(canReachDatabase(rehearsal)).toBe(true);
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  await expectNothingLeft(rehearsal, before);
});

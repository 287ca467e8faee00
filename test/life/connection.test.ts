import { Duration } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { Rehearsal } from '../../rehearsal';
import { ACCOUNT, deploy, expectNoFailedDelete, expectNothingLeft, remove, scene, start } from './scene';
import type { Scene } from './scene';
import { calls, DAY, failures, STACK, Stage, synthesize } from './stage';

afterEach(() => Stage.clear());

describe('a whole life', () => {
  test.each([
    ['connected', {}],
    ['born peered', { born: true }],
  ])('%s: created, replaced after ten days, disconnected and connected, deleted after thirty', async (_, kind: Scene) => {
    const rehearsal = await start();
    const before = rehearsal.aws.inventory();
    expect(await deploy(rehearsal, kind)).toBe('CREATE_COMPLETE');

    const made = calls(rehearsal, 'CreateVpcPeeringAuthorization');
    await deploy(rehearsal, kind);
    expect(calls(rehearsal, 'CreateVpcPeeringAuthorization')).toBe(made);

    await rehearsal.clock.sleep(10 * DAY);
    expect(await deploy(rehearsal, { ...kind, build: '2' })).toBe('UPDATE_COMPLETE');
    await rehearsal.clock.sleep(2 * DAY);
    expect(await deploy(rehearsal, { ...kind, build: '2', connected: false })).toMatch(/COMPLETE$/);
    await rehearsal.clock.sleep(2 * DAY);
    expect(await deploy(rehearsal, { ...kind, build: '2' })).toMatch(/COMPLETE$/);
    await rehearsal.clock.sleep(30 * DAY);
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    await expectNothingLeft(rehearsal, before);
  });

  test('another VPC under a peered fleet, and under a connection, after ten days', async () => {
    for (const kind of [{}, { born: true }]) {
      const rehearsal = await start();
      const before = rehearsal.aws.inventory();
      expect(await deploy(rehearsal, kind)).toBe('CREATE_COMPLETE');
      await rehearsal.clock.sleep(10 * DAY);
      expect(await deploy(rehearsal, { ...kind, cidr: '10.91.0.0/16' })).toBe('UPDATE_COMPLETE');
      expectNoFailedDelete(rehearsal);
      await rehearsal.clock.sleep(10 * DAY);
      expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
      await expectNothingLeft(rehearsal, before);
    }
  });
});

describe('readings of what AWS does not say', () => {
  test.each([
    ['authorizingAgain', 'keeps expiry'],
    ['authorizingAgain', 'InvalidRequestException'],
    ['useOfAuthorization', 'consumed'],
    ['missingAuthorization', 'NotFoundException'],
    ['missingAuthorization', 'InvalidRequestException'],
    ['missingAuthorization', 'failed'],
    ['existingConnection', 'accepted'],
    ['deletingConnections', 'deleting for a while'],
    ['endedConnections', 'gone'],
    ['connectionIds', 'own of GameLift'],
    ['connectionsOfDeletedFleet', 'empty list'],
    ['peerVpcWrites', 'main route table'],
    ['peerVpcWrites', 'none'],
    ['peerVpcWritesOnDelete', 'left behind'],
    ['deletingAbsentAuthorization', 'success'],
    ['fleetEvents', 'never seen'],
    ['throttlingError', 'TooManyRequestsException'],
    ['connectingInactiveFleet', 'pending until it is'],
    ['usedAuthorizations', 'not listed'],
    ['fleetCidrBlocks', 'may coincide'],
    ['foreignFleetTags', 'strips them'],
    ['failedSeenByAccepter', 'seen'],
  ] as const)('%s: %s', async (name, reading) => {
    const rehearsal = await start();
    rehearsal.aws.behaviours.set(name, reading);
    const before = rehearsal.aws.inventory();
    expect(await deploy(rehearsal)).toBe('CREATE_COMPLETE');
    await rehearsal.clock.sleep(10 * DAY);
    expect(await deploy(rehearsal, { build: '2' })).toBe('UPDATE_COMPLETE');
    await rehearsal.clock.sleep(30 * DAY);
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    if (name === 'peerVpcWritesOnDelete') {
      // rules of security groups that GameLift leaves can't be told from the user's own; here they went with the VPC
      expect(rehearsal.aws.inventory()).toEqual(before);
    }
    await expectNothingLeft(rehearsal, before);
  });
});

describe('failures, each with nothing left behind', () => {
  const pair = new RegExp(
    `^could not peer fleet fleet-[0-9a-f-]+ of account ${ACCOUNT} with VPC vpc-[0-9a-f]{17} of account ${ACCOUNT} in us-east-1: `,
  );

  async function expectFailure(rehearsal: Rehearsal, options: Scene, reason: RegExp): Promise<void> {
    const before = rehearsal.aws.inventory();
    expect(await deploy(rehearsal, options)).toBe('ROLLBACK_COMPLETE');
    expect(failures(rehearsal)[0]).toMatch(pair);
    expect(failures(rehearsal)[0]).toMatch(reason);
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    await expectNothingLeft(rehearsal, before);
  }

  test('CIDR blocks that overlap', async () => {
    const rehearsal = await start();
    rehearsal.aws.fates.fleet = () => ({ cidrBlock: '10.90.4.0/22' });
    await expectFailure(rehearsal, {}, /10\.90\.0\.0\/16/);
  });

  test('failed, with a message of GameLift', async () => {
    const rehearsal = await start();
    rehearsal.aws.fates.connection = () => ({ end: 'failed', message: 'The moon is in the wrong phase' });
    await expectFailure(rehearsal, {}, /The moon is in the wrong phase/);
  });

  test('rejected', async () => {
    const rehearsal = await start();
    rehearsal.aws.fates.connection = () => ({ end: 'rejected' });
    await expectFailure(rehearsal, {}, /ended the peering connection as rejected/);
  });

  test('pending for too long', async () => {
    const rehearsal = await start();
    rehearsal.aws.fates.connection = () => ({ end: 'pending' });
    await expectFailure(
      rehearsal,
      { props: { timeout: Duration.minutes(3) } },
      /still pending after 180 seconds: look at the events of the fleet, raise the timeout of the VpcPeeringConnection, then deploy again$/,
    );
  });

  test('a route that leads elsewhere: names both targets, and loses nothing', async () => {
    const rehearsal = await start();
    rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
    rehearsal.aws.fates.fleet = () => ({ cidrBlock: '10.20.0.0/16' });
    const conflicting = scene({
      more: (stack) => {
        const gateway = new ec2.CfnInternetGateway(stack, 'Gateway');
        const vpc = stack.node.findChild('Vpc') as unknown as ec2.IVpc;
        const attached = new ec2.CfnVPCGatewayAttachment(stack, 'Attached', { vpcId: vpc.vpcId, internetGatewayId: gateway.ref });
        const route = new ec2.CfnRoute(stack, 'Route', {
          routeTableId: vpc.isolatedSubnets[0]?.routeTable.routeTableId ?? '',
          destinationCidrBlock: '10.20.0.0/16',
          gatewayId: gateway.ref,
        });
        route.addDependency(attached);
        stack.node.findChild('Peering').node.findChild('Resource').node.addDependency(route);
      },
    });
    expect((await rehearsal.cloudFormation.deploy(conflicting, STACK)).status).toBe('ROLLBACK_COMPLETE');
    expect(failures(rehearsal)[0]).toMatch(
      /route table rtb-\w+ has a route for 10\.20\.0\.0\/16 to igw-\w+, where the fleet's VPC needs one to pcx-\w+: remove that route/,
    );
  });

  test('a fleet that is not there', async () => {
    const rehearsal = await start();
    const assembly = synthesize((stack) => {
      const vpc = new ec2.Vpc(stack, 'Vpc', { subnetConfiguration: [] });
      const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
      const fleet = gamelift.CfnFleet.fromFleetId(stack, 'Fleet', 'fleet-00000000-0000-4000-8000-000000000000');
      new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
    });
    expect((await rehearsal.cloudFormation.deploy(assembly, STACK)).status).toBe('ROLLBACK_COMPLETE');
    expect(failures(rehearsal)[0]).toContain(
      'there is no fleet fleet-00000000-0000-4000-8000-000000000000 in this account and us-east-1: correct the fleet, then deploy again',
    );
  });
});

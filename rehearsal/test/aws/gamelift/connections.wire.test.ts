import {
  DeleteVpcPeeringConnectionCommand as DeletePcx,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
} from '@aws-sdk/client-ec2';
import { DescribeVpcPeeringConnectionsCommand } from '@aws-sdk/client-gamelift';
import { PeeringWorld } from '../peering-world';
import { allow, gameLiftClient, policy, REGION, sessionOf, VPC_ACCOUNT } from '../world';

const DAY = 24 * 3600;
const ACTIONS = [
  'gamelift:CreateVpcPeeringAuthorization',
  'ec2:AcceptVpcPeeringConnection',
  'ec2:AuthorizeSecurityGroupEgress',
  'ec2:AuthorizeSecurityGroupIngress',
  'ec2:CreateRoute',
  'ec2:DescribeRouteTables',
  'ec2:DescribeSecurityGroups',
  'ec2:DeleteRoute',
  'ec2:RevokeSecurityGroupEgress',
  'ec2:RevokeSecurityGroupIngress',
];
const OVERLAP = 'Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range';

let stage: PeeringWorld;

beforeEach(async () => {
  stage = await PeeringWorld.start();
});

afterEach(() => stage.close());

/** Time leaps only while the test sleeps. */
function timed(name: string, body: () => Promise<void>): void {
  test(name, () => stage.world.clock.work(body));
}

function timedEach<T extends string>(name: string, readings: readonly T[], body: (reading: T) => Promise<void>): void {
  test.each(readings)(name, (reading) => stage.world.clock.work(() => body(reading)));
}

/** Authorizes from now on with a role that may do just this. */
function authorizeWith(actions: readonly string[]): void {
  const { credentials } = sessionOf(stage.aws, policy(allow([...actions])));
  stage.owner = gameLiftClient(stage.aws, credentials);
}

async function routesToFleets(): Promise<string[]> {
  const { RouteTables } = await stage.ec2.send(new DescribeRouteTablesCommand({}));
  const all = RouteTables?.flatMap(({ Routes }) => Routes ?? []) ?? [];
  return all.flatMap(({ VpcPeeringConnectionId, DestinationCidrBlock, State }) =>
    VpcPeeringConnectionId === undefined ? [] : [`${DestinationCidrBlock ?? ''} ${State ?? ''}`],
  );
}

describe('a connection', () => {
  timed('becomes active, as both sides see', async () => {
    const before = stage.aws.inventory();
    const fleetId = await stage.activeFleet();
    await stage.authorize();
    await stage.connect(fleetId);
    expect(await stage.statuses(fleetId)).toEqual(['provisioning']);
    await stage.wait(30);
    const [connection] = await stage.connections(fleetId);
    const fleet = stage.aws.gameLift.fleets.all()[0];
    expect(connection).toEqual({
      FleetId: fleetId,
      FleetArn: fleet?.arn,
      IpV4CidrBlock: '10.192.0.0/20',
      VpcPeeringConnectionId: expect.stringMatching(/^pcx-[0-9a-f]{17}$/) as unknown,
      Status: { Code: 'active', Message: 'Active' },
      PeerVpcId: stage.vpcId,
      GameLiftVpcId: fleet?.vpc?.vpcId,
    });
    expect(await stage.peerings()).toEqual([
      expect.objectContaining({
        VpcPeeringConnectionId: connection?.VpcPeeringConnectionId,
        Status: { Code: 'active', Message: 'Active' },
        RequesterVpcInfo: expect.objectContaining({ OwnerId: '999999999999', CidrBlock: '10.192.0.0/20' }) as unknown,
        AccepterVpcInfo: expect.objectContaining({ OwnerId: VPC_ACCOUNT, VpcId: stage.vpcId }) as unknown,
      }),
    ]);
    expect((await stage.events(fleetId)).at(-1)).toBe('FLEET_VPC_PEERING_SUCCEEDED');

    await stage.disconnect(fleetId, connection?.VpcPeeringConnectionId);
    expect(await stage.statuses(fleetId)).toEqual(['deleted']);
    expect((await stage.events(fleetId)).at(-1)).toBe('FLEET_VPC_PEERING_DELETED');
    await stage.deleteFleet(fleetId);
    await stage.wait(DAY);
    expect(stage.aws.inventory()).toEqual(before);
  });

  timed('is refused without an authorization, and a day later', async () => {
    const fleetId = await stage.activeFleet();
    const refused = { name: 'UnauthorizedException', message: `There is no valid VPC peering authorization for ${stage.vpcId}.` };
    await expect(stage.connect(fleetId)).rejects.toMatchObject(refused);
    await stage.authorize();
    await stage.wait(DAY);
    await expect(stage.connect(fleetId)).rejects.toMatchObject(refused);
    expect(await stage.connections(fleetId)).toEqual([]);
  });

  timed('fails where a secondary block overlaps', async () => {
    stage.aws.scriptedOutcomes.fleet = () => ({ cidrBlock: '10.7.0.0/20' });
    stage.aws.ec2.associateCidrBlock({ account: VPC_ACCOUNT, region: REGION }, stage.vpcId, '10.7.8.0/24');
    const { fleetId, connection } = await stage.peer();
    expect(connection.Status).toEqual({ Code: 'failed', Message: OVERLAP });
    expect(connection.IpV4CidrBlock).toBeUndefined();
    expect((await stage.events(fleetId)).at(-1)).toBe('FLEET_VPC_PEERING_FAILED');
    await stage.deleteFleet(fleetId);
  });

  timed('fails where the authorizer lost its permission', async () => {
    authorizeWith(ACTIONS);
    const fleetId = await stage.activeFleet();
    await stage.authorize();
    stage.aws.iam.putRolePolicy(VPC_ACCOUNT, 'Handler', 'Default', policy(allow(['gamelift:*'])));
    await stage.connect(fleetId);
    await stage.wait(30);
    const [connection] = await stage.connections(fleetId);
    expect(connection?.Status).toEqual({
      Code: 'failed',
      Message: expect.stringContaining('is not authorized to perform: ec2:AcceptVpcPeeringConnection') as unknown,
    });
  });

  timed('stays pending, is rejected or fails, as tests want', async () => {
    const [pending, rejected, failed] = [await stage.createFleet(), await stage.createFleet(), await stage.createFleet()];
    await stage.wait(1500);
    stage.aws.scriptedOutcomes.connection = ({ fleetId }) =>
      fleetId === pending ? { end: 'pending' } : fleetId === rejected ? { end: 'rejected' } : { end: 'failed', message: 'No.' };
    await stage.authorize();
    for (const fleetId of [pending, rejected, failed]) {
      await stage.connect(fleetId);
    }
    await stage.wait(3600);
    const status = async (fleetId: string) => (await stage.connections(fleetId))[0]?.Status;
    expect(await status(pending)).toMatchObject({ Code: 'pending-acceptance' });
    expect(await status(rejected)).toMatchObject({ Code: 'rejected' });
    expect(await status(failed)).toEqual({ Code: 'failed', Message: 'No.' });
    stage.aws.gameLift.connections.resumePendingConnections();
    await stage.wait(30);
    expect(await status(pending)).toMatchObject({ Code: 'active' });
  });

  timed('is gone when its owner deletes it in EC2', async () => {
    const { fleetId, connection } = await stage.peer();
    await stage.ec2.send(new DeletePcx({ VpcPeeringConnectionId: connection.VpcPeeringConnectionId }));
    expect((await stage.connections(fleetId))[0]?.Status).toEqual({ Code: 'deleted', Message: `Deleted by ${VPC_ACCOUNT}` });
    expect(await routesToFleets()).toEqual(['10.192.0.0/20 blackhole']);
    await stage.wait(DAY);
    await stage.deleteFleet(fleetId);
  });

  timed('can be asked for once in ten seconds', async () => {
    const { fleetId } = await stage.peer();
    const describe = () => stage.manager.send(new DescribeVpcPeeringConnectionsCommand({ FleetId: fleetId }));
    await expect(describe()).rejects.toMatchObject({ name: 'ThrottlingException' });
    await stage.wait(10);
    await describe();
  });

  test.each([
    ['fleet-1', 'NotFoundException'],
    [`arn:aws:gamelift:${REGION}::fleet/fleet-1`, 'InvalidRequestException'],
  ])('of the fleet %s is %s', async (fleetId, name) => {
    await expect(stage.connect(fleetId)).rejects.toMatchObject({ name });
  });

  timed('is not for Anywhere fleets', async () => {
    const fleetId = await stage.createFleet({ ComputeType: 'ANYWHERE', BuildId: undefined, EC2InstanceType: undefined });
    await expect(stage.connect(fleetId)).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });
});

describe('a peered fleet', () => {
  timed('is deleted with its connections, where that is authorized', async () => {
    const { fleetId } = await stage.peer();
    await stage.wait(DAY);
    await expect(stage.deleteFleet(fleetId)).rejects.toMatchObject({ name: 'UnauthorizedException' });
    expect(await stage.fleetStatus(fleetId)).toBe('ACTIVE');
    await stage.authorize();
    await stage.deleteFleet(fleetId);
    await stage.wait(60);
    expect(await stage.fleetStatus(fleetId)).toBeUndefined();
    expect(stage.aws.inventory()).toMatchObject({ fleets: [], connections: [], peerings: [], routes: [] });
  });

  timed('is peered on creation with an authorization', async () => {
    const peer = { PeerVpcId: stage.vpcId, PeerVpcAwsAccountId: VPC_ACCOUNT };
    await expect(stage.createFleet(peer)).rejects.toMatchObject({ name: 'UnauthorizedException' });
    await stage.authorize();
    const fleetId = await stage.createFleet(peer);
    expect(await stage.statuses(fleetId)).toEqual(['initiating-request']);
    await stage.wait(1100);
    expect(await stage.statuses(fleetId)).toEqual(['initiating-request']);
    await stage.wait(300);
    expect(await stage.fleetStatus(fleetId)).toBe('ACTIVATING');
    expect(await stage.statuses(fleetId)).toEqual(['active']);
    await stage.wait(100);
    expect(await stage.fleetStatus(fleetId)).toBe('ACTIVE');
  });

  timed('ends in ERROR where its birth as a peer fails', async () => {
    stage.aws.scriptedOutcomes.connection = () => ({ end: 'failed', message: 'No.' });
    await stage.authorize();
    const fleetId = await stage.activeFleet({ PeerVpcId: stage.vpcId, PeerVpcAwsAccountId: VPC_ACCOUNT });
    expect(await stage.fleetStatus(fleetId)).toBe('ERROR');
    await stage.wait(DAY);
    await stage.deleteFleet(fleetId);
  });
});

describe('what AWS does not say', () => {
  timed('2: an authorization may be consumed', async () => {
    stage.aws.behaviours.set('useOfAuthorization', 'consumed');
    const { fleetId, connection } = await stage.peer();
    await expect(stage.disconnect(fleetId, connection.VpcPeeringConnectionId)).rejects.toMatchObject({
      name: 'UnauthorizedException',
    });
    await stage.authorize();
    await stage.disconnect(fleetId, connection.VpcPeeringConnectionId);
  });

  timedEach('3: a missing authorization shows as %s', ['NotFoundException', 'InvalidRequestException'], async (reading) => {
    stage.aws.behaviours.set('missingAuthorization', reading);
    const fleetId = await stage.activeFleet();
    await expect(stage.connect(fleetId)).rejects.toMatchObject({ name: reading });
  });

  timed('3: a missing authorization shows in what becomes of the request', async () => {
    const { fleetId, connection } = await stage.peer();
    await stage.wait(DAY);
    stage.aws.behaviours.set('missingAuthorization', 'failed');
    await stage.disconnect(fleetId, connection.VpcPeeringConnectionId);
    expect((await stage.connections(fleetId))[0]?.Status).toEqual({ Code: 'failed', Message: 'VPC actions are not authorized' });
    expect((await stage.peerings())[0]?.Status?.Code).toBe('active');
    await stage.deleteFleet(fleetId);
    await stage.wait(60);
    expect(await stage.fleetStatus(fleetId)).toBe('ERROR');
    await stage.authorize();
    await stage.disconnect(fleetId, connection.VpcPeeringConnectionId);
    expect(await stage.statuses(fleetId)).toEqual(['deleted']);
    await stage.wait(DAY);
    const other = await stage.activeFleet();
    await stage.connect(other);
    await stage.wait(30);
    expect((await stage.connections(other))[0]?.Status).toEqual({ Code: 'failed', Message: 'VPC actions are not authorized' });
  });

  timedEach('4: creating what exists: %s', ['InvalidRequestException', 'accepted'], async (reading) => {
    stage.aws.behaviours.set('existingConnection', reading);
    const { fleetId } = await stage.peer();
    await (reading === 'accepted'
      ? stage.connect(fleetId)
      : expect(stage.connect(fleetId)).rejects.toMatchObject({ name: 'InvalidRequestException' }));
    expect(await stage.statuses(fleetId)).toEqual(['active']);
  });

  timed('5: deleting may take a while', async () => {
    stage.aws.behaviours.set('deletingConnections', 'deleting for a while');
    stage.aws.scriptedOutcomes.connectionDeletionSeconds = 100;
    const { fleetId, connection } = await stage.peer();
    await stage.disconnect(fleetId, connection.VpcPeeringConnectionId);
    expect(await stage.statuses(fleetId)).toEqual(['deleting']);
    await stage.wait(100);
    expect(await stage.statuses(fleetId)).toEqual(['deleted']);
  });

  timed('5: a connection that is deleted as soon as it is requested stays deleting until it is deleted', async () => {
    stage.aws.behaviours.set('deletingConnections', 'deleting for a while');
    stage.aws.scriptedOutcomes.connectionDeletionSeconds = 100;
    // the request is initiated for a tenth of the time
    stage.aws.scriptedOutcomes.connectionSeconds = 300;
    const fleetId = await stage.activeFleet();
    await stage.authorize();
    await stage.connect(fleetId);
    const [requested] = await stage.connections(fleetId);
    await stage.disconnect(fleetId, requested?.VpcPeeringConnectionId);
    await stage.wait(50);
    expect(await stage.statuses(fleetId)).toEqual(['deleting']);
    await stage.wait(50);
    expect(await stage.statuses(fleetId)).toEqual(['deleted']);
  });

  timedEach('6: records that ended: %s', ['listed for hours', 'not listed'], async (reading) => {
    stage.aws.behaviours.set('endedConnections', reading);
    const { fleetId, connection } = await stage.peer();
    await stage.disconnect(fleetId, connection.VpcPeeringConnectionId);
    expect(await stage.statuses(fleetId)).toEqual(reading === 'listed for hours' ? ['deleted'] : []);
    await stage.connect(fleetId);
    await stage.wait(30);
    expect(await stage.statuses(fleetId)).toEqual(reading === 'listed for hours' ? ['deleted', 'active'] : ['active']);
    await stage.wait(2 * 3600);
    expect(await stage.statuses(fleetId)).toEqual(['active']);
  });

  timed('7: the id may be GameLift’s own', async () => {
    stage.aws.behaviours.set('connectionIds', 'id of GameLift');
    const { fleetId, connection } = await stage.peer();
    expect(connection.VpcPeeringConnectionId).not.toBe((await stage.peerings())[0]?.VpcPeeringConnectionId);
    await stage.disconnect(fleetId, connection.VpcPeeringConnectionId);
    expect(await stage.statuses(fleetId)).toEqual(['deleted']);
  });

  timedEach('8: connections of a deleted fleet: %s', ['NotFoundException', 'empty list'], async (reading) => {
    stage.aws.behaviours.set('connectionsOfDeletedFleet', reading);
    const { fleetId } = await stage.peer();
    await stage.deleteFleet(fleetId);
    await stage.wait(60);
    await (reading === 'empty list'
      ? expect(stage.connections(fleetId)).resolves.toEqual([])
      : expect(stage.connections(fleetId)).rejects.toMatchObject({ name: reading }));
  });

  timedEach('9: GameLift writes into %s', ['none', 'main route table', 'every route table'], async (reading) => {
    stage.aws.behaviours.set('peerVpcWrites', reading);
    const place = { account: VPC_ACCOUNT, region: REGION };
    const other = stage.aws.ec2.createRouteTable(place, stage.vpcId);
    const before = stage.aws.inventory();
    authorizeWith(ACTIONS);
    const { fleetId, connection } = await stage.peer();
    const count = { none: 0, 'main route table': 1, 'every route table': 2 }[reading];
    expect(await routesToFleets()).toHaveLength(count);
    expect(stage.aws.ec2.routeTable(place, other).routes.size).toBe(reading === 'every route table' ? 1 : 0);
    const { SecurityGroups } = await stage.ec2.send(new DescribeSecurityGroupsCommand({}));
    const open = SecurityGroups?.[0]?.IpPermissions?.filter(({ IpRanges }) => IpRanges?.[0]?.CidrIp === '10.192.0.0/20');
    expect(open).toHaveLength(count === 0 ? 0 : 1);
    await stage.disconnect(fleetId, connection.VpcPeeringConnectionId);
    const { routes, rules } = stage.aws.inventory();
    expect({ routes, rules }).toEqual({ routes: before.routes, rules: before.rules });
  });

  timed('9: GameLift writes into no gateway route table', async () => {
    stage.aws.behaviours.set('peerVpcWrites', 'every route table');
    const place = { account: VPC_ACCOUNT, region: REGION };
    const tableId = stage.aws.ec2.createRouteTable(place, stage.vpcId);
    const gatewayId = stage.aws.ec2.createGateway(place, 'igw');
    stage.aws.ec2.attachGateway(place, gatewayId, stage.vpcId);
    stage.aws.ec2.associateGateway(place, tableId, gatewayId);
    const { connection } = await stage.peer();
    expect(connection.Status?.Code).toBe('active');
    expect(await routesToFleets()).toHaveLength(1);
    expect(stage.aws.ec2.routeTable(place, tableId).routes.size).toBe(0);
  });

  timed('9: what GameLift wrote may stay, by its nature or for lack of permission', async () => {
    stage.aws.behaviours.set('peerVpcWritesOnDelete', 'left behind');
    const first = await stage.peer();
    await stage.disconnect(first.fleetId, first.connection.VpcPeeringConnectionId);
    expect(await routesToFleets()).toEqual(['10.192.0.0/20 blackhole']);
    stage.aws.behaviours.set('peerVpcWritesOnDelete', 'removed');
    authorizeWith(ACTIONS.slice(0, 7));
    const second = await stage.peer();
    await stage.disconnect(second.fleetId, second.connection.VpcPeeringConnectionId);
    expect(await routesToFleets()).toEqual(['10.192.0.0/20 blackhole', '10.192.16.0/20 blackhole']);
  });

  timed('11: events may never be seen', async () => {
    stage.aws.behaviours.set('fleetEvents', 'never seen');
    const { fleetId } = await stage.peer();
    expect((await stage.events(fleetId)).at(-1)).toBe('FLEET_STATE_ACTIVE');
  });

  timedEach('13: connecting early: %s', ['InvalidRequestException', 'pending until ACTIVE'], async (reading) => {
    stage.aws.behaviours.set('connectingInactiveFleet', reading);
    const fleetId = await stage.createFleet();
    await stage.authorize();
    if (reading === 'InvalidRequestException') {
      await expect(stage.connect(fleetId)).rejects.toMatchObject({ name: reading });
      return;
    }
    await stage.connect(fleetId);
    await stage.wait(600);
    expect(await stage.statuses(fleetId)).toEqual(['initiating-request']);
    await stage.wait(1500);
    expect(await stage.statuses(fleetId)).toEqual(['active']);
  });

  timed('15: the CIDR blocks of two fleets may be equal', async () => {
    stage.aws.behaviours.set('fleetCidrBlocks', 'may be equal');
    const first = await stage.peer();
    const second = await stage.peer();
    expect(second.connection).toMatchObject({ IpV4CidrBlock: first.connection.IpV4CidrBlock, Status: { Code: 'active' } });
    expect(await routesToFleets()).toEqual(['10.192.0.0/20 active']);
  });

  timedEach('18: a failed connection is %s to the owner of the VPC', ['not shown', 'shown'], async (reading) => {
    stage.aws.behaviours.set('failedSeenByAccepter', reading);
    stage.aws.scriptedOutcomes.connection = () => ({ end: 'failed', message: 'No.' });
    await stage.peer();
    expect((await stage.peerings()).map(({ Status }) => Status?.Code)).toEqual(reading === 'shown' ? ['failed'] : []);
  });
});

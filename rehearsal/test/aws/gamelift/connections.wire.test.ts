import {
  DeleteVpcPeeringConnectionCommand as DeleteEc2PeeringCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
} from '@aws-sdk/client-ec2';
import { DescribeVpcPeeringConnectionsCommand } from '@aws-sdk/client-gamelift';
import { PeeringSimulation } from '../peering-simulation';
import { allow, gameLiftClient, policy, REGION, createRoleSession, VPC_ACCOUNT } from '../simulation';

const DAY_SECONDS = 24 * 3600;
/** The actions that the authorizing role needs. With this role, GameLift accepts the connection, and writes routes and rules. */
const AUTHORIZER_ACTIONS = [
  'gamelift:CreateVpcPeeringAuthorization',
  'ec2:AcceptVpcPeeringConnection',
  'ec2:AuthorizeSecurityGroupEgress',
  'ec2:AuthorizeSecurityGroupIngress',
  'ec2:CreateRoute',
  'ec2:DescribeRouteTables',
  'ec2:DescribeSecurityGroups',
];
/** The actions that the authorizing role also needs, so that GameLift can remove its routes and rules. */
const REMOVAL_ACTIONS = ['ec2:DeleteRoute', 'ec2:RevokeSecurityGroupEgress', 'ec2:RevokeSecurityGroupIngress'];
const OVERLAP_MESSAGE = 'Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range';

let simulation: PeeringSimulation;

beforeEach(async () => {
  simulation = await PeeringSimulation.start();
});

afterEach(() => simulation.close());

/** Defines a test in which time leaps only while the test sleeps. */
function rehearsedTest(name: string, body: () => Promise<void>): void {
  test(name, () => simulation.clock.work(body));
}

/** Like `rehearsedTest`, but defines a test for each reading. */
function rehearsedTestEach<T extends string>(name: string, readings: readonly T[], body: (reading: T) => Promise<void>): void {
  test.each(readings)(name, (reading) => simulation.clock.work(() => body(reading)));
}

const AUTHORIZER_ROLE = 'Authorizer';

/** Lets a role with only these permissions make all later authorizations. */
function limitAuthorizer(actions: readonly string[]): void {
  const { credentials } = createRoleSession(simulation.aws, policy(allow([...actions])), AUTHORIZER_ROLE);
  simulation.peerVpcClient = gameLiftClient(simulation.aws, credentials);
}

/** The destination and the state of each route to a peering connection. */
async function routesToPeerings(): Promise<string[]> {
  const { RouteTables } = await simulation.ec2Client.send(new DescribeRouteTablesCommand({}));
  const routes = RouteTables?.flatMap(({ Routes }) => Routes ?? []) ?? [];
  return routes.flatMap(({ VpcPeeringConnectionId, DestinationCidrBlock, State }) =>
    VpcPeeringConnectionId === undefined ? [] : [`${DestinationCidrBlock ?? ''} ${State ?? ''}`],
  );
}

describe('a connection', () => {
  rehearsedTest('becomes active in GameLift and in EC2, and is deleted again', async () => {
    const before = simulation.aws.inventory();
    const fleetId = await simulation.createActiveFleet();
    await simulation.authorize();
    await simulation.connect(fleetId);
    expect(await simulation.connectionStatuses(fleetId)).toEqual(['provisioning']);
    await simulation.wait(30);
    const [connection] = await simulation.connections(fleetId);
    const fleet = simulation.aws.gameLift.fleets.all()[0];
    expect(connection).toEqual({
      FleetId: fleetId,
      FleetArn: fleet?.arn,
      IpV4CidrBlock: '10.192.0.0/20',
      VpcPeeringConnectionId: expect.stringMatching(/^pcx-[0-9a-f]{17}$/) as unknown,
      Status: { Code: 'active', Message: 'Active' },
      PeerVpcId: simulation.vpcId,
      GameLiftVpcId: fleet?.vpc?.vpcId,
    });
    expect(await simulation.ec2Peerings()).toEqual([
      expect.objectContaining({
        VpcPeeringConnectionId: connection?.VpcPeeringConnectionId,
        Status: { Code: 'active', Message: 'Active' },
        // the account that owns the VPCs of fleets in the simulation
        RequesterVpcInfo: expect.objectContaining({ OwnerId: '999999999999', CidrBlock: '10.192.0.0/20' }) as unknown,
        AccepterVpcInfo: expect.objectContaining({ OwnerId: VPC_ACCOUNT, VpcId: simulation.vpcId }) as unknown,
      }),
    ]);
    expect((await simulation.eventCodes(fleetId)).at(-1)).toBe('FLEET_VPC_PEERING_SUCCEEDED');

    await simulation.disconnect(fleetId, connection?.VpcPeeringConnectionId);
    expect(await simulation.connectionStatuses(fleetId)).toEqual(['deleted']);
    expect((await simulation.eventCodes(fleetId)).at(-1)).toBe('FLEET_VPC_PEERING_DELETED');
    await simulation.deleteFleet(fleetId);
    await simulation.wait(DAY_SECONDS);
    expect(simulation.aws.inventory()).toEqual(before);
  });

  rehearsedTest('is refused without an authorization, and after the authorization has expired', async () => {
    const fleetId = await simulation.createActiveFleet();
    const refusal = {
      name: 'UnauthorizedException',
      message: `There is no valid VPC peering authorization for ${simulation.vpcId}.`,
    };
    await expect(simulation.connect(fleetId)).rejects.toMatchObject(refusal);
    await simulation.authorize();
    await simulation.wait(DAY_SECONDS);
    await expect(simulation.connect(fleetId)).rejects.toMatchObject(refusal);
    expect(await simulation.connections(fleetId)).toEqual([]);
  });

  rehearsedTest('fails if a secondary CIDR block of the VPC overlaps the block of the fleet', async () => {
    simulation.aws.scriptedOutcomes.fleet = () => ({ cidrBlock: '10.7.0.0/20' });
    simulation.aws.ec2.associateCidrBlock({ account: VPC_ACCOUNT, region: REGION }, simulation.vpcId, '10.7.8.0/24');
    const { fleetId, connection } = await simulation.connectNewFleet();
    expect(connection.Status).toEqual({ Code: 'failed', Message: OVERLAP_MESSAGE });
    expect(connection.IpV4CidrBlock).toBeUndefined();
    expect((await simulation.eventCodes(fleetId)).at(-1)).toBe('FLEET_VPC_PEERING_FAILED');
    await simulation.deleteFleet(fleetId);
  });

  rehearsedTest('fails if the role that authorized has lost its permissions', async () => {
    limitAuthorizer([...AUTHORIZER_ACTIONS, ...REMOVAL_ACTIONS]);
    const fleetId = await simulation.createActiveFleet();
    await simulation.authorize();
    simulation.aws.iam.putRolePolicy(VPC_ACCOUNT, AUTHORIZER_ROLE, 'Default', policy(allow(['gamelift:*'])));
    await simulation.connect(fleetId);
    await simulation.wait(30);
    const [connection] = await simulation.connections(fleetId);
    expect(connection?.Status).toEqual({
      Code: 'failed',
      Message: expect.stringContaining('is not authorized to perform: ec2:AcceptVpcPeeringConnection') as unknown,
    });
  });

  rehearsedTest('stays pending, is rejected or fails if a test scripts this outcome', async () => {
    const [pendingFleetId, rejectedFleetId, failedFleetId] = [
      await simulation.createFleet(),
      await simulation.createFleet(),
      await simulation.createFleet(),
    ];
    await simulation.wait(1500);
    simulation.aws.scriptedOutcomes.connection = ({ fleetId }) =>
      fleetId === pendingFleetId
        ? { end: 'pending' }
        : fleetId === rejectedFleetId
          ? { end: 'rejected' }
          : { end: 'failed', message: 'No.' };
    await simulation.authorize();
    for (const fleetId of [pendingFleetId, rejectedFleetId, failedFleetId]) {
      await simulation.connect(fleetId);
    }
    await simulation.wait(3600);
    const statusOf = async (fleetId: string) => (await simulation.connections(fleetId))[0]?.Status;
    expect(await statusOf(pendingFleetId)).toMatchObject({ Code: 'pending-acceptance' });
    expect(await statusOf(rejectedFleetId)).toMatchObject({ Code: 'rejected' });
    expect(await statusOf(failedFleetId)).toEqual({ Code: 'failed', Message: 'No.' });
    simulation.aws.gameLift.connections.resumePendingConnections();
    await simulation.wait(30);
    expect(await statusOf(pendingFleetId)).toMatchObject({ Code: 'active' });
  });

  rehearsedTest('is deleted if the account of the VPC deletes it in EC2', async () => {
    const { fleetId, connection } = await simulation.connectNewFleet();
    await simulation.ec2Client.send(new DeleteEc2PeeringCommand({ VpcPeeringConnectionId: connection.VpcPeeringConnectionId }));
    expect((await simulation.connections(fleetId))[0]?.Status).toEqual({ Code: 'deleted', Message: `Deleted by ${VPC_ACCOUNT}` });
    expect(await routesToPeerings()).toEqual(['10.192.0.0/20 blackhole']);
    // a day later there is no valid authorization: the deletion of the fleet needs none, because no connection is left
    await simulation.wait(DAY_SECONDS);
    await simulation.deleteFleet(fleetId);
  });

  rehearsedTest('can be described once in ten seconds', async () => {
    const { fleetId } = await simulation.connectNewFleet();
    const describeConnections = () => simulation.fleetClient.send(new DescribeVpcPeeringConnectionsCommand({ FleetId: fleetId }));
    // `connectNewFleet` has just described the connections
    await expect(describeConnections()).rejects.toMatchObject({ name: 'ThrottlingException' });
    await simulation.wait(10);
    await describeConnections();
  });

  test.each([
    ['fleet-1', 'NotFoundException'],
    [`arn:aws:gamelift:${REGION}::fleet/fleet-1`, 'InvalidRequestException'],
  ])('is refused for the fleet %s with the error %s', async (fleetId, name) => {
    await expect(simulation.connect(fleetId)).rejects.toMatchObject({ name });
  });

  rehearsedTest('is refused for an Anywhere fleet', async () => {
    const fleetId = await simulation.createFleet({ ComputeType: 'ANYWHERE', BuildId: undefined, EC2InstanceType: undefined });
    await expect(simulation.connect(fleetId)).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });
});

describe('a peered fleet', () => {
  rehearsedTest('is deleted with its connections, but only with an authorization', async () => {
    const { fleetId } = await simulation.connectNewFleet();
    await simulation.wait(DAY_SECONDS);
    await expect(simulation.deleteFleet(fleetId)).rejects.toMatchObject({ name: 'UnauthorizedException' });
    expect(await simulation.fleetStatus(fleetId)).toBe('ACTIVE');
    await simulation.authorize();
    await simulation.deleteFleet(fleetId);
    await simulation.wait(60);
    expect(await simulation.fleetStatus(fleetId)).toBeUndefined();
    expect(simulation.aws.inventory()).toMatchObject({ fleets: [], connections: [], peerings: [], routes: [] });
  });

  rehearsedTest('can be peered at its creation, but only with an authorization', async () => {
    const peer = { PeerVpcId: simulation.vpcId, PeerVpcAwsAccountId: VPC_ACCOUNT };
    await expect(simulation.createFleet(peer)).rejects.toMatchObject({ name: 'UnauthorizedException' });
    await simulation.authorize();
    const fleetId = await simulation.createFleet(peer);
    expect(await simulation.connectionStatuses(fleetId)).toEqual(['initiating-request']);
    await simulation.wait(1100);
    expect(await simulation.connectionStatuses(fleetId)).toEqual(['initiating-request']);
    await simulation.wait(300);
    expect(await simulation.fleetStatus(fleetId)).toBe('ACTIVATING');
    expect(await simulation.connectionStatuses(fleetId)).toEqual(['active']);
    await simulation.wait(100);
    expect(await simulation.fleetStatus(fleetId)).toBe('ACTIVE');
  });

  rehearsedTest('changes to ERROR if the connection fails while the fleet is created', async () => {
    simulation.aws.scriptedOutcomes.connection = () => ({ end: 'failed', message: 'No.' });
    await simulation.authorize();
    const fleetId = await simulation.createActiveFleet({ PeerVpcId: simulation.vpcId, PeerVpcAwsAccountId: VPC_ACCOUNT });
    expect(await simulation.fleetStatus(fleetId)).toBe('ERROR');
    // a day later there is no valid authorization: the deletion of the fleet needs none, because the connection failed
    await simulation.wait(DAY_SECONDS);
    await simulation.deleteFleet(fleetId);
  });
});

describe('readings', () => {
  rehearsedTest('connecting and disconnecting can consume the authorization', async () => {
    simulation.aws.behaviours.set('useOfAuthorization', 'consumed');
    const { fleetId, connection } = await simulation.connectNewFleet();
    await expect(simulation.disconnect(fleetId, connection.VpcPeeringConnectionId)).rejects.toMatchObject({
      name: 'UnauthorizedException',
    });
    await simulation.authorize();
    await simulation.disconnect(fleetId, connection.VpcPeeringConnectionId);
  });

  rehearsedTestEach(
    'a call without a valid authorization causes the error %s',
    ['NotFoundException', 'InvalidRequestException'],
    async (reading) => {
      simulation.aws.behaviours.set('missingAuthorization', reading);
      const fleetId = await simulation.createActiveFleet();
      await expect(simulation.connect(fleetId)).rejects.toMatchObject({ name: reading });
    },
  );

  rehearsedTest('a call without a valid authorization can be accepted and fail later', async () => {
    const { fleetId, connection } = await simulation.connectNewFleet();
    await simulation.wait(DAY_SECONDS);
    simulation.aws.behaviours.set('missingAuthorization', 'accepted, then fails');
    await simulation.disconnect(fleetId, connection.VpcPeeringConnectionId);
    expect((await simulation.connections(fleetId))[0]?.Status).toEqual({
      Code: 'failed',
      Message: 'VPC actions are not authorized',
    });
    expect((await simulation.ec2Peerings())[0]?.Status?.Code).toBe('active');
    await simulation.deleteFleet(fleetId);
    await simulation.wait(60);
    expect(await simulation.fleetStatus(fleetId)).toBe('ERROR');
    await simulation.authorize();
    await simulation.disconnect(fleetId, connection.VpcPeeringConnectionId);
    expect(await simulation.connectionStatuses(fleetId)).toEqual(['deleted']);
    await simulation.wait(DAY_SECONDS);
    const secondFleetId = await simulation.createActiveFleet();
    await simulation.connect(secondFleetId);
    await simulation.wait(30);
    expect((await simulation.connections(secondFleetId))[0]?.Status).toEqual({
      Code: 'failed',
      Message: 'VPC actions are not authorized',
    });
  });

  rehearsedTestEach(
    'a second request for an existing connection has the result %s',
    ['InvalidRequestException', 'accepted'],
    async (reading) => {
      simulation.aws.behaviours.set('existingConnection', reading);
      const { fleetId } = await simulation.connectNewFleet();
      await (reading === 'accepted'
        ? simulation.connect(fleetId)
        : expect(simulation.connect(fleetId)).rejects.toMatchObject({ name: 'InvalidRequestException' }));
      expect(await simulation.connectionStatuses(fleetId)).toEqual(['active']);
    },
  );

  rehearsedTest('a connection can stay in the status deleting for a while', async () => {
    simulation.aws.behaviours.set('deletingConnections', 'deleting for a while');
    simulation.aws.scriptedOutcomes.connectionDeletionSeconds = 100;
    const { fleetId, connection } = await simulation.connectNewFleet();
    await simulation.disconnect(fleetId, connection.VpcPeeringConnectionId);
    expect(await simulation.connectionStatuses(fleetId)).toEqual(['deleting']);
    await simulation.wait(100);
    expect(await simulation.connectionStatuses(fleetId)).toEqual(['deleted']);
  });

  rehearsedTest('a connection that is deleted right after its request stays in the status deleting for a while', async () => {
    simulation.aws.behaviours.set('deletingConnections', 'deleting for a while');
    simulation.aws.scriptedOutcomes.connectionDeletionSeconds = 100;
    simulation.aws.scriptedOutcomes.connectionSeconds = 300;
    // without the deletion, the status would change to pending-acceptance after 30 seconds: 10 % of `connectionSeconds`
    const fleetId = await simulation.createActiveFleet();
    await simulation.authorize();
    await simulation.connect(fleetId);
    const [requestedConnection] = await simulation.connections(fleetId);
    await simulation.disconnect(fleetId, requestedConnection?.VpcPeeringConnectionId);
    await simulation.wait(50);
    expect(await simulation.connectionStatuses(fleetId)).toEqual(['deleting']);
    await simulation.wait(50);
    expect(await simulation.connectionStatuses(fleetId)).toEqual(['deleted']);
  });

  rehearsedTestEach('connections that have ended are %s', ['listed for hours', 'not listed'], async (reading) => {
    simulation.aws.behaviours.set('endedConnections', reading);
    const { fleetId, connection } = await simulation.connectNewFleet();
    await simulation.disconnect(fleetId, connection.VpcPeeringConnectionId);
    expect(await simulation.connectionStatuses(fleetId)).toEqual(reading === 'listed for hours' ? ['deleted'] : []);
    await simulation.connect(fleetId);
    await simulation.wait(30);
    expect(await simulation.connectionStatuses(fleetId)).toEqual(
      reading === 'listed for hours' ? ['deleted', 'active'] : ['active'],
    );
    await simulation.wait(2 * 3600);
    expect(await simulation.connectionStatuses(fleetId)).toEqual(['active']);
  });

  rehearsedTest('a connection can have an id of GameLift that differs from the id in EC2', async () => {
    simulation.aws.behaviours.set('connectionIds', 'id of GameLift');
    const { fleetId, connection } = await simulation.connectNewFleet();
    expect(connection.VpcPeeringConnectionId).not.toBe((await simulation.ec2Peerings())[0]?.VpcPeeringConnectionId);
    await simulation.disconnect(fleetId, connection.VpcPeeringConnectionId);
    expect(await simulation.connectionStatuses(fleetId)).toEqual(['deleted']);
  });

  rehearsedTestEach(
    'a call that describes the connections of a deleted fleet has the result %s',
    ['NotFoundException', 'empty list'],
    async (reading) => {
      simulation.aws.behaviours.set('connectionsOfDeletedFleet', reading);
      const { fleetId } = await simulation.connectNewFleet();
      await simulation.deleteFleet(fleetId);
      await simulation.wait(60);
      await (reading === 'empty list'
        ? expect(simulation.connections(fleetId)).resolves.toEqual([])
        : expect(simulation.connections(fleetId)).rejects.toMatchObject({ name: reading }));
    },
  );

  rehearsedTestEach(
    'GameLift writes routes into these route tables: %s',
    ['none', 'main route table', 'every route table'],
    async (reading) => {
      simulation.aws.behaviours.set('peerVpcWrites', reading);
      const place = { account: VPC_ACCOUNT, region: REGION };
      const otherTableId = simulation.aws.ec2.createRouteTable(place, simulation.vpcId);
      const before = simulation.aws.inventory();
      limitAuthorizer([...AUTHORIZER_ACTIONS, ...REMOVAL_ACTIONS]);
      const { fleetId, connection } = await simulation.connectNewFleet();
      const expectedRoutes = { none: 0, 'main route table': 1, 'every route table': 2 }[reading];
      expect(await routesToPeerings()).toHaveLength(expectedRoutes);
      expect(simulation.aws.ec2.routeTable(place, otherTableId).routes.size).toBe(reading === 'every route table' ? 1 : 0);
      const { SecurityGroups } = await simulation.ec2Client.send(new DescribeSecurityGroupsCommand({}));
      const rulesForFleet = SecurityGroups?.[0]?.IpPermissions?.filter(
        ({ IpRanges }) => IpRanges?.[0]?.CidrIp === '10.192.0.0/20',
      );
      expect(rulesForFleet).toHaveLength(expectedRoutes === 0 ? 0 : 1);
      await simulation.disconnect(fleetId, connection.VpcPeeringConnectionId);
      const { routes, rules } = simulation.aws.inventory();
      expect({ routes, rules }).toEqual({ routes: before.routes, rules: before.rules });
    },
  );

  rehearsedTest('GameLift never writes routes into a gateway route table', async () => {
    simulation.aws.behaviours.set('peerVpcWrites', 'every route table');
    const place = { account: VPC_ACCOUNT, region: REGION };
    const tableId = simulation.aws.ec2.createRouteTable(place, simulation.vpcId);
    const gatewayId = simulation.aws.ec2.createGateway(place, 'igw');
    simulation.aws.ec2.attachGateway(place, gatewayId, simulation.vpcId);
    simulation.aws.ec2.associateGateway(place, tableId, gatewayId);
    const { connection } = await simulation.connectNewFleet();
    expect(connection.Status?.Code).toBe('active');
    expect(await routesToPeerings()).toHaveLength(1);
    expect(simulation.aws.ec2.routeTable(place, tableId).routes.size).toBe(0);
  });

  rehearsedTest(
    'leaves the routes of GameLift in place when it is deleted, under the reading "left behind" or if the role may not delete routes',
    async () => {
      simulation.aws.behaviours.set('peerVpcWritesOnDelete', 'left behind');
      const first = await simulation.connectNewFleet();
      await simulation.disconnect(first.fleetId, first.connection.VpcPeeringConnectionId);
      expect(await routesToPeerings()).toEqual(['10.192.0.0/20 blackhole']);
      simulation.aws.behaviours.set('peerVpcWritesOnDelete', 'removed');
      limitAuthorizer(AUTHORIZER_ACTIONS);
      const second = await simulation.connectNewFleet();
      await simulation.disconnect(second.fleetId, second.connection.VpcPeeringConnectionId);
      expect(await routesToPeerings()).toEqual(['10.192.0.0/20 blackhole', '10.192.16.0/20 blackhole']);
    },
  );

  rehearsedTest('connections cause no fleet events under the reading "never seen"', async () => {
    simulation.aws.behaviours.set('fleetEvents', 'never seen');
    const { fleetId } = await simulation.connectNewFleet();
    expect((await simulation.eventCodes(fleetId)).at(-1)).toBe('FLEET_STATE_ACTIVE');
  });

  rehearsedTestEach(
    'a request for the connection of a fleet that is not ACTIVE has the result %s',
    ['InvalidRequestException', 'pending until ACTIVE'],
    async (reading) => {
      simulation.aws.behaviours.set('connectingInactiveFleet', reading);
      const fleetId = await simulation.createFleet();
      await simulation.authorize();
      if (reading === 'InvalidRequestException') {
        await expect(simulation.connect(fleetId)).rejects.toMatchObject({ name: reading });
        return;
      }
      await simulation.connect(fleetId);
      await simulation.wait(600);
      expect(await simulation.connectionStatuses(fleetId)).toEqual(['initiating-request']);
      await simulation.wait(1500);
      expect(await simulation.connectionStatuses(fleetId)).toEqual(['active']);
    },
  );

  rehearsedTest('two fleets can have the same CIDR block', async () => {
    simulation.aws.behaviours.set('fleetCidrBlocks', 'may be equal');
    const first = await simulation.connectNewFleet();
    const second = await simulation.connectNewFleet();
    expect(second.connection).toMatchObject({ IpV4CidrBlock: first.connection.IpV4CidrBlock, Status: { Code: 'active' } });
    expect(await routesToPeerings()).toEqual(['10.192.0.0/20 active']);
  });

  rehearsedTestEach('a failed connection is %s in the account of the VPC', ['not shown', 'shown'], async (reading) => {
    simulation.aws.behaviours.set('failedSeenByAccepter', reading);
    simulation.aws.scriptedOutcomes.connection = () => ({ end: 'failed', message: 'No.' });
    await simulation.connectNewFleet();
    expect((await simulation.ec2Peerings()).map(({ Status }) => Status?.Code)).toEqual(reading === 'shown' ? ['failed'] : []);
  });
});

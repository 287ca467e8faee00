import type { FleetOutcome } from 'rehearsal/aws';
import { MAX_CONCURRENT_CONNECTIONS } from '../../lib/contract';
import type { Readings } from '../matrix/rehearsal';
import { SimulatedWorld } from './simulated-world';
import { awsError } from './world';
import type { TestResponse } from './world';

/*
 * Sends requests for a connection to the handler, which runs on a simulated AWS.
 */

const EC2_DENIAL = awsError('UnauthorizedOperation');
const ABSENT_FLEET_ID = 'fleet-01234567-89ab-cdef-0123-456789abcdef';

let world: SimulatedWorld;

afterEach(() => {
  world.close();
});

/** Sends a request for the fleet's connection. `change` overrides some of its properties. */
function send(
  type: 'Create' | 'Update' | 'Delete',
  change: object = {},
  physicalId?: string,
): Promise<{ response: TestResponse | undefined }> {
  return world.send(type, world.properties(change), physicalId);
}

const denyEc2 = (service: string): Error | undefined => (service === 'ec2' ? EC2_DENIAL : undefined);

/** Creates the fleet's connection. Throws an error if the request fails. */
async function create(change: object = {}): Promise<TestResponse> {
  const { response } = await send('Create', change);
  if (response?.Status !== 'SUCCESS') {
    throw new Error(response?.Reason);
  }
  return response;
}

describe('a create fails before it changes anything', () => {
  test.each<{ name: string; fleetOutcome?: FleetOutcome; properties?: object; reason: string }>([
    {
      name: 'if the fleet does not exist',
      properties: { FleetId: ABSENT_FLEET_ID },
      reason: `there is no fleet ${ABSENT_FLEET_ID} in this account and us-east-1. Correct the fleet of the VpcPeeringConnection, then deploy again`,
    },
    {
      name: 'if the fleet has failed',
      fleetOutcome: { end: 'error' },
      reason: 'is in status ERROR and will not become ACTIVE. Look at its events',
    },
    {
      name: 'if the fleet does not become ACTIVE',
      fleetOutcome: { end: 'hang' },
      properties: { TimeoutSeconds: '60' },
      reason: 'was still in status ACTIVATING after 60 seconds. Look at its events, raise the timeout',
    },
    {
      name: 'if routes are declared, and the handler has no access to the account of the VPC',
      properties: { PeerVpcAwsAccountId: '222222222222' },
      reason: "routes and DNS of the VPC can't be set from another account. Pass PeeringRoutes.none() and no dnsResolution",
    },
  ])('$name', async ({ fleetOutcome, properties, reason }) => {
    world = await SimulatedWorld.create({}, {}, fleetOutcome);
    const before = world.aws.inventory();
    const { response } = await send('Create', properties);
    expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(reason) as string });
    expect(response?.PhysicalResourceId).toMatch(/\/nothing-done$/);
    expect(world.aws.inventory()).toEqual(before);
  });

  test('if the fleet is not an EC2 fleet', async () => {
    world = await SimulatedWorld.create();
    const fleet = world.aws.gameLift.fleets.all().at(-1);
    if (fleet !== undefined) {
      Object.assign(fleet.attributes, { ComputeType: 'ANYWHERE' });
    }
    const { response } = await send('Create');
    expect(response?.Reason).toContain(`GameLift peers EC2 fleets only, and fleet ${world.fleetId} is of compute type ANYWHERE`);
  });
});

test("a create fails with GameLift's reason if GameLift refuses the request although the handler has just authorized", async () => {
  world = await SimulatedWorld.create();
  world.errorFor = (_, operation) =>
    operation === 'CreateVpcPeeringConnection' ? awsError('InvalidRequestException', 'Not today') : undefined;
  const { response } = await send('Create');
  expect(response?.Reason).toContain(
    'GameLift refused CreateVpcPeeringConnection although it had just been authorized (InvalidRequestException: Not today)',
  );
  // CloudFormation sends a delete after a failed create
  world.errorFor = () => undefined;
  expect((await send('Delete', {}, response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.state.connectionStatuses).toEqual([]);
});

test('a create retries a refused request once for each other connection that could have consumed the authorization', async () => {
  world = await SimulatedWorld.create();
  world.outputFor = (_, operation) =>
    operation === 'DescribeVpcPeeringAuthorizations' ? { VpcPeeringAuthorizations: [] } : undefined;
  world.errorFor = (_, operation) =>
    operation === 'CreateVpcPeeringConnection' ? awsError('UnauthorizedException', 'Not today') : undefined;
  const { response } = await send('Create');
  expect(response?.Reason).toContain('although it had just been authorized (UnauthorizedException: Not today)');
  expect(world.calls.filter((operation) => operation === 'CreateVpcPeeringConnection')).toHaveLength(
    MAX_CONCURRENT_CONNECTIONS + 1,
  );
});

test("a create fails with GameLift's status and the CIDR blocks of the VPC if the connection fails", async () => {
  world = await SimulatedWorld.create({ endedCidrBlocks: 'not returned' });
  world.aws.scriptedOutcomes.connection = () => ({ end: 'failed', message: 'CIDR blocks overlap' });
  const { response } = await send('Create');
  expect(response?.Reason).toMatch(
    /GameLift reports the status failed for the peering connection \(CIDR blocks overlap\)\. The peer VPC has 10\.90\.0\.0\/16, and GameLift does not say which CIDR block the fleet's VPC has\. If the blocks overlap, /,
  );
});

test('a create makes all calls with a peer role in one session', async () => {
  world = await SimulatedWorld.create();
  const { response } = await send('Create', { PeerRoleArn: 'arn:aws:iam::111111111111:role/Peering' });
  expect(response?.Status).toBe('SUCCESS');
  expect(world.assumedRoles).toHaveLength(1);
});

test.each<[string, Error, RegExp]>([
  [
    'refuses',
    awsError('OperationNotPermitted', 'Not for this VPC'),
    /could not turn DNS resolution on for pcx-\S+ \(OperationNotPermitted: Not for this VPC\)\. Enable DNS hostnames and DNS support for VPC \S+, or remove dnsResolution /,
  ],
  [
    'denies',
    EC2_DENIAL,
    /could not turn DNS resolution on for pcx-\S+ \(UnauthorizedOperation: .*\)\. Check that the handler's role is allowed to make this call, /,
  ],
])('the error says what to do if EC2 %s a change of DNS resolution', async (_, error, reason) => {
  world = await SimulatedWorld.create();
  world.errorFor = (service, operation) =>
    service === 'ec2' && operation === 'ModifyVpcPeeringConnectionOptions' ? error : undefined;
  const { response } = await send('Create', { DnsResolution: 'true' });
  expect(response?.Reason).toMatch(reason);
});

test.each<[string, Error | undefined, RegExp]>([
  [
    'denies access to the peering connection',
    EC2_DENIAL,
    /the handler can't read the VPC's peering connections from EC2, so its routes and DNS resolution are not set \(UnauthorizedOperation: .*\)\. Allow ec2:DescribeVpcPeeringConnections to the role /,
  ],
  [
    'does not show the peering connection',
    undefined,
    /EC2 shows no peering connection of VPC \S+ with \S+, so its routes and DNS resolution are not set\. Deploy again/,
  ],
])('a create with routes fails if EC2 %s, and the next delete deletes the connection', async (_, error, reason) => {
  world = await SimulatedWorld.create();
  const isPeeringRead = (service: string, operation: string): boolean =>
    service === 'ec2' && operation === 'DescribeVpcPeeringConnections';
  world.errorFor = (service, operation) => (isPeeringRead(service, operation) ? error : undefined);
  world.outputFor = (service, operation) => (isPeeringRead(service, operation) ? { vpcPeeringConnectionSet: [] } : undefined);
  const { response } = await send('Create');
  expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringMatching(reason) as string });
  world.errorFor = () => undefined;
  world.outputFor = () => undefined;
  expect((await send('Delete', {}, response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
});

describe('an update that changes no property', () => {
  test("responds with the attributes from EC2's tags, and makes no call to GameLift", async () => {
    world = await SimulatedWorld.create();
    const { Data, PhysicalResourceId } = await create();
    expect((await send('Update', {}, PhysicalResourceId)).response).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId,
      Data,
    });
    expect(world.calls).toEqual(['DescribeVpcPeeringConnections']);
  });

  test('responds with the attributes from the note if EC2 denies access', async () => {
    world = await SimulatedWorld.create();
    const { Data, PhysicalResourceId } = await create();
    world.errorFor = denyEc2;
    expect((await send('Update', {}, PhysicalResourceId)).response).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId,
      Data,
    });
    expect(world.calls.filter((operation) => operation.startsWith('Create'))).toEqual([]);
  });

  test('creates the connection again if somebody deleted it by hand', async () => {
    world = await SimulatedWorld.create();
    const { Data, PhysicalResourceId } = await create();
    await world.disconnectByHand();
    const { response } = await send('Update', {}, PhysicalResourceId);
    expect(response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId });
    expect(response?.Data?.VpcPeeringConnectionId).not.toBe(Data?.VpcPeeringConnectionId);
    expect(world.state.connectionStatuses.filter((status) => status === 'active')).toEqual(['active']);
  });
});

describe("the attributes contain GameLift's id of the connection if that differs from EC2's id", () => {
  beforeEach(async () => {
    world = await SimulatedWorld.create({ connectionIds: 'id of GameLift' });
  });

  /** Checks the attributes in the response, and returns the physical id in the response. */
  function expectAttributes(response: TestResponse | undefined): string | undefined {
    expect(response).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
    expect(response?.Data?.VpcPeeringConnectionId).toMatch(/^vpc-peering-/);
    return response?.PhysicalResourceId;
  }

  test.each([
    ['that the resource created', {}],
    ['that the resource adopted', { AdoptExisting: 'true' }],
  ])('for a connection %s, after a create, an update, and an update that changes no property', async (_, change) => {
    if ('AdoptExisting' in change) {
      await world.connectByHand();
    }
    const id = expectAttributes((await send('Create', change)).response);
    expectAttributes((await send('Update', change, id)).response);
    const previous = { OldResourceProperties: world.properties(change) };
    const newProperties = world.properties({ ...change, DnsResolution: 'true' });
    expectAttributes((await world.send('Update', newProperties, id, previous)).response);
    expectAttributes((await world.send('Update', newProperties, id)).response);
  });

  test('after an update that changes no property, even if EC2 denies access', async () => {
    const id = expectAttributes((await send('Create', { Routes: 'None' })).response);
    world.errorFor = denyEc2;
    expectAttributes((await send('Update', { Routes: 'None' }, id)).response);
  });
});

describe('a delete while EC2 still shows an earlier connection', () => {
  /** Sends an update, which finds the connection or creates it again. */
  async function update(id: string): Promise<void> {
    const previous = { OldResourceProperties: world.properties({ Routes: 'None' }) };
    expect((await world.send('Update', world.properties(), id, previous)).response?.Status).toBe('SUCCESS');
  }

  test.each(['by an update', 'by hand'] as const)(
    'deletes the current connection, which was created again %s',
    async (recreation) => {
      world = await SimulatedWorld.create({ deletingConnections: 'deleting for a while', endedConnections: 'listed for hours' });
      const { PhysicalResourceId } = await create();
      await world.disconnectByHand();
      if (recreation === 'by hand') {
        await world.connectByHand();
      }
      await update(PhysicalResourceId);
      expect((await send('Delete', {}, PhysicalResourceId)).response?.Status).toBe('SUCCESS');
      expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
    },
  );

  test('repeats a deletion that GameLift accepted, but that had no effect because the authorization was missing', async () => {
    world = await SimulatedWorld.create({ missingAuthorization: 'accepted, then fails', endedConnections: 'listed for hours' });
    const { PhysicalResourceId } = await create();
    // an hour before the authorization expires
    await world.waitDays(23 / 24);
    await world.disconnectByHand();
    await update(PhysicalResourceId);
    // wait until the authorization has expired, while GameLift still lists the deleted connection
    await world.waitDays(1.5 / 24);
    expect((await send('Delete', {}, PhysicalResourceId)).response?.Status).toBe('SUCCESS');
    expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
  });
});

describe('a create for which EC2 returns an error from CreateRoute', () => {
  /** Makes the first calls of CreateRoute fail with an error of this name. Returns a list, to which each call of CreateRoute adds its time. */
  const failCreateRoute = (name: string, { failures = Infinity } = {}): number[] => {
    const callTimes: number[] = [];
    world.errorFor = (_, operation) => {
      if (operation !== 'CreateRoute') {
        return undefined;
      }
      callTimes.push(world.now());
      return callTimes.length <= failures ? awsError(name) : undefined;
    };
    return callTimes;
  };

  beforeEach(async () => {
    world = await SimulatedWorld.create({ peerVpcWrites: 'none' });
  });

  test.each([
    ['fails at once if the route is invalid', 'InvalidParameterValue', 1],
    ['fails if the route still exists after six attempts', 'RouteAlreadyExists', 6],
  ])('%s', async (_, name, attempts) => {
    const callTimes = failCreateRoute(name);
    expect((await send('Create')).response).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(`: ${name}: `) as string,
    });
    expect(callTimes).toHaveLength(attempts);
  });

  test('reads the route tables again after five seconds if the route exists already', async () => {
    const callTimes = failCreateRoute('RouteAlreadyExists', { failures: 1 });
    expect((await send('Create')).response).toMatchObject({ Status: 'SUCCESS' });
    expect(callTimes).toHaveLength(1 + world.routeTableIds.length);
    const [firstCallAt = 0, secondCallAt = 0] = callTimes;
    expect(Math.round((secondCallAt - firstCallAt) / 1000)).toBe(5);
  });
});

test('a create repeats a request that GameLift refuses because new permissions in EC2 have not reached GameLift yet', async () => {
  world = await SimulatedWorld.create();
  let requests = 0;
  world.errorFor = (_, operation) => {
    requests += operation === 'CreateVpcPeeringConnection' ? 1 : 0;
    return operation === 'CreateVpcPeeringConnection' && requests <= 4
      ? awsError('UnauthorizedException', 'not authorized to perform ec2:AcceptVpcPeeringConnection')
      : undefined;
  };
  expect((await send('Create')).response).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
});

test('a delete reads the route tables again if EC2 reports that a route is gone, and deletes the route if it still exists', async () => {
  world = await SimulatedWorld.create({ peerVpcWrites: 'none' });
  const { PhysicalResourceId } = await create();
  let attempts = 0;
  world.errorFor = (_, operation) => {
    attempts += operation === 'DeleteRoute' ? 1 : 0;
    return operation === 'DeleteRoute' && attempts === 1 ? awsError('InvalidRoute.NotFound') : undefined;
  };
  expect((await send('Delete', {}, PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(attempts).toBe(1 + world.routeTableIds.length);
  expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
});

test('a delete succeeds if EC2 reports that a route is gone, but lists it for another 14 seconds', async () => {
  world = await SimulatedWorld.create({ peerVpcWrites: 'none' });
  const { PhysicalResourceId } = await create();
  let firstAttemptAt: number | undefined;
  world.errorFor = (_, operation) => {
    if (operation !== 'DeleteRoute') {
      return undefined;
    }
    firstAttemptAt ??= world.now();
    return world.now() - firstAttemptAt < 14_000 ? awsError('InvalidRoute.NotFound') : undefined;
  };
  expect((await send('Delete', {}, PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
});

test('a delete fails if EC2 denies the deletion of routes, and a second delete deletes them', async () => {
  world = await SimulatedWorld.create({ peerVpcWrites: 'none' });
  const { PhysicalResourceId } = await create();
  const routeTableIds = [...world.routeTableIds].sort();
  world.errorFor = (_, operation) => (operation === 'DeleteRoute' ? EC2_DENIAL : undefined);
  expect((await send('Delete', {}, PhysicalResourceId)).response).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringMatching(
      /^could not remove the peering of fleet .*: UnauthorizedOperation: .*\. Check that the handler's role is allowed to make this call/,
    ) as string,
  });
  expect([...world.state.tablesWithRoutes].sort()).toEqual(routeTableIds);
  world.errorFor = () => undefined;
  expect((await send('Delete', {}, PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
});

test('the delete after a failed create fails if EC2 denies the deletion of routes, and a second delete deletes them', async () => {
  world = await SimulatedWorld.create({ peerVpcWritesOnDelete: 'left behind', endedConnections: 'not listed' });
  // the create requests the connection, and then fails because it can't read GameLift's list
  world.errorFor = (service, operation) =>
    service === 'gamelift' && operation === 'DescribeVpcPeeringConnections' ? awsError('InvalidRequestException') : undefined;
  const { response } = await send('Create');
  expect(response).toMatchObject({ Status: 'FAILED', PhysicalResourceId: expect.stringContaining('/unfinished/') as string });
  world.errorFor = (_, operation) => (operation === 'DeleteRoute' ? EC2_DENIAL : undefined);
  expect((await send('Delete', {}, response?.PhysicalResourceId)).response?.Status).toBe('FAILED');
  expect(world.state).toMatchObject({
    connectionStatuses: [],
    tablesWithRoutes: expect.arrayContaining([...world.routeTableIds]) as unknown,
  });
  world.errorFor = () => undefined;
  expect((await send('Delete', {}, response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
});

test('a delete fails if the fleet is gone and EC2 still shows the connection, because the routes to the connection would be left behind', async () => {
  world = await SimulatedWorld.create();
  const { PhysicalResourceId } = await create();
  world.outputFor = (_, operation) => (operation === 'DescribeFleetAttributes' ? { FleetAttributes: [] } : undefined);
  expect((await send('Delete', {}, PhysicalResourceId)).response).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringMatching(
      /: GameLift says that the connection is gone, but EC2 shows pcx-\S+ in status active, so the routes to it are left\. Delete again$/,
    ) as string,
  });
});

describe('a delete whose calls EC2 denies', () => {
  test('waits until GameLift no longer lists the connection', async () => {
    world = await SimulatedWorld.create({ deletingConnections: 'deleting for a while', endedConnections: 'listed for hours' });
    const { PhysicalResourceId } = await create({ Routes: 'None' });
    world.errorFor = denyEc2;
    expect((await send('Delete', { Routes: 'None' }, PhysicalResourceId)).response?.Status).toBe('SUCCESS');
    expect(world.state.connectionStatuses).not.toContain('active');
    expect(world.state.connectionStatuses).not.toContain('deleting');
  });

  test('fails if routes are declared, and says that routes may be left', async () => {
    world = await SimulatedWorld.create();
    const { PhysicalResourceId } = await create();
    world.errorFor = denyEc2;
    const { response } = await send('Delete', {}, PhysicalResourceId);
    expect(response).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(
        "the handler can't read the VPC's peering connections from EC2, so routes to the deleted connection may be left (UnauthorizedOperation: ",
      ) as string,
    });
    world.errorFor = () => undefined;
    expect((await send('Delete', {}, PhysicalResourceId)).response?.Status).toBe('SUCCESS');
    expect(world.state.tablesWithRoutes).toEqual([]);
  });
});

describe('while GameLift reports that an existing fleet does not exist,', () => {
  /** Makes GameLift report that the fleet does not exist, as soon as the handler has called `firstOperation`. */
  const hideFleetAfter = (firstOperation: string): void => {
    world.errorFor = (_, operation) =>
      operation === 'DescribeFleetAttributes' && world.calls.includes(firstOperation) ? awsError('NotFoundException') : undefined;
  };

  test('a create that has not requested the connection yet requests nothing', async () => {
    world = await SimulatedWorld.create();
    hideFleetAfter('TagResource');
    const { response } = await send('Create');
    expect(response).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(/: fleet \S+ was deleted\. Deploy again$/) as string,
    });
    expect(world.calls).not.toContain('CreateVpcPeeringConnection');
    expect(world.state.connectionStatuses).toEqual([]);
  });

  test('a create deletes the connection that it has just created, because the delete that follows would not find it', async () => {
    world = await SimulatedWorld.create();
    world.errorFor = (_, operation) =>
      operation === 'DescribeFleetAttributes' && world.attributes !== undefined ? awsError('NotFoundException') : undefined;
    const { response } = await send('Create');
    expect(response).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(/, so pcx-\S+ was deleted again\. Deploy again$/) as string,
    });
    expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
    expect([...world.tags.keys()]).toEqual([]);
  });

  test.each<[string, Readings, () => Promise<void>]>([
    ['lists the connection', {}, () => Promise.resolve()],
    [
      'lists the connection as failed, because its deletion failed, but EC2 still shows the connection',
      { missingAuthorization: 'accepted, then fails' },
      async () => {
        await world.waitDays(2);
        await world.disconnectByHand();
      },
    ],
  ])('the delete after a failed create fails if GameLift %s', async (_, readings, prepare) => {
    world = await SimulatedWorld.create(readings);
    const { PhysicalResourceId, RequestId } = await create();
    await prepare();
    // the physical id that the create would have returned if it had failed midway
    const unfinishedId = `${PhysicalResourceId}/unfinished/${RequestId}`;
    hideFleetAfter('DescribeFleetAttributes');
    expect((await send('Delete', {}, unfinishedId)).response).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(
        /: GameLift says that there is no fleet \S+, but still lists its peering connection (pcx-\S+)\. Delete again in a minute; if this error comes back, run aws gamelift delete-vpc-peering-connection --fleet-id fleet-\S+ --vpc-peering-connection-id \1 --region us-east-1, then delete again$/,
      ) as string,
    });
    world.errorFor = () => undefined;
    expect((await send('Delete', {}, unfinishedId)).response?.Status).toBe('SUCCESS');
    expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
  });
});

test('a create does not mistake the failures of its earlier requests for the result of its latest request', async () => {
  world = await SimulatedWorld.create({
    failedSeenByAccepter: 'shown',
    fleetEvents: 'never seen',
    endedConnections: 'not listed',
  });
  let requests = 0;
  world.aws.scriptedOutcomes.connectionSeconds = 6;
  world.aws.scriptedOutcomes.connection = () => {
    requests += 1;
    return requests < 3 ? { end: 'failed', message: 'Not yet' } : {};
  };
  const startedAt = world.now();
  await create();
  // 30 seconds before the first request, and less than 30 seconds for each of the three requests. If the handler took an earlier failure for
  // the result of a request, it would wait a minute for the list to change
  expect(world.now() - startedAt).toBeLessThan(30_000 + 3 * 30_000);
});

test("a create reads GameLift's list only once, although EC2 first shows only the new connection of another fleet", async () => {
  world = await SimulatedWorld.create();
  const otherPeering = {
    vpcPeeringConnectionId: 'pcx-0123456789abcdef0',
    requesterVpcInfo: { vpcId: 'vpc-00000000000000009', ownerId: '222222222222', cidrBlock: '10.9.0.0/16' },
    accepterVpcInfo: { vpcId: world.vpcId, ownerId: '111111111111', cidrBlock: '10.0.0.0/16' },
    status: { code: 'active', message: 'Active' },
  };
  let requestedAt = Infinity;
  let listReads = 0;
  world.outputFor = (service, operation) => {
    const isPeeringRead = operation === 'DescribeVpcPeeringConnections';
    requestedAt = operation === 'CreateVpcPeeringConnection' ? world.now() : requestedAt;
    listReads += service === 'gamelift' && isPeeringRead && requestedAt < world.now() ? 1 : 0;
    const isJustRequested = world.now() >= requestedAt && world.now() - requestedAt < 10_000;
    return service === 'ec2' && isPeeringRead && isJustRequested ? { vpcPeeringConnectionSet: [otherPeering] } : undefined;
  };
  await create();
  expect(listReads).toBe(1);
});

test('a create that GameLift throttles until its time is up fails with a reason that names the rate limit', async () => {
  world = await SimulatedWorld.create();
  world.errorFor = (_, operation) => (operation === 'CreateVpcPeeringConnection' ? awsError('ThrottlingException') : undefined);
  expect((await send('Create')).response?.Reason).toMatch(
    /CreateVpcPeeringConnection was still throttled after \d+ seconds \(GameLift allows one call in ten seconds of each peering operation for the whole account\)\. Other callers in this account use the same operation: try again when they have finished$/,
  );
});

test('a create with a short timeout fails after 15 seconds if the connection is still pending', async () => {
  world = await SimulatedWorld.create();
  world.aws.scriptedOutcomes.connectionSeconds = 60;
  expect((await send('Create', { TimeoutSeconds: '5' })).response?.Reason).toContain('was still pending after 15 seconds');
});

test('a create succeeds with a short timeout if the connection is active before GameLift lists it', async () => {
  world = await SimulatedWorld.create();
  world.aws.scriptedOutcomes.connectionSeconds = 2;
  const { response } = await send('Create', { TimeoutSeconds: '5' });
  expect(response?.Status).toBe('SUCCESS');
});

test('a create does not mistake a connection that somebody created by hand, and that GameLift lists late, for the requested connection', async () => {
  world = await SimulatedWorld.create({ existingConnection: 'accepted' });
  await world.connectByHand();
  let listReads = 0;
  world.outputFor = (service, operation) => {
    listReads += service === 'gamelift' && operation === 'DescribeVpcPeeringConnections' ? 1 : 0;
    return listReads === 1 && service === 'gamelift' && operation === 'DescribeVpcPeeringConnections'
      ? { VpcPeeringConnections: [] }
      : undefined;
  };
  expect((await send('Create')).response).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining('exists already, and this stack did not create it') as string,
  });
  expect(world.state.connectionStatuses).toEqual(['active']);
});

test('a create fails if GameLift accepts the request but lists no connection', async () => {
  world = await SimulatedWorld.create({ fleetEvents: 'never seen' });
  world.outputFor = (service, operation) =>
    service === 'gamelift' && operation === 'CreateVpcPeeringConnection' ? {} : undefined;
  expect((await send('Create')).response?.Reason).toMatch(
    /: GameLift accepted the request, but lists no peering connection\. Look at the events of the fleet, then deploy again$/,
  );
});

describe('with peerOnCreate,', () => {
  const ON_CREATE = { PeerOnCreate: 'true' };
  const REPLACE_FLEET =
    'Look at the events of the fleet, then replace the fleet, or remove peerOnCreate, which also replaces the fleet';
  const countCalls = (operation: string): number => world.calls.filter((call) => call === operation).length;
  const refuseDeletion = (error: Error): void => {
    world.errorFor = (_, operation) => (operation === 'DeleteVpcPeeringConnection' ? error : undefined);
  };
  const setListedConnections = (...connections: readonly object[]): void => {
    world.outputFor = (service, operation) =>
      service === 'gamelift' && operation === 'DescribeVpcPeeringConnections'
        ? { VpcPeeringConnections: connections }
        : undefined;
  };
  const listedConnection = (code: string, message: string): object => ({
    VpcPeeringConnectionId: 'pcx-1',
    PeerVpcId: world.vpcId,
    FleetId: world.fleetId,
    Status: { Code: code, Message: message },
  });

  beforeEach(async () => {
    world = await SimulatedWorld.create({ fleetEvents: 'never seen' });
  });

  describe('a connection that GameLift created with its fleet', () => {
    let createResponse: TestResponse | undefined;

    beforeEach(async () => {
      await world.connectByHand();
      createResponse = (await send('Create', ON_CREATE)).response;
    });

    test('is found without a request, and gets routes', () => {
      expect(createResponse).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
      expect(world.calls.filter((operation) => operation.startsWith('CreateVpcPeering'))).toEqual([]);
      expect([...world.state.tablesWithRoutes].sort()).toEqual([...world.routeTableIds].sort());
    });

    test('is found by an update that changes no property, which makes no call to GameLift', async () => {
      const { response } = await send('Update', ON_CREATE, createResponse?.PhysicalResourceId);
      expect(response).toMatchObject({ Status: 'SUCCESS', Data: createResponse?.Data });
      expect(world.calls).toEqual(['DescribeVpcPeeringConnections']);
    });

    test.each(['true', 'false'])('is used by an update that changes peerOnCreate to %s', async (value) => {
      const previous = { OldResourceProperties: world.properties({ PeerOnCreate: value === 'true' ? 'false' : 'true' }) };
      const newProperties = world.properties({ PeerOnCreate: value });
      const { response } = await world.send('Update', newProperties, createResponse?.PhysicalResourceId, previous);
      expect(response).toMatchObject({ Status: 'SUCCESS', Data: createResponse?.Data });
      expect(world.calls).not.toContain('CreateVpcPeeringConnection');
    });

    test('is not available to another stack, whose delete leaves it in place', async () => {
      const other = { StackId: 'arn:aws:cloudformation:us-east-1:111111111111:stack/Other/7c3f2d8d-0000-4000-8000-000000000000' };
      const { response } = await world.send('Create', world.properties(ON_CREATE), undefined, other);
      expect(response).toMatchObject({
        Status: 'FAILED',
        Reason: expect.stringContaining('the peering connection belongs to resource Peering of stack Game (') as string,
      });
      const id = String(createResponse?.PhysicalResourceId).replace('6b2e1c9c', '7c3f2d8d');
      expect((await world.send('Delete', world.properties(ON_CREATE), id, other)).response?.Status).toBe('SUCCESS');
      expect(world.attributes).toEqual(createResponse?.Data);
    });

    test("is not available to another resource even if the fleet has lost its tags, because EC2's tags still name the owner", async () => {
      world.tags.clear();
      const other = { LogicalResourceId: 'Other' };
      const { response } = await world.send('Create', world.properties(ON_CREATE), undefined, other);
      expect(response).toMatchObject({
        Status: 'FAILED',
        Reason: expect.stringContaining('exists already, and resource Peering of stack Game (') as string,
      });
      const deletion = await world.send('Delete', world.properties(ON_CREATE), response?.PhysicalResourceId, other);
      expect(deletion.response?.Status).toBe('SUCCESS');
      expect(world.attributes).toEqual(createResponse?.Data);
    });

    test('is deleted like a requested connection, after the handler has authorized', async () => {
      await world.waitDays(2);
      expect((await send('Delete', ON_CREATE, createResponse?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
      expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
    });

    test.each(['InvalidRequestException', 'NotFoundException', 'UnauthorizedException'])(
      'is left in place if GameLift keeps refusing its deletion with %s: its routes are removed, and the handler tries only four times',
      async (name) => {
        await world.waitDays(2);
        refuseDeletion(awsError(name, 'it ends with its fleet'));
        // `send` does not return the log records
        const { response, logRecords } = await world.run({
          RequestType: 'Delete',
          ResponseURL: 'https://example.com',
          StackId: 'arn:aws:cloudformation:us-east-1:111111111111:stack/Game/6b2e1c9c-0000-4000-8000-000000000000',
          RequestId: 'f0f0f0f0-0000-4000-8000-000000000006',
          ResourceType: 'Custom::GameLiftVpcPeeringConnection',
          LogicalResourceId: 'Peering',
          PhysicalResourceId: createResponse?.PhysicalResourceId,
          ResourceProperties: world.properties(ON_CREATE),
        });
        expect(response?.Status).toBe('SUCCESS');
        expect(world.state).toEqual({ connectionStatuses: ['active'], tablesWithRoutes: [] });
        expect([...world.tags]).toEqual([]);
        expect(world.aws.inventory().authorizations).toHaveLength(1);
        expect(countCalls('CreateVpcPeeringAuthorization')).toBe(1);
        expect(countCalls('DeleteVpcPeeringConnection')).toBe(4);
        expect(logRecords.map(({ message }) => message)).toContain(
          'GameLift does not delete the peering connection, although the deletion is authorized: the connection exists until its fleet is deleted',
        );
      },
    );

    test('is left in place if GameLift refuses its deletion, and no longer lists the authorization', async () => {
      refuseDeletion(awsError('InvalidRequestException', 'it ends with its fleet'));
      world.outputFor = (_, operation) =>
        operation === 'DescribeVpcPeeringAuthorizations' ? { VpcPeeringAuthorizations: [] } : undefined;
      expect((await send('Delete', ON_CREATE, createResponse?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
      expect(world.state).toEqual({ connectionStatuses: ['active'], tablesWithRoutes: [] });
      expect(world.aws.inventory().authorizations).toHaveLength(1);
    });

    test.each([
      ['by IAM', awsError('AccessDeniedException', 'no')],
      ['because a permission in EC2 is missing', awsError('UnauthorizedException', 'not authorized to perform ec2:DeleteRoute')],
    ])('makes the delete fail without a change if its deletion is refused %s', async (_, error) => {
      const before = world.state;
      refuseDeletion(error);
      const { response } = await send('Delete', ON_CREATE, createResponse?.PhysicalResourceId);
      expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(error.message) as string });
      expect(world.state).toEqual(before);
      world.errorFor = () => undefined;
      expect((await send('Delete', ON_CREATE, createResponse?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
      expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
    });

    test('makes the delete fail if the handler cannot authorize: the error says which account can authorize', async () => {
      const other = { ...ON_CREATE, PeerVpcAwsAccountId: '222222222222', Routes: 'None' };
      refuseDeletion(awsError('UnauthorizedException', 'no'));
      const { response } = await send('Delete', other, createResponse?.PhysicalResourceId);
      expect(response).toMatchObject({
        Status: 'FAILED',
        Reason: expect.stringContaining(
          'Only account 222222222222, which owns the VPC, can authorize this. Run there: ',
        ) as string,
      });
    });

    test('is not created again by an update after somebody has deleted the connection', async () => {
      await world.disconnectByHand();
      const { response } = await send('Update', ON_CREATE, createResponse?.PhysicalResourceId);
      expect(response).toMatchObject({
        Status: 'FAILED',
        PhysicalResourceId: createResponse?.PhysicalResourceId,
        Reason: expect.stringContaining(REPLACE_FLEET) as string,
      });
      expect(world.calls.filter((operation) => operation.startsWith('CreateVpcPeering'))).toEqual([]);
    });
  });

  describe('an update after somebody has deleted the connection', () => {
    let id: string | undefined;
    let data: object | undefined;
    const propertiesWith = (routes: string, expirationTime: string): object =>
      world.properties({ ...ON_CREATE, Routes: routes, AuthorizationExpirationTime: expirationTime });
    const oldProperties = (): object => propertiesWith('EveryRouteTable', '2026-01-02');
    const newProperties = (): object => propertiesWith('None', '2026-01-03');
    const update = async (properties: object, previous: object): Promise<TestResponse | undefined> =>
      (await world.send('Update', properties, id, { OldResourceProperties: previous })).response;
    const FAILED_RESPONSE = { Status: 'FAILED', Reason: expect.stringContaining(REPLACE_FLEET) as string };

    beforeEach(async () => {
      await world.connectByHand();
      const createResponse = (await world.send('Create', oldProperties())).response;
      id = createResponse?.PhysicalResourceId;
      data = createResponse?.Data;
      await world.disconnectByHand();
      expect(await update(newProperties(), oldProperties())).toMatchObject(FAILED_RESPONSE);
    });

    test('fails, and its rollback succeeds without creating anything', async () => {
      // CloudFormation may send the properties in another order
      const reorderedProperties = Object.fromEntries(Object.entries(newProperties()).reverse());
      expect(await update(oldProperties(), reorderedProperties)).toMatchObject({
        Status: 'SUCCESS',
        PhysicalResourceId: id,
        Data: data,
      });
      expect(world.state.connectionStatuses).toEqual([]);
      expect(world.calls.filter((operation) => operation.startsWith('CreateVpcPeering'))).toEqual([]);
    });

    test('can be rolled back even if only the expiration time changed', async () => {
      const renewedProperties = propertiesWith('EveryRouteTable', '2026-01-04');
      expect(await update(renewedProperties, oldProperties())).toMatchObject(FAILED_RESPONSE);
      expect(await update(oldProperties(), renewedProperties)).toMatchObject({ Status: 'SUCCESS', Data: data });
    });

    test('fails again after a rollback, and can be rolled back again', async () => {
      await update(oldProperties(), newProperties());
      expect(await update(newProperties(), oldProperties())).toMatchObject(FAILED_RESPONSE);
      expect(await update(oldProperties(), newProperties())).toMatchObject({ Status: 'SUCCESS', Data: data });
    });

    test('is not mistaken for a rollback if its previous properties are not those of the failed update', async () => {
      expect(await update(oldProperties(), propertiesWith('None', '2026-01-05'))).toMatchObject(FAILED_RESPONSE);
    });

    test('is not mistaken for a rollback if it does not restore the properties before the failed update: a corrected deployment with rollback disabled', async () => {
      expect(await update(propertiesWith('None', '2026-01-05'), newProperties())).toMatchObject(FAILED_RESPONSE);
    });

    test('fails with the same error even if it cannot tag the fleet', async () => {
      world.errorFor = (_, operation) => (operation === 'TagResource' ? awsError('AccessDeniedException', 'no tags') : undefined);
      expect(await update(newProperties(), oldProperties())).toMatchObject(FAILED_RESPONSE);
    });

    test('leaves no tag on the fleet after a rollback and a delete', async () => {
      await update(oldProperties(), newProperties());
      expect((await world.send('Delete', oldProperties(), id)).response?.Status).toBe('SUCCESS');
      expect([...world.tags]).toEqual([]);
    });
  });

  test.each<readonly [string, () => void, string]>([
    ['lists no connection', () => undefined, 'GameLift lists no peering connection. '],
    [
      'lists a failed connection',
      () => {
        setListedConnections(listedConnection('failed', 'no authorization'));
      },
      'GameLift reports the status failed for the peering connection (no authorization)',
    ],
  ])('a create fails if GameLift %s, and says that only a new fleet is peered', async (_, prepare, reason) => {
    prepare();
    const { response } = await send('Create', ON_CREATE);
    expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(reason) as string });
    expect(response?.Reason).toMatch(/replace the fleet, or remove peerOnCreate, which also replaces the fleet/);
    expect(world.calls.filter((operation) => operation.startsWith('CreateVpcPeering'))).toEqual([]);
    world.outputFor = () => undefined;
    expect((await send('Delete', ON_CREATE, response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
    expect([...world.tags]).toEqual([]);
  });

  test('a create finds the connection although GameLift still lists an earlier connection that has ended', async () => {
    await world.connectByHand();
    const activeConnection = {
      ...listedConnection('active', ''),
      VpcPeeringConnectionId: 'pcx-2',
      GameLiftVpcId: world.attributes?.GameLiftVpcId,
    };
    setListedConnections(listedConnection('deleted', ''), {
      ...activeConnection,
      IpV4CidrBlock: world.attributes?.GameLiftCidrBlock,
    });
    const { response } = await send('Create', ON_CREATE);
    expect(response).toMatchObject({ Status: 'SUCCESS', Data: { ...world.attributes, VpcPeeringConnectionId: 'pcx-2' } });
  });

  test('a create fails if the connection is pending for longer than the timeout', async () => {
    setListedConnections(listedConnection('provisioning', ''));
    const { response } = await send('Create', { ...ON_CREATE, TimeoutSeconds: '120' });
    expect(response?.Reason).toContain(
      'the peering connection was still pending after 120 seconds. Look at the events of the fleet',
    );
  });
});

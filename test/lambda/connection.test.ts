import { MAX_CONCURRENT_CONNECTIONS } from '../../lib/contract';
import type { Readings } from '../matrix/world';
import { SimulatedWorld } from './simulated-world';
import { awsError } from './world';
import type { TestResponse } from './world';

/*
 * Requests for a connection in a simulated AWS.
 */

const DENIED = awsError('UnauthorizedOperation');
const ABSENT = 'fleet-01234567-89ab-cdef-0123-456789abcdef';

let world: SimulatedWorld;

afterEach(() => {
  world.close();
});

function send(
  type: 'Create' | 'Update' | 'Delete',
  change: object = {},
  id?: string,
): Promise<{ response: TestResponse | undefined }> {
  return world.send(type, world.properties(change), id);
}

const denyEc2 = (service: string): Error | undefined => (service === 'ec2' ? DENIED : undefined);

async function create(change: object = {}): Promise<TestResponse> {
  const { response } = await send('Create', change);
  if (response?.Status !== 'SUCCESS') {
    throw new Error(response?.Reason);
  }
  return response;
}

describe('a create fails before it changes anything', () => {
  test.each([
    [
      'if the fleet does not exist',
      {},
      {},
      { FleetId: ABSENT },
      `there is no fleet ${ABSENT} in this account and us-east-1. Correct the fleet of the VpcPeeringConnection, then deploy again`,
    ],
    ['if the fleet has failed', {}, { end: 'error' }, {}, 'is in status ERROR and will not become ACTIVE. Look at its events'],
    [
      'if the fleet does not become ACTIVE',
      {},
      { end: 'hang' },
      { TimeoutSeconds: '60' },
      'was still in status ACTIVATING after 60 seconds. Look at its events, raise the timeout',
    ],
    [
      'if routes are declared, and the handler has no access to the account of the VPC',
      {},
      {},
      { PeerVpcAwsAccountId: '222222222222' },
      "routes and DNS of the VPC can't be set from another account. Pass PeeringRoutes.none() and no dnsResolution",
    ],
  ] as const)('%s', async (_, input, outcome, change, reason) => {
    world = await SimulatedWorld.create({}, input, outcome);
    const before = world.aws.inventory();
    const { response } = await send('Create', change);
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

test('fails with the reason of GameLift if GameLift refuses the request although it is authorized', async () => {
  world = await SimulatedWorld.create();
  world.errorFor = (_, operation) =>
    operation === 'CreateVpcPeeringConnection' ? awsError('InvalidRequestException', 'Not today') : undefined;
  const { response } = await send('Create');
  expect(response?.Reason).toContain(
    'GameLift refused CreateVpcPeeringConnection although it had just been authorized (InvalidRequestException: Not today)',
  );
  // the following delete removes the claim
  world.errorFor = () => undefined;
  expect((await send('Delete', {}, response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.state.statuses).toEqual([]);
});

test('repeats a refused request as often as other connections could have consumed the authorization', async () => {
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

test("fails with GameLift's status and the CIDR blocks of the VPC if the connection fails", async () => {
  world = await SimulatedWorld.create({ endedCidrBlocks: 'not returned' });
  world.aws.scriptedOutcomes.connection = () => ({ end: 'failed', message: 'CIDR blocks overlap' });
  const { response } = await send('Create');
  expect(response?.Reason).toMatch(
    /GameLift reports the status failed for the peering connection \(CIDR blocks overlap\)\. The peer VPC has 10\.90\.0\.0\/16, and GameLift does not say which CIDR block the fleet's VPC has\. If the blocks overlap, /,
  );
});

test('makes all calls with a peer role in one session', async () => {
  world = await SimulatedWorld.create();
  const { response } = await send('Create', { PeerRoleArn: 'arn:aws:iam::111111111111:role/Peering' });
  expect(response?.Status).toBe('SUCCESS');
  expect(world.assumed).toHaveLength(1);
});

test.each<[string, Error, RegExp]>([
  [
    'refuses',
    awsError('OperationNotPermitted', 'Not for this VPC'),
    /could not turn DNS resolution on for pcx-\S+ \(OperationNotPermitted: Not for this VPC\)\. Enable DNS hostnames and DNS support for VPC \S+, or remove dnsResolution /,
  ],
  [
    'denies',
    DENIED,
    /could not turn DNS resolution on for pcx-\S+ \(UnauthorizedOperation: .*\)\. Check that the handler's role is allowed to make this call, /,
  ],
])('if EC2 %s a change of DNS resolution, the error contains a remedy', async (_, refusal, reason) => {
  world = await SimulatedWorld.create();
  world.errorFor = (service, operation) =>
    service === 'ec2' && operation === 'ModifyVpcPeeringConnectionOptions' ? refusal : undefined;
  const { response } = await send('Create', { DnsResolution: 'true' });
  expect(response?.Reason).toMatch(reason);
});

test.each<[string, Error | undefined, RegExp]>([
  [
    'denies access to it',
    DENIED,
    /the handler can't read the VPC's peering connections from EC2, so its routes and DNS resolution are not set \(UnauthorizedOperation: .*\)\. Allow ec2:DescribeVpcPeeringConnections to the role /,
  ],
  [
    'does not show it',
    undefined,
    /EC2 shows no peering connection of VPC \S+ with \S+, so its routes and DNS resolution are not set\. Deploy again/,
  ],
])('a create with routes fails if EC2 %s, and the connection is deleted afterwards', async (_, refusal, reason) => {
  world = await SimulatedWorld.create();
  const isPeeringRead = (service: string, operation: string): boolean =>
    service === 'ec2' && operation === 'DescribeVpcPeeringConnections';
  world.errorFor = (service, operation) => (isPeeringRead(service, operation) ? refusal : undefined);
  world.outputFor = (service, operation) => (isPeeringRead(service, operation) ? { vpcPeeringConnectionSet: [] } : undefined);
  const { response } = await send('Create');
  expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringMatching(reason) as string });
  world.errorFor = () => undefined;
  world.outputFor = () => undefined;
  expect((await send('Delete', {}, response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
});

describe('an update without a change', () => {
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
    expect(world.state.statuses.filter((status) => status === 'active')).toEqual(['active']);
  });
});

describe("the attributes contain GameLift's id of the connection, which may differ from EC2's", () => {
  beforeEach(async () => {
    world = await SimulatedWorld.create({ connectionIds: 'id of GameLift' });
  });

  /** Checks the attributes in the response, and returns its physical id. */
  function check(response: TestResponse | undefined): string | undefined {
    expect(response).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
    expect(response?.Data?.VpcPeeringConnectionId).toMatch(/^vpc-peering-/);
    return response?.PhysicalResourceId;
  }

  test.each([
    ['created by the resource', {}],
    ['adopted', { AdoptExisting: 'true' }],
  ])('of a connection that was %s: in a create, an update, and an update without a change', async (_, change) => {
    if ('AdoptExisting' in change) {
      await world.connectByHand();
    }
    const id = check((await send('Create', change)).response);
    check((await send('Update', change, id)).response);
    const previous = { OldResourceProperties: world.properties(change) };
    const changed = world.properties({ ...change, DnsResolution: 'true' });
    check((await world.send('Update', changed, id, previous)).response);
    check((await world.send('Update', changed, id)).response);
  });

  test('in an update without a change, if EC2 denies access', async () => {
    const id = check((await send('Create', { Routes: 'None' })).response);
    world.errorFor = denyEc2;
    check((await send('Update', { Routes: 'None' }, id)).response);
  });
});

describe('a delete after the connection was created again, while EC2 still shows the earlier one', () => {
  /** Sends an update that finds the connection or creates it. */
  async function update(id: string): Promise<void> {
    const previous = { OldResourceProperties: world.properties({ Routes: 'None' }) };
    expect((await world.send('Update', world.properties(), id, previous)).response?.Status).toBe('SUCCESS');
  }

  test.each(['by an update', 'by hand'] as const)('deletes the current connection, which was created %s', async (again) => {
    world = await SimulatedWorld.create({ deletingConnections: 'deleting for a while', endedConnections: 'listed for hours' });
    const { PhysicalResourceId } = await create();
    await world.disconnectByHand();
    if (again === 'by hand') {
      await world.connectByHand();
    }
    await update(PhysicalResourceId);
    expect((await send('Delete', {}, PhysicalResourceId)).response?.Status).toBe('SUCCESS');
    expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
  });

  test('is repeated if GameLift accepted it without effect, because the authorization was missing', async () => {
    world = await SimulatedWorld.create({ missingAuthorization: 'failed', endedConnections: 'listed for hours' });
    const { PhysicalResourceId } = await create();
    await world.passDays(23 / 24);
    await world.disconnectByHand();
    await update(PhysicalResourceId);
    // by then, the authorization has expired, and GameLift still lists the deleted connection
    await world.passDays(1.5 / 24);
    expect((await send('Delete', {}, PhysicalResourceId)).response?.Status).toBe('SUCCESS');
    expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
  });
});

describe('EC2 returns an error for CreateRoute', () => {
  /** Fails the first calls of CreateRoute. Returns a list to which the time of each call is added. */
  const failCreateRoute = (name: string, count: number): number[] => {
    const callTimes: number[] = [];
    world.errorFor = (_, operation) => {
      if (operation !== 'CreateRoute') {
        return undefined;
      }
      callTimes.push(world.now());
      return callTimes.length <= count ? awsError(name) : undefined;
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
    const callTimes = failCreateRoute(name, Infinity);
    expect((await send('Create')).response).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(`: ${name}: `) as string,
    });
    expect(callTimes).toHaveLength(attempts);
  });

  test('reads the route tables again after five seconds if somebody else has created the route', async () => {
    const callTimes = failCreateRoute('RouteAlreadyExists', 1);
    expect((await send('Create')).response).toMatchObject({ Status: 'SUCCESS' });
    expect(callTimes).toHaveLength(1 + world.routeTableIds.length);
    const [first = 0, second = 0] = callTimes;
    expect(Math.round((second - first) / 1000)).toBe(5);
  });
});

test('repeats a request that GameLift refuses because new permissions in EC2 have not reached it yet', async () => {
  world = await SimulatedWorld.create();
  let refusals = 0;
  world.errorFor = (_, operation) => {
    refusals += operation === 'CreateVpcPeeringConnection' ? 1 : 0;
    return operation === 'CreateVpcPeeringConnection' && refusals <= 4
      ? awsError('UnauthorizedException', 'not authorized to perform ec2:AcceptVpcPeeringConnection')
      : undefined;
  };
  expect((await send('Create')).response).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
});

test('a delete reads the route tables again if EC2 reports that a route is gone, and deletes the route', async () => {
  world = await SimulatedWorld.create({ peerVpcWrites: 'none' });
  const { PhysicalResourceId } = await create();
  let attempts = 0;
  world.errorFor = (_, operation) => {
    attempts += operation === 'DeleteRoute' ? 1 : 0;
    return operation === 'DeleteRoute' && attempts === 1 ? awsError('InvalidRoute.NotFound') : undefined;
  };
  expect((await send('Delete', {}, PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(attempts).toBe(1 + world.routeTableIds.length);
  expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
});

test('a delete succeeds if EC2 reports that a route is gone, but lists it for another 14 seconds', async () => {
  world = await SimulatedWorld.create({ peerVpcWrites: 'none' });
  const { PhysicalResourceId } = await create();
  let first: number | undefined;
  world.errorFor = (_, operation) => {
    if (operation !== 'DeleteRoute') {
      return undefined;
    }
    first ??= world.now();
    return world.now() - first < 14_000 ? awsError('InvalidRoute.NotFound') : undefined;
  };
  expect((await send('Delete', {}, PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
});

test('a delete fails if EC2 denies the deletion of its routes, and deletes them when it is repeated', async () => {
  world = await SimulatedWorld.create({ peerVpcWrites: 'none' });
  const { PhysicalResourceId } = await create();
  const routed = [...world.routeTableIds].sort();
  world.errorFor = (_, operation) => (operation === 'DeleteRoute' ? DENIED : undefined);
  expect((await send('Delete', {}, PhysicalResourceId)).response).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringMatching(
      /^could not remove the peering of fleet .*: UnauthorizedOperation: .*\. Check that the handler's role is allowed to make this call/,
    ) as string,
  });
  expect([...world.state.routeTableIds].sort()).toEqual(routed);
  world.errorFor = () => undefined;
  expect((await send('Delete', {}, PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
});

test('the delete after a failed create fails at the routes, and deletes them when it is repeated', async () => {
  world = await SimulatedWorld.create({ peerVpcWritesOnDelete: 'left behind', endedConnections: 'not listed' });
  world.errorFor = (service, operation) =>
    service === 'gamelift' && operation === 'DescribeVpcPeeringConnections' ? awsError('InvalidRequestException') : undefined;
  const { response } = await send('Create');
  expect(response).toMatchObject({ Status: 'FAILED', PhysicalResourceId: expect.stringContaining('/unfinished/') as string });
  world.errorFor = (_, operation) => (operation === 'DeleteRoute' ? DENIED : undefined);
  expect((await send('Delete', {}, response?.PhysicalResourceId)).response?.Status).toBe('FAILED');
  expect(world.state).toMatchObject({ statuses: [], routeTableIds: expect.arrayContaining([...world.routeTableIds]) as unknown });
  world.errorFor = () => undefined;
  expect((await send('Delete', {}, response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
});

test('a delete fails if EC2 still shows the connection, because its routes would be left behind', async () => {
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

describe('a delete if EC2 denies access', () => {
  test('waits until GameLift no longer lists the connection', async () => {
    world = await SimulatedWorld.create({ deletingConnections: 'deleting for a while', endedConnections: 'listed for hours' });
    const { PhysicalResourceId } = await create({ Routes: 'None' });
    world.errorFor = denyEc2;
    expect((await send('Delete', { Routes: 'None' }, PhysicalResourceId)).response?.Status).toBe('SUCCESS');
    expect(world.state.statuses).not.toContain('active');
    expect(world.state.statuses).not.toContain('deleting');
  });

  test('fails if routes are declared, and says that they may be left', async () => {
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
    expect(world.state.routeTableIds).toEqual([]);
  });
});

describe('GameLift reports that the fleet does not exist, although it does', () => {
  /** Hides the fleet after the first call of an operation. */
  const hideFleetAfter = (called: string): void => {
    world.errorFor = (_, operation) =>
      operation === 'DescribeFleetAttributes' && world.calls.includes(called) ? awsError('NotFoundException') : undefined;
  };

  test('a create before its request: requests nothing', async () => {
    world = await SimulatedWorld.create();
    hideFleetAfter('TagResource');
    const { response } = await send('Create');
    expect(response).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(/: fleet \S+ was deleted\. Deploy again$/) as string,
    });
    expect(world.calls).not.toContain('CreateVpcPeeringConnection');
    expect(world.state.statuses).toEqual([]);
  });

  test('a create whose connection is active: deletes it, because a delete would not find it', async () => {
    world = await SimulatedWorld.create();
    world.errorFor = (_, operation) =>
      operation === 'DescribeFleetAttributes' && world.attributes !== undefined ? awsError('NotFoundException') : undefined;
    const { response } = await send('Create');
    expect(response).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(/, so pcx-\S+ was deleted again\. Deploy again$/) as string,
    });
    expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
    expect([...world.tags.keys()]).toEqual([]);
  });

  test.each<[string, Readings, () => Promise<void>]>([
    ['lists the connection', {}, () => Promise.resolve()],
    [
      'lists the connection as failed, and EC2 shows it, because its deletion failed',
      { missingAuthorization: 'failed' },
      async () => {
        await world.passDays(2);
        await world.disconnectByHand();
      },
    ],
  ])('the delete after a failed create: fails while GameLift %s', async (_, readings, prepare) => {
    world = await SimulatedWorld.create(readings);
    const { PhysicalResourceId, RequestId } = await create();
    await prepare();
    const unfinished = `${PhysicalResourceId}/unfinished/${RequestId}`;
    hideFleetAfter('DescribeFleetAttributes');
    expect((await send('Delete', {}, unfinished)).response).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(
        /: GameLift says that there is no fleet \S+, but still lists its peering connection (pcx-\S+)\. Delete again in a minute; if this error comes back, run aws gamelift delete-vpc-peering-connection --fleet-id fleet-\S+ --vpc-peering-connection-id \1 --region us-east-1, then delete again$/,
      ) as string,
    });
    world.errorFor = () => undefined;
    expect((await send('Delete', {}, unfinished)).response?.Status).toBe('SUCCESS');
    expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
  });
});

test('does not mistake a repeated request for earlier ones that failed', async () => {
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
  const started = world.now();
  await create();
  // reads GameLift's list once for each of the three, and never waits a minute without progress
  expect(world.now() - started).toBeLessThan(30_000 + 3 * 30_000);
});

test("does not mistake somebody else's connection, which GameLift lists late, for the requested one", async () => {
  world = await SimulatedWorld.create({ existingConnection: 'accepted' });
  await world.connectByHand();
  let lists = 0;
  world.outputFor = (service, operation) => {
    lists += service === 'gamelift' && operation === 'DescribeVpcPeeringConnections' ? 1 : 0;
    return lists === 1 && service === 'gamelift' && operation === 'DescribeVpcPeeringConnections'
      ? { VpcPeeringConnections: [] }
      : undefined;
  };
  expect((await send('Create')).response).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining('exists already, and this stack did not create it') as string,
  });
  expect(world.state.statuses).toEqual(['active']);
});

test('fails if GameLift accepts the request and lists no connection, and says so', async () => {
  world = await SimulatedWorld.create({ fleetEvents: 'never seen' });
  world.outputFor = (service, operation) =>
    service === 'gamelift' && operation === 'CreateVpcPeeringConnection' ? {} : undefined;
  expect((await send('Create')).response?.Reason).toMatch(
    /: GameLift accepted the request, but lists no peering connection\. Look at the events of the fleet, then deploy again$/,
  );
});

describe('a fleet that is peered on creation', () => {
  const ON_CREATE = { PeerOnCreate: 'true' };
  const REPLACE = 'Look at the events of the fleet, then replace the fleet, or remove peerOnCreate, which replaces it too';
  const countCalls = (operation: string): number => world.calls.filter((call) => call === operation).length;
  const refuseDeletion = (error: Error): void => {
    world.errorFor = (_, operation) => (operation === 'DeleteVpcPeeringConnection' ? error : undefined);
  };
  const list = (...connections: readonly object[]): void => {
    world.outputFor = (service, operation) =>
      service === 'gamelift' && operation === 'DescribeVpcPeeringConnections'
        ? { VpcPeeringConnections: connections }
        : undefined;
  };
  const listed = (code: string, message: string): object => ({
    VpcPeeringConnectionId: 'pcx-1',
    PeerVpcId: world.vpcId,
    FleetId: world.fleetId,
    Status: { Code: code, Message: message },
  });

  beforeEach(async () => {
    world = await SimulatedWorld.create({ fleetEvents: 'never seen' });
  });

  describe('that GameLift has peered', () => {
    let made: TestResponse | undefined;

    beforeEach(async () => {
      await world.connectByHand();
      made = (await send('Create', ON_CREATE)).response;
    });

    test('is found without a request, and gets its routes', () => {
      expect(made).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
      expect(world.calls.filter((operation) => operation.startsWith('CreateVpcPeering'))).toEqual([]);
      expect([...world.state.routeTableIds].sort()).toEqual([...world.routeTableIds].sort());
    });

    test('is found by an update without a change, which makes no call to GameLift', async () => {
      const { response } = await send('Update', ON_CREATE, made?.PhysicalResourceId);
      expect(response).toMatchObject({ Status: 'SUCCESS', Data: made?.Data });
      expect(world.calls).toEqual(['DescribeVpcPeeringConnections']);
    });

    test.each(['true', 'false'])('is used by an update that changes peerOnCreate to %s', async (to) => {
      const from = { OldResourceProperties: world.properties({ PeerOnCreate: to === 'true' ? 'false' : 'true' }) };
      const declared = world.properties({ PeerOnCreate: to });
      const { response } = await world.send('Update', declared, made?.PhysicalResourceId, from);
      expect(response).toMatchObject({ Status: 'SUCCESS', Data: made?.Data });
      expect(world.calls).not.toContain('CreateVpcPeeringConnection');
    });

    test('is not available to another stack, whose delete leaves it in place', async () => {
      const other = { StackId: 'arn:aws:cloudformation:us-east-1:111111111111:stack/Other/7c3f2d8d-0000-4000-8000-000000000000' };
      const { response } = await world.send('Create', world.properties(ON_CREATE), undefined, other);
      expect(response).toMatchObject({
        Status: 'FAILED',
        Reason: expect.stringContaining('the peering connection belongs to resource Peering of stack Game (') as string,
      });
      const id = String(made?.PhysicalResourceId).replace('6b2e1c9c', '7c3f2d8d');
      expect((await world.send('Delete', world.properties(ON_CREATE), id, other)).response?.Status).toBe('SUCCESS');
      expect(world.attributes).toEqual(made?.Data);
    });

    test("is not available to another resource because of EC2's tags, if the fleet has lost its tags", async () => {
      world.tags.clear();
      const other = { LogicalResourceId: 'Other' };
      const { response } = await world.send('Create', world.properties(ON_CREATE), undefined, other);
      expect(response).toMatchObject({
        Status: 'FAILED',
        Reason: expect.stringContaining('exists already, and resource Peering of stack Game (') as string,
      });
      const deleted = await world.send('Delete', world.properties(ON_CREATE), response?.PhysicalResourceId, other);
      expect(deleted.response?.Status).toBe('SUCCESS');
      expect(world.attributes).toEqual(made?.Data);
    });

    test('is deleted like a requested one, after the handler has authorized', async () => {
      await world.passDays(2);
      expect((await send('Delete', ON_CREATE, made?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
      expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
    });

    test.each(['InvalidRequestException', 'NotFoundException', 'UnauthorizedException'])(
      'is left in place if GameLift keeps refusing its deletion with %s: its routes are removed, and only four calls are made',
      async (name) => {
        await world.passDays(2);
        refuseDeletion(awsError(name, 'it ends with its fleet'));
        const { response, logged } = await world.run({
          RequestType: 'Delete',
          ResponseURL: 'https://example.com',
          StackId: 'arn:aws:cloudformation:us-east-1:111111111111:stack/Game/6b2e1c9c-0000-4000-8000-000000000000',
          RequestId: 'f0f0f0f0-0000-4000-8000-000000000006',
          ResourceType: 'Custom::GameLiftVpcPeeringConnection',
          LogicalResourceId: 'Peering',
          PhysicalResourceId: made?.PhysicalResourceId,
          ResourceProperties: world.properties(ON_CREATE),
        });
        expect(response?.Status).toBe('SUCCESS');
        expect(world.state).toEqual({ statuses: ['active'], routeTableIds: [] });
        expect([...world.tags]).toEqual([]);
        expect(world.aws.inventory().authorizations).toHaveLength(1);
        expect(countCalls('CreateVpcPeeringAuthorization')).toBe(1);
        expect(countCalls('DeleteVpcPeeringConnection')).toBe(4);
        expect(logged.map(({ message }) => message)).toContain(
          'GameLift does not delete the peering connection, although the deletion is authorized: the connection exists until its fleet is deleted',
        );
      },
    );

    test('is left in place if GameLift refuses its deletion, and does not list the used authorization', async () => {
      refuseDeletion(awsError('InvalidRequestException', 'it ends with its fleet'));
      world.outputFor = (_, operation) =>
        operation === 'DescribeVpcPeeringAuthorizations' ? { VpcPeeringAuthorizations: [] } : undefined;
      expect((await send('Delete', ON_CREATE, made?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
      expect(world.state).toEqual({ statuses: ['active'], routeTableIds: [] });
      expect(world.aws.inventory().authorizations).toHaveLength(1);
    });

    test.each([
      ['by IAM', awsError('AccessDeniedException', 'no')],
      ['because a permission in EC2 is missing', awsError('UnauthorizedException', 'not authorized to perform ec2:DeleteRoute')],
    ])('is not left in place if the deletion is refused %s: the delete fails, and changes nothing', async (_, error) => {
      const before = world.state;
      refuseDeletion(error);
      const { response } = await send('Delete', ON_CREATE, made?.PhysicalResourceId);
      expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(error.message) as string });
      expect(world.state).toEqual(before);
      world.errorFor = () => undefined;
      expect((await send('Delete', ON_CREATE, made?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
      expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
    });

    test('is not left in place if the handler can not authorize: the delete fails, and says who can', async () => {
      const other = { ...ON_CREATE, PeerVpcAwsAccountId: '222222222222', Routes: 'None' };
      refuseDeletion(awsError('UnauthorizedException', 'no'));
      const { response } = await send('Delete', other, made?.PhysicalResourceId);
      expect(response).toMatchObject({
        Status: 'FAILED',
        Reason: expect.stringContaining(
          'Only account 222222222222, which owns the VPC, can authorize this. Run there: ',
        ) as string,
      });
    });

    test('is not created again by an update after somebody has deleted it', async () => {
      await world.disconnectByHand();
      const { response } = await send('Update', ON_CREATE, made?.PhysicalResourceId);
      expect(response).toMatchObject({
        Status: 'FAILED',
        PhysicalResourceId: made?.PhysicalResourceId,
        Reason: expect.stringContaining(REPLACE) as string,
      });
      expect(world.calls.filter((operation) => operation.startsWith('CreateVpcPeering'))).toEqual([]);
    });
  });

  describe('whose connection somebody has deleted', () => {
    let id: string | undefined;
    let data: object | undefined;
    const declared = (routes: string, expires: string): object =>
      world.properties({ ...ON_CREATE, Routes: routes, AuthorizationExpirationTime: expires });
    const OLD = (): object => declared('EveryRouteTable', '2026-01-02');
    const NEW = (): object => declared('None', '2026-01-03');
    const update = async (to: object, from: object): Promise<TestResponse | undefined> =>
      (await world.send('Update', to, id, { OldResourceProperties: from })).response;
    const FAILED = { Status: 'FAILED', Reason: expect.stringContaining(REPLACE) as string };

    beforeEach(async () => {
      await world.connectByHand();
      const made = (await world.send('Create', OLD())).response;
      id = made?.PhysicalResourceId;
      data = made?.Data;
      await world.disconnectByHand();
      expect(await update(NEW(), OLD())).toMatchObject(FAILED);
    });

    test('is rolled back after the update that failed, and nothing is created', async () => {
      // CloudFormation may send the properties in another order
      const reversed = Object.fromEntries(Object.entries(NEW()).reverse());
      expect(await update(OLD(), reversed)).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: id, Data: data });
      expect(world.state.statuses).toEqual([]);
      expect(world.calls.filter((operation) => operation.startsWith('CreateVpcPeering'))).toEqual([]);
    });

    test('is rolled back after a failed update in which only the expiration time had changed', async () => {
      const renewed = declared('EveryRouteTable', '2026-01-04');
      expect(await update(renewed, OLD())).toMatchObject(FAILED);
      expect(await update(OLD(), renewed)).toMatchObject({ Status: 'SUCCESS', Data: data });
    });

    test('fails again in the next update after the rollback, and is rolled back again', async () => {
      await update(OLD(), NEW());
      expect(await update(NEW(), OLD())).toMatchObject(FAILED);
      expect(await update(OLD(), NEW())).toMatchObject({ Status: 'SUCCESS', Data: data });
    });

    test('an update from other properties is not mistaken for a rollback', async () => {
      expect(await update(OLD(), declared('None', '2026-01-05'))).toMatchObject(FAILED);
    });

    test('an update to other properties is not mistaken for a rollback, as after a deployment without a rollback', async () => {
      expect(await update(declared('None', '2026-01-05'), NEW())).toMatchObject(FAILED);
    });

    test('fails because the connection is gone, even if it can not note that', async () => {
      world.errorFor = (_, operation) => (operation === 'TagResource' ? awsError('AccessDeniedException', 'no tags') : undefined);
      expect(await update(NEW(), OLD())).toMatchObject(FAILED);
    });

    test('is deleted after the rollback, and leaves no tag', async () => {
      await update(OLD(), NEW());
      expect((await world.send('Delete', OLD(), id)).response?.Status).toBe('SUCCESS');
      expect([...world.tags]).toEqual([]);
    });
  });

  test.each<readonly [string, () => void, string]>([
    ['lists none', () => undefined, 'GameLift lists no peering connection. '],
    [
      'lists one that failed',
      () => {
        list(listed('failed', 'no authorization'));
      },
      'GameLift reports the status failed for the peering connection (no authorization)',
    ],
  ])('fails in a create if GameLift %s: says so, and that only a new fleet is peered', async (_, prepare, reason) => {
    prepare();
    const { response } = await send('Create', ON_CREATE);
    expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(reason) as string });
    expect(response?.Reason).toMatch(/replace the fleet, or remove peerOnCreate, which replaces it too/);
    expect(world.calls.filter((operation) => operation.startsWith('CreateVpcPeering'))).toEqual([]);
    world.outputFor = () => undefined;
    expect((await send('Delete', ON_CREATE, response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
    expect([...world.tags]).toEqual([]);
  });

  test('is found although an earlier connection that has ended is still listed', async () => {
    await world.connectByHand();
    const active = { ...listed('active', ''), VpcPeeringConnectionId: 'pcx-2', GameLiftVpcId: world.attributes?.GameLiftVpcId };
    list(listed('deleted', ''), { ...active, IpV4CidrBlock: world.attributes?.GameLiftCidrBlock });
    const { response } = await send('Create', ON_CREATE);
    expect(response).toMatchObject({ Status: 'SUCCESS', Data: { ...world.attributes, VpcPeeringConnectionId: 'pcx-2' } });
  });

  test('fails in a create if the connection is pending for longer than the timeout', async () => {
    list(listed('provisioning', ''));
    const { response } = await send('Create', { ...ON_CREATE, TimeoutSeconds: '120' });
    expect(response?.Reason).toContain(
      'the peering connection was still pending after 120 seconds. Look at the events of the fleet',
    );
  });
});

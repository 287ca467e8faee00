import { MAX_CONCURRENT_CONNECTIONS } from '../../lib/contract';
import type { Readings } from '../matrix/world';
import { SimulatedWorld } from './simulated-world';
import { awsError } from './world';
import type { TestAnswer } from './world';

/*
 * What a connection refuses, notes and waits for, in a simulated AWS.
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
): Promise<{ answer: TestAnswer | undefined }> {
  return world.ask(type, world.declare(change), id);
}

const refusesEc2 = (service: string): Error | undefined => (service === 'ec2' ? DENIED : undefined);

async function made(change: object = {}): Promise<TestAnswer> {
  const { answer } = await send('Create', change);
  if (answer?.Status !== 'SUCCESS') {
    throw new Error(answer?.Reason);
  }
  return answer;
}

describe('is refused before anything is changed', () => {
  test.each([
    [
      'no such fleet',
      {},
      {},
      { FleetId: ABSENT },
      `there is no fleet ${ABSENT} in this account and us-east-1. Correct the fleet of the VpcPeeringConnection, then deploy again`,
    ],
    ['a fleet that failed', {}, { end: 'error' }, {}, 'is in status ERROR and will not become ACTIVE. Look at its events'],
    [
      'a fleet that is never ready',
      {},
      { end: 'hang' },
      { TimeoutSeconds: '60' },
      'was still in status ACTIVATING after 60 seconds. Look at its events, raise the timeout',
    ],
    [
      'routes in an account that nobody lets it into',
      {},
      {},
      { PeerVpcAwsAccountId: '222222222222' },
      "routes and DNS of the VPC can't be set from another account. Pass PeeringRoutes.none() and no dnsResolution",
    ],
  ] as const)('%s', async (_, input, outcome, change, reason) => {
    world = await SimulatedWorld.create({}, input, outcome);
    const before = world.aws.inventory();
    const { answer } = await send('Create', change);
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(reason) as string });
    expect(answer?.PhysicalResourceId).toMatch(/\/nothing-done$/);
    expect(world.aws.inventory()).toEqual(before);
  });

  test('a fleet of another kind', async () => {
    world = await SimulatedWorld.create();
    const fleet = world.aws.gameLift.fleets.all().at(-1);
    if (fleet !== undefined) {
      Object.assign(fleet.attributes, { ComputeType: 'ANYWHERE' });
    }
    const { answer } = await send('Create');
    expect(answer?.Reason).toContain(`GameLift peers EC2 fleets only, and fleet ${world.fleetId} is of compute type ANYWHERE`);
  });
});

test('GameLift that refuses whatever is authorized: says so, with what it said', async () => {
  world = await SimulatedWorld.create();
  world.refusal = (_, operation) =>
    operation === 'CreateVpcPeeringConnection' ? awsError('InvalidRequestException', 'Not today') : undefined;
  const { answer } = await send('Create');
  expect(answer?.Reason).toContain(
    'GameLift refused CreateVpcPeeringConnection although it had just been authorized (InvalidRequestException: Not today)',
  );
  // what it claimed is given up by the deletion that follows
  world.refusal = () => undefined;
  expect((await send('Delete', {}, answer?.PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
  expect(world.peerings.statuses).toEqual([]);
});

test('GameLift that refuses and lists no authorization: is asked as often as others could have used up what was given', async () => {
  world = await SimulatedWorld.create();
  world.output = (_, operation) =>
    operation === 'DescribeVpcPeeringAuthorizations' ? { VpcPeeringAuthorizations: [] } : undefined;
  world.refusal = (_, operation) =>
    operation === 'CreateVpcPeeringConnection' ? awsError('UnauthorizedException', 'Not today') : undefined;
  const { answer } = await send('Create');
  expect(answer?.Reason).toContain('although it had just been authorized (UnauthorizedException: Not today)');
  expect(world.calls.filter((operation) => operation === 'CreateVpcPeeringConnection')).toHaveLength(
    MAX_CONCURRENT_CONNECTIONS + 1,
  );
});

test("a connection that GameLift rejects: says that it did, and what the VPC's addresses are", async () => {
  world = await SimulatedWorld.create({ endedCidrBlocks: 'not told' });
  world.aws.scriptedOutcomes.connection = () => ({ end: 'failed', message: 'CIDR blocks overlap' });
  const { answer } = await send('Create');
  expect(answer?.Reason).toMatch(
    /GameLift reports the status failed for the peering connection \(CIDR blocks overlap\)\. The peer VPC has 10\.90\.0\.0\/16, and GameLift does not say which CIDR block the fleet's VPC has\. If the blocks overlap, /,
  );
});

test('a connection through a role of the account of the VPC: all calls share one session', async () => {
  world = await SimulatedWorld.create();
  const { answer } = await send('Create', { PeerRoleArn: 'arn:aws:iam::111111111111:role/Peering' });
  expect(answer?.Status).toBe('SUCCESS');
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
])('DNS resolution that EC2 %s: the error says what to do about it', async (_, refusal, reason) => {
  world = await SimulatedWorld.create();
  world.refusal = (service, operation) =>
    service === 'ec2' && operation === 'ModifyVpcPeeringConnectionOptions' ? refusal : undefined;
  const { answer } = await send('Create', { DnsResolution: 'true' });
  expect(answer?.Reason).toMatch(reason);
});

test.each<[string, Error | undefined, RegExp]>([
  [
    'can not be asked',
    DENIED,
    /the handler can't read the VPC's peering connections from EC2, so its routes and DNS resolution are not set \(UnauthorizedOperation: .*\)\. Allow ec2:DescribeVpcPeeringConnections to the role /,
  ],
  [
    'does not show it',
    undefined,
    /EC2 shows no peering connection of VPC \S+ with \S+, so its routes and DNS resolution are not set\. Deploy again/,
  ],
])('a connection that EC2 %s, while routes are declared: fails, and is deleted again', async (_, refusal, reason) => {
  world = await SimulatedWorld.create();
  const isAsked = (service: string, operation: string): boolean =>
    service === 'ec2' && operation === 'DescribeVpcPeeringConnections';
  world.refusal = (service, operation) => (isAsked(service, operation) ? refusal : undefined);
  world.output = (service, operation) => (isAsked(service, operation) ? { vpcPeeringConnectionSet: [] } : undefined);
  const { answer } = await send('Create');
  expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringMatching(reason) as string });
  world.refusal = () => undefined;
  world.output = () => undefined;
  expect((await send('Delete', {}, answer?.PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
  expect(world.peerings).toEqual({ statuses: [], routed: [] });
});

describe('an update in which nothing changed', () => {
  test('answers with what EC2 has noted, and makes no call of GameLift', async () => {
    world = await SimulatedWorld.create();
    const { Data, PhysicalResourceId } = await made();
    expect((await send('Update', {}, PhysicalResourceId)).answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId, Data });
    expect(world.calls).toEqual(['DescribeVpcPeeringConnections']);
  });

  test('answers with what the claim has noted, where EC2 can not be asked', async () => {
    world = await SimulatedWorld.create();
    const { Data, PhysicalResourceId } = await made();
    world.refusal = refusesEc2;
    expect((await send('Update', {}, PhysicalResourceId)).answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId, Data });
    expect(world.calls.filter((operation) => operation.startsWith('Create'))).toEqual([]);
  });

  test('makes the connection again that somebody deleted by hand', async () => {
    world = await SimulatedWorld.create();
    const { Data, PhysicalResourceId } = await made();
    await world.disconnectByHand();
    const { answer } = await send('Update', {}, PhysicalResourceId);
    expect(answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId });
    expect(answer?.Data?.VpcPeeringConnectionId).not.toBe(Data?.VpcPeeringConnectionId);
    expect(world.peerings.statuses.filter((status) => status === 'active')).toEqual(['active']);
  });
});

describe('the attributes are what GameLift says, whose ids may be its own', () => {
  beforeEach(async () => {
    world = await SimulatedWorld.create({ connectionIds: 'own of GameLift' });
  });

  /** Checks the answer to what was asked; gives the physical id in it. */
  function check(answer: TestAnswer | undefined): string | undefined {
    expect(answer).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
    expect(answer?.Data?.VpcPeeringConnectionId).toMatch(/^vpc-peering-/);
    return answer?.PhysicalResourceId;
  }

  test.each([
    ['made here', {}],
    ['adopted', { AdoptExisting: 'true' }],
  ])('of one that was %s: when it is created, updated, and updated without a change', async (_, change) => {
    if ('AdoptExisting' in change) {
      await world.connectByHand();
    }
    const id = check((await send('Create', change)).answer);
    check((await send('Update', change, id)).answer);
    const previous = { OldResourceProperties: world.declare(change) };
    const changed = world.declare({ ...change, DnsResolution: 'true' });
    check((await world.ask('Update', changed, id, previous)).answer);
    check((await world.ask('Update', changed, id)).answer);
  });

  test('of one that is updated without a change, where EC2 can not be asked', async () => {
    const id = check((await send('Create', { Routes: 'None' })).answer);
    world.refusal = refusesEc2;
    check((await send('Update', { Routes: 'None' }, id)).answer);
  });
});

describe('a deletion after the connection was made again, while EC2 still shows the one before', () => {
  /** An update that finds or makes what is declared. */
  async function update(id: string): Promise<void> {
    const previous = { OldResourceProperties: world.declare({ Routes: 'None' }) };
    expect((await world.ask('Update', world.declare(), id, previous)).answer?.Status).toBe('SUCCESS');
  }

  test.each(['by an update', 'by hand'] as const)('waits for the one that is there now, which was made %s', async (again) => {
    world = await SimulatedWorld.create({ deletingConnections: 'deleting for a while', endedConnections: 'linger' });
    const { PhysicalResourceId } = await made();
    await world.disconnectByHand();
    if (again === 'by hand') {
      await world.connectByHand();
    }
    await update(PhysicalResourceId);
    expect((await send('Delete', {}, PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
    expect(world.peerings).toEqual({ statuses: [], routed: [] });
  });

  test('is asked for again where GameLift accepted it without effect, for want of an authorization', async () => {
    world = await SimulatedWorld.create({ missingAuthorization: 'failed', endedConnections: 'linger' });
    const { PhysicalResourceId } = await made();
    await world.pass(23 / 24);
    await world.disconnectByHand();
    await update(PhysicalResourceId);
    // the authorization has lapsed by then, and what was deleted is not forgotten yet
    await world.pass(1.5 / 24);
    expect((await send('Delete', {}, PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
    expect(world.peerings).toEqual({ statuses: [], routed: [] });
  });
});

describe('a route that EC2 refuses', () => {
  /** Refuses so many calls of CreateRoute, and gives the time of each. */
  const refuseRoutes = (name: string, times: number): number[] => {
    const asked: number[] = [];
    world.refusal = (_, operation) => {
      if (operation !== 'CreateRoute') {
        return undefined;
      }
      asked.push(world.now());
      return asked.length <= times ? awsError(name) : undefined;
    };
    return asked;
  };

  beforeEach(async () => {
    world = await SimulatedWorld.create({ peerVpcWrites: 'none' });
  });

  test.each([
    ['because it is not a valid one is reported at once', 'InvalidParameterValue', 1],
    ['because it exists, for longer than reads are late, is an error', 'RouteAlreadyExists', 6],
  ])('%s', async (_, name, attempts) => {
    const asked = refuseRoutes(name, Infinity);
    expect((await send('Create')).answer).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(`: ${name}: `) as string,
    });
    expect(asked).toHaveLength(attempts);
  });

  test('because somebody else wrote it is looked at again after five seconds', async () => {
    const asked = refuseRoutes('RouteAlreadyExists', 1);
    expect((await send('Create')).answer).toMatchObject({ Status: 'SUCCESS' });
    expect(asked).toHaveLength(1 + world.routeTableIds.length);
    const [first = 0, second = 0] = asked;
    expect(Math.round((second - first) / 1000)).toBe(5);
  });
});

test('permissions of EC2 that GameLift does not know yet: is asked again for a minute', async () => {
  world = await SimulatedWorld.create();
  let refusals = 0;
  world.refusal = (_, operation) => {
    refusals += operation === 'CreateVpcPeeringConnection' ? 1 : 0;
    return operation === 'CreateVpcPeeringConnection' && refusals <= 4
      ? awsError('UnauthorizedException', 'not authorized to perform ec2:AcceptVpcPeeringConnection')
      : undefined;
  };
  expect((await send('Create')).answer).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
});

test('a route that EC2 says is gone when it is to be deleted is looked for again, and deleted', async () => {
  world = await SimulatedWorld.create({ peerVpcWrites: 'none' });
  const { PhysicalResourceId } = await made();
  let asked = 0;
  world.refusal = (_, operation) => {
    asked += operation === 'DeleteRoute' ? 1 : 0;
    return operation === 'DeleteRoute' && asked === 1 ? awsError('InvalidRoute.NotFound') : undefined;
  };
  expect((await send('Delete', {}, PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
  expect(asked).toBe(1 + world.routeTableIds.length);
  expect(world.peerings).toEqual({ statuses: [], routed: [] });
});

test('a route that EC2 says is gone, and still lists for some time, is no error', async () => {
  world = await SimulatedWorld.create({ peerVpcWrites: 'none' });
  const { PhysicalResourceId } = await made();
  let first: number | undefined;
  world.refusal = (_, operation) => {
    if (operation !== 'DeleteRoute') {
      return undefined;
    }
    first ??= world.now();
    return world.now() - first < 14_000 ? awsError('InvalidRoute.NotFound') : undefined;
  };
  expect((await send('Delete', {}, PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
  expect(world.peerings).toEqual({ statuses: [], routed: [] });
});

test('a deletion that may not take its routes away fails, and takes them when it is tried again', async () => {
  world = await SimulatedWorld.create({ peerVpcWrites: 'none' });
  const { PhysicalResourceId } = await made();
  const routed = [...world.routeTableIds].sort();
  world.refusal = (_, operation) => (operation === 'DeleteRoute' ? DENIED : undefined);
  expect((await send('Delete', {}, PhysicalResourceId)).answer).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringMatching(
      /^could not remove the peering of fleet .*: UnauthorizedOperation: .*\. Check that the handler's role is allowed to make this call/,
    ) as string,
  });
  expect([...world.peerings.routed].sort()).toEqual(routed);
  world.refusal = () => undefined;
  expect((await send('Delete', {}, PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
  expect(world.peerings).toEqual({ statuses: [], routed: [] });
});

test('a deletion of what a failed create had requested, if it fails at the routes, takes them when it is tried again', async () => {
  world = await SimulatedWorld.create({ peerVpcWritesOnDelete: 'left behind', endedConnections: 'gone' });
  world.refusal = (service, operation) =>
    service === 'gamelift' && operation === 'DescribeVpcPeeringConnections' ? awsError('InvalidRequestException') : undefined;
  const { answer } = await send('Create');
  expect(answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId: expect.stringContaining('/unfinished/') as string });
  world.refusal = (_, operation) => (operation === 'DeleteRoute' ? DENIED : undefined);
  expect((await send('Delete', {}, answer?.PhysicalResourceId)).answer?.Status).toBe('FAILED');
  expect(world.peerings).toMatchObject({ statuses: [], routed: expect.arrayContaining([...world.routeTableIds]) as unknown });
  world.refusal = () => undefined;
  expect((await send('Delete', {}, answer?.PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
  expect(world.peerings).toEqual({ statuses: [], routed: [] });
});

test('a deletion after which EC2 still shows the connection fails: its routes would be left', async () => {
  world = await SimulatedWorld.create();
  const { PhysicalResourceId } = await made();
  world.output = (_, operation) => (operation === 'DescribeFleetAttributes' ? { FleetAttributes: [] } : undefined);
  expect((await send('Delete', {}, PhysicalResourceId)).answer).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringMatching(
      /: GameLift says that the connection is gone, but EC2 shows pcx-\S+ in status active, so the routes to it are left\. Delete again$/,
    ) as string,
  });
});

describe('a deletion where EC2 can not be asked', () => {
  test('waits until GameLift no longer lists the connection', async () => {
    world = await SimulatedWorld.create({ deletingConnections: 'deleting for a while', endedConnections: 'linger' });
    const { PhysicalResourceId } = await made({ Routes: 'None' });
    world.refusal = refusesEc2;
    expect((await send('Delete', { Routes: 'None' }, PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
    expect(world.peerings.statuses).not.toContain('active');
    expect(world.peerings.statuses).not.toContain('deleting');
  });

  test('fails where there are routes to take back, and says so', async () => {
    world = await SimulatedWorld.create();
    const { PhysicalResourceId } = await made();
    world.refusal = refusesEc2;
    const { answer } = await send('Delete', {}, PhysicalResourceId);
    expect(answer).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(
        "the handler can't read the VPC's peering connections from EC2, so routes to the deleted connection may be left (UnauthorizedOperation: ",
      ) as string,
    });
    world.refusal = () => undefined;
    expect((await send('Delete', {}, PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
    expect(world.peerings.routed).toEqual([]);
  });
});

describe('GameLift says that there is no fleet, although there is one', () => {
  /** From the first call of an operation on. */
  const goneAfter = (called: string): void => {
    world.refusal = (_, operation) =>
      operation === 'DescribeFleetAttributes' && world.calls.includes(called) ? awsError('NotFoundException') : undefined;
  };

  test('before the connection is requested: requests nothing', async () => {
    world = await SimulatedWorld.create();
    goneAfter('TagResource');
    const { answer } = await send('Create');
    expect(answer).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(/: fleet \S+ was deleted\. Deploy again$/) as string,
    });
    expect(world.calls).not.toContain('CreateVpcPeeringConnection');
    expect(world.peerings.statuses).toEqual([]);
  });

  test('once the connection is active: deletes it, since a deletion would not find it', async () => {
    world = await SimulatedWorld.create();
    world.refusal = (_, operation) =>
      operation === 'DescribeFleetAttributes' && world.attributes !== undefined ? awsError('NotFoundException') : undefined;
    const { answer } = await send('Create');
    expect(answer).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(/, so pcx-\S+ was deleted again\. Deploy again$/) as string,
    });
    expect(world.peerings).toEqual({ statuses: [], routed: [] });
    expect([...world.tags.keys()]).toEqual([]);
  });

  test.each<[string, Readings, () => Promise<void>]>([
    ['lists the connection', {}, () => Promise.resolve()],
    [
      'lists it as failed, and EC2 shows it, because only its deletion failed',
      { missingAuthorization: 'failed' },
      async () => {
        await world.pass(2);
        await world.disconnectByHand();
      },
    ],
  ])('when a create that failed is deleted: fails as long as GameLift %s', async (_, readings, happen) => {
    world = await SimulatedWorld.create(readings);
    const { PhysicalResourceId, RequestId } = await made();
    await happen();
    const unfinished = `${PhysicalResourceId}/unfinished/${RequestId}`;
    goneAfter('DescribeFleetAttributes');
    expect((await send('Delete', {}, unfinished)).answer).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(
        /: GameLift says that there is no fleet \S+, but still lists its peering connection (pcx-\S+)\. Delete again in a minute; if this error comes back, run aws gamelift delete-vpc-peering-connection --fleet-id fleet-\S+ --vpc-peering-connection-id \1 --region us-east-1, then delete again$/,
      ) as string,
    });
    world.refusal = () => undefined;
    expect((await send('Delete', {}, unfinished)).answer?.Status).toBe('SUCCESS');
    expect(world.peerings).toEqual({ statuses: [], routed: [] });
  });
});

test('a connection that is requested again is not mistaken for those that failed before', async () => {
  world = await SimulatedWorld.create({ failedSeenByAccepter: 'seen', fleetEvents: 'never seen', endedConnections: 'gone' });
  let requests = 0;
  world.aws.scriptedOutcomes.connectionSeconds = 6;
  world.aws.scriptedOutcomes.connection = () => {
    requests += 1;
    return requests < 3 ? { end: 'failed', message: 'Not yet' } : {};
  };
  const started = world.now();
  await made();
  // a look at GameLift's list for each of the three, and not a minute for want of news
  expect(world.now() - started).toBeLessThan(30_000 + 3 * 30_000);
});

test("somebody else's connection that GameLift lists late is not taken for the one that was requested", async () => {
  world = await SimulatedWorld.create({ existingConnection: 'accepted' });
  await world.connectByHand();
  let lists = 0;
  world.output = (service, operation) => {
    lists += service === 'gamelift' && operation === 'DescribeVpcPeeringConnections' ? 1 : 0;
    return lists === 1 && service === 'gamelift' && operation === 'DescribeVpcPeeringConnections'
      ? { VpcPeeringConnections: [] }
      : undefined;
  };
  expect((await send('Create')).answer).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining('exists already, and this stack did not create it') as string,
  });
  expect(world.peerings.statuses).toEqual(['active']);
});

test('GameLift that accepts the request and lists nothing: says so, and not that GameLift ended it', async () => {
  world = await SimulatedWorld.create({ fleetEvents: 'never seen' });
  world.output = (service, operation) => (service === 'gamelift' && operation === 'CreateVpcPeeringConnection' ? {} : undefined);
  expect((await send('Create')).answer?.Reason).toMatch(
    /: GameLift accepted the request, but lists no peering connection\. Look at the events of the fleet, then deploy again$/,
  );
});

describe('a fleet that is peered on creation', () => {
  const ON_CREATE = { PeerOnCreate: 'true' };
  const REPLACE = 'Look at the events of the fleet, then replace the fleet, or remove peerOnCreate, which replaces it too';
  const asked = (operation: string): number => world.calls.filter((call) => call === operation).length;
  const refuseDeletion = (error: Error): void => {
    world.refusal = (_, operation) => (operation === 'DeleteVpcPeeringConnection' ? error : undefined);
  };
  const list = (...connections: readonly object[]): void => {
    world.output = (service, operation) =>
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
    let made: TestAnswer | undefined;

    beforeEach(async () => {
      await world.connectByHand();
      made = (await send('Create', ON_CREATE)).answer;
    });

    test('is answered with, requested by nobody, and routed to', () => {
      expect(made).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
      expect(world.calls.filter((operation) => operation.startsWith('CreateVpcPeering'))).toEqual([]);
      expect([...world.peerings.routed].sort()).toEqual([...world.routeTableIds].sort());
    });

    test('is answered with again by an update without a change, which makes no call of GameLift', async () => {
      const { answer } = await send('Update', ON_CREATE, made?.PhysicalResourceId);
      expect(answer).toMatchObject({ Status: 'SUCCESS', Data: made?.Data });
      expect(world.calls).toEqual(['DescribeVpcPeeringConnections']);
    });

    test.each(['true', 'false'])('is used by an update that changes peerOnCreate to %s', async (to) => {
      const from = { OldResourceProperties: world.declare({ PeerOnCreate: to === 'true' ? 'false' : 'true' }) };
      const declared = world.declare({ PeerOnCreate: to });
      const { answer } = await world.ask('Update', declared, made?.PhysicalResourceId, from);
      expect(answer).toMatchObject({ Status: 'SUCCESS', Data: made?.Data });
      expect(world.calls).not.toContain('CreateVpcPeeringConnection');
    });

    test('is refused to another stack, and left to this one', async () => {
      const other = { StackId: 'arn:aws:cloudformation:us-east-1:111111111111:stack/Other/7c3f2d8d-0000-4000-8000-000000000000' };
      const { answer } = await world.ask('Create', world.declare(ON_CREATE), undefined, other);
      expect(answer).toMatchObject({
        Status: 'FAILED',
        Reason: expect.stringContaining('the peering connection belongs to resource Peering of stack Game (') as string,
      });
      const id = String(made?.PhysicalResourceId).replace('6b2e1c9c', '7c3f2d8d');
      expect((await world.ask('Delete', world.declare(ON_CREATE), id, other)).answer?.Status).toBe('SUCCESS');
      expect(world.attributes).toEqual(made?.Data);
    });

    test("is refused to another stack by EC2's tags, and left to this one, if the fleet was stripped of its tags", async () => {
      world.tags.clear();
      const other = { LogicalResourceId: 'Other' };
      const { answer } = await world.ask('Create', world.declare(ON_CREATE), undefined, other);
      expect(answer).toMatchObject({
        Status: 'FAILED',
        Reason: expect.stringContaining('exists already, and resource Peering of stack Game (') as string,
      });
      const deleted = await world.ask('Delete', world.declare(ON_CREATE), answer?.PhysicalResourceId, other);
      expect(deleted.answer?.Status).toBe('SUCCESS');
      expect(world.attributes).toEqual(made?.Data);
    });

    test('is deleted like a requested one, after the handler has authorized that', async () => {
      await world.pass(2);
      expect((await send('Delete', ON_CREATE, made?.PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
      expect(world.peerings).toEqual({ statuses: [], routed: [] });
    });

    test.each(['InvalidRequestException', 'NotFoundException', 'UnauthorizedException'])(
      'is left to its fleet if GameLift goes on refusing its deletion with %s: what leads to it is removed, and the rate limit spared',
      async (name) => {
        await world.pass(2);
        refuseDeletion(awsError(name, 'it ends with its fleet'));
        const { answer, logged } = await world.run({
          RequestType: 'Delete',
          ResponseURL: 'https://example.com',
          StackId: 'arn:aws:cloudformation:us-east-1:111111111111:stack/Game/6b2e1c9c-0000-4000-8000-000000000000',
          RequestId: 'f0f0f0f0-0000-4000-8000-000000000006',
          ResourceType: 'Custom::GameLiftVpcPeeringConnection',
          LogicalResourceId: 'Peering',
          PhysicalResourceId: made?.PhysicalResourceId,
          ResourceProperties: world.declare(ON_CREATE),
        });
        expect(answer?.Status).toBe('SUCCESS');
        expect(world.peerings).toEqual({ statuses: ['active'], routed: [] });
        expect([...world.tags]).toEqual([]);
        expect(world.aws.inventory().authorizations).toHaveLength(1);
        expect(asked('CreateVpcPeeringAuthorization')).toBe(1);
        expect(asked('DeleteVpcPeeringConnection')).toBe(4);
        expect(logged.map(({ message }) => message)).toContain(
          'GameLift does not delete the peering connection, although the deletion is authorized: the connection exists until its fleet is deleted',
        );
      },
    );

    test('is left to its fleet if GameLift refuses its deletion, and lists no authorization that was used before', async () => {
      refuseDeletion(awsError('InvalidRequestException', 'it ends with its fleet'));
      world.output = (_, operation) =>
        operation === 'DescribeVpcPeeringAuthorizations' ? { VpcPeeringAuthorizations: [] } : undefined;
      expect((await send('Delete', ON_CREATE, made?.PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
      expect(world.peerings).toEqual({ statuses: ['active'], routed: [] });
      expect(world.aws.inventory().authorizations).toHaveLength(1);
    });

    test.each([
      ['by IAM', awsError('AccessDeniedException', 'no')],
      ['for want of a permission in EC2', awsError('UnauthorizedException', 'not authorized to perform ec2:DeleteRoute')],
    ])('is not left to its fleet if the deletion is refused %s: the deletion fails, and changes nothing', async (_, error) => {
      const before = world.peerings;
      refuseDeletion(error);
      const { answer } = await send('Delete', ON_CREATE, made?.PhysicalResourceId);
      expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(error.message) as string });
      expect(world.peerings).toEqual(before);
      world.refusal = () => undefined;
      expect((await send('Delete', ON_CREATE, made?.PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
      expect(world.peerings).toEqual({ statuses: [], routed: [] });
    });

    test('is not left to its fleet if nobody can authorize: the deletion fails, and says who can', async () => {
      const other = { ...ON_CREATE, PeerVpcAwsAccountId: '222222222222', Routes: 'None' };
      refuseDeletion(awsError('UnauthorizedException', 'no'));
      const { answer } = await send('Delete', other, made?.PhysicalResourceId);
      expect(answer).toMatchObject({
        Status: 'FAILED',
        Reason: expect.stringContaining(
          'Only account 222222222222, which owns the VPC, can authorize this. Run there: ',
        ) as string,
      });
    });

    test('is not made again by an update after somebody has deleted it', async () => {
      await world.disconnectByHand();
      const { answer } = await send('Update', ON_CREATE, made?.PhysicalResourceId);
      expect(answer).toMatchObject({
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
      world.declare({ ...ON_CREATE, Routes: routes, AuthorizationExpirationTime: expires });
    const OLD = (): object => declared('EveryRouteTable', '2026-01-02');
    const NEW = (): object => declared('None', '2026-01-03');
    const update = async (to: object, from: object): Promise<TestAnswer | undefined> =>
      (await world.ask('Update', to, id, { OldResourceProperties: from })).answer;
    const FAILED = { Status: 'FAILED', Reason: expect.stringContaining(REPLACE) as string };

    beforeEach(async () => {
      await world.connectByHand();
      const made = (await world.ask('Create', OLD())).answer;
      id = made?.PhysicalResourceId;
      data = made?.Data;
      await world.disconnectByHand();
      expect(await update(NEW(), OLD())).toMatchObject(FAILED);
    });

    test('is rolled back to what it was after an update that failed because of that, and nothing is made', async () => {
      // CloudFormation may send the properties in another order
      const reversed = Object.fromEntries(Object.entries(NEW()).reverse());
      expect(await update(OLD(), reversed)).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: id, Data: data });
      expect(world.peerings.statuses).toEqual([]);
      expect(world.calls.filter((operation) => operation.startsWith('CreateVpcPeering'))).toEqual([]);
    });

    test('is rolled back after an update in which only the expiration time had changed', async () => {
      const renewed = declared('EveryRouteTable', '2026-01-04');
      expect(await update(renewed, OLD())).toMatchObject(FAILED);
      expect(await update(OLD(), renewed)).toMatchObject({ Status: 'SUCCESS', Data: data });
    });

    test('fails again with the next update after the rollback, and is rolled back again', async () => {
      await update(OLD(), NEW());
      expect(await update(NEW(), OLD())).toMatchObject(FAILED);
      expect(await update(OLD(), NEW())).toMatchObject({ Status: 'SUCCESS', Data: data });
    });

    test('is not taken for rolled back by an update from other properties', async () => {
      expect(await update(OLD(), declared('None', '2026-01-05'))).toMatchObject(FAILED);
    });

    test('is not taken for rolled back by an update to other properties, as after a deployment without a rollback', async () => {
      expect(await update(declared('None', '2026-01-05'), NEW())).toMatchObject(FAILED);
    });

    test('says that the connection is gone, even if that can not be noted', async () => {
      world.refusal = (_, operation) => (operation === 'TagResource' ? awsError('AccessDeniedException', 'no tags') : undefined);
      expect(await update(NEW(), OLD())).toMatchObject(FAILED);
    });

    test('is deleted after that, and leaves no tag', async () => {
      await update(OLD(), NEW());
      expect((await world.ask('Delete', OLD(), id)).answer?.Status).toBe('SUCCESS');
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
  ])(
    'is not connected by a create if GameLift %s, which says so, and that only a new fleet is peered',
    async (_, prepare, reason) => {
      prepare();
      const { answer } = await send('Create', ON_CREATE);
      expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(reason) as string });
      expect(answer?.Reason).toMatch(/replace the fleet, or remove peerOnCreate, which replaces it too/);
      expect(world.calls.filter((operation) => operation.startsWith('CreateVpcPeering'))).toEqual([]);
      world.output = () => undefined;
      expect((await send('Delete', ON_CREATE, answer?.PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
      expect([...world.tags]).toEqual([]);
    },
  );

  test('is connected next to an earlier connection that ended and is still listed', async () => {
    await world.connectByHand();
    const active = { ...listed('active', ''), VpcPeeringConnectionId: 'pcx-2', GameLiftVpcId: world.attributes?.GameLiftVpcId };
    list(listed('deleted', ''), { ...active, IpV4CidrBlock: world.attributes?.GameLiftCidrBlock });
    const { answer } = await send('Create', ON_CREATE);
    expect(answer).toMatchObject({ Status: 'SUCCESS', Data: { ...world.attributes, VpcPeeringConnectionId: 'pcx-2' } });
  });

  test('is not connected by a create while the connection is pending for longer than declared', async () => {
    list(listed('provisioning', ''));
    const { answer } = await send('Create', { ...ON_CREATE, TimeoutSeconds: '120' });
    expect(answer?.Reason).toContain(
      'the peering connection was still pending after 120 seconds. Look at the events of the fleet',
    );
  });
});

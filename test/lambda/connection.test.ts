import { SimulatedWorld } from './simulated-world';
import { awsError } from './world';
import type { TestAnswer } from './world';

/*
 * What a connection refuses, notes and waits for, in a simulated AWS.
 */

const STACK_ID = 'arn:aws:cloudformation:us-east-1:111111111111:stack/Game/6b2e1c9c-0000-4000-8000-000000000000';
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
  const properties = {
    SchemaVersion: '1',
    PeerVpcId: world.vpcId,
    PeerVpcAwsAccountId: '111111111111',
    GameLiftAwsAccountId: '111111111111',
    FleetId: world.fleetId,
    TimeoutSeconds: '600',
    Routes: 'EveryRouteTable',
    DnsResolution: 'false',
    AdoptExisting: 'false',
    ...change,
  };
  return world.run({
    RequestType: type,
    ResponseURL: 'https://cloudformation-custom-resource-response.s3.amazonaws.com/answer?X-Amz-Signature=5ec2e7',
    StackId: STACK_ID,
    RequestId: `f0f0f0f0-0000-4000-8000-00000000000${type.length}`,
    ResourceType: 'Custom::GameLiftVpcPeeringConnection',
    LogicalResourceId: 'Peering',
    ...(id === undefined ? {} : { PhysicalResourceId: id }),
    ResourceProperties: properties,
    ...(type === 'Update' ? { OldResourceProperties: properties } : {}),
  });
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
      `there is no fleet ${ABSENT} in this account and us-east-1: correct the fleet`,
    ],
    ['a fleet that failed', {}, { end: 'error' }, {}, 'is in status ERROR and will not become ACTIVE: look at its events'],
    [
      'a fleet that is never ready',
      {},
      { end: 'hang' },
      { TimeoutSeconds: '60' },
      'was still in status ACTIVATING after 60 seconds: look at its events, raise the timeout',
    ],
    [
      'routes in an account that nobody lets it into',
      {},
      {},
      { PeerVpcAwsAccountId: '222222222222' },
      "routes and DNS of the VPC can't be set from another account: pass PeeringRoutes.none() and no dnsResolution",
    ],
  ] as const)('%s', async (_, input, fate, change, reason) => {
    world = await SimulatedWorld.create({}, input, fate);
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

test("a connection that GameLift rejects: says that it did, and what the VPC's addresses are", async () => {
  world = await SimulatedWorld.create({ endedCidrBlocks: 'not told' });
  world.aws.fates.connection = () => ({ end: 'failed', message: 'CIDR blocks overlap' });
  const { answer } = await send('Create');
  expect(answer?.Reason).toMatch(
    /GameLift ended the peering connection as failed: CIDR blocks overlap; the VPC has 10\.90\.0\.0\/16, and GameLift does not say what the fleet's VPC has/,
  );
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
    const input = { FleetId: world.fleetId, VpcPeeringConnectionId: Data?.VpcPeeringConnectionId };
    await world.aws.callGameLift('DeleteVpcPeeringConnection', input, { account: '111111111111', region: 'us-east-1' });
    const { answer } = await send('Update', {}, PhysicalResourceId);
    expect(answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId });
    expect(answer?.Data?.VpcPeeringConnectionId).not.toBe(Data?.VpcPeeringConnectionId);
    expect(world.peerings.statuses.filter((status) => status === 'active')).toEqual(['active']);
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
        'EC2 can not be asked which routes lead to it, so they can not be removed (UnauthorizedOperation: ',
      ) as string,
    });
    world.refusal = () => undefined;
    expect((await send('Delete', {}, PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
    expect(world.peerings.routed).toEqual([]);
  });
});

import {
  CreateFleetCommand,
  DescribeFleetAttributesCommand,
  DescribeFleetEventsCommand,
  GameLiftClient,
  ListFleetsCommand,
  ListTagsForResourceCommand,
  paginateDescribeFleetEvents,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateFleetAttributesCommand,
} from '@aws-sdk/client-gamelift';
import { SmithyRpcV2CborProtocol } from '@smithy/core/cbor';
import { PeeringSimulation } from '../peering-simulation';
import { allow, clientConfig, GAMELIFT_ACCOUNT, gameLiftClient, LAMBDA_TRUST, policy, REGION, VPC_ACCOUNT } from '../simulation';

const STATUSES = ['DOWNLOADING', 'VALIDATING', 'BUILDING', 'ACTIVATING', 'ACTIVE'];

let simulation: PeeringSimulation;

beforeEach(async () => {
  simulation = await PeeringSimulation.start();
});

afterEach(() => simulation.close());

/** Defines a test in which time leaps only while the test sleeps. */
function rehearsedTest(name: string, body: () => Promise<void>): void {
  test(name, () => simulation.clock.work(body));
}

rehearsedTest('a fleet takes 25 minutes to become ACTIVE, and has an event for each status', async () => {
  const creationTime = simulation.clock.now();
  const { FleetAttributes } = await simulation.fleetClient.send(
    new CreateFleetCommand({ Name: 'mine', BuildId: 'build-1', EC2InstanceType: 'c5.large', Tags: [{ Key: 'a', Value: 'b' }] }),
  );
  expect(FleetAttributes).toMatchObject({ Status: 'NEW', Name: 'mine', ComputeType: 'EC2', InstanceType: 'c5.large' });
  const fleetId = FleetAttributes?.FleetId ?? '';
  expect(fleetId).toMatch(/^fleet-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(FleetAttributes?.FleetArn).toBe(`arn:aws:gamelift:${REGION}::fleet/${fleetId}`);
  await simulation.wait(1499);
  expect(await simulation.fleetStatus(fleetId)).toBe('ACTIVATING');
  await simulation.wait(1);
  expect(await simulation.fleetStatus(fleetId)).toBe('ACTIVE');
  const { FleetAttributes: allAttributes } = await simulation.fleetClient.send(new DescribeFleetAttributesCommand({}));
  expect(Number(allAttributes?.[0]?.CreationTime) - creationTime).toBeLessThan(1000);
  expect(await simulation.eventCodes(fleetId)).toEqual(['FLEET_CREATED', ...STATUSES.map((status) => `FLEET_STATE_${status}`)]);
});

rehearsedTest('a deleted fleet no longer exists after a minute, but its events do', async () => {
  const fleetId = await simulation.createActiveFleet();
  await simulation.deleteFleet(fleetId);
  expect(await simulation.fleetStatus(fleetId)).toBe('DELETING');
  await expect(simulation.deleteFleet(fleetId)).rejects.toMatchObject({ name: 'InvalidFleetStatusException' });
  await simulation.wait(60);
  expect(await simulation.fleetStatus(fleetId)).toBeUndefined();
  await expect(simulation.deleteFleet(fleetId)).rejects.toMatchObject({ name: 'NotFoundException' });
  expect((await simulation.eventCodes(fleetId)).at(-1)).toBe('FLEET_DELETED');
  expect(simulation.aws.inventory(GAMELIFT_ACCOUNT).fleets).toEqual([]);
});

rehearsedTest('scripted outcomes can make a fleet end in ERROR or stay ACTIVATING, and choose its CIDR block', async () => {
  simulation.aws.scriptedOutcomes.fleet = ({ name }) =>
    name === 'bad' ? { end: 'error' } : { end: 'hang', cidrBlock: '10.0.0.0/20' };
  const [failingFleetId, hangingFleetId] = [
    await simulation.createFleet({ Name: 'bad' }),
    await simulation.createFleet({ Name: 'stuck' }),
  ];
  await simulation.wait(1501);
  expect(await simulation.fleetStatus(failingFleetId)).toBe('ERROR');
  expect((await simulation.eventCodes(failingFleetId)).at(-1)).toBe('FLEET_STATE_ERROR');
  await simulation.wait(100_000);
  expect(await simulation.fleetStatus(hangingFleetId)).toBe('ACTIVATING');
  await expect(simulation.deleteFleet(hangingFleetId)).rejects.toMatchObject({ name: 'InvalidFleetStatusException' });
  await simulation.deleteFleet(failingFleetId);
  const blocks = simulation.aws.gameLift.fleets.all().map(({ vpc }) => vpc?.cidrBlock);
  expect(blocks).toEqual(['10.192.0.0/20', '10.0.0.0/20']);
});

rehearsedTest('fleet events can be filtered by time, and are listed in pages', async () => {
  const start = simulation.clock.now();
  const fleetId = await simulation.createActiveFleet();
  const config = { client: simulation.fleetClient, pageSize: 4 };
  const pages: (string | undefined)[][] = [];
  for await (const { Events } of paginateDescribeFleetEvents(config, { FleetId: fleetId })) {
    pages.push(Events?.map(({ EventCode }) => EventCode) ?? []);
  }
  expect(pages.map(({ length }) => length)).toEqual([4, 2]);
  const describeEventsBetween = new DescribeFleetEventsCommand({
    FleetId: fleetId,
    StartTime: new Date(start + 50_000),
    EndTime: new Date(start + 400_000),
  });
  const { Events } = await simulation.fleetClient.send(describeEventsBetween);
  expect(Events?.map(({ EventCode }) => EventCode)).toEqual([
    'FLEET_STATE_DOWNLOADING',
    'FLEET_STATE_VALIDATING',
    'FLEET_STATE_BUILDING',
  ]);
  expect(Events?.[0]).toMatchObject({ ResourceId: fleetId, EventTime: expect.any(Date) as unknown });
  simulation.aws.behaviours.set('eventOrder', 'newest first');
  expect((await simulation.eventCodes(fleetId))[0]).toBe('FLEET_STATE_ACTIVE');
});

rehearsedTest('dates and lists can also be sent and received in CBOR', async () => {
  const fleetId = await simulation.createActiveFleet();
  const config = clientConfig(simulation.aws, simulation.aws.iam.administrator(GAMELIFT_ACCOUNT));
  const client = new GameLiftClient({ ...config, protocol: SmithyRpcV2CborProtocol });
  const StartTime = new Date(simulation.clock.now() - 1000);
  const { Events } = await client.send(new DescribeFleetEventsCommand({ FleetId: fleetId, StartTime }));
  expect(Events).toEqual([expect.objectContaining({ EventCode: 'FLEET_STATE_ACTIVE', EventTime: expect.any(Date) as unknown })]);
  const ResourceARN = `arn:aws:gamelift:${REGION}::fleet/${fleetId}`;
  await client.send(new TagResourceCommand({ ResourceARN, Tags: [{ Key: 'a', Value: 'b' }] }));
  expect((await client.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags).toEqual([{ Key: 'a', Value: 'b' }]);
});

rehearsedTest('tags are set, listed and removed by ARN, with or without an account id', async () => {
  const fleetId = await simulation.createFleet({ Tags: [{ Key: 'first', Value: '1' }] });
  const ResourceARN = `arn:aws:gamelift:${REGION}::fleet/${fleetId}`;
  const arnWithAccount = `arn:aws:gamelift:${REGION}:${GAMELIFT_ACCOUNT}:fleet/${fleetId}`;
  const tags = async () => (await simulation.fleetClient.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags;
  await simulation.fleetClient.send(
    new TagResourceCommand({ ResourceARN: arnWithAccount, Tags: [{ Key: 'second', Value: '' }] }),
  );
  expect(await tags()).toEqual([
    { Key: 'first', Value: '1' },
    { Key: 'second', Value: '' },
  ]);
  await simulation.fleetClient.send(new UntagResourceCommand({ ResourceARN, TagKeys: ['first', 'absent'] }));
  expect(await tags()).toEqual([{ Key: 'second', Value: '' }]);

  const tag = (arn: string, Key: string, Value = 'x') =>
    simulation.fleetClient.send(new TagResourceCommand({ ResourceARN: arn, Tags: [{ Key, Value }] }));
  await expect(tag(ResourceARN, 'x'.repeat(129))).rejects.toMatchObject({
    name: 'InvalidRequestException',
    message: expect.stringContaining(
      "at 'tags.1.member.key' failed to satisfy constraint: Member must have length less",
    ) as unknown,
  });
  await expect(tag(ResourceARN, 'k', 'x'.repeat(257))).rejects.toMatchObject({ name: 'InvalidRequestException' });
  await expect(tag(ResourceARN, 'aws:mine')).rejects.toMatchObject({ name: 'TaggingFailedException' });
  await expect(tag(`arn:aws:gamelift:${REGION}:${VPC_ACCOUNT}:fleet/${fleetId}`, 'k')).rejects.toMatchObject({
    name: 'InvalidRequestException',
  });
  await expect(tag(fleetId, 'k')).rejects.toMatchObject({ name: 'InvalidRequestException' });
  await expect(tag(`${ResourceARN}0`, 'k')).rejects.toMatchObject({ name: 'NotFoundException' });
});

rehearsedTest('permissions are checked with the ARN of the fleet', async () => {
  const fleetId = await simulation.createFleet();
  simulation.aws.iam.createRole({ account: GAMELIFT_ACCOUNT, roleName: 'Handler', assumeRolePolicy: LAMBDA_TRUST });
  const fleets = `arn:aws:gamelift:${REGION}:*:fleet/*`;
  const document = policy(
    allow(['gamelift:DescribeFleetEvents', 'gamelift:UntagResource'], fleets),
    allow('gamelift:TagResource', fleets, { 'ForAllValues:StringLike': { 'aws:TagKeys': 'peering:*' } }),
  );
  simulation.aws.iam.putRolePolicy(GAMELIFT_ACCOUNT, 'Handler', 'Default', document);
  const role = `arn:aws:iam::${GAMELIFT_ACCOUNT}:role/Handler`;
  const client = gameLiftClient(
    simulation.aws,
    simulation.aws.iam.assumeRoleForService(role, 'lambda.amazonaws.com', 'function'),
  );
  const ResourceARN = `arn:aws:gamelift:${REGION}::fleet/${fleetId}`;
  await client.send(new DescribeFleetEventsCommand({ FleetId: fleetId }));
  await client.send(new TagResourceCommand({ ResourceARN, Tags: [{ Key: 'peering:vpc', Value: 'x' }] }));
  await expect(client.send(new TagResourceCommand({ ResourceARN, Tags: [{ Key: 'other', Value: 'x' }] }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
  await expect(client.send(new ListTagsForResourceCommand({ ResourceARN }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining(`on resource: arn:aws:gamelift:${REGION}:${GAMELIFT_ACCOUNT}:fleet/${fleetId} `) as unknown,
  });
});

rehearsedTest('a condition on tag keys applies to the keys in the request, for TagResource and UntagResource', async () => {
  const fleetId = await simulation.createFleet();
  simulation.aws.iam.createRole({ account: GAMELIFT_ACCOUNT, roleName: 'Handler', assumeRolePolicy: LAMBDA_TRUST });
  const document = policy(
    allow(['gamelift:TagResource', 'gamelift:UntagResource'], `arn:aws:gamelift:${REGION}:*:fleet/*`, {
      'ForAllValues:StringLike': { 'aws:TagKeys': 'peering:*' },
      // denies requests without tag keys
      Null: { 'aws:TagKeys': 'false' },
    }),
  );
  simulation.aws.iam.putRolePolicy(GAMELIFT_ACCOUNT, 'Handler', 'Default', document);
  const role = `arn:aws:iam::${GAMELIFT_ACCOUNT}:role/Handler`;
  const client = gameLiftClient(
    simulation.aws,
    simulation.aws.iam.assumeRoleForService(role, 'lambda.amazonaws.com', 'function'),
  );
  const ResourceARN = `arn:aws:gamelift:${REGION}::fleet/${fleetId}`;
  const tag = (...keys: string[]) =>
    client.send(new TagResourceCommand({ ResourceARN, Tags: keys.map((Key) => ({ Key, Value: 'x' })) }));
  const untag = (...TagKeys: string[]) => client.send(new UntagResourceCommand({ ResourceARN, TagKeys }));
  const denial = { name: 'AccessDeniedException' };
  await tag('peering:a', 'peering:b');
  await expect(tag('peering:a', 'owner')).rejects.toMatchObject(denial);
  await expect(tag()).rejects.toMatchObject(denial);
  await untag('peering:a', 'peering:b');
  await expect(untag('peering:a', 'owner')).rejects.toMatchObject(denial);
  await expect(untag()).rejects.toMatchObject(denial);
});

rehearsedTest('fleets can be updated, and ListFleets returns only the fleets of the calling account', async () => {
  const fleetId = await simulation.createFleet();
  await simulation.fleetClient.send(new UpdateFleetAttributesCommand({ FleetId: fleetId, Description: 'changed' }));
  const { FleetAttributes } = await simulation.fleetClient.send(new DescribeFleetAttributesCommand({ FleetIds: [fleetId] }));
  expect(FleetAttributes?.[0]).toMatchObject({ Name: 'fleet', Description: 'changed' });
  expect((await simulation.fleetClient.send(new ListFleetsCommand({}))).FleetIds).toEqual([fleetId]);
  expect((await simulation.peerVpcClient.send(new ListFleetsCommand({}))).FleetIds).toEqual([]);
});

rehearsedTest('four fleets can be created at once, and then one per second', async () => {
  for (let count = 0; count < 4; count++) {
    await simulation.createFleet();
  }
  await expect(simulation.createFleet()).rejects.toMatchObject({ name: 'ThrottlingException' });
  await simulation.wait(1);
  await simulation.createFleet();
});

test.each([
  ['without a build or a script', { BuildId: undefined }, 'Invalid fleet: specify exactly one of BuildId and ScriptId.'],
  ['without an instance type', { EC2InstanceType: undefined }, 'Invalid fleet: EC2InstanceType is required.'],
  [
    'with a peer VPC, but without its account',
    { PeerVpcId: 'vpc-1' },
    'Invalid fleet: specify both PeerVpcId and PeerVpcAwsAccountId, or neither.',
  ],
])('a fleet %s is refused', async (_, input, message) => {
  await expect(simulation.createFleet(input)).rejects.toMatchObject({ name: 'InvalidRequestException', message });
});

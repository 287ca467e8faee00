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
import { PeeringWorld } from '../peering-world';
import { allow, clientConfig, GAMELIFT_ACCOUNT, gameLiftClient, LAMBDA_TRUST, policy, REGION, VPC_ACCOUNT } from '../world';

const LIFE = ['DOWNLOADING', 'VALIDATING', 'BUILDING', 'ACTIVATING', 'ACTIVE'];

let stage: PeeringWorld;

beforeEach(async () => {
  stage = await PeeringWorld.start();
});

afterEach(() => stage.close());

/** Time leaps only while the test sleeps. */
function timed(name: string, body: () => Promise<void>): void {
  test(name, () => stage.world.clock.work(body));
}

timed('a fleet takes 25 minutes to become ACTIVE, and tells so', async () => {
  const created = stage.world.clock.now();
  const { FleetAttributes } = await stage.manager.send(
    new CreateFleetCommand({ Name: 'mine', BuildId: 'build-1', EC2InstanceType: 'c5.large', Tags: [{ Key: 'a', Value: 'b' }] }),
  );
  expect(FleetAttributes).toMatchObject({ Status: 'NEW', Name: 'mine', ComputeType: 'EC2', InstanceType: 'c5.large' });
  const fleetId = FleetAttributes?.FleetId ?? '';
  expect(fleetId).toMatch(/^fleet-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(FleetAttributes?.FleetArn).toBe(`arn:aws:gamelift:${REGION}::fleet/${fleetId}`);
  await stage.wait(1499);
  expect(await stage.fleetStatus(fleetId)).toBe('ACTIVATING');
  await stage.wait(1);
  expect(await stage.fleetStatus(fleetId)).toBe('ACTIVE');
  const { FleetAttributes: described } = await stage.manager.send(new DescribeFleetAttributesCommand({}));
  expect(Number(described?.[0]?.CreationTime) - created).toBeLessThan(1000);
  expect(await stage.events(fleetId)).toEqual(['FLEET_CREATED', ...LIFE.map((status) => `FLEET_STATE_${status}`)]);
});

timed('a fleet that was deleted is gone after a minute, but for its events', async () => {
  const fleetId = await stage.activeFleet();
  await stage.deleteFleet(fleetId);
  expect(await stage.fleetStatus(fleetId)).toBe('DELETING');
  await expect(stage.deleteFleet(fleetId)).rejects.toMatchObject({ name: 'InvalidFleetStatusException' });
  await stage.wait(60);
  expect(await stage.fleetStatus(fleetId)).toBeUndefined();
  await expect(stage.deleteFleet(fleetId)).rejects.toMatchObject({ name: 'NotFoundException' });
  expect((await stage.events(fleetId)).at(-1)).toBe('FLEET_DELETED');
  expect(stage.aws.inventory(GAMELIFT_ACCOUNT).fleets).toEqual([]);
});

timed('a fleet can be made to fail, to hang, and to have certain addresses', async () => {
  stage.aws.scriptedOutcomes.fleet = ({ name }) =>
    name === 'bad' ? { end: 'error' } : { end: 'hang', cidrBlock: '10.0.0.0/20' };
  const [bad, stuck] = [await stage.createFleet({ Name: 'bad' }), await stage.createFleet({ Name: 'stuck' })];
  await stage.wait(1501);
  expect(await stage.fleetStatus(bad)).toBe('ERROR');
  expect((await stage.events(bad)).at(-1)).toBe('FLEET_STATE_ERROR');
  await stage.wait(100_000);
  expect(await stage.fleetStatus(stuck)).toBe('ACTIVATING');
  await expect(stage.deleteFleet(stuck)).rejects.toMatchObject({ name: 'InvalidFleetStatusException' });
  await stage.deleteFleet(bad);
  const blocks = stage.aws.gameLift.fleets.all().map(({ vpc }) => vpc?.cidrBlock);
  expect(blocks).toEqual(['10.192.0.0/20', '10.0.0.0/20']);
});

timed('events are listed by time and in pages', async () => {
  const start = stage.world.clock.now();
  const fleetId = await stage.activeFleet();
  const config = { client: stage.manager, pageSize: 4 };
  const pages: (string | undefined)[][] = [];
  for await (const { Events } of paginateDescribeFleetEvents(config, { FleetId: fleetId })) {
    pages.push(Events?.map(({ EventCode }) => EventCode) ?? []);
  }
  expect(pages.map(({ length }) => length)).toEqual([4, 2]);
  const between = new DescribeFleetEventsCommand({
    FleetId: fleetId,
    StartTime: new Date(start + 50_000),
    EndTime: new Date(start + 400_000),
  });
  const { Events } = await stage.manager.send(between);
  expect(Events?.map(({ EventCode }) => EventCode)).toEqual([
    'FLEET_STATE_DOWNLOADING',
    'FLEET_STATE_VALIDATING',
    'FLEET_STATE_BUILDING',
  ]);
  expect(Events?.[0]).toMatchObject({ ResourceId: fleetId, EventTime: expect.any(Date) as unknown });
  stage.aws.behaviours.set('eventOrder', 'newest first');
  expect((await stage.events(fleetId))[0]).toBe('FLEET_STATE_ACTIVE');
});

timed('dates and lists are understood in CBOR as well', async () => {
  const fleetId = await stage.activeFleet();
  const config = clientConfig(stage.aws, stage.aws.iam.administrator(GAMELIFT_ACCOUNT));
  const client = new GameLiftClient({ ...config, protocol: SmithyRpcV2CborProtocol });
  const StartTime = new Date(stage.world.clock.now() - 1000);
  const { Events } = await client.send(new DescribeFleetEventsCommand({ FleetId: fleetId, StartTime }));
  expect(Events).toEqual([expect.objectContaining({ EventCode: 'FLEET_STATE_ACTIVE', EventTime: expect.any(Date) as unknown })]);
  const ResourceARN = `arn:aws:gamelift:${REGION}::fleet/${fleetId}`;
  await client.send(new TagResourceCommand({ ResourceARN, Tags: [{ Key: 'a', Value: 'b' }] }));
  expect((await client.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags).toEqual([{ Key: 'a', Value: 'b' }]);
});

timed('tags are set, listed and removed by ARN, with an account or without', async () => {
  const fleetId = await stage.createFleet({ Tags: [{ Key: 'first', Value: '1' }] });
  const ResourceARN = `arn:aws:gamelift:${REGION}::fleet/${fleetId}`;
  const withAccount = `arn:aws:gamelift:${REGION}:${GAMELIFT_ACCOUNT}:fleet/${fleetId}`;
  const tags = async () => (await stage.manager.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags;
  await stage.manager.send(new TagResourceCommand({ ResourceARN: withAccount, Tags: [{ Key: 'second', Value: '' }] }));
  expect(await tags()).toEqual([
    { Key: 'first', Value: '1' },
    { Key: 'second', Value: '' },
  ]);
  await stage.manager.send(new UntagResourceCommand({ ResourceARN, TagKeys: ['first', 'absent'] }));
  expect(await tags()).toEqual([{ Key: 'second', Value: '' }]);

  const tag = (arn: string, Key: string, Value = 'x') =>
    stage.manager.send(new TagResourceCommand({ ResourceARN: arn, Tags: [{ Key, Value }] }));
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

timed('permissions on fleets are checked on the ARN', async () => {
  const fleetId = await stage.createFleet();
  stage.aws.iam.createRole({ account: GAMELIFT_ACCOUNT, roleName: 'Handler', assumeRolePolicy: LAMBDA_TRUST });
  const fleets = `arn:aws:gamelift:${REGION}:*:fleet/*`;
  const document = policy(
    allow(['gamelift:DescribeFleetEvents', 'gamelift:UntagResource'], fleets),
    allow('gamelift:TagResource', fleets, { 'ForAllValues:StringLike': { 'aws:TagKeys': 'peering:*' } }),
  );
  stage.aws.iam.putRolePolicy(GAMELIFT_ACCOUNT, 'Handler', 'Default', document);
  const role = `arn:aws:iam::${GAMELIFT_ACCOUNT}:role/Handler`;
  const client = gameLiftClient(stage.aws, stage.aws.iam.assumeRoleForService(role, 'lambda.amazonaws.com', 'function'));
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

timed('a condition on the keys of tags is about those that the request names, to tag and to untag', async () => {
  const fleetId = await stage.createFleet();
  stage.aws.iam.createRole({ account: GAMELIFT_ACCOUNT, roleName: 'Handler', assumeRolePolicy: LAMBDA_TRUST });
  const document = policy(
    allow(['gamelift:TagResource', 'gamelift:UntagResource'], `arn:aws:gamelift:${REGION}:*:fleet/*`, {
      'ForAllValues:StringLike': { 'aws:TagKeys': 'peering:*' },
      Null: { 'aws:TagKeys': 'false' },
    }),
  );
  stage.aws.iam.putRolePolicy(GAMELIFT_ACCOUNT, 'Handler', 'Default', document);
  const role = `arn:aws:iam::${GAMELIFT_ACCOUNT}:role/Handler`;
  const client = gameLiftClient(stage.aws, stage.aws.iam.assumeRoleForService(role, 'lambda.amazonaws.com', 'function'));
  const ResourceARN = `arn:aws:gamelift:${REGION}::fleet/${fleetId}`;
  const tag = (...keys: string[]) =>
    client.send(new TagResourceCommand({ ResourceARN, Tags: keys.map((Key) => ({ Key, Value: 'x' })) }));
  const untag = (...TagKeys: string[]) => client.send(new UntagResourceCommand({ ResourceARN, TagKeys }));
  const denied = { name: 'AccessDeniedException' };
  await tag('peering:a', 'peering:b');
  await expect(tag('peering:a', 'owner')).rejects.toMatchObject(denied);
  await expect(tag()).rejects.toMatchObject(denied);
  await untag('peering:a', 'peering:b');
  await expect(untag('peering:a', 'owner')).rejects.toMatchObject(denied);
  await expect(untag()).rejects.toMatchObject(denied);
});

timed('fleets are updated, listed, and seen by their own account only', async () => {
  const fleetId = await stage.createFleet();
  await stage.manager.send(new UpdateFleetAttributesCommand({ FleetId: fleetId, Description: 'changed' }));
  const { FleetAttributes } = await stage.manager.send(new DescribeFleetAttributesCommand({ FleetIds: [fleetId] }));
  expect(FleetAttributes?.[0]).toMatchObject({ Name: 'fleet', Description: 'changed' });
  expect((await stage.manager.send(new ListFleetsCommand({}))).FleetIds).toEqual([fleetId]);
  expect((await stage.owner.send(new ListFleetsCommand({}))).FleetIds).toEqual([]);
});

timed('fleets are created at most four at once, then one a second', async () => {
  for (let count = 0; count < 4; count++) {
    await stage.createFleet();
  }
  await expect(stage.createFleet()).rejects.toMatchObject({ name: 'ThrottlingException' });
  await stage.wait(1);
  await stage.createFleet();
});

test.each([
  [{ BuildId: undefined }, 'Invalid fleet: specify exactly one of BuildId and ScriptId.'],
  [{ EC2InstanceType: undefined }, 'Invalid fleet: EC2InstanceType is required.'],
  [{ PeerVpcId: 'vpc-1' }, 'Invalid fleet: specify both PeerVpcId and PeerVpcAwsAccountId, or neither.'],
])('a fleet is refused with %j', async (input, message) => {
  await expect(stage.createFleet(input)).rejects.toMatchObject({ name: 'InvalidRequestException', message });
});

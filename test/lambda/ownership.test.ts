import { createHash } from 'node:crypto';
import type { Inventory } from 'rehearsal/aws';
import { SimulatedWorld } from './simulated-world';
import { awsError, GUID } from './world';
import type { TestAnswer } from './world';

/*
 * A connection belongs to one logical id in one stack, and not to resources with similar names.
 */

const ACCOUNT_ARN = 'arn:aws:cloudformation:us-east-1:111111111111:stack';
const OTHER_GUID = '7c3f2d8d-0000-4000-8000-000000000000';
const OWNER = `Game/Peering/${GUID}`;

/** Resources that are not the owner, although their names are similar. */
const OTHERS: readonly (readonly [string, { readonly StackId?: string; readonly LogicalResourceId?: string }])[] = [
  ['a stack of the same name that was deleted and created again', { StackId: `${ACCOUNT_ARN}/Game/${OTHER_GUID}` }],
  ['another logical id of the same stack', { LogicalResourceId: 'Peering2' }],
  ['the same logical id of another stack', { StackId: `${ACCOUNT_ARN}/Other/${OTHER_GUID}` }],
];

let world: SimulatedWorld;

afterEach(() => {
  world.close();
});

async function made(change: object = {}): Promise<TestAnswer> {
  const { answer } = await world.ask('Create', world.declare(change));
  if (answer?.Status !== 'SUCCESS') {
    throw new Error(answer?.Reason);
  }
  return answer;
}

/** What CloudFormation would know the connection by, had that resource made it. */
function idOf({ StackId = GUID, LogicalResourceId = 'Peering' }: { StackId?: string; LogicalResourceId?: string }): string {
  return `${StackId.slice(StackId.lastIndexOf('/') + 1)}/${LogicalResourceId}/${world.fleetId}/${world.vpcId}`;
}

/** The key of an owner's claim among the tags of the fleet. */
function claimKey(owner = OWNER): string {
  return `cdk-gamelift-vpc-peering:${world.vpcId}:${createHash('sha256').update(owner).digest('hex').slice(0, 16)}`;
}

/** Everything except authorizations, which may be added. */
function things(): Inventory {
  return { ...world.aws.inventory(), authorizations: [] };
}

describe.each(OTHERS)('%s does not own the connection', (_, other) => {
  beforeEach(async () => {
    world = await SimulatedWorld.create();
    await made();
  });

  test('according to the claim on the fleet', async () => {
    const before = things();
    const created = (await world.ask('Create', world.declare(), undefined, other)).answer;
    expect(created).toMatchObject({
      Status: 'FAILED',
      PhysicalResourceId: expect.stringMatching(/\/nothing-done$/) as string,
      Reason: expect.stringContaining(
        `: the peering connection belongs to resource Peering of stack Game (${GUID}), according to a tag on the fleet. Remove it there`,
      ) as string,
    });
    const changed = world.declare({ DnsResolution: 'true' });
    const updated = (await world.ask('Update', changed, idOf(other), { OldResourceProperties: world.declare(), ...other }))
      .answer;
    expect(updated).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(`belongs to resource Peering of stack Game (${GUID})`) as string,
    });
    expect(things()).toEqual(before);
    expect((await world.ask('Delete', world.declare(), idOf(other), other)).answer?.Status).toBe('SUCCESS');
    expect(things()).toEqual(before);
  });

  test("according to EC2's tags, if the fleet has lost its tags", async () => {
    world.tags.clear();
    const before = things();
    expect((await world.ask('Create', world.declare(), undefined, other)).answer).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(
        `: the peering connection ${String(world.attributes?.VpcPeeringConnectionId)} between them exists already, and resource Peering of stack Game (${GUID}) ` +
          'created it, according to a tag in EC2. Remove it there, or pass adoptExisting to the VpcPeeringConnection to use it and leave it in place',
      ) as string,
    });
    expect(things()).toEqual(before);
    expect((await world.ask('Delete', world.declare(), idOf(other), other)).answer?.Status).toBe('SUCCESS');
    expect(things()).toEqual(before);
  });

  test('but can adopt it, and undoes its changes on delete', async () => {
    const before = things();
    const adopting = world.declare({ AdoptExisting: 'true', DnsResolution: 'true' });
    const { answer } = await world.ask('Create', adopting, undefined, other);
    expect(answer).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
    expect(things()).not.toEqual(before);
    expect((await world.ask('Delete', adopting, answer?.PhysicalResourceId, other)).answer?.Status).toBe('SUCCESS');
    expect(things()).toEqual(before);
    expect((await world.ask('Delete', world.declare(), idOf({}))).answer?.Status).toBe('SUCCESS');
    expect(world.peerings).toEqual({ statuses: [], routed: [] });
  });
});

describe('the delete of an adopted connection if EC2 denies the removal of tags', () => {
  const remove = async (whenAsked: () => void): Promise<TestAnswer | undefined> => {
    const { PhysicalResourceId } = await made({ AdoptExisting: 'true', DnsResolution: 'true' });
    world.refusal = (_, operation) => {
      if (operation !== 'DeleteTags') {
        return undefined;
      }
      whenAsked();
      return awsError('UnauthorizedOperation');
    };
    return (await world.ask('Delete', world.declare({ AdoptExisting: 'true', DnsResolution: 'true' }), PhysicalResourceId))
      .answer;
  };
  const ownTags = (): object[] =>
    world.aws.inventory().tags.filter((tag) => JSON.stringify(tag).includes('"cdk-gamelift-vpc-peering:'));

  beforeEach(async () => {
    world = await SimulatedWorld.create();
    await world.connectByHand();
  });

  test('succeeds if the tags are gone: the response to the first call was lost, and the permission depends on the tags', async () => {
    const answer = await remove(() => {
      world.removePeeringTags();
    });
    expect(answer?.Status).toBe('SUCCESS');
    expect(ownTags()).toEqual([]);
  });

  test('fails if the tags are still there', async () => {
    expect(await remove(() => undefined)).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('UnauthorizedOperation') as string,
    });
    expect(ownTags()).not.toEqual([]);
  });
});

test('fails to adopt a connection that another resource has adopted, because each would undo what the other needs', async () => {
  world = await SimulatedWorld.create();
  await made();
  const adopting = world.declare({ AdoptExisting: 'true' });
  const [second, third] = ['Second', 'Third'].map((LogicalResourceId) => ({ LogicalResourceId }));
  expect((await world.ask('Create', adopting, undefined, second)).answer?.Status).toBe('SUCCESS');
  const before = things();
  const { answer } = await world.ask('Create', adopting, undefined, third);
  expect(answer).toMatchObject({
    Status: 'FAILED',
    PhysicalResourceId: expect.stringMatching(/\/nothing-done$/) as string,
    Reason: expect.stringContaining(
      `the peering connection was adopted by resource Second of stack Game (${GUID}), according to a tag on the fleet. Remove it there first`,
    ) as string,
  });
  expect(things()).toEqual(before);
});

test('changes no DNS setting of an adopted connection that it could not note, because the delete could not restore it', async () => {
  world = await SimulatedWorld.create();
  await world.connectByHand();
  const before = things();
  const adopting = world.declare({ AdoptExisting: 'true', DnsResolution: 'true', Routes: 'None' });
  world.refusal = (_, operation) => (operation === 'CreateTags' ? awsError('TagLimitExceeded') : undefined);
  const { answer } = await world.ask('Create', adopting);
  expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('TagLimitExceeded') as string });
  world.refusal = () => undefined;
  expect((await world.ask('Delete', adopting, answer?.PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
  expect(things()).toEqual(before);
});

test('the owner deletes its connection by the tags in EC2 if the fleet has lost its tags', async () => {
  world = await SimulatedWorld.create();
  const { PhysicalResourceId } = await made();
  world.tags.clear();
  expect((await world.ask('Delete', world.declare(), PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
  expect(world.peerings).toEqual({ statuses: [], routed: [] });
});

test('deletes no connection that existed before, even if its own request may have taken effect', async () => {
  world = await SimulatedWorld.create({ fleetEvents: 'never seen' });
  await world.connectByHand();
  const before = things();
  world.refusal = (_, operation) =>
    operation === 'CreateVpcPeeringConnection' ? awsError('InternalServiceException', 'oops', 500) : undefined;
  const { answer } = await world.ask('Create');
  expect(answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId: expect.stringContaining('/unfinished/') as string });
  expect(world.tags.size).toBe(2);
  world.refusal = () => undefined;
  expect((await world.ask('Delete', world.declare(), answer?.PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
  expect(things()).toEqual(before);
});

test('writes its claim and the VPCs that are peered already before it requests a connection', async () => {
  world = await SimulatedWorld.create();
  const claims: object[] = [];
  world.refusal = (_, operation) => {
    if (operation === 'CreateVpcPeeringConnection') {
      claims.push(Object.fromEntries(world.tags));
    }
    return undefined;
  };
  await made();
  // refused for want of an authorization, and then again
  const claim = {
    [claimKey()]: expect.stringMatching(`^${OWNER} f0f0f0f0-\\S+$`) as unknown,
    [`${claimKey()}:connection`]: expect.stringMatching(/^requested f0f0f0f0-\S+ vpc-\S+$/) as unknown,
  };
  expect(claims).not.toEqual([]);
  expect(claims).toEqual(claims.map(() => claim));
});

test('does not withdraw a claim that a later request of the same resource has written', async () => {
  world = await SimulatedWorld.create();
  world.refusal = (_, operation) => {
    if (operation === 'ListTagsForResource' && world.calls.includes('CreateVpcPeeringConnection')) {
      world.tags.set(claimKey(), `${OWNER} later`);
      world.tags.delete(`${claimKey()}:connection`);
    }
    return operation === 'CreateVpcPeeringConnection' ? awsError('InvalidRequestException') : undefined;
  };
  expect((await world.ask('Create')).answer?.Status).toBe('FAILED');
  expect([...world.tags]).toEqual([[claimKey(), `${OWNER} later`]]);
});

test('does not withdraw the claim if another run of the same request has noted the connection', async () => {
  world = await SimulatedWorld.create();
  world.refusal = (_, operation) => {
    if (operation === 'ListTagsForResource' && world.calls.includes('CreateVpcPeeringConnection')) {
      const requestId = world.tags.get(claimKey())?.split(' ')[1];
      world.tags.set(`${claimKey()}:connection`, `pcx-1 vpc-1 10.192.0.0/20 created ${requestId}`);
    }
    return operation === 'CreateVpcPeeringConnection' ? awsError('InvalidRequestException') : undefined;
  };
  expect((await world.ask('Create')).answer?.Status).toBe('FAILED');
  expect([...world.tags]).toEqual([
    [claimKey(), expect.stringMatching(`^${OWNER} f0f0f0f0-\\S+$`)],
    [`${claimKey()}:connection`, expect.stringMatching(/^pcx-1 vpc-1 10\.192\.0\.0\/20 created f0f0f0f0-\S+$/)],
  ]);
});

test.each([
  ['at once', 0],
  ['14 seconds later', 14_000],
])(
  'does not authorize if a delete removes the claim before GameLift refuses the request, and that can be read %s',
  async (_, late) => {
    world = await SimulatedWorld.create();
    let removed: { readonly at: number; readonly tags: object[] } | undefined;
    world.refusal = (__, operation) => {
      if (operation !== 'CreateVpcPeeringConnection') {
        return undefined;
      }
      removed ??= { at: world.now(), tags: [...world.tags].map(([Key, Value]) => ({ Key, Value })) };
      world.tags.clear();
      return awsError('UnauthorizedException');
    };
    world.output = (__, operation) =>
      operation === 'ListTagsForResource' && removed !== undefined && world.now() < removed.at + late
        ? { Tags: removed.tags }
        : undefined;
    expect((await world.ask('Create')).answer).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('the claim, a tag on the fleet, was removed while') as string,
    });
    expect(world.aws.inventory().authorizations).toEqual([]);
  },
);

test.each([
  ['before it decides to adopt it', 2],
  ['before it uses it', 3],
])('changes nothing about a connection that it adopts if a delete removes the claim %s', async (_, read) => {
  world = await SimulatedWorld.create();
  await made();
  const before = things();
  world.refusal = () => {
    const reads = world.calls.filter((operation) => operation === 'ListTagsForResource');
    if (reads.length === read) {
      world.tags.delete(claimKey(`Game/Adopting/${GUID}`));
    }
    return undefined;
  };
  const adopting = world.declare({ AdoptExisting: 'true', DnsResolution: 'true' });
  const { answer } = await world.ask('Create', adopting, undefined, { LogicalResourceId: 'Adopting' });
  expect(answer).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining('the claim, a tag on the fleet, was removed while') as string,
  });
  expect(things()).toEqual(before);
});

test('leaves a connection to another stack that adopts it while it is being created', async () => {
  world = await SimulatedWorld.create();
  const other = { StackId: `${ACCOUNT_ARN}/Game/${OTHER_GUID}` };
  const adopting = world.declare({ AdoptExisting: 'true' });
  let adopted: TestAnswer | undefined;
  const { aws } = world;
  const call = aws.call.bind(aws);
  const spy = jest.spyOn(aws, 'call').mockImplementation(async (service, operation, ...rest) => {
    if (operation === 'ListTagsForResource' && world.attributes !== undefined) {
      spy.mockRestore();
      adopted = (await world.ask('Create', adopting, undefined, other)).answer;
    }
    return await call(service, operation, ...rest);
  });
  const { answer } = await world.ask('Create');
  expect(adopted).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
  expect(answer).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining(
      `was adopted by resource Peering of stack Game (${OTHER_GUID}). Remove it there, then deploy again`,
    ) as string,
  });
  const before = things();
  expect((await world.ask('Delete', world.declare(), answer?.PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
  expect(things()).toEqual(before);
  expect((await world.ask('Update', adopting, adopted?.PhysicalResourceId, other)).answer).toMatchObject({
    Status: 'SUCCESS',
    Data: world.attributes,
  });
});

test('does not delete a connection that another stack adopts while the delete waits for GameLift', async () => {
  world = await SimulatedWorld.create();
  const { PhysicalResourceId } = await made();
  const other = { StackId: `${ACCOUNT_ARN}/Game/${OTHER_GUID}` };
  let adopted: TestAnswer | undefined;
  const { aws } = world;
  const call = aws.call.bind(aws);
  const spy = jest.spyOn(aws, 'call').mockImplementation(async (service, operation, ...rest) => {
    // between the first look at the claims and the request
    if (service === 'ec2' && operation === 'DescribeVpcPeeringConnections') {
      spy.mockRestore();
      adopted = (await world.ask('Create', world.declare({ AdoptExisting: 'true' }), undefined, other)).answer;
    }
    return await call(service, operation, ...rest);
  });
  const { answer } = await world.ask('Delete', world.declare(), PhysicalResourceId);
  expect(adopted).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
  expect(answer).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining(`was adopted by resource Peering of stack Game (${OTHER_GUID}). Delete again`) as string,
  });
  expect((await world.ask('Delete', world.declare(), PhysicalResourceId)).answer?.Status).toBe('SUCCESS');
  expect(world.attributes).toBeDefined();
});

describe('a create that EC2 denies access', () => {
  const denied = awsError('UnauthorizedOperation', 'not allowed', 403);
  const asksEc2 = (): number => world.calls.filter((operation) => operation === 'DescribeVpcPeeringConnections').length;

  beforeEach(async () => {
    world = await SimulatedWorld.create();
  });

  test('writes no claim if it loses its other permissions too, as a second run does while the stack is deleted', async () => {
    world.refusal = (service) => {
      const isLater = asksEc2() > 1;
      return service === 'ec2' || isLater ? denied : undefined;
    };
    expect((await world.ask('Create')).answer?.Status).toBe('FAILED');
    expect([...world.tags]).toEqual([]);
  });

  test('waits for the permission, then writes its claim and connects', async () => {
    world.refusal = (service) => (service === 'ec2' && asksEc2() <= 3 ? denied : undefined);
    expect((await world.ask('Create')).answer).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
    const [first] = world.calls.filter((operation) => operation === 'TagResource' || operation.startsWith('DescribeVpcPeering'));
    expect(first).toBe('DescribeVpcPeeringConnections');
  });
});

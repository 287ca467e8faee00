import { createHash } from 'node:crypto';
import type { Inventory } from 'rehearsal/aws';
import { SimulatedWorld } from './simulated-world';
import { awsError, GUID } from './world';
import type { TestResponse } from './world';

/*
 * A connection belongs to one resource: a logical id in a stack. It does not belong to resources with similar names.
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

async function create(change: object = {}): Promise<TestResponse> {
  const { response } = await world.send('Create', world.properties(change));
  if (response?.Status !== 'SUCCESS') {
    throw new Error(response?.Reason);
  }
  return response;
}

/** The physical id that the connection would have if the given resource had created it. */
function idOf({ StackId = GUID, LogicalResourceId = 'Peering' }: { StackId?: string; LogicalResourceId?: string }): string {
  return `${StackId.slice(StackId.lastIndexOf('/') + 1)}/${LogicalResourceId}/${world.fleetId}/${world.vpcId}`;
}

/** The key of an owner's claim among the tags of the fleet. */
function claimKey(owner = OWNER): string {
  return `cdk-gamelift-vpc-peering:${world.vpcId}:${createHash('sha256').update(owner).digest('hex').slice(0, 16)}`;
}

/** The inventory without authorizations, because requests may leave some behind. */
function inventoryWithoutAuthorizations(): Inventory {
  return { ...world.aws.inventory(), authorizations: [] };
}

describe.each(OTHERS)('%s does not own the connection', (_, other) => {
  beforeEach(async () => {
    world = await SimulatedWorld.create();
    await create();
  });

  test('according to the claim on the fleet', async () => {
    const before = inventoryWithoutAuthorizations();
    const created = (await world.send('Create', world.properties(), undefined, other)).response;
    expect(created).toMatchObject({
      Status: 'FAILED',
      PhysicalResourceId: expect.stringMatching(/\/nothing-done$/) as string,
      Reason: expect.stringContaining(
        `: the peering connection belongs to resource Peering of stack Game (${GUID}), according to a tag on the fleet. Remove it there`,
      ) as string,
    });
    const changed = world.properties({ DnsResolution: 'true' });
    const updated = (await world.send('Update', changed, idOf(other), { OldResourceProperties: world.properties(), ...other }))
      .response;
    expect(updated).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(`belongs to resource Peering of stack Game (${GUID})`) as string,
    });
    expect(inventoryWithoutAuthorizations()).toEqual(before);
    expect((await world.send('Delete', world.properties(), idOf(other), other)).response?.Status).toBe('SUCCESS');
    expect(inventoryWithoutAuthorizations()).toEqual(before);
  });

  test("according to EC2's tags, if the fleet has lost its tags", async () => {
    world.tags.clear();
    const before = inventoryWithoutAuthorizations();
    expect((await world.send('Create', world.properties(), undefined, other)).response).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(
        `: the peering connection ${String(world.attributes?.VpcPeeringConnectionId)} between them exists already, and resource Peering of stack Game (${GUID}) ` +
          'created it, according to a tag in EC2. Remove it there, or pass adoptExisting to the VpcPeeringConnection to use it and leave it in place',
      ) as string,
    });
    expect(inventoryWithoutAuthorizations()).toEqual(before);
    expect((await world.send('Delete', world.properties(), idOf(other), other)).response?.Status).toBe('SUCCESS');
    expect(inventoryWithoutAuthorizations()).toEqual(before);
  });

  test('but it can adopt the connection, and undoes its changes on delete', async () => {
    const before = inventoryWithoutAuthorizations();
    const adopting = world.properties({ AdoptExisting: 'true', DnsResolution: 'true' });
    const { response } = await world.send('Create', adopting, undefined, other);
    expect(response).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
    expect(inventoryWithoutAuthorizations()).not.toEqual(before);
    expect((await world.send('Delete', adopting, response?.PhysicalResourceId, other)).response?.Status).toBe('SUCCESS');
    expect(inventoryWithoutAuthorizations()).toEqual(before);
    expect((await world.send('Delete', world.properties(), idOf({}))).response?.Status).toBe('SUCCESS');
    expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
  });
});

describe('the delete of an adopted connection if EC2 denies the removal of tags', () => {
  const createAndDelete = async (onDeleteTags: () => void): Promise<TestResponse | undefined> => {
    const { PhysicalResourceId } = await create({ AdoptExisting: 'true', DnsResolution: 'true' });
    world.errorFor = (_, operation) => {
      if (operation !== 'DeleteTags') {
        return undefined;
      }
      onDeleteTags();
      return awsError('UnauthorizedOperation');
    };
    return (await world.send('Delete', world.properties({ AdoptExisting: 'true', DnsResolution: 'true' }), PhysicalResourceId))
      .response;
  };
  const ownTags = (): object[] =>
    world.aws.inventory().tags.filter((tag) => JSON.stringify(tag).includes('"cdk-gamelift-vpc-peering:'));

  beforeEach(async () => {
    world = await SimulatedWorld.create();
    await world.connectByHand();
  });

  test('succeeds if the first call removed the tags, but its HTTP response was lost: EC2 denies the second call, because the permission depends on the tags', async () => {
    const response = await createAndDelete(() => {
      world.removePeeringTags();
    });
    expect(response?.Status).toBe('SUCCESS');
    expect(ownTags()).toEqual([]);
  });

  test('fails if the tags are still there', async () => {
    expect(await createAndDelete(() => undefined)).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('UnauthorizedOperation') as string,
    });
    expect(ownTags()).not.toEqual([]);
  });
});

test('fails to adopt a connection that another resource has adopted, because each would undo the changes of the other', async () => {
  world = await SimulatedWorld.create();
  await create();
  const adopting = world.properties({ AdoptExisting: 'true' });
  const [second, third] = ['Second', 'Third'].map((LogicalResourceId) => ({ LogicalResourceId }));
  expect((await world.send('Create', adopting, undefined, second)).response?.Status).toBe('SUCCESS');
  const before = inventoryWithoutAuthorizations();
  const { response } = await world.send('Create', adopting, undefined, third);
  expect(response).toMatchObject({
    Status: 'FAILED',
    PhysicalResourceId: expect.stringMatching(/\/nothing-done$/) as string,
    Reason: expect.stringContaining(
      `the peering connection was adopted by resource Second of stack Game (${GUID}), according to a tag on the fleet. Remove it there first`,
    ) as string,
  });
  expect(inventoryWithoutAuthorizations()).toEqual(before);
});

test('does not change the DNS setting of an adopted connection if it can not record the change, because the delete could not undo it', async () => {
  world = await SimulatedWorld.create();
  await world.connectByHand();
  const before = inventoryWithoutAuthorizations();
  const adopting = world.properties({ AdoptExisting: 'true', DnsResolution: 'true', Routes: 'None' });
  world.errorFor = (_, operation) => (operation === 'CreateTags' ? awsError('TagLimitExceeded') : undefined);
  const { response } = await world.send('Create', adopting);
  expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('TagLimitExceeded') as string });
  world.errorFor = () => undefined;
  expect((await world.send('Delete', adopting, response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(inventoryWithoutAuthorizations()).toEqual(before);
});

test('if the fleet has lost its tags, deletes the connection that the tags in EC2 assign to the resource', async () => {
  world = await SimulatedWorld.create();
  const { PhysicalResourceId } = await create();
  world.tags.clear();
  expect((await world.send('Delete', world.properties(), PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
});

test('deletes no connection that existed before, even if its own request may have taken effect', async () => {
  world = await SimulatedWorld.create({ fleetEvents: 'never seen' });
  await world.connectByHand();
  const before = inventoryWithoutAuthorizations();
  world.errorFor = (_, operation) =>
    operation === 'CreateVpcPeeringConnection' ? awsError('InternalServiceException', 'oops', 500) : undefined;
  const { response } = await world.send('Create');
  expect(response).toMatchObject({ Status: 'FAILED', PhysicalResourceId: expect.stringContaining('/unfinished/') as string });
  expect(world.tags.size).toBe(2);
  world.errorFor = () => undefined;
  expect((await world.send('Delete', world.properties(), response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(inventoryWithoutAuthorizations()).toEqual(before);
});

test('writes its claim and the VPCs that are peered already before it requests a connection', async () => {
  world = await SimulatedWorld.create();
  const tagsAtRequests: object[] = [];
  world.errorFor = (_, operation) => {
    if (operation === 'CreateVpcPeeringConnection') {
      tagsAtRequests.push(Object.fromEntries(world.tags));
    }
    return undefined;
  };
  await create();
  // there are two requests, because GameLift refuses the first one: the authorization is missing
  const claim = {
    [claimKey()]: expect.stringMatching(`^${OWNER} f0f0f0f0-\\S+$`) as unknown,
    [`${claimKey()}:connection`]: expect.stringMatching(/^requested f0f0f0f0-\S+ vpc-\S+$/) as unknown,
  };
  expect(tagsAtRequests).not.toEqual([]);
  expect(tagsAtRequests).toEqual(tagsAtRequests.map(() => claim));
});

test('does not withdraw a claim that a later request of the same resource has written', async () => {
  world = await SimulatedWorld.create();
  world.errorFor = (_, operation) => {
    if (operation === 'ListTagsForResource' && world.calls.includes('CreateVpcPeeringConnection')) {
      world.tags.set(claimKey(), `${OWNER} later`);
      world.tags.delete(`${claimKey()}:connection`);
    }
    return operation === 'CreateVpcPeeringConnection' ? awsError('InvalidRequestException') : undefined;
  };
  expect((await world.send('Create')).response?.Status).toBe('FAILED');
  expect([...world.tags]).toEqual([[claimKey(), `${OWNER} later`]]);
});

test('does not withdraw the claim if another run of the same request has noted the connection', async () => {
  world = await SimulatedWorld.create();
  world.errorFor = (_, operation) => {
    if (operation === 'ListTagsForResource' && world.calls.includes('CreateVpcPeeringConnection')) {
      const requestId = world.tags.get(claimKey())?.split(' ')[1];
      world.tags.set(`${claimKey()}:connection`, `pcx-1 vpc-1 10.192.0.0/20 created ${requestId}`);
    }
    return operation === 'CreateVpcPeeringConnection' ? awsError('InvalidRequestException') : undefined;
  };
  expect((await world.send('Create')).response?.Status).toBe('FAILED');
  expect([...world.tags]).toEqual([
    [claimKey(), expect.stringMatching(`^${OWNER} f0f0f0f0-\\S+$`)],
    [`${claimKey()}:connection`, expect.stringMatching(/^pcx-1 vpc-1 10\.192\.0\.0\/20 created f0f0f0f0-\S+$/)],
  ]);
});

test.each([
  ['at once', 0],
  ['after 14 seconds', 14_000],
])(
  'does not authorize if a delete removes the claim before GameLift refuses the request, and ListTagsForResource shows the removal %s',
  async (_, late) => {
    world = await SimulatedWorld.create();
    let removed: { readonly at: number; readonly tags: object[] } | undefined;
    world.errorFor = (__, operation) => {
      if (operation !== 'CreateVpcPeeringConnection') {
        return undefined;
      }
      removed ??= { at: world.now(), tags: [...world.tags].map(([Key, Value]) => ({ Key, Value })) };
      world.tags.clear();
      return awsError('UnauthorizedException');
    };
    world.outputFor = (__, operation) =>
      operation === 'ListTagsForResource' && removed !== undefined && world.now() < removed.at + late
        ? { Tags: removed.tags }
        : undefined;
    expect((await world.send('Create')).response).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('the claim, a tag on the fleet, was removed while') as string,
    });
    expect(world.aws.inventory().authorizations).toEqual([]);
  },
);

test.each([
  ['before the create decides to adopt the connection', 2],
  ['before the create uses the connection', 3],
])('does not change the existing connection if a delete removes the claim %s', async (_, read) => {
  world = await SimulatedWorld.create();
  await create();
  const before = inventoryWithoutAuthorizations();
  world.errorFor = () => {
    const reads = world.calls.filter((operation) => operation === 'ListTagsForResource');
    if (reads.length === read) {
      world.tags.delete(claimKey(`Game/Adopting/${GUID}`));
    }
    return undefined;
  };
  const adopting = world.properties({ AdoptExisting: 'true', DnsResolution: 'true' });
  const { response } = await world.send('Create', adopting, undefined, { LogicalResourceId: 'Adopting' });
  expect(response).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining('the claim, a tag on the fleet, was removed while') as string,
  });
  expect(inventoryWithoutAuthorizations()).toEqual(before);
});

test('fails, and does not delete its new connection, if another stack adopts the connection during the create', async () => {
  world = await SimulatedWorld.create();
  const other = { StackId: `${ACCOUNT_ARN}/Game/${OTHER_GUID}` };
  const adopting = world.properties({ AdoptExisting: 'true' });
  let adopted: TestResponse | undefined;
  const { aws } = world;
  const call = aws.call.bind(aws);
  const spy = jest.spyOn(aws, 'call').mockImplementation(async (service, operation, ...rest) => {
    if (operation === 'ListTagsForResource' && world.attributes !== undefined) {
      spy.mockRestore();
      adopted = (await world.send('Create', adopting, undefined, other)).response;
    }
    return await call(service, operation, ...rest);
  });
  const { response } = await world.send('Create');
  expect(adopted).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
  expect(response).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining(
      `was adopted by resource Peering of stack Game (${OTHER_GUID}). Remove it there, then deploy again`,
    ) as string,
  });
  const before = inventoryWithoutAuthorizations();
  expect((await world.send('Delete', world.properties(), response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(inventoryWithoutAuthorizations()).toEqual(before);
  expect((await world.send('Update', adopting, adopted?.PhysicalResourceId, other)).response).toMatchObject({
    Status: 'SUCCESS',
    Data: world.attributes,
  });
});

test('does not delete a connection that another stack adopts while the delete waits for GameLift', async () => {
  world = await SimulatedWorld.create();
  const { PhysicalResourceId } = await create();
  const other = { StackId: `${ACCOUNT_ARN}/Game/${OTHER_GUID}` };
  let adopted: TestResponse | undefined;
  const { aws } = world;
  const call = aws.call.bind(aws);
  const spy = jest.spyOn(aws, 'call').mockImplementation(async (service, operation, ...rest) => {
    // after the delete has read the claims, and before it calls DeleteVpcPeeringConnection
    if (service === 'ec2' && operation === 'DescribeVpcPeeringConnections') {
      spy.mockRestore();
      adopted = (await world.send('Create', world.properties({ AdoptExisting: 'true' }), undefined, other)).response;
    }
    return await call(service, operation, ...rest);
  });
  const { response } = await world.send('Delete', world.properties(), PhysicalResourceId);
  expect(adopted).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
  expect(response).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining(`was adopted by resource Peering of stack Game (${OTHER_GUID}). Delete again`) as string,
  });
  expect((await world.send('Delete', world.properties(), PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.attributes).toBeDefined();
});

describe('a create to which EC2 denies access', () => {
  const denied = awsError('UnauthorizedOperation', 'not allowed', 403);
  const ec2ReadCount = (): number => world.calls.filter((operation) => operation === 'DescribeVpcPeeringConnections').length;

  beforeEach(async () => {
    world = await SimulatedWorld.create();
  });

  test('writes no claim if its other permissions are removed as well, as in a second run of the request while the stack is being deleted', async () => {
    world.errorFor = (service) => {
      const isLater = ec2ReadCount() > 1;
      return service === 'ec2' || isLater ? denied : undefined;
    };
    expect((await world.send('Create')).response?.Status).toBe('FAILED');
    expect([...world.tags]).toEqual([]);
  });

  test('waits for the permission, then writes its claim and connects', async () => {
    world.errorFor = (service) => (service === 'ec2' && ec2ReadCount() <= 3 ? denied : undefined);
    expect((await world.send('Create')).response).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
    const [first] = world.calls.filter((operation) => operation === 'TagResource' || operation.startsWith('DescribeVpcPeering'));
    expect(first).toBe('DescribeVpcPeeringConnections');
  });
});

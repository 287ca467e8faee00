import { createHash } from 'node:crypto';
import type { Inventory } from 'rehearsal/aws';
import { SimulatedWorld } from './simulated-world';
import { awsError, GUID } from './world';
import type { TestResponse } from './world';

/*
 * A connection belongs to one resource: a logical id in a stack. It does not belong to resources with similar names.
 */

const STACK_ARN_PREFIX = 'arn:aws:cloudformation:us-east-1:111111111111:stack';
const OWN_STACK_ID = `${STACK_ARN_PREFIX}/Game/${GUID}`;
/** The unique part of the id of another stack. */
const GUID_OF_OTHER_STACK = '7c3f2d8d-0000-4000-8000-000000000000';
const OWNER = `Game/Peering/${GUID}`;

/** Resources that are not the owner, although their names are similar. */
const OTHER_RESOURCES: readonly (readonly [string, { readonly StackId?: string; readonly LogicalResourceId?: string }])[] = [
  ['a stack of the same name that was deleted and created again', { StackId: `${STACK_ARN_PREFIX}/Game/${GUID_OF_OTHER_STACK}` }],
  ['another logical id of the same stack', { LogicalResourceId: 'Peering2' }],
  ['the same logical id of another stack', { StackId: `${STACK_ARN_PREFIX}/Other/${GUID_OF_OTHER_STACK}` }],
];

let world: SimulatedWorld;

afterEach(() => {
  world.close();
});

async function createSuccessfully(change: object = {}): Promise<TestResponse> {
  const { response } = await world.send('Create', world.properties(change));
  if (response?.Status !== 'SUCCESS') {
    throw new Error(response?.Reason);
  }
  return response;
}

/** The physical id of the connection if the resource with these ids had created the connection. */
function physicalIdOf({
  StackId = OWN_STACK_ID,
  LogicalResourceId = 'Peering',
}: {
  StackId?: string;
  LogicalResourceId?: string;
}): string {
  return `${StackId.slice(StackId.lastIndexOf('/') + 1)}/${LogicalResourceId}/${world.fleetId}/${world.vpcId}`;
}

/** The key of an owner's claim among the tags of the fleet. It contains a digest of the owner, because an owner may be too long for a key. */
function claimKey(owner = OWNER): string {
  return `cdk-gamelift-vpc-peering:${world.vpcId}:${createHash('sha256').update(owner).digest('hex').slice(0, 16)}`;
}

/** The inventory without authorizations, because a request may leave an authorization behind. */
function inventoryWithoutAuthorizations(): Inventory {
  return { ...world.aws.inventory(), authorizations: [] };
}

describe.each(OTHER_RESOURCES)('%s does not own the connection', (_, other) => {
  beforeEach(async () => {
    world = await SimulatedWorld.create();
    await createSuccessfully();
  });

  test('according to the claim on the fleet', async () => {
    const before = inventoryWithoutAuthorizations();
    const createResponse = (await world.send('Create', world.properties(), undefined, other)).response;
    expect(createResponse).toMatchObject({
      Status: 'FAILED',
      PhysicalResourceId: expect.stringMatching(/\/nothing-done$/) as string,
      Reason: expect.stringContaining(
        `: the peering connection belongs to resource Peering of stack Game (${GUID}), according to a tag on the fleet. Remove it there`,
      ) as string,
    });
    const changedProperties = world.properties({ DnsResolution: 'true' });
    const updateResponse = (
      await world.send('Update', changedProperties, physicalIdOf(other), { OldResourceProperties: world.properties(), ...other })
    ).response;
    expect(updateResponse).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(`belongs to resource Peering of stack Game (${GUID})`) as string,
    });
    expect(inventoryWithoutAuthorizations()).toEqual(before);
    expect((await world.send('Delete', world.properties(), physicalIdOf(other), other)).response?.Status).toBe('SUCCESS');
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
    expect((await world.send('Delete', world.properties(), physicalIdOf(other), other)).response?.Status).toBe('SUCCESS');
    expect(inventoryWithoutAuthorizations()).toEqual(before);
  });

  test('but it can adopt the connection, and undoes its changes on delete', async () => {
    const before = inventoryWithoutAuthorizations();
    const adoptingProperties = world.properties({ AdoptExisting: 'true', DnsResolution: 'true' });
    const { response } = await world.send('Create', adoptingProperties, undefined, other);
    expect(response).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
    expect(inventoryWithoutAuthorizations()).not.toEqual(before);
    expect((await world.send('Delete', adoptingProperties, response?.PhysicalResourceId, other)).response?.Status).toBe(
      'SUCCESS',
    );
    expect(inventoryWithoutAuthorizations()).toEqual(before);
    expect((await world.send('Delete', world.properties(), physicalIdOf({}))).response?.Status).toBe('SUCCESS');
    expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
  });
});

describe('the delete of an adopted connection if EC2 denies the removal of tags', () => {
  const createAndDelete = async (onDeleteTags: () => void): Promise<TestResponse | undefined> => {
    const { PhysicalResourceId } = await createSuccessfully({ AdoptExisting: 'true', DnsResolution: 'true' });
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
  const tagsOfLibrary = (): object[] =>
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
    expect(tagsOfLibrary()).toEqual([]);
  });

  test('fails if the tags are still there', async () => {
    expect(await createAndDelete(() => undefined)).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('UnauthorizedOperation') as string,
    });
    expect(tagsOfLibrary()).not.toEqual([]);
  });
});

test('a create cannot adopt a connection that another resource has adopted, because each resource would undo the changes of the other', async () => {
  world = await SimulatedWorld.create();
  await createSuccessfully();
  const adoptingProperties = world.properties({ AdoptExisting: 'true' });
  expect((await world.send('Create', adoptingProperties, undefined, { LogicalResourceId: 'Second' })).response?.Status).toBe(
    'SUCCESS',
  );
  const before = inventoryWithoutAuthorizations();
  const { response } = await world.send('Create', adoptingProperties, undefined, { LogicalResourceId: 'Third' });
  expect(response).toMatchObject({
    Status: 'FAILED',
    PhysicalResourceId: expect.stringMatching(/\/nothing-done$/) as string,
    Reason: expect.stringContaining(
      `the peering connection was adopted by resource Second of stack Game (${GUID}), according to a tag on the fleet. Remove it there first`,
    ) as string,
  });
  expect(inventoryWithoutAuthorizations()).toEqual(before);
});

test('a create fails, and does not change the DNS setting of the adopted connection, if it cannot record the change for the delete to undo', async () => {
  world = await SimulatedWorld.create();
  await world.connectByHand();
  const before = inventoryWithoutAuthorizations();
  const adoptingProperties = world.properties({ AdoptExisting: 'true', DnsResolution: 'true', Routes: 'None' });
  world.errorFor = (_, operation) => (operation === 'CreateTags' ? awsError('TagLimitExceeded') : undefined);
  const { response } = await world.send('Create', adoptingProperties);
  expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('TagLimitExceeded') as string });
  world.errorFor = () => undefined;
  expect((await world.send('Delete', adoptingProperties, response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(inventoryWithoutAuthorizations()).toEqual(before);
});

test('the delete finds its connection by the tags in EC2 if the fleet has lost its tags', async () => {
  world = await SimulatedWorld.create();
  const { PhysicalResourceId } = await createSuccessfully();
  world.tags.clear();
  expect((await world.send('Delete', world.properties(), PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
});

test('the delete leaves the connection of somebody else in place, even if the request of the failed create may have taken effect', async () => {
  world = await SimulatedWorld.create({ fleetEvents: 'never seen' });
  await world.connectByHand();
  const before = inventoryWithoutAuthorizations();
  world.errorFor = (_, operation) =>
    operation === 'CreateVpcPeeringConnection' ? awsError('InternalServiceException', 'oops', 500) : undefined;
  const { response } = await world.send('Create');
  expect(response).toMatchObject({ Status: 'FAILED', PhysicalResourceId: expect.stringContaining('/unfinished/') as string });
  // the claim and the note
  expect(world.tags.size).toBe(2);
  world.errorFor = () => undefined;
  expect((await world.send('Delete', world.properties(), response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(inventoryWithoutAuthorizations()).toEqual(before);
});

test('a create writes its claim, and a note with the VPCs that are peered already, before it requests a connection', async () => {
  world = await SimulatedWorld.create();
  const tagsAtRequests: object[] = [];
  world.errorFor = (_, operation) => {
    if (operation === 'CreateVpcPeeringConnection') {
      tagsAtRequests.push(Object.fromEntries(world.tags));
    }
    return undefined;
  };
  await createSuccessfully();
  const claimAndNote = {
    [claimKey()]: expect.stringMatching(`^${OWNER} f0f0f0f0-\\S+$`) as unknown,
    [`${claimKey()}:connection`]: expect.stringMatching(/^requested f0f0f0f0-\S+ vpc-\S+$/) as unknown,
  };
  // GameLift refuses the first request, because the authorization is missing
  expect(tagsAtRequests).toHaveLength(2);
  expect(tagsAtRequests).toEqual(tagsAtRequests.map(() => claimAndNote));
});

test('a failed create does not remove a claim that a later request of the same resource has written', async () => {
  world = await SimulatedWorld.create();
  world.errorFor = (_, operation) => {
    if (operation === 'ListTagsForResource' && world.calls.includes('CreateVpcPeeringConnection')) {
      world.tags.set(claimKey(), `${OWNER} later-request`);
      world.tags.delete(`${claimKey()}:connection`);
    }
    return operation === 'CreateVpcPeeringConnection' ? awsError('InvalidRequestException') : undefined;
  };
  expect((await world.send('Create')).response?.Status).toBe('FAILED');
  expect([...world.tags]).toEqual([[claimKey(), `${OWNER} later-request`]]);
});

test('a failed create does not remove its claim if another run of the same request has written a note with the connection', async () => {
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
  'a create does not authorize if a delete removes the claim before GameLift refuses the request, and ListTagsForResource shows the removal %s',
  async (_, readDelayMilliseconds) => {
    world = await SimulatedWorld.create();
    let removal: { readonly at: number; readonly tags: object[] } | undefined;
    world.errorFor = (__, operation) => {
      if (operation !== 'CreateVpcPeeringConnection') {
        return undefined;
      }
      removal ??= { at: world.now(), tags: [...world.tags].map(([Key, Value]) => ({ Key, Value })) };
      world.tags.clear();
      return awsError('UnauthorizedException');
    };
    world.outputFor = (__, operation) =>
      operation === 'ListTagsForResource' && removal !== undefined && world.now() < removal.at + readDelayMilliseconds
        ? { Tags: removal.tags }
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
])('a create does not change the existing connection if a delete removes its claim %s', async (_, readsBeforeRemoval) => {
  world = await SimulatedWorld.create();
  await createSuccessfully();
  const before = inventoryWithoutAuthorizations();
  world.errorFor = () => {
    const reads = world.calls.filter((operation) => operation === 'ListTagsForResource');
    // the create has made the last of these calls, but has not received the tags yet
    if (reads.length === readsBeforeRemoval) {
      world.tags.delete(claimKey(`Game/Adopting/${GUID}`));
    }
    return undefined;
  };
  const adoptingProperties = world.properties({ AdoptExisting: 'true', DnsResolution: 'true' });
  const { response } = await world.send('Create', adoptingProperties, undefined, { LogicalResourceId: 'Adopting' });
  expect(response).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining('the claim, a tag on the fleet, was removed while') as string,
  });
  expect(inventoryWithoutAuthorizations()).toEqual(before);
});

test('a create fails if another stack adopts the new connection while the create is running, and the delete leaves the connection in place', async () => {
  world = await SimulatedWorld.create();
  const other = { StackId: `${STACK_ARN_PREFIX}/Game/${GUID_OF_OTHER_STACK}` };
  const adoptingProperties = world.properties({ AdoptExisting: 'true' });
  let adoptResponse: TestResponse | undefined;
  const { aws } = world;
  const call = aws.call.bind(aws);
  const spy = jest.spyOn(aws, 'call').mockImplementation(async (service, operation, ...rest) => {
    if (operation === 'ListTagsForResource' && world.attributes !== undefined) {
      spy.mockRestore();
      adoptResponse = (await world.send('Create', adoptingProperties, undefined, other)).response;
    }
    return await call(service, operation, ...rest);
  });
  const { response } = await world.send('Create');
  expect(adoptResponse).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
  expect(response).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining(
      `was adopted by resource Peering of stack Game (${GUID_OF_OTHER_STACK}). Remove it there, then deploy again`,
    ) as string,
  });
  const before = inventoryWithoutAuthorizations();
  expect((await world.send('Delete', world.properties(), response?.PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(inventoryWithoutAuthorizations()).toEqual(before);
  expect((await world.send('Update', adoptingProperties, adoptResponse?.PhysicalResourceId, other)).response).toMatchObject({
    Status: 'SUCCESS',
    Data: world.attributes,
  });
});

test('a delete fails, and leaves the connection in place, if another stack adopts the connection while the delete runs', async () => {
  world = await SimulatedWorld.create();
  const { PhysicalResourceId } = await createSuccessfully();
  const other = { StackId: `${STACK_ARN_PREFIX}/Game/${GUID_OF_OTHER_STACK}` };
  let adoptResponse: TestResponse | undefined;
  const { aws } = world;
  const call = aws.call.bind(aws);
  const spy = jest.spyOn(aws, 'call').mockImplementation(async (service, operation, ...rest) => {
    // this is after the delete has read the claims, and before it calls DeleteVpcPeeringConnection
    if (service === 'ec2' && operation === 'DescribeVpcPeeringConnections') {
      spy.mockRestore();
      adoptResponse = (await world.send('Create', world.properties({ AdoptExisting: 'true' }), undefined, other)).response;
    }
    return await call(service, operation, ...rest);
  });
  const { response } = await world.send('Delete', world.properties(), PhysicalResourceId);
  expect(adoptResponse).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
  expect(response).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining(
      `was adopted by resource Peering of stack Game (${GUID_OF_OTHER_STACK}). Delete again`,
    ) as string,
  });
  expect((await world.send('Delete', world.properties(), PhysicalResourceId)).response?.Status).toBe('SUCCESS');
  expect(world.attributes).toBeDefined();
});

describe('a create whose calls EC2 denies', () => {
  const denial = awsError('UnauthorizedOperation', 'not allowed', 403);
  const ec2ReadCount = (): number => world.calls.filter((operation) => operation === 'DescribeVpcPeeringConnections').length;

  beforeEach(async () => {
    world = await SimulatedWorld.create();
  });

  test('writes no claim if it then loses all permissions, as a second run of the request does while the stack is being deleted', async () => {
    world.errorFor = (service) => {
      const hasLostAllPermissions = ec2ReadCount() > 1;
      return service === 'ec2' || hasLostAllPermissions ? denial : undefined;
    };
    expect((await world.send('Create')).response?.Status).toBe('FAILED');
    expect([...world.tags]).toEqual([]);
  });

  test('waits for the permission, then writes its claim and connects', async () => {
    world.errorFor = (service) => (service === 'ec2' && ec2ReadCount() <= 3 ? denial : undefined);
    expect((await world.send('Create')).response).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
    const [firstCall] = world.calls.filter(
      (operation) => operation === 'TagResource' || operation.startsWith('DescribeVpcPeering'),
    );
    expect(firstCall).toBe('DescribeVpcPeeringConnections');
  });
});

import { SimulatedWorld } from './simulated-world';

/*
 * The physical ids and tags that the handler writes. Later versions must read them, so their format may never change after the first release.
 * test/lib/frozen.test.ts tests all other values that may never change, and says what to do if a test fails.
 */

const STACK_GUID = '6b2e1c9c-0000-4000-8000-000000000000';
const OTHER_STACK_GUID = '7c3f2d0d-0000-4000-8000-000000000000';
/** The id of all requests that `SimulatedWorld` sends. */
const REQUEST_ID = 'f0f0f0f0-0000-4000-8000-000000000006';

let world: SimulatedWorld;

beforeEach(async () => {
  world = await SimulatedWorld.create();
});
afterEach(() => {
  world.close();
});

const connectionId = (): string => `${STACK_GUID}/Peering/${world.fleetId}/${world.vpcId}`;

/** The tags that the fleet must have once it is connected. */
function expectedFleetTags(): Readonly<Record<string, string>> {
  const { VpcPeeringConnectionId: id, GameLiftVpcId: vpcId, GameLiftCidrBlock: cidrBlock } = world.attributes ?? {};
  // 75470ddc337969a5 is the digest of the owner
  const key = `cdk-gamelift-vpc-peering:${world.vpcId}:75470ddc337969a5`;
  return {
    [key]: `Game/Peering/${STACK_GUID} ${REQUEST_ID}`,
    [`${key}:connection`]: [id, vpcId, cidrBlock, 'created', REQUEST_ID].join(' '),
  };
}

/** The tags on the peering connection of the fleet. */
const actualPeeringTags = (): Record<string, string> =>
  Object.fromEntries(
    (world.aws.inventory().tags as { resourceId: string; key: string; value: string }[])
      .filter(({ resourceId }) => resourceId === world.attributes?.VpcPeeringConnectionId)
      .map(({ key, value }) => [key, value]),
  );

describe('the physical id', () => {
  test.each(['Authorization', 'Teardown'])(
    'of the custom resource %s is the GUID of the stack and the logical id',
    async (name) => {
      const overrides = { ResourceType: `Custom::GameLiftVpcPeering${name}`, LogicalResourceId: name };
      const { response } = await world.send('Create', world.properties({ FleetIds: [world.fleetId] }), undefined, overrides);
      expect(response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: `${STACK_GUID}/${name}` });
    },
  );

  test('of a connection also contains the fleet and the peer VPC', async () => {
    const { response } = await world.send('Create');
    expect(response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: connectionId(), Data: world.attributes });
  });

  test('says that a failed create has changed nothing', async () => {
    // another resource has claimed the connection
    world.tags.set(`cdk-gamelift-vpc-peering:${world.vpcId}:0123456789abcdef`, `Other/Peering/${OTHER_STACK_GUID} ${REQUEST_ID}`);
    const { response } = await world.send('Create');
    expect(response).toMatchObject({ Status: 'FAILED', PhysicalResourceId: `${connectionId()}/nothing-done` });
  });

  test('contains the request id of a create that failed after it had begun to change something', async () => {
    // the create first claims the connection, and then fails because this connection exists and must not be adopted
    await world.connectByHand();
    const { response } = await world.send('Create');
    expect(response).toMatchObject({ Status: 'FAILED', PhysicalResourceId: `${connectionId()}/unfinished/${REQUEST_ID}` });
  });
});

test('writes the same tags on a fleet as the first release', async () => {
  await world.send('Create');
  expect(Object.fromEntries(world.tags)).toEqual(expectedFleetTags());
});

test('writes the same tags on a peering connection as the first release', async () => {
  await world.send('Create');
  expect(actualPeeringTags()).toEqual({
    Name: `GameLift ${world.fleetId}`,
    'cdk-gamelift-vpc-peering:owner': `Game/Peering/${STACK_GUID}`,
    'cdk-gamelift-vpc-peering:fleet': world.fleetId,
    'cdk-gamelift-vpc-peering:connection': world.attributes?.VpcPeeringConnectionId,
  });
});

test('writes the same tags on an adopted peering connection as the first release', async () => {
  await world.connectByHand();
  await world.send('Create', world.properties({ AdoptExisting: 'true', DnsResolution: 'true' }));
  expect(actualPeeringTags()).toEqual({
    'cdk-gamelift-vpc-peering:changed:fleet': world.fleetId,
    // 028577f3 is the digest of the tag's value
    'cdk-gamelift-vpc-peering:changed:028577f3': 'dns-was-false',
  });
});

test('deletes a connection with the physical id and the tags of the first release', async () => {
  await world.connectByHand();
  for (const [key, value] of Object.entries(expectedFleetTags())) {
    world.tags.set(key, value);
  }
  const { response } = await world.send('Delete', world.properties(), connectionId());
  expect(response).toMatchObject({ Status: 'SUCCESS' });
  expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
  expect([...world.tags.keys()]).toEqual([]);
});

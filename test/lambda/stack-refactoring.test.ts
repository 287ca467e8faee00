import { SimulatedWorld } from './simulated-world';
import type { TestResponse } from './world';

/*
 * Stack refactoring in CloudFormation: the logical id or the stack of a resource changes, and the physical id stays the same.
 */

const OTHER_STACK = 'arn:aws:cloudformation:us-east-1:111111111111:stack/Other/7c3f2d0d-0000-4000-8000-000000000000';
const OWNER = 'resource Peering of stack Game (6b2e1c9c-0000-4000-8000-000000000000)';

let world: SimulatedWorld;
let id: string | undefined;

beforeEach(async () => {
  world = await SimulatedWorld.create();
  id = (await world.send('Create')).response?.PhysicalResourceId;
});
afterEach(() => {
  world.close();
});

describe.each([
  ['another logical id', { LogicalResourceId: 'Renamed' }],
  ['another stack', { StackId: OTHER_STACK }],
])('a connection with %s', (_, newIdentity) => {
  const sendRequest = async (type: 'Update' | 'Delete', change = {}, previousChange = {}): Promise<TestResponse | undefined> => {
    const properties = type === 'Update' ? { OldResourceProperties: world.properties(previousChange) } : {};
    return (await world.send(type, world.properties(change), id, { ...newIdentity, ...properties })).response;
  };

  test('is not updated: the error names its owner', async () => {
    expect(await sendRequest('Update', { DnsResolution: 'true' })).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(`the peering connection belongs to ${OWNER}`) as string,
    });
    expect(world.state.statuses).toEqual(['active']);
  });

  test('is left in place by a delete', async () => {
    expect(await sendRequest('Delete')).toMatchObject({ Status: 'SUCCESS' });
    expect(world.state.statuses).toEqual(['active']);
  });

  test('gets a new owner after adoptExisting was set and removed, and is then deleted', async () => {
    // removalPolicy is RETAIN as well: CloudFormation sends no delete for the previous physical id
    const adopted = await sendRequest('Update', { AdoptExisting: 'true' });
    expect(adopted).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
    id = adopted?.PhysicalResourceId;
    id = (await sendRequest('Update', {}, { AdoptExisting: 'true' }))?.PhysicalResourceId;
    expect(await sendRequest('Delete')).toMatchObject({ Status: 'SUCCESS' });
    expect(world.state).toEqual({ statuses: [], routeTableIds: [] });
  });
});

test.each(['Authorization', 'Teardown'])(
  'the custom resource %s is updated and deleted after its logical id and stack have changed',
  async (kind) => {
    const type = { ResourceType: `Custom::GameLiftVpcPeering${kind}`, LogicalResourceId: kind };
    const physicalId = (await world.send('Create', undefined, undefined, type)).response?.PhysicalResourceId;
    const newIdentity = { ...type, LogicalResourceId: 'Renamed', StackId: OTHER_STACK };
    for (const request of ['Update', 'Delete'] as const) {
      const { response } = await world.send(request, undefined, physicalId, newIdentity);
      expect(response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: physicalId });
    }
  },
);

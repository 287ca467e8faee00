import { SimulatedWorld } from './simulated-world';
import type { TestResponse } from './world';

/*
 * Stack refactoring in CloudFormation: the logical id or the stack of a resource changes, and the physical id stays the same.
 */

const OTHER_STACK = 'arn:aws:cloudformation:us-east-1:111111111111:stack/Other/7c3f2d0d-0000-4000-8000-000000000000';
const OWNER_TEXT = 'resource Peering of stack Game (6b2e1c9c-0000-4000-8000-000000000000)';

let world: SimulatedWorld;
/** The physical id of the connection. */
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
])('a connection that was moved to %s', (_, newIdentity) => {
  const sendRequest = async (type: 'Update' | 'Delete', overrides = {}, oldOverrides = {}): Promise<TestResponse | undefined> => {
    const oldProperties = type === 'Update' ? { OldResourceProperties: world.properties(oldOverrides) } : {};
    return (await world.send(type, world.properties(overrides), id, { ...newIdentity, ...oldProperties })).response;
  };

  test('is not updated: the error names the owner according to the tags', async () => {
    expect(await sendRequest('Update', { DnsResolution: 'true' })).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(`the peering connection belongs to ${OWNER_TEXT}`) as string,
    });
    expect(world.state.connectionStatuses).toEqual(['active']);
  });

  test('is left in place by a delete', async () => {
    expect(await sendRequest('Delete')).toMatchObject({ Status: 'SUCCESS' });
    expect(world.state.connectionStatuses).toEqual(['active']);
  });

  test('gets its new owner if one update sets adoptExisting and the next removes it, and can then be deleted', async () => {
    // users also set removalPolicy to RETAIN, so that CloudFormation sends no delete for the previous physical id
    const adoptResponse = await sendRequest('Update', { AdoptExisting: 'true' });
    expect(adoptResponse).toMatchObject({ Status: 'SUCCESS', Data: world.attributes });
    id = adoptResponse?.PhysicalResourceId;
    id = (await sendRequest('Update', {}, { AdoptExisting: 'true' }))?.PhysicalResourceId;
    expect(await sendRequest('Delete')).toMatchObject({ Status: 'SUCCESS' });
    expect(world.state).toEqual({ connectionStatuses: [], tablesWithRoutes: [] });
  });
});

test.each(['Authorization', 'Teardown'])(
  'the custom resource %s can be updated and deleted after its logical id and its stack have changed',
  async (name) => {
    const type = { ResourceType: `Custom::GameLiftVpcPeering${name}`, LogicalResourceId: name };
    const physicalId = (await world.send('Create', undefined, undefined, type)).response?.PhysicalResourceId;
    const newIdentity = { ...type, LogicalResourceId: 'Renamed', StackId: OTHER_STACK };
    for (const request of ['Update', 'Delete'] as const) {
      const { response } = await world.send(request, undefined, physicalId, newIdentity);
      expect(response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: physicalId });
    }
  },
);

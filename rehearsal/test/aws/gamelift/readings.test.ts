import type { Reading } from '../../../src/aws';
import { LocalWorld, PLACE } from '../local-world';
import { allow, policy } from '../world';

const CONNECT = allow('gamelift:CreateVpcPeeringConnection');
/** What the API reference asks of who authorizes and connects. */
const REFERENCE = [
  'ec2:AcceptVpcPeeringConnection',
  'ec2:AuthorizeSecurityGroupEgress',
  'ec2:AuthorizeSecurityGroupIngress',
  'ec2:CreateRoute',
  'ec2:DescribeRouteTables',
  'ec2:DescribeSecurityGroups',
];

let world: LocalWorld;

beforeEach(() => {
  world = new LocalWorld();
});

afterEach(() => world.close());

describe('a fleet that is created with its peer VPC', () => {
  test('shows its connection as initiating-request at once, and is connected while it is ACTIVATING', async () => {
    await world.authorize();
    const fleetId = await world.createPeeredFleet();
    expect(await world.statuses()).toMatchObject([{ Code: 'initiating-request' }]);
    await world.wait(1190);
    expect(await world.statuses()).toMatchObject([{ Code: 'initiating-request' }]);
    await world.wait(60);
    expect(await world.statuses()).toMatchObject([{ Code: 'active' }]);
    expect(await world.gameLift('DescribeFleetAttributes', { FleetIds: [fleetId] })).toMatchObject({
      FleetAttributes: [{ Status: 'ACTIVATING' }],
    });
  });

  test('can be disconnected by default, like a fleet that was connected later', async () => {
    await world.authorize();
    const fleetId = await world.createPeeredFleet();
    await world.wait(1560);
    await world.disconnect(fleetId);
    expect(await world.statuses()).toMatchObject([{ Code: 'deleted' }]);
  });

  test('may refuse to be disconnected: the connection ends with the fleet', async () => {
    world.aws.behaviours.set('disconnectingPeeredFleet', 'InvalidRequestException');
    await world.authorize();
    const fleetId = await world.createPeeredFleet();
    await world.wait(1560);
    await expect(world.disconnect(fleetId)).rejects.toMatchObject({
      code: 'InvalidRequestException',
      message: expect.stringContaining(`was created with fleet ${fleetId}, and ends with it`) as unknown,
    });
    expect(world.aws.inventory().connections).toHaveLength(1);
    await world.gameLift('DeleteFleet', { FleetId: fleetId });
    await world.wait(61);
    expect(world.aws.inventory()).toMatchObject({ fleets: [], connections: [], routes: [] });
  });

  test('where that is refused, other connections can still be deleted', async () => {
    world.aws.behaviours.set('disconnectingPeeredFleet', 'InvalidRequestException');
    const { fleetId } = await world.peer();
    await world.disconnect(fleetId);
    expect(await world.statuses()).toMatchObject([{ Code: 'deleted' }]);
  });
});

describe('the EC2 permissions of who calls CreateVpcPeeringConnection', () => {
  /** What becomes of a connection that a role with these permissions asks for. */
  async function outcome(reading: Reading<'connectingPermissions'>, actions: readonly string[]): Promise<object | undefined> {
    world.aws.behaviours.set('connectingPermissions', reading);
    const caller = world.roleWith(policy(CONNECT, allow([...actions])));
    const fleetId = await world.activeFleet();
    await world.authorize();
    await world.connect(fleetId, caller);
    await world.wait(60);
    const [status] = await world.statuses();
    return status;
  }

  test.each(['not checked', 'checked at the call', 'checked when GameLift acts'] as const)(
    '%s: a caller with those of the API reference connects',
    async (reading) => {
      expect(await outcome(reading, REFERENCE)).toMatchObject({ Code: 'active' });
    },
  );

  test('are not checked by default', async () => {
    expect(await outcome('not checked', ['ec2:DescribeVpcs'])).toMatchObject({ Code: 'active' });
  });

  test.each(REFERENCE)('may be checked at the call: without %s it is refused', async (missing) => {
    const rest = REFERENCE.filter((action) => action !== missing);
    await expect(outcome('checked at the call', rest)).rejects.toMatchObject({
      code: 'UnauthorizedException',
      message: expect.stringContaining(`is not authorized to perform: ${missing}`) as unknown,
    });
    expect(await world.statuses()).toEqual([]);
  });

  test('may be checked when GameLift acts: then the connection fails', async () => {
    const rest = REFERENCE.filter((action) => action !== 'ec2:CreateRoute');
    expect(await outcome('checked when GameLift acts', rest)).toEqual({
      Code: 'failed',
      Message: expect.stringContaining('is not authorized to perform: ec2:CreateRoute') as unknown,
    });
  });
});

describe('the permissions to remove what GameLift wrote', () => {
  /** The routes that are left after a connection was deleted that a role authorized without these permissions. */
  async function routesLeft(): Promise<number> {
    const authorizer = world.roleWith(policy(allow('gamelift:CreateVpcPeeringAuthorization'), allow(REFERENCE)));
    const fleetId = await world.activeFleet();
    await world.authorize(authorizer);
    await world.connect(fleetId);
    await world.wait(60);
    expect(world.aws.inventory().routes).toHaveLength(1);
    await world.disconnect(fleetId);
    return world.aws.inventory().routes.length;
  }

  test('are needed by default: without them the routes stay', async () => {
    expect(await routesLeft()).toBe(1);
  });

  test('may not be needed', async () => {
    world.aws.behaviours.set('removalPermissions', 'not needed');
    expect(await routesLeft()).toBe(0);
    const group = world.aws.ec2.securityGroup(PLACE, world.aws.ec2.vpc(PLACE, world.vpcId).defaultSecurityGroupId);
    expect(group.rules.filter(({ peer }) => peer.startsWith('10.192.'))).toEqual([]);
  });
});

describe('rate limits', () => {
  const describeConnections = () => world.gameLift('DescribeVpcPeeringConnections');
  const throttled = { code: 'ThrottlingException' };

  test('a throttled call costs no token by default', async () => {
    await describeConnections();
    await world.wait(6);
    await expect(describeConnections()).rejects.toMatchObject(throttled);
    await world.wait(4);
    await describeConnections();
  });

  test('a throttled call may cost one: the wait begins anew', async () => {
    world.aws.behaviours.set('throttledCalls', 'counted');
    await describeConnections();
    await world.wait(6);
    await expect(describeConnections()).rejects.toMatchObject(throttled);
    await world.wait(9);
    await expect(describeConnections()).rejects.toMatchObject(throttled);
    await world.wait(10);
    await describeConnections();
  });

  test.each([
    ['CreateFleet', 4, 1],
    ['DeleteFleet', 20, 20],
  ])('%s has a burst of %d and %d a second', async (operation, burst, perSecond) => {
    // invalid or of no fleet: what is not throttled is refused by another name
    const input = operation === 'CreateFleet' ? { Name: 'fleet' } : { FleetId: 'fleet-1' };
    const codes = async (count: number): Promise<readonly string[]> => {
      const all: string[] = [];
      for (let index = 0; index < count; index += 1) {
        await world.gameLift(operation, input).catch((error: unknown) => all.push((error as { readonly code: string }).code));
      }
      return all;
    };
    expect((await codes(burst + 1)).filter((code) => code === throttled.code)).toHaveLength(1);
    await world.wait(1);
    expect((await codes(perSecond + 1)).filter((code) => code === throttled.code)).toHaveLength(1);
  });
});

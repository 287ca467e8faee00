import type { Reading } from '../../../src/aws';
import { LocalSimulation, ACCOUNT_AND_REGION } from '../local-simulation';
import { allow, policy } from '../simulation';

const CONNECT_STATEMENT = allow('gamelift:CreateVpcPeeringConnection');
/** The permissions that the API reference requires to authorize and to connect. */
const DOCUMENTED_PERMISSIONS = [
  'ec2:AcceptVpcPeeringConnection',
  'ec2:AuthorizeSecurityGroupEgress',
  'ec2:AuthorizeSecurityGroupIngress',
  'ec2:CreateRoute',
  'ec2:DescribeRouteTables',
  'ec2:DescribeSecurityGroups',
];

let simulation: LocalSimulation;

beforeEach(() => {
  simulation = new LocalSimulation();
});

afterEach(() => simulation.close());

describe('a fleet that is created with its peer VPC', () => {
  test('shows its connection as initiating-request at once, and is connected while it is ACTIVATING', async () => {
    await simulation.authorize();
    const fleetId = await simulation.createFleetWithPeerVpc();
    expect(await simulation.connectionStatuses()).toMatchObject([{ Code: 'initiating-request' }]);
    // the fleet becomes ACTIVATING after 1200 seconds, and ACTIVE after 1500 seconds
    await simulation.wait(1190);
    expect(await simulation.connectionStatuses()).toMatchObject([{ Code: 'initiating-request' }]);
    await simulation.wait(60);
    expect(await simulation.connectionStatuses()).toMatchObject([{ Code: 'active' }]);
    expect(await simulation.gameLift('DescribeFleetAttributes', { FleetIds: [fleetId] })).toMatchObject({
      FleetAttributes: [{ Status: 'ACTIVATING' }],
    });
  });

  test('can be disconnected by default, like a fleet that was connected later', async () => {
    await simulation.authorize();
    const fleetId = await simulation.createFleetWithPeerVpc();
    await simulation.wait(1560);
    await simulation.disconnect(fleetId);
    expect(await simulation.connectionStatuses()).toMatchObject([{ Code: 'deleted' }]);
  });

  test('refuses to be disconnected under the reading "InvalidRequestException", and its connection ends with the fleet', async () => {
    simulation.aws.behaviours.set('disconnectingPeeredFleet', 'InvalidRequestException');
    await simulation.authorize();
    const fleetId = await simulation.createFleetWithPeerVpc();
    await simulation.wait(1560);
    await expect(simulation.disconnect(fleetId)).rejects.toMatchObject({
      code: 'InvalidRequestException',
      message: expect.stringContaining(`was created with fleet ${fleetId}, and ends with it`) as unknown,
    });
    expect(simulation.aws.inventory().connections).toHaveLength(1);
    await simulation.gameLift('DeleteFleet', { FleetId: fleetId });
    await simulation.wait(61);
    expect(simulation.aws.inventory()).toMatchObject({ fleets: [], connections: [], routes: [] });
  });
});

test('a fleet that was connected later can be disconnected, even under the reading "InvalidRequestException"', async () => {
  simulation.aws.behaviours.set('disconnectingPeeredFleet', 'InvalidRequestException');
  const { fleetId } = await simulation.connectNewFleet();
  await simulation.disconnect(fleetId);
  expect(await simulation.connectionStatuses()).toMatchObject([{ Code: 'deleted' }]);
});

describe('the EC2 permissions of the caller of CreateVpcPeeringConnection', () => {
  /** Connects a fleet with a role that has these permissions. Returns the status of the connection. */
  async function statusAfterConnecting(
    reading: Reading<'connectingPermissions'>,
    actions: readonly string[],
  ): Promise<object | undefined> {
    simulation.aws.behaviours.set('connectingPermissions', reading);
    const caller = simulation.createRoleWithAccessKey(policy(CONNECT_STATEMENT, allow([...actions])));
    const fleetId = await simulation.createActiveFleet();
    await simulation.authorize();
    await simulation.connect(fleetId, caller);
    await simulation.wait(60);
    const [status] = await simulation.connectionStatuses();
    return status;
  }

  test.each(['not checked', 'checked at the call', 'checked when GameLift acts'] as const)(
    'are sufficient if they include all that the API reference requires (%s)',
    async (reading) => {
      expect(await statusAfterConnecting(reading, DOCUMENTED_PERMISSIONS)).toMatchObject({ Code: 'active' });
    },
  );

  test('are not checked by default', async () => {
    expect(await statusAfterConnecting('not checked', ['ec2:DescribeVpcs'])).toMatchObject({ Code: 'active' });
  });

  test.each(DOCUMENTED_PERMISSIONS)('can be checked at the call, which is refused without %s', async (missingAction) => {
    const otherActions = DOCUMENTED_PERMISSIONS.filter((action) => action !== missingAction);
    await expect(statusAfterConnecting('checked at the call', otherActions)).rejects.toMatchObject({
      code: 'UnauthorizedException',
      message: expect.stringContaining(`is not authorized to perform: ${missingAction}`) as unknown,
    });
    expect(await simulation.connectionStatuses()).toEqual([]);
  });

  test('can be checked when GameLift accepts the connection, which fails without them', async () => {
    const otherActions = DOCUMENTED_PERMISSIONS.filter((action) => action !== 'ec2:CreateRoute');
    expect(await statusAfterConnecting('checked when GameLift acts', otherActions)).toEqual({
      Code: 'failed',
      Message: expect.stringContaining('is not authorized to perform: ec2:CreateRoute') as unknown,
    });
  });
});

describe('the permissions to remove the routes and rules that GameLift wrote', () => {
  /** Deletes a connection whose authorizing role may not remove routes. Returns the number of remaining routes. */
  async function countRemainingRoutes(): Promise<number> {
    const authorizer = simulation.createRoleWithAccessKey(
      policy(allow('gamelift:CreateVpcPeeringAuthorization'), allow(DOCUMENTED_PERMISSIONS)),
    );
    const fleetId = await simulation.createActiveFleet();
    await simulation.authorize(authorizer);
    await simulation.connect(fleetId);
    await simulation.wait(60);
    expect(simulation.aws.inventory().routes).toHaveLength(1);
    await simulation.disconnect(fleetId);
    return simulation.aws.inventory().routes.length;
  }

  test('are needed by default: without them the routes stay', async () => {
    expect(await countRemainingRoutes()).toBe(1);
  });

  test('are not needed under the reading "not needed"', async () => {
    simulation.aws.behaviours.set('removalPermissions', 'not needed');
    expect(await countRemainingRoutes()).toBe(0);
    const group = simulation.aws.ec2.securityGroup(
      ACCOUNT_AND_REGION,
      simulation.aws.ec2.vpc(ACCOUNT_AND_REGION, simulation.vpcId).defaultSecurityGroupId,
    );
    // the CIDR block of the fleet's VPC is 10.192.0.0/20
    expect(group.rules.filter(({ peer }) => peer.startsWith('10.192.'))).toEqual([]);
  });
});

describe('rate limits', () => {
  const describeConnections = () => simulation.gameLift('DescribeVpcPeeringConnections');
  const throttlingError = { code: 'ThrottlingException' };

  test('a throttled call does not count by default', async () => {
    await describeConnections();
    await simulation.wait(6);
    await expect(describeConnections()).rejects.toMatchObject(throttlingError);
    await simulation.wait(4);
    await describeConnections();
  });

  test('a throttled call counts under the reading "counted": the wait of ten seconds begins again', async () => {
    simulation.aws.behaviours.set('throttledCalls', 'counted');
    await describeConnections();
    await simulation.wait(6);
    await expect(describeConnections()).rejects.toMatchObject(throttlingError);
    await simulation.wait(9);
    await expect(describeConnections()).rejects.toMatchObject(throttlingError);
    await simulation.wait(10);
    await describeConnections();
  });

  test.each([
    ['CreateFleet', 4, 1],
    ['DeleteFleet', 20, 20],
  ])('%s allows %d calls at once, and then %d per second', async (operation, burst, perSecond) => {
    // with this input, GameLift refuses each call that it does not throttle
    const input = operation === 'CreateFleet' ? { Name: 'fleet' } : { FleetId: 'fleet-1' };
    const errorCodes = async (count: number): Promise<readonly string[]> => {
      const codes: string[] = [];
      for (let index = 0; index < count; index += 1) {
        await simulation
          .gameLift(operation, input)
          .catch((error: unknown) => codes.push((error as { readonly code: string }).code));
      }
      return codes;
    };
    expect((await errorCodes(burst + 1)).filter((code) => code === throttlingError.code)).toHaveLength(1);
    await simulation.wait(1);
    expect((await errorCodes(perSecond + 1)).filter((code) => code === throttlingError.code)).toHaveLength(1);
  });
});

import type { Rehearsal } from 'rehearsal';
import { ACCOUNT, existing, expectNoFailedDelete, join, joining, PLACE, remove, scene, start, withStack } from './scene';
import type { Existing, Scene } from './scene';
import { calls, DAY, failures, STACK, Stage, told } from './stage';

/*
 * The remedies in docs/troubleshooting.md, for a deletion that failed, and for a create that failed and was kept.
 */

afterEach(() => Stage.clear());

/** GameLift fails to do something until the function that is returned is called. */
function broken(rehearsal: Rehearsal, name: string): () => void {
  return rehearsal.aws.intercept(({ operation }) =>
    operation === name ? { kind: 'error', name: 'InternalServiceException', message: 'Something broke', status: 500 } : undefined,
  );
}

/** `aws gamelift create-vpc-peering-authorization --game-lift-aws-account-id ACCOUNT --peer-vpc-id VPC` */
async function authorizeByHand(rehearsal: Rehearsal, PeerVpcId: string): Promise<void> {
  await rehearsal.aws.callGameLift('CreateVpcPeeringAuthorization', { GameLiftAwsAccountId: ACCOUNT, PeerVpcId }, PLACE);
}

const vpcIdOf = (rehearsal: Rehearsal): string =>
  rehearsal.cloudFormation.describe(STACK).resources.find(({ type }) => type === 'AWS::EC2::VPC')?.physicalId ?? '';

/** Why CloudFormation could not delete the fleet. */
const fleetFailures = (rehearsal: Rehearsal): string[] =>
  told(rehearsal, 'cloudformation').filter((line) => line.startsWith('Stack/Fleet DELETE_FAILED'));

async function expectNothing(rehearsal: Rehearsal, before: unknown): Promise<void> {
  await rehearsal.clock.sleep(2 * DAY);
  expect(rehearsal.aws.inventory()).toEqual(before);
}

async function keep(rehearsal: Rehearsal, options: Scene): Promise<string> {
  return (await rehearsal.cloudFormation.deploy(scene(options), STACK, { onFailure: 'keep' })).status;
}

async function keepJoined(rehearsal: Rehearsal, there: Existing): Promise<string> {
  return (await rehearsal.cloudFormation.deploy(joining(there), STACK, { onFailure: 'keep' })).status;
}

/** Deploys a fleet that is peered on creation, and lets its deletion fail. Returns three days later, when it would succeed. */
async function failToDeleteFleet(rehearsal: Rehearsal): Promise<void> {
  expect((await rehearsal.cloudFormation.deploy(scene({ peerOnCreate: true }), STACK)).status).toBe('CREATE_COMPLETE');
  await rehearsal.clock.sleep(30 * DAY);
  const mend = broken(rehearsal, 'DeleteFleet');
  expect(await remove(rehearsal)).toBe('DELETE_FAILED');
  await rehearsal.clock.sleep(3 * DAY);
  mend();
}

describe('a deletion that failed, repeated days later', () => {
  test('of a connection: succeeds without help', async () => {
    const rehearsal = await start();
    const there = await existing(rehearsal);
    const before = rehearsal.aws.inventory();
    expect(await join(rehearsal, there)).toBe('CREATE_COMPLETE');
    await rehearsal.clock.sleep(30 * DAY);
    const mend = broken(rehearsal, 'DeleteVpcPeeringConnection');
    expect(await remove(rehearsal)).toBe('DELETE_FAILED');
    expect(failures(rehearsal)).toEqual([
      `could not remove the peering of fleet ${there.fleetIds[0] ?? ''} with VPC ${there.vpcId} ` +
        'in us-east-1: InternalServiceException: Something broke. Fix the problem above, then try again',
    ]);
    await rehearsal.clock.sleep(3 * DAY);
    mend();
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    await expectNothing(rehearsal, before);
  });

  test('of a fleet that is peered on creation: deletes it, since it is no longer peered', async () => {
    const rehearsal = await start();
    const before = rehearsal.aws.inventory();
    await failToDeleteFleet(rehearsal);
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    await expectNothing(rehearsal, before);
  });

  test('of a fleet whose connection ends only with the fleet: needs an authorization by hand', async () => {
    const rehearsal = await start();
    rehearsal.aws.behaviours.set('disconnectingPeeredFleet', 'InvalidRequestException');
    const before = rehearsal.aws.inventory();
    await failToDeleteFleet(rehearsal);
    expect(await remove(rehearsal)).toBe('DELETE_FAILED');
    expect(fleetFailures(rehearsal)).toEqual([
      expect.stringContaining('Error Code: InternalServiceException'),
      expect.stringContaining('Error Code: UnauthorizedException'),
    ]);
    await authorizeByHand(rehearsal, vpcIdOf(rehearsal));
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    await expectNothing(rehearsal, before);
  });

  test('of the teardown: deletes nothing until it is allowed to authorize', async () => {
    const rehearsal = await start();
    const there = await existing(rehearsal);
    const before = rehearsal.aws.inventory();
    expect(await join(rehearsal, there)).toBe('CREATE_COMPLETE');
    const connected = rehearsal.aws.inventory();
    await rehearsal.clock.sleep(30 * DAY);
    const mend = rehearsal.aws.intercept(({ operation }) =>
      operation === 'CreateVpcPeeringAuthorization'
        ? { kind: 'error', name: 'UnauthorizedException', message: 'No', status: 400 }
        : undefined,
    );
    expect(await remove(rehearsal)).toBe('DELETE_FAILED');
    expect(failures(rehearsal)).toEqual([expect.stringMatching(/^could not authorize VPC peering for VPC .*try again$/)]);
    expect(rehearsal.aws.inventory()).toEqual({ ...withStack(connected, 'DELETE_FAILED'), authorizations: [] });
    await rehearsal.clock.sleep(3 * DAY);
    mend();
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    await expectNothing(rehearsal, before);
  });
});

test('a connection that GameLift made with the fleet, and that was deleted by hand, fails updates until the fleet is replaced', async () => {
  const rehearsal = await start();
  const before = rehearsal.aws.inventory();
  const deployed = async (options: Scene): Promise<string> =>
    (await rehearsal.cloudFormation.deploy(scene({ peerOnCreate: true, ...options }), STACK)).status;
  expect(await deployed({})).toBe('CREATE_COMPLETE');
  await rehearsal.clock.sleep(10 * DAY);
  await authorizeByHand(rehearsal, vpcIdOf(rehearsal));
  const [connection] = rehearsal.aws.inventory().connections as [{ id: string; fleetId: string }];
  const input = { FleetId: connection.fleetId, VpcPeeringConnectionId: connection.id };
  await rehearsal.aws.callGameLift('DeleteVpcPeeringConnection', input, PLACE);
  await rehearsal.clock.sleep(DAY);
  expect(await deployed({ props: { dnsResolution: true } })).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(failures(rehearsal)).toEqual([
    expect.stringMatching(
      /: GameLift lists no peering connection\. Look at the events of the fleet, then replace the fleet, or remove peerOnCreate/,
    ),
  ]);
  expect(await deployed({ props: { dnsResolution: true }, build: '2' })).toBe('UPDATE_COMPLETE');
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  await expectNothing(rehearsal, before);
});

test('a fleet whose cleanup was skipped can be deleted by hand after an authorization by hand', async () => {
  // the connection ends only with the fleet
  const rehearsal = await start();
  rehearsal.aws.behaviours.set('disconnectingPeeredFleet', 'InvalidRequestException');
  const before = rehearsal.aws.inventory();
  const deployed = async (build: string): Promise<string> =>
    (await rehearsal.cloudFormation.deploy(scene({ peerOnCreate: true, build }), STACK)).status;
  expect(await deployed('1')).toBe('CREATE_COMPLETE');
  await rehearsal.clock.sleep(10 * DAY);
  const mend = broken(rehearsal, 'DeleteFleet');
  const [{ id: FleetId }] = rehearsal.aws.inventory().fleets as [{ id: string }];
  expect(await deployed('2')).toBe('UPDATE_COMPLETE');
  expect(fleetFailures(rehearsal)).toHaveLength(3);
  await rehearsal.clock.sleep(3 * DAY);
  mend();
  const byHand = (): Promise<unknown> => rehearsal.aws.callGameLift('DeleteFleet', { FleetId }, PLACE);
  await expect(byHand()).rejects.toThrow('There is no valid VPC peering authorization');
  await authorizeByHand(rehearsal, vpcIdOf(rehearsal));
  await byHand();
  await rehearsal.clock.sleep(10 * DAY);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  await expectNothing(rehearsal, before);
});

describe('a create that failed and was kept', () => {
  /** A route that is in the way of the connection's. */
  function obstruct(rehearsal: Rehearsal, there: Existing): () => void {
    const { ec2, gameLift } = rehearsal.aws;
    const destination = gameLift.fleets.all()[0]?.vpc?.cidrBlock ?? '';
    const gateway = ec2.createGateway(PLACE, 'igw');
    ec2.attachGateway(PLACE, gateway, there.vpcId);
    const [, table = ''] = there.routeTableIds;
    ec2.createRoute(PLACE, table, { destination, kind: 'gatewayId', target: gateway });
    return () => {
      ec2.deleteRoute(PLACE, table, destination);
    };
  }

  test('a connection: the next deployment creates it after the cause is fixed', async () => {
    const rehearsal = await start();
    const there = await existing(rehearsal);
    const mend = obstruct(rehearsal, there);
    // the route that is in the way does not come back
    const before = { ...rehearsal.aws.inventory(), routes: [] };
    expect(await keepJoined(rehearsal, there)).toBe('CREATE_FAILED');
    expect(rehearsal.aws.inventory().connections).toHaveLength(1);
    await rehearsal.clock.sleep(3 * DAY);
    mend();
    expect(await join(rehearsal, there)).toBe('UPDATE_COMPLETE');
    expect(rehearsal.aws.inventory().connections).toEqual([expect.objectContaining({ status: 'active' })]);
    await rehearsal.clock.sleep(30 * DAY);
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    await expectNothing(rehearsal, before);
  });

  test('a connection: deleting the stack removes it days later', async () => {
    const rehearsal = await start();
    const there = await existing(rehearsal);
    const mend = obstruct(rehearsal, there);
    const before = rehearsal.aws.inventory();
    expect(await keepJoined(rehearsal, there)).toBe('CREATE_FAILED');
    await rehearsal.clock.sleep(3 * DAY);
    // there is no teardown yet: it comes after what failed
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    await expectNothing(rehearsal, before);
    mend();
  });

  test.each(['given up', 'mended'] as const)(
    'a fleet that is peered on creation, %s days later: needs an authorization by hand',
    async (outcome) => {
      const rehearsal = await start();
      const before = rehearsal.aws.inventory();
      rehearsal.aws.scriptedOutcomes.fleet = () => ({ end: 'error' });
      expect(await keep(rehearsal, { peerOnCreate: true })).toBe('CREATE_FAILED');
      rehearsal.aws.scriptedOutcomes.fleet = () => ({});
      await rehearsal.clock.sleep(3 * DAY);
      const again = async (): Promise<string> =>
        outcome === 'given up' ? await remove(rehearsal) : await keep(rehearsal, { peerOnCreate: true, build: '2' });
      expect(await again()).toBe(outcome === 'given up' ? 'DELETE_FAILED' : 'UPDATE_FAILED');
      expect(fleetFailures(rehearsal)).toEqual([expect.stringContaining('Error Code: UnauthorizedException')]);
      const authorized = calls(rehearsal, 'CreateVpcPeeringAuthorization');
      await authorizeByHand(rehearsal, vpcIdOf(rehearsal));
      expect(calls(rehearsal, 'CreateVpcPeeringAuthorization')).toBe(authorized + 1);
      expect(await again()).toBe(outcome === 'given up' ? 'DELETE_COMPLETE' : 'UPDATE_COMPLETE');
      await rehearsal.clock.sleep(30 * DAY);
      expect(outcome === 'given up' ? 'DELETE_COMPLETE' : await remove(rehearsal)).toBe('DELETE_COMPLETE');
      await expectNothing(rehearsal, before);
    },
  );
});

import type { Rehearsal } from 'rehearsal';
import {
  ACCOUNT,
  createExistingResources,
  expectNoFailedDelete,
  expectNothingLeft,
  deployConnections,
  synthesizeConnections,
  ACCOUNT_AND_REGION,
  deleteStack,
  synthesizeFleetStack,
  startFastRehearsal,
  withStackStatus,
} from './common-stacks';
import type { ExistingResources, FleetStackOptions } from './common-stacks';
import { countCalls, DAY_MS, failureReasons, STACK, closeRehearsals, journalLinesFrom } from './rehearsals';

/*
 * Checks the remedies in docs/troubleshooting.md, for a deletion that failed, and for a create that failed without a rollback.
 */

afterEach(closeRehearsals);

/** Makes the operation fail. Returns a function that ends the fault. */
function failOperation(rehearsal: Rehearsal, name: string): () => void {
  return rehearsal.aws.intercept(({ operation }) =>
    operation === name ? { kind: 'error', name: 'InternalServiceException', message: 'Something broke', status: 500 } : undefined,
  );
}

/** `aws gamelift create-vpc-peering-authorization --game-lift-aws-account-id ACCOUNT --peer-vpc-id VPC` */
async function authorizeByHand(rehearsal: Rehearsal, PeerVpcId: string): Promise<void> {
  await rehearsal.aws.callGameLift(
    'CreateVpcPeeringAuthorization',
    { GameLiftAwsAccountId: ACCOUNT, PeerVpcId },
    ACCOUNT_AND_REGION,
  );
}

const vpcIdOf = (rehearsal: Rehearsal): string =>
  rehearsal.cloudFormation.describe(STACK).resources.find(({ type }) => type === 'AWS::EC2::VPC')?.physicalId ?? '';

/** Why CloudFormation could not delete the fleet. */
const fleetDeletionFailures = (rehearsal: Rehearsal): string[] =>
  journalLinesFrom(rehearsal, 'cloudformation').filter((line) => line.startsWith('Stack/Fleet DELETE_FAILED'));

/** Deploys the fleet stack. If that fails, CloudFormation keeps what it created instead of rolling back. */
async function deployFleetStackAndKeep(rehearsal: Rehearsal, options: FleetStackOptions): Promise<string> {
  return (await rehearsal.cloudFormation.deploy(synthesizeFleetStack(options), STACK, { onFailure: 'keep' })).status;
}

/** Deploys the connections stack. If that fails, CloudFormation keeps what it created instead of rolling back. */
async function deployConnectionsAndKeep(rehearsal: Rehearsal, existing: ExistingResources): Promise<string> {
  return (await rehearsal.cloudFormation.deploy(synthesizeConnections(existing), STACK, { onFailure: 'keep' })).status;
}

/** Deploys a fleet that is peered on creation, and makes its deletion fail. Ends the fault three days later. */
async function failToDeleteFleet(rehearsal: Rehearsal): Promise<void> {
  expect((await rehearsal.cloudFormation.deploy(synthesizeFleetStack({ peerOnCreate: true }), STACK)).status).toBe(
    'CREATE_COMPLETE',
  );
  await rehearsal.clock.sleep(30 * DAY_MS);
  const endFault = failOperation(rehearsal, 'DeleteFleet');
  expect(await deleteStack(rehearsal)).toBe('DELETE_FAILED');
  await rehearsal.clock.sleep(3 * DAY_MS);
  endFault();
}

describe('a deletion that failed and is repeated days later', () => {
  test('succeeds if the deletion of a connection failed', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    const before = rehearsal.aws.inventory();
    expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
    await rehearsal.clock.sleep(30 * DAY_MS);
    const endFault = failOperation(rehearsal, 'DeleteVpcPeeringConnection');
    expect(await deleteStack(rehearsal)).toBe('DELETE_FAILED');
    expect(failureReasons(rehearsal)).toEqual([
      `could not remove the peering of fleet ${existing.fleetIds[0] ?? ''} with VPC ${existing.vpcId} ` +
        'in us-east-1: InternalServiceException: Something broke. Fix the problem above, then try again',
    ]);
    await rehearsal.clock.sleep(3 * DAY_MS);
    endFault();
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    await expectNothingLeft(rehearsal, before);
  });

  test('succeeds if the deletion of a fleet that was peered on creation failed, since the fleet is no longer peered', async () => {
    const rehearsal = await startFastRehearsal();
    const before = rehearsal.aws.inventory();
    await failToDeleteFleet(rehearsal);
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    await expectNothingLeft(rehearsal, before);
  });

  test('needs an authorization by hand if GameLift deletes the connection only with the fleet', async () => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.behaviours.set('disconnectingPeeredFleet', 'InvalidRequestException');
    const before = rehearsal.aws.inventory();
    await failToDeleteFleet(rehearsal);
    expect(await deleteStack(rehearsal)).toBe('DELETE_FAILED');
    expect(fleetDeletionFailures(rehearsal)).toEqual([
      expect.stringContaining('Error Code: InternalServiceException'),
      expect.stringContaining('Error Code: UnauthorizedException'),
    ]);
    await authorizeByHand(rehearsal, vpcIdOf(rehearsal));
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    await expectNothingLeft(rehearsal, before);
  });

  test('deletes nothing until the teardown can authorize', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    const before = rehearsal.aws.inventory();
    expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
    const connected = rehearsal.aws.inventory();
    await rehearsal.clock.sleep(30 * DAY_MS);
    const endFault = rehearsal.aws.intercept(({ operation }) =>
      operation === 'CreateVpcPeeringAuthorization'
        ? { kind: 'error', name: 'UnauthorizedException', message: 'No', status: 400 }
        : undefined,
    );
    expect(await deleteStack(rehearsal)).toBe('DELETE_FAILED');
    expect(failureReasons(rehearsal)).toEqual([expect.stringMatching(/^could not authorize VPC peering for VPC .*try again$/)]);
    expect(rehearsal.aws.inventory()).toEqual({ ...withStackStatus(connected, 'DELETE_FAILED'), authorizations: [] });
    await rehearsal.clock.sleep(3 * DAY_MS);
    endFault();
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    await expectNothingLeft(rehearsal, before);
  });
});

test('after somebody deleted the connection of a fleet that was peered on creation, updates fail until the fleet is replaced', async () => {
  const rehearsal = await startFastRehearsal();
  const before = rehearsal.aws.inventory();
  const deployed = async (options: FleetStackOptions): Promise<string> =>
    (await rehearsal.cloudFormation.deploy(synthesizeFleetStack({ peerOnCreate: true, ...options }), STACK)).status;
  expect(await deployed({})).toBe('CREATE_COMPLETE');
  await rehearsal.clock.sleep(10 * DAY_MS);
  await authorizeByHand(rehearsal, vpcIdOf(rehearsal));
  const [connection] = rehearsal.aws.inventory().connections as [{ id: string; fleetId: string }];
  const input = { FleetId: connection.fleetId, VpcPeeringConnectionId: connection.id };
  await rehearsal.aws.callGameLift('DeleteVpcPeeringConnection', input, ACCOUNT_AND_REGION);
  await rehearsal.clock.sleep(DAY_MS);
  expect(await deployed({ props: { dnsResolution: true } })).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(failureReasons(rehearsal)).toEqual([
    expect.stringMatching(
      /: GameLift lists no peering connection\. Look at the events of the fleet, then replace the fleet, or remove peerOnCreate/,
    ),
  ]);
  expect(await deployed({ props: { dnsResolution: true }, build: '2' })).toBe('UPDATE_COMPLETE');
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  await expectNothingLeft(rehearsal, before);
});

test('a fleet that CloudFormation skipped in a cleanup can be deleted by hand after an authorization by hand', async () => {
  const rehearsal = await startFastRehearsal();
  // with this reading, GameLift deletes the connection only with the fleet
  rehearsal.aws.behaviours.set('disconnectingPeeredFleet', 'InvalidRequestException');
  const before = rehearsal.aws.inventory();
  const deployed = async (build: string): Promise<string> =>
    (await rehearsal.cloudFormation.deploy(synthesizeFleetStack({ peerOnCreate: true, build }), STACK)).status;
  expect(await deployed('1')).toBe('CREATE_COMPLETE');
  await rehearsal.clock.sleep(10 * DAY_MS);
  const endFault = failOperation(rehearsal, 'DeleteFleet');
  const [{ id: FleetId }] = rehearsal.aws.inventory().fleets as [{ id: string }];
  expect(await deployed('2')).toBe('UPDATE_COMPLETE');
  // CloudFormation skips a deletion in a cleanup after three failed attempts
  expect(fleetDeletionFailures(rehearsal)).toHaveLength(3);
  await rehearsal.clock.sleep(3 * DAY_MS);
  endFault();
  const deleteFleetByHand = (): Promise<unknown> => rehearsal.aws.callGameLift('DeleteFleet', { FleetId }, ACCOUNT_AND_REGION);
  await expect(deleteFleetByHand()).rejects.toThrow('There is no valid VPC peering authorization');
  await authorizeByHand(rehearsal, vpcIdOf(rehearsal));
  await deleteFleetByHand();
  await rehearsal.clock.sleep(10 * DAY_MS);
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  await expectNothingLeft(rehearsal, before);
});

describe('a create that failed without a rollback', () => {
  /** Creates a route that conflicts with a route of the connection. Returns a function that deletes it. */
  function addConflictingRoute(rehearsal: Rehearsal, existing: ExistingResources): () => void {
    const { ec2, gameLift } = rehearsal.aws;
    const destination = gameLift.fleets.all()[0]?.vpc?.cidrBlock ?? '';
    const gateway = ec2.createGateway(ACCOUNT_AND_REGION, 'igw');
    ec2.attachGateway(ACCOUNT_AND_REGION, gateway, existing.vpcId);
    const [, table = ''] = existing.routeTableIds;
    ec2.createRoute(ACCOUNT_AND_REGION, table, { destination, kind: 'gatewayId', target: gateway });
    return () => {
      ec2.deleteRoute(ACCOUNT_AND_REGION, table, destination);
    };
  }

  test('the next deployment completes the connection after the cause is fixed', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    const removeConflictingRoute = addConflictingRoute(rehearsal, existing);
    // without the conflicting route, which the test deletes
    const before = { ...rehearsal.aws.inventory(), routes: [] };
    expect(await deployConnectionsAndKeep(rehearsal, existing)).toBe('CREATE_FAILED');
    expect(rehearsal.aws.inventory().connections).toHaveLength(1);
    await rehearsal.clock.sleep(3 * DAY_MS);
    removeConflictingRoute();
    expect(await deployConnections(rehearsal, existing)).toBe('UPDATE_COMPLETE');
    expect(rehearsal.aws.inventory().connections).toEqual([expect.objectContaining({ status: 'active' })]);
    await rehearsal.clock.sleep(30 * DAY_MS);
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    await expectNothingLeft(rehearsal, before);
  });

  test('deleting the stack removes the connection days later', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    const removeConflictingRoute = addConflictingRoute(rehearsal, existing);
    const before = rehearsal.aws.inventory();
    expect(await deployConnectionsAndKeep(rehearsal, existing)).toBe('CREATE_FAILED');
    await rehearsal.clock.sleep(3 * DAY_MS);
    // the stack has no teardown: CloudFormation creates it after the connection, and the connection failed
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    await expectNothingLeft(rehearsal, before);
    removeConflictingRoute();
  });

  test.each(['deleted', 'replaced'] as const)(
    'a fleet that is peered on creation can be %s days later only after an authorization by hand',
    async (outcome) => {
      const rehearsal = await startFastRehearsal();
      const before = rehearsal.aws.inventory();
      rehearsal.aws.scriptedOutcomes.fleet = () => ({ end: 'error' });
      expect(await deployFleetStackAndKeep(rehearsal, { peerOnCreate: true })).toBe('CREATE_FAILED');
      rehearsal.aws.scriptedOutcomes.fleet = () => ({});
      await rehearsal.clock.sleep(3 * DAY_MS);
      const deleteOrReplace = async (): Promise<string> =>
        outcome === 'deleted'
          ? await deleteStack(rehearsal)
          : await deployFleetStackAndKeep(rehearsal, { peerOnCreate: true, build: '2' });
      expect(await deleteOrReplace()).toBe(outcome === 'deleted' ? 'DELETE_FAILED' : 'UPDATE_FAILED');
      expect(fleetDeletionFailures(rehearsal)).toEqual([expect.stringContaining('Error Code: UnauthorizedException')]);
      const authorizationCount = countCalls(rehearsal, 'CreateVpcPeeringAuthorization');
      await authorizeByHand(rehearsal, vpcIdOf(rehearsal));
      expect(countCalls(rehearsal, 'CreateVpcPeeringAuthorization')).toBe(authorizationCount + 1);
      expect(await deleteOrReplace()).toBe(outcome === 'deleted' ? 'DELETE_COMPLETE' : 'UPDATE_COMPLETE');
      await rehearsal.clock.sleep(30 * DAY_MS);
      expect(outcome === 'deleted' ? 'DELETE_COMPLETE' : await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
      await expectNothingLeft(rehearsal, before);
    },
  );
});

import type { Rehearsal } from 'rehearsal';
import {
  addFailingResource,
  failAfterConnections,
  deployFleetStack,
  createExistingResources,
  expectNoFailedDelete,
  comparableInventory,
  deployConnections,
  ACCOUNT_AND_REGION,
  deleteStack,
  startFastRehearsal,
  withStackStatus,
} from './common-stacks';
import type { ExistingResources, FleetStackOptions } from './common-stacks';
import { DAY_MS, closeRehearsals } from './rehearsals';

afterEach(closeRehearsals);

/** Adds a resource whose creation fails after the fleet and its connection were created. */
const failAfterFleet: FleetStackOptions['addResources'] = (stack, fleet) => {
  addFailingResource(stack, stack.node.tryFindChild('Peering') ?? fleet);
};

const FAILED_UPDATE_PHYSICAL_ID_READINGS = ['stored', 'ignored'] as const;

test('leaves nothing behind if the create is rolled back after the connection became active', async () => {
  const rehearsal = await startFastRehearsal();
  const existing = await createExistingResources(rehearsal);
  const before = comparableInventory(rehearsal);
  expect(
    await deployConnections(rehearsal, existing, { props: { dnsResolution: true }, addResources: failAfterConnections }),
  ).toBe('ROLLBACK_COMPLETE');
  expectNoFailedDelete(rehearsal);
  expect(comparableInventory(rehearsal)).toEqual(withStackStatus(before, 'ROLLBACK_COMPLETE'));
});

test.each(FAILED_UPDATE_PHYSICAL_ID_READINGS)(
  'an update that connects another fleet and is rolled back restores everything (failedUpdatePhysicalId: %s)',
  async (failedUpdatePhysicalId) => {
    const rehearsal = await startFastRehearsal({ failedUpdatePhysicalId });
    const existing = await createExistingResources(rehearsal, 2);
    const before = comparableInventory(rehearsal);
    const [oldFleetId = '', newFleetId = ''] = existing.fleetIds;
    expect(await deployConnections(rehearsal, existing, { fleetIds: [oldFleetId] })).toBe('CREATE_COMPLETE');
    const connected = comparableInventory(rehearsal);
    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deployConnections(rehearsal, existing, { fleetIds: [newFleetId], addResources: failAfterConnections })).toBe(
      'UPDATE_ROLLBACK_COMPLETE',
    );
    expectNoFailedDelete(rehearsal);
    expect(comparableInventory(rehearsal)).toEqual(withStackStatus(connected, 'UPDATE_ROLLBACK_COMPLETE'));
    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    await rehearsal.clock.sleep(2 * DAY_MS);
    expect(comparableInventory(rehearsal)).toEqual(before);
  },
);

test.each([
  ['before it becomes active', 'stored'],
  ['after it became active', 'stored'],
  ['after it became active', 'ignored'],
] as const)(
  'an update whose new connection fails %s is rolled back, and leaves nothing behind (failedUpdatePhysicalId: %s)',
  async (moment, failedUpdatePhysicalId) => {
    const rehearsal = await startFastRehearsal({ failedUpdatePhysicalId });
    const existing = await createExistingResources(rehearsal, 2);
    const [oldFleetId = '', newFleetId = ''] = existing.fleetIds;
    expect(await deployConnections(rehearsal, existing, { fleetIds: [oldFleetId] })).toBe('CREATE_COMPLETE');
    const connected = comparableInventory(rehearsal);
    await rehearsal.clock.sleep(10 * DAY_MS);
    if (moment === 'before it becomes active') {
      rehearsal.aws.scriptedOutcomes.connection = ({ fleetId }) => (fleetId === newFleetId ? { end: 'failed' } : {});
    } else {
      rehearsal.aws.intercept(({ operation }) =>
        operation === 'ModifyVpcPeeringConnectionOptions'
          ? { kind: 'error', name: 'OperationNotPermitted', message: 'No', status: 400 }
          : undefined,
      );
    }
    const options = { fleetIds: [newFleetId], props: { dnsResolution: true } };
    expect(await deployConnections(rehearsal, existing, options)).toBe('UPDATE_ROLLBACK_COMPLETE');
    expectNoFailedDelete(rehearsal);
    expect(comparableInventory(rehearsal)).toEqual(withStackStatus(connected, 'UPDATE_ROLLBACK_COMPLETE'));
  },
);

test.each([
  ['a connected fleet', {}],
  ['a fleet that is peered on creation', { peerOnCreate: true }],
])(
  'if an update with a new build of %s is rolled back after ten days, the old fleet keeps its connection',
  async (_, kind: FleetStackOptions) => {
    const rehearsal = await startFastRehearsal();
    const before = comparableInventory(rehearsal);
    expect(await deployFleetStack(rehearsal, kind)).toBe('CREATE_COMPLETE');
    const connected = comparableInventory(rehearsal);
    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deployFleetStack(rehearsal, { ...kind, build: '2', addResources: failAfterFleet })).toBe(
      'UPDATE_ROLLBACK_COMPLETE',
    );
    expectNoFailedDelete(rehearsal);
    // until GameLift has deleted the new fleet
    await rehearsal.clock.sleep(60_000);
    expect(comparableInventory(rehearsal)).toEqual(withStackStatus(connected, 'UPDATE_ROLLBACK_COMPLETE'));
    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    await rehearsal.clock.sleep(2 * DAY_MS);
    expect(comparableInventory(rehearsal)).toEqual(before);
  },
);

test('the rollback restores a route that was replaced for a new fleet with the same CIDR block', async () => {
  const rehearsal = await startFastRehearsal();
  rehearsal.aws.behaviours.set('fleetCidrBlocks', 'may be equal');
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const existing: ExistingResources = await createExistingResources(rehearsal, 2);
  const before = comparableInventory(rehearsal);
  const [oldFleetId = '', newFleetId = ''] = existing.fleetIds;
  expect(await deployConnections(rehearsal, existing, { fleetIds: [oldFleetId] })).toBe('CREATE_COMPLETE');
  const connected = comparableInventory(rehearsal);
  expect(routeTargets(rehearsal).size).toBe(1);
  expect(connected.routes).toHaveLength(3);
  await rehearsal.clock.sleep(10 * DAY_MS);
  expect(await deployConnections(rehearsal, existing, { fleetIds: [newFleetId], addResources: failAfterConnections })).toBe(
    'UPDATE_ROLLBACK_COMPLETE',
  );
  expect(comparableInventory(rehearsal)).toEqual(withStackStatus(connected, 'UPDATE_ROLLBACK_COMPLETE'));

  expect(await deployConnections(rehearsal, existing, { fleetIds: [newFleetId] })).toBe('UPDATE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  const after = comparableInventory(rehearsal);
  expect(after.routes).toHaveLength(3);
  expect(routeTargets(rehearsal)).toEqual(new Set(after.peerings.map((peering) => 'id' in peering && peering.id)));
  await rehearsal.clock.sleep(10 * DAY_MS);
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  await rehearsal.clock.sleep(2 * DAY_MS);
  expect(comparableInventory(rehearsal)).toEqual(before);
});

function routeTargets(rehearsal: Rehearsal): Set<unknown> {
  return new Set(comparableInventory(rehearsal).routes.map((route) => 'target' in route && route.target));
}

test('keeps the connection with the first VPC, and leaves nothing in the second, if an update of the VPC is rolled back', async () => {
  const rehearsal = await startFastRehearsal();
  const existing = await createExistingResources(rehearsal);
  const other = { ...existing, vpcId: rehearsal.aws.ec2.createVpc({ ...ACCOUNT_AND_REGION, cidrBlock: '10.91.0.0/16' }).vpcId };
  expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
  const connected = comparableInventory(rehearsal);
  await rehearsal.clock.sleep(10 * DAY_MS);
  expect(await deployConnections(rehearsal, other, { addResources: failAfterConnections })).toBe('UPDATE_ROLLBACK_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await rehearsal.clock.sleep(2 * DAY_MS);
  expect(comparableInventory(rehearsal)).toEqual({
    ...withStackStatus(connected, 'UPDATE_ROLLBACK_COMPLETE'),
    authorizations: [],
  });
});

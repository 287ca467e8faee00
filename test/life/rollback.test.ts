import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Rehearsal } from 'rehearsal';
import {
  deploy,
  createExisting,
  expectNoFailedDelete,
  inventoryOf,
  deployConnections,
  PLACE,
  remove,
  start,
  withStack,
} from './scene';
import type { ExistingResources, ConnectionsOptions, StudioOptions } from './scene';
import { DAY, Stage } from './stage';

afterEach(() => Stage.clear());

const failingGroup = (stack: Parameters<NonNullable<ConnectionsOptions['more']>>[0]): ec2.CfnSecurityGroup =>
  new ec2.CfnSecurityGroup(stack, 'Late', { groupDescription: 'late', vpcId: 'vpc-0123456789abcdef0' });

/** A last resource, whose creation fails. */
const failing: ConnectionsOptions['more'] = (stack, connections) => {
  failingGroup(stack).node.addDependency(...connections);
};

/** The same in a stack with a fleet. */
const failingAfterFleet: StudioOptions['more'] = (stack, fleet) => {
  const peering = stack.node.tryFindChild('Peering');
  failingGroup(stack).node.addDependency(...(peering === undefined ? [fleet] : [peering]));
};

const READINGS = ['stored', 'ignored'] as const;

test('leaves nothing behind if the create is rolled back after the connection became active', async () => {
  const rehearsal = await start();
  const existing = await createExisting(rehearsal);
  const before = inventoryOf(rehearsal);
  expect(await deployConnections(rehearsal, existing, { props: { dnsResolution: true }, more: failing })).toBe(
    'ROLLBACK_COMPLETE',
  );
  expectNoFailedDelete(rehearsal);
  expect(inventoryOf(rehearsal)).toEqual(withStack(before, 'ROLLBACK_COMPLETE'));
});

test.each(READINGS)(
  'an update that connects another fleet and is rolled back restores everything (failedUpdatePhysicalId: %s)',
  async (failedUpdatePhysicalId) => {
    const rehearsal = await start({ failedUpdatePhysicalId });
    const existing = await createExisting(rehearsal, 2);
    const before = inventoryOf(rehearsal);
    const [one = '', two = ''] = existing.fleetIds;
    expect(await deployConnections(rehearsal, existing, { fleetIds: [one] })).toBe('CREATE_COMPLETE');
    const connected = inventoryOf(rehearsal);
    await rehearsal.clock.sleep(10 * DAY);
    expect(await deployConnections(rehearsal, existing, { fleetIds: [two], more: failing })).toBe('UPDATE_ROLLBACK_COMPLETE');
    expectNoFailedDelete(rehearsal);
    expect(inventoryOf(rehearsal)).toEqual(withStack(connected, 'UPDATE_ROLLBACK_COMPLETE'));
    await rehearsal.clock.sleep(10 * DAY);
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    await rehearsal.clock.sleep(2 * DAY);
    expect(inventoryOf(rehearsal)).toEqual(before);
  },
);

test.each([
  ['before it is active', 'stored'],
  ['after it is active', 'stored'],
  ['after it is active', 'ignored'],
] as const)(
  'an update whose new connection fails %s is rolled back, and leaves nothing behind (failedUpdatePhysicalId: %s)',
  async (moment, failedUpdatePhysicalId) => {
    const rehearsal = await start({ failedUpdatePhysicalId });
    const existing = await createExisting(rehearsal, 2);
    const [one = '', two = ''] = existing.fleetIds;
    expect(await deployConnections(rehearsal, existing, { fleetIds: [one] })).toBe('CREATE_COMPLETE');
    const connected = inventoryOf(rehearsal);
    await rehearsal.clock.sleep(10 * DAY);
    if (moment === 'before it is active') {
      rehearsal.aws.scriptedOutcomes.connection = ({ fleetId }) => (fleetId === two ? { end: 'failed' } : {});
    } else {
      rehearsal.aws.intercept(({ operation }) =>
        operation === 'ModifyVpcPeeringConnectionOptions'
          ? { kind: 'error', name: 'OperationNotPermitted', message: 'No', status: 400 }
          : undefined,
      );
    }
    const options = { fleetIds: [two], props: { dnsResolution: true } };
    expect(await deployConnections(rehearsal, existing, options)).toBe('UPDATE_ROLLBACK_COMPLETE');
    expectNoFailedDelete(rehearsal);
    expect(inventoryOf(rehearsal)).toEqual(withStack(connected, 'UPDATE_ROLLBACK_COMPLETE'));
  },
);

test.each([
  ['a new build of a connected fleet', {}],
  ['a new build of a fleet that is peered on creation', { peerOnCreate: true }],
])('%s ten days later: the old fleet keeps its connection if the update is rolled back', async (_, kind: StudioOptions) => {
  const rehearsal = await start();
  const before = inventoryOf(rehearsal);
  expect(await deploy(rehearsal, kind)).toBe('CREATE_COMPLETE');
  const connected = inventoryOf(rehearsal);
  await rehearsal.clock.sleep(10 * DAY);
  expect(await deploy(rehearsal, { ...kind, build: '2', more: failingAfterFleet })).toBe('UPDATE_ROLLBACK_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await rehearsal.clock.sleep(60_000);
  expect(inventoryOf(rehearsal)).toEqual(withStack(connected, 'UPDATE_ROLLBACK_COMPLETE'));
  await rehearsal.clock.sleep(10 * DAY);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  await rehearsal.clock.sleep(2 * DAY);
  expect(inventoryOf(rehearsal)).toEqual(before);
});

test('the rollback restores a route that the connection of a new fleet with the same CIDR block has replaced', async () => {
  const rehearsal = await start();
  rehearsal.aws.behaviours.set('fleetCidrBlocks', 'may be equal');
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const existing: ExistingResources = await createExisting(rehearsal, 2);
  const before = inventoryOf(rehearsal);
  const [one = '', two = ''] = existing.fleetIds;
  expect(await deployConnections(rehearsal, existing, { fleetIds: [one] })).toBe('CREATE_COMPLETE');
  const connected = inventoryOf(rehearsal);
  expect(routeTargets(rehearsal).size).toBe(1);
  expect(connected.routes).toHaveLength(3);
  await rehearsal.clock.sleep(10 * DAY);
  expect(await deployConnections(rehearsal, existing, { fleetIds: [two], more: failing })).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(inventoryOf(rehearsal)).toEqual(withStack(connected, 'UPDATE_ROLLBACK_COMPLETE'));

  expect(await deployConnections(rehearsal, existing, { fleetIds: [two] })).toBe('UPDATE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  const after = inventoryOf(rehearsal);
  expect(after.routes).toHaveLength(3);
  expect(routeTargets(rehearsal)).toEqual(new Set(after.peerings.map((peering) => 'id' in peering && peering.id)));
  await rehearsal.clock.sleep(10 * DAY);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  await rehearsal.clock.sleep(2 * DAY);
  expect(inventoryOf(rehearsal)).toEqual(before);
});

function routeTargets(rehearsal: Rehearsal): Set<unknown> {
  return new Set(inventoryOf(rehearsal).routes.map((route) => 'target' in route && route.target));
}

test('keeps the connection with the first VPC, and leaves nothing in the second, if an update of the VPC is rolled back', async () => {
  const rehearsal = await start();
  const existing = await createExisting(rehearsal);
  const other = { ...existing, vpcId: rehearsal.aws.ec2.createVpc({ ...PLACE, cidrBlock: '10.91.0.0/16' }).vpcId };
  expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
  const connected = inventoryOf(rehearsal);
  await rehearsal.clock.sleep(10 * DAY);
  expect(await deployConnections(rehearsal, other, { more: failing })).toBe('UPDATE_ROLLBACK_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await rehearsal.clock.sleep(2 * DAY);
  expect(inventoryOf(rehearsal)).toEqual({ ...withStack(connected, 'UPDATE_ROLLBACK_COMPLETE'), authorizations: [] });
});

import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Rehearsal } from 'rehearsal';
import { deploy, existing, expectNoFailedDelete, inventoryOf, join, PLACE, remove, start, withStack } from './scene';
import type { Existing, Joining, Scene } from './scene';
import { DAY, Stage } from './stage';

afterEach(() => Stage.clear());

const group = (stack: Parameters<NonNullable<Joining['more']>>[0]): ec2.CfnSecurityGroup =>
  new ec2.CfnSecurityGroup(stack, 'Late', { groupDescription: 'late', vpcId: 'vpc-0123456789abcdef0' });

/** Something that comes after the connections, and fails. */
const failing: Joining['more'] = (stack, connections) => {
  group(stack).node.addDependency(...connections);
};

/** The same, after whatever relies on the authorization in a stack with a fleet. */
const failingLate: Scene['more'] = (stack, fleet) => {
  const peering = stack.node.tryFindChild('Peering');
  group(stack).node.addDependency(...(peering === undefined ? [fleet] : [peering]));
};

const READINGS = ['stored', 'ignored'] as const;

test('leaves nothing if the create is rolled back after the connection became active', async () => {
  const rehearsal = await start();
  const there = await existing(rehearsal);
  const before = inventoryOf(rehearsal);
  expect(await join(rehearsal, there, { props: { dnsResolution: true }, more: failing })).toBe('ROLLBACK_COMPLETE');
  expectNoFailedDelete(rehearsal);
  expect(inventoryOf(rehearsal)).toEqual(withStack(before, 'ROLLBACK_COMPLETE'));
});

test.each(READINGS)(
  'an update that moves a connection to another fleet and is rolled back gives everything back (id of a failed update: %s)',
  async (failedUpdatePhysicalId) => {
    const rehearsal = await start({ failedUpdatePhysicalId });
    const there = await existing(rehearsal, 2);
    const before = inventoryOf(rehearsal);
    const [one = '', two = ''] = there.fleetIds;
    expect(await join(rehearsal, there, { fleetIds: [one] })).toBe('CREATE_COMPLETE');
    const connected = inventoryOf(rehearsal);
    await rehearsal.clock.sleep(10 * DAY);
    expect(await join(rehearsal, there, { fleetIds: [two], more: failing })).toBe('UPDATE_ROLLBACK_COMPLETE');
    expectNoFailedDelete(rehearsal);
    expect(inventoryOf(rehearsal)).toEqual(withStack(connected, 'UPDATE_ROLLBACK_COMPLETE'));
    await rehearsal.clock.sleep(10 * DAY);
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    await rehearsal.clock.sleep(2 * DAY);
    expect(inventoryOf(rehearsal)).toEqual(before);
  },
);

test.each([
  ['before it is made', 'stored'],
  ['once it is active', 'stored'],
  ['once it is active', 'ignored'],
] as const)(
  'an update whose new connection fails, %s, is rolled back, and leaves nothing of it (id of a failed update: %s)',
  async (moment, failedUpdatePhysicalId) => {
    const rehearsal = await start({ failedUpdatePhysicalId });
    const there = await existing(rehearsal, 2);
    const [one = '', two = ''] = there.fleetIds;
    expect(await join(rehearsal, there, { fleetIds: [one] })).toBe('CREATE_COMPLETE');
    const connected = inventoryOf(rehearsal);
    await rehearsal.clock.sleep(10 * DAY);
    if (moment === 'before it is made') {
      rehearsal.aws.scriptedOutcomes.connection = ({ fleetId }) => (fleetId === two ? { end: 'failed' } : {});
    } else {
      rehearsal.aws.intercept(({ operation }) =>
        operation === 'ModifyVpcPeeringConnectionOptions'
          ? { kind: 'error', name: 'OperationNotPermitted', message: 'No', status: 400 }
          : undefined,
      );
    }
    const options = { fleetIds: [two], props: { dnsResolution: true } };
    expect(await join(rehearsal, there, options)).toBe('UPDATE_ROLLBACK_COMPLETE');
    expectNoFailedDelete(rehearsal);
    expect(inventoryOf(rehearsal)).toEqual(withStack(connected, 'UPDATE_ROLLBACK_COMPLETE'));
  },
);

test.each([
  ['a new build under a connection', {}],
  ['a new build under a fleet that is peered on creation', { peerOnCreate: true }],
])('%s ten days later: the old fleet keeps its connection if the update is rolled back', async (_, kind: Scene) => {
  const rehearsal = await start();
  const before = inventoryOf(rehearsal);
  expect(await deploy(rehearsal, kind)).toBe('CREATE_COMPLETE');
  const connected = inventoryOf(rehearsal);
  await rehearsal.clock.sleep(10 * DAY);
  expect(await deploy(rehearsal, { ...kind, build: '2', more: failingLate })).toBe('UPDATE_ROLLBACK_COMPLETE');
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
  rehearsal.aws.behaviours.set('fleetCidrBlocks', 'may coincide');
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const there: Existing = await existing(rehearsal, 2);
  const before = inventoryOf(rehearsal);
  const [one = '', two = ''] = there.fleetIds;
  expect(await join(rehearsal, there, { fleetIds: [one] })).toBe('CREATE_COMPLETE');
  const connected = inventoryOf(rehearsal);
  expect(targets(rehearsal).size).toBe(1);
  expect(connected.routes).toHaveLength(3);
  await rehearsal.clock.sleep(10 * DAY);
  expect(await join(rehearsal, there, { fleetIds: [two], more: failing })).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(inventoryOf(rehearsal)).toEqual(withStack(connected, 'UPDATE_ROLLBACK_COMPLETE'));

  expect(await join(rehearsal, there, { fleetIds: [two] })).toBe('UPDATE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  const after = inventoryOf(rehearsal);
  expect(after.routes).toHaveLength(3);
  expect(targets(rehearsal)).toEqual(new Set(after.peerings.map((peering) => 'id' in peering && peering.id)));
  await rehearsal.clock.sleep(10 * DAY);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  await rehearsal.clock.sleep(2 * DAY);
  expect(inventoryOf(rehearsal)).toEqual(before);
});

function targets(rehearsal: Rehearsal): Set<unknown> {
  return new Set(inventoryOf(rehearsal).routes.map((route) => 'target' in route && route.target));
}

test('keeps the connection with the first VPC, and leaves nothing in the second, if an update of the VPC is rolled back', async () => {
  const rehearsal = await start();
  const there = await existing(rehearsal);
  const other = { ...there, vpcId: rehearsal.aws.ec2.createVpc({ ...PLACE, cidrBlock: '10.91.0.0/16' }).vpcId };
  expect(await join(rehearsal, there)).toBe('CREATE_COMPLETE');
  const connected = inventoryOf(rehearsal);
  await rehearsal.clock.sleep(10 * DAY);
  expect(await join(rehearsal, other, { more: failing })).toBe('UPDATE_ROLLBACK_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await rehearsal.clock.sleep(2 * DAY);
  expect(inventoryOf(rehearsal)).toEqual({ ...withStack(connected, 'UPDATE_ROLLBACK_COMPLETE'), authorizations: [] });
});

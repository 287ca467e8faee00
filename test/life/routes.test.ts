import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Rehearsal } from 'rehearsal';
import { PeeringRoutes } from '../../lib';
import { existing, inventoryOf, join, PLACE, remove, start, withStack } from './scene';
import type { Existing, Joining } from './scene';
import { calls, DAY, Stage } from './stage';

afterEach(() => Stage.clear());

/** The tables that have a route to the connection. */
function tables(rehearsal: Rehearsal): unknown[] {
  const { routes, peerings } = inventoryOf(rehearsal);
  const [{ id }] = peerings as [{ id: string }];
  return (routes as { routeTableId: string; target: string }[])
    .filter(({ target }) => target === id)
    .map((route) => route.routeTableId);
}

/** Routes to the table of one subnet. */
const toOneSubnet = ({ routeTableIds }: Existing): Joining => ({
  propsOf: (stack) => ({
    routes: PeeringRoutes.forSubnets({
      subnets: [ec2.Subnet.fromSubnetAttributes(stack, 'Subnet', { subnetId: 'subnet-1', routeTableId: routeTableIds[0] ?? '' })],
    }),
  }),
});

test('an update adds and removes routes, and the delete removes all of them', async () => {
  const rehearsal = await start();
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const there = await existing(rehearsal);
  const before = inventoryOf(rehearsal);
  const main = [...rehearsal.aws.ec2.vpcs.values()].find(({ vpcId }) => vpcId === there.vpcId)?.mainRouteTableId;
  const all = [main, ...there.routeTableIds];
  expect(await join(rehearsal, there)).toBe('CREATE_COMPLETE');
  expect(tables(rehearsal)).toEqual(expect.arrayContaining(all));
  const asked = calls(rehearsal, 'CreateVpcPeeringConnection');

  await rehearsal.clock.sleep(10 * DAY);
  expect(await join(rehearsal, there, toOneSubnet(there))).toBe('UPDATE_COMPLETE');
  expect(tables(rehearsal)).toEqual([there.routeTableIds[0]]);
  expect(await join(rehearsal, there, { props: { routes: PeeringRoutes.none() } })).toBe('UPDATE_COMPLETE');
  expect(tables(rehearsal)).toEqual([]);
  expect(await join(rehearsal, there)).toBe('UPDATE_COMPLETE');
  expect(tables(rehearsal)).toHaveLength(all.length);
  // the connection itself is left alone
  expect(calls(rehearsal, 'CreateVpcPeeringConnection')).toBe(asked);
  expect(calls(rehearsal, 'DeleteVpcPeeringConnection')).toBe(0);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  await rehearsal.clock.sleep(2 * DAY);
  expect(inventoryOf(rehearsal)).toEqual(before);
});

describe('the route table of an internet gateway', () => {
  const withGatewayTable = async (): Promise<{
    rehearsal: Rehearsal;
    there: Existing;
    gateway: string;
    gatewayTable: string;
  }> => {
    const rehearsal = await start();
    rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
    const there = await existing(rehearsal);
    const { ec2: network } = rehearsal.aws;
    const gateway = network.createGateway(PLACE, 'igw');
    network.attachGateway(PLACE, gateway, there.vpcId);
    const gatewayTable = network.createRouteTable(PLACE, there.vpcId);
    network.associateGateway(PLACE, gatewayTable, gateway);
    return { rehearsal, there, gateway, gatewayTable };
  };

  test('gets no route if every route table is declared', async () => {
    const { rehearsal, there, gatewayTable } = await withGatewayTable();
    const before = inventoryOf(rehearsal);
    expect(await join(rehearsal, there)).toBe('CREATE_COMPLETE');
    expect(tables(rehearsal)).toEqual(expect.arrayContaining([...there.routeTableIds]));
    expect(tables(rehearsal)).not.toContain(gatewayTable);
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    await rehearsal.clock.sleep(2 * DAY);
    expect(inventoryOf(rehearsal)).toEqual(before);
  });

  test('is an error if its subnets are declared', async () => {
    const { rehearsal, there, gateway, gatewayTable } = await withGatewayTable();
    const before = inventoryOf(rehearsal);
    expect(await join(rehearsal, there, toOneSubnet({ ...there, routeTableIds: [gatewayTable] }))).toBe('ROLLBACK_COMPLETE');
    expect(rehearsal.journal.entries.map(({ message }) => message).join('\n')).toContain(
      `route table ${gatewayTable} belongs to gateway ${gateway}, and EC2 allows no route to a peering connection in such a table. Leave the ` +
        'table out with PeeringRoutes.forSubnets, then deploy again',
    );
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    await rehearsal.clock.sleep(2 * DAY);
    expect(inventoryOf(rehearsal)).toEqual(before);
  });
});

test('the rollback of an update restores the routes', async () => {
  const rehearsal = await start();
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const there = await existing(rehearsal);
  expect(await join(rehearsal, there)).toBe('CREATE_COMPLETE');
  const before = inventoryOf(rehearsal);
  const more: Joining['more'] = (stack, connections) => {
    const late = new ec2.CfnSecurityGroup(stack, 'Late', { groupDescription: 'late', vpcId: 'vpc-0123456789abcdef0' });
    late.node.addDependency(...connections);
  };
  expect(await join(rehearsal, there, { props: { routes: PeeringRoutes.none(), dnsResolution: true }, more })).toBe(
    'UPDATE_ROLLBACK_COMPLETE',
  );
  const sorted = ({ routes }: { readonly routes: readonly object[] }): string[] =>
    routes.map((route) => JSON.stringify(route)).sort();
  const after = inventoryOf(rehearsal);
  expect(sorted(after)).toEqual(sorted(before));
  expect({ ...after, routes: [] }).toEqual({ ...withStack(before, 'UPDATE_ROLLBACK_COMPLETE'), routes: [] });
});

test('replaces a route to a deleted peering connection', async () => {
  const rehearsal = await start();
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const there = await existing(rehearsal);
  const before = inventoryOf(rehearsal);
  const { ec2: network, gameLift } = rehearsal.aws;
  const destination = gameLift.fleets.all()[0]?.vpc?.cidrBlock ?? '';
  // of a peering that ended, by other hands, and whose routes nobody removed
  const requester = { vpcId: 'vpc-00000000000000001', account: PLACE.account, cidrBlocks: [destination] };
  const dead = network.peerings.request(PLACE.region, requester, { ...requester, vpcId: there.vpcId });
  dead.move('active');
  const [, routeTableId = ''] = there.routeTableIds;
  network.createRoute(PLACE, routeTableId, { destination, kind: 'vpcPeeringConnectionId', target: dead.id });
  network.peerings.end(dead, 'Deleted');
  expect(inventoryOf(rehearsal).routes).toEqual([expect.objectContaining({ state: 'blackhole', target: dead.id })]);

  expect(await join(rehearsal, there)).toBe('CREATE_COMPLETE');
  expect(tables(rehearsal)).toHaveLength(3);
  expect(tables(rehearsal)).toContain(routeTableId);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  await rehearsal.clock.sleep(2 * DAY);
  expect(inventoryOf(rehearsal)).toEqual(before);
});

test('keeps a route that somebody changed to another target if its route table is no longer declared', async () => {
  const rehearsal = await start();
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const there = await existing(rehearsal);
  expect(await join(rehearsal, there)).toBe('CREATE_COMPLETE');
  const { ec2: network, gameLift } = rehearsal.aws;
  const destination = gameLift.fleets.all()[0]?.vpc?.cidrBlock ?? '';
  const [, routeTableId = ''] = there.routeTableIds;
  const firewall = network.createGateway(PLACE, 'igw');
  network.attachGateway(PLACE, firewall, there.vpcId);
  network.routeTables.get(routeTableId)?.routes.delete(destination);
  network.createRoute(PLACE, routeTableId, { destination, kind: 'gatewayId', target: firewall });
  expect(await join(rehearsal, there, toOneSubnet(there))).toBe('UPDATE_COMPLETE');
  expect(inventoryOf(rehearsal).routes).toContainEqual(expect.objectContaining({ routeTableId, destination, target: firewall }));
});

test('turns DNS resolution on when the connection is active, and off when dnsResolution is removed', async () => {
  const rehearsal = await start();
  const there = await existing(rehearsal);
  const options = (): unknown[] =>
    (inventoryOf(rehearsal).peerings as { dnsResolution: unknown }[]).map(({ dnsResolution }) => dnsResolution);
  expect(await join(rehearsal, there, { props: { dnsResolution: true } })).toBe('CREATE_COMPLETE');
  expect(options()).toEqual([{ requester: false, accepter: true }]);
  await rehearsal.clock.sleep(10 * DAY);
  expect(await join(rehearsal, there)).toBe('UPDATE_COMPLETE');
  expect(options()).toEqual([{ requester: false, accepter: false }]);
  const changes = (): number =>
    rehearsal.journal.entries.filter(({ subject }) => subject === 'ModifyVpcPeeringConnectionOptions').length;
  expect(changes()).toBe(2);
  expect(await join(rehearsal, there, { props: { routes: PeeringRoutes.none() } })).toBe('UPDATE_COMPLETE');
  expect(changes()).toBe(2);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
});

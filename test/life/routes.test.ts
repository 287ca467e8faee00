import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Rehearsal } from 'rehearsal';
import { PeeringRoutes } from '../../lib';
import { createExisting, inventoryOf, deployConnections, PLACE, remove, start, withStack } from './scene';
import type { ExistingResources, ConnectionsOptions } from './scene';
import { countCalls, DAY, Stage } from './stage';

afterEach(() => Stage.clear());

/** The tables that have a route to the connection. */
function tablesWithRoute(rehearsal: Rehearsal): unknown[] {
  const { routes, peerings } = inventoryOf(rehearsal);
  const [{ id }] = peerings as [{ id: string }];
  return (routes as { routeTableId: string; target: string }[])
    .filter(({ target }) => target === id)
    .map((route) => route.routeTableId);
}

/** Declares routes in the table of one subnet. */
const inOneSubnet = ({ routeTableIds }: ExistingResources): ConnectionsOptions => ({
  propsOf: (stack) => ({
    routes: PeeringRoutes.forSubnets({
      subnets: [ec2.Subnet.fromSubnetAttributes(stack, 'Subnet', { subnetId: 'subnet-1', routeTableId: routeTableIds[0] ?? '' })],
    }),
  }),
});

test('an update adds and removes routes, and the delete removes all of them', async () => {
  const rehearsal = await start();
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const existing = await createExisting(rehearsal);
  const before = inventoryOf(rehearsal);
  const main = [...rehearsal.aws.ec2.vpcs.values()].find(({ vpcId }) => vpcId === existing.vpcId)?.mainRouteTableId;
  const all = [main, ...existing.routeTableIds];
  expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
  expect(tablesWithRoute(rehearsal)).toEqual(expect.arrayContaining(all));
  const requests = countCalls(rehearsal, 'CreateVpcPeeringConnection');

  await rehearsal.clock.sleep(10 * DAY);
  expect(await deployConnections(rehearsal, existing, inOneSubnet(existing))).toBe('UPDATE_COMPLETE');
  expect(tablesWithRoute(rehearsal)).toEqual([existing.routeTableIds[0]]);
  expect(await deployConnections(rehearsal, existing, { props: { routes: PeeringRoutes.none() } })).toBe('UPDATE_COMPLETE');
  expect(tablesWithRoute(rehearsal)).toEqual([]);
  expect(await deployConnections(rehearsal, existing)).toBe('UPDATE_COMPLETE');
  expect(tablesWithRoute(rehearsal)).toHaveLength(all.length);
  // the connection itself was not changed
  expect(countCalls(rehearsal, 'CreateVpcPeeringConnection')).toBe(requests);
  expect(countCalls(rehearsal, 'DeleteVpcPeeringConnection')).toBe(0);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  await rehearsal.clock.sleep(2 * DAY);
  expect(inventoryOf(rehearsal)).toEqual(before);
});

describe('the route table of an internet gateway', () => {
  const withGatewayTable = async (): Promise<{
    rehearsal: Rehearsal;
    existing: ExistingResources;
    gateway: string;
    gatewayTable: string;
  }> => {
    const rehearsal = await start();
    rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
    const existing = await createExisting(rehearsal);
    const { ec2: network } = rehearsal.aws;
    const gateway = network.createGateway(PLACE, 'igw');
    network.attachGateway(PLACE, gateway, existing.vpcId);
    const gatewayTable = network.createRouteTable(PLACE, existing.vpcId);
    network.associateGateway(PLACE, gatewayTable, gateway);
    return { rehearsal, existing, gateway, gatewayTable };
  };

  test('gets no route if every route table is declared', async () => {
    const { rehearsal, existing, gatewayTable } = await withGatewayTable();
    const before = inventoryOf(rehearsal);
    expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
    expect(tablesWithRoute(rehearsal)).toEqual(expect.arrayContaining([...existing.routeTableIds]));
    expect(tablesWithRoute(rehearsal)).not.toContain(gatewayTable);
    expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
    await rehearsal.clock.sleep(2 * DAY);
    expect(inventoryOf(rehearsal)).toEqual(before);
  });

  test('fails the create if its subnets are declared', async () => {
    const { rehearsal, existing, gateway, gatewayTable } = await withGatewayTable();
    const before = inventoryOf(rehearsal);
    expect(await deployConnections(rehearsal, existing, inOneSubnet({ ...existing, routeTableIds: [gatewayTable] }))).toBe(
      'ROLLBACK_COMPLETE',
    );
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
  const existing = await createExisting(rehearsal);
  expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
  const before = inventoryOf(rehearsal);
  const more: ConnectionsOptions['more'] = (stack, connections) => {
    const late = new ec2.CfnSecurityGroup(stack, 'Late', { groupDescription: 'late', vpcId: 'vpc-0123456789abcdef0' });
    late.node.addDependency(...connections);
  };
  expect(
    await deployConnections(rehearsal, existing, { props: { routes: PeeringRoutes.none(), dnsResolution: true }, more }),
  ).toBe('UPDATE_ROLLBACK_COMPLETE');
  const sorted = ({ routes }: { readonly routes: readonly object[] }): string[] =>
    routes.map((route) => JSON.stringify(route)).sort();
  const after = inventoryOf(rehearsal);
  expect(sorted(after)).toEqual(sorted(before));
  expect({ ...after, routes: [] }).toEqual({ ...withStack(before, 'UPDATE_ROLLBACK_COMPLETE'), routes: [] });
});

test('replaces a route to a deleted peering connection', async () => {
  const rehearsal = await start();
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const existing = await createExisting(rehearsal);
  const before = inventoryOf(rehearsal);
  const { ec2: network, gameLift } = rehearsal.aws;
  const destination = gameLift.fleets.all()[0]?.vpc?.cidrBlock ?? '';
  // a peering that somebody deleted without deleting its routes
  const requester = { vpcId: 'vpc-00000000000000001', account: PLACE.account, cidrBlocks: [destination] };
  const deleted = network.peerings.request(PLACE.region, requester, { ...requester, vpcId: existing.vpcId });
  deleted.setStatus('active');
  const [, routeTableId = ''] = existing.routeTableIds;
  network.createRoute(PLACE, routeTableId, { destination, kind: 'vpcPeeringConnectionId', target: deleted.id });
  network.peerings.markDeleted(deleted, 'Deleted');
  expect(inventoryOf(rehearsal).routes).toEqual([expect.objectContaining({ state: 'blackhole', target: deleted.id })]);

  expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
  expect(tablesWithRoute(rehearsal)).toHaveLength(3);
  expect(tablesWithRoute(rehearsal)).toContain(routeTableId);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  await rehearsal.clock.sleep(2 * DAY);
  expect(inventoryOf(rehearsal)).toEqual(before);
});

test('keeps a route that somebody changed to another target if its route table is no longer declared', async () => {
  const rehearsal = await start();
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const existing = await createExisting(rehearsal);
  expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
  const { ec2: network, gameLift } = rehearsal.aws;
  const destination = gameLift.fleets.all()[0]?.vpc?.cidrBlock ?? '';
  const [, routeTableId = ''] = existing.routeTableIds;
  const firewall = network.createGateway(PLACE, 'igw');
  network.attachGateway(PLACE, firewall, existing.vpcId);
  network.routeTables.get(routeTableId)?.routes.delete(destination);
  network.createRoute(PLACE, routeTableId, { destination, kind: 'gatewayId', target: firewall });
  expect(await deployConnections(rehearsal, existing, inOneSubnet(existing))).toBe('UPDATE_COMPLETE');
  expect(inventoryOf(rehearsal).routes).toContainEqual(expect.objectContaining({ routeTableId, destination, target: firewall }));
});

test('turns DNS resolution on when the connection is active, and off when dnsResolution is removed', async () => {
  const rehearsal = await start();
  const existing = await createExisting(rehearsal);
  const dnsOptions = (): unknown[] =>
    (inventoryOf(rehearsal).peerings as { dnsResolution: unknown }[]).map(({ dnsResolution }) => dnsResolution);
  expect(await deployConnections(rehearsal, existing, { props: { dnsResolution: true } })).toBe('CREATE_COMPLETE');
  expect(dnsOptions()).toEqual([{ requester: false, accepter: true }]);
  await rehearsal.clock.sleep(10 * DAY);
  expect(await deployConnections(rehearsal, existing)).toBe('UPDATE_COMPLETE');
  expect(dnsOptions()).toEqual([{ requester: false, accepter: false }]);
  const changes = (): number =>
    rehearsal.journal.entries.filter(({ subject }) => subject === 'ModifyVpcPeeringConnectionOptions').length;
  expect(changes()).toBe(2);
  expect(await deployConnections(rehearsal, existing, { props: { routes: PeeringRoutes.none() } })).toBe('UPDATE_COMPLETE');
  expect(changes()).toBe(2);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
});

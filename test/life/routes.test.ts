import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Rehearsal } from 'rehearsal';
import { PeeringRoutes } from '../../lib';
import {
  createExistingResources,
  failAfterConnections,
  comparableInventory,
  deployConnections,
  ACCOUNT_AND_REGION,
  deleteStack,
  startFastRehearsal,
  withStackStatus,
} from './common-stacks';
import type { ExistingResources, ConnectionsOptions } from './common-stacks';
import { countCalls, DAY_MS, closeRehearsals } from './rehearsals';

afterEach(closeRehearsals);

/** The ids of the route tables that have a route to the connection. */
function tablesWithRoute(rehearsal: Rehearsal): unknown[] {
  const { routes, peerings } = comparableInventory(rehearsal);
  const [{ id }] = peerings as [{ id: string }];
  return (routes as { routeTableId: string; target: string }[])
    .filter(({ target }) => target === id)
    .map((route) => route.routeTableId);
}

/** Options that declare routes in the route table of one subnet only. */
const routesForOneSubnet = ({ routeTableIds }: ExistingResources): ConnectionsOptions => ({
  propsOf: (stack) => ({
    routes: PeeringRoutes.forSubnets({
      subnets: [ec2.Subnet.fromSubnetAttributes(stack, 'Subnet', { subnetId: 'subnet-1', routeTableId: routeTableIds[0] ?? '' })],
    }),
  }),
});

test('an update adds and removes routes, and the delete removes all of them', async () => {
  const rehearsal = await startFastRehearsal();
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const existing = await createExistingResources(rehearsal);
  const before = comparableInventory(rehearsal);
  const main = [...rehearsal.aws.ec2.vpcs.values()].find(({ vpcId }) => vpcId === existing.vpcId)?.mainRouteTableId;
  const allTables = [main, ...existing.routeTableIds];
  expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
  expect(tablesWithRoute(rehearsal)).toEqual(expect.arrayContaining(allTables));
  const requests = countCalls(rehearsal, 'CreateVpcPeeringConnection');

  await rehearsal.clock.sleep(10 * DAY_MS);
  expect(await deployConnections(rehearsal, existing, routesForOneSubnet(existing))).toBe('UPDATE_COMPLETE');
  expect(tablesWithRoute(rehearsal)).toEqual([existing.routeTableIds[0]]);
  expect(await deployConnections(rehearsal, existing, { props: { routes: PeeringRoutes.none() } })).toBe('UPDATE_COMPLETE');
  expect(tablesWithRoute(rehearsal)).toEqual([]);
  expect(await deployConnections(rehearsal, existing)).toBe('UPDATE_COMPLETE');
  expect(tablesWithRoute(rehearsal)).toHaveLength(allTables.length);
  // the connection itself was not changed
  expect(countCalls(rehearsal, 'CreateVpcPeeringConnection')).toBe(requests);
  expect(countCalls(rehearsal, 'DeleteVpcPeeringConnection')).toBe(0);
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  await rehearsal.clock.sleep(2 * DAY_MS);
  expect(comparableInventory(rehearsal)).toEqual(before);
});

describe('the route table of an internet gateway', () => {
  const createGatewayTable = async (): Promise<{
    rehearsal: Rehearsal;
    existing: ExistingResources;
    gateway: string;
    gatewayTable: string;
  }> => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
    const existing = await createExistingResources(rehearsal);
    const { ec2: network } = rehearsal.aws;
    const gateway = network.createGateway(ACCOUNT_AND_REGION, 'igw');
    network.attachGateway(ACCOUNT_AND_REGION, gateway, existing.vpcId);
    const gatewayTable = network.createRouteTable(ACCOUNT_AND_REGION, existing.vpcId);
    network.associateGateway(ACCOUNT_AND_REGION, gatewayTable, gateway);
    return { rehearsal, existing, gateway, gatewayTable };
  };

  test('gets no route if routes are declared for every route table', async () => {
    const { rehearsal, existing, gatewayTable } = await createGatewayTable();
    const before = comparableInventory(rehearsal);
    expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
    expect(tablesWithRoute(rehearsal)).toEqual(expect.arrayContaining([...existing.routeTableIds]));
    expect(tablesWithRoute(rehearsal)).not.toContain(gatewayTable);
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    await rehearsal.clock.sleep(2 * DAY_MS);
    expect(comparableInventory(rehearsal)).toEqual(before);
  });

  test('makes the create fail if routes are declared for its subnets', async () => {
    const { rehearsal, existing, gateway, gatewayTable } = await createGatewayTable();
    const before = comparableInventory(rehearsal);
    expect(await deployConnections(rehearsal, existing, routesForOneSubnet({ ...existing, routeTableIds: [gatewayTable] }))).toBe(
      'ROLLBACK_COMPLETE',
    );
    expect(rehearsal.journal.entries.map(({ message }) => message).join('\n')).toContain(
      `route table ${gatewayTable} belongs to gateway ${gateway}, and EC2 allows no route to a peering connection in such a table. Leave the ` +
        'table out with PeeringRoutes.forSubnets, then deploy again',
    );
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    await rehearsal.clock.sleep(2 * DAY_MS);
    expect(comparableInventory(rehearsal)).toEqual(before);
  });
});

test('the rollback of an update restores the routes', async () => {
  const rehearsal = await startFastRehearsal();
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const existing = await createExistingResources(rehearsal);
  expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
  const before = comparableInventory(rehearsal);
  expect(
    await deployConnections(rehearsal, existing, {
      props: { routes: PeeringRoutes.none(), dnsResolution: true },
      addResources: failAfterConnections,
    }),
  ).toBe('UPDATE_ROLLBACK_COMPLETE');
  const sortedRoutes = ({ routes }: { readonly routes: readonly object[] }): string[] =>
    routes.map((route) => JSON.stringify(route)).sort();
  const after = comparableInventory(rehearsal);
  expect(sortedRoutes(after)).toEqual(sortedRoutes(before));
  expect({ ...after, routes: [] }).toEqual({ ...withStackStatus(before, 'UPDATE_ROLLBACK_COMPLETE'), routes: [] });
});

test('replaces a route to a deleted peering connection', async () => {
  const rehearsal = await startFastRehearsal();
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const existing = await createExistingResources(rehearsal);
  const before = comparableInventory(rehearsal);
  const { ec2: network, gameLift } = rehearsal.aws;
  const destination = gameLift.fleets.all()[0]?.vpc?.cidrBlock ?? '';
  // somebody deleted a peering, but not its routes
  const requester = { vpcId: 'vpc-00000000000000001', account: ACCOUNT_AND_REGION.account, cidrBlocks: [destination] };
  const deletedPeering = network.peerings.request(ACCOUNT_AND_REGION.region, requester, { ...requester, vpcId: existing.vpcId });
  deletedPeering.setStatus('active');
  const [, routeTableId = ''] = existing.routeTableIds;
  network.createRoute(ACCOUNT_AND_REGION, routeTableId, {
    destination,
    kind: 'vpcPeeringConnectionId',
    target: deletedPeering.id,
  });
  network.peerings.markDeleted(deletedPeering, 'Deleted');
  expect(comparableInventory(rehearsal).routes).toEqual([
    expect.objectContaining({ state: 'blackhole', target: deletedPeering.id }),
  ]);

  expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
  expect(tablesWithRoute(rehearsal)).toHaveLength(3);
  expect(tablesWithRoute(rehearsal)).toContain(routeTableId);
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  await rehearsal.clock.sleep(2 * DAY_MS);
  expect(comparableInventory(rehearsal)).toEqual(before);
});

test('keeps a route that somebody changed to another target if its route table is no longer declared', async () => {
  const rehearsal = await startFastRehearsal();
  rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
  const existing = await createExistingResources(rehearsal);
  expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
  const { ec2: network, gameLift } = rehearsal.aws;
  const destination = gameLift.fleets.all()[0]?.vpc?.cidrBlock ?? '';
  const [, routeTableId = ''] = existing.routeTableIds;
  const gateway = network.createGateway(ACCOUNT_AND_REGION, 'igw');
  network.attachGateway(ACCOUNT_AND_REGION, gateway, existing.vpcId);
  network.routeTables.get(routeTableId)?.routes.delete(destination);
  network.createRoute(ACCOUNT_AND_REGION, routeTableId, { destination, kind: 'gatewayId', target: gateway });
  expect(await deployConnections(rehearsal, existing, routesForOneSubnet(existing))).toBe('UPDATE_COMPLETE');
  expect(comparableInventory(rehearsal).routes).toContainEqual(
    expect.objectContaining({ routeTableId, destination, target: gateway }),
  );
});

test('turns DNS resolution on when the connection is active, and off when dnsResolution is removed', async () => {
  const rehearsal = await startFastRehearsal();
  const existing = await createExistingResources(rehearsal);
  const dnsOptions = (): unknown[] =>
    (comparableInventory(rehearsal).peerings as { dnsResolution: unknown }[]).map(({ dnsResolution }) => dnsResolution);
  expect(await deployConnections(rehearsal, existing, { props: { dnsResolution: true } })).toBe('CREATE_COMPLETE');
  expect(dnsOptions()).toEqual([{ requester: false, accepter: true }]);
  await rehearsal.clock.sleep(10 * DAY_MS);
  expect(await deployConnections(rehearsal, existing)).toBe('UPDATE_COMPLETE');
  expect(dnsOptions()).toEqual([{ requester: false, accepter: false }]);
  const countDnsChanges = (): number =>
    rehearsal.journal.entries.filter(({ subject }) => subject === 'ModifyVpcPeeringConnectionOptions').length;
  expect(countDnsChanges()).toBe(2);
  expect(await deployConnections(rehearsal, existing, { props: { routes: PeeringRoutes.none() } })).toBe('UPDATE_COMPLETE');
  expect(countDnsChanges()).toBe(2);
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
});

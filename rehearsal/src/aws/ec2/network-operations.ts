import { ServiceError, type ServiceCall } from '../service';
import type { Members, Parameters, QueryOperation } from '../wire/query';
import { applyFilters, authorizeDescribe, pageOfMatches, endDryRun, requireWellFormedIds, tagSet, type Filters } from './filters';
import {
  isGatewayId,
  requireDestination,
  type Network,
  type NetworkInterface,
  type Route,
  type RouteTable,
  type Vpc,
} from './network';
import { routeTableResource } from './policy-resources';

const VPC_FILTERS: Filters<Vpc> = {
  'vpc-id': ({ vpcId }) => vpcId,
  cidr: ({ cidrBlock }) => cidrBlock,
  'cidr-block-association.cidr-block': ({ cidrBlocks }) => [...cidrBlocks.values()],
  'owner-id': ({ account }) => account,
  state: () => 'available',
};

const routesOf = ({ routes }: RouteTable): Route[] => [...routes.values()];

const TABLE_FILTERS: Filters<RouteTable> = {
  'vpc-id': ({ vpc }) => vpc.vpcId,
  'route-table-id': ({ routeTableId }) => routeTableId,
  'owner-id': ({ vpc }) => vpc.account,
  'association.subnet-id': ({ associations }) => [...associations.values()].filter((id) => !isGatewayId(id)),
  'association.gateway-id': ({ associations }) => [...associations.values()].filter(isGatewayId),
  'association.main': ({ routeTableId, vpc, associations }) => [
    ...(vpc.mainRouteTableId === routeTableId ? ['true'] : []),
    ...(associations.size > 0 ? ['false'] : []),
  ],
  'route.vpc-peering-connection-id': (table) =>
    routesOf(table).flatMap(({ kind, target }) => (kind === 'vpcPeeringConnectionId' ? [target] : [])),
  'route.destination-cidr-block': (table) => [...table.vpc.cidrBlocks.values(), ...table.routes.keys()],
};

const INTERFACE_FILTERS: Filters<NetworkInterface> = { 'vpc-id': ({ subnet }) => subnet.vpc.vpcId };

/** The parameters for the target of a route. A request has exactly one. */
export const ROUTE_TARGETS = [
  'VpcPeeringConnectionId',
  'GatewayId',
  'VpcEndpointId',
  'NatGatewayId',
  'TransitGatewayId',
  'NetworkInterfaceId',
  'InstanceId',
];

/** EC2's operations on VPCs, route tables, routes and network interfaces. */
export function networkOperations(network: Network): Readonly<Record<string, QueryOperation>> {
  /** Returns an operation that authorizes the caller, and then calls `change`. */
  const routeOperation =
    (change: (call: ServiceCall, routeTableId: string, parameters: Parameters) => void): QueryOperation =>
    async (parameters, call) => {
      const table = network.routeTable(call, parameters.get('RouteTableId') ?? '');
      const { arn, context } = routeTableResource(network, table);
      await call.authorize(`ec2:${call.operation}`, [arn], context);
      endDryRun(parameters);
      change(call, table.routeTableId, parameters);
      return { return: true };
    };
  return {
    DescribeVpcs: (parameters, call) => describeVpcs(network, parameters, call),
    DescribeRouteTables: (parameters, call) => describeRouteTables(network, parameters, call),
    DescribeNetworkInterfaces: (parameters, call) => describeNetworkInterfaces(network, parameters, call),
    CreateRoute: routeOperation((call, id, parameters) => {
      network.createRoute(call, id, routeOf(parameters));
    }),
    ReplaceRoute: routeOperation((call, id, parameters) => {
      network.replaceRoute(call, id, routeOf(parameters));
    }),
    DeleteRoute: routeOperation((call, id, parameters) => {
      network.deleteRoute(call, id, destinationOf(parameters));
    }),
  };
}

async function describeVpcs(network: Network, parameters: Parameters, call: ServiceCall): Promise<Members> {
  const ids = parameters.list('VpcId');
  requireWellFormedIds(ids, 'vpc', 'InvalidVpcID.Malformed');
  await authorizeDescribe(parameters, call);
  return call.read(() => listVpcs(network, parameters, call, ids));
}

function listVpcs(network: Network, parameters: Parameters, call: ServiceCall, ids: readonly string[]): Members {
  const tagsOf = ({ vpcId }: Vpc) => network.tags.get(call.account, vpcId);
  const { items, next } = pageOfMatches(parameters, ids, {
    kind: 'vpc',
    visible: [...network.vpcs.values()].filter(({ account, region }) => account === call.account && region === call.region),
    idOf: ({ vpcId }) => vpcId,
    tagsOf,
    filters: VPC_FILTERS,
  });
  return { vpcSet: items.map((vpc) => ({ ...describeVpc(vpc), ...tagSet(tagsOf(vpc)) })), ...next };
}

function describeVpc({ vpcId, account, cidrBlock, cidrBlocks }: Vpc): Members {
  return {
    vpcId,
    ownerId: account,
    state: 'available',
    cidrBlock,
    cidrBlockAssociationSet: [...cidrBlocks].map(([associationId, block]) => ({
      cidrBlock: block,
      associationId,
      cidrBlockState: { state: 'associated' },
    })),
    dhcpOptionsId: 'default',
    instanceTenancy: 'default',
    isDefault: false,
  };
}

async function describeNetworkInterfaces(network: Network, parameters: Parameters, call: ServiceCall): Promise<Members> {
  await authorizeDescribe(parameters, call);
  const visible = call.read(() =>
    [...network.networkInterfaces.values()].filter(
      ({ subnet: { vpc } }) => vpc.account === call.account && vpc.region === call.region,
    ),
  );
  const matchingInterfaces = applyFilters(parameters, visible, INTERFACE_FILTERS, () => new Map());
  return { networkInterfaceSet: matchingInterfaces.map(({ networkInterfaceId }) => ({ networkInterfaceId })) };
}

async function describeRouteTables(network: Network, parameters: Parameters, call: ServiceCall): Promise<Members> {
  const ids = parameters.list('RouteTableId');
  requireWellFormedIds(ids, 'rtb', 'InvalidRouteTableId.Malformed');
  await authorizeDescribe(parameters, call);
  return call.read(() => listRouteTables(network, parameters, call, ids));
}

function listRouteTables(network: Network, parameters: Parameters, call: ServiceCall, ids: readonly string[]): Members {
  const tagsOf = ({ routeTableId }: RouteTable) => network.tags.get(call.account, routeTableId);
  const { items, next } = pageOfMatches(parameters, ids, {
    kind: 'routeTable',
    visible: [...network.routeTables.values()].filter(({ vpc }) => vpc.account === call.account && vpc.region === call.region),
    idOf: ({ routeTableId }) => routeTableId,
    tagsOf,
    filters: TABLE_FILTERS,
  });
  return { routeTableSet: items.map((table) => ({ ...describeTable(network, table), ...tagSet(tagsOf(table)) })), ...next };
}

function describeTable(network: Network, table: RouteTable): Members {
  const { routeTableId, vpc, associations } = table;
  const association = (routeTableAssociationId: string, members: Members) => ({
    routeTableAssociationId,
    routeTableId,
    ...members,
    associationState: { state: 'associated' },
  });
  const isMain = vpc.mainRouteTableId === routeTableId;
  const localRoute = (destinationCidrBlock: string) => ({
    destinationCidrBlock,
    gatewayId: 'local',
    origin: 'CreateRouteTable',
    state: 'active',
  });
  const addedRoute = (route: Route) => ({
    [route.destination.includes(':') ? 'destinationIpv6CidrBlock' : 'destinationCidrBlock']: route.destination,
    [route.kind]: route.target,
    origin: 'CreateRoute',
    state: network.routeState(route),
  });
  return {
    routeTableId,
    vpcId: vpc.vpcId,
    ownerId: vpc.account,
    associationSet: [
      ...(isMain ? [association(`rtbassoc-${routeTableId.slice('rtb-'.length)}`, { main: true })] : []),
      ...[...associations].map(([id, target]) =>
        association(id, { [isGatewayId(target) ? 'gatewayId' : 'subnetId']: target, main: false }),
      ),
    ],
    routeSet: [...[...vpc.cidrBlocks.values()].map(localRoute), ...routesOf(table).map(addedRoute)],
  };
}

/** Returns the name of a target parameter in EC2's output, which lists Gateway Load Balancer endpoints as gateways. */
export function routeTargetKind(parameter: string): string {
  return parameter === 'VpcEndpointId' ? 'gatewayId' : `${parameter.charAt(0).toLowerCase()}${parameter.slice(1)}`;
}

function routeOf(parameters: Parameters): Route {
  const targets = ROUTE_TARGETS.flatMap((name) => {
    const target = parameters.get(name);
    return target === undefined ? [] : [{ kind: routeTargetKind(name), target }];
  });
  const [onlyTarget] = targets;
  if (onlyTarget === undefined || targets.length > 1) {
    throw new ServiceError('InvalidParameterCombination', `exactly one of ${ROUTE_TARGETS.join(', ')} must be specified`);
  }
  return { destination: destinationOf(parameters), ...onlyTarget };
}

function destinationOf(parameters: Parameters): string {
  const destination = routeDestination((name) => parameters.get(name));
  if (destination === undefined) {
    throw new ServiceError('MissingParameter', 'The request must contain the parameter destinationCidrBlock');
  }
  return destination;
}

/** Returns the destination of a route: its IPv4 or IPv6 parameter, if there is one. Throws if it is not a valid CIDR block. */
export function routeDestination(getParameter: (parameter: string) => string | undefined): string | undefined {
  const [ipv4, ipv6] = [getParameter('DestinationCidrBlock'), getParameter('DestinationIpv6CidrBlock')];
  if (ipv4 !== undefined) {
    requireDestination('destinationCidrBlock', ipv4);
  } else if (ipv6 !== undefined) {
    requireDestination('destinationIpv6CidrBlock', ipv6);
  }
  return ipv4 ?? ipv6;
}

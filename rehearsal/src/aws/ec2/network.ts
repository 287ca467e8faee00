import type { History, HistoricValue } from '../../time/history';
import { hexHash, Ids } from '../ids';
import { arnOf } from '../partitions';
import { ServiceError, type AccountAndRegion } from '../service';
import { Tags } from '../tags';
import { contains, isCidr, isIpv6Cidr, overlap, prefixLength } from './cidr';
import { notFound } from './errors';
import { Peerings } from './peerings';
import { ALL_EGRESS, requireValidNameAndDescription, requireValidRule, isSameRule } from './security-group-rules';
import type { Rule } from './security-group-rules';

export interface Vpc {
  readonly vpcId: string;
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly cidrBlock: string;
  readonly mainRouteTableId: string;
  readonly defaultSecurityGroupId: string;
  /** All IPv4 CIDR blocks by association id, the primary one first. */
  readonly cidrBlocks: Map<string, string>;
}

export interface Subnet {
  readonly subnetId: string;
  readonly vpc: Vpc;
  readonly cidrBlock: string;
  readonly availabilityZone: string;
}

export interface Route {
  readonly destination: string;
  /** The name of the target in EC2's output: `gatewayId`, `vpcPeeringConnectionId` … */
  readonly kind: string;
  readonly target: string;
}

export interface RouteTable {
  readonly routeTableId: string;
  readonly vpc: Vpc;
  /** All routes except local ones, by destination. */
  readonly routes: Map<string, Route>;
  /** The ids of the associated subnets and gateways, by association id. */
  readonly associations: Map<string, string>;
}

type SecurityGroupOptions = Pick<SecurityGroup, 'groupId' | 'vpc' | 'name' | 'description' | 'rules'>;

export class SecurityGroup {
  readonly groupId: string;
  readonly vpc: Vpc;
  readonly name: string;
  readonly description: string;
  private readonly ruleValue: HistoricValue<readonly Rule[]>;

  constructor(history: History, { groupId, vpc, name, description, rules }: SecurityGroupOptions) {
    this.groupId = groupId;
    this.vpc = vpc;
    this.name = name;
    this.description = description;
    this.ruleValue = history.value(rules);
  }

  get rules(): readonly Rule[] {
    return this.ruleValue.current;
  }

  set rules(rules: readonly Rule[]) {
    this.ruleValue.current = rules;
  }
}

export interface NetworkInterface {
  readonly networkInterfaceId: string;
  readonly subnet: Subnet;
  readonly groupIds: readonly string[];
  readonly description: string;
}

/** The id prefix of an internet gateway or a virtual private gateway. */
export type GatewayKind = 'igw' | 'vgw';

interface Gateway {
  readonly account: string;
  readonly region: string;
  /** Undefined while the gateway is detached. */
  readonly vpcId?: string;
}

/** EC2's quotas. Some accounts have higher ones. */
const MAX_ROUTES_PER_TABLE = 50;
const MAX_RULES_PER_DIRECTION = 60;

/** Whether the table is associated with an internet gateway or a virtual private gateway. */
export const isGatewayRouteTable = ({ associations }: RouteTable): boolean => [...associations.values()].some(isGatewayId);

export const isGatewayId = (id: string): boolean => /^[iv]gw-/.test(id);

/** The networks of every account and Region. CloudFormation, GameLift and the EC2 API change them. The methods throw EC2's errors. */
export class Network {
  readonly vpcs: Map<string, Vpc>;
  readonly subnets: Map<string, Subnet>;
  readonly routeTables: Map<string, RouteTable>;
  readonly securityGroups: Map<string, SecurityGroup>;
  readonly gateways: Map<string, Gateway>;
  readonly networkInterfaces = new Map<string, NetworkInterface>();
  readonly tags: Tags;
  readonly peerings: Peerings;
  private readonly ids = new Ids();

  constructor(private readonly history: History) {
    this.vpcs = history.map();
    this.subnets = history.map();
    this.routeTables = history.map();
    this.securityGroups = history.map();
    this.gateways = history.map();
    this.tags = new Tags(history);
    this.peerings = new Peerings(history, this.ids, this.tags);
  }

  /** Creates a VPC with its main route table and default security group. */
  createVpc({ account, region, cidrBlock }: AccountAndRegion & { readonly cidrBlock: string }): { vpcId: string } {
    requireCidrSize(cidrBlock, 'InvalidVpc.Range');
    const vpcId = this.ids.ec2Id('vpc');
    const vpc: Vpc = {
      vpcId,
      arn: arnOf({ account, region }, 'ec2', `vpc/${vpcId}`),
      account,
      region,
      cidrBlock,
      mainRouteTableId: this.ids.ec2Id('rtb'),
      defaultSecurityGroupId: this.ids.ec2Id('sg'),
      cidrBlocks: this.history.map([[`vpc-cidr-assoc-${hexHash(vpcId)}`, cidrBlock]]),
    };
    const [routeTableId, groupId] = [vpc.mainRouteTableId, vpc.defaultSecurityGroupId];
    this.vpcs.set(vpcId, vpc);
    this.addRouteTable(routeTableId, vpc);
    const rules: Rule[] = [{ direction: 'ingress', protocol: '-1', peer: groupId }, ALL_EGRESS];
    const group = new SecurityGroup(this.history, {
      groupId,
      vpc,
      name: 'default',
      description: 'default VPC security group',
      rules,
    });
    this.securityGroups.set(groupId, group);
    return { vpcId };
  }

  /** Throws `DependencyViolation` if the VPC has more than its default resources, or accepted a peering connection that is active. */
  deleteVpc(account: string, region: string, vpcId: string): void {
    const vpc = this.vpc({ account, region }, vpcId);
    const dependencies = [
      ...[...this.subnets.values()].filter((subnet) => subnet.vpc === vpc),
      ...this.tablesOf(vpcId).filter(({ routeTableId }) => routeTableId !== vpc.mainRouteTableId),
      ...[...this.securityGroups.values()].filter((group) => group.vpc === vpc && group.groupId !== vpc.defaultSecurityGroupId),
      ...[...this.gateways.values()].filter((gateway) => gateway.vpcId === vpcId),
      ...this.peerings.all().filter(({ accepter, status }) => accepter.vpcId === vpcId && status.code === 'active'),
    ];
    if (dependencies.length > 0) {
      throw new ServiceError('DependencyViolation', `The vpc '${vpcId}' has dependencies and cannot be deleted.`);
    }
    this.vpcs.delete(vpcId);
    this.routeTables.delete(vpc.mainRouteTableId);
    this.securityGroups.delete(vpc.defaultSecurityGroupId);
    [vpcId, vpc.mainRouteTableId, vpc.defaultSecurityGroupId].forEach((id) => {
      this.tags.clear(account, id);
    });
  }

  /** @returns undefined if the VPC is in another account or Region, or does not exist */
  findVpc(account: string, region: string, vpcId: string): Vpc | undefined {
    const vpc = this.vpcs.get(vpcId);
    return vpc?.account === account && vpc.region === region ? vpc : undefined;
  }

  vpc({ account, region }: AccountAndRegion, vpcId: string): Vpc {
    const vpc = this.findVpc(account, region, vpcId);
    if (vpc === undefined) {
      throw notFound('vpc', [vpcId]);
    }
    return vpc;
  }

  tablesOf(vpcId: string): RouteTable[] {
    return [...this.routeTables.values()].filter(({ vpc }) => vpc.vpcId === vpcId);
  }

  /** @returns the id of the association. */
  associateCidrBlock(place: AccountAndRegion, vpcId: string, cidrBlock: string): string {
    requireCidrSize(cidrBlock, 'InvalidVpc.Range');
    const { cidrBlocks } = this.vpc(place, vpcId);
    if ([...cidrBlocks.values()].some((other) => overlap(other, cidrBlock))) {
      throw new ServiceError('InvalidVpc.Range', `The CIDR '${cidrBlock}' conflicts with one of the CIDRs of the VPC.`);
    }
    const id = this.ids.ec2Id('vpc-cidr-assoc');
    cidrBlocks.set(id, cidrBlock);
    return id;
  }

  createSubnet(place: AccountAndRegion, subnet: { vpcId: string; cidrBlock: string; availabilityZone: string }): string {
    const vpc = this.vpc(place, subnet.vpcId);
    const { cidrBlock } = subnet;
    requireCidrSize(cidrBlock, 'InvalidSubnet.Range');
    if (![...vpc.cidrBlocks.values()].some((block) => contains(block, cidrBlock))) {
      throw new ServiceError('InvalidSubnet.Range', `The CIDR '${cidrBlock}' is invalid.`);
    }
    if ([...this.subnets.values()].some((other) => other.vpc === vpc && overlap(other.cidrBlock, cidrBlock))) {
      throw new ServiceError('InvalidSubnet.Conflict', `The CIDR '${cidrBlock}' conflicts with another subnet`);
    }
    const subnetId = this.ids.ec2Id('subnet');
    this.subnets.set(subnetId, { ...subnet, subnetId, vpc });
    return subnetId;
  }

  deleteSubnet(place: AccountAndRegion, subnetId: string): void {
    const subnet = getOwned('subnet', this.subnets, place, subnetId);
    if ([...this.networkInterfaces.values()].some((other) => other.subnet === subnet)) {
      throw new ServiceError('DependencyViolation', `The subnet '${subnetId}' has dependencies and cannot be deleted.`);
    }
    this.subnets.delete(subnetId);
    for (const { associations } of this.routeTables.values()) {
      const associationId = [...associations].find(([, targetId]) => targetId === subnetId)?.[0];
      if (associationId !== undefined) {
        associations.delete(associationId);
      }
    }
    this.tags.clear(place.account, subnetId);
  }

  createRouteTable(place: AccountAndRegion, vpcId: string): string {
    const routeTableId = this.ids.ec2Id('rtb');
    this.addRouteTable(routeTableId, this.vpc(place, vpcId));
    return routeTableId;
  }

  deleteRouteTable(place: AccountAndRegion, routeTableId: string): void {
    const { associations, vpc } = this.routeTable(place, routeTableId);
    if (associations.size > 0 || vpc.mainRouteTableId === routeTableId) {
      throw new ServiceError('DependencyViolation', `The routeTable '${routeTableId}' has dependencies and cannot be deleted.`);
    }
    this.routeTables.delete(routeTableId);
    this.tags.clear(place.account, routeTableId);
  }

  routeTable(place: AccountAndRegion, routeTableId: string): RouteTable {
    return getOwned('routeTable', this.routeTables, place, routeTableId);
  }

  /** @returns the id of the association. */
  associateSubnet(place: AccountAndRegion, routeTableId: string, subnetId: string): string {
    getOwned('subnet', this.subnets, place, subnetId);
    const table = this.routeTable(place, routeTableId);
    this.requireUnassociated(table, subnetId);
    const id = this.ids.ec2Id('rtbassoc');
    table.associations.set(id, subnetId);
    return id;
  }

  /**
   * Associates the table with a gateway. The table is then a gateway route table. Throws if the table has routes that a gateway route
   * table can't have.
   *
   * @returns the id of the association
   */
  associateGateway(place: AccountAndRegion, routeTableId: string, gatewayId: string): string {
    const table = this.routeTable(place, routeTableId);
    if (this.gateway(place, gatewayId).vpcId !== table.vpc.vpcId) {
      const message = `route table ${routeTableId} and network gateway ${gatewayId} belong to different networks`;
      throw new ServiceError('InvalidParameterValue', message);
    }
    this.requireUnassociated(table, gatewayId);
    table.routes.forEach((route) => {
      requireAllowedInGatewayTable(table, route);
    });
    const id = this.ids.ec2Id('rtbassoc');
    table.associations.set(id, gatewayId);
    return id;
  }

  disassociate(place: AccountAndRegion, routeTableId: string, associationId: string): void {
    this.routeTable(place, routeTableId).associations.delete(associationId);
  }

  createRoute(place: AccountAndRegion, routeTableId: string, route: Route): void {
    const table = this.routeTable(place, routeTableId);
    const { routes, vpc } = table;
    if (routes.has(route.destination) || [...vpc.cidrBlocks.values()].includes(route.destination)) {
      throw new ServiceError('RouteAlreadyExists', `The route identified by ${route.destination} already exists.`);
    }
    if (routes.size >= MAX_ROUTES_PER_TABLE) {
      throw new ServiceError('RouteLimitExceeded', 'The maximum number of routes has been reached.');
    }
    this.requireAllowedRoute(place, table, route);
    routes.set(route.destination, route);
  }

  replaceRoute(place: AccountAndRegion, routeTableId: string, route: Route): void {
    const table = this.routeTable(place, routeTableId);
    const { routes } = table;
    if (!routes.has(route.destination)) {
      const advice = 'Use CreateRoute instead.';
      throw new ServiceError(
        'InvalidParameterValue',
        `There is no route defined for '${route.destination}' in the route table. ${advice}`,
      );
    }
    this.requireAllowedRoute(place, table, route);
    routes.set(route.destination, route);
  }

  deleteRoute(place: AccountAndRegion, routeTableId: string, destination: string): void {
    const { routes, vpc } = this.routeTable(place, routeTableId);
    if ([...vpc.cidrBlocks.values()].includes(destination)) {
      throw new ServiceError('InvalidParameterValue', `cannot remove local route ${destination} in route table ${routeTableId}`);
    }
    if (!routes.delete(destination)) {
      const message = `no route with destination-cidr-block ${destination} in route table ${routeTableId}`;
      throw new ServiceError('InvalidRoute.NotFound', message);
    }
  }

  /** A route is a blackhole if its peering connection is not active, or its internet gateway is detached or deleted. */
  routeState({ kind, target }: Route): 'active' | 'blackhole' {
    const isBlackhole =
      (kind === 'vpcPeeringConnectionId' && this.peerings.find(target)?.status.code !== 'active') ||
      (kind === 'gatewayId' && target.startsWith('igw-') && this.gateways.get(target)?.vpcId === undefined);
    return isBlackhole ? 'blackhole' : 'active';
  }

  createSecurityGroup(
    place: AccountAndRegion,
    group: { readonly vpcId: string; readonly name: string; readonly description: string; readonly rules: readonly Rule[] },
  ): string {
    const { name, description, rules } = group;
    const groupId = this.ids.ec2Id('sg');
    const vpc = this.vpc(place, group.vpcId);
    if ([...this.securityGroups.values()].some((other) => other.vpc === vpc && other.name === name)) {
      const message = `The security group '${name}' already exists for VPC '${group.vpcId}'`;
      throw new ServiceError('InvalidGroup.Duplicate', message);
    }
    requireValidNameAndDescription(name, description);
    rules.forEach(requireValidRule);
    this.securityGroups.set(groupId, new SecurityGroup(this.history, { groupId, vpc, name, description, rules }));
    return groupId;
  }

  deleteSecurityGroup(place: AccountAndRegion, groupId: string): void {
    this.securityGroup(place, groupId);
    const isUsed =
      [...this.securityGroups.values()].some(
        (other) => other.groupId !== groupId && other.rules.some(({ peer }) => peer === groupId),
      ) || [...this.networkInterfaces.values()].some(({ groupIds }) => groupIds.includes(groupId));
    if (isUsed) {
      throw new ServiceError('DependencyViolation', `resource ${groupId} has a dependent object`);
    }
    this.securityGroups.delete(groupId);
    this.tags.clear(place.account, groupId);
  }

  securityGroup(place: AccountAndRegion, groupId: string): SecurityGroup {
    return getOwned('security group', this.securityGroups, place, groupId);
  }

  authorizeRule(place: AccountAndRegion, groupId: string, rule: Rule): void {
    const group = this.securityGroup(place, groupId);
    requireValidRule(rule);
    if (group.rules.some((other) => isSameRule(other, rule))) {
      const ruleText = `peer: ${rule.peer}, ${rule.protocol.toUpperCase()}, ALLOW`;
      throw new ServiceError('InvalidPermission.Duplicate', `the specified rule "${ruleText}" already exists`);
    }
    if (group.rules.filter(({ direction }) => direction === rule.direction).length >= MAX_RULES_PER_DIRECTION) {
      throw new ServiceError(
        'RulesPerSecurityGroupLimitExceeded',
        'The maximum number of rules per security group has been reached.',
      );
    }
    group.rules = [...group.rules, rule];
  }

  /** Changes or removes the description of an existing rule. */
  updateRuleDescription(place: AccountAndRegion, groupId: string, rule: Rule): void {
    const group = this.securityGroup(place, groupId);
    group.rules = group.rules.map((other) => (isSameRule(other, rule) ? rule : other));
  }

  revokeRule(place: AccountAndRegion, groupId: string, rule: Rule): void {
    const group = this.securityGroup(place, groupId);
    if (!group.rules.some((other) => isSameRule(other, rule))) {
      throw new ServiceError('InvalidPermission.NotFound', 'The specified rule does not exist in this security group.');
    }
    group.rules = group.rules.filter((other) => !isSameRule(other, rule));
  }

  createNetworkInterface(
    place: AccountAndRegion,
    { subnetId, groupIds, description }: { subnetId: string; groupIds: readonly string[]; description: string },
  ): string {
    const subnet = getOwned('subnet', this.subnets, place, subnetId);
    const foreignGroupId = groupIds.find((groupId) => this.securityGroup(place, groupId).vpc !== subnet.vpc);
    if (foreignGroupId !== undefined) {
      const message = `Security group ${foreignGroupId} and subnet ${subnetId} belong to different networks.`;
      throw new ServiceError('InvalidParameter', message);
    }
    const networkInterfaceId = this.ids.ec2Id('eni');
    this.networkInterfaces.set(networkInterfaceId, { networkInterfaceId, subnet, groupIds, description });
    return networkInterfaceId;
  }

  deleteNetworkInterface(place: AccountAndRegion, networkInterfaceId: string): void {
    const { vpc } = this.networkInterfaces.get(networkInterfaceId)?.subnet ?? {};
    if (vpc?.account !== place.account || vpc.region !== place.region) {
      throw notFound('networkInterface', [networkInterfaceId]);
    }
    this.networkInterfaces.delete(networkInterfaceId);
  }

  createGateway({ account, region }: AccountAndRegion, kind: GatewayKind): string {
    const id = this.ids.ec2Id(kind);
    this.gateways.set(id, { account, region });
    return id;
  }

  /** Attaches the gateway to a VPC. @param vpcId undefined to detach the gateway */
  attachGateway(place: AccountAndRegion, gatewayId: string, vpcId?: string): void {
    const { account, region } = this.gateway(place, gatewayId);
    this.gateways.set(gatewayId, vpcId === undefined ? { account, region } : { account, region, vpcId });
  }

  deleteGateway(place: AccountAndRegion, gatewayId: string): void {
    if (this.gateway(place, gatewayId).vpcId !== undefined) {
      throw gatewayId.startsWith('vgw-')
        ? new ServiceError('IncorrectState', `The vpnGateway '${gatewayId}' is in use`)
        : new ServiceError('DependencyViolation', `The internetGateway '${gatewayId}' has dependencies and cannot be deleted.`);
    }
    this.gateways.delete(gatewayId);
    this.tags.clear(place.account, gatewayId);
  }

  /** Throws if the subnet or gateway is already associated with a route table. */
  private requireUnassociated({ routeTableId, vpc }: RouteTable, id: string): void {
    if (this.tablesOf(vpc.vpcId).some(({ associations }) => [...associations.values()].includes(id))) {
      const message = `the specified association for route table ${routeTableId} conflicts with an existing association`;
      throw new ServiceError('Resource.AlreadyAssociated', message);
    }
  }

  private addRouteTable(routeTableId: string, vpc: Vpc): void {
    const { history } = this;
    this.routeTables.set(routeTableId, { routeTableId, vpc, routes: history.map(), associations: history.map() });
  }

  private gateway({ account, region }: AccountAndRegion, gatewayId: string): Gateway {
    const gateway = this.gateways.get(gatewayId);
    if (gateway?.account !== account || gateway.region !== region) {
      throw notFound(gatewayId.startsWith('vgw-') ? 'vpnGateway' : 'internetGateway', [gatewayId]);
    }
    return gateway;
  }

  /**
   * Throws if the table can't have this route. A route to a peering connection is allowed as soon as the connection is requested. The
   * route is a blackhole until the connection is active.
   */
  private requireAllowedRoute(place: AccountAndRegion, table: RouteTable, route: Route): void {
    if (isGatewayRouteTable(table)) {
      requireAllowedInGatewayTable(table, route);
    }
    const { kind, target } = route;
    if (kind === 'vpcPeeringConnectionId') {
      const peering = this.peerings.getVisible(place, target);
      if (!peering.isLive) {
        throw notFound('vpcPeeringConnection', [target]);
      }
    }
  }
}

/**
 * A gateway route table can only have destinations inside the VPC, and only a network interface, a Gateway Load Balancer endpoint or
 * `local` as targets. The text of the error for destinations outside the VPC is not EC2's, because AWS does not document it.
 */
function requireAllowedInGatewayTable({ routeTableId, vpc }: RouteTable, { destination, kind, target }: Route): void {
  const { cidrBlocks } = vpc;
  if (!isCidr(destination) || ![...cidrBlocks.values()].some((block) => contains(block, destination))) {
    const reason = `the gateway route table ${routeTableId} can have routes only to CIDR blocks inside its VPC`;
    throw new ServiceError('InvalidParameterValue', `The destination CIDR block ${destination} is not allowed: ${reason}.`);
  }
  if (kind !== 'networkInterfaceId' && target !== 'local' && !target.startsWith('vpce-')) {
    const reason = "is equal to or more specific than one of this VPC's CIDR blocks";
    const advice = 'This route can target only an interface or an instance.';
    throw new ServiceError('InvalidParameterValue', `The destination CIDR block ${destination} ${reason}. ${advice}`);
  }
}

/** Throws unless the value is a CIDR block: of IPv4 for `destinationCidrBlock`, of IPv6 for `destinationIpv6CidrBlock`. */
export function requireDestination(parameter: 'destinationCidrBlock' | 'destinationIpv6CidrBlock', value: string): void {
  if (!(parameter === 'destinationCidrBlock' ? isCidr : isIpv6Cidr)(value)) {
    throw invalidCidr(parameter, value);
  }
}

function invalidCidr(parameter: string, value: string): ServiceError {
  const message = `Value (${value}) for parameter ${parameter} is invalid. This is not a valid CIDR block.`;
  return new ServiceError('InvalidParameterValue', message);
}

/** The CIDR blocks of VPCs and subnets have sizes from /16 to /28. */
function requireCidrSize(cidrBlock: string, code: string): void {
  if (!isCidr(cidrBlock)) {
    throw invalidCidr('cidrBlock', cidrBlock);
  }
  if (prefixLength(cidrBlock) < 16 || prefixLength(cidrBlock) > 28) {
    throw new ServiceError(code, `The CIDR '${cidrBlock}' is invalid.`);
  }
}

/** Returns the resource with this id. Throws EC2's error unless it exists in the account and Region. */
function getOwned<T extends { readonly vpc: Vpc }>(
  kind: string,
  resources: ReadonlyMap<string, T>,
  { account, region }: AccountAndRegion,
  id: string,
): T {
  const resource = resources.get(id);
  if (resource?.vpc.account !== account || resource.vpc.region !== region) {
    throw notFound(kind, [id]);
  }
  return resource;
}

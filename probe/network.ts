import type { IpPermission, RouteTable, SecurityGroup } from '@aws-sdk/client-ec2';
import type { Api } from './api';
import type { Call, Calls } from './calls';

/*
 * The routes and rules that GameLift writes in the VPC. Before the run, the VPC has no route to a peering, and no rule for a CIDR block or for a
 * security group of another VPC, except those that allow all outbound traffic. So GameLift must have written every other route and rule.
 */

export interface PeeringRoute {
  readonly tableId: string;
  readonly destination: string;
  readonly peeringId: string;
}

export interface Rule {
  readonly groupId: string;
  readonly direction: 'ingress' | 'egress';
  readonly permission: IpPermission;
}

/** The route tables of a VPC, and the routes and rules that the VPC has because of a peering. */
export interface PeeringNetwork {
  readonly tables: readonly { readonly id: string; readonly isMain: boolean }[];
  readonly routes: readonly PeeringRoute[];
  readonly rules: readonly Rule[];
}

export async function readNetwork(calls: Calls, api: Api, vpcId: string): Promise<PeeringNetwork> {
  const { RouteTables: tables = [] } = await calls.callOrThrow(api.routeTables(vpcId));
  const { SecurityGroups: groups = [] } = await calls.callOrThrow(api.securityGroups(vpcId));
  return {
    tables: tables.filter(isForSubnets).map(({ RouteTableId = '', Associations = [] }) => ({
      id: RouteTableId,
      isMain: Associations.some(({ Main }) => Main === true),
    })),
    routes: tables.flatMap(peeringRoutes),
    rules: groups.flatMap(peeringRules),
  };
}

/** Route tables of gateways can't have routes to peerings. */
function isForSubnets({ Associations = [] }: RouteTable): boolean {
  return !Associations.some(({ GatewayId }) => GatewayId !== undefined);
}

function peeringRoutes({ RouteTableId: tableId = '', Routes = [] }: RouteTable): PeeringRoute[] {
  return Routes.flatMap(({ VpcPeeringConnectionId: peeringId, DestinationCidrBlock: destination }) =>
    peeringId === undefined || destination === undefined ? [] : [{ tableId, destination, peeringId }],
  );
}

function peeringRules({ GroupId: groupId = '', IpPermissions = [], IpPermissionsEgress = [] }: SecurityGroup): Rule[] {
  const rulesOf = (direction: Rule['direction'], permissions: readonly IpPermission[]): Rule[] =>
    permissions.flatMap(({ IpProtocol, FromPort, ToPort, IpRanges = [], Ipv6Ranges = [], UserIdGroupPairs = [] }) => {
      const ports = { IpProtocol, FromPort, ToPort };
      const allowsAllOutbound = (range: string | undefined): boolean =>
        direction === 'egress' && (range === '0.0.0.0/0' || range === '::/0');
      return [
        ...IpRanges.filter(({ CidrIp }) => !allowsAllOutbound(CidrIp)).map(({ CidrIp }) => ({
          ...ports,
          IpRanges: [{ CidrIp }],
        })),
        ...Ipv6Ranges.filter(({ CidrIpv6 }) => !allowsAllOutbound(CidrIpv6)).map(({ CidrIpv6 }) => ({
          ...ports,
          Ipv6Ranges: [{ CidrIpv6 }],
        })),
        ...UserIdGroupPairs.filter((pair) => pair.VpcPeeringConnectionId !== undefined).map((pair) => ({
          ...ports,
          UserIdGroupPairs: [pair],
        })),
      ].map((permission) => ({ groupId, direction, permission }));
    });
  return [...rulesOf('ingress', IpPermissions), ...rulesOf('egress', IpPermissionsEgress)];
}

/** Combines two reads of the same VPC, since each read may be late and miss routes and rules. */
export function mergeNetworks(first: PeeringNetwork, second: PeeringNetwork): PeeringNetwork {
  const distinct = <Value>(values: readonly Value[]): Value[] => [
    ...new Map(values.map((value) => [JSON.stringify(value), value])).values(),
  ];
  return {
    tables: second.tables,
    routes: distinct([...first.routes, ...second.routes]),
    rules: distinct([...first.rules, ...second.rules]),
  };
}

export function ruleText({ groupId, direction, permission }: Rule): string {
  const { IpRanges = [], Ipv6Ranges = [], UserIdGroupPairs = [] } = permission;
  const ranges = [
    ...IpRanges.map(({ CidrIp }) => CidrIp),
    ...Ipv6Ranges.map(({ CidrIpv6 }) => CidrIpv6),
    ...UserIdGroupPairs.map(({ GroupId }) => GroupId),
  ];
  return `${direction} rule of ${groupId} for ${ranges.join(', ')}`;
}

export function routeText({ tableId, destination, peeringId }: PeeringRoute): string {
  return `route of ${tableId} to ${destination} through ${peeringId}`;
}

/** How to remove a route or rule: the call, and the command of the AWS CLI. */
export interface Removal {
  readonly description: string;
  readonly call: Call<unknown>;
  readonly command: string;
}

export function removals(api: Api, { routes, rules }: PeeringNetwork): Removal[] {
  return [
    ...routes.map((route) => ({
      description: routeText(route),
      call: api.deleteRoute({ RouteTableId: route.tableId, DestinationCidrBlock: route.destination }),
      command: `aws ec2 delete-route --route-table-id ${route.tableId} --destination-cidr-block ${route.destination}`,
    })),
    ...rules.map((rule) => {
      const { groupId, direction, permission } = rule;
      return {
        description: ruleText(rule),
        call: direction === 'ingress' ? api.revokeIngress(groupId, permission) : api.revokeEgress(groupId, permission),
        command: `aws ec2 revoke-security-group-${direction} --group-id ${groupId} --ip-permissions '${JSON.stringify([permission])}'`,
      };
    }),
  ];
}

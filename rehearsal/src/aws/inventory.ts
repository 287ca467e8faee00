import type { Alarms } from './cloudwatch/alarms';
import type { LogGroups } from './cloudwatch/log-groups';
import type { Ec2 } from './ec2/ec2';
import type { AuthorizationKey } from './gamelift/authorizations';
import { GAMELIFT_OWN_ACCOUNT } from './gamelift/fleets';
import type { GameLift } from './gamelift/gamelift';
import type { Iam } from './iam/iam';
import type { Keys } from './kms/keys';
import type { Queues } from './sqs/queues';
import type { ParameterStore } from './ssm/parameter-store';

/** A resource with the account that owns it. */
interface Owned {
  readonly account: string;
}

/** The resources of services that are not in this folder. */
export interface InventoryPart {
  /** The functions with their versions and aliases. */
  readonly functions: readonly Owned[];
  readonly schedules: readonly Owned[];
  readonly scheduleGroups: readonly Owned[];
  /** The stacks with their status, without deleted stacks. */
  readonly stacks: readonly Owned[];
  readonly exports: readonly Owned[];
  /** The type, physical id and stack of resources whose types are accepted but not simulated, or unknown. */
  readonly otherResources: readonly Owned[];
}

interface InventoryAuthorization extends AuthorizationKey {
  /** ISO 8601. No other member of an inventory has a time. */
  readonly expirationTime: string;
}

/** All resources of the accounts. If nothing is left behind or missing, two inventories differ only in the expiry of authorizations. */
export interface Inventory extends InventoryPart {
  /** Only valid authorizations. */
  readonly authorizations: readonly InventoryAuthorization[];
  readonly fleets: readonly object[];
  /** Connections that have not ended, as GameLift lists them. */
  readonly connections: readonly object[];
  /** Connections that have not ended, as EC2 lists them, with their options. */
  readonly peerings: readonly object[];
  readonly vpcs: readonly object[];
  readonly subnets: readonly object[];
  /** The network interfaces that Lambda creates for functions in a VPC. */
  readonly networkInterfaces: readonly object[];
  /** The route tables with their associations. */
  readonly routeTables: readonly object[];
  /** All routes except local ones. */
  readonly routes: readonly object[];
  readonly internetGateways: readonly object[];
  readonly vpnGateways: readonly object[];
  readonly securityGroups: readonly object[];
  readonly rules: readonly object[];
  /** Tags of EC2 resources. */
  readonly tags: readonly object[];
  /** The roles with their policies. */
  readonly roles: readonly object[];
  /** Customer managed policies. */
  readonly policies: readonly object[];
  readonly logGroups: readonly object[];
  /** All keys except those whose deletion is scheduled. */
  readonly keys: readonly object[];
  readonly queues: readonly object[];
  readonly alarms: readonly object[];
  readonly parameters: readonly object[];
}

interface InventorySources {
  readonly gameLift: GameLift;
  readonly ec2: Ec2;
  readonly iam: Iam;
  readonly logGroups: LogGroups;
  readonly keys: Keys;
  readonly queues: Queues;
  readonly alarms: Alarms;
  readonly parameters: ParameterStore;
  /** The resources of other services. */
  readonly parts: readonly Partial<InventoryPart>[];
}

export function takeInventory({ gameLift, ec2, parts, ...services }: InventorySources, account?: string): Inventory {
  const isIncluded = (...owners: string[]): boolean =>
    owners.some((owner) => (account === undefined ? owner !== GAMELIFT_OWN_ACCOUNT : owner === account));
  const included = <T extends Owned>(items: readonly T[]): T[] => items.filter((item) => isIncluded(item.account));
  const includedOfParts = (kind: keyof InventoryPart): Owned[] => included(parts.flatMap((part) => part[kind] ?? []));
  return {
    authorizations: gameLift.authorizations
      .all()
      .filter(({ peerVpcAccount, gameLiftAccount }) => isIncluded(peerVpcAccount, gameLiftAccount))
      .map(({ peerVpcAccount, peerVpcId, gameLiftAccount, region, expirationTime }) => ({
        peerVpcAccount,
        peerVpcId,
        gameLiftAccount,
        region,
        expirationTime: expirationTime.toISOString(),
      })),
    fleets: gameLift.fleets
      .all()
      .filter(({ place }) => isIncluded(place.account))
      .map(({ id, place, status, attributes, tags }) => ({
        id,
        ...place,
        status,
        ...attributes,
        tags: Object.fromEntries(tags),
      })),
    connections: gameLift.connections
      .list()
      .filter(({ fleet, key, peering }) => peering.isLive && isIncluded(fleet.place.account, key.peerVpcAccount))
      .map(({ id, fleet, key, status }) => ({ id, fleetId: fleet.id, peerVpcId: key.peerVpcId, status: status.code })),
    peerings: ec2.peerings
      .all()
      .filter(({ isLive, requester, accepter }) => isLive && isIncluded(requester.account, accepter.account))
      .map(({ id, status, requester, accepter, dnsResolution }) => {
        return {
          id,
          status: status.code,
          requester: requester.vpcId,
          accepter: accepter.vpcId,
          dnsResolution: { ...dnsResolution },
        };
      }),
    ...networksOf(ec2, isIncluded),
    // tags that are set after a peering connection has ended disappear when EC2 no longer lists the connection
    tags: included(ec2.tags.all().filter(({ resourceId }) => ec2.peerings.find(resourceId)?.isListed ?? true)),
    roles: included(services.iam.roleList()),
    policies: included(services.iam.policyList()),
    logGroups: included(services.logGroups.list()),
    keys: included(services.keys.list()),
    queues: included(services.queues.list()),
    alarms: included(services.alarms.list()),
    parameters: included(services.parameters.list()),
    functions: includedOfParts('functions'),
    schedules: includedOfParts('schedules'),
    scheduleGroups: includedOfParts('scheduleGroups'),
    stacks: includedOfParts('stacks'),
    exports: includedOfParts('exports'),
    otherResources: includedOfParts('otherResources'),
  };
}

/** Removes the expiry, to compare two inventories: an authorization may have been renewed between them. */
export const withoutExpirationTime = (item: object): object => ({ ...item, expirationTime: undefined });

function networksOf(ec2: Ec2, isIncluded: (account: string) => boolean) {
  const inAccounts = <T extends { readonly vpc: Owned }>(items: ReadonlyMap<string, T>): T[] =>
    [...items.values()].filter(({ vpc }) => isIncluded(vpc.account));
  const gateways = [...ec2.gateways]
    .filter(([, { account }]) => isIncluded(account))
    .map(([id, gateway]) => ({ id, ...gateway }));
  const [routeTables, groups] = [inAccounts(ec2.routeTables), inAccounts(ec2.securityGroups)];
  return {
    vpcs: [...ec2.vpcs.values()]
      .filter((vpc) => isIncluded(vpc.account))
      .map(({ vpcId, account, region, cidrBlocks }) => ({ vpcId, account, region, cidrBlocks: [...cidrBlocks.values()] })),
    subnets: inAccounts(ec2.subnets).map(({ subnetId, vpc, cidrBlock }) => ({ subnetId, vpcId: vpc.vpcId, cidrBlock })),
    networkInterfaces: [...ec2.networkInterfaces.values()]
      .filter(({ subnet }) => isIncluded(subnet.vpc.account))
      .map(({ subnet, ...rest }) => ({ subnetId: subnet.subnetId, ...rest })),
    routeTables: routeTables.map(({ routeTableId, vpc, associations }) => ({
      routeTableId,
      vpcId: vpc.vpcId,
      associations: [...associations.values()],
    })),
    routes: routeTables.flatMap(({ routeTableId, routes }) =>
      [...routes.values()].map((route) => ({ routeTableId, ...route, state: ec2.routeState(route) })),
    ),
    internetGateways: gateways.filter(({ id }) => id.startsWith('igw-')),
    vpnGateways: gateways.filter(({ id }) => id.startsWith('vgw-')),
    securityGroups: groups.map(({ groupId, vpc, name }) => ({ groupId, vpcId: vpc.vpcId, name })),
    rules: groups.flatMap(({ groupId, rules }) => rules.map((rule) => ({ groupId, ...rule }))),
  };
}

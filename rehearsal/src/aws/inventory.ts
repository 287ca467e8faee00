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
  /** With their versions and aliases. */
  readonly functions: readonly Owned[];
  readonly schedules: readonly Owned[];
  readonly scheduleGroups: readonly Owned[];
  /** With their status. Deleted stacks are not included. */
  readonly stacks: readonly Owned[];
  readonly exports: readonly Owned[];
  /** Resources of types that are accepted but not simulated, or unknown: their type, physical id and stack. */
  readonly otherResources: readonly Owned[];
}

interface InventoryAuthorization extends AuthorizationKey {
  /** ISO 8601: shows which authorizations will only expire. The only timestamp in an inventory. */
  readonly expirationTime: string;
}

/** All resources of the accounts. Apart from renewed authorizations, two inventories are equal if nothing is left behind or missing. */
export interface Inventory extends InventoryPart {
  /** Only valid ones. */
  readonly authorizations: readonly InventoryAuthorization[];
  readonly fleets: readonly object[];
  /** Connections that have not ended, as GameLift lists them. */
  readonly connections: readonly object[];
  /** Connections that have not ended, as EC2 lists them, with their options. */
  readonly peerings: readonly object[];
  readonly vpcs: readonly object[];
  readonly subnets: readonly object[];
  /** The ones that Lambda creates for functions in a VPC. */
  readonly networkInterfaces: readonly object[];
  /** With their associations. */
  readonly routeTables: readonly object[];
  /** Without local routes. */
  readonly routes: readonly object[];
  readonly internetGateways: readonly object[];
  readonly vpnGateways: readonly object[];
  readonly securityGroups: readonly object[];
  readonly rules: readonly object[];
  /** Tags of EC2 resources. */
  readonly tags: readonly object[];
  /** With their policies. */
  readonly roles: readonly object[];
  /** Customer managed policies. */
  readonly policies: readonly object[];
  readonly logGroups: readonly object[];
  /** Without keys whose deletion is scheduled. */
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
  const of = (...owners: string[]): boolean =>
    owners.some((owner) => (account === undefined ? owner !== GAMELIFT_OWN_ACCOUNT : owner === account));
  const owned = <T extends Owned>(items: readonly T[]): T[] => items.filter((item) => of(item.account));
  const part = (kind: keyof InventoryPart): Owned[] => owned(parts.flatMap((one) => one[kind] ?? []));
  return {
    authorizations: gameLift.authorizations
      .all()
      .filter(({ peerVpcAccount, gameLiftAccount }) => of(peerVpcAccount, gameLiftAccount))
      .map(({ peerVpcAccount, peerVpcId, gameLiftAccount, region, expirationTime }) => ({
        peerVpcAccount,
        peerVpcId,
        gameLiftAccount,
        region,
        expirationTime: expirationTime.toISOString(),
      })),
    fleets: gameLift.fleets
      .all()
      .filter(({ place }) => of(place.account))
      .map(({ id, place, status, attributes, tags }) => ({
        id,
        ...place,
        status,
        ...attributes,
        tags: Object.fromEntries(tags),
      })),
    connections: gameLift.connections
      .list()
      .filter(({ fleet, key, peering }) => peering.isLive && of(fleet.place.account, key.peerVpcAccount))
      .map(({ id, fleet, key, status }) => ({ id, fleetId: fleet.id, peerVpcId: key.peerVpcId, status: status.code })),
    peerings: ec2.peerings
      .all()
      .filter(({ isLive, requester, accepter }) => isLive && of(requester.account, accepter.account))
      .map(({ id, status, requester, accepter, dnsResolution }) => {
        return {
          id,
          status: status.code,
          requester: requester.vpcId,
          accepter: accepter.vpcId,
          dnsResolution: { ...dnsResolution },
        };
      }),
    ...networksOf(ec2, of),
    // the tags of a peering disappear with its record, even those set after it ended
    tags: owned(ec2.tags.all().filter(({ resourceId }) => ec2.peerings.find(resourceId)?.isListed ?? true)),
    roles: owned(services.iam.roleList()),
    policies: owned(services.iam.policyList()),
    logGroups: owned(services.logGroups.list()),
    keys: owned(services.keys.list()),
    queues: owned(services.queues.list()),
    alarms: owned(services.alarms.list()),
    parameters: owned(services.parameters.list()),
    functions: part('functions'),
    schedules: part('schedules'),
    scheduleGroups: part('scheduleGroups'),
    stacks: part('stacks'),
    exports: part('exports'),
    otherResources: part('otherResources'),
  };
}

/** For comparing two inventories: an authorization may have been renewed between them. */
export const withoutExpirationTime = (item: object): object => ({ ...item, expirationTime: undefined });

function networksOf(ec2: Ec2, of: (account: string) => boolean) {
  const inAccounts = <T extends { readonly vpc: Owned }>(items: ReadonlyMap<string, T>): T[] =>
    [...items.values()].filter(({ vpc }) => of(vpc.account));
  const gateways = [...ec2.gateways].filter(([, { account }]) => of(account)).map(([id, gateway]) => ({ id, ...gateway }));
  const [tables, groups] = [inAccounts(ec2.routeTables), inAccounts(ec2.securityGroups)];
  return {
    vpcs: [...ec2.vpcs.values()]
      .filter((vpc) => of(vpc.account))
      .map(({ vpcId, account, region, cidrBlocks }) => ({ vpcId, account, region, cidrBlocks: [...cidrBlocks.values()] })),
    subnets: inAccounts(ec2.subnets).map(({ subnetId, vpc, cidrBlock }) => ({ subnetId, vpcId: vpc.vpcId, cidrBlock })),
    networkInterfaces: [...ec2.networkInterfaces.values()]
      .filter(({ subnet }) => of(subnet.vpc.account))
      .map(({ subnet, ...rest }) => ({ subnetId: subnet.subnetId, ...rest })),
    routeTables: tables.map(({ routeTableId, vpc, associations }) => ({
      routeTableId,
      vpcId: vpc.vpcId,
      associations: [...associations.values()],
    })),
    routes: tables.flatMap(({ routeTableId, routes }) =>
      [...routes.values()].map((route) => ({ routeTableId, ...route, state: ec2.routeState(route) })),
    ),
    internetGateways: gateways.filter(({ id }) => id.startsWith('igw-')),
    vpnGateways: gateways.filter(({ id }) => id.startsWith('vgw-')),
    securityGroups: groups.map(({ groupId, vpc, name }) => ({ groupId, vpcId: vpc.vpcId, name })),
    rules: groups.flatMap(({ groupId, rules }) => rules.map((rule) => ({ groupId, ...rule }))),
  };
}

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

/** The resources of services outside of this folder: CloudFormation, Lambda and Scheduler. */
export interface InventoryPart {
  /** The functions with their versions and aliases. */
  readonly functions: readonly Owned[];
  readonly schedules: readonly Owned[];
  readonly scheduleGroups: readonly Owned[];
  /** The stacks with their status, without deleted stacks. */
  readonly stacks: readonly Owned[];
  readonly exports: readonly Owned[];
  /** The type, physical id and stack of each resource that is accepted but not simulated, or has an unknown type. */
  readonly otherResources: readonly Owned[];
}

interface InventoryAuthorization extends AuthorizationKey {
  /** In ISO 8601. Nothing else in an inventory contains a time. */
  readonly expirationTime: string;
}

/**
 * All resources of the accounts. If a stack leaves nothing behind, the inventories before its creation and after its deletion differ only
 * in the expiry of authorizations.
 */
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

/** @param account undefined for all accounts except GameLift's own */
export function takeInventory({ gameLift, ec2, parts, ...services }: InventorySources, account?: string): Inventory {
  const isIncluded = (...owners: string[]): boolean =>
    owners.some((owner) => (account === undefined ? owner !== GAMELIFT_OWN_ACCOUNT : owner === account));
  const onlyIncluded = <T extends Owned>(items: readonly T[]): T[] => items.filter((item) => isIncluded(item.account));
  const fromParts = (member: keyof InventoryPart): Owned[] => onlyIncluded(parts.flatMap((part) => part[member] ?? []));
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
    // leave out the tags of peering connections that EC2 no longer lists
    tags: onlyIncluded(ec2.tags.all().filter(({ resourceId }) => ec2.peerings.find(resourceId)?.isListed ?? true)),
    roles: onlyIncluded(services.iam.roleList()),
    policies: onlyIncluded(services.iam.policyList()),
    logGroups: onlyIncluded(services.logGroups.list()),
    keys: onlyIncluded(services.keys.list()),
    queues: onlyIncluded(services.queues.list()),
    alarms: onlyIncluded(services.alarms.list()),
    parameters: onlyIncluded(services.parameters.list()),
    functions: fromParts('functions'),
    schedules: fromParts('schedules'),
    scheduleGroups: fromParts('scheduleGroups'),
    stacks: fromParts('stacks'),
    exports: fromParts('exports'),
    otherResources: fromParts('otherResources'),
  };
}

/** Removes the expiry of an authorization, to compare two inventories: the authorization may have been renewed in between. */
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

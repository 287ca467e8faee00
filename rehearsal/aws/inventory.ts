import { statusOf } from './connections';
import type { Ec2 } from './ec2';
import { GAMELIFT_OWN_ACCOUNT } from './fleets';
import type { GameLift } from './gamelift';

/** Everything that lives in accounts, without times: two inventories are equal where nothing was left behind and nothing is missing. */
export interface Inventory {
  /** Those that are valid. */
  readonly authorizations: readonly object[];
  readonly fleets: readonly object[];
  /** Those that are alive, as GameLift says. */
  readonly connections: readonly object[];
  /** Those that are alive, as EC2 says, with their options. */
  readonly peerings: readonly object[];
  readonly vpcs: readonly object[];
  readonly subnets: readonly object[];
  /** Without the local ones. */
  readonly routes: readonly object[];
  readonly rules: readonly object[];
  /** Of EC2's resources. */
  readonly tags: readonly object[];
}

export function takeInventory(gameLift: GameLift, ec2: Ec2, account?: string): Inventory {
  const of = (...owners: string[]): boolean =>
    owners.some((owner) => (account === undefined ? owner !== GAMELIFT_OWN_ACCOUNT : owner === account));
  const accounts = account === undefined ? new Set([...ec2.vpcs.values()].map((vpc) => vpc.account)) : [account];
  return {
    authorizations: gameLift.authorizations
      .all()
      .filter(({ peerVpcAccount, gameLiftAccount }) => of(peerVpcAccount, gameLiftAccount))
      .map(({ peerVpcAccount, peerVpcId, gameLiftAccount, region }) => ({ peerVpcAccount, peerVpcId, gameLiftAccount, region })),
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
      .filter(({ fleet, key, peering }) => peering.live && of(fleet.place.account, key.peerVpcAccount))
      .map((connection) => {
        const { id, fleet, key } = connection;
        return { id, fleetId: fleet.id, peerVpcId: key.peerVpcId, status: statusOf(connection).code };
      }),
    peerings: ec2.peerings
      .all()
      .filter(({ live, requester, accepter }) => live && of(requester.account, accepter.account))
      .map(({ id, status, requester, accepter, dnsResolution }) => {
        return {
          id,
          status: status.code,
          requester: requester.vpcId,
          accepter: accepter.vpcId,
          dnsResolution: { ...dnsResolution },
        };
      }),
    vpcs: [...ec2.vpcs.values()]
      .filter((vpc) => of(vpc.account))
      .map(({ vpcId, account: owner, region, cidrBlocks }) => ({
        vpcId,
        account: owner,
        region,
        cidrBlocks: [...cidrBlocks.values()],
      })),
    subnets: [...ec2.subnets.values()]
      .filter(({ vpc }) => of(vpc.account))
      .map(({ subnetId, vpc, cidrBlock }) => ({ subnetId, vpcId: vpc.vpcId, cidrBlock })),
    routes: [...ec2.routeTables.values()]
      .filter(({ vpc }) => of(vpc.account))
      .flatMap(({ routeTableId, routes }) =>
        [...routes.values()].map((route) => ({ routeTableId, ...route, state: ec2.stateOf(route) })),
      ),
    rules: [...ec2.securityGroups.values()]
      .filter(({ vpc }) => of(vpc.account))
      .flatMap(({ groupId, rules }) => rules.map((rule) => ({ groupId, ...rule }))),
    tags: [...accounts].flatMap((owner) => ec2.tags.list(owner).map((tag) => ({ account: owner, ...tag }))),
  };
}

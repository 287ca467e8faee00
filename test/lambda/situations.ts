import { OWNER_TAG } from '../../lib/contract';
import type { Ec2Peering } from '../../lambda/aws/api';
import type { ListedConnection } from '../../lambda/aws/connections';
import type { ClaimedConnection } from '../../lambda/model/connection';
import type { Ec2View } from '../../lambda/network/ec2-view';
import type { Claim, OtherClaim } from '../../lambda/peering/claim';
import type { DeleteSituation, ExistingConnection, FoundConnection, Situation } from '../../lambda/peering/decide';
import type { EndedConnection } from '../../lambda/peering/ended';
import type { TaggedOwner } from '../../lambda/network/ec2-tags';

/*
 * Builders for the input of the handler's pure functions. By default, a resource has claimed the connection between a fleet and a VPC, and
 * has noted nothing.
 */

/** The fleet's VPC. */
export const FLEET_VPC = 'vpc-fleet';
/** A VPC that is peered with the peer VPC too, for another purpose. */
export const UNRELATED_VPC = 'vpc-unrelated';
export const ID = 'pcx-1';
/** A connection of the same pair that is gone. */
export const EARLIER_ID = 'pcx-0';
export const OTHER = 'Other/Peering/guid';

export function peering(change: Partial<ListedConnection> = {}): ListedConnection {
  return { id: ID, status: 'active', message: '', gameLiftVpcId: FLEET_VPC, cidrBlock: '10.1.0.0/16', ...change };
}

export function noted(origin: 'created' | 'adopted', id = ID): ClaimedConnection {
  return { id, gameLiftVpcId: FLEET_VPC, cidrBlock: '10.1.0.0/16', isAdopted: origin === 'adopted' };
}

export function otherClaim(connection?: ClaimedConnection): OtherClaim {
  return { owner: OTHER, keys: ['other', 'other:connection'], connection };
}

export function claim(change: Partial<Claim> = {}): Claim {
  return {
    connection: undefined,
    peeredBefore: undefined,
    isClaimed: true,
    requestId: 'request-1',
    otherClaims: [],
    ...change,
  };
}

export function found(change: Partial<ListedConnection> = {}, owner: TaggedOwner = { kind: 'unknown' }): FoundConnection {
  return { kind: 'found', peering: peering(change), owner };
}

/** A connection that failed. If the peer VPC does not exist, another request would fail, too. */
export function endedConnection(wouldEndAgain: boolean): EndedConnection {
  return {
    peering: peering({ status: 'failed', message: 'no authorization' }),
    peerVpcId: 'vpc-peer',
    peerOnCreate: false,
    fleetCidrBlock: undefined,
    vpcBlocks: { kind: wouldEndAgain ? 'no such VPC' : 'unavailable' },
  };
}

export function ended(wouldEndAgain: boolean): ExistingConnection {
  return { kind: 'ended', connection: endedConnection(wouldEndAgain) };
}

export function situation(change: Partial<Situation> = {}): Situation {
  return {
    adoptExisting: false,
    peerOnCreate: false,
    hasLostTags: false,
    claim: claim(),
    existing: { kind: 'unknown' },
    request: { kind: 'not made' },
    mayHaveRequested: false,
    hasWaitedForNote: false,
    ...change,
  };
}

export function deleteSituation(change: Partial<DeleteSituation> = {}): DeleteSituation {
  return {
    adoptExisting: false,
    peerOnCreate: false,
    physicalId: { kind: 'created' },
    claim: claim({ isClaimed: false }),
    hasReleased: true,
    view: undefined,
    tagged: undefined,
    listed: undefined,
    ...change,
  };
}

export function ec2Side(change: Partial<Ec2Peering> = {}): Ec2Peering {
  return {
    id: ID,
    status: 'active',
    message: '',
    requesterVpcId: FLEET_VPC,
    requesterAccount: '333333333333',
    cidrBlock: '10.1.0.0/16',
    dnsResolution: false,
    tags: {},
    ...change,
  };
}

/** The same, with the tag of another resource that created it. */
export function ec2SideOfOther(): Ec2Peering {
  return ec2Side({ tags: { [OWNER_TAG]: OTHER } });
}

export function shown(...peerings: readonly Ec2Peering[]): Ec2View {
  return { kind: 'shown', peerings };
}

export const UNAVAILABLE: Ec2View = { kind: 'unavailable', reason: 'AccessDenied: no' };

/** All combinations of the given values. */
export function combinations<T extends object>(values: { readonly [K in keyof T]: readonly T[K][] }): readonly T[] {
  return Object.entries<readonly unknown[]>(values).reduce<readonly object[]>(
    (all, [key, options]) => all.flatMap((one) => options.map((option) => ({ ...one, [key]: option }))),
    [{}],
  ) as readonly T[];
}

/** Fails if a rule does not hold for a case to which it applies, or if it applies to no case. */
export function expectForAll<T>(all: readonly T[], applies: (one: T) => boolean, holds: (one: T) => boolean): void {
  const relevant = all.filter(applies);
  expect(relevant).not.toEqual([]);
  expect(relevant.filter((one) => !holds(one)).slice(0, 3)).toEqual([]);
}

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
 * Builders for the input of the handler's pure functions. By default, a resource has claimed the connection between a fleet and a VPC, but
 * has written no note.
 */

/** The fleet's VPC. */
export const FLEET_VPC = 'vpc-fleet';
/** Another VPC that is peered with the peer VPC. It has nothing to do with the fleet. */
export const UNRELATED_VPC = 'vpc-unrelated';
export const CONNECTION_ID = 'pcx-1';
/** An earlier connection between the same VPCs, which no longer exists. */
export const EARLIER_CONNECTION_ID = 'pcx-0';
/** The owner of a claim, note or tag of another resource. */
export const OTHER_OWNER = 'Other/Peering/guid';

export function listedConnection(change: Partial<ListedConnection> = {}): ListedConnection {
  return { id: CONNECTION_ID, status: 'active', message: '', gameLiftVpcId: FLEET_VPC, cidrBlock: '10.1.0.0/16', ...change };
}

export function notedConnection(origin: 'created' | 'adopted', id = CONNECTION_ID): ClaimedConnection {
  return { id, gameLiftVpcId: FLEET_VPC, cidrBlock: '10.1.0.0/16', isAdopted: origin === 'adopted' };
}

export function otherClaim(connection?: ClaimedConnection): OtherClaim {
  return { owner: OTHER_OWNER, keys: ['other', 'other:connection'], connection };
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

export function foundConnection(
  change: Partial<ListedConnection> = {},
  owner: TaggedOwner = { kind: 'unknown' },
): FoundConnection {
  return { kind: 'found', peering: listedConnection(change), owner };
}

/** A connection that failed. With `wouldEndAgain`, the peer VPC does not exist, so another request would fail, too. */
export function endedConnection({ wouldEndAgain }: { readonly wouldEndAgain: boolean }): EndedConnection {
  return {
    peering: listedConnection({ status: 'failed', message: 'no authorization' }),
    peerVpcId: 'vpc-peer',
    peerOnCreate: false,
    fleetCidrBlock: undefined,
    vpcBlocks: { kind: wouldEndAgain ? 'no such VPC' : 'unavailable' },
  };
}

export function endedState(options: { readonly wouldEndAgain: boolean }): ExistingConnection {
  return { kind: 'ended', connection: endedConnection(options) };
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

/** The peering connection between the fleet's VPC and the peer VPC, as EC2 shows it. */
export function ec2Side(change: Partial<Ec2Peering> = {}): Ec2Peering {
  return {
    id: CONNECTION_ID,
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

/** The same peering connection, with a tag that names another resource as its owner. */
export function ec2SideWithOtherOwner(): Ec2Peering {
  return ec2Side({ tags: { [OWNER_TAG]: OTHER_OWNER } });
}

export function ec2ViewOf(...peerings: readonly Ec2Peering[]): Ec2View {
  return { kind: 'shown', peerings };
}

export const UNAVAILABLE_VIEW: Ec2View = { kind: 'unavailable', reason: 'AccessDenied: no' };

/** Returns one object for each combination of the given values. */
export function combinations<T extends object>(values: { readonly [K in keyof T]: readonly T[K][] }): readonly T[] {
  return Object.entries<readonly unknown[]>(values).reduce<readonly object[]>(
    (partial, [key, options]) => partial.flatMap((object) => options.map((option) => ({ ...object, [key]: option }))),
    [{}],
  ) as readonly T[];
}

/** Fails if a rule does not hold for a case to which it applies, or if it applies to no case. */
export function expectForAll<T>(cases: readonly T[], applies: (each: T) => boolean, holds: (each: T) => boolean): void {
  const relevant = cases.filter(applies);
  expect(relevant).not.toEqual([]);
  expect(relevant.filter((each) => !holds(each)).slice(0, 3)).toEqual([]);
}

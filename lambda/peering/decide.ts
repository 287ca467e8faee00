import { DENIAL_PATIENCE_MILLISECONDS } from '../aws/calls';
import type { ListedConnection } from '../aws/connections';
import type { PhysicalIdState } from '../cloudformation/physical-id';
import type { ClaimedConnection } from '../model/connection';
import { hasOwnerTag } from '../network/ec2-tags';
import type { TaggedOwner } from '../network/ec2-tags';
import type { Ec2View } from '../network/ec2-view';
import { describeOwner } from './claim';
import type { Claim, OtherClaim } from './claim';
import { wouldEndAgain } from './ended';
import type { EndedConnection } from './ended';
import { findToDelete } from './watch';

/*
 * What to do next about a connection. Pure functions: from what is declared, what was observed, and what this request has done so far,
 * to the next step. The loop that takes the step observes again and asks again.
 */

/** Why the resource cannot have the connection: it belongs to another one. */
export interface Conflict {
  readonly what: string;
  readonly remedy: string;
}

/** The conflict with the claims of other resources; undefined if there is none. */
export function conflictOf({ connection, otherClaims }: Claim, adoptExisting: boolean): Conflict | undefined {
  const other = otherClaims.find(hasAdopted) ?? otherClaims[0];
  if (other === undefined || connection !== undefined) {
    return undefined;
  }
  const owner = `${describeOwner(other.owner)}, according to a tag on the fleet`;
  if (!adoptExisting) {
    return {
      what: `the peering connection belongs to ${owner}`,
      remedy: 'remove it there, or pass adoptExisting to the VpcPeeringConnection to use it',
    };
  }
  // two resources that adopt the same connection would undo each other's changes
  return hasAdopted(other)
    ? { what: `the peering connection was adopted by ${owner}`, remedy: 'remove it there first' }
    : undefined;
}

function hasAdopted({ connection }: OtherClaim): boolean {
  return connection?.adopted === true;
}

/** A connection that GameLift lists and that is not ended, and its owner, as far as EC2's tags say. */
export interface Found {
  readonly kind: 'found';
  readonly peering: ListedConnection;
  readonly owner: TaggedOwner;
}

/** What is known of the connection of the pair. */
export type Existing =
  /** GameLift's list was not read, or may have changed since. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'none' }
  | Found
  /** It did not become active. */
  | { readonly kind: 'ended'; readonly connection: EndedConnection };

/** What came of this run's latest request for the connection. */
export type RequestState =
  | { readonly kind: 'not made' }
  | { readonly kind: 'accepted' }
  /** `message` is GameLift's, or that of the connection that ended. An authorization may be what is missing. */
  | { readonly kind: 'refused'; readonly message: string };

/** Everything that decides what a create or update does next, once the resource has claimed the connection. */
export interface Situation {
  /** Declared: a connection that exists is used, and left in place when the resource is deleted. */
  readonly adoptExisting: boolean;
  /** Declared: GameLift makes the connection with the fleet. It is this resource's, and never requested. */
  readonly peerOnCreate: boolean;
  /** The fleet has no tags of this resource, although its physical id says that it made the connection. */
  readonly isStripped: boolean;
  readonly claim: Claim;
  readonly existing: Existing;
  readonly request: RequestState;
  /** A request of this resource may have taken effect: one that was accepted or not answered, or one of an earlier run. */
  readonly mayHaveRequested: boolean;
  /** Another run of the same request was waited for, and did not note that it made the connection. */
  readonly hasWaitedForNote: boolean;
}

export type Step =
  | { readonly kind: 'read the list' }
  /** Note which VPCs are peered, unless that was noted before, then request the connection. */
  | { readonly kind: 'request' }
  /** GameLift has refused the request, or ended the connection: authorize, or find out that it does not help, before the next one. */
  | { readonly kind: 'prepare a retry'; readonly message: string }
  | { readonly kind: 'wait until active' }
  /** Wait for another run of the same request, which may have made the connection, to note that. */
  | { readonly kind: 'wait for a note'; readonly peering: ListedConnection; readonly wasThereBefore: boolean }
  /**
   * Use the active connection. An adopted one was there before. `wasRequested`: this resource, or GameLift with the fleet, has just made
   * it.
   */
  | {
      readonly kind: 'use';
      readonly peering: ListedConnection;
      readonly origin: 'created' | 'adopted';
      readonly wasRequested: boolean;
    }
  | { readonly kind: 'fail'; readonly why: Failure };

export type Failure =
  | { readonly kind: 'conflict'; readonly conflict: Conflict }
  | { readonly kind: 'exists already'; readonly found: Found }
  /** A deletion has removed the claim. */
  | { readonly kind: 'claim removed'; readonly found: Found | undefined }
  | { readonly kind: 'ended'; readonly connection: EndedConnection };

export function decide(situation: Situation): Step {
  const { adoptExisting, peerOnCreate, claim, existing, request, mayHaveRequested } = situation;
  const conflict = conflictOf(claim, adoptExisting);
  if (conflict !== undefined) {
    return { kind: 'fail', why: { kind: 'conflict', conflict } };
  }
  if (!claim.isClaimed) {
    return { kind: 'fail', why: { kind: 'claim removed', found: existing.kind === 'found' ? existing : undefined } };
  }
  switch (existing.kind) {
    case 'unknown':
      return peerOnCreate ? { kind: 'read the list' } : decideUnlisted(claim, request);
    case 'none':
      if (peerOnCreate) {
        return { kind: 'wait until active' };
      }
      return request.kind === 'refused' ? { kind: 'prepare a retry', message: request.message } : { kind: 'request' };
    case 'found':
      return decideFound(situation, existing);
    case 'ended':
      return wouldEndAgain(existing.connection) || !mayHaveRequested || peerOnCreate
        ? { kind: 'fail', why: existing }
        : { kind: 'prepare a retry', message: existing.connection.peering.message };
  }
}

/** Reading GameLift's list takes ten seconds: it is read only if there is likely to be a connection. */
function decideUnlisted({ connection, peeredBefore, otherClaims }: Claim, request: RequestState): Step {
  if (request.kind === 'accepted') {
    return { kind: 'wait until active' };
  }
  const isLikely = connection !== undefined || peeredBefore !== undefined || otherClaims.length > 0;
  return isLikely ? { kind: 'read the list' } : { kind: 'request' };
}

function decideFound(situation: Situation, found: Found): Step {
  const { peering, owner } = found;
  const { adoptExisting, peerOnCreate, isStripped, claim, mayHaveRequested, hasWaitedForNote } = situation;
  const { connection, peeredBefore } = claim;
  const use = (origin: 'created' | 'adopted', wasRequested = false): Step =>
    peering.status === 'active' ? { kind: 'use', peering, origin, wasRequested } : { kind: 'wait until active' };
  if (connection !== undefined) {
    return use(connection.adopted ? 'adopted' : 'created');
  }
  const isNew = peeredBefore !== undefined && !leadsToOneOf(peeredBefore, peering);
  if (isNew && mayHaveRequested) {
    return use('created', true);
  }
  if (owner.kind === 'this resource') {
    return use('created');
  }
  if (isStripped) {
    return use(adoptExisting ? 'adopted' : 'created');
  }
  if (peerOnCreate && !adoptExisting && owner.kind !== 'another resource') {
    // GameLift made it with the fleet: unless a deletion has removed the claim meanwhile, nobody else has it
    return use('created', true);
  }
  // another run of the same request can't have made what was there before the request was noted
  const mayBeOfAnotherRun = peeredBefore === undefined || isNew;
  if (mayBeOfAnotherRun && !hasWaitedForNote) {
    return { kind: 'wait for a note', peering, wasThereBefore: !isNew };
  }
  return adoptExisting ? use('adopted') : { kind: 'fail', why: { kind: 'exists already', found } };
}

function leadsToOneOf(vpcIds: readonly string[], { gameLiftVpcId }: ListedConnection): boolean {
  return vpcIds.includes(gameLiftVpcId ?? '');
}

/** What may have happened to the claim while the connection was made. */
export type LastCheck =
  | { readonly kind: 'use' }
  /** Delete the connection: the deletion that removed the claim was too early to find it, and is over. */
  | { readonly kind: 'undo' }
  | { readonly kind: 'leave to its adopter'; readonly owner: string };

/** @param isWanted whether the resource still claims the connection, as far as can be read by now */
export function decideBeforeUse({ otherClaims }: Claim, isWanted: boolean, connectionId: string): LastCheck {
  const adopter = otherClaims.find(({ connection }) => connection?.id === connectionId);
  if (adopter !== undefined) {
    return { kind: 'leave to its adopter', owner: adopter.owner };
  }
  return isWanted ? { kind: 'use' } : { kind: 'undo' };
}

/** GameLift's refusals of what this request asks for. */
export interface Refusals {
  readonly count: number;
  /** How often it refused although an authorization was listed. */
  readonly countWhileListed: number;
  /** Milliseconds since the handler began to make or to delete the connection. */
  readonly elapsed: number;
  /** After more refusals than this, the handler gives up. */
  readonly maximum: number;
}

/** What to do after a refusal: an authorization may be missing, and where each use consumes it, other callers may have consumed it. */
export function decideAfterRefusal(
  { count, countWhileListed, elapsed, maximum }: Refusals,
  isListed: 'not asked' | 'yes' | 'no',
): 'authorize' | 'list authorizations' | 'try again' | 'try again later' | 'give up' {
  if (count > maximum) {
    return 'give up';
  }
  if (count === 1 || isListed === 'no') {
    return 'authorize';
  }
  if (isListed === 'not asked') {
    return 'list authorizations';
  }
  if (countWhileListed === 1) {
    return 'try again';
  }
  // permissions in the account of the VPC may not be known everywhere yet
  return elapsed < DENIAL_PATIENCE_MILLISECONDS ? 'try again later' : 'give up';
}

/**
 * Whether GameLift keeps a connection until its fleet is deleted, as it may do with one that it made with the fleet (AWS does not document
 * this).
 *
 * @param refusal why GameLift refused the deletion for the last time, although an authorization was valid; undefined if it accepted it. One
 *   that names an action of EC2 is about a permission that the caller does not have
 */
export function endsWithFleet(peerOnCreate: boolean, refusal: string | undefined): boolean {
  return peerOnCreate && refusal !== undefined && !/\bec2:\w/.test(refusal);
}

/** Everything that decides what a delete does next, as long as the fleet exists. */
export interface DeleteSituation {
  readonly adoptExisting: boolean;
  readonly peerOnCreate: boolean;
  readonly physicalId: PhysicalIdState;
  readonly claim: Claim;
  /** The claim was removed, and everything that a create did before it could notice that can be read by now. */
  readonly hasReleased: boolean;
  /** What EC2 shows; undefined if it was not asked. */
  readonly view: Ec2View | undefined;
  /** The connection that EC2's tags say this resource made. */
  readonly tagged: ClaimedConnection | undefined;
  /** What GameLift lists of the fleet and the VPC; undefined if it was not asked. */
  readonly listed: readonly ListedConnection[] | undefined;
}

export type DeleteStep =
  /** Remove the claim, and wait until a create that is at work has noticed. */
  | { readonly kind: 'release the claim' }
  | { readonly kind: 'ask EC2' }
  | { readonly kind: 'read the list' }
  | { readonly kind: 'leave it'; readonly why: string }
  /** It was adopted, and stays: undo what this resource changed. */
  | { readonly kind: 'undo changes' }
  /** Delete the connection, if there is one, then what led to it. */
  | { readonly kind: 'disconnect'; readonly connection: DeletableConnection | undefined };

export interface DeletableConnection {
  readonly id: string;
  readonly gameLiftVpcId: string | undefined;
  readonly cidrBlock: string | undefined;
}

/** Decides what a delete does next. Without positive evidence that this resource made the connection, it deletes nothing. */
export function decideDelete(situation: DeleteSituation): DeleteStep {
  const { adoptExisting, physicalId, claim, hasReleased } = situation;
  const { isClaimed, connection, peeredBefore, requestId } = claim;
  if (physicalId.kind === 'unfinished' && requestId !== undefined && requestId !== physicalId.requestId) {
    return { kind: 'leave it', why: 'the peering connection is that of a later request' };
  }
  // a create that is at work may have claimed it since
  if (connection === undefined && (!hasReleased || isClaimed)) {
    return { kind: 'release the claim' };
  }
  const adopter = claim.otherClaims.find(hasAdopted);
  if (connection?.adopted === true) {
    // another resource that has adopted it needs it, too
    return adoptExisting || adopter !== undefined ? { kind: 'undo changes' } : { kind: 'disconnect', connection };
  }
  const hasNoted = connection !== undefined || peeredBefore !== undefined;
  const owner = hasNoted ? adopter : claim.otherClaims[0];
  if (owner !== undefined) {
    return { kind: 'leave it', why: `the peering connection belongs to ${describeOwner(owner.owner)}` };
  }
  if (connection !== undefined) {
    return { kind: 'disconnect', connection };
  }
  return peeredBefore === undefined ? decideUnnoted(situation) : decideRequested(peeredBefore, situation);
}

/** Nothing is noted: nothing was requested, or CloudFormation has stripped the fleet of tags that its template does not declare. */
function decideUnnoted({ adoptExisting, peerOnCreate, physicalId, view, tagged, listed }: DeleteSituation): DeleteStep {
  if (view === undefined) {
    return { kind: 'ask EC2' };
  }
  if (tagged !== undefined) {
    return { kind: 'disconnect', connection: tagged };
  }
  // GameLift created the connection together with this stack's fleet, even if no create has noted it yet
  const isMadeWithFleet = peerOnCreate && !adoptExisting && physicalId.kind !== 'nothing done';
  if (physicalId.kind !== 'made' && !isMadeWithFleet) {
    return { kind: 'leave it', why: 'no peering connection was made' };
  }
  if (adoptExisting) {
    return { kind: 'undo changes' };
  }
  if (view.kind === 'shown' && !isMadeWithFleet) {
    return { kind: 'disconnect', connection: undefined };
  }
  if (listed === undefined) {
    return { kind: 'read the list' };
  }
  // There is no note, and EC2 shows no tags of this resource. The evidence is peerOnCreate, or the physical id if EC2 does not answer
  const found = findToDelete(listed, view);
  const isOfOther = found !== undefined && hasOwnerTag(found, view);
  return { kind: 'disconnect', connection: isOfOther ? undefined : found };
}

/** A connection was requested, and none noted. */
function decideRequested(peeredBefore: readonly string[], { claim, view, listed }: DeleteSituation): DeleteStep {
  if (listed === undefined) {
    return { kind: 'read the list' };
  }
  if (view === undefined) {
    return { kind: 'ask EC2' };
  }
  const found = findToDelete(listed, view);
  // one that another resource has noted was not made by this resource's request
  const isOwn =
    found !== undefined &&
    !leadsToOneOf(peeredBefore, found) &&
    !claim.otherClaims.some(({ connection }) => connection?.id === found.id);
  return { kind: 'disconnect', connection: isOwn ? found : undefined };
}

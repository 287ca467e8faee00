import { DENIAL_RETRY_MILLISECONDS } from '../aws/calls';
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
import { findConnectionToDelete } from './watch';

/*
 * Decides what to do next about a connection. Pure functions: they compute the next step from the declaration, what GameLift and EC2
 * have shown, and what this request has done so far. The caller performs the step, records the result, and asks for the next step.
 */

/** Why the resource can't use the connection: it belongs to another resource. */
export interface Conflict {
  readonly what: string;
  readonly remedy: string;
}

/**
 * The conflict with the claims of other resources; undefined if there is none. A resource whose note already names its connection has no
 * conflict.
 */
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
  return connection?.isAdopted === true;
}

/** A connection that GameLift lists and that has not ended, and its owner, according to EC2's tags. */
export interface FoundConnection {
  readonly kind: 'found';
  readonly peering: ListedConnection;
  readonly owner: TaggedOwner;
}

/** What is known about the connection between the fleet and the VPC. */
export type ExistingConnection =
  /** GameLift's list was not read, or may have changed since then. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'none' }
  | FoundConnection
  /** The connection did not become active. */
  | { readonly kind: 'ended'; readonly connection: EndedConnection };

/** The result of this run's latest request for the connection. */
export type RequestState =
  | { readonly kind: 'not made' }
  | { readonly kind: 'accepted' }
  /** GameLift refused the request, perhaps because the authorization is missing. `message` is GameLift's reason. */
  | { readonly kind: 'refused'; readonly message: string };

/** The input of `decide`: everything that determines the next step of a create or update that has claimed the connection. */
export interface Situation {
  /** Declared: the resource uses an existing connection, and leaves it in place when it is deleted. */
  readonly adoptExisting: boolean;
  /** Declared: GameLift creates the connection together with the fleet. This resource owns it, and never requests it. */
  readonly peerOnCreate: boolean;
  /** Whether this resource's tags are missing from the fleet, although the resource's physical id says that it created the connection. */
  readonly hasLostTags: boolean;
  readonly claim: Claim;
  readonly existing: ExistingConnection;
  readonly request: RequestState;
  /** Whether a request of this resource may have taken effect: GameLift accepted it or sent no response, or an earlier run made it. */
  readonly mayHaveRequested: boolean;
  /** Whether this run has waited for the note of another run of the same request, and found none. */
  readonly hasWaitedForNote: boolean;
}

export type Step =
  | { readonly kind: 'read the list' }
  /** Note which VPCs are peered (unless noted before), then request the connection. */
  | { readonly kind: 'request' }
  /** GameLift has refused the request, or the connection has ended. Authorize before the next request, or give up. */
  | { readonly kind: 'prepare a retry'; readonly message: string }
  | { readonly kind: 'wait until active' }
  /**
   * Another run of the same request may have created the connection. Wait for the note of that run. `existedBefore`: it is not certain that
   * the connection is newer than this run's note of its own request.
   */
  | { readonly kind: 'wait for a note'; readonly peering: ListedConnection; readonly existedBefore: boolean }
  /**
   * Use the active connection. If `mustNoteCreation`, this run, an earlier run, or GameLift (with the fleet) created the connection for this
   * resource, but the note does not say so yet. Check the claim again, then write the note.
   */
  | {
      readonly kind: 'use';
      readonly peering: ListedConnection;
      readonly origin: 'created' | 'adopted';
      readonly mustNoteCreation: boolean;
    }
  | { readonly kind: 'fail'; readonly why: Failure };

export type Failure =
  | { readonly kind: 'conflict'; readonly conflict: Conflict }
  | { readonly kind: 'exists already'; readonly found: FoundConnection }
  /** A delete has removed the claim. `found` is the connection that GameLift lists, if any. */
  | { readonly kind: 'claim removed'; readonly found: FoundConnection | undefined }
  | { readonly kind: 'ended'; readonly connection: EndedConnection };

/** Decides what a create or an update does next. */
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
      return peerOnCreate ? { kind: 'read the list' } : decideBeforeListing(claim, request);
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

/** Reading GameLift's list takes ten seconds, so it is read only if a connection is likely to exist. */
function decideBeforeListing({ connection, peeredBefore, otherClaims }: Claim, request: RequestState): Step {
  if (request.kind === 'accepted') {
    return { kind: 'wait until active' };
  }
  const isConnectionLikely = connection !== undefined || peeredBefore !== undefined || otherClaims.length > 0;
  return isConnectionLikely ? { kind: 'read the list' } : { kind: 'request' };
}

/** Decides what to do about a connection that GameLift lists and that has not ended. */
function decideFound(situation: Situation, found: FoundConnection): Step {
  const { peering, owner } = found;
  const { adoptExisting, peerOnCreate, hasLostTags, claim, mayHaveRequested, hasWaitedForNote } = situation;
  const { connection, peeredBefore } = claim;
  const use = (origin: 'created' | 'adopted', { mustNoteCreation } = { mustNoteCreation: false }): Step =>
    peering.status === 'active' ? { kind: 'use', peering, origin, mustNoteCreation } : { kind: 'wait until active' };
  if (connection !== undefined) {
    return use(connection.isAdopted ? 'adopted' : 'created');
  }
  const isNew = peeredBefore !== undefined && !isPeeredWithOneOf(peeredBefore, peering);
  if (isNew && mayHaveRequested) {
    return use('created', { mustNoteCreation: true });
  }
  if (owner.kind === 'this resource') {
    return use('created');
  }
  if (hasLostTags) {
    return use(adoptExisting ? 'adopted' : 'created');
  }
  if (peerOnCreate && !adoptExisting && owner.kind !== 'another resource') {
    // GameLift created the connection together with the fleet, and no other resource owns it
    return use('created', { mustNoteCreation: true });
  }
  // another run of the same request can't have created a connection that existed before the request was noted
  const mayBeFromAnotherRun = peeredBefore === undefined || isNew;
  if (mayBeFromAnotherRun && !hasWaitedForNote) {
    return { kind: 'wait for a note', peering, existedBefore: !isNew };
  }
  return adoptExisting ? use('adopted') : { kind: 'fail', why: { kind: 'exists already', found } };
}

function isPeeredWithOneOf(vpcIds: readonly string[], { gameLiftVpcId }: ListedConnection): boolean {
  return vpcIds.includes(gameLiftVpcId ?? '');
}

/** The result of checking the claim after the connection became active. */
export type FinalCheck =
  | { readonly kind: 'use' }
  /** Delete the connection. The delete request that removed the claim ended before the connection existed, so nothing else deletes it. */
  | { readonly kind: 'undo' }
  | { readonly kind: 'leave to its adopter'; readonly owner: string };

/** @param isStillClaimed false if a read shows that a delete has removed the claim */
export function decideBeforeUse({ otherClaims }: Claim, isStillClaimed: boolean, connectionId: string): FinalCheck {
  const adopter = otherClaims.find(({ connection }) => connection?.id === connectionId);
  if (adopter !== undefined) {
    return { kind: 'leave to its adopter', owner: adopter.owner };
  }
  return isStillClaimed ? { kind: 'use' } : { kind: 'undo' };
}

/** The refusals of one call so far. */
export interface Refusals {
  /** How often GameLift has refused the call. */
  readonly count: number;
  /** After how many of these refusals GameLift listed an authorization. */
  readonly countWhileAuthorized: number;
  /** Milliseconds since the handler began to create or delete the connection. */
  readonly elapsed: number;
  /** The handler gives up after more refusals than this. */
  readonly maximum: number;
}

/** Decides what to do after a refusal. Perhaps the authorization is missing, because another caller has consumed it. */
export function decideAfterRefusal(
  { count, countWhileAuthorized, elapsed, maximum }: Refusals,
  authorization: 'not checked' | 'listed' | 'not listed',
): 'authorize' | 'list authorizations' | 'try again' | 'try again later' | 'give up' {
  if (count > maximum) {
    return 'give up';
  }
  if (count === 1 || authorization === 'not listed') {
    return 'authorize';
  }
  if (authorization === 'not checked') {
    return 'list authorizations';
  }
  // another caller may have created the listed authorization after the refusal
  if (countWhileAuthorized === 1) {
    return 'try again';
  }
  // new permissions in the account of the VPC may not have reached all of AWS yet
  return elapsed < DENIAL_RETRY_MILLISECONDS ? 'try again later' : 'give up';
}

/**
 * Whether GameLift keeps a connection until its fleet is deleted. It may do so with connections that it created together with the fleet
 * (AWS does not document this).
 *
 * @param refusal the message with which GameLift last refused to delete the connection while an authorization was valid; undefined if
 *   GameLift accepted the deletion. If the message names an action of EC2, the caller lacks a permission, so the function returns false
 */
export function isKeptUntilFleetIsDeleted(peerOnCreate: boolean, refusal: string | undefined): boolean {
  return peerOnCreate && refusal !== undefined && !/\bec2:\w/.test(refusal);
}

/** The input of `decideDelete`: everything that determines the next step of a delete while the fleet exists. */
export interface DeleteSituation {
  readonly adoptExisting: boolean;
  readonly peerOnCreate: boolean;
  readonly physicalId: PhysicalIdState;
  readonly claim: Claim;
  /** Whether this run has removed the claim, and has then waited until a running create has noticed that. */
  readonly hasReleased: boolean;
  /** What EC2 shows; undefined if EC2 was not read. */
  readonly view: Ec2View | undefined;
  /** The connection that this resource created, according to EC2's tags. */
  readonly tagged: ClaimedConnection | undefined;
  /** GameLift's list of connections between the fleet and the VPC; undefined if it was not read. */
  readonly listed: readonly ListedConnection[] | undefined;
}

export type DeleteStep =
  /** Remove the claim, and wait until a running create has noticed that. */
  | { readonly kind: 'release the claim' }
  | { readonly kind: 'read EC2' }
  | { readonly kind: 'read the list' }
  | { readonly kind: 'leave it'; readonly why: string }
  /** The connection was adopted. Undo the changes of this resource to it. */
  | { readonly kind: 'undo changes' }
  /** Delete the connection, if there is one, then the routes to it. */
  | { readonly kind: 'disconnect'; readonly connection: DeletableConnection | undefined };

export interface DeletableConnection {
  readonly id: string;
  readonly gameLiftVpcId: string | undefined;
  readonly cidrBlock: string | undefined;
}

/** Decides what a delete does next. It deletes a connection only if there is evidence that this resource created it. */
export function decideDelete(situation: DeleteSituation): DeleteStep {
  const { adoptExisting, physicalId, claim, hasReleased } = situation;
  const { isClaimed, connection, peeredBefore, requestId } = claim;
  if (physicalId.kind === 'unfinished' && requestId !== undefined && requestId !== physicalId.requestId) {
    return { kind: 'leave it', why: 'the peering connection belongs to a later request' };
  }
  // a running create may have claimed the connection again
  if (connection === undefined && (!hasReleased || isClaimed)) {
    return { kind: 'release the claim' };
  }
  const adopter = claim.otherClaims.find(hasAdopted);
  if (connection?.isAdopted === true) {
    // delete an adopted connection only if adoptExisting is no longer declared, and no other resource has adopted the connection
    return adoptExisting || adopter !== undefined ? { kind: 'undo changes' } : { kind: 'disconnect', connection };
  }
  const hasNote = connection !== undefined || peeredBefore !== undefined;
  // without a note, any other claim may be that of the owner
  const otherUser = hasNote ? adopter : claim.otherClaims[0];
  if (otherUser !== undefined) {
    return { kind: 'leave it', why: `the peering connection belongs to ${describeOwner(otherUser.owner)}` };
  }
  if (connection !== undefined) {
    return { kind: 'disconnect', connection };
  }
  return peeredBefore === undefined ? decideWithoutNote(situation) : decideAfterRequest(peeredBefore, situation);
}

/**
 * Decides what a delete does if there is no note. Either nothing was requested, or an update of the fleet has removed the note:
 * CloudFormation removes tags that the template does not declare.
 */
function decideWithoutNote({ adoptExisting, peerOnCreate, physicalId, view, tagged, listed }: DeleteSituation): DeleteStep {
  if (view === undefined) {
    return { kind: 'read EC2' };
  }
  if (tagged !== undefined) {
    return { kind: 'disconnect', connection: tagged };
  }
  // GameLift created the connection together with this stack's fleet, even if no create has noted it yet
  const isCreatedWithFleet = peerOnCreate && !adoptExisting && physicalId.kind !== 'nothing done';
  if (physicalId.kind !== 'created' && !isCreatedWithFleet) {
    return { kind: 'leave it', why: 'no peering connection was created' };
  }
  if (adoptExisting) {
    return { kind: 'undo changes' };
  }
  if (view.kind === 'shown' && !isCreatedWithFleet) {
    // EC2 would show the connection of this resource with tags, so the connection is gone: only routes to it may be left
    return { kind: 'disconnect', connection: undefined };
  }
  if (listed === undefined) {
    return { kind: 'read the list' };
  }
  // there is neither a note nor a tag in EC2: the evidence is peerOnCreate or, if EC2 can't be read, the physical id
  const found = findConnectionToDelete(listed, view);
  const hasOtherOwner = found !== undefined && hasOwnerTag(found, view);
  return { kind: 'disconnect', connection: hasOtherOwner ? undefined : found };
}

/** Decides what a delete does if the note says that a connection was requested, but does not contain the id of the connection. */
function decideAfterRequest(peeredBefore: readonly string[], { claim, view, listed }: DeleteSituation): DeleteStep {
  if (listed === undefined) {
    return { kind: 'read the list' };
  }
  if (view === undefined) {
    return { kind: 'read EC2' };
  }
  const found = findConnectionToDelete(listed, view);
  // if another resource has noted the connection, this resource did not create it
  const isOwn =
    found !== undefined &&
    !isPeeredWithOneOf(peeredBefore, found) &&
    !claim.otherClaims.some(({ connection }) => connection?.id === found.id);
  return { kind: 'disconnect', connection: isOwn ? found : undefined };
}

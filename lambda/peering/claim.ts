import { createHash } from 'node:crypto';
import type { Requester } from '../cloudformation/request';
import type { Tags } from '../aws/api';
import { TAG_PREFIX } from '../../lib/contract';
import type { ClaimedConnection } from '../model/connection';

/*
 * Tags on the fleet say which resource owns a connection, because GameLift's connections have no tags. Each resource writes two tags of
 * its own for each VPC, and never changes those of another resource:
 *
 *   cdk-gamelift-vpc-peering:<VPC>:<hash of owner>              the claim: this resource wants the connection with the VPC
 *   cdk-gamelift-vpc-peering:<VPC>:<hash of owner>:connection   the note: what the resource knows about the connection
 *
 * A resource writes its claim before it requests the connection. When it is deleted, it removes the claim first. Two VPCs can have only one
 * connection, so a resource that finds the claim of another resource withdraws its own, unless it adopts the connection.
 */

/** The value of a tag has at most 256 characters. A claim needs 37 of them for a space and the id of a request. */
const MAX_OWNER_LENGTH = 256 - 37;

/**
 * The owner of a connection, in readable form: name of the stack, logical id, and unique part of the stack's id. If that is too long for a
 * tag, a digest replaces the logical id.
 */
export function ownerOf({ stackId, logicalResourceId }: Requester): string {
  const [, stackName = '', guid = ''] = stackId.split('/');
  const owner = `${stackName}/${logicalResourceId}/${guid}`;
  return owner.length <= MAX_OWNER_LENGTH ? owner : `${stackName}/${sha256(logicalResourceId).slice(0, 32)}/${guid}`;
}

/** Describes an owner in an error message. If somebody has edited the tag by hand, parts of the owner may be missing. */
export function describeOwner(owner: string): string {
  const [stackName = '', logicalId = '', guid = ''] = owner.split('/');
  return [stackName, logicalId, guid].includes('')
    ? `an unknown resource (its tag says "${owner}")`
    : `resource ${logicalId} of stack ${stackName} (${guid})`;
}

/** The content of a note. */
export interface Note {
  /** The connection that the resource uses. Undefined until it is active. */
  readonly connection: ClaimedConnection | undefined;
  /**
   * The VPCs that were peered with the peer VPC before this resource requested the connection, except those of other fleets. If the fleet's
   * VPC is among them, the request did not create the connection. Undefined before the request, and once `connection` is set.
   */
  readonly peeredBefore: readonly string[] | undefined;
  /** The digest (`ConnectionUpdate.digest`) of an update that failed because the connection was gone and can't be created again. */
  readonly failedUpdate?: string | undefined;
}

/** The claim of another resource on the connection of the same fleet and VPC. */
export interface OtherClaim {
  readonly owner: string;
  /** The keys of its claim and its note. */
  readonly keys: readonly string[];
  readonly connection: ClaimedConnection | undefined;
}

/** What the fleet's tags say, for one resource: its own claim and note, and the claims of other resources. */
export interface Claim extends Note {
  /** Whether the claim of this resource exists. While the resource is being deleted, only its note is left. */
  readonly isClaimed: boolean;
  /** The id of the CloudFormation request that wrote the note or, without a note, the claim. */
  readonly requestId: string | undefined;
  readonly otherClaims: readonly OtherClaim[];
}

/** The maximum number of VPCs in a note, so that it fits into a tag. */
export const MAX_PEERED_BEFORE = 9;

/** The keys of one resource's tags for one VPC. */
export class ClaimKeys {
  readonly claim: string;
  readonly note: string;
  private readonly prefix: string;

  constructor(peerVpcId: string, owner: string) {
    this.prefix = `${TAG_PREFIX}${peerVpcId}:`;
    this.claim = `${this.prefix}${sha256(owner).slice(0, 16)}`;
    this.note = noteKey(this.claim);
  }

  get all(): readonly string[] {
    return [this.claim, this.note];
  }

  isOtherClaim(key: string): boolean {
    return key.startsWith(this.prefix) && key !== this.claim && !key.endsWith(NOTE_SUFFIX);
  }
}

export function parseClaim(tags: Tags, keys: ClaimKeys): Claim {
  const claimTag = tags[keys.claim];
  const noteTag = tags[keys.note];
  const others = Object.entries(tags).filter(([key]) => keys.isOtherClaim(key));
  return {
    ...parseNote(noteTag),
    isClaimed: claimTag !== undefined,
    requestId: noteTag === undefined ? claimTag?.split(' ')[1] : requestIdOf(noteTag),
    otherClaims: others.map(([key, value]) => ({
      owner: value.split(' ')[0] ?? '',
      keys: [key, noteKey(key)],
      connection: parseNote(tags[noteKey(key)]).connection,
    })),
  };
}

const NOTE_SUFFIX = ':connection';

function noteKey(claimKey: string): string {
  return `${claimKey}${NOTE_SUFFIX}`;
}

/** The first word of a note that was written before the connection was requested. */
const REQUESTED = 'requested';

/**
 * The value of the note's tag:
 *
 *   before the connection is active   requested <request id> <VPCs in `peeredBefore`>
 *   after that                        <id> <fleet's VPC> <CIDR block> created|adopted <request id> [<digest of a failed update>]
 */
export function formatNote({ connection, peeredBefore = [], failedUpdate }: Note, requestId: string): string {
  if (connection === undefined) {
    return [REQUESTED, requestId, ...peeredBefore].join(' ');
  }
  const { id, gameLiftVpcId, cidrBlock, isAdopted } = connection;
  const words = [id, gameLiftVpcId, cidrBlock, isAdopted ? 'adopted' : 'created', requestId];
  return [...words, ...(failedUpdate === undefined ? [] : [failedUpdate])].join(' ');
}

function parseNote(note: string | undefined): Note {
  if (note === undefined) {
    return { connection: undefined, peeredBefore: undefined };
  }
  const [firstWord = '', ...words] = note.split(' ');
  const [gameLiftVpcId, cidrBlock, origin, , failedUpdate] = words;
  if (firstWord === REQUESTED || gameLiftVpcId === undefined || cidrBlock === undefined) {
    return { connection: undefined, peeredBefore: words.slice(1) };
  }
  return {
    connection: { id: firstWord, gameLiftVpcId, cidrBlock, isAdopted: origin === 'adopted' },
    peeredBefore: undefined,
    failedUpdate,
  };
}

function requestIdOf(note: string): string | undefined {
  const words = note.split(' ');
  return words[0] === REQUESTED ? words[1] : words[4];
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

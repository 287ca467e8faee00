import { createHash } from 'node:crypto';
import type { Requester } from '../cloudformation/request';
import type { Tags } from '../aws/api';
import { TAG_PREFIX } from '../../lib/contract';

/*
 * The tags on a fleet that say which resource a connection belongs to. GameLift's own records of connections have no tags, and a pair of
 * VPCs has one connection. Each resource writes two tags of its own for each VPC, and never changes another's:
 *
 *   cdk-gamelift-vpc-peering:<VPC>:<hash of owner>              the claim: the resource wants the connection
 *   cdk-gamelift-vpc-peering:<VPC>:<hash of owner>:connection   the note: what came of it
 *
 * The claim is written before the connection is requested, and removed first when the resource is deleted.
 */

/** The longest value of a tag, without the id of a request and the space before it. */
const MAX_OWNER_LENGTH = 256 - 37;

/** The owner of a connection, readable for people: stack, logical id, and the stack's own id. */
export function ownerOf({ stackId, logicalResourceId }: Requester): string {
  const [, stackName = '', guid = ''] = stackId.split('/');
  const owner = `${stackName}/${logicalResourceId}/${guid}`;
  return owner.length <= MAX_OWNER_LENGTH ? owner : `${stackName}/${sha256(logicalResourceId).slice(0, 32)}/${guid}`;
}

/** The connection that a resource has made or adopted. */
export interface ClaimedConnection {
  readonly id: string;
  readonly gameLiftVpcId: string;
  readonly cidrBlock: string;
  /** It was there before. It is used, and left in place. */
  readonly adopted: boolean;
}

export interface Note {
  readonly connection: ClaimedConnection | undefined;
  /**
   * The VPCs that were peered with the peer VPC before this resource requested the connection, except those of other fleets: a
   * connection to one of them was not made by the request. Undefined before the request, and once a connection is noted.
   */
  readonly peeredBefore: readonly string[] | undefined;
}

/** What another resource has claimed of the same pair. */
export interface OtherClaim {
  readonly owner: string;
  /** The keys of its tags. */
  readonly keys: readonly string[];
  readonly connection: ClaimedConnection | undefined;
}

/** What the tags say, from the view of one resource. */
export interface Claim extends Note {
  /** Whether this resource wants the connection. While it is being deleted, only its note is left. */
  readonly isClaimed: boolean;
  /** The request of CloudFormation that wrote the note or, without a note, the claim. */
  readonly requestId: string | undefined;
  readonly otherClaims: readonly OtherClaim[];
}

/** As many VPCs as a tag has room for. */
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
  const claimedBy = tags[keys.claim];
  const noted = tags[keys.note];
  const others = Object.entries(tags).filter(([key]) => keys.isOtherClaim(key));
  return {
    ...parseNote(noted),
    isClaimed: claimedBy !== undefined,
    requestId: noted === undefined ? claimedBy?.split(' ')[1] : requestIdOf(noted),
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

/** The first word of the note of a connection that is being requested. */
const REQUESTED = 'requested';

export function formatNote({ connection, peeredBefore = [] }: Note, requestId: string): string {
  if (connection === undefined) {
    return [REQUESTED, requestId, ...peeredBefore].join(' ');
  }
  const { id, gameLiftVpcId, cidrBlock, adopted } = connection;
  return [id, gameLiftVpcId, cidrBlock, adopted ? 'adopted' : 'created', requestId].join(' ');
}

function parseNote(note: string | undefined): Note {
  if (note === undefined) {
    return { connection: undefined, peeredBefore: undefined };
  }
  const [first = '', ...words] = note.split(' ');
  const [gameLiftVpcId, cidrBlock, origin] = words;
  if (first === REQUESTED || gameLiftVpcId === undefined || cidrBlock === undefined) {
    return { connection: undefined, peeredBefore: words.slice(1) };
  }
  return { connection: { id: first, gameLiftVpcId, cidrBlock, adopted: origin === 'adopted' }, peeredBefore: undefined };
}

function requestIdOf(note: string): string | undefined {
  const words = note.split(' ');
  return words[0] === REQUESTED ? words[1] : words[4];
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

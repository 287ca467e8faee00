import { createHash } from 'node:crypto';
import { TAG_PREFIX } from '../../lib/contract';
import type { GameLiftApi } from '../aws/api';
import type { Calls } from '../aws/calls';
import type { Requester } from '../cloudformation/request';

/*
 * GameLift's records of connections have no tags, and a pair of VPCs has one connection. Whose it is stands on the fleet.
 * Each resource writes tags of its own and never changes another's: one that says that it wants the connection, written
 * before the connection is requested and removed first when it is deleted, and a note of what came of it.
 */

type TagApi = Pick<GameLiftApi, 'listFleetTags' | 'tagFleet' | 'untagFleet'>;

/** What a tag's value has room for, beside the id of a request. */
const MAX_OWNER = 256 - 37;

/** Who made a connection, readable for people: stack, logical id, and the stack's own id. */
export function ownerOf({ stackId, logicalResourceId }: Requester): string {
  const [, stackName = '', guid = ''] = stackId.split('/');
  const owner = `${stackName}/${logicalResourceId}/${guid}`;
  if (owner.length <= MAX_OWNER) {
    return owner;
  }
  return `${stackName}/${createHash('sha256').update(logicalResourceId).digest('hex').slice(0, 32)}/${guid}`;
}

/** What a claimed connection came to. */
export interface ClaimedConnection {
  readonly id: string;
  readonly gameLiftVpcId: string;
  readonly cidrBlock: string;
  /** It was there before: used, and left in place. */
  readonly adopted: boolean;
}

interface Note {
  readonly connection: ClaimedConnection | undefined;
  /**
   * Once a connection is being requested, and as long as none is noted: the VPCs that the peer VPC was peered with before, but
   * for those of other fleets. What connects the fleet's VPC, if it is one of them, was there before.
   */
  readonly others: readonly string[] | undefined;
  /** The request of CloudFormation that noted this. */
  readonly requestId: string | undefined;
}

/** What another resource has claimed of the same pair. */
interface OtherClaim {
  readonly key: string;
  readonly owner: string;
  readonly connection: ClaimedConnection | undefined;
}

/** What the fleet's tags say of the connection, from the view of one resource. */
export interface Claim extends Note {
  /** Whether this resource wants the connection. Once it is being deleted, only the note is left. */
  readonly isClaimed: boolean;
  readonly otherClaims: readonly OtherClaim[];
}

const NO_NOTE: Note = { connection: undefined, others: undefined, requestId: undefined };

/** As many VPCs as there is room for in a tag. */
export const MAX_OTHERS = 9;

/** The claims on the connection between a fleet and one VPC, as one resource reads and writes them. */
export class Claims {
  private readonly prefix: string;
  private readonly key: string;
  /** When this run claimed; undefined if it did not. */
  private claimedAt: number | undefined;

  constructor(
    private readonly fleetArn: string,
    peerVpcId: string,
    private readonly owner: string,
    /** Of the request on whose behalf claims are written. */
    private readonly requestId: string,
    private readonly api: TagApi,
    private readonly calls: Calls,
  ) {
    this.prefix = `${TAG_PREFIX}${peerVpcId}:`;
    this.key = `${this.prefix}${createHash('sha256').update(owner).digest('hex').slice(0, 16)}`;
  }

  async read(): Promise<Claim> {
    const tags = await this.calls.make('ListTagsForResource', (signal) => this.api.listFleetTags(this.fleetArn, signal));
    const own = tags[this.key];
    const note = tags[noteKey(this.key)];
    const isOthers = (key: string): boolean => key.startsWith(this.prefix) && key !== this.key && !isNoteKey(key);
    return {
      ...(note === undefined ? { ...NO_NOTE, requestId: own?.split(' ')[1] } : parseNote(note)),
      isClaimed: own !== undefined,
      otherClaims: Object.entries(tags)
        .filter(([key]) => isOthers(key))
        .map(([key, value]) => ({
          key,
          owner: value.split(' ')[0] ?? '',
          connection: parseNote(tags[noteKey(key)]).connection,
        })),
    };
  }

  /** Whether the resource still wants the connection. A claim of a moment ago may not be readable yet. */
  isWanted({ isClaimed }: Claim): boolean {
    return isClaimed || (this.claimedAt !== undefined && !this.calls.isReadable(this.claimedAt));
  }

  /** Says that this resource wants the connection. */
  async claim(): Promise<void> {
    await this.tag({ [this.key]: `${this.owner} ${this.requestId}` });
    this.claimedAt = this.calls.now();
  }

  /**
   * Notes that the connection is about to be requested.
   *
   * @param others at most MAX_OTHERS
   */
  async noteRequest(others: readonly string[]): Promise<void> {
    await this.note({ connection: undefined, others });
  }

  async noteConnection(connection: ClaimedConnection): Promise<void> {
    await this.note({ connection, others: undefined });
  }

  /** Says that this resource no longer wants the connection: a create that is at work reads it, and undoes what it made. */
  async release(): Promise<void> {
    await this.untag([this.key]);
  }

  /** @param deleted what connection was deleted: nobody's claim on it means anything any more */
  async remove({ otherClaims }: Claim, deleted: string | undefined): Promise<void> {
    const stale = otherClaims.filter(({ connection }) => deleted !== undefined && connection?.id === deleted);
    await this.untag([this.key, ...stale.map(({ key }) => key)].flatMap((key) => [key, noteKey(key)]));
  }

  private async note(note: Omit<Note, 'requestId'>): Promise<void> {
    await this.tag({ [noteKey(this.key)]: formatNote({ ...note, requestId: this.requestId }) });
  }

  private async tag(tags: Readonly<Record<string, string>>): Promise<void> {
    await this.calls.make('TagResource', (signal) => this.api.tagFleet(this.fleetArn, tags, signal));
  }

  private async untag(keys: readonly string[]): Promise<void> {
    await this.calls.make('UntagResource', (signal) => this.api.untagFleet(this.fleetArn, keys, signal));
  }
}

const NOTE_SUFFIX = ':connection';

function noteKey(key: string): string {
  return `${key}${NOTE_SUFFIX}`;
}

function isNoteKey(key: string): boolean {
  return key.endsWith(NOTE_SUFFIX);
}

/** Begins the note of a connection that is not there yet. */
const REQUESTED = 'requested';

function formatNote({ connection, others = [], requestId = '' }: Note): string {
  if (connection === undefined) {
    return [REQUESTED, requestId, ...others].join(' ');
  }
  const { id, gameLiftVpcId, cidrBlock, adopted } = connection;
  return [id, gameLiftVpcId, cidrBlock, adopted ? 'adopted' : 'created', requestId].join(' ');
}

function parseNote(note = REQUESTED): Note {
  const [first = '', ...words] = note.split(' ');
  const [gameLiftVpcId, cidrBlock, origin, requestId] = words;
  if (first === REQUESTED || gameLiftVpcId === undefined || cidrBlock === undefined || origin === undefined) {
    return { connection: undefined, others: words.slice(1), requestId: words[0] };
  }
  return { connection: { id: first, gameLiftVpcId, cidrBlock, adopted: origin === 'adopted' }, others: undefined, requestId };
}

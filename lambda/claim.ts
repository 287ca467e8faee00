import { createHash } from 'node:crypto';
import { TAG_PREFIX } from '../lib/contract';
import type { Calls } from './calls';
import type { Addressee } from './cloudformation';

/*
 * GameLift's records of connections have no tags, and a pair of VPCs has one connection. Whose it is stands on the fleet:
 * one tag for the owner, which is written before the connection is requested, and one for what came of it.
 */

/** The tags of fleets; as fast as anyone could want, unlike the peering operations. */
export interface TagApi {
  listFleetTags(fleetArn: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  tagFleet(fleetArn: string, tags: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>;
  untagFleet(fleetArn: string, keys: readonly string[], signal: AbortSignal): Promise<void>;
}

const MAX_TAG_VALUE = 256;

/** Who made a connection, readable for people: stack, logical id, and the stack's own id. */
export function ownerOf({ stackId, logicalResourceId }: Addressee): string {
  const [, stackName = '', guid = ''] = stackId.split('/');
  const owner = `${stackName}/${logicalResourceId}/${guid}`;
  if (owner.length <= MAX_TAG_VALUE) {
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

interface Holder {
  readonly owner: string | undefined;
  readonly connection: ClaimedConnection | undefined;
  /**
   * Once a connection is being requested, and as long as none is noted: the VPCs that the peer VPC was peered with before, but
   * for those of other fleets. What connects the fleet's VPC, if it is one of them, was there before.
   */
  readonly others: readonly string[] | undefined;
  /** The request of CloudFormation that noted this. */
  readonly requestId: string | undefined;
}

export interface Claim extends Holder {
  /** Whose it was before it was adopted. */
  readonly before?: Holder;
}

const NO_CLAIM: Claim = { owner: undefined, connection: undefined, others: undefined, requestId: undefined };

/** As many VPCs as there is room for in a tag. */
export const MAX_OTHERS = 9;

/** The claim on the connection between a fleet and one VPC. */
export class Claims {
  private readonly ownerKey: string;
  private readonly connectionKey: string;
  private readonly beforeKey: string;
  private readonly beforeConnectionKey: string;

  constructor(
    private readonly fleetArn: string,
    peerVpcId: string,
    /** Of the request on whose behalf claims are written. */
    private readonly requestId: string,
    private readonly api: TagApi,
    private readonly calls: Calls,
  ) {
    this.ownerKey = `${TAG_PREFIX}${peerVpcId}`;
    this.connectionKey = `${TAG_PREFIX}${peerVpcId}:connection`;
    this.beforeKey = `${TAG_PREFIX}${peerVpcId}:before`;
    this.beforeConnectionKey = `${TAG_PREFIX}${peerVpcId}:before:connection`;
  }

  async read(): Promise<Claim> {
    const tags = await this.calls.make('ListTagsForResource', (signal) => this.api.listFleetTags(this.fleetArn, signal));
    const owner = tags[this.ownerKey];
    if (owner === undefined) {
      return NO_CLAIM;
    }
    const before = tags[this.beforeKey];
    return {
      owner,
      ...parseNote(tags[this.connectionKey]),
      ...(before === undefined ? {} : { before: { owner: before, ...parseNote(tags[this.beforeConnectionKey]) } }),
    };
  }

  /** Claims a connection of which it is not known yet whether there is one: a deletion that comes now takes the claim away. */
  async look(owner: string): Promise<void> {
    await this.tag({ [this.ownerKey]: owner, [this.connectionKey]: [LOOKING, this.requestId].join(' ') });
  }

  /**
   * Claims a connection that is about to be requested.
   *
   * @param others at most MAX_OTHERS
   */
  async request(owner: string, others: readonly string[]): Promise<void> {
    await this.tag({
      [this.ownerKey]: owner,
      [this.connectionKey]: formatNote({ connection: undefined, others, requestId: this.requestId }),
    });
  }

  /** Writes down whose it was before, where it is another's, and then claims it. */
  async adopt(owner: string, connection: ClaimedConnection, from: Claim): Promise<void> {
    if (from.owner !== undefined && from.owner !== owner) {
      await this.tag({ [this.beforeKey]: from.owner, [this.beforeConnectionKey]: formatNote(from) });
    }
    await this.tag({
      [this.ownerKey]: owner,
      [this.connectionKey]: formatNote({ connection, others: undefined, requestId: this.requestId }),
    });
  }

  /** Leaves it to whom it was before it was adopted, or to nobody. */
  async giveBack({ before }: Claim): Promise<void> {
    if (before?.owner === undefined) {
      await this.remove();
      return;
    }
    await this.tag({ [this.ownerKey]: before.owner, [this.connectionKey]: formatNote(before) });
    await this.untag([this.beforeKey, this.beforeConnectionKey]);
  }

  async remove(): Promise<void> {
    await this.untag([this.ownerKey, this.connectionKey, this.beforeKey, this.beforeConnectionKey]);
  }

  private async tag(tags: Readonly<Record<string, string>>): Promise<void> {
    await this.calls.make('TagResource', (signal) => this.api.tagFleet(this.fleetArn, tags, signal));
  }

  private async untag(keys: readonly string[]): Promise<void> {
    await this.calls.make('UntagResource', (signal) => this.api.untagFleet(this.fleetArn, keys, signal));
  }
}

/** Begins the note of a claim for which nothing was requested yet. */
const LOOKING = 'looking';

/** Begins the note of a connection that is not there yet. */
const REQUESTED = 'requested';

function formatNote({ connection, others = [], requestId = '' }: Omit<Holder, 'owner'>): string {
  if (connection === undefined) {
    return [REQUESTED, requestId, ...others].join(' ');
  }
  const { id, gameLiftVpcId, cidrBlock, adopted } = connection;
  return [id, gameLiftVpcId, cidrBlock, adopted ? 'adopted' : 'created', requestId].join(' ');
}

function parseNote(note = REQUESTED): Omit<Holder, 'owner'> {
  const [first = '', ...words] = note.split(' ');
  const [gameLiftVpcId, cidrBlock, origin, requestId] = words;
  if (first === LOOKING) {
    return { connection: undefined, others: undefined, requestId: words[0] };
  }
  if (first === REQUESTED || gameLiftVpcId === undefined || cidrBlock === undefined || origin === undefined) {
    return { connection: undefined, others: words.slice(1), requestId: words[0] };
  }
  return { connection: { id: first, gameLiftVpcId, cidrBlock, adopted: origin === 'adopted' }, others: undefined, requestId };
}

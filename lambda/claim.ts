import { createHash } from 'node:crypto';
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

const PREFIX = 'cdk-gamelift-vpc-peering';
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
}

export interface Claim extends Holder {
  /** Whose it was before it was adopted. */
  readonly before?: Holder;
}

const NO_CLAIM: Claim = { owner: undefined, connection: undefined };

/** The claim on the connection between a fleet and one VPC. */
export class Claims {
  private readonly ownerKey: string;
  private readonly connectionKey: string;
  private readonly beforeKey: string;
  private readonly beforeConnectionKey: string;

  constructor(
    private readonly fleetArn: string,
    peerVpcId: string,
    private readonly api: TagApi,
    private readonly calls: Calls,
  ) {
    this.ownerKey = `${PREFIX}:${peerVpcId}`;
    this.connectionKey = `${PREFIX}:${peerVpcId}:connection`;
    this.beforeKey = `${PREFIX}:${peerVpcId}:before`;
    this.beforeConnectionKey = `${PREFIX}:${peerVpcId}:before:connection`;
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
      connection: parseConnection(tags[this.connectionKey]),
      ...(before === undefined ? {} : { before: { owner: before, connection: parseConnection(tags[this.beforeConnectionKey]) } }),
    };
  }

  async write(owner: string, connection?: ClaimedConnection): Promise<void> {
    await this.tag({
      [this.ownerKey]: owner,
      ...(connection === undefined ? {} : { [this.connectionKey]: formatConnection(connection) }),
    });
  }

  /** Writes down whose it was before, where it is another's, and then claims it. */
  async adopt(owner: string, connection: ClaimedConnection, from: Claim): Promise<void> {
    if (from.owner !== undefined && from.owner !== owner) {
      await this.tag({
        [this.beforeKey]: from.owner,
        ...(from.connection === undefined ? {} : { [this.beforeConnectionKey]: formatConnection(from.connection) }),
      });
    }
    await this.write(owner, connection);
  }

  /** Leaves it to whom it was before it was adopted, or to nobody. */
  async giveBack({ before }: Claim): Promise<void> {
    if (before?.owner === undefined) {
      await this.remove();
      return;
    }
    await this.write(before.owner, before.connection);
    await this.untag([
      ...(before.connection === undefined ? [this.connectionKey] : []),
      this.beforeKey,
      this.beforeConnectionKey,
    ]);
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

function formatConnection({ id, gameLiftVpcId, cidrBlock, adopted }: ClaimedConnection): string {
  return [id, gameLiftVpcId, cidrBlock, adopted ? 'adopted' : 'created'].join(' ');
}

function parseConnection(value: string | undefined): ClaimedConnection | undefined {
  const [id, gameLiftVpcId, cidrBlock, origin] = (value ?? '').split(' ');
  return id === undefined || gameLiftVpcId === undefined || cidrBlock === undefined || origin === undefined
    ? undefined
    : { id, gameLiftVpcId, cidrBlock, adopted: origin === 'adopted' };
}

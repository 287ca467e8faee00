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

export interface Claim {
  readonly owner: string | undefined;
  readonly connection: ClaimedConnection | undefined;
}

const NO_CLAIM: Claim = { owner: undefined, connection: undefined };

/** The claim on the connection between a fleet and one VPC. */
export class Claims {
  private readonly ownerKey: string;
  private readonly connectionKey: string;

  constructor(
    private readonly fleetArn: string,
    peerVpcId: string,
    private readonly api: TagApi,
    private readonly calls: Calls,
  ) {
    this.ownerKey = `${PREFIX}:${peerVpcId}`;
    this.connectionKey = `${PREFIX}:${peerVpcId}:connection`;
  }

  async read(): Promise<Claim> {
    const tags = await this.calls.make('ListTagsForResource', (signal) => this.api.listFleetTags(this.fleetArn, signal));
    const owner = tags[this.ownerKey];
    return owner === undefined ? NO_CLAIM : { owner, connection: parseConnection(tags[this.connectionKey]) };
  }

  async write(owner: string, connection?: ClaimedConnection): Promise<void> {
    const tags = {
      [this.ownerKey]: owner,
      ...(connection === undefined ? {} : { [this.connectionKey]: formatConnection(connection) }),
    };
    await this.calls.make('TagResource', (signal) => this.api.tagFleet(this.fleetArn, tags, signal));
  }

  async remove(): Promise<void> {
    await this.calls.make('UntagResource', (signal) =>
      this.api.untagFleet(this.fleetArn, [this.ownerKey, this.connectionKey], signal),
    );
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

import type { GameLiftApi } from '../aws/api';
import type { Calls } from '../aws/calls';
import { ClaimKeys, formatNote, parseClaim } from './claim';
import type { Claim, ClaimedConnection, Note } from './claim';

type TagApi = Pick<GameLiftApi, 'listFleetTags' | 'tagFleet' | 'untagFleet'>;

/** On which fleet, for which VPC, and on whose behalf claims are written. */
export interface Claimant {
  readonly fleetArn: string;
  readonly peerVpcId: string;
  readonly owner: string;
  readonly requestId: string;
}

/** The claims on the connection between a fleet and one VPC, as one resource reads and writes them. */
export class Claims {
  private readonly keys: ClaimKeys;
  /** When this run claimed the connection; undefined if it did not. */
  private claimedAt: number | undefined;

  constructor(
    private readonly claimant: Claimant,
    private readonly api: TagApi,
    private readonly calls: Calls,
  ) {
    this.keys = new ClaimKeys(claimant.peerVpcId, claimant.owner);
  }

  async read(): Promise<Claim> {
    const { fleetArn } = this.claimant;
    const tags = await this.calls.make('ListTagsForResource', (signal) => this.api.listFleetTags(fleetArn, signal));
    return parseClaim(tags, this.keys);
  }

  /** Whether the resource still wants the connection. A claim that this run has just written may not be readable yet. */
  isWanted({ isClaimed }: Claim): boolean {
    return isClaimed || (this.claimedAt !== undefined && !this.calls.isReadable(this.claimedAt));
  }

  /** Says that this resource wants the connection. Returns when that was written. */
  async claim(): Promise<number> {
    const { owner, requestId } = this.claimant;
    await this.tag({ [this.keys.claim]: `${owner} ${requestId}` });
    this.claimedAt = this.calls.now();
    return this.claimedAt;
  }

  /**
   * Notes that the connection is about to be requested.
   *
   * @param peeredBefore at most MAX_PEERED_BEFORE
   */
  async noteRequest(peeredBefore: readonly string[]): Promise<void> {
    await this.note({ connection: undefined, peeredBefore });
  }

  async noteConnection(connection: ClaimedConnection): Promise<void> {
    await this.note({ connection, peeredBefore: undefined });
  }

  /** Says that this resource no longer wants the connection. A create that is at work reads that, and undoes what it made. */
  async release(): Promise<void> {
    await this.untag([this.keys.claim]);
  }

  /** Removes the claim and the note, and those of others on a connection that was deleted. */
  async remove({ otherClaims }: Claim, deletedId: string | undefined): Promise<void> {
    const stale = otherClaims.filter(({ connection }) => deletedId !== undefined && connection?.id === deletedId);
    await this.untag([...this.keys.all, ...stale.flatMap(({ keys }) => keys)]);
  }

  /** Withdraws the claim, unless another run of the same request or a later request has made something of it. */
  async withdraw(): Promise<void> {
    const claim = await this.read();
    const isOfLaterRequest = claim.requestId !== undefined && claim.requestId !== this.claimant.requestId;
    if (claim.connection === undefined && !isOfLaterRequest) {
      await this.remove(claim, undefined);
    }
  }

  private async note(note: Note): Promise<void> {
    await this.tag({ [this.keys.note]: formatNote(note, this.claimant.requestId) });
  }

  private async tag(tags: Readonly<Record<string, string>>): Promise<void> {
    await this.calls.make('TagResource', (signal) => this.api.tagFleet(this.claimant.fleetArn, tags, signal));
  }

  private async untag(keys: readonly string[]): Promise<void> {
    await this.calls.make('UntagResource', (signal) => this.api.untagFleet(this.claimant.fleetArn, keys, signal));
  }
}

import type { GameLiftApi } from '../aws/api';
import type { Calls } from '../aws/calls';
import type { ClaimedConnection } from '../model/connection';
import { ClaimKeys, formatNote, parseClaim } from './claim';
import type { Claim, Note } from './claim';

type TagApi = Pick<GameLiftApi, 'listFleetTags' | 'tagFleet' | 'untagFleet'>;

/** The fleet, the VPC, the resource and the request for which claims are written. */
export interface Claimant {
  readonly fleetArn: string;
  readonly peerVpcId: string;
  readonly owner: string;
  readonly requestId: string;
}

/** Reads and writes the claim and the note of one resource. `claim.ts` defines their content. */
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

  /**
   * Whether no delete has removed the claim. If this run has just written the claim, it counts as existing, because it may not be readable
   * yet.
   */
  isStillClaimed({ isClaimed }: Claim): boolean {
    return isClaimed || (this.claimedAt !== undefined && !this.calls.isReadable(this.claimedAt));
  }

  /** Writes the claim of this resource. Returns the time at which it was written. */
  async claim(): Promise<number> {
    const { owner, requestId } = this.claimant;
    await this.tag({ [this.keys.claim]: `${owner} ${requestId}` });
    this.claimedAt = this.calls.now();
    return this.claimedAt;
  }

  /**
   * Notes that the connection is about to be requested.
   *
   * @param peeredBefore the VPCs to note as `Note.peeredBefore`, at most MAX_PEERED_BEFORE
   */
  async noteRequest(peeredBefore: readonly string[]): Promise<void> {
    await this.writeNote({ connection: undefined, peeredBefore });
  }

  async noteConnection(connection: ClaimedConnection): Promise<void> {
    await this.writeNote({ connection, peeredBefore: undefined });
  }

  /** Notes that the update with this digest failed because the connection is gone. */
  async noteFailedUpdate(connection: ClaimedConnection, digest: string): Promise<void> {
    await this.writeNote({ connection, peeredBefore: undefined, failedUpdate: digest });
  }

  /** Removes the claim, and keeps the note. A create that is still running then undoes what it has created. */
  async release(): Promise<void> {
    await this.untag([this.keys.claim]);
  }

  /**
   * Removes the claim and the note of this resource.
   *
   * @param deletedConnectionId the connection, if it was deleted. Claims and notes of other resources on this connection are removed, too
   */
  async remove({ otherClaims }: Claim, deletedConnectionId?: string): Promise<void> {
    const outdatedClaims = otherClaims.filter(
      ({ connection }) => deletedConnectionId !== undefined && connection?.id === deletedConnectionId,
    );
    await this.untag([...this.keys.all, ...outdatedClaims.flatMap(({ keys }) => keys)]);
  }

  /**
   * Removes the claim and the note. Keeps them if another run of the same request has noted a connection, or if a later request has claimed
   * the connection.
   */
  async withdraw(): Promise<void> {
    const claim = await this.read();
    const isOfLaterRequest = claim.requestId !== undefined && claim.requestId !== this.claimant.requestId;
    if (claim.connection === undefined && !isOfLaterRequest) {
      await this.remove(claim);
    }
  }

  private async writeNote(note: Note): Promise<void> {
    await this.tag({ [this.keys.note]: formatNote(note, this.claimant.requestId) });
  }

  private async tag(tags: Readonly<Record<string, string>>): Promise<void> {
    await this.calls.make('TagResource', (signal) => this.api.tagFleet(this.claimant.fleetArn, tags, signal));
  }

  private async untag(keys: readonly string[]): Promise<void> {
    await this.calls.make('UntagResource', (signal) => this.api.untagFleet(this.claimant.fleetArn, keys, signal));
  }
}

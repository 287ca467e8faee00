import { MAX_CONCURRENT_CONNECTIONS } from '../../lib/contract';
import { DENIAL_RETRY_MILLISECONDS, READ_DELAY_MILLISECONDS } from '../aws/calls';
import { isAlive } from '../aws/connections';
import { isGameLiftRefusal, readError } from '../aws/errors';
import { peeringsIn } from '../network/ec2-view';
import { Problem } from '../problem';
import type { ConnectionContext } from './context';
import { isKeptUntilFleetIsDeleted } from './decide';
import type { DeletableConnection } from './decide';
import type { Observer } from './observer';
import { RetryAfterRefusal } from './retry-after-refusal';
import type { RefusalRetryOptions } from './retry-after-refusal';
import { deletionOutcome, isListDue, LIST_MILLISECONDS, progressOf, outcomeOf, WATCH_MILLISECONDS } from './watch';
import type { SettledOutcome, Progress } from './watch';

/** Events have the time of GameLift's clock, which may differ from the handler's. */
const CLOCK_SKEW_MILLISECONDS = 5_000;

/** The result of CreateVpcPeeringConnection. */
export type CreateResult =
  { readonly kind: 'accepted' } | { readonly kind: 'refused'; readonly name: string; readonly message: string };

/** Each of the connections that CloudFormation creates at the same time may consume the authorization once, which causes one refusal. */
const RETRY_WHILE_OTHERS_CONNECT: RefusalRetryOptions = {
  pauseMilliseconds: LIST_MILLISECONDS,
  maxRefusals: MAX_CONCURRENT_CONNECTIONS,
};

/**
 * GameLift may refuse to delete a connection that it created with the fleet, even if the deletion is authorized. Many attempts would only
 * slow down other callers, because all share the rate limit. The pause is so long that new permissions reach all of AWS before the next
 * attempt.
 */
const RETRY_IF_PEERED_ON_CREATION: RefusalRetryOptions = { pauseMilliseconds: DENIAL_RETRY_MILLISECONDS, maxRefusals: 8 };

/** Requests and deletes the connection, and waits for the outcome. */
export class Requests {
  constructor(
    private readonly context: ConnectionContext,
    private readonly observer: Observer,
  ) {}

  retryAfterRefusal(options = RETRY_WHILE_OTHERS_CONNECT): RetryAfterRefusal {
    return new RetryAfterRefusal(this.context.authorizer, this.context.calls, options);
  }

  /**
   * Requests the connection.
   *
   * @param throwIfNotClaimed rejects with a Problem if a delete has removed the claim. It is called just before each attempt, because
   *   throttling may delay an attempt for minutes. A delete in the meantime finds no connection, and CloudFormation does not repeat it
   */
  async create(throwIfNotClaimed: () => Promise<void>): Promise<CreateResult> {
    const { api, calls, spec } = this.context;
    const { peerVpcAccount, peerVpcId } = spec.pair;
    const input = { FleetId: spec.fleetId, PeerVpcAwsAccountId: peerVpcAccount, PeerVpcId: peerVpcId };
    try {
      await calls.make('CreateVpcPeeringConnection', (signal) => api.createVpcPeeringConnection(input, signal), {
        check: throwIfNotClaimed,
      });
      return { kind: 'accepted' };
    } catch (error) {
      if (!isGameLiftRefusal(error)) {
        throw error;
      }
      return { kind: 'refused', ...readError(error) };
    }
  }

  /**
   * Waits until the connection is active or has ended.
   *
   * @param since when the connection was requested, in milliseconds since the epoch
   * @param ec2IdsBefore EC2's ids of the peering connections that existed before the request; undefined to watch only GameLift
   * @throws Problem if the connection is still pending after the declared timeout, or after 15 seconds if the timeout is shorter
   */
  async waitForOutcome(since: number, ec2IdsBefore: ReadonlySet<string> | undefined): Promise<SettledOutcome> {
    const { calls, spec } = this.context;
    const state = 'the peering connection was still pending';
    const startedAt = calls.now();
    // before this time, the list may show the state before the request
    const readableAt = startedAt + READ_DELAY_MILLISECONDS;
    const timeoutAt = Math.max(readableAt, startedAt + spec.timeoutSeconds * 1000);
    // the version of the last change for which the list has already been read
    let handledVersion: string | undefined;
    for (;;) {
      const progress = await this.readProgress(new Date(since - CLOCK_SKEW_MILLISECONDS), ec2IdsBefore);
      const isChangeHandled = progress.kind === 'changed' && progress.version === handledVersion;
      const { listedAt } = this.observer;
      const isReadableSoon = readableAt - calls.now() < WATCH_MILLISECONDS;
      if (isReadableSoon && isListDue(progress, isChangeHandled, { startedAt, listedAt, now: calls.now() })) {
        // the list may not show yet that the connection is active, so the change to active is never treated as handled
        handledVersion = progress.kind === 'changed' && !progress.isActive ? progress.version : undefined;
        await calls.waitUntilReadable(startedAt);
        await calls.sleepWhile(state, listedAt + LIST_MILLISECONDS - calls.now());
        const listed = await this.observer.listConnections();
        const outcome = outcomeOf(listed, progress, { startedAt, listedAt: this.observer.listedAt });
        if (outcome.kind !== 'pending') {
          return outcome;
        }
      }
      if (calls.now() >= timeoutAt) {
        throw new Problem(
          `${state} after ${Math.round((timeoutAt - startedAt) / 1000)} seconds`,
          'look at the events of the fleet, raise the timeout of the VpcPeeringConnection, then deploy again',
        );
      }
      await calls.sleepWhile(state, WATCH_MILLISECONDS);
    }
  }

  /**
   * Deletes the connection and waits until it is gone. Authorizes if GameLift refuses. Returns 'kept' if GameLift keeps the connection
   * until its fleet is deleted, although the deletion was authorized.
   *
   * @param throwIfAdopted rejects with a Problem if another resource has adopted the connection. It is called just before each attempt
   */
  async delete({ id, gameLiftVpcId }: DeletableConnection, throwIfAdopted: () => Promise<void>): Promise<'deleted' | 'kept'> {
    const { api, calls, spec } = this.context;
    // EC2's id may differ from GameLift's
    const isSideOfConnection = (side: { readonly id: string; readonly requesterVpcId: string }): boolean =>
      side.id === id || side.requesterVpcId === gameLiftVpcId;
    const ec2Id = peeringsIn(await this.observer.readEc2()).find((side) => isSideOfConnection(side) && isAlive(side))?.id;
    const retry = this.retryAfterRefusal(spec.peerOnCreate ? RETRY_IF_PEERED_ON_CREATION : RETRY_WHILE_OTHERS_CONNECT);
    for (;;) {
      let refusal: Error | undefined;
      try {
        await calls.make(
          'DeleteVpcPeeringConnection',
          (signal) => api.deleteVpcPeeringConnection({ FleetId: spec.fleetId, VpcPeeringConnectionId: id }, signal),
          { check: throwIfAdopted },
        );
      } catch (error) {
        if (!(error instanceof Error) || !isGameLiftRefusal(error)) {
          throw error;
        }
        refusal = error;
        if (error.name === 'NotFoundException') {
          // a deleted connection may still be listed for a moment
          await calls.waitUntilWritesAreReadable();
        }
      }
      const isGone = refusal === undefined ? await this.waitUntilDeleted(id, ec2Id) : (await this.listedStatus(id)) === undefined;
      if (isGone) {
        return 'deleted';
      }
      if (!(await retry.prepareRetry(refusal?.message ?? ''))) {
        if (isKeptUntilFleetIsDeleted(spec.peerOnCreate, refusal?.message)) {
          return 'kept';
        }
        throw (
          refusal ??
          new Problem(`GameLift accepted DeleteVpcPeeringConnection, but the peering connection ${id} still exists`, 'try again')
        );
      }
    }
  }

  private async readProgress(since: Date, ec2IdsBefore: ReadonlySet<string> | undefined): Promise<Progress> {
    const events = await this.observer.peeringEvents(since);
    if (events.length > 0 || ec2IdsBefore === undefined) {
      return progressOf(events, []);
    }
    // this run has not tagged its connection yet, so a connection with tags belongs to another request
    const isNew = ({ id, tags }: { readonly id: string; readonly tags: object }): boolean =>
      !ec2IdsBefore.has(id) && Object.keys(tags).length === 0;
    return progressOf(events, peeringsIn(await this.observer.readEc2()).filter(isNew));
  }

  /** Waits until a deletion that GameLift has accepted is complete. Returns false if the connection still exists. */
  private async waitUntilDeleted(connectionId: string, ec2Id: string | undefined): Promise<boolean> {
    const { calls } = this.context;
    const startedAt = calls.now();
    for (;;) {
      const view = ec2Id === undefined ? undefined : await this.observer.readEc2();
      const isShown = view?.kind === 'shown';
      const status = isShown ? view.peerings.find(({ id }) => id === ec2Id)?.status : await this.listedStatus(connectionId);
      const outcome = deletionOutcome(status, calls.now() - startedAt);
      if (outcome !== 'pending') {
        return outcome === 'deleted';
      }
      const pause = isShown ? WATCH_MILLISECONDS : LIST_MILLISECONDS;
      await calls.sleepWhile(`the peering connection ${connectionId} was still being deleted`, pause);
    }
  }

  /** The status in GameLift's list; undefined if the connection is gone. */
  private async listedStatus(connectionId: string): Promise<string | undefined> {
    const status = (await this.observer.listConnections()).find(({ id }) => id === connectionId)?.status;
    return status === 'deleted' ? undefined : status;
  }
}

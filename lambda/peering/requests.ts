import { DENIAL_PATIENCE_MILLISECONDS } from '../aws/calls';
import { isGameLiftRefusal, readError } from '../aws/errors';
import { Problem } from '../problem';
import type { ConnectionContext } from './context';
import { endsWithFleet } from './decide';
import type { DeletableConnection } from './decide';
import type { Observer } from './observer';
import { Perseverance } from './perseverance';
import { deletionOutcome, isAlive, isListDue, LIST_MILLISECONDS, newsOf, outcomeOf, shownBy, WATCH_MILLISECONDS } from './watch';
import type { FinalOutcome, News } from './watch';

/** Events carry GameLift's clock. */
const CLOCK_SKEW_MILLISECONDS = 5_000;

/** What GameLift answered to CreateVpcPeeringConnection. */
export type CreateResult =
  { readonly kind: 'accepted' } | { readonly kind: 'refused'; readonly name: string; readonly message: string };

/** Has GameLift make and delete the connection, and waits for the outcome. */
export class Requests {
  /** A request for the connection may have taken effect: GameLift has accepted it, or did not answer. */
  mayHaveTakenEffect = false;

  constructor(
    private readonly context: ConnectionContext,
    private readonly observer: Observer,
  ) {}

  perseverance(pauseMilliseconds = LIST_MILLISECONDS): Perseverance {
    return new Perseverance(this.context.authorizer, this.context.calls, pauseMilliseconds);
  }

  /**
   * Requests the connection.
   *
   * @param checkWanted rejects with a Problem once nobody wants the connection any more. It is asked just before each attempt, which may
   *   be minutes later: a deletion that came meanwhile found nothing, and will not come again.
   */
  async create(checkWanted: () => Promise<void>): Promise<CreateResult> {
    const { api, calls, spec } = this.context;
    const { peerVpcAccount, peerVpcId } = spec.pair;
    const input = { FleetId: spec.fleetId, PeerVpcAwsAccountId: peerVpcAccount, PeerVpcId: peerVpcId };
    const { unanswered } = calls;
    try {
      await calls.make('CreateVpcPeeringConnection', async (signal) => {
        await checkWanted();
        await api.createVpcPeeringConnection(input, signal);
      });
      this.mayHaveTakenEffect = true;
      return { kind: 'accepted' };
    } catch (error) {
      this.mayHaveTakenEffect ||= calls.unanswered > unanswered;
      if (!isGameLiftRefusal(error)) {
        throw error;
      }
      return { kind: 'refused', ...readError(error) };
    }
  }

  /**
   * Waits until the connection is active, or has ended.
   *
   * @param since milliseconds since the epoch: when it was requested
   * @param ec2IdsBefore the peerings that EC2 showed before it was requested; undefined if EC2 is not to be asked
   * @throws Problem if it is still pending after the declared timeout
   */
  async outcome(since: number, ec2IdsBefore: ReadonlySet<string> | undefined): Promise<FinalOutcome> {
    const { calls, spec } = this.context;
    const stillPending = 'the peering connection was still pending';
    const startedAt = calls.now();
    let handledVersion: string | undefined;
    for (;;) {
      const news = await this.news(new Date(since - CLOCK_SKEW_MILLISECONDS), ec2IdsBefore);
      const isHandled = news.kind === 'changed' && news.version === handledVersion;
      const { listedAt } = this.observer;
      if (isListDue(news, isHandled, { startedAt, listedAt, now: calls.now() })) {
        // the list may come later than the news that a connection is active: it is read again and again then
        handledVersion = news.kind === 'changed' && !news.isActive ? news.version : undefined;
        // before that, it may show what there was before the connection was requested
        await calls.untilReadable(startedAt);
        await calls.sleepWhile(stillPending, listedAt + LIST_MILLISECONDS - calls.now());
        const listed = await this.observer.list();
        const outcome = outcomeOf(listed, news, { startedAt, listedAt: this.observer.listedAt });
        if (outcome.kind !== 'pending') {
          return outcome;
        }
      }
      if (calls.now() - startedAt >= spec.timeoutSeconds * 1000) {
        throw new Problem(
          `${stillPending} after ${spec.timeoutSeconds} seconds`,
          'look at the events of the fleet, raise the timeout of the VpcPeeringConnection, then deploy again',
        );
      }
      await calls.sleepWhile(stillPending, WATCH_MILLISECONDS);
    }
  }

  /**
   * Deletes the connection and waits until it is gone. Authorizes again where GameLift refuses. Returns whether GameLift keeps the
   * connection until its fleet is deleted, although it was authorized.
   *
   * @param checkDeletable rejects with a Problem if another resource uses the connection by now; asked just before each attempt
   */
  async delete(
    { id, gameLiftVpcId }: DeletableConnection,
    checkDeletable: () => Promise<void>,
  ): Promise<'deleted' | 'ends with its fleet'> {
    const { api, calls, spec } = this.context;
    // GameLift's id may be its own, so EC2's side is known by the fleet's VPC
    const isSide = (side: { readonly id: string; readonly requesterVpcId: string }): boolean =>
      side.id === id || side.requesterVpcId === gameLiftVpcId;
    const ec2Id = shownBy(await this.observer.ec2()).find((side) => isSide(side) && isAlive(side))?.id;
    // GameLift may refuse it for good: then more attempts only keep others from the rate limit
    const perseverance = spec.peerOnCreate ? this.perseverance(DENIAL_PATIENCE_MILLISECONDS) : this.perseverance();
    for (;;) {
      let refusal: Error | undefined;
      try {
        await calls.make('DeleteVpcPeeringConnection', async (signal) => {
          await checkDeletable();
          await api.deleteVpcPeeringConnection({ FleetId: spec.fleetId, VpcPeeringConnectionId: id }, signal);
        });
      } catch (error) {
        if (!(error instanceof Error) || !isGameLiftRefusal(error)) {
          throw error;
        }
        refusal = error;
        if (error.name === 'NotFoundException') {
          // it may be gone and still be listed
          await calls.untilReadable(calls.now());
        }
      }
      const isGone = refusal === undefined ? await this.isDeleted(id, ec2Id) : (await this.listedStatus(id)) === undefined;
      if (isGone) {
        return 'deleted';
      }
      if (!(await perseverance.overcome(refusal?.message ?? ''))) {
        if (endsWithFleet(spec.peerOnCreate, refusal?.message)) {
          return 'ends with its fleet';
        }
        throw (
          refusal ??
          new Problem(`GameLift accepted DeleteVpcPeeringConnection but the connection ${id} is still there`, 'try again')
        );
      }
    }
  }

  private async news(since: Date, ec2IdsBefore: ReadonlySet<string> | undefined): Promise<News> {
    const events = await this.observer.events(since);
    if (events.length > 0 || ec2IdsBefore === undefined) {
      return newsOf(events, []);
    }
    const isNew = ({ id, tags }: { readonly id: string; readonly tags: object }): boolean =>
      !ec2IdsBefore.has(id) && Object.keys(tags).length === 0;
    return newsOf(events, shownBy(await this.observer.ec2()).filter(isNew));
  }

  /** Waits for a deletion that GameLift has accepted; false if nothing came of it. */
  private async isDeleted(connectionId: string, ec2Id: string | undefined): Promise<boolean> {
    const { calls } = this.context;
    const startedAt = calls.now();
    for (;;) {
      const view = ec2Id === undefined ? undefined : await this.observer.ec2();
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
    const status = (await this.observer.list()).find(({ id }) => id === connectionId)?.status;
    return status === 'deleted' ? undefined : status;
  }
}

import { READ_DELAY_MILLISECONDS } from '../aws/calls';
import { isAlive } from '../aws/connections';
import type { ListedConnection } from '../aws/connections';
import { problemOf } from '../aws/errors';
import { shownBy } from '../network/ec2-view';
import { Problem } from '../problem';
import { describeOwner } from './claim';
import type { Claim } from './claim';
import type { ConnectionContext } from './context';
import { conflictOf, decide, decideBeforeUse } from './decide';
import type { Existing, Failure, Found, Situation, Step } from './decide';
import { endedProblem } from './ended';
import type { Before, Observer } from './observer';
import type { Claims } from './claims';
import type { CreateResult, Requests } from './requests';
import type { RetryAfterRefusal } from './retry-after-refusal';
import type { SettledOutcome } from './watch';

/** How long another run of the same request is waited for: Lambda runs one that was killed again after a minute. */
const NOTE_PATIENCE_MILLISECONDS = 120_000;

const NOTE_POLL_MILLISECONDS = 5_000;

/** The connection that a create or an update uses. */
export interface Connected {
  readonly peering: ListedConnection;
  readonly origin: 'created' | 'adopted';
}

/** What a create or an update has seen before it decides. */
export interface Seen {
  readonly before: Before;
  readonly claim: Claim;
  /** The fleet has no tags of this resource, although its physical id says that it made the connection. */
  readonly isStripped: boolean;
}

/** Makes, adopts, awaits or finds the connection of a resource: the loop that takes the steps that `decide` names. */
export class Connect {
  private situation: Situation;
  private readonly retry: RetryAfterRefusal;
  /**
   * Events since then may be about the connection that was last requested, in milliseconds since the epoch. It is before the request, which
   * may wait minutes for the rate limit.
   */
  private eventsSince: number;
  /** The peerings that EC2 showed before the connection was last requested. */
  private ec2Ids: ReadonlySet<string>;
  /** The connection belongs to another resource, or to nobody in this library. */
  private hasConflict = false;

  constructor(
    private readonly context: ConnectionContext,
    private readonly observer: Observer,
    private readonly requests: Requests,
    private readonly claims: Claims,
    private readonly seen: Seen,
    /** Deletes a connection that was made although a deletion had overtaken this request. */
    private readonly undo: (peering: ListedConnection) => Promise<void>,
  ) {
    this.retry = requests.retryAfterRefusal();
    this.eventsSince = context.calls.now();
    this.ec2Ids = seen.before.ec2Ids;
    this.situation = {
      adoptExisting: context.spec.adoptExisting,
      peerOnCreate: context.spec.peerOnCreate,
      isStripped: seen.isStripped,
      claim: seen.claim,
      existing: seen.before.existing,
      request: { kind: 'not made' },
      mayHaveRequested: seen.claim.connection !== undefined || seen.claim.peeredBefore !== undefined,
      hasWaitedForNote: false,
    };
  }

  /** @throws Problem if the connection is another's, ended, or is no longer wanted. */
  async run(): Promise<Connected> {
    try {
      for (;;) {
        const step = decide(this.situation);
        if (step.kind === 'use') {
          await this.checkBeforeUse(step);
          return step;
        }
        await this.take(step);
      }
    } catch (error) {
      const { claim, mayHaveRequested } = this.situation;
      const hasMadeNothing = claim.peeredBefore !== undefined && !mayHaveRequested;
      if (this.hasConflict || hasMadeNothing) {
        // the deletion that follows finds nothing of this resource, unless another run of the same request claims the connection anew
        await this.claims.withdraw();
      }
      throw error;
    }
  }

  private async take(step: Exclude<Step, { readonly kind: 'use' }>): Promise<void> {
    switch (step.kind) {
      case 'read the list':
        this.learn({ existing: await this.readList() });
        break;
      case 'request':
        await this.request();
        break;
      case 'prepare a retry':
        await this.prepareRetry(step.message);
        break;
      case 'wait until active':
        this.learn({ existing: await this.wait() });
        break;
      case 'wait for a note':
        await this.waitForNote(step.peering, step.wasThereBefore);
        break;
      case 'fail':
        this.fail(step.why);
    }
  }

  private learn(change: Partial<Situation>): void {
    this.situation = { ...this.situation, ...change };
  }

  /** Twice, if the first time shows nothing: a list may be read late. */
  private async readList(): Promise<Existing> {
    return await this.context.calls.readUntil(
      () => this.observer.existing(),
      ({ kind }) => kind === 'found',
      READ_DELAY_MILLISECONDS,
    );
  }

  private async request(): Promise<void> {
    const { claim } = this.situation;
    if (claim.peeredBefore === undefined) {
      // after an earlier connection of this resource, whatever is there is its own
      const peeredBefore = claim.connection === undefined ? this.seen.before.peeredBefore : [];
      await this.claims.noteRequest(peeredBefore);
      this.learn({ claim: { ...claim, connection: undefined, peeredBefore } });
    }
    this.eventsSince = this.context.calls.now();
    const result = await this.create();
    if (result.kind === 'accepted') {
      this.learn({ request: result, existing: { kind: 'unknown' } });
    } else {
      // one that exists is refused as an invalid request
      const existing: Existing = result.name === 'InvalidRequestException' ? await this.observer.existing() : { kind: 'none' };
      this.learn({ request: { kind: 'refused', message: `${result.name}: ${result.message}` }, existing });
    }
  }

  /** Requests the connection, and learns whether that may have taken effect, even if it fails. */
  private async create(): Promise<CreateResult> {
    const { calls } = this.context;
    const { unanswered } = calls;
    let isAccepted = false;
    try {
      const result = await this.requests.create(() => this.checkWanted());
      isAccepted = result.kind === 'accepted';
      return result;
    } finally {
      if (isAccepted || calls.unanswered > unanswered) {
        this.learn({ mayHaveRequested: true });
      }
    }
  }

  private async prepareRetry(message: string): Promise<void> {
    if (this.situation.request.kind === 'refused') {
      // a delete may have used the authorization, or deleted a connection that existed. Then it has removed the claim before
      await this.context.calls.untilAllIsReadable();
    }
    await this.checkWanted();
    if (!(await this.retry.prepareRetry(message))) {
      const { existing } = this.situation;
      throw existing.kind === 'ended' ? endedProblem(existing.connection) : this.refusedAlthoughAuthorized(message);
    }
    // what has ended by now is not what the next request makes
    const ended = shownBy(await this.observer.ec2()).filter((side) => !isAlive(side));
    this.ec2Ids = new Set([...this.ec2Ids, ...ended.map(({ id }) => id)]);
    this.learn({ request: { kind: 'not made' }, existing: { kind: 'none' } });
  }

  private refusedAlthoughAuthorized(message: string): Problem {
    const { advice } = this.context.authorizer;
    return new Problem(
      `GameLift refused CreateVpcPeeringConnection although it had just been authorized (${message})`,
      `look at the events of the fleet, check the vpc and the peerVpcAccount of the VpcPeeringAuthorization, then deploy again${advice === '' ? '' : `. ${advice}`}`,
    );
  }

  private async wait(): Promise<Existing> {
    const wasRequested = this.situation.request.kind === 'accepted';
    const outcome = wasRequested
      ? await this.requests.outcome(this.eventsSince, this.ec2Ids)
      : await this.requests.outcome(this.context.calls.now(), undefined);
    return await this.existingAfter(outcome);
  }

  private async existingAfter({ kind, peering }: SettledOutcome): Promise<Existing> {
    if (kind === 'active') {
      return await this.observer.found(peering);
    }
    const vpcBlocks = await this.observer.vpcBlocks();
    const { pair, peerOnCreate } = this.context.spec;
    const fleetCidrBlock = await this.observer.cidrBlockOf(peering);
    return {
      kind: 'ended',
      connection: { peering, peerVpcId: pair.peerVpcId, peerOnCreate, fleetCidrBlock, vpcBlocks },
    };
  }

  /**
   * Waits for the note of another run of the same request. Lambda may deliver an event twice: of two runs that both found nothing claimed,
   * the slower one finds what the faster one made.
   *
   * @param wasThereBefore the connection was there when this run first looked: a run that made it has noted its request before
   */
  private async waitForNote(peering: ListedConnection, wasThereBefore: boolean): Promise<void> {
    const { calls } = this.context;
    const startedAt = calls.now();
    const hasNoted = ({ connection, peeredBefore }: Claim): boolean => connection !== undefined || peeredBefore !== undefined;
    if (wasThereBefore) {
      const claim = await calls.readUntil(() => this.claims.read(), hasNoted);
      if (!hasNoted(claim)) {
        this.learn({ hasWaitedForNote: true });
        return;
      }
    }
    if (peering.status !== 'active') {
      // the other run notes the connection once it is active
      const existing = await this.wait();
      this.learn({ existing });
      if (existing.kind !== 'found') {
        return;
      }
    }
    for (;;) {
      const claim = await this.claims.read();
      if (claim.connection?.id === peering.id) {
        this.learn({ claim });
        return;
      }
      const isRemoved = !claim.isClaimed && calls.isReadable(startedAt);
      if (isRemoved || calls.now() - startedAt >= NOTE_PATIENCE_MILLISECONDS) {
        this.learn({ hasWaitedForNote: true });
        return;
      }
      await calls.sleep(NOTE_POLL_MILLISECONDS);
    }
  }

  /** @throws Problem if a deletion has removed the claim, or the fleet is gone: a deletion that finds no fleet removes no claim. */
  private async checkWanted(): Promise<void> {
    let isThere: boolean;
    let claim: Claim;
    try {
      isThere = (await this.observer.findFleet()) !== undefined;
      claim = await this.claims.read();
    } catch (error) {
      // must not be taken for an answer to the request that comes next
      throw problemOf(error);
    }
    if (!isThere) {
      throw new Problem(`fleet ${this.context.spec.fleetId} was deleted`, 'deploy again');
    }
    if (!this.claims.isWanted(claim)) {
      throw claimRemoved();
    }
  }

  /** @throws Problem if the claim is gone, or the connection another's, by now. */
  private async checkBeforeUse({ peering, wasRequested }: Step & { readonly kind: 'use' }): Promise<void> {
    if (this.situation.claim.connection !== undefined) {
      return;
    }
    const claim = await this.claims.read();
    if (!wasRequested) {
      const conflict = conflictOf(claim, this.situation.adoptExisting);
      if (conflict !== undefined) {
        this.fail({ kind: 'conflict', conflict });
      }
      if (!this.claims.isWanted(claim)) {
        // the delete that removed the claim has undone what it found: what this run changes now, nobody would undo
        throw claimRemoved();
      }
      return;
    }
    const isWanted = this.claims.isWanted(claim) && (await this.observer.findFleet()) !== undefined;
    const check = decideBeforeUse(claim, isWanted, peering.id);
    switch (check.kind) {
      case 'use':
        return;
      case 'leave to its adopter':
        await this.claims.remove(claim, undefined);
        throw new Problem(
          `the peering connection ${peering.id} was adopted by ${describeOwner(check.owner)}`,
          'remove it there, then deploy again',
        );
      case 'undo':
        await this.undo(peering);
        await this.claims.remove(claim, peering.id);
        throw new Problem(
          `the claim, a tag on the fleet, was removed while the peering connection was being created, so ${peering.id} was deleted again`,
          'deploy again',
        );
    }
  }

  private fail(why: Failure): never {
    switch (why.kind) {
      case 'conflict':
        this.hasConflict = true;
        throw new Problem(why.conflict.what, why.conflict.remedy);
      case 'exists already':
        this.hasConflict = true;
        throw existsAlready(why.found);
      case 'claim removed':
        throw why.found === undefined || this.situation.adoptExisting ? claimRemoved() : existsAlready(why.found);
      case 'ended':
        throw endedProblem(why.connection);
    }
  }
}

function claimRemoved(): Problem {
  return new Problem('the claim, a tag on the fleet, was removed while the peering connection was being created', 'deploy again');
}

function existsAlready({ peering, owner }: Found): Problem {
  const what = `the peering connection ${peering.id} between them exists already`;
  const adopt = 'pass adoptExisting to the VpcPeeringConnection to use it and leave it in place';
  return owner.kind === 'another resource'
    ? new Problem(
        `${what}, and ${describeOwner(owner.name)} created it, according to a tag in EC2`,
        `remove it there, or ${adopt}`,
      )
    : new Problem(`${what}, and this stack did not create it`, `delete it, or ${adopt}`);
}

import { READ_DELAY_MILLISECONDS } from '../aws/calls';
import { isAlive } from '../aws/connections';
import type { ListedConnection } from '../aws/connections';
import { problemOf } from '../aws/errors';
import { logIfFails } from '../log';
import { peeringsIn } from '../network/ec2-view';
import { Problem } from '../problem';
import { describeOwner } from './claim';
import type { Claim } from './claim';
import type { ConnectionContext } from './context';
import { conflictOf, decide, decideBeforeUse } from './decide';
import type { ExistingConnection, Failure, FoundConnection, Situation, Step } from './decide';
import { endedProblem } from './ended';
import type { StateBeforeRequest, Observer } from './observer';
import type { Claims } from './claims';
import type { CreateResult, Requests } from './requests';
import type { RetryAfterRefusal } from './retry-after-refusal';
import type { SettledOutcome } from './watch';

/**
 * How long to wait for the note of another run of the same request: longer than the minute after which Lambda repeats a run that it has
 * killed.
 */
const NOTE_TIMEOUT_MILLISECONDS = 120_000;

const NOTE_POLL_MILLISECONDS = 5_000;

/** The connection that a create or an update uses. */
export interface ConnectResult {
  readonly peering: ListedConnection;
  readonly origin: 'created' | 'adopted';
}

/** What a create or an update knows before its first decision. */
export interface InitialState {
  readonly before: StateBeforeRequest;
  readonly claim: Claim;
  /** Whether the fleet has no tags of this resource, although its physical id says that it created the connection. */
  readonly hasLostTags: boolean;
}

export interface ConnectLoopOptions {
  readonly context: ConnectionContext;
  readonly observer: Observer;
  readonly requests: Requests;
  readonly claims: Claims;
  readonly initial: InitialState;
  /** Deletes the connection that this run has created. Called if a delete has removed the claim in the meantime. */
  readonly undo: (peering: ListedConnection) => Promise<void>;
}

/** Creates, adopts, finds or waits for the connection of a resource, in a loop that performs the steps that `decide` returns. */
export class ConnectLoop {
  private situation: Situation;
  private readonly retry: RetryAfterRefusal;
  /**
   * Events since this time, in milliseconds since the epoch, may be about the latest request. The request itself may be minutes later,
   * because it waits for the rate limit.
   */
  private eventsSince: number;
  /** EC2's ids of the peering connections that existed before the latest request. */
  private ec2IdsBeforeRequest: ReadonlySet<string>;
  /** Whether this run fails because the connection belongs to another resource, or exists already and must not be adopted. */
  private hasConflict = false;

  private readonly context: ConnectionContext;
  private readonly observer: Observer;
  private readonly requests: Requests;
  private readonly claims: Claims;
  private readonly initial: InitialState;
  private readonly undo: (peering: ListedConnection) => Promise<void>;

  constructor({ context, observer, requests, claims, initial, undo }: ConnectLoopOptions) {
    this.context = context;
    this.observer = observer;
    this.requests = requests;
    this.claims = claims;
    this.initial = initial;
    this.undo = undo;
    this.retry = requests.retryAfterRefusal();
    this.eventsSince = context.calls.now();
    this.ec2IdsBeforeRequest = initial.before.ec2Ids;
    this.situation = {
      adoptExisting: context.spec.adoptExisting,
      peerOnCreate: context.spec.peerOnCreate,
      hasLostTags: initial.hasLostTags,
      claim: initial.claim,
      existing: initial.before.existing,
      request: { kind: 'not made' },
      mayHaveRequested: initial.claim.connection !== undefined || initial.claim.peeredBefore !== undefined,
      hasWaitedForNote: false,
    };
  }

  /** @throws Problem if the connection belongs to another resource, has ended, or a delete has removed the claim. */
  async run(): Promise<ConnectResult> {
    try {
      for (;;) {
        const step = decide(this.situation);
        if (step.kind === 'use') {
          await this.checkBeforeUse(step);
          return step;
        }
        await this.perform(step);
      }
    } catch (error) {
      const { claim, mayHaveRequested } = this.situation;
      // this run has noted a request, but sent none
      const hasOnlyNoted = claim.peeredBefore !== undefined && !mayHaveRequested;
      if (this.hasConflict || hasOnlyNoted) {
        // without the claim, the following delete deletes nothing, unless another run of the same request claims the connection again
        await logIfFails(this.context.log, 'withdraw the claim', () => this.claims.withdraw());
      }
      throw error;
    }
  }

  private async perform(step: Exclude<Step, { readonly kind: 'use' }>): Promise<void> {
    switch (step.kind) {
      case 'read the list':
        this.updateSituation({ existing: await this.readList() });
        break;
      case 'request':
        await this.request();
        break;
      case 'prepare a retry':
        await this.prepareRetry(step.message);
        break;
      case 'wait until active':
        this.updateSituation({ existing: await this.waitUntilActive() });
        break;
      case 'wait for a note':
        await this.waitForNote(step.peering, step.existedBefore);
        break;
      case 'fail':
        this.fail(step.why);
    }
  }

  private updateSituation(change: Partial<Situation>): void {
    this.situation = { ...this.situation, ...change };
  }

  /** Reads GameLift's list. Reads it again if it is empty, because a read may be late. */
  private async readList(): Promise<ExistingConnection> {
    return await this.context.calls.readUntil(
      () => this.observer.findExistingConnection(),
      ({ kind }) => kind === 'found',
      READ_DELAY_MILLISECONDS,
    );
  }

  private async request(): Promise<void> {
    const { claim } = this.situation;
    if (claim.peeredBefore === undefined) {
      // if the note names an earlier connection of this resource, a connection that exists now is its own, too: note no VPC as peered before
      const peeredBefore = claim.connection === undefined ? this.initial.before.peeredBefore : [];
      await this.claims.noteRequest(peeredBefore);
      this.updateSituation({ claim: { ...claim, connection: undefined, peeredBefore } });
    }
    this.eventsSince = this.context.calls.now();
    const result = await this.tryRequest();
    if (result.kind === 'accepted') {
      this.updateSituation({ request: result, existing: { kind: 'unknown' } });
    } else {
      // one possible reason for this error: the connection exists
      const existing: ExistingConnection =
        result.name === 'InvalidRequestException' ? await this.observer.findExistingConnection() : { kind: 'none' };
      this.updateSituation({ request: { kind: 'refused', message: `${result.name}: ${result.message}` }, existing });
    }
  }

  /** Requests the connection. If the request may have taken effect, records that in the situation, even if the request failed. */
  private async tryRequest(): Promise<CreateResult> {
    const { calls } = this.context;
    const { attemptsWithUnknownEffect } = calls;
    let isAccepted = false;
    try {
      const result = await this.requests.create(() => this.throwIfNotClaimed());
      isAccepted = result.kind === 'accepted';
      return result;
    } finally {
      if (isAccepted || calls.attemptsWithUnknownEffect > attemptsWithUnknownEffect) {
        this.updateSituation({ mayHaveRequested: true });
      }
    }
  }

  private async prepareRetry(message: string): Promise<void> {
    if (this.situation.request.kind === 'refused') {
      // perhaps a delete has used the authorization. A delete first removes the claim, so wait until a read would show that
      await this.context.calls.waitUntilWritesAreReadable();
    }
    await this.throwIfNotClaimed();
    if (!(await this.retry.prepareRetry(message))) {
      const { existing } = this.situation;
      throw existing.kind === 'ended' ? endedProblem(existing.connection) : this.refusedAlthoughAuthorizedProblem(message);
    }
    // connections that have already ended can't be the result of the next request
    const endedSides = peeringsIn(await this.observer.readEc2()).filter((side) => !isAlive(side));
    this.ec2IdsBeforeRequest = new Set([...this.ec2IdsBeforeRequest, ...endedSides.map(({ id }) => id)]);
    this.updateSituation({ request: { kind: 'not made' }, existing: { kind: 'none' } });
  }

  private refusedAlthoughAuthorizedProblem(message: string): Problem {
    const { advice } = this.context.authorizer;
    return new Problem(
      `GameLift refused CreateVpcPeeringConnection although it had just been authorized (${message})`,
      `look at the events of the fleet, check the vpc and the peerVpcAccount of the VpcPeeringAuthorization, then deploy again${advice === '' ? '' : `. ${advice}`}`,
    );
  }

  private async waitUntilActive(): Promise<ExistingConnection> {
    const wasRequested = this.situation.request.kind === 'accepted';
    const outcome = wasRequested
      ? await this.requests.waitForOutcome(this.eventsSince, this.ec2IdsBeforeRequest)
      : await this.requests.waitForOutcome(this.context.calls.now(), undefined);
    return await this.existingAfterWait(outcome);
  }

  private async existingAfterWait({ kind, peering }: SettledOutcome): Promise<ExistingConnection> {
    if (kind === 'active') {
      return await this.observer.withOwner(peering);
    }
    const vpcBlocks = await this.observer.readVpcBlocks();
    const { pair, peerOnCreate } = this.context.spec;
    const fleetCidrBlock = await this.observer.fleetCidrBlockOf(peering);
    return {
      kind: 'ended',
      connection: { peering, peerVpcId: pair.peerVpcId, peerOnCreate, fleetCidrBlock, vpcBlocks },
    };
  }

  /**
   * Waits for the note of another run of the same request. Lambda may run a request twice. If neither run finds a claim, the slower run
   * finds the connection that the faster run has created.
   *
   * @param existedBefore whether the connection existed before this run noted its own request. A run notes its request before it creates a
   *   connection, so if another run created this one, its note already exists
   */
  private async waitForNote(peering: ListedConnection, existedBefore: boolean): Promise<void> {
    const { calls } = this.context;
    const startedAt = calls.now();
    const hasNote = ({ connection, peeredBefore }: Claim): boolean => connection !== undefined || peeredBefore !== undefined;
    if (existedBefore) {
      const claim = await calls.readUntil(() => this.claims.read(), hasNote);
      if (!hasNote(claim)) {
        this.updateSituation({ hasWaitedForNote: true });
        return;
      }
    }
    if (peering.status !== 'active') {
      // the other run notes the connection once it is active
      const existing = await this.waitUntilActive();
      this.updateSituation({ existing });
      if (existing.kind !== 'found') {
        return;
      }
    }
    for (;;) {
      const claim = await this.claims.read();
      if (claim.connection?.id === peering.id) {
        this.updateSituation({ claim });
        return;
      }
      const isClaimRemoved = !claim.isClaimed && calls.isReadable(startedAt);
      if (isClaimRemoved || calls.now() - startedAt >= NOTE_TIMEOUT_MILLISECONDS) {
        this.updateSituation({ hasWaitedForNote: true });
        return;
      }
      await calls.sleep(NOTE_POLL_MILLISECONDS);
    }
  }

  /** @throws Problem if a delete has removed the claim, or if the fleet is gone: a delete that finds no fleet does not remove the claim. */
  private async throwIfNotClaimed(): Promise<void> {
    let fleetExists: boolean;
    let claim: Claim;
    try {
      fleetExists = (await this.observer.findFleet()) !== undefined;
      claim = await this.claims.read();
    } catch (error) {
      // throw a Problem: the caller would take an error of AWS for a refusal of CreateVpcPeeringConnection
      throw problemOf(error);
    }
    if (!fleetExists) {
      throw new Problem(`fleet ${this.context.spec.fleetId} was deleted`, 'deploy again');
    }
    if (!this.claims.isStillClaimed(claim)) {
      throw claimRemovedProblem();
    }
  }

  /** @throws Problem if a delete has removed the claim, or if the connection belongs to another resource. */
  private async checkBeforeUse({ peering, mustNoteCreation }: Step & { readonly kind: 'use' }): Promise<void> {
    if (this.situation.claim.connection !== undefined) {
      return;
    }
    const claim = await this.claims.read();
    if (!mustNoteCreation) {
      const conflict = conflictOf(claim, this.situation.adoptExisting);
      if (conflict !== undefined) {
        this.fail({ kind: 'conflict', conflict });
      }
      if (!this.claims.isStillClaimed(claim)) {
        // the delete that removed the claim is over, so nothing would undo what this run changes now
        throw claimRemovedProblem();
      }
      return;
    }
    const isStillClaimed = this.claims.isStillClaimed(claim) && (await this.observer.findFleet()) !== undefined;
    const check = decideBeforeUse(claim, isStillClaimed, peering.id);
    switch (check.kind) {
      case 'use':
        return;
      case 'leave to its adopter':
        await this.claims.remove(claim);
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
        throw existsAlreadyProblem(why.found);
      case 'claim removed':
        throw why.found === undefined || this.situation.adoptExisting ? claimRemovedProblem() : existsAlreadyProblem(why.found);
      case 'ended':
        throw endedProblem(why.connection);
    }
  }
}

function claimRemovedProblem(): Problem {
  return new Problem('the claim, a tag on the fleet, was removed while the peering connection was being created', 'deploy again');
}

function existsAlreadyProblem({ peering, owner }: FoundConnection): Problem {
  const what = `the peering connection ${peering.id} between them exists already`;
  const adopt = 'pass adoptExisting to the VpcPeeringConnection to use it and leave it in place';
  return owner.kind === 'another resource'
    ? new Problem(
        `${what}, and ${describeOwner(owner.name)} created it, according to a tag in EC2`,
        `remove it there, or ${adopt}`,
      )
    : new Problem(`${what}, and this stack did not create it`, `delete it, or ${adopt}`);
}

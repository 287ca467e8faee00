import type { Log } from '../log';
import { Problem } from '../problem';
import { retry } from '../time';
import type { Time } from '../time';
import { isDenial, isGameLiftRefusal, isIamDenial, isThrottle, hasUnknownEffect, readError } from './errors';

/** The time between two attempts of a call that AWS denied. */
const DENIAL_PAUSE_MILLISECONDS = 10_000;

/**
 * The pause after the first throttled attempt of a call, except for GameLift's peering operations. It doubles with each further throttled
 * attempt, up to eight times the first pause. It is random, so that callers that were throttled at the same moment do not try again at the
 * same moment.
 */
const FIRST_THROTTLE_PAUSE_MILLISECONDS = { min: 500, max: 1_500 };

/** GameLift allows only one call of each peering operation in this time, for the whole account. */
const RATE_LIMIT_MILLISECONDS = 10_000;

/**
 * Callers of GameLift's peering operations that were throttled try again in rounds: `waitForRound`. This is the time between two rounds. So ten
 * seconds pass between the last call of a round and the first call of the next one: 150 of the additional 350 milliseconds are the spread of
 * the calls in a round, the others allow for network delays and for differences between clocks.
 */
const ROUND_MILLISECONDS = RATE_LIMIT_MILLISECONDS + 350;

/** The maximum time between the first and the last call of a round. */
const ROUND_SPREAD_MILLISECONDS = 150;

/** After so many throttled attempts, a caller calls at the beginning of each round. For each attempt fewer, it calls two milliseconds later. */
const MAX_PRIORITY = 75;

/** How long before a round a caller starts its `check`. The time is random, because the calls in a check have rate limits, too. */
const CHECK_AHEAD_MILLISECONDS = { min: 500, max: 5_500 };

/** The maximum time between the start of a check and the call that follows it. */
export const MAX_CHECK_AGE_MILLISECONDS =
  CHECK_AHEAD_MILLISECONDS.max + ROUND_MILLISECONDS - RATE_LIMIT_MILLISECONDS + ROUND_SPREAD_MILLISECONDS;

/** How long a denied call is retried: a new policy may take a minute to reach all of AWS. */
export const DENIAL_RETRY_MILLISECONDS = 75_000;

const MAX_ATTEMPTS_WITH_UNKNOWN_EFFECT = 5;

/** The time for the request is up. */
class TimeUpProblem extends Problem {
  /** @param what the handler was doing at that moment */
  constructor(what: string) {
    super(what, 'try again');
  }
}

/** AWS still throttled the call when the time for the request was up. */
class RateLimitProblem extends Problem {
  constructor(what: string) {
    super(what, 'other callers in this account use the same operation: try again when they have finished');
  }
}

/** Whether the error proves that the call had no effect. */
export function hadNoEffect(error: unknown): boolean {
  return isDenial(error) || error instanceof RateLimitProblem || isGameLiftRefusal(error);
}

/*
 * AWS's reads are eventually consistent, and AWS documents no limit. The handler assumes that a read (fleet tags; EC2's tags, peering
 * connections and routes; GameLift's Describe operations) may return the state of up to 15 seconds ago, and that a later read may return an
 * older state than an earlier one. Calls that write act on the current state. Therefore, everywhere in the handler:
 * - 15 seconds after this request began, reads show everything that earlier requests wrote: `waitUntilEarlierWritesAreReadable`.
 * - Something that this run wrote or requested counts as missing only if a read 15 seconds later does not show it: `isReadable`.
 * - The handler never deletes anything because something is missing, and never relies on a single read.
 */
export const READ_DELAY_MILLISECONDS = 15_000;

/** The default pause between two reads of `readUntil`. */
const READ_AGAIN_MILLISECONDS = 5_000;

interface CallOptions {
  /** Called at most `MAX_CHECK_AGE_MILLISECONDS` before each attempt of a peering operation. If it rejects, the attempt is not made. */
  readonly check?: () => Promise<void>;
  /** Whether to retry after this error, because a new policy may not have reached all of AWS yet. */
  readonly isTemporary?: (error: unknown) => boolean;
}

/** Makes the calls to AWS for one request of CloudFormation, and retries each call as long as a retry may succeed. */
export class Calls {
  /** How many attempts got no response from AWS, or a server error. They may have taken effect. */
  attemptsWithUnknownEffect = 0;
  private readonly startedAt: number;
  /** Whether GameLift has throttled a peering operation of this request. From then on, the request makes all such calls in rounds. */
  private hasGameLiftThrottled = false;

  constructor(
    private readonly time: Time,
    private readonly log: Log,
    readonly signal: AbortSignal,
  ) {
    this.startedAt = time.now();
  }

  now(): number {
    return this.time.now();
  }

  /** Whether a read that begins now shows everything that was written before the given time. */
  isReadable(writtenAt: number): boolean {
    return this.now() - writtenAt >= READ_DELAY_MILLISECONDS;
  }

  async waitUntilReadable(writtenAt: number): Promise<void> {
    await this.sleep(writtenAt + READ_DELAY_MILLISECONDS - this.now());
  }

  /** Waits until reads return everything that anyone has written before now. */
  async waitUntilWritesAreReadable(): Promise<void> {
    await this.waitUntilReadable(this.now());
  }

  /** Waits until reads return everything that anyone had written before this request began. */
  async waitUntilEarlierWritesAreReadable(): Promise<void> {
    await this.waitUntilReadable(this.startedAt);
  }

  /**
   * Reads until the value is as expected, for at most 15 seconds, and returns the last value.
   *
   * @param pause milliseconds between two reads. For a list with a low rate limit, pass `READ_DELAY_MILLISECONDS`: at most two reads
   */
  async readUntil<T>(read: () => Promise<T>, isExpected: (value: T) => boolean, pause = READ_AGAIN_MILLISECONDS): Promise<T> {
    const startedAt = this.now();
    for (;;) {
      const isLastRead = this.isReadable(startedAt);
      const value = await read();
      if (isLastRead || isExpected(value)) {
        return value;
      }
      await this.sleep(pause);
    }
  }

  /** Rejects when the time for the request is up. */
  sleep(milliseconds: number): Promise<void> {
    return this.time.sleep(Math.max(0, milliseconds), this.signal);
  }

  /** @throws TimeUpProblem with the given state, such as "the connection was still pending", if the time for the request is up. */
  async sleepWhile(state: string, milliseconds: number): Promise<void> {
    try {
      await this.sleep(milliseconds);
    } catch {
      throw new TimeUpProblem(`${state} when the time for this request was up`);
    }
  }

  /**
   * Makes one call to AWS.
   *
   * @throws RateLimitProblem if the call was still throttled when the time for the request was up.
   * @throws the error of AWS if another attempt would not help.
   */
  async make<T>(
    operation: string,
    call: (signal: AbortSignal) => Promise<T>,
    { check = () => Promise.resolve(), isTemporary = isIamDenial }: CallOptions = {},
  ): Promise<T> {
    const startedAt = this.now();
    const hasLowLimit = hasLowRateLimit(operation);
    const failures = { throttleCount: 0, unknownEffectCount: 0 };
    // what the call waits for at the moment
    const state: { waitsFor: 'rate limit' | 'response' | 'other' } = {
      waitsFor: hasLowLimit && this.hasGameLiftThrottled ? 'rate limit' : 'other',
    };
    const attempt = async (): Promise<T> => {
      if (!hasLowLimit) {
        await check();
      } else if (this.hasGameLiftThrottled) {
        await this.waitForRound(failures.throttleCount, check);
      } else {
        await this.waitIfRoundIsImminent(check);
      }
      state.waitsFor = 'response';
      return await call(this.signal);
    };
    const delayAfter = (error: unknown): number | undefined => {
      state.waitsFor = isThrottle(error) ? 'rate limit' : 'other';
      if (state.waitsFor === 'rate limit') {
        failures.throttleCount += 1;
        this.hasGameLiftThrottled ||= hasLowLimit;
        // a call with a low rate limit waits in `waitForRound` instead
        return hasLowLimit ? 0 : this.throttlePause(failures.throttleCount);
      }
      if (isTemporary(error)) {
        return this.now() - startedAt < DENIAL_RETRY_MILLISECONDS ? DENIAL_PAUSE_MILLISECONDS : undefined;
      }
      if (hasUnknownEffect(error)) {
        this.attemptsWithUnknownEffect += 1;
        failures.unknownEffectCount += 1;
        return failures.unknownEffectCount < MAX_ATTEMPTS_WITH_UNKNOWN_EFFECT
          ? 1000 * 2 ** (failures.unknownEffectCount - 1) * (1 + 0.25 * this.time.jitter())
          : undefined;
      }
      return undefined;
    };
    const logAndGetDelay = (error: unknown): number | undefined => {
      const milliseconds = delayAfter(error);
      const { name, message } = readError(error);
      this.log.info({
        message: milliseconds === undefined ? `${operation} failed` : `${operation} failed and is retried`,
        operation,
        error: name,
        reason: message,
        ...(milliseconds === undefined || milliseconds === 0 ? {} : { retryInSeconds: Math.round(milliseconds / 1000) }),
      });
      return milliseconds;
    };
    try {
      return await retry(attempt, { delayAfter: logAndGetDelay, time: this.time, signal: this.signal });
    } catch (error) {
      if (!this.signal.aborted) {
        throw error;
      }
      const seconds = Math.round((this.now() - startedAt) / 1000);
      if (isThrottle(error) || state.waitsFor === 'rate limit') {
        throw new RateLimitProblem(`${operation} was still throttled after ${seconds} seconds${rateLimitHint(operation)}`);
      }
      this.attemptsWithUnknownEffect += state.waitsFor === 'response' ? 1 : 0;
      throw new TimeUpProblem(`${operation} was not finished when the time for this request was up, after ${seconds} seconds`);
    }
  }

  /** @param throttleCount how often this caller has been throttled */
  private throttlePause(throttleCount: number): number {
    const { min, max } = FIRST_THROTTLE_PAUSE_MILLISECONDS;
    return 2 ** Math.min(throttleCount - 1, 3) * (min + (max - min) * this.time.jitter());
  }

  /**
   * Waits for the next round. All throttled callers of an account try again at the same multiples of 10.35 seconds. One caller succeeds, and
   * the others are throttled at almost the same moment. So one caller succeeds in each round, even if a throttled call starts the ten seconds
   * again (AWS does not document this). If callers chose their own times, they could block each other forever.
   *
   * Callers that have not been throttled yet do not wait for a round, because most stacks have only one or two connections. If throttled calls
   * start the ten seconds again, no caller succeeds in the round after such a first call.
   *
   * In a round, callers that have been throttled more often tend to call earlier, so that no caller waits much longer than those that came
   * before it. Network delays can change the order of callers with similar counts.
   *
   * @param throttleCount how often this caller has been throttled
   */
  private async waitForRound(throttleCount: number, check: () => Promise<void>): Promise<void> {
    for (;;) {
      const roundAt = this.nextRoundAt();
      const { min, max } = CHECK_AHEAD_MILLISECONDS;
      await this.sleep(roundAt - this.now() - (min + (max - min) * this.time.jitter()));
      await check();
      if (this.now() <= roundAt) {
        const priority = Math.min(throttleCount + 1, MAX_PRIORITY) - this.time.jitter();
        await this.sleep(roundAt - this.now() + ROUND_SPREAD_MILLISECONDS * (1 - priority / MAX_PRIORITY));
        return;
      }
      // the check took so long that the round is over: wait for the next one
    }
  }

  /**
   * Runs the check, and waits for the next round if it is at most 350 milliseconds away. A call just before a round would succeed, but all
   * callers in the round would be throttled, and no call would succeed until the round after it. The call comes last in the round, because the
   * others have waited longer.
   */
  private async waitIfRoundIsImminent(check: () => Promise<void>): Promise<void> {
    let checkedAt: number;
    do {
      checkedAt = this.now();
      await check();
    } while (this.now() - checkedAt > CHECK_AHEAD_MILLISECONDS.max);
    const remaining = this.nextRoundAt() - this.now();
    if (remaining <= ROUND_MILLISECONDS - RATE_LIMIT_MILLISECONDS) {
      await this.sleep(remaining + ROUND_SPREAD_MILLISECONDS);
    }
  }

  private nextRoundAt(): number {
    const now = this.now();
    return now - (now % ROUND_MILLISECONDS) + ROUND_MILLISECONDS;
  }
}

/** GameLift's peering operations, as the handler names them. EC2's operations with similar names have different limits. */
export const PEERING_OPERATIONS: readonly string[] = [
  'CreateVpcPeeringAuthorization',
  'DeleteVpcPeeringAuthorization',
  'DescribeVpcPeeringAuthorizations',
  'CreateVpcPeeringConnection',
  'DeleteVpcPeeringConnection',
  'DescribeVpcPeeringConnections',
];

function hasLowRateLimit(operation: string): boolean {
  return PEERING_OPERATIONS.includes(operation);
}

/** GameLift's rate limit of its peering operations is surprisingly low, so the error message states it. */
function rateLimitHint(operation: string): string {
  return hasLowRateLimit(operation)
    ? ' (GameLift allows one call in ten seconds of each peering operation for the whole account)'
    : '';
}

import type { Log } from '../log';
import { Problem } from '../problem';
import { retry } from '../time';
import type { Time } from '../time';
import { isDenial, isGameLiftRefusal, isIamDenial, isThrottle, isUnanswered, readError } from './errors';

/** GameLift allows each peering operation once in ten seconds, with a burst of one. */
const RATE_TOKEN_MILLISECONDS = 10_000;

/**
 * How often a call is throttled before it begins to wait longer each time. If each throttled call consumes a rate token (AWS
 * does not document this), callers that do not wait longer and longer keep all of them from being served.
 */
const CONTENDED_THROTTLES = 8;

/** The longest wait after a throttled call, in rate tokens beyond the first. */
const MAX_SPREAD = 6;

/** A new policy may take a minute to be known everywhere: a denial is retried for longer than that. */
export const DENIAL_PATIENCE_MILLISECONDS = 75_000;

const UNANSWERED_ATTEMPTS = 5;

/** The time of the request is up. */
export class TimeUpProblem extends Problem {
  /** @param what what was being done at that moment */
  constructor(what: string) {
    super(what, 'try again');
  }
}

/** The call was still throttled when the time of the request was up. */
class RateLimitProblem extends Problem {
  constructor(what: string) {
    super(what, 'other callers in this account use the same operation: try again when they are done');
  }
}

/** Whether AWS said that it did nothing. */
export function isRefusal(error: unknown): boolean {
  return isDenial(error) || error instanceof RateLimitProblem || isGameLiftRefusal(error);
}

/*
 * AWS does not promise that a write can be read at once. Each read (fleet tags; EC2's tags, peerings and routes; GameLift's
 * Describe operations) may return the state of up to 15 seconds ago, and a later read may return an older state than an
 * earlier one. Calls that write act on the current state. Therefore, everywhere in the handler:
 * - What an earlier request wrote is readable for sure 15 seconds after this request began: `untilEarlierIsReadable`.
 * - What this run wrote, or asked GameLift for, is missing only if a read 15 seconds later does not show it: `isReadable`.
 * - Nothing is deleted because something is missing, and nothing is final because one read showed it.
 */
export const READ_DELAY_MILLISECONDS = 15_000;

const READ_AGAIN_MILLISECONDS = 5_000;

/** Makes the calls of one request to AWS, and retries each as long as its errors are worth it. */
export class Calls {
  /** Calls that failed without an answer of AWS: they may have taken effect. */
  unanswered = 0;
  private readonly began: number;

  constructor(
    private readonly time: Time,
    private readonly log: Log,
    readonly signal: AbortSignal,
  ) {
    this.began = time.now();
  }

  now(): number {
    return this.time.now();
  }

  /** Whether a read that begins now returns what was written then. */
  isReadable(writtenAt: number): boolean {
    return this.now() - writtenAt >= READ_DELAY_MILLISECONDS;
  }

  async untilReadable(writtenAt: number): Promise<void> {
    await this.sleep(writtenAt + READ_DELAY_MILLISECONDS - this.now());
  }

  /** Waits until reads return everything that was written before this request began. */
  async untilEarlierIsReadable(): Promise<void> {
    await this.untilReadable(this.began);
  }

  /**
   * Reads until the value is as expected, for 15 seconds at most, and returns the last value.
   *
   * @param pause milliseconds between two reads: a list that may be read once in ten seconds is read only twice
   */
  async readUntil<T>(read: () => Promise<T>, isExpected: (value: T) => boolean, pause = READ_AGAIN_MILLISECONDS): Promise<T> {
    const started = this.now();
    for (;;) {
      const isLast = this.isReadable(started);
      const value = await read();
      if (isLast || isExpected(value)) {
        return value;
      }
      await this.sleep(pause);
    }
  }

  /** Waits for milliseconds. Rejects when the time of the request is up. */
  sleep(milliseconds: number): Promise<void> {
    return this.time.sleep(Math.max(0, milliseconds), this.signal);
  }

  /** @throws TimeUpProblem that says what was still the case when the time of the request was up. */
  async sleepWhile(whatIsStillTheCase: string, milliseconds: number): Promise<void> {
    try {
      await this.sleep(milliseconds);
    } catch {
      throw new TimeUpProblem(`${whatIsStillTheCase} when the time was up`);
    }
  }

  /**
   * Makes one call to AWS.
   *
   * @param isTemporary whether an error may only mean that a policy is not known everywhere yet
   * @throws RateLimitProblem if the call was still throttled when the time of the request was up.
   * @throws the error of the service if another attempt would not help.
   */
  async make<T>(operation: string, call: (signal: AbortSignal) => Promise<T>, isTemporary = isIamDenial): Promise<T> {
    const started = this.now();
    const seen = { isThrottled: false, throttles: 0, unanswered: 0 };
    const delayAfter = (error: unknown): number | undefined => {
      seen.isThrottled = isThrottle(error);
      if (seen.isThrottled) {
        seen.throttles += 1;
        const spread = 0.25 + Math.min(Math.max(seen.throttles - CONTENDED_THROTTLES, 0), MAX_SPREAD);
        return RATE_TOKEN_MILLISECONDS * (1 + spread * this.time.jitter());
      }
      if (isTemporary(error)) {
        return this.now() - started < DENIAL_PATIENCE_MILLISECONDS ? RATE_TOKEN_MILLISECONDS : undefined;
      }
      if (isUnanswered(error)) {
        this.unanswered += 1;
        seen.unanswered += 1;
        return seen.unanswered < UNANSWERED_ATTEMPTS
          ? 1000 * 2 ** (seen.unanswered - 1) * (1 + 0.25 * this.time.jitter())
          : undefined;
      }
      return undefined;
    };
    const wait = (error: unknown): number | undefined => {
      const milliseconds = delayAfter(error);
      const { name, message } = readError(error);
      this.log.info({
        message: milliseconds === undefined ? `${operation} failed` : `${operation} failed and is retried`,
        operation,
        error: name,
        reason: message,
        ...(milliseconds === undefined ? {} : { retryInSeconds: Math.round(milliseconds / 1000) }),
      });
      return milliseconds;
    };
    try {
      return await retry(() => call(this.signal), wait, this.time, this.signal);
    } catch (error) {
      if (!this.signal.aborted) {
        throw error;
      }
      const seconds = Math.round((this.now() - started) / 1000);
      throw seen.isThrottled
        ? new RateLimitProblem(
            `the rate limit of ${operation}${limitOf(operation)} still refused the call after ${seconds} seconds`,
          )
        : new TimeUpProblem(`${operation} was not finished when the time of this request was up, after ${seconds} seconds`);
    }
  }
}

/** GameLift's limit of its peering operations, which nobody expects to be so low; that of others is not worth mentioning. */
function limitOf(operation: string): string {
  return /^\w+VpcPeering\w+$/.test(operation)
    ? ' (GameLift: one call of a peering operation in ten seconds for the whole account)'
    : '';
}

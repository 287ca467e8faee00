import type { Log } from './log';
import { retry } from './time';
import type { Time } from './time';

/** How AWS names a call that was one too many. GameLift's model names none; these are seen in practice. */
const THROTTLED: ReadonlySet<string> = new Set([
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
]);

/** How IAM says that the caller may not: in JSON services, in query services, in EC2. */
const DENIED_BY_IAM: ReadonlySet<string> = new Set(['AccessDeniedException', 'AccessDenied', 'UnauthorizedOperation']);

/** The same, and how GameLift says that its caller lacks what it needs in the peer VPC. */
export const DENIED: ReadonlySet<string> = new Set([...DENIED_BY_IAM, 'UnauthorizedException']);

/** Errors after which nobody knows whether the call took effect, and the same call may be made again. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'InternalServiceException',
  'InternalFailure',
  'InternalError',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'Unavailable',
  'TimeoutError',
  'RequestTimeout',
  'RequestTimeoutException',
  'SyntaxError',
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
]);

/** GameLift allows each peering operation once in ten seconds, with a burst of one. */
const RATE_TOKEN_MILLISECONDS = 10_000;

/**
 * How often a call is throttled where the callers of one stack share the limit. More often, and throttled calls may themselves
 * use up tokens: then callers that do not wait longer and longer keep all of them from being served.
 */
const CONTENDED_THROTTLES = 8;

/** The longest wait, in tokens beyond the first. */
const MAX_SPREAD = 6;

/** A policy that was attached a moment ago is not known everywhere yet: so long a denial is not believed. */
export const DENIAL_PATIENCE_MILLISECONDS = 60_000;

const TRANSIENT_ATTEMPTS = 5;

interface AwsFault {
  readonly name: string;
  readonly message: string;
  readonly code: string;
  readonly status: number;
}

/** What an error of the AWS SDK, or of the network below it, says of itself. */
export function faultOf(error: unknown): AwsFault {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), code: '', status: 0 };
  }
  const { code, Code, $metadata } = error as Error & {
    readonly code?: unknown;
    readonly Code?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const own = typeof code === 'string' ? code : typeof Code === 'string' ? Code : '';
  return {
    name: error.name === 'Error' && own !== '' ? own : error.name,
    message: error.message,
    code: own,
    status: $metadata?.httpStatusCode ?? 0,
  };
}

function isOneOf(names: ReadonlySet<string>, fault: AwsFault): boolean {
  return names.has(fault.name) || names.has(fault.code);
}

/** The request ran out of time; what it was doing at that moment is its message. */
export class TimeUpError extends Error {
  override readonly name = 'TimeUpError';
}

/** Still refused for its rate when the time was up. */
export class RateLimitError extends Error {
  override readonly name = 'RateLimitError';
}

export function isDenied(error: unknown): boolean {
  return isOneOf(DENIED, faultOf(error));
}

/** Whether AWS said outright that it did not do what it was asked. */
export function isRefusal(error: unknown): boolean {
  const { name } = faultOf(error);
  return isDenied(error) || error instanceof RateLimitError || name === 'InvalidRequestException' || name === 'NotFoundException';
}

/*
 * AWS does not promise that a write can be read at once. What is read (tags of fleets, EC2's tags, peerings and routes, all of
 * GameLift's Describes) may be what there was up to 15 seconds ago, and the next read may show an older state than the last.
 * Calls that write are checked against what there is. From this follows, in all of the handler:
 * - what one request wrote, another reads for sure only 15 seconds after it began: `untilEarlierIsReadable`
 * - what this run wrote, or asked GameLift for, is missing for sure only if it is missing 15 seconds later: `isReadable`
 * - nothing is deleted because something is missing, and nothing is final that a read shows only once
 */
export const READ_DELAY_MILLISECONDS = 15_000;

const READ_AGAIN_MILLISECONDS = 5_000;

/** Makes the calls of one request, with the patience that each kind of refusal deserves. */
export class Calls {
  /** Calls of which nobody knows whether they took effect. */
  uncertain = 0;
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

  /** Whether a read that begins now shows what was written then. */
  isReadable(writtenAt: number): boolean {
    return this.now() - writtenAt >= READ_DELAY_MILLISECONDS;
  }

  async untilReadable(writtenAt: number): Promise<void> {
    await this.sleep(Math.max(0, writtenAt + READ_DELAY_MILLISECONDS - this.now()));
  }

  /** Waits until reads show all that was written before this request began. */
  async untilEarlierIsReadable(): Promise<void> {
    await this.untilReadable(this.began);
  }

  /**
   * Reads until what was read is as expected, and gives what was read last: after 15 seconds it is believed.
   *
   * @param pause milliseconds between two reads: a list that is allowed once in ten seconds is read only twice
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

  /** Waits for milliseconds; rejects when the request's time is up. */
  sleep(milliseconds: number): Promise<void> {
    return this.time.sleep(milliseconds, this.signal);
  }

  /**
   * Makes one call to AWS.
   *
   * @param denied names of errors that may only mean that a policy is not known yet
   * @throws RateLimitError if it was still throttled when the request's time was up.
   * @throws the service's own error, once that is not worth another attempt.
   */
  async make<T>(operation: string, call: (signal: AbortSignal) => Promise<T>, denied = DENIED_BY_IAM): Promise<T> {
    const started = this.time.now();
    const seen = { throttled: false, throttles: 0, failures: 0 };
    const delay = (error: unknown): number | undefined => {
      const fault = faultOf(error);
      seen.throttled = isOneOf(THROTTLED, fault) || fault.status === 429;
      if (seen.throttled) {
        seen.throttles += 1;
        const spread = 0.25 + Math.min(Math.max(seen.throttles - CONTENDED_THROTTLES, 0), MAX_SPREAD);
        return RATE_TOKEN_MILLISECONDS * (1 + spread * this.time.jitter());
      }
      if (isOneOf(denied, fault)) {
        return this.time.now() - started < DENIAL_PATIENCE_MILLISECONDS ? RATE_TOKEN_MILLISECONDS : undefined;
      }
      if (isOneOf(TRANSIENT, fault) || fault.status >= 500) {
        this.uncertain += 1;
        seen.failures += 1;
        return seen.failures < TRANSIENT_ATTEMPTS ? 1000 * 2 ** (seen.failures - 1) * (1 + 0.25 * this.time.jitter()) : undefined;
      }
      return undefined;
    };
    const wait = (error: unknown): number | undefined => {
      const milliseconds = delay(error);
      const { name, message } = faultOf(error);
      this.log.info({
        message: milliseconds === undefined ? `${operation} failed` : `${operation} was refused and is tried again`,
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
      const seconds = Math.round((this.time.now() - started) / 1000);
      throw seen.throttled
        ? new RateLimitError(
            `the rate limit of ${operation} (GameLift: one call of a peering operation in ten seconds for the whole account) ` +
              `still refused the call after ${seconds} seconds`,
          )
        : new TimeUpError(`${operation} was not finished when the time of this request was up, after ${seconds} seconds`);
    }
  }
}

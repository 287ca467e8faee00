import { MINUTE, SECOND } from './clock';
import type { Clock } from './clock';
import { CallFailed, failureOf } from './errors';

/*
 * Makes calls at GameLift's rate limit: one call of each peering operation in ten seconds. The clients must not retry, since their retries
 * would ignore the limit.
 */

/** One call of an AWS API. */
export interface Call<Output> {
  readonly service: 'gamelift' | 'ec2' | 'sts';
  readonly operation: string;
  readonly send: () => Promise<Output>;
}

/** The result of a call that was not throttled. Times are in milliseconds, by the clock of this machine. */
export type CallResult<Output> =
  | { readonly kind: 'succeeded'; readonly output: Output; readonly returnedAt: number }
  | { readonly kind: 'refused'; readonly name: string; readonly message: string; readonly returnedAt: number };

/** The result of one attempt, which may be throttled. */
export type Attempt<Output> =
  | (CallResult<Output> & { readonly sentAt: number })
  | { readonly kind: 'throttled'; readonly name: string; readonly sentAt: number; readonly returnedAt: number };

/** The time between two calls of the same peering operation: the limit of ten seconds, and half a second as a margin. */
export const CALL_INTERVAL = 10.5 * SECOND;

const THROTTLING_TIMEOUT = 5 * MINUTE;
const MAX_ATTEMPTS = 6;

/** Checks the service too: EC2 also has an operation DescribeVpcPeeringConnections. */
function isPeeringOperation({ service, operation }: Call<unknown>): boolean {
  return service === 'gamelift' && operation.includes('VpcPeering');
}

/** Remembers when each peering operation can be called again. The experiments and the undo share one instance. */
export class RateLimits {
  private readonly nextCalls = new Map<string, number>();

  noteCall(call: Call<unknown>, time: number): void {
    if (isPeeringOperation(call)) {
      this.nextCalls.set(call.operation, time + CALL_INTERVAL);
    }
  }

  timeOfNextCall(call: Call<unknown>): number {
    return isPeeringOperation(call) ? (this.nextCalls.get(call.operation) ?? 0) : 0;
  }
}

export class Calls {
  constructor(
    private readonly clock: Clock,
    private readonly limits: RateLimits,
    private readonly signal: AbortSignal,
  ) {}

  now(): number {
    return this.clock.now();
  }

  /** Throws the reason of the abort if the run is aborted. */
  async sleep(milliseconds: number): Promise<void> {
    this.signal.throwIfAborted();
    if (milliseconds > 0) {
      await this.clock.sleep(milliseconds, this.signal);
    }
    this.signal.throwIfAborted();
  }

  async sleepUntil(time: number): Promise<void> {
    await this.sleep(time - this.now());
  }

  /** Waits until the rate limit allows the call. */
  async waitUntilAllowed(call: Call<unknown>): Promise<void> {
    await this.sleepUntil(this.limits.timeOfNextCall(call));
  }

  /** Whether the rate limit allows the call now. */
  isAllowed(call: Call<unknown>): boolean {
    return this.limits.timeOfNextCall(call) <= this.now();
  }

  /** Calls once, without waiting. */
  async attempt<Output>(call: Call<Output>): Promise<Attempt<Output>> {
    this.signal.throwIfAborted();
    const sentAt = this.now();
    try {
      const output = await call.send();
      return { kind: 'succeeded', output, sentAt, returnedAt: this.now() };
    } catch (error) {
      const failure = failureOf(error);
      switch (failure.kind) {
        case 'refused':
        case 'throttled':
          return { kind: failure.kind, name: failure.name, message: failure.message, sentAt, returnedAt: this.now() };
        case 'denied':
        case 'unavailable':
          throw new CallFailed(`${call.service}:${call.operation}`, failure);
      }
    } finally {
      this.limits.noteCall(call, this.now());
    }
  }

  /** Waits for the rate limit, and retries throttled calls. Does not retry if the network fails, since the call may have taken effect. */
  async call<Output>(call: Call<Output>): Promise<CallResult<Output>> {
    const start = this.now();
    for (let pause = SECOND; ; pause = Math.min(2 * pause, 10 * SECOND)) {
      await this.waitUntilAllowed(call);
      const attempt = await this.attempt(call);
      if (attempt.kind !== 'throttled') {
        return attempt;
      }
      if (this.now() - start > THROTTLING_TIMEOUT) {
        const { name } = attempt;
        const message = `throttled for ${THROTTLING_TIMEOUT / MINUTE} minutes.`;
        throw new CallFailed(`${call.service}:${call.operation}`, { kind: 'throttled', name, message });
      }
      // before a peering operation, `waitUntilAllowed` waits long enough
      await this.sleep(isPeeringOperation(call) ? 0 : pause);
    }
  }

  /** For idempotent calls: like `call`, but also retries if AWS or the network fails. */
  async callWithRetries<Output>(call: Call<Output>): Promise<CallResult<Output>> {
    for (let attempts = 1, pause = 2 * SECOND; ; attempts += 1, pause = Math.min(2 * pause, 16 * SECOND)) {
      try {
        return await this.call(call);
      } catch (error) {
        if (!(error instanceof CallFailed) || error.failure.kind !== 'unavailable' || attempts === MAX_ATTEMPTS) {
          throw error;
        }
        await this.sleep(pause);
      }
    }
  }

  /** Like `callWithRetries`, but returns the output, and throws if the call is refused. */
  async callOrThrow<Output>(call: Call<Output>): Promise<Output> {
    const result = await this.callWithRetries(call);
    if (result.kind === 'refused') {
      throw new CallFailed(`${call.service}:${call.operation}`, { ...result, kind: 'refused' });
    }
    return result.output;
  }
}

/** Waits for concurrent tasks. If one fails, aborts the others, and throws after all have ended. */
export async function runConcurrently(stop: AbortController, tasks: readonly Promise<unknown>[]): Promise<void> {
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await task;
      } catch (error) {
        stop.abort(error);
      }
    }),
  );
  stop.signal.throwIfAborted();
}

import { MINUTE, SECOND } from './clock';
import type { Clock } from './clock';
import { CallFailed, failureOf } from './errors';

/*
 * Makes calls, and waits for GameLift's rate limit: one call of each peering operation in ten seconds. The clients must not repeat calls.
 */

/** One call of an AWS API. */
export interface Call<Output> {
  readonly service: 'gamelift' | 'ec2' | 'sts';
  readonly operation: string;
  readonly send: () => Promise<Output>;
}

/** What a call answers. A refusal is an answer too. Times are those of this machine. */
export type Answer<Output> =
  | { readonly kind: 'answered'; readonly output: Output; readonly at: number }
  | { readonly kind: 'refused'; readonly name: string; readonly message: string; readonly at: number };

/** What one attempt answers, which may be above the rate limit. */
export type Attempt<Output> =
  | (Answer<Output> & { readonly sent: number })
  | { readonly kind: 'throttled'; readonly name: string; readonly sent: number; readonly at: number };

/** How long after a call the next one of the same peering operation is made. The limit is ten seconds. */
export const BETWEEN_CALLS = 10.5 * SECOND;

const THROTTLED_AT_MOST = 5 * MINUTE;
const UNAVAILABLE_AT_MOST = 6;

/** EC2 has an operation with the same name as one of GameLift's. */
function isPeeringOperation({ service, operation }: Call<unknown>): boolean {
  return service === 'gamelift' && operation.includes('VpcPeering');
}

/** When each peering operation may be called again. The probe and its undoing share it. */
export class RateLimits {
  private readonly nextCalls = new Map<string, number>();

  note(call: Call<unknown>, at: number): void {
    if (isPeeringOperation(call)) {
      this.nextCalls.set(call.operation, at + BETWEEN_CALLS);
    }
  }

  next(call: Call<unknown>): number {
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

  /** Throws the reason if the run was aborted. */
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
  async waitFor(call: Call<unknown>): Promise<void> {
    await this.sleepUntil(this.limits.next(call));
  }

  /** Whether the rate limit allows the call now. */
  isAllowed(call: Call<unknown>): boolean {
    return this.limits.next(call) <= this.now();
  }

  /** Calls once, at once. */
  async attempt<Output>(call: Call<Output>): Promise<Attempt<Output>> {
    this.signal.throwIfAborted();
    const sent = this.now();
    try {
      const output = await call.send();
      return { kind: 'answered', output, sent, at: this.now() };
    } catch (error) {
      const failure = failureOf(error);
      switch (failure.kind) {
        case 'refused':
        case 'throttled':
          return { kind: failure.kind, name: failure.name, message: failure.message, sent, at: this.now() };
        case 'denied':
        case 'unavailable':
          throw new CallFailed(`${call.service}:${call.operation}`, failure);
      }
    } finally {
      this.limits.note(call, this.now());
    }
  }

  /** Calls when the rate limit allows it. Does not repeat a call without an answer, since it may have been carried out. */
  async ask<Output>(call: Call<Output>): Promise<Answer<Output>> {
    const start = this.now();
    for (let pause = SECOND; ; pause = Math.min(2 * pause, 10 * SECOND)) {
      await this.waitFor(call);
      const attempt = await this.attempt(call);
      if (attempt.kind !== 'throttled') {
        return attempt;
      }
      if (this.now() - start > THROTTLED_AT_MOST) {
        const { name } = attempt;
        const message = `refused for its rate for ${THROTTLED_AT_MOST / MINUTE} minutes.`;
        throw new CallFailed(`${call.service}:${call.operation}`, { kind: 'throttled', name, message });
      }
      await this.sleep(isPeeringOperation(call) ? 0 : pause);
    }
  }

  /** Like `ask`, for calls that can be repeated: repeats them when AWS or the network has a problem. */
  async insist<Output>(call: Call<Output>): Promise<Answer<Output>> {
    for (let attempts = 1, pause = 2 * SECOND; ; attempts += 1, pause = Math.min(2 * pause, 16 * SECOND)) {
      try {
        return await this.ask(call);
      } catch (error) {
        if (!(error instanceof CallFailed) || error.failure.kind !== 'unavailable' || attempts === UNAVAILABLE_AT_MOST) {
          throw error;
        }
        await this.sleep(pause);
      }
    }
  }

  /** Like `insist`, where a refusal means that the probe can't go on. */
  async read<Output>(call: Call<Output>): Promise<Output> {
    const answer = await this.insist(call);
    if (answer.kind === 'refused') {
      throw new CallFailed(`${call.service}:${call.operation}`, { ...answer, kind: 'refused' });
    }
    return answer.output;
  }
}

/** Waits for tasks that run at the same time. If one fails, it stops the others, and throws when all have ended. */
export async function together(stop: AbortController, tasks: readonly Promise<unknown>[]): Promise<void> {
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

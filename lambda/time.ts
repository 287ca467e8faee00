import { setTimeout as wait } from 'node:timers/promises';

/** The clock that the handler uses. */
export interface Time {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Rejects with the signal's reason as soon as the signal is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** A random number from 0 (inclusive) to 1 (exclusive), to spread out callers that were throttled at the same moment. */
  jitter(): number;
}

export const realTime: Time = {
  now: () => Date.now(),
  sleep: async (milliseconds, signal) => {
    try {
      await wait(milliseconds, undefined, { signal });
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  },
  jitter: () => Math.random(),
};

export interface RetryOptions {
  /** The milliseconds to wait after the error of an attempt, or undefined to give up. Attempts are counted from 0. */
  readonly delayAfter: (error: unknown, attempt: number) => number | undefined;
  readonly time: Time;
  readonly signal: AbortSignal;
}

/** Repeats a call until it succeeds. Throws the last error when `delayAfter` returns undefined for it, or when `signal` is aborted. */
export async function retry<T>(call: () => Promise<T>, { delayAfter, time, signal }: RetryOptions): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      const milliseconds = signal.aborted ? undefined : delayAfter(error, attempt);
      if (milliseconds === undefined) {
        throw error;
      }
      try {
        await time.sleep(milliseconds, signal);
      } catch {
        throw error;
      }
    }
  }
}

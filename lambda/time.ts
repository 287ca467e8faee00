import { setTimeout as wait } from 'node:timers/promises';

/** Time as the handler sees it. */
export interface Time {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Waits for milliseconds; rejects with the signal's reason as soon as it is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** A number from 0 up to, but not including, 1: spreads callers that were refused at the same moment. */
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

/**
 * Calls until it succeeds. Throws the last error as soon as `delay` gives no further wait for it, or `signal` is aborted.
 *
 * @param delay milliseconds to wait after the attempt with this number, from 0; undefined to give up
 */
export async function retry<T>(
  call: () => Promise<T>,
  delay: (error: unknown, attempt: number) => number | undefined,
  time: Time,
  signal: AbortSignal,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      const milliseconds = signal.aborted ? undefined : delay(error, attempt);
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

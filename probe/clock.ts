import { setTimeout } from 'node:timers/promises';

/** An interface, so that tests can use simulated time. */
export interface Clock {
  now(): number;

  /** Ends early without an error if the signal is aborted. The caller checks the signal. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  sleep: async (milliseconds, signal) => {
    await setTimeout(milliseconds, undefined, { signal }).catch(() => undefined);
  },
};

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;

/** EC2's reads are eventually consistent, and AWS documents no maximum delay. The probe assumes that reads show each write after this time. */
export const CONSISTENCY_DELAY = 20 * SECOND;

/** Formats a duration, such as `12.3 s`. */
export function secondsText(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}

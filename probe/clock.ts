import { setTimeout } from 'node:timers/promises';

/** The time, so that tests can run the probe in simulated time. */
export interface Clock {
  now(): number;

  /** Waits, but not beyond an abort of the signal. Who calls it looks at the signal. */
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

/** EC2 says that its reads can be late, and gives no bound. After this time, the probe trusts that a read shows a write. */
export const VISIBLE = 20 * SECOND;

/** A duration for people: `12.3 s`. */
export function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}

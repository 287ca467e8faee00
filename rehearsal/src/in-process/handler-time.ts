import { RehearsalClock } from '../time/clock';
import type { HandlerServices } from './handler';

const START = Date.parse('2026-01-01T00:00:00Z');

/** Gives a handler rehearsed time. The default clock starts on 1 January 2026. */
export function rehearsedTime(clock = new RehearsalClock(START), jitter = () => 0): HandlerServices['time'] {
  return {
    now: () => clock.read(),
    jitter,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const rejectWithReason = (): void => {
          cancel();
          reject(signal.reason as Error);
        };
        const cancel = clock.callAfter(milliseconds, () => {
          signal.removeEventListener('abort', rejectWithReason);
          resolve();
        });
        signal.addEventListener('abort', rejectWithReason, { once: true });
      }),
  };
}

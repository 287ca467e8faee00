import { Problem } from '../problem';
import type { Time } from '../time';

/** How long work can continue after its signal was aborted. In this time, it can throw an error that says what it was doing. */
export const GRACE_MILLISECONDS = 1000;

/** Runs `work` with a signal that is aborted after the given milliseconds, or when `work` ends, to stop its pending calls. */
export async function withTimeLimit<T>(milliseconds: number, time: Time, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const workAbort = new AbortController();
  const timerAbort = new AbortController();
  void time.sleep(Math.max(0, milliseconds), timerAbort.signal).then(
    () => {
      workAbort.abort(
        new Problem(
          'the handler was still running when the time for this request was up',
          'try again; if this error comes back, look at the log of the function',
        ),
      );
    },
    // `work` ended in time, and the timer was aborted
    () => undefined,
  );
  try {
    return await work(workAbort.signal);
  } finally {
    timerAbort.abort();
    workAbort.abort();
  }
}

/** Like `withTimeLimit`, but returns the result of `onTimeUp` if `work` is still running a second after its signal was aborted. */
export async function withDeadline<T>(
  milliseconds: number,
  time: Time,
  work: (signal: AbortSignal) => Promise<T>,
  onTimeUp: () => T,
): Promise<T> {
  const timerAbort = new AbortController();
  const timeUp = time.sleep(Math.max(0, milliseconds) + GRACE_MILLISECONDS, timerAbort.signal).then(onTimeUp);
  // if the work ends in time, this promise rejects because of the aborted timer. Without `catch`, Node.js would report that
  timeUp.catch(() => undefined);
  try {
    return await Promise.race([withTimeLimit(milliseconds, time, work), timeUp]);
  } finally {
    timerAbort.abort();
  }
}

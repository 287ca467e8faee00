import { Problem } from '../problem';
import type { Time } from '../time';

/** How long work can continue after its time is up, so that it can fail with an error that says what it was doing. */
export const GRACE_MILLISECONDS = 1000;

/** Runs `work` with a signal that is aborted after the given milliseconds. The signal is also aborted when `work` ends, to stop its pending calls. */
export async function withTimeLimit<T>(milliseconds: number, time: Time, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  const ended = new AbortController();
  void time.sleep(Math.max(0, milliseconds), ended.signal).then(
    () => {
      limit.abort(
        new Problem(
          'the handler was still running when the time for this request was up',
          'try again; if this error comes back, look at the log of the function',
        ),
      );
    },
    () => undefined,
  );
  try {
    return await work(limit.signal);
  } finally {
    ended.abort();
    limit.abort();
  }
}

/** Like `withTimeLimit`, but returns the result of `onTimeUp` if `work` is still running a second after its signal was aborted. */
export async function withDeadline<T>(
  milliseconds: number,
  time: Time,
  work: (signal: AbortSignal) => Promise<T>,
  onTimeUp: () => T,
): Promise<T> {
  const ended = new AbortController();
  const timeUp = time.sleep(Math.max(0, milliseconds) + GRACE_MILLISECONDS, ended.signal).then(onTimeUp);
  // it rejects when the work ends in time: without this, Node.js would report an unhandled rejection
  timeUp.catch(() => undefined);
  try {
    return await Promise.race([withTimeLimit(milliseconds, time, work), timeUp]);
  } finally {
    ended.abort();
  }
}

import { Problem } from '../problem';
import type { Time } from '../time';

/** Milliseconds for work to report itself what it was doing when its time was up. */
export const GRACE_MILLISECONDS = 1000;

/** Does `work` with a signal that is aborted after the given milliseconds, and when `work` has ended. */
export async function withTimeLimit<T>(milliseconds: number, time: Time, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  const ended = new AbortController();
  void time.sleep(Math.max(0, milliseconds), ended.signal).then(
    () => {
      limit.abort(new Problem('the time of this request is up', 'try again'));
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

/** The same, and `onTimeUp` gives the result if `work` has not ended a second after it was told to. */
export async function withDeadline<T>(
  milliseconds: number,
  time: Time,
  work: (signal: AbortSignal) => Promise<T>,
  onTimeUp: () => T,
): Promise<T> {
  const ended = new AbortController();
  const timeUp = time.sleep(Math.max(0, milliseconds) + GRACE_MILLISECONDS, ended.signal).then(onTimeUp);
  // rejects when the work has ended in time, and nobody waits for it
  timeUp.catch(() => undefined);
  try {
    return await Promise.race([withTimeLimit(milliseconds, time, work), timeUp]);
  } finally {
    ended.abort();
  }
}

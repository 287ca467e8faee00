import type { Clock } from '../../time/clock';

/** Limits calls with token buckets, one for each key. */
export class RateLimit {
  /** The time at which each bucket will be full again. */
  private readonly fullAtByKey = new Map<string, number>();
  private readonly millisecondsPerToken: number;

  /** @param burst the number of tokens in a full bucket. @param perSecond the number of new tokens per second */
  constructor(
    private readonly clock: Clock,
    private readonly burst: number,
    perSecond: number,
  ) {
    this.millisecondsPerToken = 1000 / perSecond;
  }

  /** Takes a token if there is one. @returns whether there was one */
  tryTakeToken(key: string): boolean {
    const now = this.clock.now();
    const fullAt = Math.max(now, this.fullAtByKey.get(key) ?? now) + this.millisecondsPerToken;
    if (fullAt - now > this.burst * this.millisecondsPerToken) {
      return false;
    }
    this.fullAtByKey.set(key, fullAt);
    return true;
  }

  /** Empties the bucket, so that the wait for the next token starts again. */
  empty(key: string): void {
    this.fullAtByKey.set(key, this.clock.now() + this.burst * this.millisecondsPerToken);
  }
}

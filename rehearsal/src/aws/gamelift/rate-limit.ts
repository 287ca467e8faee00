import type { Clock } from '../../time/clock';

/** A token bucket for each key. */
export class RateLimit {
  /** The time at which each bucket will be full again. */
  private readonly fullAt = new Map<string, number>();
  private readonly millisecondsPerToken: number;

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
    const fullAt = Math.max(now, this.fullAt.get(key) ?? now) + this.millisecondsPerToken;
    if (fullAt - now > this.burst * this.millisecondsPerToken) {
      return false;
    }
    this.fullAt.set(key, fullAt);
    return true;
  }

  /** Empties the bucket, so that the wait for the next token starts again. */
  empty(key: string): void {
    this.fullAt.set(key, this.clock.now() + this.burst * this.millisecondsPerToken);
  }
}

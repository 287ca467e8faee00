import type { Clock } from '../../time/clock';

/** Token buckets, one for each key. */
export class RateLimit {
  /** When each bucket will be full again. */
  private readonly fullAt = new Map<string, number>();
  private readonly period: number;

  constructor(
    private readonly clock: Clock,
    private readonly burst: number,
    perSecond: number,
  ) {
    this.period = 1000 / perSecond;
  }

  /** Takes a token if there is one. @returns whether there was one */
  take(key: string): boolean {
    const now = this.clock.now();
    const fullAt = Math.max(now, this.fullAt.get(key) ?? now) + this.period;
    if (fullAt - now > this.burst * this.period) {
      return false;
    }
    this.fullAt.set(key, fullAt);
    return true;
  }

  /** Empties the bucket: the wait for the next token starts again. */
  empty(key: string): void {
    this.fullAt.set(key, this.clock.now() + this.burst * this.period);
  }
}

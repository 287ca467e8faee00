import type { Time } from '../../lambda/time';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Time that leaps to the next wake-up as soon as nothing is left to do before it. */
export class VirtualTime implements Time {
  private sleepers: Sleeper[] = [];
  private leaping = false;

  constructor(private current = Date.parse('2026-01-01T00:00:00Z')) {}

  now(): number {
    return this.current;
  }

  /** Lets time pass while nobody waits. */
  pass(milliseconds: number): void {
    this.current += milliseconds;
  }

  jitter(): number {
    return 0;
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        this.sleepers = this.sleepers.filter((other) => other !== sleeper);
        reject(signal.reason as Error);
      };
      const sleeper: Sleeper = {
        at: this.current + milliseconds,
        wake: () => {
          signal.removeEventListener('abort', fail);
          resolve();
        },
      };
      if (signal.aborted) {
        fail();
        return;
      }
      signal.addEventListener('abort', fail, { once: true });
      this.sleepers.push(sleeper);
      this.leap();
    });
  }

  private leap(): void {
    if (this.leaping) {
      return;
    }
    this.leaping = true;
    setImmediate(() => {
      this.leaping = false;
      const next = this.sleepers.reduce<Sleeper | undefined>(
        (first, other) => (first === undefined || other.at < first.at ? other : first),
        undefined,
      );
      if (next !== undefined) {
        this.sleepers = this.sleepers.filter((other) => other !== next);
        this.current = Math.max(this.current, next.at);
        next.wake();
        this.leap();
      }
    });
  }
}

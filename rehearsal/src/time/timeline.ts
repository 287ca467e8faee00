import type { Clock } from './clock';

let versions = 0;

/** How long earlier values are kept. */
const KEPT_MILLISECONDS = 60_000;

interface Version<T> {
  readonly from: number;
  /** Unique across all timelines. */
  readonly version: number;
  readonly value: T;
}

/** A value with its recent history, for readers that see changes late. */
export class Timeline<T> {
  private readonly changes: Version<T>[];

  constructor(
    private readonly clock: Pick<Clock, 'now'>,
    /** The value at all times before the first change. */
    initial: T,
  ) {
    this.changes = [{ from: -Infinity, version: ++versions, value: initial }];
  }

  get latest(): T {
    return this.at(Infinity).value;
  }

  set(value: T): void {
    const now = this.clock.now();
    this.changes.push({ from: now, version: ++versions, value });
    this.changes.splice(0, this.indexAt(now - KEPT_MILLISECONDS));
  }

  /** The value at `time`, at most a minute ago. */
  at(time: number): Version<T> {
    const version = this.changes[this.indexAt(time)];
    if (version === undefined) {
      throw new Error('a timeline has no value before its first one');
    }
    return version;
  }

  private indexAt(time: number): number {
    return Math.max(
      0,
      this.changes.findLastIndex(({ from }) => from <= time),
    );
  }
}

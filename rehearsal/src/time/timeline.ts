import type { Clock } from './clock';

let lastVersion = 0;

/** How long a timeline keeps earlier values. */
const HISTORY_MILLISECONDS = 60_000;

interface Version<T> {
  /** The time of the change, in milliseconds since the epoch. */
  readonly from: number;
  /** Unique across all timelines. */
  readonly version: number;
  readonly value: T;
}

/** A value with its earlier values of the last minute, for reads that show changes late. */
export class Timeline<T> {
  private readonly changes: Version<T>[];

  constructor(
    private readonly clock: Pick<Clock, 'now'>,
    /** The value at all times before the first change. */
    initial: T,
  ) {
    this.changes = [{ from: -Infinity, version: ++lastVersion, value: initial }];
  }

  get latest(): T {
    return this.at(Infinity).value;
  }

  set(value: T): void {
    const now = this.clock.now();
    this.changes.push({ from: now, version: ++lastVersion, value });
    this.changes.splice(0, this.indexAt(now - HISTORY_MILLISECONDS));
  }

  /** Returns the version at `time`, which may be at most a minute ago. */
  at(time: number): Version<T> {
    const version = this.changes[this.indexAt(time)];
    if (version === undefined) {
      throw new Error('the timeline has no value: this is a bug in the rehearsal');
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

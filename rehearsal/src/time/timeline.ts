import type { Clock } from './clock';

let versions = 0;

/** For how long an earlier value is of interest to anyone. */
const KEPT_MILLISECONDS = 60_000;

interface Version<T> {
  readonly from: number;
  /** Never the same for two values of any two timelines. */
  readonly version: number;
  readonly value: T;
}

/** A value, and what it was before: some see a change late. */
export class Timeline<T> {
  private readonly changes: Version<T>[];

  constructor(
    private readonly clock: Pick<Clock, 'now'>,
    /** What it always was. */
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

  /** As it was at a time, at most a minute ago. */
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

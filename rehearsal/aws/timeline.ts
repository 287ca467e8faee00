import type { Clock } from '../clock';

let versions = 0;

/** A value whose changes become effective some time after they were made, as IAM's do. */
export class Timeline<T> {
  private readonly changes: { readonly from: number; readonly version: number; readonly value: T }[];

  constructor(
    private readonly clock: Clock,
    private readonly delaySeconds: number,
    /** Effective at once. */
    initial: T,
  ) {
    this.changes = [{ from: -Infinity, version: ++versions, value: initial }];
  }

  /** As it was last set, effective or not. */
  get latest(): T {
    return this.at(Infinity).value;
  }

  /** As it is in force now. */
  get effective(): T {
    return this.at(this.clock.now()).value;
  }

  /** Names the effective value: never the same for two values of any two timelines. */
  get version(): number {
    return this.at(this.clock.now()).version;
  }

  set(value: T): void {
    this.changes.push({ from: this.clock.now() + this.delaySeconds * 1000, version: ++versions, value });
  }

  private at(time: number): { readonly version: number; readonly value: T } {
    const current = this.changes.findLast((change) => change.from <= time);
    if (current === undefined) {
      throw new Error('a timeline has no value before its first one');
    }
    return current;
  }
}

import type { Clock } from './clock';
import { Timeline } from './timeline';

/** Creates values and maps that remember their recent states, to simulate late reads. */
export class History {
  /** Returns the earlier time at which a late read sees a value. Undefined outside of late reads. */
  private lateReadTimeOf: ((value: object) => number) | undefined;

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  /** The time whose state a read sees: the current time, or an earlier time in `readLate`. */
  now(): number {
    return this.readTimeOf(this);
  }

  /** The time whose state a read of `value` sees. */
  readTimeOf(value: object): number {
    return this.lateReadTimeOf?.(value) ?? this.clock.now();
  }

  /**
   * Calls `getState` with earlier states, at most a minute old. Each value has its own delay, because AWS does not document that all
   * values in an output have the same age. `getState` must not change anything.
   *
   * @param nextDelay returns the delay of one value, in milliseconds
   */
  readLate<T>(nextDelay: () => number, getState: () => T): T {
    const now = this.clock.now();
    const readTimes = new Map<object, number>();
    this.lateReadTimeOf = (value) => {
      const time = readTimes.get(value) ?? now - nextDelay();
      readTimes.set(value, time);
      return time;
    };
    try {
      return getState();
    } finally {
      this.lateReadTimeOf = undefined;
    }
  }

  value<T>(initial: T): HistoricValue<T> {
    return new HistoricValue(this, initial);
  }

  map<K, V>(entries: Iterable<readonly [K, V]> = []): Map<K, V> {
    return new HistoricMap(this, entries);
  }
}

/** A value whose earlier states late reads see. */
export class HistoricValue<T> {
  private readonly timeline: Timeline<T>;

  constructor(
    private readonly history: Pick<History, 'now' | 'readTimeOf'>,
    initial: T,
  ) {
    this.timeline = new Timeline(history, initial);
  }

  get current(): T {
    return this.timeline.at(this.history.readTimeOf(this)).value;
  }

  set current(value: T) {
    this.timeline.set(value);
  }
}

/** A map whose earlier states late reads see. All its entries have the same age. */
class HistoricMap<K, V> extends Map<K, V> {
  private readonly content: HistoricValue<ReadonlyMap<K, V>>;

  constructor(history: History, entries: Iterable<readonly [K, V]>) {
    super();
    this.content = history.value<ReadonlyMap<K, V>>(new Map(entries));
  }

  override get size(): number {
    return this.content.current.size;
  }

  override get(key: K): V | undefined {
    return this.content.current.get(key);
  }

  override has(key: K): boolean {
    return this.content.current.has(key);
  }

  override set(key: K, value: V): this {
    this.content.current = new Map(this.content.current).set(key, value);
    return this;
  }

  override delete(key: K): boolean {
    const copy = new Map(this.content.current);
    const isDeleted = copy.delete(key);
    if (isDeleted) {
      this.content.current = copy;
    }
    return isDeleted;
  }

  override clear(): void {
    this.content.current = new Map();
  }

  override forEach(callback: (value: V, key: K, map: Map<K, V>) => void): void {
    this.content.current.forEach((value, key) => {
      callback(value, key, this);
    });
  }

  override keys(): MapIterator<K> {
    return this.content.current.keys();
  }

  override values(): MapIterator<V> {
    return this.content.current.values();
  }

  override entries(): MapIterator<[K, V]> {
    return this.content.current.entries();
  }

  override [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }
}

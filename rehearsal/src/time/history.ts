import type { Clock } from './clock';
import { Timeline } from './timeline';

/** What the simulated services have, and had a short while ago: in the values and maps that a history makes. */
export class History {
  /** When each value is looked at, in a late look. */
  private moments: ((of: object) => number) | undefined;

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  /** The time whose state is looked at: the present, except in `late`. */
  now(): number {
    return this.momentOf(this);
  }

  /** The same for one value. */
  momentOf(value: object): number {
    return this.moments?.(value) ?? this.clock.now();
  }

  /**
   * Looks at everything as it was a short while ago, at most a minute: each value at a time of its own, since nothing says that all of
   * what an answer tells is equally late. `look` changes nothing.
   */
  late<T>(lateness: () => number, look: () => T): T {
    const now = this.clock.now();
    const chosen = new Map<object, number>();
    this.moments = (value) => {
      const moment = chosen.get(value) ?? now - lateness();
      chosen.set(value, moment);
      return moment;
    };
    try {
      return look();
    } finally {
      this.moments = undefined;
    }
  }

  value<T>(initial: T): HistoricValue<T> {
    return new HistoricValue(this, initial);
  }

  map<K, V>(entries: Iterable<readonly [K, V]> = []): Map<K, V> {
    return new HistoricMap(this, entries);
  }
}

/** A value as it is at the time that is looked at. */
export class HistoricValue<T> {
  private readonly timeline: Timeline<T>;

  constructor(
    private readonly history: Pick<History, 'now' | 'momentOf'>,
    initial: T,
  ) {
    this.timeline = new Timeline(history, initial);
  }

  get current(): T {
    return this.timeline.at(this.history.momentOf(this)).value;
  }

  set current(value: T) {
    this.timeline.set(value);
  }
}

/** The same for the entries of a map. */
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
    const rest = new Map(this.content.current);
    const deleted = rest.delete(key);
    if (deleted) {
      this.content.current = rest;
    }
    return deleted;
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

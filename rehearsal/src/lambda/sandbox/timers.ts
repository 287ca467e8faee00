import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import { promisify } from 'node:util';
import type { SharedTime } from '../../time/shared-time';

/*
 * The timers of the function's code, in rehearsed time. The clock wakes the thread when the earliest timer is due.
 */

type Callback = (...args: unknown[]) => void;

const realSetInterval = globalThis.setInterval;
const realClearTimeout = globalThis.clearTimeout;
/** Node.js replaces longer delays by a millisecond. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class RehearsedTimer {
  /** In microseconds since the epoch. */
  dueTime = 0;
  isReferenced = true;

  constructor(
    private readonly timers: Timers,
    readonly id: number,
    readonly delay: number,
    readonly repeats: boolean,
    readonly fire: () => void,
  ) {}

  ref(): this {
    this.isReferenced = true;
    this.timers.updateKeepAlive();
    return this;
  }

  unref(): this {
    this.isReferenced = false;
    this.timers.updateKeepAlive();
    return this;
  }

  hasRef(): boolean {
    return this.isReferenced;
  }

  refresh(): this {
    this.timers.schedule(this);
    return this;
  }

  close(): this {
    this.timers.clear(this);
    return this;
  }

  [Symbol.toPrimitive](): number {
    return this.id;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export class Timers {
  private pending: RehearsedTimer[] = [];
  /** Keeps the event loop alive while a pending timer of the code is referenced. */
  private readonly keepAliveTimer = realSetInterval(() => undefined, LONGEST_TIMER_MS).unref();
  private lastId = 0;
  private isFrozen = false;

  constructor(private readonly time: SharedTime) {}

  /** When the earliest timer is due, in microseconds since the epoch; `Infinity` if there is none. */
  get nextWakeUp(): number {
    return this.isFrozen ? Infinity : (this.pending[0]?.dueTime ?? Infinity);
  }

  /** Stops all timers between two invocations, as Lambda does. */
  freeze(): void {
    this.isFrozen = true;
    this.updateKeepAlive();
  }

  thaw(): void {
    this.isFrozen = false;
    this.updateKeepAlive();
  }

  readonly startTimeout = (callback: Callback, delay?: number, ...args: unknown[]): RehearsedTimer =>
    this.start({ callback, delay, args, repeats: false });

  readonly startInterval = (callback: Callback, delay?: number, ...args: unknown[]): RehearsedTimer =>
    this.start({ callback, delay, args, repeats: true });

  private start({ callback, delay, args, repeats }: TimerOptions): RehearsedTimer {
    if (typeof callback !== 'function') {
      throw new TypeError(`The "callback" argument must be of type function. Received ${typeof callback}`);
    }
    const milliseconds = Number(delay) >= 1 && Number(delay) <= LONGEST_TIMER_MS ? Math.trunc(Number(delay)) : 1;
    const timer = new RehearsedTimer(this, ++this.lastId, milliseconds, repeats, () => {
      callback(...args);
    });
    this.schedule(timer);
    return timer;
  }

  readonly clear = (handle: unknown): void => {
    if (typeof handle === 'object' && handle !== null && !(handle instanceof RehearsedTimer)) {
      // a timer that Node.js itself started
      realClearTimeout(handle as NodeJS.Timeout);
      return;
    }
    // null is no timer, but Number(null) would be 0
    const id = handle instanceof RehearsedTimer ? handle.id : Number(handle ?? NaN);
    this.pending = this.pending.filter((timer) => timer.id !== id);
    this.updateKeepAlive();
  };

  schedule(timer: RehearsedTimer): void {
    this.pending = this.pending.filter((other) => other !== timer);
    timer.dueTime = this.time.now() + timer.delay * 1000;
    const laterIndex = this.pending.findIndex((other) => other.dueTime > timer.dueTime);
    this.pending.splice(laterIndex < 0 ? this.pending.length : laterIndex, 0, timer);
    this.updateKeepAlive();
  }

  updateKeepAlive(): void {
    const isNeeded = !this.isFrozen && this.pending.some((timer) => timer.isReferenced);
    this.keepAliveTimer[isNeeded ? 'ref' : 'unref']();
  }

  /** Fires the earliest timer, if it is due. */
  fireDue(): void {
    const [due] = this.pending;
    if (!due || this.nextWakeUp > this.time.now()) {
      return;
    }
    this.pending.shift();
    if (due.repeats) {
      this.schedule(due);
    }
    this.updateKeepAlive();
    due.fire();
  }

  /** Replaces the timers of Node.js. */
  install(): void {
    const setTimeout = (callback: Callback, delay?: number, ...args: unknown[]) => this.startTimeout(callback, delay, ...args);
    const wait = this.waitFor.bind(this);
    Object.defineProperty(setTimeout, promisify.custom, { value: wait });
    const replacements = { setTimeout, setInterval: this.startInterval, clearTimeout: this.clear, clearInterval: this.clear };
    Object.assign(globalThis, replacements);
    Object.assign(timers, replacements);
    const scheduler = {
      wait: (delay: number, options?: WaitOptions) => wait(delay, undefined, options),
      yield: () => new Promise(setImmediate),
    };
    Object.assign(timersPromises, { setTimeout: wait, setInterval: this.intervalTicks.bind(this), scheduler });
    AbortSignal.timeout = (delay: number) => {
      const controller = new AbortController();
      const onTimeout = () => {
        controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
      };
      this.startTimeout(onTimeout, delay).unref();
      return controller.signal;
    };
  }

  private waitFor<T>(delay?: number, value?: T, options: WaitOptions = {}): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.clear(timer);
        reject(new DOMException('The operation was aborted', 'AbortError'));
      };
      const timer = this.startTimeout(() => {
        options.signal?.removeEventListener('abort', onAbort);
        resolve(value);
      }, delay);
      if (options.ref === false) {
        timer.unref();
      }
      if (options.signal?.aborted) {
        onAbort();
      }
      options.signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  private async *intervalTicks<T>(delay?: number, value?: T, options: WaitOptions = {}): AsyncGenerator<T | undefined> {
    for (;;) {
      yield await this.waitFor(delay, value, options);
    }
  }
}

interface TimerOptions {
  readonly callback: Callback;
  readonly delay: number | undefined;
  readonly args: readonly unknown[];
  readonly repeats: boolean;
}

interface WaitOptions {
  readonly signal?: AbortSignal;
  readonly ref?: boolean;
}

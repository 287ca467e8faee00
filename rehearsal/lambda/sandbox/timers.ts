import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import { promisify } from 'node:util';

/** Timers of the function's code, in rehearsed time. One real timer stands for the earliest of them. */

type Callback = (...args: unknown[]) => void;

const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class RehearsedTimer {
  time = 0;
  referenced = true;

  constructor(
    private readonly timers: Timers,
    readonly id: number,
    readonly delay: number,
    readonly repeats: boolean,
    readonly fire: () => void,
  ) {}

  ref(): this {
    this.referenced = true;
    this.timers.arm();
    return this;
  }

  unref(): this {
    this.referenced = false;
    this.timers.arm();
    return this;
  }

  hasRef(): boolean {
    return this.referenced;
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
  private real: NodeJS.Timeout | undefined;
  private lastId = 0;
  private frozen = false;

  constructor(
    private readonly now: () => number,
    private readonly nextWakeUp: Float64Array,
  ) {
    this.arm();
  }

  /** Between invocations nothing of the function runs. */
  freeze(): void {
    this.frozen = true;
    this.arm();
  }

  thaw(): void {
    this.frozen = false;
    this.arm();
  }

  readonly start = (repeats: boolean, callback: Callback, delay?: number, ...args: unknown[]): RehearsedTimer => {
    if (typeof callback !== 'function') {
      throw new TypeError(`The "callback" argument must be of type function. Received ${typeof callback}`);
    }
    const milliseconds = Number(delay) >= 1 && Number(delay) <= LONGEST_TIMER_MS ? Math.trunc(Number(delay)) : 1;
    const timer = new RehearsedTimer(this, ++this.lastId, milliseconds, repeats, () => {
      callback(...args);
    });
    this.schedule(timer);
    return timer;
  };

  readonly clear = (handle: unknown): void => {
    const id = handle instanceof RehearsedTimer ? handle.id : Number(handle);
    if (handle !== null && this.pending.some((timer) => timer.id === id)) {
      this.pending = this.pending.filter((timer) => timer.id !== id);
      this.arm();
    } else if (typeof handle === 'object' && handle !== null) {
      realClearTimeout(handle as NodeJS.Timeout);
    }
  };

  schedule(timer: RehearsedTimer): void {
    this.pending = this.pending.filter((other) => other !== timer);
    timer.time = this.now() + timer.delay;
    const later = this.pending.findIndex((other) => other.time > timer.time);
    this.pending.splice(later < 0 ? this.pending.length : later, 0, timer);
    this.arm();
  }

  arm(): void {
    realClearTimeout(this.real);
    const next = this.pending[0];
    this.nextWakeUp[0] = next && !this.frozen ? next.time : Infinity;
    if (next && !this.frozen) {
      const wait = Math.min(Math.max(0, next.time - this.now()), LONGEST_TIMER_MS);
      this.real = realSetTimeout(this.fireDue, Math.ceil(wait));
      if (!this.pending.some((timer) => timer.referenced)) {
        this.real.unref();
      }
    }
  }

  readonly fireDue = (): void => {
    const due = this.pending[0];
    if (!due || this.frozen || due.time > this.now()) {
      this.arm();
      return;
    }
    this.pending.shift();
    if (due.repeats) {
      this.schedule(due);
    }
    // One a turn of the event loop, as its promises run before the next timer.
    this.arm();
    due.fire();
  };

  /** Puts these timers in the place of Node's. */
  install(): void {
    const setTimeout = (callback: Callback, delay?: number, ...args: unknown[]) => this.start(false, callback, delay, ...args);
    const setInterval = (callback: Callback, delay?: number, ...args: unknown[]) => this.start(true, callback, delay, ...args);
    const wait = this.waitFor.bind(this);
    Object.defineProperty(setTimeout, promisify.custom, { value: wait });
    const replacements = { setTimeout, setInterval, clearTimeout: this.clear, clearInterval: this.clear };
    Object.assign(globalThis, replacements);
    Object.assign(timers, replacements);
    const scheduler = {
      wait: (delay: number, options?: WaitOptions) => wait(delay, undefined, options),
      yield: () => new Promise(setImmediate),
    };
    Object.assign(timersPromises, { setTimeout: wait, setInterval: this.ticks.bind(this), scheduler });
    AbortSignal.timeout = (delay: number) => {
      const controller = new AbortController();
      const timedOut = () => {
        controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
      };
      this.start(false, timedOut, delay).unref();
      return controller.signal;
    };
  }

  private waitFor<T>(delay?: number, value?: T, options: WaitOptions = {}): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const aborted = () => {
        this.clear(timer);
        reject(new DOMException('The operation was aborted', 'AbortError'));
      };
      const timer = this.start(
        false,
        () => {
          options.signal?.removeEventListener('abort', aborted);
          resolve(value);
        },
        delay,
      );
      if (options.ref === false) {
        timer.unref();
      }
      if (options.signal?.aborted) {
        aborted();
      }
      options.signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  private async *ticks<T>(delay?: number, value?: T, options: WaitOptions = {}): AsyncGenerator<T | undefined> {
    for (;;) {
      yield await this.waitFor(delay, value, options);
    }
  }
}

interface WaitOptions {
  readonly signal?: AbortSignal;
  readonly ref?: boolean;
}

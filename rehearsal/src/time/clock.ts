import { AsyncLocalStorage } from 'node:async_hooks';
import { SharedTime } from './shared-time';

/** Rehearsed time, as every part of the simulated world reads and waits for it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Waits for rehearsed milliseconds; `Infinity` never returns. */
  sleep(milliseconds: number): Promise<void>;
  /**
   * Runs `task` as work in progress: time does not leap while it runs, except while it is inside `sleep` of this clock.
   */
  work<T>(task: () => Promise<T>): Promise<T>;
  /**
   * The same for the handling of a request that came over a socket. It lasts until the answer was handed to the socket.
   *
   * @param onClose registers a callback for when the answer is sent or the client disconnects
   */
  serve(task: () => Promise<void>, onClose: (callback: () => void) => void): Promise<void>;
}

/** Something with an event loop of its own that lives in rehearsed time. */
export interface Participant {
  /** Resolves as soon as it has nothing to do but wait. */
  atRest(): Promise<Rest>;
  /** Its next wake-up has come. */
  wake(): void;
}

/** A participant that has nothing to do but wait. */
export interface Rest {
  /** When it wakes by itself, in rehearsed microseconds since the epoch; `Infinity` for never. */
  readonly nextWakeUp: number;
  /** Requests that it has sent and that were not answered yet. */
  readonly requestsInFlight: number;
}

/** A task given to `work`. It counts as running unless it waits, or leaves it to tasks inside it. */
interface Job {
  readonly clock: RehearsalClock;
  readonly parent: Job | undefined;
  children: number;
  waiting: number;
  done: boolean;
}

/** One storage for all clocks: each AsyncLocalStorage costs time on every promise, even after its clock is closed. */
const jobs = new AsyncLocalStorage<Job | undefined>();

interface Sleeper {
  /** In microseconds since the epoch. */
  readonly time: number;
  readonly wake: () => void;
  /** Whether time leaps for its sake. */
  readonly waitedFor: boolean;
}

/**
 * Time stands still while anything runs, except for what reads of the clock take, and leaps to the next wake-up when
 * everything sleeps. How fast the machine is makes no difference: nothing depends on real time.
 *
 * What is due wakes one at a time, each when the one before has come to rest: in the order of the times, and at the same time in
 * the order in which it went to sleep, participants last. So two threads never race each other.
 */
export class RehearsalClock implements Clock {
  /** Shared with other threads. */
  readonly time = new SharedTime();
  private readonly sleepers: Sleeper[] = [];
  private readonly participants = new Set<Participant>();
  private running = 0;
  private requestsHeld = 0;
  /** Grows with everything that happens: as long as it stays the same, nothing has. */
  private changes = 0;
  private changesAtLastLook = -1;
  private nextLook: NodeJS.Immediate | undefined;
  private asking = false;
  private closed = false;

  /** @param startTime milliseconds since the epoch */
  constructor(startTime: number) {
    this.time.leapTo(startTime * 1000);
  }

  now(): number {
    return Math.floor(this.time.now() / 1000);
  }

  /** The same for code under rehearsal, for which reading the clock takes a microsecond. */
  read(): number {
    return Math.floor(this.time.read() / 1000);
  }

  sleep(milliseconds: number): Promise<void> {
    return this.wait(
      new Promise((resolve) => {
        this.after(milliseconds, resolve);
      }),
    );
  }

  /** Calls `wake` after rehearsed milliseconds, unless the function that it returns was called before. */
  after(milliseconds: number, wake: () => void): () => void {
    return this.add({ time: this.momentIn(milliseconds), wake, waitedFor: true });
  }

  /** The same for what wakes again and again: time passes over it when it leaps, but doesn't leap for its sake. */
  incidentally(milliseconds: number, wake: () => void): () => void {
    return this.add({ time: this.momentIn(milliseconds), wake, waitedFor: false });
  }

  /** Waits for something that others do: the work that calls this does not keep time from leaping meanwhile. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    const job = this.currentJob();
    if (!job) {
      return promise;
    }
    this.update(job, () => job.waiting++);
    // The wake-up itself ends the waiting, so that no leap can come between it and what follows it.
    const resume = () => {
      this.update(job, () => job.waiting--);
    };
    return promise.then(
      (value) => {
        resume();
        return value;
      },
      (error: unknown) => {
        resume();
        throw error;
      },
    );
  }

  async work<T>(task: () => Promise<T>): Promise<T> {
    const parent = this.currentJob();
    const job: Job = { clock: this, parent, children: 0, waiting: 0, done: false };
    if (parent) {
      this.update(parent, () => parent.children++);
    }
    this.running++;
    this.changes++;
    try {
      return await jobs.run(job, task);
    } finally {
      this.update(job, () => (job.done = true));
      if (parent) {
        this.update(parent, () => parent.children--);
      }
    }
  }

  async serve(task: () => Promise<void>, onClose: (callback: () => void) => void): Promise<void> {
    this.requestsHeld++;
    const closed = new Promise<void>((resolve) => {
      onClose(() => {
        this.requestsHeld--;
        this.changes++;
        resolve();
      });
    });
    await this.work(async () => {
      await task();
      await closed;
    });
  }

  /** Runs `task` outside of the work that calls this, for what goes on in the background. */
  detached<T>(task: () => T): T {
    return jobs.run(undefined, task);
  }

  /** Lets `participant` take part; returns the function that ends it. */
  join(participant: Participant): () => void {
    this.participants.add(participant);
    this.changed();
    return () => {
      this.participants.delete(participant);
      this.changed();
    };
  }

  /** Ends the leaps for good; who sleeps is never woken. */
  close(): void {
    this.closed = true;
    this.sleepers.length = 0;
    this.participants.clear();
    clearImmediate(this.nextLook);
  }

  private momentIn(milliseconds: number): number {
    return this.time.now() + Math.max(0, Math.round(milliseconds * 1000));
  }

  private add(sleeper: Sleeper): () => void {
    if (sleeper.time === Infinity || this.closed) {
      return () => undefined;
    }
    const later = this.sleepers.findIndex((other) => other.time > sleeper.time);
    this.sleepers.splice(later < 0 ? this.sleepers.length : later, 0, sleeper);
    this.changed();
    return () => {
      const index = this.sleepers.indexOf(sleeper);
      if (index >= 0) {
        this.sleepers.splice(index, 1);
      }
    };
  }

  private isWaitedFor(): boolean {
    return this.participants.size > 0 || this.sleepers.some(({ waitedFor }) => waitedFor);
  }

  private currentJob(): Job | undefined {
    const job = jobs.getStore();
    return job?.clock !== this || job.done ? undefined : job;
  }

  private update(job: Job, change: () => void): void {
    const runs = () => (job.done || job.waiting > 0 || job.children > 0 ? 0 : 1);
    const before = runs();
    change();
    this.running += runs() - before;
    this.changed();
  }

  private changed(): void {
    this.changes++;
    this.watch();
  }

  /** Looks in the next turn of the event loop whether time can leap, unless something runs: the end of that is a change. */
  private watch(): void {
    if (this.closed || this.nextLook || this.asking || this.running > 0 || !this.isWaitedFor()) {
      return;
    }
    this.detached(() => {
      this.nextLook = setImmediate(() => {
        this.nextLook = undefined;
        this.look();
      });
    });
  }

  private look(): void {
    if (this.running > 0) {
      return;
    }
    if (this.changes !== this.changesAtLastLook) {
      // a whole turn of the event loop has to pass without a change
      this.changesAtLastLook = this.changes;
      this.watch();
    } else if (this.participants.size === 0) {
      this.step([]);
    } else {
      this.asking = true;
      void this.stepAtRest().finally(() => {
        this.asking = false;
        this.watch();
      });
    }
  }

  /**
   * Wakes the next one once all participants rest and nothing happened meanwhile.
   *
   * A participant that rests is set to work only by its wake-up or by an answer to one of its requests: if there was neither since
   * it was asked, and each request that it waits for is held here, then it still rests.
   */
  private async stepAtRest(): Promise<void> {
    const changes = this.changes;
    const asked = [...this.participants];
    const rests = await Promise.all(asked.map((participant) => participant.atRest()));
    // what arrived in this thread together with the last answer
    await turn();
    const inFlight = rests.reduce((sum, { requestsInFlight }) => sum + requestsInFlight, 0);
    if (this.changes === changes && inFlight <= this.requestsHeld && !this.closed) {
      this.step(asked.map((participant, index) => ({ participant, time: rests[index]?.nextWakeUp ?? Infinity })));
    }
  }

  private step(wakeUps: readonly { readonly participant: Participant; readonly time: number }[]): void {
    const [sleeper] = this.sleepers;
    const next = Math.min(sleeper?.time ?? Infinity, ...wakeUps.map(({ time }) => time));
    if (next === Infinity || !this.isWaitedFor()) {
      return;
    }
    if (next > this.time.now()) {
      this.time.leapTo(next);
    }
    if (sleeper?.time === next) {
      this.sleepers.shift();
      sleeper.wake();
    } else {
      wakeUps.find(({ time }) => time === next)?.participant.wake();
    }
    this.changed();
  }
}

/** Lets the event loop take up everything that has arrived. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

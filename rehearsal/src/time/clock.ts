import { AsyncLocalStorage } from 'node:async_hooks';
import { SharedTime } from './shared-time';

/** Rehearsed time: all parts of the simulation read this clock and sleep on it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Waits for rehearsed milliseconds; `Infinity` never returns. */
  sleep(milliseconds: number): Promise<void>;
  /**
   * Runs `task` as work in progress: time stands still until it ends, except while it sleeps on this clock.
   */
  work<T>(task: () => Promise<T>): Promise<T>;
  /**
   * Like `work`, for handling an HTTP request. The work ends when the HTTP response is sent.
   *
   * @param onClose registers a callback for when the HTTP response is sent or the client disconnects
   */
  serve(task: () => Promise<void>, onClose: (callback: () => void) => void): Promise<void>;
}

/** Something with its own event loop that uses rehearsed time, such as a worker thread. */
export interface Participant {
  /** Resolves when the participant only waits: for its next wake-up, or for HTTP responses. */
  atRest(): Promise<Rest>;
  /** Tells the participant that its next wake-up is due. */
  wake(): void;
}

/** The state of a participant that only waits. */
export interface Rest {
  /** The time of its next wake-up, in rehearsed microseconds since the epoch; `Infinity` for never. */
  readonly nextWakeUp: number;
  /** The number of its HTTP requests without a response. */
  readonly requestsInFlight: number;
}

/** A task that was passed to `work`. It counts as running unless it waits or has children. */
interface Job {
  readonly clock: RehearsalClock;
  readonly parent: Job | undefined;
  children: number;
  waiting: number;
  done: boolean;
}

/** Shared by all clocks, because each AsyncLocalStorage slows down every promise, even after its clock is closed. */
const jobs = new AsyncLocalStorage<Job | undefined>();

interface Sleeper {
  /** In microseconds since the epoch. */
  readonly time: number;
  readonly wake: () => void;
  /** Whether time leaps to this wake-up. Otherwise it wakes only when time leaps further for another reason. */
  readonly leapTarget: boolean;
}

/**
 * Time stands still while anything runs, and leaps to the next wake-up when everything sleeps. Only reading the clock takes rehearsed
 * time. Nothing depends on real time, or on the speed of the machine.
 *
 * Sleepers wake one at a time, each after the previous one is idle again: ordered by time, then in the order in which they fell asleep,
 * participants last. So two threads never race.
 */
export class RehearsalClock implements Clock {
  /** Shared with other threads. */
  readonly time = new SharedTime();
  private readonly sleepers: Sleeper[] = [];
  private readonly participants = new Set<Participant>();
  private running = 0;
  private requestsHeld = 0;
  /** Counts everything that happens. While it stays the same, nothing has happened. */
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

  /** Like `now`, for code under rehearsal: each read takes a microsecond. */
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

  /** Calls `wake` after rehearsed milliseconds. @returns a function that cancels the call */
  after(milliseconds: number, wake: () => void): () => void {
    return this.add({ time: this.momentIn(milliseconds), wake, leapTarget: true });
  }

  /** Like `after`, for repeating timers: time does not leap only to reach this wake-up. */
  incidentally(milliseconds: number, wake: () => void): () => void {
    return this.add({ time: this.momentIn(milliseconds), wake, leapTarget: false });
  }

  /** Waits for a promise that something else resolves. Meanwhile, the calling work does not stop time. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    const job = this.currentJob();
    if (!job) {
      return promise;
    }
    this.update(job, () => job.waiting++);
    // Resume in the promise's own callback: otherwise time could leap before the code after it runs.
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

  /** Runs `task` outside of the calling work, as a background task. */
  detached<T>(task: () => T): T {
    return jobs.run(undefined, task);
  }

  /** Adds a participant. @returns a function that removes it */
  join(participant: Participant): () => void {
    this.participants.add(participant);
    this.changed();
    return () => {
      this.participants.delete(participant);
      this.changed();
    };
  }

  /** Stops time forever. Sleepers never wake. */
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

  private hasLeapTarget(): boolean {
    return this.participants.size > 0 || this.sleepers.some(({ leapTarget }) => leapTarget);
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

  /** Schedules a check whether time can leap, for the next turn of the event loop. If something runs, its end schedules the check. */
  private watch(): void {
    if (this.closed || this.nextLook || this.asking || this.running > 0 || !this.hasLeapTarget()) {
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
      // time leaps only after a whole turn of the event loop without a change
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
   * Wakes the next sleeper if all participants rest and nothing happened while they were asked.
   *
   * Only its wake-up or an HTTP response makes a resting participant run. If neither happened, and this thread holds all requests that
   * it waits for, it still rests.
   */
  private async stepAtRest(): Promise<void> {
    const changes = this.changes;
    const asked = [...this.participants];
    const rests = await Promise.all(asked.map((participant) => participant.atRest()));
    // process what arrived together with the last participant's message
    await turn();
    const inFlight = rests.reduce((sum, { requestsInFlight }) => sum + requestsInFlight, 0);
    if (this.changes === changes && inFlight <= this.requestsHeld && !this.closed) {
      this.step(asked.map((participant, index) => ({ participant, time: rests[index]?.nextWakeUp ?? Infinity })));
    }
  }

  private step(wakeUps: readonly { readonly participant: Participant; readonly time: number }[]): void {
    const [sleeper] = this.sleepers;
    const next = Math.min(sleeper?.time ?? Infinity, ...wakeUps.map(({ time }) => time));
    if (next === Infinity || !this.hasLeapTarget()) {
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

/** Lets the event loop process everything that has arrived. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

import { AsyncLocalStorage } from 'node:async_hooks';

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
   * The same for the handling of a request that came over a socket, which is no longer on its way then.
   *
   * @param whenGone is given what to call when nobody waits for the answer any more
   */
  serve<T>(task: () => Promise<T>, whenGone: (gone: () => void) => void): Promise<T>;
}

/** Something with an event loop of its own that lives in rehearsed time. */
export interface Participant {
  /** Whether it may still do something without a leap. */
  busy(now: number): boolean;
  /** Requests that it has sent and that were not answered yet. */
  requestsInFlight(): number;
  /** When it wakes by itself, in rehearsed milliseconds since the epoch; `Infinity` for never. */
  nextWakeUp(): number;
  /** Rehearsed time was moved: wake what is due. */
  leapt(now: number): void;
  /**
   * Asked when everything looks idle from outside, which a thread that is denied a processor does too: whether it finds
   * itself with nothing to do but wait.
   */
  atRest(): Promise<boolean>;
}

/** A task given to `work`. It counts as running unless it waits, or leaves it to tasks inside it. */
interface Job {
  readonly clock: RehearsalClock;
  readonly parent: Job | undefined;
  children: number;
  waiting: number;
  done: boolean;
}

/** One for all clocks: each would be looked at with every promise of the process, long after its clock was closed. */
const jobs = new AsyncLocalStorage<Job | undefined>();

interface Sleeper {
  readonly time: number;
  readonly wake: () => void;
  /** Whether time leaps for its sake. */
  readonly waitedFor: boolean;
}

/** How long everything must have been idle before time leaps, in real milliseconds: covers what is on its way in a socket. */
const QUIET_MS = 6;

/** Milliseconds of a steady clock that all threads of the process share. */
export const steadyNow = (): number => Number(process.hrtime.bigint()) / 1e6;

/**
 * Time passes at real speed while any code runs, and leaps to the next wake-up when everything sleeps.
 * What is due at the same time wakes in the order in which it went to sleep, participants last.
 */
export class RehearsalClock implements Clock {
  /** What has to be added to `steadyNow()`, shared with other threads. */
  readonly offset = new Float64Array(new SharedArrayBuffer(8));
  private readonly sleepers: Sleeper[] = [];
  private readonly participants = new Set<Participant>();
  private running = 0;
  private requestsHeld = 0;
  private idleSince: number | undefined;
  private check: NodeJS.Timeout | undefined;
  private checkSoon: NodeJS.Immediate | undefined;
  private asking = false;
  private closed = false;

  /** @param steady milliseconds of a steady clock; one that stands still makes time pass in leaps alone, the same in every run */
  constructor(
    startTime: number,
    private readonly steady: () => number = steadyNow,
  ) {
    this.offset[0] = startTime - steady();
  }

  now(): number {
    return Math.floor(this.exactNow());
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
    return this.add({ time: this.exactNow() + Math.max(0, milliseconds), wake, waitedFor: true });
  }

  /** The same for what wakes again and again: time passes over it when it leaps, but doesn't leap for its sake. */
  incidentally(milliseconds: number, wake: () => void): () => void {
    return this.add({ time: this.exactNow() + Math.max(0, milliseconds), wake, waitedFor: false });
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
    try {
      return await jobs.run(job, task);
    } finally {
      this.update(job, () => (job.done = true));
      if (parent) {
        this.update(parent, () => parent.children--);
      }
    }
  }

  async serve<T>(task: () => Promise<T>, whenGone: (gone: () => void) => void): Promise<T> {
    let held = true;
    this.requestsHeld++;
    const release = () => {
      this.requestsHeld -= held ? 1 : 0;
      held = false;
    };
    whenGone(release);
    try {
      return await this.work(task);
    } finally {
      release();
    }
  }

  /** Runs `task` outside of the work that calls this, for what goes on in the background. */
  detached<T>(task: () => T): T {
    return jobs.run(undefined, task);
  }

  /** Lets `participant` take part; returns the function that ends it. */
  join(participant: Participant): () => void {
    this.participants.add(participant);
    this.watch();
    return () => this.participants.delete(participant);
  }

  /** Ends the leaps for good; who sleeps is never woken. */
  close(): void {
    this.closed = true;
    this.sleepers.length = 0;
    this.participants.clear();
    clearTimeout(this.check);
    clearImmediate(this.checkSoon);
  }

  private add(sleeper: Sleeper): () => void {
    if (sleeper.time === Infinity || this.closed) {
      return () => undefined;
    }
    const later = this.sleepers.findIndex((other) => other.time > sleeper.time);
    this.sleepers.splice(later < 0 ? this.sleepers.length : later, 0, sleeper);
    this.watch();
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

  private exactNow(): number {
    return this.steady() + this.sharedOffset();
  }

  private sharedOffset(): number {
    return this.offset[0] ?? 0;
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
  }

  /** Sees to it that `look` is called soon, as long as there is anything to wake. */
  private watch(): void {
    if (this.closed || this.check || this.checkSoon || !this.isWaitedFor()) {
      return;
    }
    const look = () => {
      this.check = undefined;
      this.checkSoon = undefined;
      this.look();
      this.watch();
    };
    this.detached(() => {
      if (this.participants.size === 0 && this.requestsHeld === 0) {
        this.checkSoon = setImmediate(look);
      } else {
        this.check = setTimeout(look, this.running > 0 ? this.untilNextSleeper() : 1);
      }
    });
  }

  /** Work that goes on may take long: no need to look at it each millisecond. */
  private untilNextSleeper(): number {
    const next = this.sleepers[0]?.time ?? Infinity;
    return Math.min(Math.max(1, next - this.exactNow()), QUIET_MS);
  }

  private look(): void {
    this.wakeDue();
    // after a leap, a participant's own timers are set for a real time that is too long
    for (const participant of this.participants) {
      if (participant.nextWakeUp() <= this.exactNow()) {
        participant.leapt(this.exactNow());
      }
    }
    if (this.asking) {
      // who is asked whether it rests measures what it did since: a look in between would take that measure away
      return;
    }
    // Every participant is asked each time: some measure what they did since they were last asked.
    const busy = [...this.participants].filter((participant) => participant.busy(this.exactNow())).length;
    if (this.running > 0 || busy > 0 || this.onTheWay()) {
      this.idleSince = undefined;
      return;
    }
    const now = this.steady();
    if (this.idleSince === undefined) {
      // what was woken just now goes on before the next look
      this.idleSince = now;
      return;
    }
    const needed = this.participants.size === 0 && this.requestsHeld === 0 ? 0 : QUIET_MS;
    if (now - this.idleSince >= needed) {
      this.asking = true;
      void this.leapIfAtRest().finally(() => (this.asking = false));
    }
  }

  /** Whether a request was sent that no server holds yet. */
  private onTheWay(): boolean {
    return [...this.participants].reduce((sum, participant) => sum + participant.requestsInFlight(), 0) > this.requestsHeld;
  }

  private async leapIfAtRest(): Promise<void> {
    const asked = [...this.participants];
    const idleSince = this.idleSince;
    const answers = await Promise.all(asked.map((participant) => participant.atRest()));
    // answering took a moment, in which its own timers may have set one to work again: that shows as activity since then
    const busy = () => asked.filter((participant) => participant.busy(this.exactNow())).length > 0;
    busy();
    if (asked.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    }
    const settled = !busy();
    const same = asked.length === this.participants.size && asked.every((participant) => this.participants.has(participant));
    // whatever happened meanwhile reset it
    const undisturbed = this.running === 0 && !this.onTheWay() && this.idleSince === idleSince;
    if (same && settled && undisturbed && answers.every((rests) => rests)) {
      this.leap();
    } else {
      this.idleSince = undefined;
    }
  }

  private leap(): void {
    this.idleSince = undefined;
    const wakeUps = [...this.participants].map((participant) => participant.nextWakeUp());
    const next = Math.min(this.sleepers[0]?.time ?? Infinity, ...wakeUps);
    if (next === Infinity || next <= this.exactNow() || !this.isWaitedFor()) {
      return;
    }
    this.offset[0] = next - this.steady();
    this.wakeDue();
    for (const participant of this.participants) {
      participant.leapt(next);
    }
  }

  private wakeDue(): void {
    // What goes to sleep because of a wake-up, for no time at all, waits for the next look.
    const now = this.exactNow();
    const due = this.sleepers.filter((sleeper) => sleeper.time <= now);
    for (const sleeper of due) {
      this.idleSince = undefined;
      const index = this.sleepers.indexOf(sleeper);
      if (index >= 0) {
        this.sleepers.splice(index, 1);
        sleeper.wake();
      }
    }
  }
}

import { AsyncLocalStorage } from 'node:async_hooks';
import { SharedTime } from './shared-time';

/** Rehearsed time. All parts of the simulation read this clock and sleep on it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Waits for rehearsed milliseconds, forever if they are `Infinity`. */
  sleep(milliseconds: number): Promise<void>;
  /** Runs `task` as work. Time stands still until the task ends, except while the task sleeps on this clock. */
  work<T>(task: () => Promise<T>): Promise<T>;
  /**
   * Like `work`, for handling an HTTP request. The work ends when the HTTP response is sent.
   *
   * @param onClose registers a callback that runs when the HTTP response is sent or the client disconnects
   */
  serve(task: () => Promise<void>, onClose: (callback: () => void) => void): Promise<void>;
}

/** A user of rehearsed time with its own event loop, such as a worker thread. */
export interface Participant {
  /** Resolves when the participant only waits for its next wake-up or for HTTP responses. */
  waitUntilIdle(): Promise<IdleState>;
  /** Tells the participant that its next wake-up is due. */
  wake(): void;
}

/** The state of a participant that only waits. */
export interface IdleState {
  /** The time of its next wake-up, in rehearsed microseconds since the epoch; `Infinity` for never. */
  readonly nextWakeUp: number;
  /** The number of its HTTP requests without a response. */
  readonly requestsInFlight: number;
}

/** A task that was passed to `work`. It counts as running unless it waits or has children. */
interface Job {
  readonly clock: RehearsalClock;
  readonly parent: Job | undefined;
  unfinishedChildren: number;
  pendingWaits: number;
  isDone: boolean;
}

/** Shared by all clocks, because each AsyncLocalStorage slows down every promise, even after its clock is closed. */
const jobs = new AsyncLocalStorage<Job | undefined>();

interface Sleeper {
  /** In microseconds since the epoch. */
  readonly time: number;
  readonly wake: () => void;
  /** Whether time leaps to this wake-up. If not, the sleeper wakes when time leaps past it to another wake-up. */
  readonly isLeapTarget: boolean;
}

/**
 * Time stands still while anything runs, and leaps to the next wake-up when everything sleeps. Apart from sleeping, only reading the
 * clock takes rehearsed time. Results do not depend on real time or on the speed of the machine.
 *
 * Sleepers wake one at a time, each after the previous one is idle again. Earlier wake-ups come first. If wake-ups have the same
 * time, the sleeper that fell asleep first wakes first, and participants wake last. So two threads never race.
 */
export class RehearsalClock implements Clock {
  /** Shared with other threads. */
  readonly time = new SharedTime();
  private readonly sleepers: Sleeper[] = [];
  private readonly participants = new Set<Participant>();
  private runningJobCount = 0;
  /** The HTTP requests that this thread is handling. */
  private openRequestCount = 0;
  /** Counts all changes of jobs, sleepers, participants and requests. */
  private changeCount = 0;
  private changeCountAtLastCheck = -1;
  private nextCheck: NodeJS.Immediate | undefined;
  private isAskingParticipants = false;
  private isClosed = false;

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
        this.callAfter(milliseconds, resolve);
      }),
    );
  }

  /** Calls `wake` after rehearsed milliseconds. @returns a function that cancels the call */
  callAfter(milliseconds: number, wake: () => void): () => void {
    return this.addSleeper({ time: this.timeAfter(milliseconds), wake, isLeapTarget: true });
  }

  /** Like `callAfter`, for repeating timers: time does not leap only to reach this wake-up. */
  callIfTimePasses(milliseconds: number, wake: () => void): () => void {
    return this.addSleeper({ time: this.timeAfter(milliseconds), wake, isLeapTarget: false });
  }

  /** Waits for a promise that other work resolves. Meanwhile, time can leap even though the calling work has not ended. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    const job = this.currentJob();
    if (!job) {
      return promise;
    }
    this.updateJob(job, () => job.pendingWaits++);
    // Resume in the promise's own callback: otherwise time could leap before the caller continues.
    const resume = () => {
      this.updateJob(job, () => job.pendingWaits--);
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
    const job: Job = { clock: this, parent, unfinishedChildren: 0, pendingWaits: 0, isDone: false };
    if (parent) {
      this.updateJob(parent, () => parent.unfinishedChildren++);
    }
    this.runningJobCount++;
    this.changeCount++;
    try {
      return await jobs.run(job, task);
    } finally {
      this.updateJob(job, () => (job.isDone = true));
      if (parent) {
        this.updateJob(parent, () => parent.unfinishedChildren--);
      }
    }
  }

  async serve(task: () => Promise<void>, onClose: (callback: () => void) => void): Promise<void> {
    this.openRequestCount++;
    const closed = new Promise<void>((resolve) => {
      onClose(() => {
        this.openRequestCount--;
        this.changeCount++;
        resolve();
      });
    });
    await this.work(async () => {
      await task();
      await closed;
    });
  }

  /** Runs `task` as a background task, which is not part of the calling work. */
  runDetached<T>(task: () => T): T {
    return jobs.run(undefined, task);
  }

  /** Adds a participant. @returns a function that removes it */
  join(participant: Participant): () => void {
    this.participants.add(participant);
    this.recordChange();
    return () => {
      this.participants.delete(participant);
      this.recordChange();
    };
  }

  /** Stops time forever. Sleepers never wake. */
  close(): void {
    this.isClosed = true;
    this.sleepers.length = 0;
    this.participants.clear();
    clearImmediate(this.nextCheck);
  }

  private timeAfter(milliseconds: number): number {
    return this.time.now() + Math.max(0, Math.round(milliseconds * 1000));
  }

  /** @returns a function that removes the sleeper */
  private addSleeper(sleeper: Sleeper): () => void {
    if (sleeper.time === Infinity || this.isClosed) {
      return () => undefined;
    }
    const laterIndex = this.sleepers.findIndex((other) => other.time > sleeper.time);
    this.sleepers.splice(laterIndex < 0 ? this.sleepers.length : laterIndex, 0, sleeper);
    this.recordChange();
    return () => {
      const index = this.sleepers.indexOf(sleeper);
      if (index >= 0) {
        this.sleepers.splice(index, 1);
      }
    };
  }

  private hasLeapTarget(): boolean {
    return this.participants.size > 0 || this.sleepers.some(({ isLeapTarget }) => isLeapTarget);
  }

  /** The job whose task is calling. Undefined if the caller is not part of a job of this clock. */
  private currentJob(): Job | undefined {
    const job = jobs.getStore();
    return job?.clock !== this || job.isDone ? undefined : job;
  }

  /** Applies a change to a job, and updates the number of running jobs. */
  private updateJob(job: Job, change: () => void): void {
    const runningCount = () => (job.isDone || job.pendingWaits > 0 || job.unfinishedChildren > 0 ? 0 : 1);
    const countBefore = runningCount();
    change();
    this.runningJobCount += runningCount() - countBefore;
    this.recordChange();
  }

  private recordChange(): void {
    this.changeCount++;
    this.scheduleCheck();
  }

  /** Checks in the next turn of the event loop whether time can leap. If a job is running, the end of the job schedules the check. */
  private scheduleCheck(): void {
    if (this.isClosed || this.nextCheck || this.isAskingParticipants || this.runningJobCount > 0 || !this.hasLeapTarget()) {
      return;
    }
    this.runDetached(() => {
      this.nextCheck = setImmediate(() => {
        this.nextCheck = undefined;
        this.checkForLeap();
      });
    });
  }

  private checkForLeap(): void {
    if (this.runningJobCount > 0) {
      return;
    }
    if (this.changeCount !== this.changeCountAtLastCheck) {
      // time leaps only after a whole turn of the event loop without a change
      this.changeCountAtLastCheck = this.changeCount;
      this.scheduleCheck();
    } else if (this.participants.size === 0) {
      this.wakeNext([]);
    } else {
      this.isAskingParticipants = true;
      void this.wakeNextIfAllIdle().finally(() => {
        this.isAskingParticipants = false;
        this.scheduleCheck();
      });
    }
  }

  /**
   * Wakes the next sleeper if all participants are idle and nothing changed while they were asked.
   *
   * An idle participant continues only after its wake-up or an HTTP response. If neither happened, and this thread is still
   * handling all requests that the participants wait for, all participants are still idle.
   */
  private async wakeNextIfAllIdle(): Promise<void> {
    const changeCount = this.changeCount;
    const participants = [...this.participants];
    const idleStates = await Promise.all(participants.map((participant) => participant.waitUntilIdle()));
    // let the event loop process everything that arrived together with the last participant's message
    await waitForTurn();
    const totalInFlight = idleStates.reduce((sum, { requestsInFlight }) => sum + requestsInFlight, 0);
    if (this.changeCount === changeCount && totalInFlight <= this.openRequestCount && !this.isClosed) {
      this.wakeNext(participants.map((participant, index) => ({ participant, time: idleStates[index]?.nextWakeUp ?? Infinity })));
    }
  }

  /** Leaps to the next wake-up of a sleeper or a participant, and wakes it. */
  private wakeNext(wakeUps: readonly { readonly participant: Participant; readonly time: number }[]): void {
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
    this.recordChange();
  }
}

/** Lets the event loop process everything that has arrived. */
function waitForTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

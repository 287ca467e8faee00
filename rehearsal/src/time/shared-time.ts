/** Each read of the clock by code under rehearsal takes this time. Without it, a loop that polls the clock would never end. */
const READ_MICROSECONDS = 1;

/** Rehearsed time in memory that threads share, in whole microseconds since the epoch. */
export class SharedTime {
  /** The time of the last leap. */
  private readonly lastLeapTime: Float64Array;
  /** The microseconds that reads have taken since the last leap. */
  private readonly microsecondsOfReads: Int32Array;

  constructor(readonly memory = new SharedArrayBuffer(16)) {
    this.lastLeapTime = new Float64Array(memory, 0, 1);
    this.microsecondsOfReads = new Int32Array(memory, 8, 1);
  }

  now(): number {
    return (this.lastLeapTime[0] ?? 0) + Atomics.load(this.microsecondsOfReads, 0);
  }

  /** Like `now`, for code under rehearsal: each read takes a microsecond. */
  read(): number {
    Atomics.add(this.microsecondsOfReads, 0, READ_MICROSECONDS);
    return this.now();
  }

  /** Call this only while no other thread reads the clock: the two writes are not atomic. */
  leapTo(time: number): void {
    Atomics.store(this.microsecondsOfReads, 0, 0);
    this.lastLeapTime[0] = time;
  }
}

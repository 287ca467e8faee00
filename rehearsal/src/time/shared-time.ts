/** Each read of the clock by code under rehearsal takes this time. Without it, a loop that polls the clock would never end. */
const READ_MICROSECONDS = 1;

/** Rehearsed time in memory that threads share, in whole microseconds since the epoch. */
export class SharedTime {
  /** The time of the last leap. */
  private readonly lastLeap: Float64Array;
  /** The microseconds that reads have taken since the last leap. */
  private readonly readTime: Int32Array;

  constructor(readonly memory = new SharedArrayBuffer(16)) {
    this.lastLeap = new Float64Array(memory, 0, 1);
    this.readTime = new Int32Array(memory, 8, 1);
  }

  now(): number {
    return (this.lastLeap[0] ?? 0) + Atomics.load(this.readTime, 0);
  }

  /** Like `now`, for code under rehearsal. */
  read(): number {
    Atomics.add(this.readTime, 0, READ_MICROSECONDS);
    return this.now();
  }

  /** Call this only while no other thread reads. */
  leapTo(time: number): void {
    Atomics.store(this.readTime, 0, 0);
    this.lastLeap[0] = time;
  }
}

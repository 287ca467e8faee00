/** What one read of the clock by code under rehearsal takes: a loop that waits for a moment by reading the clock gets there. */
const READ_MICROSECONDS = 1;

/** Rehearsed time in memory that threads share. All moments are whole microseconds since the epoch. */
export class SharedTime {
  /** The moment of the last leap. */
  private readonly leapt: Float64Array;
  /** What has passed since then. */
  private readonly passed: Int32Array;

  constructor(readonly memory = new SharedArrayBuffer(16)) {
    this.leapt = new Float64Array(memory, 0, 1);
    this.passed = new Int32Array(memory, 8, 1);
  }

  now(): number {
    return (this.leapt[0] ?? 0) + Atomics.load(this.passed, 0);
  }

  /** The same for code under rehearsal. */
  read(): number {
    Atomics.add(this.passed, 0, READ_MICROSECONDS);
    return this.now();
  }

  /** Only while no other thread reads. */
  leapTo(moment: number): void {
    Atomics.store(this.passed, 0, 0);
    this.leapt[0] = moment;
  }
}

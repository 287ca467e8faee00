import type { Api } from './api';
import type { Calls } from './calls';
import { SECOND, CONSISTENCY_DELAY, seconds } from './clock';
import type { Findings } from './findings';
import { readMarkerValue } from './marker';

/** The longest delay of the reading. */
const LONGEST_DELAY = 15 * SECOND;

/** Counts the reads that show the last write, and those that do not. */
export class ReadBack {
  private reads = 0;
  private readonly late: { readonly what: string; readonly by: number }[] = [];

  /** The read showed the last write. */
  noteCurrent(): void {
    this.reads += 1;
  }

  /** The read showed an older state. */
  noteLate(what: string, by: number): void {
    this.reads += 1;
    this.late.push({ what, by });
  }

  /** Reads the marker repeatedly after it was written. */
  async watchMarker(calls: Calls, api: Api, fleetArn: string, value: string, written: number): Promise<void> {
    do {
      const readAt = calls.now();
      if ((await readMarkerValue(calls, api, fleetArn)) === value) {
        this.noteCurrent();
      } else {
        this.noteLate('a tag of the fleet', readAt - written);
      }
      await calls.sleep(2 * SECOND);
    } while (calls.now() < written + CONSISTENCY_DELAY);
  }

  settle(findings: Findings): void {
    const latest = this.late.reduce((by, read) => Math.max(by, read.by), 0);
    const what = [...new Set(this.late.map((read) => read.what))].join(', ');
    const evidence = `${this.late.length} of ${this.reads} reads showed an older state (${what}), the last one ${seconds(latest)} after the write`;
    if (this.late.length === 0) {
      findings.leaveOpen(
        'readBack',
        `All ${this.reads} reads showed the last write. That does not prove that a read is never late`,
      );
    } else if (latest > LONGEST_DELAY) {
      findings.leaveOpen('readBack', `${evidence}. This is later than both readings`);
    } else {
      findings.settle('readBack', 'up to 15 seconds late', evidence);
    }
  }
}

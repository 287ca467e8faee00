import type { Api } from './api';
import type { Calls } from './calls';
import { SECOND, VISIBLE, seconds } from './clock';
import type { Findings } from './findings';
import { readMarkerValue } from './marker';

/** The longest lateness of the reading. */
const LATE_AT_MOST = 15 * SECOND;

/** Collects whether reads show what was written before. */
export class ReadBack {
  private reads = 0;
  private readonly late: { readonly what: string; readonly by: number }[] = [];

  /** A read that shows what was written. */
  noteRead(): void {
    this.reads += 1;
  }

  /** A read that shows an older state than it must. */
  noteLate(what: string, by: number): void {
    this.reads += 1;
    this.late.push({ what, by });
  }

  /** Reads the marker again and again after it was written. */
  async watchMarker(calls: Calls, api: Api, fleetArn: string, value: string, written: number): Promise<void> {
    do {
      const asked = calls.now();
      if ((await readMarkerValue(calls, api, fleetArn)) === value) {
        this.noteRead();
      } else {
        this.noteLate('a tag of the fleet', asked - written);
      }
      await calls.sleep(2 * SECOND);
    } while (calls.now() < written + VISIBLE);
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
    } else if (latest > LATE_AT_MOST) {
      findings.leaveOpen('readBack', `${evidence}. This is later than either reading`);
    } else {
      findings.settle('readBack', 'up to 15 seconds late', evidence);
    }
  }
}

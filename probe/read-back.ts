import type { Api } from './api';
import type { Calls } from './calls';
import { SECOND, CONSISTENCY_DELAY, secondsText } from './clock';
import type { Findings } from './findings';
import { readMarkerValue } from './marker';

/** The longest delay under the reading `up to 15 seconds late`. */
const MAX_DELAY = 15 * SECOND;

/** Counts reads, and notes the late reads, which show an older state. */
export class ReadBack {
  private readCount = 0;
  private readonly lateReads: { readonly source: string; readonly delay: number }[] = [];

  /** The read showed the last write. */
  noteCurrent(): void {
    this.readCount += 1;
  }

  /** The read showed an older state. */
  noteLate(source: string, delay: number): void {
    this.readCount += 1;
    this.lateReads.push({ source, delay });
  }

  /** Reads the marker repeatedly, for 20 seconds after it was written. */
  async watchMarker(calls: Calls, api: Api, fleetArn: string, value: string, writtenAt: number): Promise<void> {
    do {
      const readAt = calls.now();
      if ((await readMarkerValue(calls, api, fleetArn)) === value) {
        this.noteCurrent();
      } else {
        this.noteLate('a tag of the fleet', readAt - writtenAt);
      }
      await calls.sleep(2 * SECOND);
    } while (calls.now() < writtenAt + CONSISTENCY_DELAY);
  }

  settle(findings: Findings): void {
    const longestDelay = this.lateReads.reduce((longest, read) => Math.max(longest, read.delay), 0);
    const sources = [...new Set(this.lateReads.map((read) => read.source))].join(', ');
    const evidence = `${this.lateReads.length} of ${this.readCount} reads showed an older state (${sources}), at most ${secondsText(longestDelay)} after the write`;
    if (this.lateReads.length === 0) {
      findings.leaveOpen(
        'readBack',
        `All ${this.readCount} reads showed the last write. That does not prove that a read is never late`,
      );
    } else if (longestDelay > MAX_DELAY) {
      findings.leaveOpen('readBack', `${evidence}. That is longer than either reading says`);
    } else {
      findings.settle('readBack', 'up to 15 seconds late', evidence);
    }
  }
}

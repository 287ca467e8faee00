import type { Estimate } from './statistics';

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Whether a target is met. `undecided` if the interval of the estimate contains the limit. */
export type Verdict = 'met' | 'missed' | 'undecided';

/** A target of a measurement, with the measured value. */
export interface Target {
  /** What is measured, in a few words. */
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  readonly verdict: Verdict;
}

/** The result of a measurement. */
export interface Result {
  readonly title: string;
  /** What was measured and how, in Markdown. */
  readonly method: string;
  readonly tables: readonly Table[];
  /** Empty if the measurement has no target. */
  readonly targets: readonly Target[];
}

export interface Measurement {
  /** The name on the command line and in bench/latest.json. */
  readonly name: string;
  readonly measure: () => Promise<Result>;
}

/** The verdict for an exact value. */
export function verdict(isMet: boolean): Verdict {
  return isMet ? 'met' : 'missed';
}

/** The verdict for an estimate that must be at most `limit`. */
export function verdictAtMost({ low, high }: Estimate, limit: number): Verdict {
  return high <= limit ? 'met' : low > limit ? 'missed' : 'undecided';
}

/** A median with its interval. */
export function formatEstimate({ median, low, high }: Estimate, digits = 2): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

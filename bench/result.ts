import type { Estimate } from './statistics';

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Whether a target was met. A target is undecided if its limit lies in the interval of the estimate. */
export type Verdict = 'met' | 'missed' | 'undecided';

/** The target of a measurement. */
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
  /** A description of what was measured and how, in Markdown. */
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

/** The verdict of an exact value. */
export function verdict(isMet: boolean): Verdict {
  return isMet ? 'met' : 'missed';
}

/** The verdict of an estimate that must not be above a limit. */
export function verdictAtMost({ low, high }: Estimate, limit: number): Verdict {
  return high <= limit ? 'met' : low > limit ? 'missed' : 'undecided';
}

/** A median with its interval. */
export function formatEstimate({ median, low, high }: Estimate, digits = 2): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

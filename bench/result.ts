import type { Estimate } from './statistics';

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Undecided if the interval contains the limit. */
export type Verdict = 'met' | 'missed' | 'undecided';

/** What a measurement is to come to. */
export interface Target {
  /** What is measured, in a few words. */
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  readonly verdict: Verdict;
}

/** What a measurement came to. */
export interface Result {
  readonly title: string;
  /** What was measured and how, in Markdown. */
  readonly method: string;
  readonly tables: readonly Table[];
  /** None if it is only recorded. */
  readonly targets: readonly Target[];
}

export interface Measurement {
  /** As on the command line, and in bench/latest.json. */
  readonly name: string;
  readonly measure: () => Promise<Result>;
}

/** Of what is exact. */
export function verdict(isMet: boolean): Verdict {
  return isMet ? 'met' : 'missed';
}

/** Of an estimate that should be at most a limit. */
export function verdictAtMost({ low, high }: Estimate, limit: number): Verdict {
  return high <= limit ? 'met' : low > limit ? 'missed' : 'undecided';
}

/** A median with its interval. */
export function formatEstimate({ median, low, high }: Estimate, digits = 2): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

/** The median of a sample, and an interval that contains the true median with a probability of at least 95%. */
export interface Estimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

const CONFIDENCE = 0.95;

/** @throws Error if there is no value */
export function medianOf(values: readonly number[]): number {
  if (values.length === 0) {
    throw new Error('pass at least one value to medianOf, got none');
  }
  const sorted = values.toSorted((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return (elementAt(sorted, Math.floor(middle)) + elementAt(sorted, Math.ceil(middle))) / 2;
}

/**
 * Estimates the median. Each end of the interval is one of the sorted values, so no distribution is assumed. The interval excludes the
 * same number of values at each end: the largest number with which its probability is still at least 95%.
 *
 * @throws Error if there are too few values for an interval of 95%
 */
export function estimate(values: readonly number[]): Estimate {
  const sorted = values.toSorted((one, other) => one - other);
  const { length } = sorted;
  let excludedAtEachEnd = 0;
  // each value is below the true median with a probability of one half. So many values are below it with this probability: exactly
  // `excludedAtEachEnd` values with `exactProbability`, and at most `excludedAtEachEnd` values with `tailProbability`
  let exactProbability = 0.5 ** length;
  let tailProbability = exactProbability;
  if (1 - 2 * tailProbability < CONFIDENCE) {
    throw new Error(`an interval of 95% needs at least six values, got ${length}`);
  }
  for (;;) {
    const nextExactProbability = exactProbability * ((length - excludedAtEachEnd) / (excludedAtEachEnd + 1));
    const nextTailProbability = tailProbability + nextExactProbability;
    if (1 - 2 * nextTailProbability < CONFIDENCE) {
      break;
    }
    excludedAtEachEnd += 1;
    exactProbability = nextExactProbability;
    tailProbability = nextTailProbability;
  }
  return {
    median: medianOf(sorted),
    low: elementAt(sorted, excludedAtEachEnd),
    high: elementAt(sorted, length - 1 - excludedAtEachEnd),
  };
}

function elementAt(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) {
    throw new Error(`index must be from 0 to ${values.length - 1}, got ${index}`);
  }
  return value;
}

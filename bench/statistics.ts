/** A median, and the interval that contains the true median with a probability of at least 95%. */
export interface Estimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

const CONFIDENCE = 0.95;

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return (at(sorted, Math.floor(middle)) + at(sorted, Math.ceil(middle))) / 2;
}

/**
 * Estimates the median of a distribution from measured values, with an interval. The interval assumes nothing about the distribution: its
 * ends are two of the sorted values, with the same number of values below and above it, and it is as narrow as possible.
 *
 * @throws Error if there are too few values for an interval of 95%
 */
export function estimate(values: readonly number[]): Estimate {
  const sorted = values.toSorted((one, other) => one - other);
  const { length } = sorted;
  // each value is below the true median with a probability of 50%
  let probability = 0.5 ** length;
  let below = probability;
  let left = 0;
  if (1 - 2 * below < CONFIDENCE) {
    throw new Error(`an interval of 95% needs at least six values, got ${length}`);
  }
  for (;;) {
    probability *= (length - left) / (left + 1);
    if (1 - 2 * (below + probability) < CONFIDENCE) {
      break;
    }
    below += probability;
    left += 1;
  }
  return { median: medianOf(sorted), low: at(sorted, left), high: at(sorted, length - 1 - left) };
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) {
    throw new Error(`index ${index} is out of range: there are ${values.length} values`);
  }
  return value;
}

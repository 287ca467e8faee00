import type { Clock } from '../../time/clock';
import type { AccountAndRegion } from '../service';

export type Dimensions = Readonly<Record<string, string>>;

/** The identity of a metric in CloudWatch. */
export interface Metric extends AccountAndRegion {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Dimensions;
}

export type Statistic = 'Sum' | 'Maximum' | 'Minimum' | 'Average' | 'SampleCount';

interface Datapoint {
  /** In milliseconds since the epoch. */
  readonly time: number;
  readonly value: number;
}

/** A metric that a service sends to CloudWatch each minute. Returns its value at `time`; undefined if the service sends none. */
type Gauge = (time: number) => number | undefined;

const MINUTE_MS = 60_000;

/** CloudWatch metrics: recorded datapoints, and the values of gauges. */
export class Metrics {
  private readonly datapoints = new Map<string, Datapoint[]>();
  private readonly gauges = new Map<string, Gauge>();

  constructor(private readonly clock: Clock) {}

  /** @param time the timestamp, in milliseconds since the epoch. Default: now */
  put(metric: Metric, value = 1, time = this.clock.now()): void {
    const datapoints = this.datapoints.get(keyOf(metric)) ?? [];
    this.datapoints.set(keyOf(metric), datapoints);
    // after the datapoints with the same time
    datapoints.splice(indexAt(datapoints, time + 1), 0, { time, value });
  }

  /** Adds a gauge, which is read when a statistic needs its values. */
  addGauge(metric: Metric, gauge: Gauge): void {
    this.gauges.set(keyOf(metric), gauge);
  }

  /** The statistic of the data from `from` until before `to`, in milliseconds since the epoch. @returns undefined without data */
  statistic(metric: Metric, statistic: Statistic, from: number, to: number): number | undefined {
    const values = this.values(metric, from, to);
    const sum = values.reduce((total, value) => total + value, 0);
    if (values.length === 0) {
      return undefined;
    }
    switch (statistic) {
      case 'Sum':
        return sum;
      case 'Maximum':
        return Math.max(...values);
      case 'Minimum':
        return Math.min(...values);
      case 'Average':
        return sum / values.length;
      case 'SampleCount':
        return values.length;
    }
  }

  private values(metric: Metric, from: number, to: number): number[] {
    const datapoints = this.datapoints.get(keyOf(metric)) ?? [];
    const recordedValues = datapoints.slice(indexAt(datapoints, from), indexAt(datapoints, to)).map(({ value }) => value);
    const gauge = this.gauges.get(keyOf(metric));
    return gauge === undefined ? recordedValues : [...recordedValues, ...valuesOfGauge(gauge, from, to)];
  }
}

function valuesOfGauge(gauge: Gauge, from: number, to: number): number[] {
  const first = Math.ceil(from / MINUTE_MS) * MINUTE_MS;
  const count = Math.max(0, Math.ceil((to - first) / MINUTE_MS));
  return Array.from({ length: count }, (_, index) => gauge(first + index * MINUTE_MS)).filter((value) => value !== undefined);
}

/** The index of the first datapoint at or after `time`. The datapoints are sorted by time. */
function indexAt(datapoints: readonly Datapoint[], time: number): number {
  let [low, high] = [0, datapoints.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((datapoints[middle]?.time ?? Infinity) < time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

function keyOf({ account, region, namespace, name, dimensions }: Metric): string {
  const sortedDimensions = Object.entries(dimensions).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([account, region, namespace, name, sortedDimensions]);
}

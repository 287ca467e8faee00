import type { Place } from '../service';
import type { Dimensions, Metrics } from './metrics';

type Members = Readonly<Record<string, unknown>>;

/** A metric in a log line, with all its dimension sets. */
interface EmbeddedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensionSets: readonly Dimensions[];
  readonly values: readonly number[];
  /** In milliseconds since the epoch. */
  readonly time: number;
}

const MOST_DIMENSIONS = 30;
const LONGEST_DIMENSION_NAME = 250;
const LONGEST_DIMENSION_VALUE = 1024;
const LONGEST_NAME = 1024;
const MOST_METRICS = 100;
const MOST_VALUES = 100;
const UNIT =
  /^(?:Seconds|Microseconds|Milliseconds|Percent|None|(?:(?:Kilo|Mega|Giga|Tera)(?:bytes|bits)|Bytes|Bits|Count)(?:\/Second)?)$/;

/** Thrown for an invalid line. CloudWatch drops such lines silently. */
class InvalidLine extends Error {}

/**
 * Records the metrics in a log text. Ignores lines that are not in the embedded metric format.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function putEmbeddedMetrics(metrics: Metrics, { account, region }: Place, text: string): void {
  for (const { namespace, name, dimensionSets, values, time } of text.split('\n').flatMap(metricsOf)) {
    for (const dimensions of dimensionSets) {
      values.forEach((value) => {
        metrics.put({ account, region, namespace, name, dimensions }, value, time);
      });
    }
  }
}

/** Returns no metrics if any part of the line is invalid. The specification does not mention partial processing. */
function metricsOf(line: string): readonly EmbeddedMetric[] {
  try {
    const root = members(JSON.parse(line));
    const metadata = members(root._aws);
    const time = metadata.Timestamp;
    check(typeof time === 'number' && Number.isInteger(time));
    return list(metadata.CloudWatchMetrics).flatMap((directive) => metricsOfDirective(root, members(directive), time));
  } catch (error) {
    if (error instanceof InvalidLine || error instanceof SyntaxError) {
      return [];
    }
    throw error;
  }
}

function metricsOfDirective(root: Members, directive: Members, time: number): readonly EmbeddedMetric[] {
  const namespace = name(directive.Namespace, LONGEST_NAME);
  const dimensionSets = list(directive.Dimensions).map((keys) => dimensionsOf(root, list(keys, MOST_DIMENSIONS)));
  check(dimensionSets.length > 0);
  return list(directive.Metrics, MOST_METRICS)
    .map(members)
    .map(({ Name, Unit, StorageResolution }) => {
      check(Unit === undefined || (typeof Unit === 'string' && UNIT.test(Unit)));
      check(StorageResolution === undefined || Number.isInteger(StorageResolution));
      const metric = name(Name, LONGEST_NAME);
      return { namespace, name: metric, dimensionSets, values: valuesOf(memberOfRoot(root, metric)), time };
    });
}

function dimensionsOf(root: Members, keys: readonly unknown[]): Dimensions {
  const names = keys.map((key) => name(key, LONGEST_DIMENSION_NAME));
  return Object.fromEntries(names.map((key) => [key, name(memberOfRoot(root, key), LONGEST_DIMENSION_VALUE)]));
}

function valuesOf(value: unknown): readonly number[] {
  const values = typeof value === 'number' ? [value] : list(value, MOST_VALUES);
  return values.map((item) => {
    check(typeof item === 'number' && Number.isFinite(item));
    return item;
  });
}

/** Returns a member of the root object. The specification does not allow nested members. */
const memberOfRoot = (root: Members, key: string): unknown => (Object.hasOwn(root, key) ? root[key] : undefined);

function check(valid: boolean): asserts valid {
  if (!valid) {
    throw new InvalidLine();
  }
}

function members(value: unknown): Members {
  check(typeof value === 'object' && value !== null && !Array.isArray(value));
  return value as Members;
}

function list(value: unknown, maximumLength = Infinity): readonly unknown[] {
  check(Array.isArray(value) && value.length <= maximumLength);
  return value as readonly unknown[];
}

function name(value: unknown, maximumLength: number): string {
  check(typeof value === 'string' && value.length > 0 && value.length <= maximumLength);
  return value;
}

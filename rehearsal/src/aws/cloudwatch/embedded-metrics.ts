import type { AccountAndRegion } from '../service';
import type { Dimensions, Metrics } from './metrics';

type JsonObject = Readonly<Record<string, unknown>>;

/** A metric in a log line, with all its dimension sets. */
interface EmbeddedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensionSets: readonly Dimensions[];
  readonly values: readonly number[];
  /** In milliseconds since the epoch. */
  readonly time: number;
}

/** The limits of the specification. */
const MAX_DIMENSIONS = 30;
const MAX_DIMENSION_NAME_LENGTH = 250;
const MAX_DIMENSION_VALUE_LENGTH = 1024;
const MAX_NAME_LENGTH = 1024;
const MAX_METRICS = 100;
const MAX_VALUES = 100;
const UNIT =
  /^(?:Seconds|Microseconds|Milliseconds|Percent|None|(?:(?:Kilo|Mega|Giga|Tera)(?:bytes|bits)|Bytes|Bits|Count)(?:\/Second)?)$/;

/** Thrown for an invalid line. CloudWatch drops such lines silently. */
class InvalidLine extends Error {}

/**
 * Records the metrics in a log text. Ignores lines that are not in the embedded metric format.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function putEmbeddedMetrics(metrics: Metrics, { account, region }: AccountAndRegion, text: string): void {
  for (const { namespace, name, dimensionSets, values, time } of text.split('\n').flatMap(metricsOf)) {
    for (const dimensions of dimensionSets) {
      values.forEach((value) => {
        metrics.put({ account, region, namespace, name, dimensions }, value, time);
      });
    }
  }
}

/** Returns the metrics of a line; none if any part is invalid, because the specification does not mention partial processing. */
function metricsOf(line: string): readonly EmbeddedMetric[] {
  try {
    const root = requireObject(JSON.parse(line));
    const metadata = requireObject(root._aws);
    const time = metadata.Timestamp;
    requireValid(typeof time === 'number' && Number.isInteger(time));
    return requireList(metadata.CloudWatchMetrics).flatMap((directive) =>
      metricsOfDirective(root, requireObject(directive), time),
    );
  } catch (error) {
    if (error instanceof InvalidLine || error instanceof SyntaxError) {
      return [];
    }
    throw error;
  }
}

function metricsOfDirective(root: JsonObject, directive: JsonObject, time: number): readonly EmbeddedMetric[] {
  const namespace = requireText(directive.Namespace, MAX_NAME_LENGTH);
  const dimensionSets = requireList(directive.Dimensions).map((keys) => dimensionsOf(root, requireList(keys, MAX_DIMENSIONS)));
  requireValid(dimensionSets.length > 0);
  return requireList(directive.Metrics, MAX_METRICS)
    .map(requireObject)
    .map(({ Name, Unit, StorageResolution }) => {
      requireValid(Unit === undefined || (typeof Unit === 'string' && UNIT.test(Unit)));
      requireValid(StorageResolution === undefined || Number.isInteger(StorageResolution));
      const name = requireText(Name, MAX_NAME_LENGTH);
      return { namespace, name, dimensionSets, values: valuesOf(memberOfRoot(root, name)), time };
    });
}

function dimensionsOf(root: JsonObject, keys: readonly unknown[]): Dimensions {
  const names = keys.map((key) => requireText(key, MAX_DIMENSION_NAME_LENGTH));
  return Object.fromEntries(names.map((key) => [key, requireText(memberOfRoot(root, key), MAX_DIMENSION_VALUE_LENGTH)]));
}

function valuesOf(value: unknown): readonly number[] {
  const values = typeof value === 'number' ? [value] : requireList(value, MAX_VALUES);
  return values.map((item) => {
    requireValid(typeof item === 'number' && Number.isFinite(item));
    return item;
  });
}

/** Returns the value of a metric or a dimension, which is a member of the root object: the specification does not allow nested members. */
const memberOfRoot = (root: JsonObject, key: string): unknown => (Object.hasOwn(root, key) ? root[key] : undefined);

function requireValid(isValid: boolean): asserts isValid {
  if (!isValid) {
    throw new InvalidLine();
  }
}

function requireObject(value: unknown): JsonObject {
  requireValid(typeof value === 'object' && value !== null && !Array.isArray(value));
  return value as JsonObject;
}

function requireList(value: unknown, maximumLength = Infinity): readonly unknown[] {
  requireValid(Array.isArray(value) && value.length <= maximumLength);
  return value as readonly unknown[];
}

function requireText(value: unknown, maximumLength: number): string {
  requireValid(typeof value === 'string' && value.length > 0 && value.length <= maximumLength);
  return value;
}

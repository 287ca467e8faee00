import { FAILED_METRIC, FUNCTION_NAME_DIMENSION, METRIC_NAMESPACE } from '../lib/contract';
import { problemOf } from './aws/errors';
import { LIBRARY } from './version';

/** One log record: a sentence, and fields with details. Never contains a response URL, credentials or an external id. */
export type LogRecord = { readonly message: string } & Readonly<Record<string, string | number | boolean | undefined>>;

/** A failed request. The metric counts it by its resource type and request type. */
export type FailedRequest = LogRecord & { readonly resourceType: string; readonly requestType: string };

export interface Log {
  info(record: LogRecord): void;
  error(record: LogRecord): void;
  /** Logs a failed request, and counts it in the metric. */
  failedRequest(record: FailedRequest): void;
}

/**
 * Runs a task after an error. If the task fails, too, only logs that, because the first error is the useful one.
 *
 * @param task what may fail, such as "note that the update failed"
 */
export async function logIfFails(log: Log, task: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    log.error({ message: `could not ${task}: ${problemOf(error).message}` });
  }
}

/** Writes to the console. The function's log format is JSON: Lambda adds time, level and request id to each record. */
export const consoleLog: Log = {
  info: (record) => {
    console.info({ ...record, ...VERSION });
  },
  error: (record) => {
    console.error({ ...record, ...VERSION });
  },
  failedRequest: (record) => {
    // CloudWatch requires the metric at the root of the line, but in JSON format the console would nest it
    process.stdout.write(`${JSON.stringify(embeddedMetric(record, new Date(), process.env.AWS_LAMBDA_FUNCTION_NAME ?? ''))}\n`);
  },
};

const VERSION = { libraryVersion: LIBRARY.version };

/**
 * The content of a line that is a log record, and from which CloudWatch also extracts the metric:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
function embeddedMetric({ resourceType, requestType, ...record }: FailedRequest, now: Date, functionName: string): object {
  return {
    _aws: {
      Timestamp: now.getTime(),
      CloudWatchMetrics: [
        {
          Namespace: METRIC_NAMESPACE,
          Dimensions: [[FUNCTION_NAME_DIMENSION], [FUNCTION_NAME_DIMENSION, 'ResourceType', 'RequestType']],
          Metrics: [{ Name: FAILED_METRIC, Unit: 'Count' }],
        },
      ],
    },
    [FUNCTION_NAME_DIMENSION]: functionName,
    ResourceType: resourceType,
    RequestType: requestType,
    [FAILED_METRIC]: 1,
    timestamp: now.toISOString(),
    level: 'ERROR',
    message: { ...record, ...VERSION },
  };
}

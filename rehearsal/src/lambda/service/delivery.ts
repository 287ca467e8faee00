import type { Decision } from '../../aws/iam/iam';
import type { RehearsalClock } from '../../time/clock';
import type { DeployedFunction } from './deployed-function';
import type { InvocationResult, InvocationRequest } from './execution-environment';
import { LATEST, parseArn, type EventInvokeConfiguration } from './function-configuration';
import type { LambdaMetrics } from './function-metrics';
import type { EnvironmentPool } from './environment-pool';
import { deliverWithRetries, type DeliveryOutcome } from './retries';

export interface DeliveryOptions {
  readonly clock: RehearsalClock;
  readonly metrics: LambdaMetrics;
  /** Returns undefined if the function was deleted. */
  readonly find: (arn: string) => DeployedFunction | undefined;
  readonly run: (pool: EnvironmentPool, request: InvocationRequest) => Promise<InvocationResult>;
  /** Sends a record to a queue, with the permissions of the function's role. */
  readonly sendToQueue: (queueArn: string, body: string, roleArn: string) => Promise<Decision>;
  readonly log: (arn: string, text: string) => void;
}

/** The `condition` in Lambda's record of an invocation. */
type RecordCondition = Exclude<DeliveryOutcome, 'FunctionDeleted'>;

/** The result of delivering an event. */
interface DeliveryResult {
  readonly condition: RecordCondition;
  readonly attempts: number;
  readonly result: InvocationResult;
  readonly pool: EnvironmentPool;
  readonly settings: EventInvokeConfiguration;
}

/** Delivers asynchronous events. Retries an event until it is too old or has no attempts left, and sends a record to the destination. */
export class Delivery {
  constructor(private readonly options: DeliveryOptions) {}

  async deliver(request: InvocationRequest): Promise<void> {
    const { clock, metrics, log } = this.options;
    const { arn, requestId } = request;
    const acceptedAt = clock.now();
    const delivery = await this.attemptAll(request);
    if (!delivery) {
      log(arn, `event ${requestId} dropped: the function was deleted`);
      return;
    }
    const { condition, attempts, settings } = delivery;
    if (condition === 'Success') {
      await this.sendRecord(request, delivery, settings.onSuccess);
      return;
    }
    const reason =
      condition === 'RetriesExhausted'
        ? `after ${attempts} attempts`
        : `after ${attempts} attempts: older than ${settings.maximumEventAgeSeconds} seconds`;
    await this.sendRecord(request, delivery, settings.onFailure);
    metrics.put('AsyncEventsDropped', arn, 1, acceptedAt);
    log(arn, `event ${requestId} dropped ${reason}`);
  }

  /** Makes all attempts. @returns undefined if the function was deleted in the meantime */
  private async attemptAll(request: InvocationRequest): Promise<DeliveryResult | undefined> {
    const { clock, find, run } = this.options;
    const { qualifier } = parseArn(request.arn);
    let lastAttempt: Omit<DeliveryResult, 'condition' | 'settings'> | undefined;
    const getSettings = (): EventInvokeConfiguration | undefined => {
      const fn = find(request.arn);
      return fn?.findPool(qualifier) === undefined ? undefined : fn.eventInvokeOf(qualifier);
    };
    const attempt = async (): Promise<boolean> => {
      const pool = find(request.arn)?.findPool(qualifier);
      if (pool === undefined) {
        return false;
      }
      const result = await run(pool, request);
      lastAttempt = { attempts: (lastAttempt?.attempts ?? 0) + 1, result, pool };
      return 'payload' in result;
    };
    const condition = await deliverWithRetries({ getSettings, attempt }, clock);
    const currentSettings = getSettings();
    return condition === 'FunctionDeleted' || currentSettings === undefined || lastAttempt === undefined
      ? undefined
      : { ...lastAttempt, condition, settings: currentSettings };
  }

  private async sendRecord(request: InvocationRequest, delivery: DeliveryResult, destination: string | undefined): Promise<void> {
    const { clock, metrics, sendToQueue, log } = this.options;
    if (destination === undefined) {
      return;
    }
    if (destination.split(':')[2] !== 'sqs') {
      log(request.arn, `destination ${destination} is not simulated: use an SQS queue`);
      return;
    }
    const body = JSON.stringify(recordOf(request, delivery, clock.now()));
    const decision = await sendToQueue(destination, body, delivery.pool.configuration.role);
    if (!decision.allowed) {
      metrics.put('DestinationDeliveryFailures', request.arn, 1, clock.now());
      log(request.arn, `destination ${destination} got no record: ${decision.reason}`);
    }
  }
}

/** The format is from "Capturing records of Lambda asynchronous invocations" in Lambda's developer guide. */
function recordOf(
  { arn, requestId, payload }: InvocationRequest,
  { condition, attempts, result, pool }: DeliveryResult,
  now: number,
): object {
  const hasFailed = 'functionError' in result;
  return {
    version: '1.0',
    timestamp: new Date(now).toISOString(),
    requestContext: {
      requestId,
      functionArn: parseArn(arn).qualifier === undefined ? `${arn}:${LATEST}` : arn,
      condition,
      approximateInvokeCount: attempts,
    },
    requestPayload: JSON.parse(payload) as unknown,
    responseContext: { statusCode: 200, executedVersion: pool.version, ...(hasFailed ? { functionError: 'Unhandled' } : {}) },
    responsePayload: hasFailed ? result.functionError : (JSON.parse(result.payload) as unknown),
  };
}

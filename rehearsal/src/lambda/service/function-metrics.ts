import type { Dimensions, Metrics } from '../../aws/cloudwatch/metrics';
import { parseArn } from './function-configuration';

type LambdaMetric = 'Invocations' | 'Errors' | 'AsyncEventsDropped' | 'DestinationDeliveryFailures';

/** Puts Lambda's metrics, with each set of dimensions that Lambda sends. */
export class LambdaMetrics {
  constructor(private readonly metrics: Metrics) {}

  /** @param time when the function was invoked: Lambda dates errors back to that time */
  put(name: LambdaMetric, arn: string, value: number, time: number): void {
    const { functionName, qualifier } = parseArn(arn);
    const [, , , region = '', account = ''] = arn.split(':');
    const FunctionName = functionName;
    const Resource = qualifier === undefined ? functionName : `${functionName}:${qualifier}`;
    const sets: Dimensions[] = [{}, { FunctionName }, { FunctionName, Resource }];
    for (const dimensions of sets) {
      this.metrics.put({ account, region, namespace: 'AWS/Lambda', name, dimensions }, value, time);
    }
  }
}

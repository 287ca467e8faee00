import type { Dimensions, Metrics } from '../../aws/cloudwatch/metrics';
import { parseArn } from './function-configuration';

type LambdaMetric = 'Invocations' | 'Errors' | 'AsyncEventsDropped' | 'DestinationDeliveryFailures';

/** Records Lambda's metrics, with each set of dimensions that Lambda sends. */
export class LambdaMetrics {
  constructor(private readonly metrics: Metrics) {}

  /** @param time the time of the invocation. Lambda also reports errors with that time */
  put(name: LambdaMetric, arn: string, value: number, time: number): void {
    const { functionName, qualifier } = parseArn(arn);
    const [, , , region = '', account = ''] = arn.split(':');
    const FunctionName = functionName;
    const Resource = qualifier === undefined ? functionName : `${functionName}:${qualifier}`;
    const dimensionSets: Dimensions[] = [{}, { FunctionName }, { FunctionName, Resource }];
    for (const dimensions of dimensionSets) {
      this.metrics.put({ account, region, namespace: 'AWS/Lambda', name, dimensions }, value, time);
    }
  }
}

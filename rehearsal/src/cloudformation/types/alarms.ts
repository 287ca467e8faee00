import { COMPARISONS, type AlarmConfiguration, type Alarms } from '../../aws/cloudwatch/alarms';
import type { Dimensions, Statistic } from '../../aws/cloudwatch/metrics';
import { arnOf } from '../../aws/partitions';
import type { Properties } from '../template/template';
import { numberOrDefault, nestedProperties, objectList, requiredText, optionalText } from './properties';
import type { ResourceRequest, ResourceType, StackIdentity } from './resource-type';

const STATISTICS: readonly string[] = ['Sum', 'Maximum', 'Minimum', 'Average', 'SampleCount'] satisfies Statistic[];
const MISSING_DATA_TREATMENTS: readonly string[] = [
  'missing',
  'notBreaching',
  'breaching',
  'ignore',
] satisfies AlarmConfiguration['treatMissingData'][];

const isStatistic = (name: string): name is Statistic => STATISTICS.includes(name);
const isComparison = (name: string): name is AlarmConfiguration['comparison'] => name in COMPARISONS;
const isMissingDataTreatment = (name: string): name is AlarmConfiguration['treatMissingData'] =>
  MISSING_DATA_TREATMENTS.includes(name);

/** The properties of an alarm's metric: at the top level, or in the only item of `Metrics`. Undefined for several metrics or metric math. */
function metricProperties(properties: Properties): Properties | undefined {
  const [only, ...more] = objectList(properties, 'Metrics');
  if (only === undefined) {
    return properties;
  }
  const { Metric, Stat, Period } = nestedProperties(only, 'MetricStat');
  return more.length > 0 || Metric === undefined ? undefined : { ...(Metric as Properties), Statistic: Stat, Period };
}

/** Undefined for alarms that are not simulated: metric math, percentiles, anomaly detection. */
function configurationOf(stack: StackIdentity, properties: Properties): AlarmConfiguration | undefined {
  const metric = metricProperties(properties);
  const [statistic, comparison] = [optionalText(metric ?? {}, 'Statistic') ?? '', requiredText(properties, 'ComparisonOperator')];
  const treatMissingData = optionalText(properties, 'TreatMissingData') ?? 'missing';
  if (!metric || !isStatistic(statistic) || !isComparison(comparison) || !isMissingDataTreatment(treatMissingData)) {
    return undefined;
  }
  const dimensions = objectList(metric, 'Dimensions').map((dimension) => [
    requiredText(dimension, 'Name'),
    requiredText(dimension, 'Value'),
  ]);
  const evaluationPeriods = numberOrDefault(properties, 'EvaluationPeriods', 1);
  return {
    metric: {
      account: stack.account,
      region: stack.region,
      namespace: requiredText(metric, 'Namespace'),
      name: requiredText(metric, 'MetricName'),
      dimensions: Object.fromEntries(dimensions) as Dimensions,
    },
    statistic,
    periodSeconds: numberOrDefault(metric, 'Period', 60),
    evaluationPeriods,
    datapointsToAlarm: numberOrDefault(properties, 'DatapointsToAlarm', evaluationPeriods),
    // an alarm without a threshold is never in ALARM because of its data, because every comparison with NaN is false
    threshold: numberOrDefault(properties, 'Threshold', NaN),
    comparison,
    treatMissingData,
  };
}

export function alarmTypes(
  alarms: Alarms,
  onNotSimulated: (request: ResourceRequest) => void,
): Readonly<Record<string, ResourceType>> {
  const putAlarm = (request: ResourceRequest, name: string) => {
    const { stack, properties } = request;
    const arn = arnOf(stack, 'cloudwatch', `alarm:${name}`);
    const configuration = configurationOf(stack, properties);
    alarms.put(arn, configuration);
    if (!configuration) {
      onNotSimulated(request);
    }
    return { physicalId: name, attributes: { Arn: arn } };
  };
  return {
    'AWS::CloudWatch::Alarm': {
      create: (request) => {
        const name = optionalText(request.properties, 'AlarmName') ?? request.generateName(255);
        const arn = arnOf(request.stack, 'cloudwatch', `alarm:${name}`);
        if (alarms.list().some((alarm) => alarm.arn === arn)) {
          throw new Error(`Resource of type 'AWS::CloudWatch::Alarm' with identifier '${name}' already exists.`);
        }
        return putAlarm(request, name);
      },
      update: (request) => putAlarm(request, request.physicalId),
      delete: ({ attributes }) => {
        alarms.delete(String(attributes.Arn));
      },
    },
  };
}

import { findOnly } from '../find-only';
import type { Clock } from '../../time/clock';
import type { Metric, Metrics, Statistic } from './metrics';

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export const COMPARISONS = {
  GreaterThanOrEqualToThreshold: (value: number, threshold: number) => value >= threshold,
  GreaterThanThreshold: (value: number, threshold: number) => value > threshold,
  LessThanThreshold: (value: number, threshold: number) => value < threshold,
  LessThanOrEqualToThreshold: (value: number, threshold: number) => value <= threshold,
} as const;

/** An alarm on one metric with a static threshold. */
export interface AlarmConfiguration {
  readonly metric: Metric;
  readonly statistic: Statistic;
  readonly periodSeconds: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly threshold: number;
  readonly comparison: keyof typeof COMPARISONS;
  readonly treatMissingData: 'missing' | 'notBreaching' | 'breaching' | 'ignore';
}

/** A state change of an alarm. */
interface AlarmChange {
  /** Rehearsed time, in milliseconds since the epoch. */
  readonly time: number;
  readonly state: AlarmState;
}

export interface AlarmDescription {
  readonly arn: string;
  readonly state: AlarmState;
  /** All state changes. The first one is INSUFFICIENT_DATA at creation. */
  readonly history: readonly AlarmChange[];
}

interface Alarm {
  configuration: AlarmConfiguration | undefined;
  readonly history: AlarmChange[];
  /** In milliseconds since the epoch. */
  lastEvaluationTime: number;
}

const MINUTE_MS = 60_000;

/** CloudWatch alarms without actions. Describing or updating an alarm evaluates it for each minute since its last evaluation. */
export class Alarms {
  private readonly alarms = new Map<string, Alarm>();

  constructor(
    private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Creates or updates an alarm.
   *
   * @param configuration undefined if this kind of alarm is not simulated: the alarm then keeps its state forever
   */
  put(arn: string, configuration: AlarmConfiguration | undefined): void {
    const now = this.clock.now();
    const existing = this.alarms.get(arn);
    if (existing) {
      this.evaluate(existing);
      existing.configuration = configuration;
    } else {
      this.alarms.set(arn, { configuration, history: [{ time: now, state: 'INSUFFICIENT_DATA' }], lastEvaluationTime: now });
    }
  }

  list(): { readonly account: string; readonly arn: string; readonly configuration: AlarmConfiguration | undefined }[] {
    return [...this.alarms].map(([arn, { configuration }]) => ({ account: arn.split(':')[4] ?? '', arn, configuration }));
  }

  delete(arn: string): void {
    this.alarms.delete(arn);
  }

  /** Describes an alarm. @param alarm its ARN, or its name if only one alarm has this name */
  describe(alarm: string): AlarmDescription {
    const matches = [...this.alarms].filter(([arn]) => arn === alarm || arn.endsWith(`:alarm:${alarm}`));
    const [arn, match] = findOnly(matches, { kind: 'alarm', name: alarm, arns: this.alarms.keys() });
    this.evaluate(match);
    return { arn, state: stateOf(match), history: [...match.history] };
  }

  private evaluate(alarm: Alarm): void {
    const { configuration } = alarm;
    if (configuration === undefined) {
      alarm.lastEvaluationTime = this.clock.now();
      return;
    }
    const nextMinute = Math.floor(alarm.lastEvaluationTime / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
    for (let time = nextMinute; time <= this.clock.now(); time += MINUTE_MS) {
      const state = this.stateAt(configuration, alarm.history, time);
      if (state !== stateOf(alarm)) {
        alarm.history.push({ time, state });
      }
      alarm.lastEvaluationTime = time;
    }
  }

  /**
   * CloudWatch evaluates the most recent periods once a minute. If data is missing, CloudWatch also evaluates earlier periods. The
   * rehearsal does not. If the periods with data are too few to decide, the alarm keeps its state. It only becomes INSUFFICIENT_DATA if no
   * period has data and missing data is treated as `missing`.
   */
  private stateAt(configuration: AlarmConfiguration, history: readonly AlarmChange[], time: number): AlarmState {
    const { metric, statistic, periodSeconds, evaluationPeriods, datapointsToAlarm, threshold, comparison } = configuration;
    const periodMs = periodSeconds * 1000;
    const values = Array.from({ length: evaluationPeriods }, (_, index) =>
      this.metrics.statistic(metric, statistic, time - (index + 1) * periodMs, time - index * periodMs),
    );
    const breaches = values.map((value) =>
      value === undefined ? BREACHES_WITHOUT_DATA[configuration.treatMissingData] : COMPARISONS[comparison](value, threshold),
    );
    const breachingCount = breaches.filter((isBreaching) => isBreaching === true).length;
    const okCount = breaches.filter((isBreaching) => isBreaching === false).length;
    if (breachingCount >= datapointsToAlarm) {
      return 'ALARM';
    }
    if (okCount > evaluationPeriods - datapointsToAlarm) {
      return 'OK';
    }
    const isInsufficient = configuration.treatMissingData === 'missing' && breachingCount + okCount === 0;
    return isInsufficient ? 'INSUFFICIENT_DATA' : (history.at(-1)?.state ?? 'INSUFFICIENT_DATA');
  }
}

/** Whether a period without data breaches the threshold; undefined if the period does not count. */
const BREACHES_WITHOUT_DATA = { missing: undefined, ignore: undefined, breaching: true, notBreaching: false } as const;

const stateOf = ({ history }: Alarm): AlarmState => history.at(-1)?.state ?? 'INSUFFICIENT_DATA';

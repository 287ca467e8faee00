import { createHash } from 'node:crypto';
import type { Decision, Iam } from '../aws/iam/iam';
import { Ids } from '../aws/ids';
import type { InventoryPart } from '../aws/inventory';
import { arnOf } from '../aws/partitions';
import type { AccountAndRegion } from '../aws/service';
import type { Queues } from '../aws/sqs/queues';
import type { Journal } from '../journal';
import type { LambdaService } from '../lambda/service/lambda-service';
import type { RehearsalClock } from '../time/clock';
import { parseExpression, type Occurrences } from './expression';

/** A schedule that invokes a function. */
export interface ScheduleConfiguration {
  readonly expression: string;
  readonly enabled: boolean;
  /** In milliseconds since the epoch, like `endDate`. */
  readonly startDate?: number;
  readonly endDate?: number;
  /** The flexible time window in which Scheduler starts each run. 0 if there is none. */
  readonly windowMinutes: number;
  readonly targetArn: string;
  readonly roleArn: string;
  readonly input?: string;
  readonly maximumRetryAttempts: number;
  readonly maximumEventAgeSeconds: number;
  readonly deadLetterQueueArn?: string;
}

interface SchedulerOptions {
  readonly clock: RehearsalClock;
  readonly journal: Journal;
  readonly lambda: LambdaService;
  readonly iam: Iam;
  readonly queues: Queues;
}

interface Schedule {
  readonly place: AccountAndRegion;
  readonly arn: string;
  configuration: ScheduleConfiguration;
  occurrences: Occurrences;
  cancel: () => void;
}

/** A run of a schedule. */
interface Run {
  readonly schedule: Schedule;
  /** The configuration at the start of the run. Later updates of the schedule do not change the run. */
  readonly configuration: ScheduleConfiguration;
  readonly scheduledTime: number;
  readonly executionId: string;
}

const SERVICE_PRINCIPAL = 'scheduler.amazonaws.com';
/** The group of a schedule whose template names no group. It exists in every account and Region. */
export const DEFAULT_GROUP = 'default';
const MINUTE_MS = 60_000;
/** The delays double up to 8 minutes, so that 185 retries (Scheduler's default) take about a day. AWS does not document the delays. */
const FIRST_RETRY_DELAY_MS = 1000;
const LONGEST_RETRY_DELAY_MS = 8 * MINUTE_MS;

const scheduleArn = (place: AccountAndRegion, group: string, name: string): string =>
  arnOf(place, 'scheduler', `schedule/${group}/${name}`);

const groupArn = (place: AccountAndRegion, group: string): string => arnOf(place, 'scheduler', `schedule-group/${group}`);

/**
 * EventBridge Scheduler. It invokes functions asynchronously. If Lambda does not accept an invocation, Scheduler retries it, and finally
 * sends it to the dead-letter queue. If the function fails, Lambda retries. The clock does not leap only to reach the next run of a schedule.
 */
export class Scheduler {
  private readonly schedules = new Map<string, Schedule>();
  private readonly groups = new Map<string, AccountAndRegion>();
  private readonly ids = new Ids();

  constructor(private readonly options: SchedulerOptions) {}

  create(place: AccountAndRegion, group: string, name: string, configuration: ScheduleConfiguration): string {
    const arn = scheduleArn(place, group, name);
    if (this.schedules.has(arn)) {
      throw new Error(`Schedule ${name} already exists.`);
    }
    this.requireGroupAndRole(place, group, configuration);
    const now = this.options.clock.now();
    const occurrences = occurrencesOf(configuration, now);
    const schedule: Schedule = { place, arn, configuration, occurrences, cancel: () => undefined };
    this.schedules.set(arn, schedule);
    this.scheduleNextRun(schedule, now);
    return arn;
  }

  /** Updates a schedule. The occurrences of a rate start again only if the expression or the start date changes. */
  update(place: AccountAndRegion, group: string, name: string, configuration: ScheduleConfiguration): void {
    const schedule = this.schedules.get(scheduleArn(place, group, name));
    if (!schedule) {
      throw new Error(`Schedule ${name} does not exist.`);
    }
    this.requireGroupAndRole(place, group, configuration);
    const now = this.options.clock.now();
    const { expression, startDate } = schedule.configuration;
    if (expression !== configuration.expression || startDate !== configuration.startDate) {
      schedule.occurrences = occurrencesOf(configuration, now);
    }
    schedule.configuration = configuration;
    this.scheduleNextRun(schedule, now);
  }

  delete(arn: string): void {
    this.schedules.get(arn)?.cancel();
    this.schedules.delete(arn);
  }

  /** @returns the group's ARN */
  createGroup({ account, region }: AccountAndRegion, group: string): string {
    const arn = groupArn({ account, region }, group);
    if (this.groups.has(arn)) {
      throw new Error(`Schedule group ${group} already exists.`);
    }
    this.groups.set(arn, { account, region });
    return arn;
  }

  deleteGroup(place: AccountAndRegion, group: string): void {
    this.groups.delete(groupArn(place, group));
    const prefix = scheduleArn(place, group, '');
    [...this.schedules.keys()]
      .filter((arn) => arn.startsWith(prefix))
      .forEach((arn) => {
        this.delete(arn);
      });
  }

  /** Throws Scheduler's error if the group does not exist, or Scheduler can't assume the role. */
  private requireGroupAndRole(place: AccountAndRegion, group: string, { roleArn }: ScheduleConfiguration): void {
    if (group !== DEFAULT_GROUP && !this.groups.has(groupArn(place, group))) {
      throw new Error(`Schedule group ${group} does not exist.`);
    }
    if (!this.options.iam.canServiceAssume(roleArn, SERVICE_PRINCIPAL)) {
      throw new Error('The execution role you provide must allow AWS EventBridge Scheduler to assume the role.');
    }
  }

  inventory(): Pick<InventoryPart, 'schedules' | 'scheduleGroups'> {
    return {
      schedules: [...this.schedules.values()].map(({ place, arn, configuration }) => ({
        account: place.account,
        arn,
        ...configuration,
      })),
      scheduleGroups: [...this.groups].map(([arn, { account }]) => ({ account, arn })),
    };
  }

  /** Schedules a run for the first occurrence at `earliest` or later, and cancels the run that was scheduled before. */
  private scheduleNextRun(schedule: Schedule, earliest: number): void {
    schedule.cancel();
    const { clock } = this.options;
    const { enabled, endDate = Infinity } = schedule.configuration;
    const next = schedule.occurrences.next(earliest);
    if (!enabled || next === undefined || next > endDate) {
      return;
    }
    schedule.cancel = clock.callIfTimePasses(next + delayInWindow(schedule, next) - clock.now(), () => {
      const { configuration } = schedule;
      const run: Run = { schedule, configuration, scheduledTime: next, executionId: this.ids.uuid('execution') };
      clock.runDetached(() => void this.deliver(run));
      this.scheduleNextRun(schedule, next + 1);
    });
  }

  private async deliver(run: Run): Promise<void> {
    const { clock } = this.options;
    const { maximumRetryAttempts, maximumEventAgeSeconds } = run.configuration;
    const expiresAt = clock.now() + maximumEventAgeSeconds * 1000;
    for (let retries = 0; ; retries++) {
      const decision = await this.attempt(run, retries + 1);
      if (decision.allowed) {
        this.log(run, `invoked ${run.configuration.targetArn}`);
        return;
      }
      if (retries >= maximumRetryAttempts) {
        await this.giveUp(run, retries, 'MaximumRetryAttempts', decision.reason);
        return;
      }
      const delay = Math.min(LONGEST_RETRY_DELAY_MS, FIRST_RETRY_DELAY_MS * 2 ** retries);
      if (clock.now() + delay >= expiresAt) {
        await this.giveUp(run, retries, 'MaximumEventAgeInSeconds', decision.reason);
        return;
      }
      await new Promise<void>((resolve) => clock.callIfTimePasses(delay, resolve));
      // stop if the schedule was deleted during the delay
      if (this.schedules.get(run.schedule.arn) !== run.schedule) {
        return;
      }
    }
  }

  private async attempt(run: Run, attemptNumber: number): Promise<Decision> {
    const { iam, lambda } = this.options;
    const { targetArn, roleArn } = run.configuration;
    const decision = await iam.decideForService(roleArn, SERVICE_PRINCIPAL, 'lambda:InvokeFunction', { arn: targetArn });
    if (!decision.allowed) {
      return decision;
    }
    try {
      lambda.invokeAsync(targetArn, JSON.parse(inputOf(run, attemptNumber)));
      return decision;
    } catch (error) {
      return { allowed: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Sends the event to the dead-letter queue, if there is one, with the attributes that EventBridge Scheduler's user guide lists. */
  private async giveUp(run: Run, retries: number, exhaustedCondition: string, reason: string): Promise<void> {
    const { roleArn, targetArn, deadLetterQueueArn } = run.configuration;
    this.log(run, `not delivered after ${retries} retries (${exhaustedCondition}): ${reason}`);
    if (deadLetterQueueArn === undefined) {
      return;
    }
    const attributes = {
      ERROR_CODE: reason.startsWith('Function not found') ? 'ResourceNotFoundException' : 'AccessDeniedException',
      ERROR_MESSAGE: reason,
      EXECUTION_ID: run.executionId,
      EXHAUSTED_RETRY_CONDITION: exhaustedCondition,
      IS_PAYLOAD_TRUNCATED: 'false',
      RETRY_ATTEMPTS: String(retries),
      SCHEDULED_TIME: scheduledTimeText(run),
      SCHEDULE_ARN: run.schedule.arn,
      TARGET_ARN: targetArn,
    };
    const sender = { roleArn, service: SERVICE_PRINCIPAL };
    await this.options.queues.send(deadLetterQueueArn, sender, { body: inputOf(run, retries + 1), attributes });
  }

  private log({ schedule }: Run, text: string): void {
    this.options.journal.write('scheduler', schedule.arn.split('/').at(-1) ?? schedule.arn, text);
  }
}

const occurrencesOf = ({ expression, startDate }: ScheduleConfiguration, now: number) =>
  parseExpression(expression, startDate ?? now);

const scheduledTimeText = ({ scheduledTime }: Run) => new Date(scheduledTime).toISOString().replace(/\.\d+Z$/, 'Z');

/** The delay of a run in the flexible time window: a random share of the window, but the same in every rehearsal. */
function delayInWindow({ arn, configuration }: Schedule, time: number): number {
  const share = createHash('sha256').update(`${arn} ${time}`).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor(share * configuration.windowMinutes * MINUTE_MS);
}

/** The input with its context attributes replaced, or Scheduler's default event if the schedule has no input. */
function inputOf(run: Run, attemptNumber: number): string {
  const { schedule, configuration, executionId } = run;
  const contextAttributes: Readonly<Record<string, string>> = {
    'scheduled-time': scheduledTimeText(run),
    'schedule-arn': schedule.arn,
    'execution-id': executionId,
    'attempt-number': String(attemptNumber),
  };
  if (configuration.input !== undefined) {
    return configuration.input.replace(/<aws\.scheduler\.([a-z-]+)>/g, (text, name: string) => contextAttributes[name] ?? text);
  }
  return JSON.stringify({
    version: '0',
    id: executionId,
    'detail-type': 'Scheduled Event',
    source: 'aws.scheduler',
    account: schedule.place.account,
    time: scheduledTimeText(run),
    region: schedule.place.region,
    resources: [schedule.arn],
    detail: '{}',
  });
}

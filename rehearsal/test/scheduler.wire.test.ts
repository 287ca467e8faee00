import { setTimeout as realSleep } from 'node:timers/promises';
import { Rehearsal } from '../src/index';
import { parseExpression } from '../src/scheduler/expression';
import { functionResource, HANDLER_RESOURCES, reasons, writeAssembly } from './assembly';

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MINUTES_PER_DAY = DAY / MINUTE;
const WORKER_CODE = `exports.handler = async (event) => { console.log('RUN ' + JSON.stringify(event)); if (event.fail) throw new Error('failed on purpose'); };`;
const ALIAS_ARN = 'arn:aws:lambda:us-east-1:111111111111:function:worker:live';
const DEAD_LETTERS_ARN = 'arn:aws:sqs:us-east-1:111111111111:dead-letters';

/** Formats a time to the minute. */
const isoMinute = (time: number | undefined) => (time === undefined ? 'never' : new Date(time).toISOString().slice(0, 16));

describe('the schedule expression', () => {
  // an expression, the earliest time of the next run, and the time of the next run, in UTC
  test.each([
    ['rate(12 hours)', '2026-01-01T00:00:00', '2026-01-01T00:00'],
    ['rate(12 hours)', '2026-01-01T00:00:00.001', '2026-01-01T12:00'],
    ['rate(1 minute)', '2026-01-01T00:01:30', '2026-01-01T00:02'],
    ['rate(5 days)', '2026-01-07T00:00:00', '2026-01-11T00:00'],
    ['at(2026-03-01T08:30:00)', '2026-01-01T00:00:00', '2026-03-01T08:30'],
    ['at(2025-03-01T08:30:00)', '2026-01-01T00:00:00', 'never'],
    ['cron(15 10 * * ? *)', '2026-01-01T11:00:00', '2026-01-02T10:15'],
    ['cron(0/20 8-9 ? * MON-FRI *)', '2026-01-02T09:41:00', '2026-01-05T08:00'],
    ['cron(0 0 1 FEB,aug ? 2027)', '2026-01-01T00:00:00', '2027-02-01T00:00'],
    ['cron(0 0 1 1 ? 2025)', '2026-01-01T00:00:00', 'never'],
    ['cron(15 10 * * ? *)', '2026-01-01T10:15:00', '2026-01-01T10:15'],
    ['cron(15 10 * * ? *)', '2026-01-01T10:15:00.001', '2026-01-02T10:15'],
    ['cron(5/25 0 1/10 * ? *)', '2026-01-01T01:00:00', '2026-01-11T00:05'],
    ['cron(0 10 ? * 1 *)', '2026-01-01T00:00:00', '2026-01-04T10:00'],
    ['cron(0 10 ? * 2-6 2027)', '2026-01-01T00:00:00', '2027-01-01T10:00'],
    ['cron(0 10 L * ? *)', '2026-01-01T00:00:00', '2026-01-31T10:00'],
    ['cron(0 10 ? * L *)', '2026-01-01T00:00:00', '2026-01-03T10:00'],
    ['cron(0 10 ? * 6L 2026-2027)', '2026-01-01T00:00:00', '2026-01-30T10:00'],
    ['cron(0 10 3W * ? *)', '2026-01-01T00:00:00', '2026-01-02T10:00'],
    ['cron(0 10 ? * 3#2 *)', '2026-01-01T00:00:00', '2026-01-13T10:00'],
    ['cron(0 10 ? * FRI#5 *)', '2026-01-01T00:00:00', '2026-01-30T10:00'],
  ])('%s, at or after %s, is next due: %s', (expression, earliestTime, expected) => {
    expect(isoMinute(parseExpression(expression, START).next(Date.parse(`${earliestTime}Z`)))).toBe(expected);
  });

  test.each([
    'rate(0 hours)',
    'rate(1 week)',
    'cron(0 0 * * ?)',
    'cron(0 0 * * * *)',
    'cron(0 0 1 * MON *)',
    'cron(0 0 ? * ? *)',
    'cron(? 0 ? * MON *)',
    'cron(60 0 * * ? *)',
    'cron(0 0 ? * 0 *)',
    'cron(0 0 ? * 8 *)',
    'cron(0 0 ? * +MON *)',
    'cron(0 0 * 13 ? *)',
    'at(soon)',
    'every day',
  ])('%s is refused', (expression) => {
    expect(() => parseExpression(expression, START)).toThrow(`Invalid Schedule Expression ${expression}.`);
  });
});

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: START });
});
afterEach(() => rehearsal.close());

interface ResourceOptions {
  /** Properties of the schedule. */
  readonly schedule?: object;
  /** Properties of the schedule's target. */
  readonly target?: object;
  /** The ARN of the function that the schedule's role may invoke. */
  readonly invokableArn?: string;
}

const resources = ({ schedule = {}, target = {}, invokableArn = ALIAS_ARN }: ResourceOptions = {}) => ({
  Role: HANDLER_RESOURCES.Role,
  Worker: functionResource(WORKER_CODE, { FunctionName: 'worker' }),
  Alias: {
    Type: 'AWS::Lambda::Alias',
    Properties: { FunctionName: { Ref: 'Worker' }, Name: 'live', FunctionVersion: '$LATEST' },
  },
  DeadLetters: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'dead-letters' } },
  SchedulerRole: {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'scheduler.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
      Policies: [
        {
          PolicyName: 'Invoke',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: invokableArn },
              { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: DEAD_LETTERS_ARN },
            ],
          },
        },
      ],
    },
  },
  Group: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: 'group' } },
  Schedule: {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      Name: 'schedule',
      GroupName: { Ref: 'Group' },
      ScheduleExpression: 'rate(12 hours)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: { Ref: 'Alias' },
        RoleArn: { 'Fn::GetAtt': ['SchedulerRole', 'Arn'] },
        Input: '{"n":1}',
        RetryPolicy: { MaximumRetryAttempts: 2 },
        DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] } },
        ...target,
      },
      ...schedule,
    },
  },
});
const deploy = async (options: ResourceOptions = {}) =>
  (await rehearsal.cloudFormation.deploy(writeAssembly({ Resources: resources(options) }), 'Stack')).status;
const runEntries = () =>
  rehearsal.journal.entries.filter(({ source, message }) => source === 'lambda' && message.startsWith('RUN '));
const runEvents = () => runEntries().map(({ message }) => JSON.parse(message.slice('RUN '.length)) as unknown);
const deadLetters = () => rehearsal.aws.queues.messages('dead-letters');

describe('a schedule', () => {
  test('runs immediately, and then on schedule until its stack is deleted', async () => {
    await deploy();
    await rehearsal.clock.sleep(30 * DAY);
    const times = runEntries().map(({ time }) => time);
    // one run at the start, and then two each day
    expect(times).toHaveLength(61);
    const minutesBetweenRuns = times.slice(1).map((time, index) => Math.round((time - (times[index] ?? 0)) / MINUTE));
    expect(new Set(minutesBetweenRuns)).toEqual(new Set([MINUTES_PER_DAY / 2]));
    expect(runEvents()[0]).toEqual({ n: 1 });
    expect((await rehearsal.cloudFormation.delete('Stack')).status).toBe('DELETE_COMPLETE');
    await rehearsal.clock.sleep(30 * DAY);
    expect(runEntries()).toHaveLength(61);
  });

  test('does not make time leap if nothing else waits for a later time', async () => {
    await deploy({ schedule: { ScheduleExpression: 'rate(1 minute)' } });
    await rehearsal.clock.sleep(10_000);
    const before = rehearsal.clock.now();
    await realSleep(200);
    expect(rehearsal.clock.now() - before).toBeLessThan(MINUTE);
  });

  test('replaces keywords in its input, and without an input sends a default event', async () => {
    await deploy({ target: { Input: '{"at":"<aws.scheduler.scheduled-time>","attempt":"<aws.scheduler.attempt-number>"}' } });
    await rehearsal.clock.sleep(HOUR);
    expect(runEvents()).toEqual([{ at: expect.stringMatching(/^2026-01-01T00:00:\d\dZ$/) as string, attempt: '1' }]);
    await deploy({ target: { Input: undefined } });
    await rehearsal.clock.sleep(12 * HOUR);
    expect(runEvents()[1]).toMatchObject({ source: 'aws.scheduler', 'detail-type': 'Scheduled Event', account: '111111111111' });
  });

  test('keeps its times when other properties change, and does not run while it is disabled', async () => {
    await deploy();
    await rehearsal.clock.sleep(6 * HOUR);
    await deploy({ target: { Input: '{"n":2}' } });
    await rehearsal.clock.sleep(HOUR);
    expect(runEvents()).toEqual([{ n: 1 }]);
    await rehearsal.clock.sleep(6 * HOUR);
    expect(runEvents()).toEqual([{ n: 1 }, { n: 2 }]);
    await deploy({ schedule: { State: 'DISABLED' } });
    await rehearsal.clock.sleep(DAY);
    expect(runEvents()).toHaveLength(2);
  });

  test('runs within its flexible time window, between its start date and its end date', async () => {
    const [StartDate, EndDate] = ['2026-01-02T00:00:00Z', '2026-01-03T18:00:00Z'];
    const FlexibleTimeWindow = { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 60 };
    await deploy({ schedule: { ScheduleExpression: 'rate(1 day)', StartDate, EndDate, FlexibleTimeWindow } });
    await rehearsal.clock.sleep(10 * DAY);
    const minutesSinceStartDate = runEntries().map(({ time }) => (time - START - DAY) / MINUTE);
    expect(minutesSinceStartDate).toHaveLength(2);
    minutesSinceStartDate.forEach((minute, index) => {
      expect(minute).toBeGreaterThanOrEqual(index * MINUTES_PER_DAY);
      // the window of 60 minutes, and less than a minute for the invocation
      expect(minute).toBeLessThan(index * MINUTES_PER_DAY + 61);
    });
  });

  test('does not invoke a failing function again, but Lambda retries the event twice', async () => {
    await deploy({ target: { Input: '{"fail":true}' } });
    await rehearsal.clock.sleep(HOUR);
    // the first run and two retries
    expect(runEvents()).toHaveLength(3);
    expect(deadLetters()).toEqual([]);
  });

  test('that may not invoke its target makes two more attempts, and then sends the event to the dead-letter queue', async () => {
    await deploy({ invokableArn: ALIAS_ARN.replace(':live', '') });
    await rehearsal.clock.sleep(HOUR);
    expect(runEvents()).toEqual([]);
    expect(deadLetters()).toMatchObject([
      {
        body: '{"n":1}',
        attributes: {
          ERROR_CODE: 'AccessDeniedException',
          ERROR_MESSAGE: expect.stringContaining('is not authorized to perform: lambda:InvokeFunction on resource') as string,
          EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
          RETRY_ATTEMPTS: '2',
          SCHEDULE_ARN: 'arn:aws:scheduler:us-east-1:111111111111:schedule/group/schedule',
          TARGET_ARN: ALIAS_ARN,
        },
      },
    ]);
  });

  test('whose target was deleted sends the event to the dead-letter queue when the event is too old', async () => {
    await deploy({ target: { RetryPolicy: { MaximumEventAgeInSeconds: 60 } } });
    await rehearsal.clock.sleep(HOUR);
    rehearsal.lambda.remove('arn:aws:lambda:us-east-1:111111111111:function:worker');
    await rehearsal.clock.sleep(12 * HOUR);
    expect(deadLetters()).toMatchObject([
      { attributes: { ERROR_CODE: 'ResourceNotFoundException', EXHAUSTED_RETRY_CONDITION: 'MaximumEventAgeInSeconds' } },
    ]);
  });

  test('that is not in UTC cannot be created, because only UTC is simulated', async () => {
    expect(await deploy({ schedule: { ScheduleExpressionTimezone: 'Europe/Berlin' } })).toBe('ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toBe(
      `only schedules of Lambda functions in UTC are simulated: got a schedule of ${ALIAS_ARN} in Europe/Berlin`,
    );
  });
});

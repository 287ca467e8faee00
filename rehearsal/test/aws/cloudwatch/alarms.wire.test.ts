import { Rehearsal } from '../../../src/index';
import { writeAssembly } from '../../assembly';

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ACCOUNT_AND_REGION = { account: '111111111111', region: 'us-east-1' };
const QUEUE_ARN = 'arn:aws:sqs:us-east-1:111111111111:failures';
const SENDER = { roleArn: 'arn:aws:iam::111111111111:role/sender', service: 'lambda.amazonaws.com' };

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: START });
});
afterEach(() => rehearsal.close());

const senderRole = (statements: object[]) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    RoleName: 'sender',
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    },
    Policies: [{ PolicyName: 'Send', PolicyDocument: { Version: '2012-10-17', Statement: statements } }],
  },
});
const SENDER_ROLE = senderRole([{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: QUEUE_ARN }]);
const queue = (properties: object = {}) => ({ Type: 'AWS::SQS::Queue', Properties: { QueueName: 'failures', ...properties } });
const alarm = (properties: object = {}) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName: 'failing',
    Namespace: 'Test',
    MetricName: 'Errors',
    Dimensions: [{ Name: 'FunctionName', Value: 'worker' }],
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    ...properties,
  },
});
const deploy = async (resources: object) =>
  (await rehearsal.cloudFormation.deploy(writeAssembly({ Resources: resources }), 'Stack')).status;
const putMetric = (value: number) => {
  rehearsal.aws.metrics.put(
    { ...ACCOUNT_AND_REGION, namespace: 'Test', name: 'Errors', dimensions: { FunctionName: 'worker' } },
    value,
  );
};
const send = () => rehearsal.aws.queues.send(QUEUE_ARN, SENDER, { body: 'text', attributes: {} });
const alarmStates = () => rehearsal.aws.alarms.describe('failing').history.map(({ state }) => state);

describe('an alarm', () => {
  test.each([
    ['missing', ['INSUFFICIENT_DATA', 'ALARM', 'INSUFFICIENT_DATA', 'OK', 'INSUFFICIENT_DATA']],
    ['notBreaching', ['INSUFFICIENT_DATA', 'OK', 'ALARM', 'OK']],
    ['ignore', ['INSUFFICIENT_DATA', 'ALARM', 'OK']],
    ['breaching', ['INSUFFICIENT_DATA', 'ALARM', 'OK', 'ALARM']],
  ])('that treats missing data as %s has the states %j', async (TreatMissingData, expected) => {
    await deploy({ Alarm: alarm({ TreatMissingData }) });
    await rehearsal.clock.sleep(10 * MINUTE);
    // reaches the threshold
    putMetric(1);
    await rehearsal.clock.sleep(10 * MINUTE);
    // does not reach the threshold
    putMetric(0);
    await rehearsal.clock.sleep(10 * MINUTE);
    expect(alarmStates()).toEqual(expected);
  });

  test('sums the values of each period, and counts the periods that reach the threshold', async () => {
    await deploy({
      Alarm: alarm({ Period: 300, EvaluationPeriods: 3, DatapointsToAlarm: 2, Threshold: 2, TreatMissingData: 'notBreaching' }),
    });
    const reachThresholdInOnePeriod = async () => {
      putMetric(1);
      await rehearsal.clock.sleep(MINUTE);
      putMetric(1);
      await rehearsal.clock.sleep(9 * MINUTE);
    };
    await reachThresholdInOnePeriod();
    await rehearsal.clock.sleep(HOUR);
    expect(alarmStates()).toEqual(['INSUFFICIENT_DATA', 'OK']);
    await reachThresholdInOnePeriod();
    await reachThresholdInOnePeriod();
    await rehearsal.clock.sleep(HOUR);
    expect(alarmStates()).toEqual(['INSUFFICIENT_DATA', 'OK', 'ALARM', 'OK']);
  });

  test('keeps its history for a month, and is deleted with its stack', async () => {
    await deploy({ Alarm: alarm({ TreatMissingData: 'notBreaching' }) });
    await rehearsal.clock.sleep(30 * 24 * HOUR);
    putMetric(5);
    await rehearsal.clock.sleep(HOUR);
    expect(alarmStates()).toEqual(['INSUFFICIENT_DATA', 'OK', 'ALARM', 'OK']);
    await rehearsal.cloudFormation.delete('Stack');
    expect(() => alarmStates()).toThrow(
      'expected 1 alarm named failing, found 0; use the ARN of one of the existing alarms: none',
    );
  });

  test('of a kind that is not simulated has no state, and the journal says so', async () => {
    expect(await deploy({ Alarm: alarm({ Statistic: undefined, ExtendedStatistic: 'p99' }) })).toBe('CREATE_COMPLETE');
    expect(rehearsal.journal.entries.map(({ message }) => message)).toContain(
      'AWS::CloudWatch::Alarm is an alarm of a kind that is not simulated: it has no state',
    );
  });

  test('has no states from before the update that changed it to a kind that is simulated', async () => {
    await deploy({ Alarm: alarm({ Statistic: undefined, ExtendedStatistic: 'p99' }) });
    putMetric(1);
    await rehearsal.clock.sleep(10 * MINUTE);
    await deploy({ Alarm: alarm({ TreatMissingData: 'notBreaching' }) });
    await rehearsal.clock.sleep(MINUTE);
    expect(alarmStates()).toEqual(['INSUFFICIENT_DATA', 'OK']);
  });
});

describe('a queue', () => {
  const queueMetric = {
    Namespace: 'AWS/SQS',
    MetricName: 'ApproximateNumberOfMessagesVisible',
    Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': ['Queue', 'QueueName'] } }],
    Statistic: 'Maximum',
    TreatMissingData: 'notBreaching',
  };

  test('has its URL as physical id, and a metric with its number of messages', async () => {
    await deploy({ Queue: queue(), Role: SENDER_ROLE, Alarm: alarm(queueMetric) });
    expect(rehearsal.cloudFormation.describe('Stack').resources[0]?.physicalId).toBe(
      'https://sqs.us-east-1.amazonaws.com/111111111111/failures',
    );
    await rehearsal.clock.sleep(HOUR);
    expect((await send()).allowed).toBe(true);
    await rehearsal.clock.sleep(HOUR);
    expect(rehearsal.aws.alarms.describe('failing').state).toBe('ALARM');
    expect(rehearsal.aws.queues.receiveAll('failures')).toMatchObject([{ body: 'text' }]);
    await rehearsal.clock.sleep(HOUR);
    expect(alarmStates()).toEqual(['INSUFFICIENT_DATA', 'OK', 'ALARM', 'OK']);
  });

  test('deletes messages after their retention period', async () => {
    await deploy({ Queue: queue({ MessageRetentionPeriod: 3600 }), Role: SENDER_ROLE });
    await send();
    await rehearsal.clock.sleep(59 * MINUTE);
    expect(rehearsal.aws.queues.messages(QUEUE_ARN)).toHaveLength(1);
    await rehearsal.clock.sleep(2 * MINUTE);
    expect(rehearsal.aws.queues.messages(QUEUE_ARN)).toHaveLength(0);
  });

  test.each([
    [
      'the role of the sender does not allow it',
      senderRole([{ Effect: 'Allow', Action: 'sqs:ReceiveMessage', Resource: '*' }]),
      undefined,
    ],
    [
      'the policy of the queue denies it',
      SENDER_ROLE,
      { Effect: 'Deny', Principal: '*', Action: 'sqs:SendMessage', Resource: QUEUE_ARN },
    ],
  ])('refuses a message if %s', async (_, role, statement) => {
    const policy = {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: { Queues: [{ Ref: 'Queue' }], PolicyDocument: { Version: '2012-10-17', Statement: [statement] } },
    };
    await deploy({ Queue: queue(), Role: role, ...(statement === undefined ? {} : { Policy: policy }) });
    expect(await send()).toMatchObject({ allowed: false, reason: expect.stringContaining('sqs:SendMessage') as string });
    expect(rehearsal.aws.queues.messages('failures')).toEqual([]);
  });

  test('accepts a message that only the policy of the queue allows', async () => {
    const statement = { Effect: 'Allow', Principal: { AWS: SENDER.roleArn }, Action: 'sqs:SendMessage', Resource: QUEUE_ARN };
    await deploy({
      Queue: queue(),
      Role: senderRole([{ Effect: 'Allow', Action: 'sqs:ReceiveMessage', Resource: '*' }]),
      Policy: {
        Type: 'AWS::SQS::QueuePolicy',
        Properties: { Queues: [{ Ref: 'Queue' }], PolicyDocument: { Version: '2012-10-17', Statement: [statement] } },
        // in AWS, a queue policy can only name a role that exists
        DependsOn: 'Role',
      },
    });
    expect((await send()).allowed).toBe(true);
  });
});

import { Rehearsal } from '../../src/index';
import { functionResource, HANDLER_RESOURCES, reasons, writeAssembly } from '../assembly';

const WORKER_CODE = `
exports.handler = async (event, context) => {
  console.log('RUN ' + [context.invokedFunctionArn.split(':').slice(6).join(':'), context.functionVersion, process.env.REVISION].join(' '));
  if (event.fail) throw new Error('failed on purpose');
  return { received: event };
};
`;
const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:111111111111:function:worker';
const ALIAS_ARN = `${FUNCTION_ARN}:live`;
const DESTINATION_ARN = 'arn:aws:sqs:us-east-1:111111111111:destination';

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
});
afterEach(() => rehearsal.close());

const worker = (revision = 'old') =>
  functionResource(WORKER_CODE, { FunctionName: 'worker', Environment: { Variables: { REVISION: revision } } });
const alias = (version: unknown = '$LATEST') => ({
  Type: 'AWS::Lambda::Alias',
  Properties: { FunctionName: { Ref: 'Worker' }, Name: 'live', FunctionVersion: version },
});
const version = (description: string) => ({
  Type: 'AWS::Lambda::Version',
  Properties: { FunctionName: { Ref: 'Worker' }, Description: description },
});
/** The number of the version with the logical id `One`. */
const NUMBER_OF_VERSION_ONE = { 'Fn::GetAtt': ['One', 'Version'] };
const queue = (name: string) => ({ Type: 'AWS::SQS::Queue', Properties: { QueueName: name } });
const sendPolicy = (queueArn: string) => ({
  Type: 'AWS::IAM::Policy',
  Properties: {
    PolicyName: 'Send',
    PolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: queueArn }] },
    Roles: [{ Ref: 'Role' }],
  },
});
const eventInvokeConfig = (properties: object) => ({
  Type: 'AWS::Lambda::EventInvokeConfig',
  Properties: { FunctionName: { Ref: 'Worker' }, Qualifier: 'live', ...properties },
  DependsOn: ['Alias'],
});
const deploy = async (resources: object) => {
  const template = { Resources: { Role: HANDLER_RESOURCES.Role, ...resources } };
  return (await rehearsal.cloudFormation.deploy(writeAssembly(template), 'Stack')).status;
};
/** For each run: the invoked name, the version that ran, and the revision of its code, such as `worker:live $LATEST old`. */
const runs = () =>
  rehearsal.journal.entries
    .filter(({ source, message }) => source === 'lambda' && message.startsWith('RUN '))
    .map(({ message }) => message.slice('RUN '.length));
const metricSum = (name: string, dimensions: Record<string, string>, namespace = 'AWS/Lambda') =>
  rehearsal.aws.metrics.statistic(
    { account: '111111111111', region: 'us-east-1', namespace, name, dimensions },
    'Sum',
    0,
    rehearsal.clock.now() + 1,
  );

describe('an alias', () => {
  test('of $LATEST runs the current code, and the context has the invoked ARN', async () => {
    await deploy({ Worker: worker(), Alias: alias() });
    expect(rehearsal.cloudFormation.describe('Stack').resources.find(({ logicalId }) => logicalId === 'Alias')?.physicalId).toBe(
      ALIAS_ARN,
    );
    expect((await rehearsal.lambda.invoke(ALIAS_ARN, { n: 1 })).payload).toEqual({ received: { n: 1 } });
    await rehearsal.lambda.invoke(FUNCTION_ARN, {});
    await deploy({ Worker: worker('new'), Alias: alias() });
    await rehearsal.lambda.invoke(ALIAS_ARN, {});
    expect(runs()).toEqual(['worker:live $LATEST old', 'worker $LATEST old', 'worker:live $LATEST new']);
  });

  test('of a version runs that version, until the alias is updated', async () => {
    await deploy({ Worker: worker(), One: version('first'), Alias: alias(NUMBER_OF_VERSION_ONE) });
    await deploy({ Worker: worker('new'), One: version('first'), Alias: alias(NUMBER_OF_VERSION_ONE) });
    await rehearsal.lambda.invoke(ALIAS_ARN, {});
    expect(await deploy({ Worker: worker('new'), One: version('second'), Alias: alias(NUMBER_OF_VERSION_ONE) })).toBe(
      'UPDATE_COMPLETE',
    );
    await rehearsal.lambda.invoke(ALIAS_ARN, {});
    expect(runs()).toEqual(['worker:live 1 old', 'worker:live 2 new']);
    // the update replaced version 1 with version 2
    await expect(rehearsal.lambda.invoke(`${FUNCTION_ARN}:1`, {})).rejects.toThrow(`Function not found: ${FUNCTION_ARN}:1`);
  });

  test('requires an existing version, and a new version requires a change of the function', async () => {
    expect(await deploy({ Worker: worker(), Alias: alias('7') })).toBe('ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([`Function not found: ${FUNCTION_ARN}:7`]);
    await rehearsal.cloudFormation.delete('Stack');
    expect(await deploy({ Worker: worker(), One: version('first'), Two: { ...version('second'), DependsOn: 'One' } })).toBe(
      'ROLLBACK_COMPLETE',
    );
    expect(reasons(rehearsal, 'CREATE_FAILED').at(-1)).toBe(
      'A version for this Lambda function exists ( 1 ). Modify the function to create a new version.',
    );
  });

  test('is deleted with its stack', async () => {
    await deploy({ Worker: worker(), Alias: alias(), Events: eventInvokeConfig({ MaximumRetryAttempts: 0 }) });
    expect((await rehearsal.cloudFormation.delete('Stack')).status).toBe('DELETE_COMPLETE');
    expect(rehearsal.lambda.has(ALIAS_ARN)).toBe(false);
  });
});

describe('asynchronous events of an alias', () => {
  const resources = (properties: object, allowedQueueArn = DESTINATION_ARN) => ({
    Worker: worker(),
    Alias: alias(),
    Destination: queue('destination'),
    SendPolicy: sendPolicy(allowedQueueArn),
    Events: eventInvokeConfig(properties),
  });
  const onFailure = { DestinationConfig: { OnFailure: { Destination: DESTINATION_ARN } } };

  test('are retried according to the settings of the alias, not those of the function', async () => {
    await deploy(resources({ MaximumRetryAttempts: 0 }));
    rehearsal.lambda.invokeAsync(ALIAS_ARN, { fail: true });
    rehearsal.lambda.invokeAsync(FUNCTION_ARN, { fail: true });
    await rehearsal.clock.sleep(3_600_000);
    // the function has two retries by default
    expect(runs().sort()).toEqual([...Array<string>(3).fill('worker $LATEST old'), 'worker:live $LATEST old']);
  });

  test('that fail in all attempts send a record with the request and the error to the queue', async () => {
    await deploy(resources({ MaximumRetryAttempts: 1, ...onFailure }));
    rehearsal.lambda.invokeAsync(ALIAS_ARN, { fail: true, n: 1 });
    // the retry comes after a minute
    await rehearsal.clock.sleep(50_000);
    expect(rehearsal.aws.queues.messages('destination')).toEqual([]);
    await rehearsal.clock.sleep(600_000);
    const [message, ...otherMessages] = rehearsal.aws.queues.messages('destination');
    expect(otherMessages).toEqual([]);
    expect(JSON.parse(message?.body ?? '')).toMatchObject({
      version: '1.0',
      requestContext: { functionArn: ALIAS_ARN, condition: 'RetriesExhausted', approximateInvokeCount: 2 },
      requestPayload: { fail: true, n: 1 },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: { errorType: 'Error', errorMessage: 'failed on purpose' },
    });
    expect(metricSum('NumberOfMessagesSent', { QueueName: 'destination' }, 'AWS/SQS')).toBe(1);
  });

  test('that are too old send a record with the condition EventAgeExceeded', async () => {
    await deploy(resources({ MaximumEventAgeInSeconds: 90, ...onFailure }));
    rehearsal.lambda.invokeAsync(ALIAS_ARN, { fail: true });
    await rehearsal.clock.sleep(600_000);
    expect(JSON.parse(rehearsal.aws.queues.messages('destination')[0]?.body ?? '')).toMatchObject({
      requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 2 },
    });
  });

  test('that succeed send a record if a destination is configured', async () => {
    await deploy(resources({ DestinationConfig: { OnSuccess: { Destination: DESTINATION_ARN } } }));
    rehearsal.lambda.invokeAsync(ALIAS_ARN, { n: 1 });
    await rehearsal.clock.sleep(60_000);
    const [message] = rehearsal.aws.queues.receiveAll('destination');
    expect(JSON.parse(message?.body ?? '')).toMatchObject({
      requestContext: { condition: 'Success', approximateInvokeCount: 1 },
      responsePayload: { received: { n: 1 } },
    });
    expect(rehearsal.aws.queues.messages('destination')).toEqual([]);
  });

  test('send no record if the function has no permission to send', async () => {
    await deploy(resources({ MaximumRetryAttempts: 0, ...onFailure }, `${DESTINATION_ARN}-other`));
    rehearsal.lambda.invokeAsync(ALIAS_ARN, { fail: true });
    await rehearsal.clock.sleep(60_000);
    expect(rehearsal.aws.queues.messages('destination')).toEqual([]);
    expect(metricSum('DestinationDeliveryFailures', { FunctionName: 'worker' })).toBe(1);
    expect(rehearsal.journal.entries.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('because no identity-based policy allows the sqs:SendMessage action'),
    );
  });
});

test('metrics count invocations and errors by function, and by invoked version or alias', async () => {
  await deploy({ Worker: worker(), Alias: alias(), Events: eventInvokeConfig({ MaximumRetryAttempts: 0 }) });
  rehearsal.lambda.invokeAsync(ALIAS_ARN, { fail: true });
  await rehearsal.lambda.invoke(FUNCTION_ARN, {});
  await rehearsal.clock.sleep(60_000);
  /** The sums for the function, for its alias, and for invocations without a version or alias. */
  const sums = (name: string) => [
    metricSum(name, { FunctionName: 'worker' }),
    metricSum(name, { FunctionName: 'worker', Resource: 'worker:live' }),
    metricSum(name, { FunctionName: 'worker', Resource: 'worker' }),
  ];
  expect([sums('Invocations'), sums('Errors')]).toEqual([
    [2, 1, 1],
    [1, 1, 0],
  ]);
});

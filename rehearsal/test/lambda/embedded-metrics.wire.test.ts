import { Rehearsal } from '../../src/index';
import { functionResource, HANDLER_RESOURCES, writeAssembly } from '../assembly';

const MINUTE = 60_000;
const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:111111111111:function:worker';
const BASIC_EXECUTION_POLICY_ARN = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
});
afterEach(() => rehearsal.close());

const CODE_OF_METRIC_LINE = `JSON.stringify({
  _aws: { Timestamp: Date.now(), CloudWatchMetrics: [{ Namespace: 'Test', Dimensions: [['Type']], Metrics: [{ Name: 'Failed' }] }] },
  Type: 'Create',
  Failed: 1,
})`;
const WRITE_TO_STDOUT = `process.stdout.write(${CODE_OF_METRIC_LINE} + '\\n');`;
const WRITE_WITH_CONSOLE = `console.log(${CODE_OF_METRIC_LINE});`;

const alarm = {
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName: 'failing',
    Namespace: 'Test',
    MetricName: 'Failed',
    Dimensions: [{ Name: 'Type', Value: 'Create' }],
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'notBreaching',
  },
};

/** Invokes a function that runs `code`. @returns the states of the alarm on the metric */
async function alarmStatesAfter(
  code: string,
  LoggingConfig: object,
  policies: readonly string[] = [BASIC_EXECUTION_POLICY_ARN],
): Promise<string[]> {
  const { Properties, ...role } = HANDLER_RESOURCES.Role;
  const Role = { ...role, Properties: { ...Properties, ManagedPolicyArns: policies } };
  const Worker = functionResource(`exports.handler = async () => { ${code} };`, { FunctionName: 'worker', LoggingConfig });
  const { status } = await rehearsal.cloudFormation.deploy(writeAssembly({ Resources: { Role, Worker, Alarm: alarm } }), 'Stack');
  expect(status).toBe('CREATE_COMPLETE');
  await rehearsal.clock.sleep(10 * MINUTE);
  expect((await rehearsal.lambda.invoke(FUNCTION_ARN, {})).functionError).toBeUndefined();
  // the function has written the metric, whether or not CloudWatch records it
  expect(rehearsal.journal.entries.filter(({ message }) => message.includes('"CloudWatchMetrics"'))).toHaveLength(1);
  await rehearsal.clock.sleep(10 * MINUTE);
  return rehearsal.aws.alarms.describe('failing').history.map(({ state }) => state);
}

test.each([
  ['to stdout', WRITE_TO_STDOUT, {}],
  ['to stdout, even if the log format is JSON', WRITE_TO_STDOUT, { LogFormat: 'JSON' }],
  ['with the console, in the log format Text', WRITE_WITH_CONSOLE, { LogFormat: 'Text' }],
])('a function that writes an embedded metric %s raises an alarm', async (_, code, logging) => {
  expect(await alarmStatesAfter(code, logging)).toEqual(['INSUFFICIENT_DATA', 'OK', 'ALARM', 'OK']);
});

test.each([
  ['inside a message', `process.stdout.write(JSON.stringify({ message: JSON.parse(${CODE_OF_METRIC_LINE}) }) + '\\n');`, {}],
  ['with the console, in the log format JSON, which wraps the line', WRITE_WITH_CONSOLE, { LogFormat: 'JSON' }],
])('a function that writes an embedded metric %s raises no alarm', async (_, code, logging) => {
  expect(await alarmStatesAfter(code, logging)).toEqual(['INSUFFICIENT_DATA', 'OK']);
});

test('a function whose role may not write logs raises no alarm', async () => {
  expect(await alarmStatesAfter(WRITE_TO_STDOUT, {}, [])).toEqual(['INSUFFICIENT_DATA', 'OK']);
});

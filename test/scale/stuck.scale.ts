import { Rehearsal } from '../../rehearsal';

const ACCOUNT = '111111111111';

test('code that never yields ends in the timeout of its function, after a minute of real time', async () => {
  const rehearsal = await Rehearsal.start({ startTime: Date.UTC(2030, 5, 1) });
  try {
    const assumeRolePolicy = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    };
    const arn = rehearsal.lambda.deploy({
      functionName: 'endless',
      account: ACCOUNT,
      region: 'us-east-1',
      role: rehearsal.aws.iam.createRole({ account: ACCOUNT, roleName: 'role', assumeRolePolicy }).arn,
      handler: 'index.handler',
      runtime: 'nodejs24.x',
      timeoutSeconds: 900,
      memoryMegabytes: 128,
      environment: {},
      logGroupName: '/aws/lambda/endless',
      code: { zipFile: 'exports.handler = async () => { for (;;); };' },
    });
    const started = rehearsal.clock.now();
    expect(await rehearsal.lambda.invoke(arn, {})).toMatchObject({
      payload: { errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out after 900.00 seconds' },
    });
    expect(rehearsal.clock.now() - started).toBe(900_000);
  } finally {
    await rehearsal.close();
  }
});

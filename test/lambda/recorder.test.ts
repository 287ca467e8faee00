import { rehearsedTime } from 'rehearsal/in-process';
import { CallRecorder } from '../../lambda/aws/recorder';
import { awsError, requestOf, ScriptedApi, TestWorld, VPC } from './world';

const { signal } = new AbortController();

test('CallRecorder records the input of each call, and its output or error, and changes none of them', async () => {
  const time = rehearsedTime();
  const api = new ScriptedApi(time);
  const refusal = awsError('InvalidRequestException', 'no');
  api.createAuthorizationResults = [refusal];
  api.vpcExistsResults = [false];
  const recorder = new CallRecorder(time);
  const recordedApi = recorder.recordCallsOf(api);
  const input = { GameLiftAwsAccountId: '111111111111', PeerVpcId: VPC };
  const startedAt = time.now();
  await expect(recordedApi.createVpcPeeringAuthorization(input, signal)).rejects.toBe(refusal);
  await time.sleep(5000, signal);
  expect(await recordedApi.vpcExists(VPC, signal)).toBe(false);
  expect(recorder.calls).toEqual([
    {
      operation: 'createVpcPeeringAuthorization',
      input: [input],
      startedAt,
      endedAt: startedAt,
      outcome: { kind: 'failed', name: 'InvalidRequestException', message: 'no' },
    },
    {
      operation: 'vpcExists',
      input: [VPC],
      startedAt: startedAt + 5000,
      endedAt: startedAt + 5000,
      outcome: { kind: 'succeeded', output: false },
    },
  ]);
  expect(api.calls).toEqual([`Create ${VPC} 111111111111`]);
});

test('CallRecorder keeps only the first 500 calls', async () => {
  const time = rehearsedTime();
  const recorder = new CallRecorder(time);
  const recordedApi = recorder.recordCallsOf(new ScriptedApi(time));
  for (let count = 0; count < 501; count += 1) {
    await recordedApi.vpcExists(VPC, signal);
  }
  expect(recorder.calls).toHaveLength(500);
});

describe('the handler', () => {
  test('logs each observed reading once, without ids, after the response', async () => {
    const world = new TestWorld();
    const throttlingError = awsError('ThrottlingException', 'Rate exceeded');
    world.api.createAuthorizationResults = [throttlingError, throttlingError, { expiresInHours: 24 }];
    expect(await world.run(requestOf('Create'))).toMatchObject({ Status: 'SUCCESS' });
    const [doneRecord, ...observations] = world.logRecords.slice(world.logRecords.findIndex(({ message }) => message === 'done'));
    expect(doneRecord).toMatchObject({ message: 'done' });
    expect(observations).toEqual([
      { message: 'observed how AWS behaves', question: 'throttlingError', reading: 'ThrottlingException' },
    ]);
  });

  test('logs the readings that it observed in a failed request, too', async () => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('UnauthorizedException', 'the caller may not call ec2:CreateRoute')];
    expect(await world.run(requestOf('Create'))).toMatchObject({ Status: 'FAILED' });
    expect(world.logRecords.at(-1)).toEqual({
      message: 'observed how AWS behaves',
      question: 'peerPermissions',
      reading: 'checked',
    });
  });

  test('logs the readings that it observed in a scheduled renewal', async () => {
    const world = new TestWorld();
    const error = awsError('UnauthorizedException', 'the caller may not call ec2:CreateRoute');
    world.api.createAuthorizationResults = [error];
    const { StackId, LogicalResourceId, ResourceProperties } = requestOf('Create');
    const renewal = { ...(ResourceProperties as object), StackId, LogicalResourceId, MinimumValiditySeconds: '3600' };
    await expect(world.run({ GameLiftVpcPeeringRenewal: renewal })).rejects.toThrow('ec2:CreateRoute');
    expect(world.logRecords.at(-1)).toMatchObject({ question: 'peerPermissions', reading: 'checked' });
  });

  test('succeeds if the code that concludes readings from the calls throws an error, and logs the error', async () => {
    const world = new TestWorld();
    // enough of a Date for the response, but not for the code that concludes readings, which calls getTime
    const notADate = { toISOString: () => '2026-01-01T00:00:00.000Z' };
    world.api.createAuthorizationResults = [Object.assign(world.api.authorizationExpiringIn(24), { CreationTime: notADate })];
    expect(await world.run(requestOf('Create'))).toMatchObject({ Status: 'SUCCESS' });
    expect(world.logRecords.at(-1)).toEqual({
      message: 'could not determine how AWS behaves: CreationTime.getTime is not a function',
    });
  });
});

import { AUTHORIZATION_TYPE, FAILED_METRIC, METRIC_NAMESPACE } from '../../lib/contract';
import { createGameLiftApi } from '../../lambda/aws/gamelift';
import { CLIENT_CONFIG } from '../../lambda/aws/clients';
import { consoleLog } from '../../lambda/log';
import { version } from '../../package.json';
import { awsError, requestOf, TestWorld } from './world';

afterEach(() => {
  jest.restoreAllMocks();
});

test.each(['info', 'error'] as const)('consoleLog.%s writes the record with the version of the library', (level) => {
  const spy = jest.spyOn(console, level).mockImplementation(() => undefined);
  consoleLog[level]({ message: 'hello', fleetId: 'fleet-1' });
  expect(spy.mock.calls).toEqual([[{ message: 'hello', fleetId: 'fleet-1', libraryVersion: version }]]);
});

test('consoleLog.failedRequest writes one line with an embedded metric that counts the failed requests of a resource type and request type', () => {
  const write = jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
  jest.replaceProperty(process, 'env', { AWS_LAMBDA_FUNCTION_NAME: 'Game-Handler' });
  const startedAt = Date.now();
  consoleLog.failedRequest({
    message: 'access denied',
    resourceType: AUTHORIZATION_TYPE,
    requestType: 'Create',
    requestId: 'r-1',
  });
  const line = write.mock.calls[0]?.[0];
  expect(String(line).endsWith('}\n')).toBe(true);
  const record = JSON.parse(String(line)) as { readonly _aws: { readonly Timestamp: number }; readonly timestamp: string };
  expect(record).toEqual({
    _aws: {
      Timestamp: expect.any(Number) as number,
      CloudWatchMetrics: [
        {
          Namespace: METRIC_NAMESPACE,
          Dimensions: [['FunctionName'], ['FunctionName', 'ResourceType', 'RequestType']],
          Metrics: [{ Name: FAILED_METRIC, Unit: 'Count' }],
        },
      ],
    },
    FunctionName: 'Game-Handler',
    ResourceType: AUTHORIZATION_TYPE,
    RequestType: 'Create',
    FailedRequests: 1,
    timestamp: new Date(record._aws.Timestamp).toISOString(),
    level: 'ERROR',
    message: { message: 'access denied', requestId: 'r-1', libraryVersion: version },
  });
  expect(record._aws.Timestamp).toBeGreaterThanOrEqual(startedAt);
});

test.each([
  ['a create', requestOf('Create'), AUTHORIZATION_TYPE, 'Create'],
  ['an update', requestOf('Update'), AUTHORIZATION_TYPE, 'Update'],
  ['a request for an unknown resource type', requestOf('Create', { ResourceType: 'Custom::X' }), 'Unknown', 'Create'],
  ['a request with an invalid request type', requestOf('Mend'), AUTHORIZATION_TYPE, 'Unknown'],
])('the handler counts one failed request if %s fails', async (_, event, resourceType, requestType) => {
  const world = new TestWorld();
  world.api.createAuthorizationResults = [awsError('InvalidRequestException', 'no')];
  const failedRequest = jest.spyOn(world.log, 'failedRequest');
  expect(await world.run(event)).toMatchObject({ Status: 'FAILED' });
  expect(failedRequest.mock.calls).toEqual([[expect.objectContaining({ resourceType, requestType })]]);
});

test('the handler does not count a request that succeeds', async () => {
  const world = new TestWorld();
  const failedRequest = jest.spyOn(world.log, 'failedRequest');
  expect(await world.run(requestOf('Create'))).toMatchObject({ Status: 'SUCCESS' });
  expect(failedRequest).not.toHaveBeenCalled();
});

test('the handler counts a failed scheduled renewal with the request type Renewal', async () => {
  const world = new TestWorld();
  world.api.createAuthorizationResults = [awsError('BrandNewException', 'no')];
  const failedRequest = jest.spyOn(world.log, 'failedRequest');
  const { StackId, LogicalResourceId, ResourceProperties } = requestOf('Create');
  const renewal = { ...(ResourceProperties as object), StackId, LogicalResourceId, MinimumValiditySeconds: '3600' };
  await expect(world.run({ GameLiftVpcPeeringRenewal: renewal })).rejects.toThrow('BrandNewException');
  expect(failedRequest.mock.calls).toEqual([
    [expect.objectContaining({ resourceType: AUTHORIZATION_TYPE, requestType: 'Renewal' })],
  ]);
});

test("the user agent of the SDK's clients contains the name and the version of the library", async () => {
  let userAgent: string | undefined;
  const handle = (request: { readonly headers: Record<string, string> }): Promise<never> => {
    userAgent = request.headers['user-agent'];
    return Promise.reject(new Error('no network here'));
  };
  const credentials = (): Promise<{ accessKeyId: string; secretAccessKey: string }> =>
    Promise.resolve({ accessKeyId: 'AKIA0', secretAccessKey: 'secret' });
  jest.replaceProperty(process, 'env', { AWS_REGION: 'us-east-1' });
  const api = createGameLiftApi({
    ...CLIENT_CONFIG,
    credentials,
    requestHandler: Object.assign({ handle }, CLIENT_CONFIG.requestHandler),
  });
  await expect(api.describeVpcPeeringAuthorizations(new AbortController().signal)).rejects.toThrow('no network here');
  expect(userAgent).toContain(`cdk-gamelift-vpc-peering/${version}`);
});

import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { DescribeVpcPeeringAuthorizationsCommand, type GameLiftClient } from '@aws-sdk/client-gamelift';
import type { ApiCall, Fault } from '../../../src/aws';
import { JSON_ERRORS, ServiceError, type WireResponse, type Service } from '../../../src/aws/service';
import { signedFetch } from '../signed-fetch';
import {
  clientConfig,
  gameLiftClient,
  policy,
  allow,
  REGION,
  createRoleSession,
  startSimulation,
  VPC_ACCOUNT,
  type Simulation,
} from '../simulation';

const describeAuthorizations = new DescribeVpcPeeringAuthorizationsCommand({});
const UNKNOWN_CREDENTIALS = { accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'nobody knows' };

let simulation: Simulation;
let client: GameLiftClient;

beforeEach(async () => {
  simulation = await startSimulation();
  client = gameLiftClient(simulation.aws, simulation.aws.iam.administrator(VPC_ACCOUNT));
});

afterEach(async () => {
  client.destroy();
  await simulation.aws.close();
});

function ec2(credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }): EC2Client {
  return new EC2Client(clientConfig(simulation.aws, credentials));
}

describe('authentication', () => {
  test('refuses an unknown access key with the error of each service', async () => {
    await expect(gameLiftClient(simulation.aws, UNKNOWN_CREDENTIALS).send(describeAuthorizations)).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
      message: 'The security token included in the request is invalid.',
    });
    await expect(ec2(UNKNOWN_CREDENTIALS).send(new DescribeVpcsCommand({}))).rejects.toMatchObject({
      name: 'AuthFailure',
      message: 'AWS was not able to validate the provided access credentials',
    });
    const sts = await signedFetch(simulation.aws, 'sts', UNKNOWN_CREDENTIALS, 'Action=GetCallerIdentity&Version=2011-06-15');
    expect(sts).toMatchObject({ status: 403, body: expect.stringContaining('<Code>InvalidClientTokenId</Code>') as unknown });
  });

  test('refuses a wrong secret access key, and a session without its token', async () => {
    const { credentials } = createRoleSession(simulation.aws, policy(allow('gamelift:*')));
    const credentialsWithWrongSecret = { ...credentials, secretAccessKey: 'wrong' };
    await expect(gameLiftClient(simulation.aws, credentialsWithWrongSecret).send(describeAuthorizations)).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    });
    const { accessKeyId, secretAccessKey } = credentials;
    await expect(
      gameLiftClient(simulation.aws, { accessKeyId, secretAccessKey }).send(describeAuthorizations),
    ).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
    });
  });

  test('refuses a body that differs from the signed body', async () => {
    const credentials = simulation.aws.iam.administrator(VPC_ACCOUNT);
    const response = await signedFetch(simulation.aws, 'sts', credentials, 'Action=GetCallerIdentity', {
      sentBody: 'Action=AssumeRole',
    });
    expect(response).toMatchObject({
      status: 403,
      body: expect.stringContaining('<Code>SignatureDoesNotMatch</Code>') as unknown,
    });
  });

  test.each(['20260101T000000Z', 'today', ''])('refuses the date %p, which differs from the signed date', async (date) => {
    const credentials = simulation.aws.iam.administrator(VPC_ACCOUNT);
    const sentHeaders = { 'x-amz-date': date };
    const response = await signedFetch(simulation.aws, 'sts', credentials, 'Action=GetCallerIdentity', { sentHeaders });
    expect(response).toMatchObject({
      status: 403,
      body: expect.stringContaining('<Code>SignatureDoesNotMatch</Code>') as unknown,
    });
  });

  test('refuses credentials that have expired', async () => {
    const { credentials } = createRoleSession(simulation.aws, policy(allow('*')));
    // the session of a Lambda function lasts for twelve hours
    simulation.clock.advance(12 * 3600);
    await expect(gameLiftClient(simulation.aws, credentials).send(describeAuthorizations)).rejects.toMatchObject({
      name: 'ExpiredTokenException',
    });
    await expect(ec2(credentials).send(new DescribeVpcsCommand({}))).rejects.toMatchObject({ name: 'RequestExpired' });
    const sts = await signedFetch(simulation.aws, 'sts', credentials, 'Action=GetCallerIdentity');
    expect(sts.body).toContain('<Code>ExpiredToken</Code>');
  });

  test('refuses unsigned requests, and services that are not simulated', async () => {
    const unsigned = await fetch(simulation.aws.endpointUrl, { method: 'POST', body: '{}' });
    expect(unsigned.status).toBe(403);
    expect(await unsigned.text()).toContain('MissingAuthenticationTokenException');
    const callOfOtherService = await signedFetch(simulation.aws, 'dynamodb', simulation.aws.iam.administrator(VPC_ACCOUNT), '{}');
    expect(callOfOtherService.body).toContain('the rehearsal does not simulate the service dynamodb');
    expect(simulation.aws.notUnderstood.list()).toEqual([
      'calls of dynamodb: the service is not simulated, and each call is refused',
    ]);
    expect(simulation.journal.entries.map(({ source, subject }) => `${source} ${subject}`)).toEqual([
      'iam authentication',
      'iam authentication',
    ]);
  });
});

describe('an interceptor', () => {
  test.each<[Fault, object]>([
    [
      { kind: 'error', name: 'InternalServiceException', message: 'sorry', status: 500 },
      { name: 'InternalServiceException', message: 'sorry' },
    ],
    [{ kind: 'reset' }, { message: expect.stringContaining('socket hang up') as unknown }],
    [{ kind: 'malformed' }, { name: 'SyntaxError' }],
  ])('replaces the response with the fault %j', async (fault, error) => {
    const calls: ApiCall[] = [];
    const removeInterceptor = simulation.aws.intercept((call) => {
      calls.push(call);
      return fault;
    });
    await expect(client.send(describeAuthorizations)).rejects.toMatchObject(error);
    expect(calls).toEqual([
      {
        service: 'gamelift',
        operation: 'DescribeVpcPeeringAuthorizations',
        account: VPC_ACCOUNT,
        region: REGION,
        input: {},
        principalArn: `arn:aws:iam::${VPC_ACCOUNT}:user/administrator`,
      },
    ]);
    removeInterceptor();
    // the intercepted call does not count against the rate limit
    await client.send(describeAuthorizations);
  });

  test('can make a response of EC2 malformed', async () => {
    const ec2Client = ec2(simulation.aws.iam.administrator(VPC_ACCOUNT));
    simulation.aws.intercept(() => ({ kind: 'malformed' }));
    await expect(ec2Client.send(new DescribeVpcsCommand({}))).rejects.toThrow();
  });

  test('can leave a call without a response', async () => {
    simulation.aws.intercept(() => ({ kind: 'hang' }));
    const controller = new AbortController();
    simulation.journal.onEntry(({ message }) => {
      expect(message).toContain('no response (injected)');
      // makes the client stop waiting
      controller.abort();
    });
    await expect(client.send(describeAuthorizations, { abortSignal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

test('every response has a request id', async () => {
  const { $metadata } = await client.send(describeAuthorizations);
  expect($metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
  await expect(client.send(describeAuthorizations)).rejects.toMatchObject({
    $metadata: expect.objectContaining({ requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown }) as unknown,
  });
});

test('the journal has one line for each call, without secrets', async () => {
  await client.send(describeAuthorizations);
  const { credentials } = createRoleSession(simulation.aws, policy(allow('ec2:DescribeVpcs')));
  await expect(gameLiftClient(simulation.aws, credentials).send(describeAuthorizations)).rejects.toThrow();
  expect(simulation.journal.entries.map(({ source, subject, message }) => [source, subject, message])).toEqual([
    [
      'gamelift',
      'DescribeVpcPeeringAuthorizations',
      `succeeded in ${REGION}, called by arn:aws:iam::${VPC_ACCOUNT}:user/administrator of account ${VPC_ACCOUNT}`,
    ],
    [
      'gamelift',
      'DescribeVpcPeeringAuthorizations',
      `AccessDeniedException in ${REGION}, called by arn:aws:sts::${VPC_ACCOUNT}:assumed-role/Handler/function of account ${VPC_ACCOUNT}`,
    ],
  ]);
});

describe('a registered service', () => {
  const lambda: Service = {
    source: 'lambda',
    errors: JSON_ERRORS,
    operationName: () => 'Invoke',
    parseInput: ({ body }) => body.toString(),
    async perform(call): Promise<WireResponse> {
      const arn = decodeURIComponent(call.request.path.split('/')[3] ?? '');
      await call.authorize('lambda:InvokeFunction', [arn]);
      if (call.request.query !== '') {
        // shows the query to the test
        throw new ServiceError('InvalidParameterValueException', call.request.query);
      }
      return { status: 202, headers: { 'x-amz-function-error': 'none' }, body: call.request.body };
    },
    errorResponse: ({ code, message, status }) => ({ status, headers: {}, body: JSON.stringify({ code, message }) }),
  };
  const arn = `arn:aws:lambda:${REGION}:${VPC_ACCOUNT}:function:a`;
  const path = `/2015-03-31/functions/${encodeURIComponent(arn)}/invocations`;

  test('receives the path, the query and the body, and can check permissions', async () => {
    simulation.aws.register('lambda', lambda);
    const { credentials } = createRoleSession(simulation.aws, policy(allow('lambda:InvokeFunction', arn)));
    const invoke = (options: object) => signedFetch(simulation.aws, 'lambda', credentials, '{"a":1}', options);
    expect(await invoke({ path })).toEqual({ status: 202, body: '{"a":1}' });
    // the function `b`, which the role may not invoke
    expect(await invoke({ path: path.replace('%3Aa/', '%3Ab/') })).toMatchObject({
      status: 400,
      body: expect.stringContaining(`on resource: ${arn.slice(0, -1)}b`) as unknown,
    });
    expect(await invoke({ path: `${path}?Qualifier=a%2Fb` })).toMatchObject({
      body: '{"code":"InvalidParameterValueException","message":"Qualifier=a%2Fb"}',
    });
  });
});

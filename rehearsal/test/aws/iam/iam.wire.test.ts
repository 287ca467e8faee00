import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import type { Credentials } from '../../../src/aws';
import { signedFetch } from '../signed-fetch';
import {
  allow,
  clientConfig,
  GAMELIFT_ACCOUNT,
  LAMBDA_TRUST,
  policy,
  createRoleSession,
  startSimulation,
  VPC_ACCOUNT,
  type Simulation,
} from '../simulation';

const ROLE_NAME = 'Handler';
const DESCRIBE_POLICY = policy(allow('ec2:DescribeVpcs'));
const UNRELATED_POLICY = policy(allow('s3:GetObject'));

let simulation: Simulation;

afterEach(async () => {
  await simulation.aws.close();
});

/** Calls DescribeVpcs. Returns `allowed`, or the name and the message of the error. */
async function describeVpcsOutcome(credentials: Credentials): Promise<string> {
  const client = new EC2Client(clientConfig(simulation.aws, credentials));
  try {
    await client.send(new DescribeVpcsCommand({}));
    return 'allowed';
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } finally {
    client.destroy();
  }
}

describe('without a propagation delay', () => {
  beforeEach(async () => {
    simulation = await startSimulation();
  });

  test('inline and managed policies grant permissions, and a change takes effect at once', async () => {
    const { iam } = simulation.aws;
    const { credentials } = createRoleSession(simulation.aws, UNRELATED_POLICY);
    expect(await describeVpcsOutcome(credentials)).toContain(
      'because no identity-based policy allows the ec2:DescribeVpcs action',
    );
    const arn = iam.createPolicy({ account: VPC_ACCOUNT, policyName: 'Describe', document: DESCRIBE_POLICY });
    iam.attachRolePolicy(VPC_ACCOUNT, ROLE_NAME, arn);
    expect(await describeVpcsOutcome(credentials)).toBe('allowed');
    iam.updatePolicy(arn, UNRELATED_POLICY);
    expect(await describeVpcsOutcome(credentials)).toContain('UnauthorizedOperation');
    iam.putRolePolicy(VPC_ACCOUNT, ROLE_NAME, 'Default', DESCRIBE_POLICY);
    expect(await describeVpcsOutcome(credentials)).toBe('allowed');
    iam.deleteRolePolicy(VPC_ACCOUNT, ROLE_NAME, 'Default');
    expect(await describeVpcsOutcome(credentials)).toContain('UnauthorizedOperation');
  });

  test('AdministratorAccess allows everything, except what another policy denies', async () => {
    const { iam } = simulation.aws;
    const { credentials } = createRoleSession(simulation.aws, UNRELATED_POLICY);
    iam.attachRolePolicy(VPC_ACCOUNT, ROLE_NAME, 'arn:aws:iam::aws:policy/AdministratorAccess');
    expect(await describeVpcsOutcome(credentials)).toBe('allowed');
    iam.putRolePolicy(VPC_ACCOUNT, ROLE_NAME, 'Default', policy({ Effect: 'Deny', Action: 'ec2:*', Resource: '*' }));
    expect(await describeVpcsOutcome(credentials)).toContain(
      'ec2:DescribeVpcs with an explicit deny in an identity-based policy',
    );
  });

  test('an unknown AWS managed policy grants nothing, and is listed as not understood', async () => {
    const { iam, notUnderstood } = simulation.aws;
    const { credentials } = createRoleSession(simulation.aws, DESCRIBE_POLICY);
    iam.attachRolePolicy(VPC_ACCOUNT, ROLE_NAME, 'arn:aws:iam::aws:policy/ReadOnlyAccess');
    expect(await describeVpcsOutcome(credentials)).toBe('allowed');
    iam.deleteRolePolicy(VPC_ACCOUNT, ROLE_NAME, 'Default');
    expect(await describeVpcsOutcome(credentials)).toContain(
      'because no identity-based policy allows the ec2:DescribeVpcs action',
    );
    expect(notUnderstood.list()).toEqual([
      'the AWS managed policy arn:aws:iam::aws:policy/ReadOnlyAccess: its content is unknown, so it grants nothing',
    ]);
  });

  test('unknown conditions of a trust policy are not met, and are listed as not understood', () => {
    const { iam, notUnderstood } = simulation.aws;
    const [statement] = LAMBDA_TRUST.Statement;
    const Condition = { StringEquals: { 'aws:SourceArn': 'arn:aws:lambda:us-east-1:111111111111:function:f' } };
    const assumeRolePolicy = { ...LAMBDA_TRUST, Statement: [{ ...statement, Condition }] };
    const { arn } = iam.createRole({ account: VPC_ACCOUNT, roleName: 'Conditional', assumeRolePolicy });
    expect(() => iam.assumeRoleForService(arn, 'lambda.amazonaws.com', 'session')).toThrow('its trust policy does not allow it.');
    expect(notUnderstood.list()).toEqual([
      `conditions of the trust policy of ${arn}: unsupported conditions are treated as not met`,
    ]);
  });

  test('a permissions boundary limits what policies grant', async () => {
    const { iam } = simulation.aws;
    const { credentials } = createRoleSession(simulation.aws, DESCRIBE_POLICY);
    const boundary = iam.createPolicy({ account: VPC_ACCOUNT, policyName: 'Boundary', document: UNRELATED_POLICY });
    iam.updateRole(VPC_ACCOUNT, ROLE_NAME, { assumeRolePolicy: LAMBDA_TRUST, permissionsBoundary: boundary });
    expect(await describeVpcsOutcome(credentials)).toContain(
      'because no permissions boundary allows the ec2:DescribeVpcs action',
    );
    expect(() => {
      iam.deletePolicy(boundary);
    }).toThrow('Cannot delete a policy attached to entities.');
    iam.updateRole(VPC_ACCOUNT, ROLE_NAME, { assumeRolePolicy: LAMBDA_TRUST });
    expect(await describeVpcsOutcome(credentials)).toBe('allowed');
  });

  test('conditions can check the caller and the Region', async () => {
    const policyForRegion = (region: string) =>
      policy(
        allow('ec2:DescribeVpcs', '*', {
          StringEquals: { 'aws:RequestedRegion': region, 'ec2:Region': region },
          ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${VPC_ACCOUNT}:role/H*` },
        }),
      );
    expect(await describeVpcsOutcome(createRoleSession(simulation.aws, policyForRegion('us-east-1')).credentials)).toBe(
      'allowed',
    );
    expect(
      await describeVpcsOutcome(createRoleSession(simulation.aws, policyForRegion('eu-west-1'), 'Handler2').credentials),
    ).toContain('UnauthorizedOperation');
  });

  test('credentials of a deleted role stay invalid if a role with the same name is created', async () => {
    const { iam } = simulation.aws;
    const { credentials } = createRoleSession(simulation.aws, DESCRIBE_POLICY);
    expect(() => {
      iam.deleteRole(VPC_ACCOUNT, ROLE_NAME);
    }).toThrow('Cannot delete entity, must delete policies first.');
    iam.deleteRolePolicy(VPC_ACCOUNT, ROLE_NAME, 'Default');
    iam.deleteRole(VPC_ACCOUNT, ROLE_NAME);
    expect(await describeVpcsOutcome(credentials)).toContain('AuthFailure');
    const newSession = createRoleSession(simulation.aws, DESCRIBE_POLICY);
    expect(await describeVpcsOutcome(credentials)).toContain('AuthFailure');
    expect(await describeVpcsOutcome(newSession.credentials)).toBe('allowed');
  });

  test('invalid policies and unknown names are refused', () => {
    const { iam } = simulation.aws;
    createRoleSession(simulation.aws, DESCRIBE_POLICY);
    const policyOfSize = (size: number) => policy(allow('s3:GetObject', `arn:aws:s3:::${'x'.repeat(size)}`));
    expect(() => createRoleSession(simulation.aws, DESCRIBE_POLICY)).toThrow('Role with name Handler already exists.');
    iam.putRolePolicy(VPC_ACCOUNT, ROLE_NAME, 'Big', policyOfSize(9_900));
    expect(() => {
      iam.putRolePolicy(VPC_ACCOUNT, ROLE_NAME, 'Second', policyOfSize(100));
    }).toThrow('Maximum policy size of 10240 bytes exceeded for role Handler');
    expect(() => iam.createPolicy({ account: VPC_ACCOUNT, policyName: 'Big', document: policyOfSize(6_100) })).toThrow(
      'PolicySize: 6144',
    );
    expect(() => {
      iam.putRolePolicy(VPC_ACCOUNT, ROLE_NAME, 'Bad', {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Permit', Action: 'a:b', Resource: '*' }],
      });
    }).toThrow('Statement');
    expect(() => {
      iam.attachRolePolicy(VPC_ACCOUNT, ROLE_NAME, 'arn:aws:iam::222222222222:policy/Nope');
    }).toThrow('Policy arn:aws:iam::222222222222:policy/Nope does not exist or is not attachable.');
    expect(() => {
      iam.deleteRole(VPC_ACCOUNT, 'Nobody');
    }).toThrow('The role with name Nobody cannot be found.');
  });

  test('a service can assume only roles that trust it', () => {
    const { roleArn } = createRoleSession(simulation.aws, DESCRIBE_POLICY);
    expect(() => simulation.aws.iam.assumeRoleForService(roleArn, 'events.amazonaws.com', 'x')).toThrow(
      `The role ${roleArn} cannot be assumed by events.amazonaws.com: its trust policy does not allow it.`,
    );
  });
});

test('if IAM is late, each grant and each removal has taken effect after a minute', async () => {
  simulation = await startSimulation();
  simulation.aws.behaviours.set('iamPropagation', 'up to a minute late');
  const { credentials } = createRoleSession(simulation.aws, DESCRIBE_POLICY);
  expect(await describeVpcsOutcome(credentials)).toContain('UnauthorizedOperation');
  simulation.clock.advance(60);
  expect(await describeVpcsOutcome(credentials)).toBe('allowed');
  simulation.aws.iam.deleteRolePolicy(VPC_ACCOUNT, ROLE_NAME, 'Default');
  simulation.aws.iam.deleteRole(VPC_ACCOUNT, ROLE_NAME);
  expect(await describeVpcsOutcome(credentials)).toBe('allowed');
  simulation.clock.advance(60);
  expect(await describeVpcsOutcome(credentials)).toContain('AuthFailure');
});

describe('STS', () => {
  const EXTERNAL_ID = 'not-for-the-journal';
  const PEER_ROLE_ARN = `arn:aws:iam::${GAMELIFT_ACCOUNT}:role/Peer`;

  beforeEach(async () => {
    simulation = await startSimulation();
    simulation.aws.iam.createRole({
      account: GAMELIFT_ACCOUNT,
      roleName: 'Peer',
      assumeRolePolicy: policy({
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${VPC_ACCOUNT}:root` },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': EXTERNAL_ID } },
      }),
    });
    simulation.aws.iam.putRolePolicy(GAMELIFT_ACCOUNT, 'Peer', 'Default', DESCRIBE_POLICY);
  });

  function callSts(credentials: Credentials, parameters: Record<string, string>): Promise<{ status: number; body: string }> {
    return signedFetch(
      simulation.aws,
      'sts',
      credentials,
      new URLSearchParams({ Version: '2011-06-15', ...parameters }).toString(),
    );
  }

  function element(name: string, body: string): string {
    return new RegExp(`<${name}>([^<]+)</${name}>`).exec(body)?.[1] ?? '';
  }

  test('returns the identity of the caller, even if its policy denies everything', async () => {
    const { credentials } = createRoleSession(simulation.aws, policy({ Effect: 'Deny', Action: '*', Resource: '*' }));
    const { status, body } = await callSts(credentials, { Action: 'GetCallerIdentity' });
    expect(status).toBe(200);
    expect(element('Arn', body)).toBe(`arn:aws:sts::${VPC_ACCOUNT}:assumed-role/Handler/function`);
    expect(element('Account', body)).toBe(VPC_ACCOUNT);
  });

  test('returns a session of a role in another account to a trusted caller', async () => {
    const { credentials, roleArn } = createRoleSession(simulation.aws, policy(allow('sts:AssumeRole', PEER_ROLE_ARN)));
    const request = { Action: 'AssumeRole', RoleArn: PEER_ROLE_ARN, RoleSessionName: 'peering', ExternalId: EXTERNAL_ID };
    const { status, body } = await callSts(credentials, request);
    expect(status).toBe(200);
    const session = {
      accessKeyId: element('AccessKeyId', body),
      secretAccessKey: element('SecretAccessKey', body),
      sessionToken: element('SessionToken', body),
    };
    expect(await describeVpcsOutcome(session)).toBe('allowed');
    expect(Date.parse(element('Expiration', body))).toBe(simulation.clock.now() + 3600_000);
    expect(simulation.aws.iam.usedActions()).toEqual([
      { roleArn, action: 'sts:AssumeRole' },
      { roleArn: PEER_ROLE_ARN, action: 'ec2:DescribeVpcs' },
    ]);
    const journal = JSON.stringify(simulation.journal.entries);
    for (const secret of [EXTERNAL_ID, session.secretAccessKey, session.sessionToken]) {
      expect(journal).not.toContain(secret);
    }
  });

  test.each([
    ['the external id is wrong', { ExternalId: 'wrong' }, allow('sts:AssumeRole')],
    ['the caller has no permission', { ExternalId: EXTERNAL_ID }, allow('s3:GetObject')],
    ['the role does not exist', { ExternalId: EXTERNAL_ID, RoleArn: `${PEER_ROLE_ARN}s` }, allow('sts:AssumeRole')],
  ])('denies AssumeRole if %s', async (_, parameters, statement) => {
    const { credentials } = createRoleSession(simulation.aws, policy(statement));
    const request = { Action: 'AssumeRole', RoleArn: PEER_ROLE_ARN, RoleSessionName: 'peering', ...parameters };
    const { status, body } = await callSts(credentials, request);
    expect(status).toBe(403);
    expect(element('Code', body)).toBe('AccessDenied');
    expect(element('Message', body)).toBe(
      `User: arn:aws:sts::${VPC_ACCOUNT}:assumed-role/Handler/function is not authorized to perform: sts:AssumeRole on resource: ${request.RoleArn}`,
    );
  });

  test('refuses invalid input', async () => {
    const credentials = simulation.aws.iam.administrator(VPC_ACCOUNT);
    const request = { Action: 'AssumeRole', RoleArn: PEER_ROLE_ARN, RoleSessionName: 'peering', ExternalId: EXTERNAL_ID };
    expect((await callSts(credentials, { ...request, DurationSeconds: '7200' })).body).toContain('MaxSessionDuration');
    expect((await callSts(credentials, { ...request, RoleSessionName: 'a b' })).body).toContain('<Code>ValidationError</Code>');
    expect((await callSts(credentials, { Action: 'GetSessionToken' })).body).toContain('<Code>InvalidAction</Code>');
  });
});

import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import type { Credentials } from '../../../src/aws';
import { signedFetch } from '../signed-fetch';
import {
  allow,
  clientConfig,
  GAMELIFT_ACCOUNT,
  LAMBDA_TRUST,
  policy,
  sessionOf,
  startWorld,
  VPC_ACCOUNT,
  type World,
} from '../world';

const ROLE = 'Handler';
const DESCRIBE = policy(allow('ec2:DescribeVpcs'));
const NOTHING = policy(allow('s3:GetObject'));

let world: World;

afterEach(async () => {
  await world.aws.close();
});

async function outcome(credentials: Credentials): Promise<string> {
  const client = new EC2Client(clientConfig(world.aws, credentials));
  try {
    await client.send(new DescribeVpcsCommand({}));
    return 'allowed';
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } finally {
    client.destroy();
  }
}

describe('without propagation', () => {
  beforeEach(async () => {
    world = await startWorld();
  });

  test('inline and managed policies grant, and a change shows at once', async () => {
    const { iam } = world.aws;
    const { credentials } = sessionOf(world.aws, NOTHING);
    expect(await outcome(credentials)).toContain('because no identity-based policy allows the ec2:DescribeVpcs action');
    const arn = iam.createPolicy({ account: VPC_ACCOUNT, policyName: 'Describe', document: DESCRIBE });
    iam.attachRolePolicy(VPC_ACCOUNT, ROLE, arn);
    expect(await outcome(credentials)).toBe('allowed');
    iam.updatePolicy(arn, NOTHING);
    expect(await outcome(credentials)).toContain('UnauthorizedOperation');
    iam.putRolePolicy(VPC_ACCOUNT, ROLE, 'Default', DESCRIBE);
    expect(await outcome(credentials)).toBe('allowed');
    iam.deleteRolePolicy(VPC_ACCOUNT, ROLE, 'Default');
    expect(await outcome(credentials)).toContain('UnauthorizedOperation');
  });

  test('AdministratorAccess is known, and an explicit deny beats it', async () => {
    const { iam } = world.aws;
    const { credentials } = sessionOf(world.aws, NOTHING);
    iam.attachRolePolicy(VPC_ACCOUNT, ROLE, 'arn:aws:iam::aws:policy/AdministratorAccess');
    expect(await outcome(credentials)).toBe('allowed');
    iam.putRolePolicy(VPC_ACCOUNT, ROLE, 'Default', policy({ Effect: 'Deny', Action: 'ec2:*', Resource: '*' }));
    expect(await outcome(credentials)).toContain('ec2:DescribeVpcs with an explicit deny in an identity-based policy');
  });

  test("a policy of AWS's that is not known grants nothing, and is noted", async () => {
    const { iam, notUnderstood } = world.aws;
    const { credentials } = sessionOf(world.aws, DESCRIBE);
    iam.attachRolePolicy(VPC_ACCOUNT, ROLE, 'arn:aws:iam::aws:policy/ReadOnlyAccess');
    expect(await outcome(credentials)).toBe('allowed');
    iam.deleteRolePolicy(VPC_ACCOUNT, ROLE, 'Default');
    expect(await outcome(credentials)).toContain('because no identity-based policy allows the ec2:DescribeVpcs action');
    expect(notUnderstood.list()).toEqual([
      'the AWS managed policy arn:aws:iam::aws:policy/ReadOnlyAccess: its content is unknown, so it grants nothing',
    ]);
  });

  test('conditions of a trust policy that are not known are not met, and are noted', () => {
    const { iam, notUnderstood } = world.aws;
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
    const { iam } = world.aws;
    const { credentials } = sessionOf(world.aws, DESCRIBE);
    const boundary = iam.createPolicy({ account: VPC_ACCOUNT, policyName: 'Boundary', document: NOTHING });
    iam.updateRole(VPC_ACCOUNT, ROLE, { assumeRolePolicy: LAMBDA_TRUST, permissionsBoundary: boundary });
    expect(await outcome(credentials)).toContain('because no permissions boundary allows the ec2:DescribeVpcs action');
    expect(() => {
      iam.deletePolicy(boundary);
    }).toThrow('Cannot delete a policy attached to entities.');
    iam.updateRole(VPC_ACCOUNT, ROLE, { assumeRolePolicy: LAMBDA_TRUST });
    expect(await outcome(credentials)).toBe('allowed');
  });

  test('conditions see the caller and the Region', async () => {
    const of = (region: string) =>
      policy(
        allow('ec2:DescribeVpcs', '*', {
          StringEquals: { 'aws:RequestedRegion': region, 'ec2:Region': region },
          ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${VPC_ACCOUNT}:role/H*` },
        }),
      );
    expect(await outcome(sessionOf(world.aws, of('us-east-1')).credentials)).toBe('allowed');
    expect(await outcome(sessionOf(world.aws, of('eu-west-1'), 'Handler2').credentials)).toContain('UnauthorizedOperation');
  });

  test('credentials of a deleted role are unknown, also when it is made anew', async () => {
    const { iam } = world.aws;
    const { credentials } = sessionOf(world.aws, DESCRIBE);
    expect(() => {
      iam.deleteRole(VPC_ACCOUNT, ROLE);
    }).toThrow('Cannot delete entity, must delete policies first.');
    iam.deleteRolePolicy(VPC_ACCOUNT, ROLE, 'Default');
    iam.deleteRole(VPC_ACCOUNT, ROLE);
    expect(await outcome(credentials)).toContain('AuthFailure');
    const again = sessionOf(world.aws, DESCRIBE);
    expect(await outcome(credentials)).toContain('AuthFailure');
    expect(await outcome(again.credentials)).toBe('allowed');
  });

  test('what IAM refuses is refused', () => {
    const { iam } = world.aws;
    sessionOf(world.aws, DESCRIBE);
    const big = (size: number) => policy(allow('s3:GetObject', `arn:aws:s3:::${'x'.repeat(size)}`));
    expect(() => sessionOf(world.aws, DESCRIBE)).toThrow('Role with name Handler already exists.');
    iam.putRolePolicy(VPC_ACCOUNT, ROLE, 'Big', big(9_900));
    expect(() => {
      iam.putRolePolicy(VPC_ACCOUNT, ROLE, 'Second', big(100));
    }).toThrow('Maximum policy size of 10240 bytes exceeded for role Handler');
    expect(() => iam.createPolicy({ account: VPC_ACCOUNT, policyName: 'Big', document: big(6_100) })).toThrow('PolicySize: 6144');
    expect(() => {
      iam.putRolePolicy(VPC_ACCOUNT, ROLE, 'Bad', {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Permit', Action: 'a:b', Resource: '*' }],
      });
    }).toThrow('Statement');
    expect(() => {
      iam.attachRolePolicy(VPC_ACCOUNT, ROLE, 'arn:aws:iam::222222222222:policy/Nope');
    }).toThrow('Policy arn:aws:iam::222222222222:policy/Nope does not exist or is not attachable.');
    expect(() => {
      iam.deleteRole(VPC_ACCOUNT, 'Nobody');
    }).toThrow('The role with name Nobody cannot be found.');
  });

  test('a service gets only roles that trust it', () => {
    const { roleArn } = sessionOf(world.aws, DESCRIBE);
    expect(() => world.aws.iam.assumeRoleForService(roleArn, 'events.amazonaws.com', 'x')).toThrow(
      `The role ${roleArn} cannot be assumed by events.amazonaws.com: its trust policy does not allow it.`,
    );
  });
});

test('where IAM is late, changes are known for certain after a minute, grants and removals alike', async () => {
  world = await startWorld();
  world.aws.behaviours.set('iamPropagation', 'up to a minute late');
  const { credentials } = sessionOf(world.aws, DESCRIBE);
  expect(await outcome(credentials)).toContain('UnauthorizedOperation');
  world.clock.advance(60);
  expect(await outcome(credentials)).toBe('allowed');
  world.aws.iam.deleteRolePolicy(VPC_ACCOUNT, ROLE, 'Default');
  world.aws.iam.deleteRole(VPC_ACCOUNT, ROLE);
  expect(await outcome(credentials)).toBe('allowed');
  world.clock.advance(60);
  expect(await outcome(credentials)).toContain('AuthFailure');
});

describe('STS', () => {
  const EXTERNAL_ID = 'not-for-the-journal';
  const PEER = `arn:aws:iam::${GAMELIFT_ACCOUNT}:role/Peer`;

  beforeEach(async () => {
    world = await startWorld();
    world.aws.iam.createRole({
      account: GAMELIFT_ACCOUNT,
      roleName: 'Peer',
      assumeRolePolicy: policy({
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${VPC_ACCOUNT}:root` },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': EXTERNAL_ID } },
      }),
    });
    world.aws.iam.putRolePolicy(GAMELIFT_ACCOUNT, 'Peer', 'Default', DESCRIBE);
  });

  function call(credentials: Credentials, parameters: Record<string, string>): Promise<{ status: number; body: string }> {
    return signedFetch(world.aws, 'sts', credentials, new URLSearchParams({ Version: '2011-06-15', ...parameters }).toString());
  }

  function element(name: string, body: string): string {
    return new RegExp(`<${name}>([^<]+)</${name}>`).exec(body)?.[1] ?? '';
  }

  test('tells who calls, whatever the policies say', async () => {
    const { credentials } = sessionOf(world.aws, policy({ Effect: 'Deny', Action: '*', Resource: '*' }));
    const { status, body } = await call(credentials, { Action: 'GetCallerIdentity' });
    expect(status).toBe(200);
    expect(element('Arn', body)).toBe(`arn:aws:sts::${VPC_ACCOUNT}:assumed-role/Handler/function`);
    expect(element('Account', body)).toBe(VPC_ACCOUNT);
  });

  test('gives a session of another account’s role to whom it trusts', async () => {
    const { credentials, roleArn } = sessionOf(world.aws, policy(allow('sts:AssumeRole', PEER)));
    const request = { Action: 'AssumeRole', RoleArn: PEER, RoleSessionName: 'peering', ExternalId: EXTERNAL_ID };
    const { status, body } = await call(credentials, request);
    expect(status).toBe(200);
    const session = {
      accessKeyId: element('AccessKeyId', body),
      secretAccessKey: element('SecretAccessKey', body),
      sessionToken: element('SessionToken', body),
    };
    expect(await outcome(session)).toBe('allowed');
    expect(Date.parse(element('Expiration', body))).toBe(world.clock.now() + 3600_000);
    expect(world.aws.iam.usedActions()).toEqual([
      { roleArn, action: 'sts:AssumeRole' },
      { roleArn: PEER, action: 'ec2:DescribeVpcs' },
    ]);
    const journal = JSON.stringify(world.journal.entries);
    for (const secret of [EXTERNAL_ID, session.secretAccessKey, session.sessionToken]) {
      expect(journal).not.toContain(secret);
    }
  });

  test.each([
    ['the external id is wrong', { ExternalId: 'wrong' }, allow('sts:AssumeRole')],
    ['the caller has no permission', { ExternalId: EXTERNAL_ID }, allow('s3:GetObject')],
    ['the role does not exist', { ExternalId: EXTERNAL_ID, RoleArn: `${PEER}s` }, allow('sts:AssumeRole')],
  ])('denies when %s', async (_case, parameters, statement) => {
    const { credentials } = sessionOf(world.aws, policy(statement));
    const request = { Action: 'AssumeRole', RoleArn: PEER, RoleSessionName: 'peering', ...parameters };
    const { status, body } = await call(credentials, request);
    expect(status).toBe(403);
    expect(element('Code', body)).toBe('AccessDenied');
    expect(element('Message', body)).toBe(
      `User: arn:aws:sts::${VPC_ACCOUNT}:assumed-role/Handler/function is not authorized to perform: sts:AssumeRole on resource: ${request.RoleArn}`,
    );
  });

  test('refuses input that breaks a constraint', async () => {
    const credentials = world.aws.iam.administrator(VPC_ACCOUNT);
    const request = { Action: 'AssumeRole', RoleArn: PEER, RoleSessionName: 'peering', ExternalId: EXTERNAL_ID };
    expect((await call(credentials, { ...request, DurationSeconds: '7200' })).body).toContain('MaxSessionDuration');
    expect((await call(credentials, { ...request, RoleSessionName: 'a b' })).body).toContain('<Code>ValidationError</Code>');
    expect((await call(credentials, { Action: 'GetSessionToken' })).body).toContain('<Code>InvalidAction</Code>');
  });
});

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, CfnResource, Stack } from 'aws-cdk-lib';
import { unusedPermissions } from '../../../src/report';
import { Rehearsal } from '../../../src/index';
import { signedFetch } from '../signed-fetch';

const GAMELIFT_ACCOUNT = '111111111111';
const PEER_ACCOUNT = '222222222222';
const CALLER_ROLE_ARN = `arn:aws:iam::${GAMELIFT_ACCOUNT}:role/caller`;
const PEER_ROLE_ARN = `arn:aws:iam::${PEER_ACCOUNT}:role/peer`;
const EXTERNAL_ID = 'agreed-upon';

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
});
afterEach(() => rehearsal.close());

const policy = (...statements: object[]) => ({ Version: '2012-10-17', Statement: statements });
const allow = (Action: string | string[], Resource: string) => ({ Effect: 'Allow', Action, Resource });
const trustPolicyFor = (Principal: object, elements: object = {}) =>
  policy({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal, ...elements });

/** Adds a policy of one resource type to the calling role. */
type AddPolicy = (stack: Stack, role: CfnResource, document: object) => unknown;

const ADD_POLICY_BY_TYPE: Readonly<Record<string, AddPolicy>> = {
  'AWS::IAM::Policy': (stack, role, PolicyDocument) =>
    new CfnResource(stack, 'Policy', {
      type: 'AWS::IAM::Policy',
      properties: { PolicyName: 'policy', PolicyDocument, Roles: [role.ref] },
    }),
  'AWS::IAM::RolePolicy': (stack, role, PolicyDocument) =>
    new CfnResource(stack, 'Policy', {
      type: 'AWS::IAM::RolePolicy',
      properties: { PolicyName: 'policy', PolicyDocument, RoleName: role.ref },
    }),
  'AWS::IAM::ManagedPolicy': (stack, role, PolicyDocument) =>
    new CfnResource(stack, 'Policy', { type: 'AWS::IAM::ManagedPolicy', properties: { PolicyDocument, Roles: [role.ref] } }),
};

interface DeployOptions {
  /** The trust policy of the peer role. */
  readonly trustPolicy?: object;
  /** @default - allows AssumeRole for the peer role */
  readonly callerPolicy?: object;
  /** The resource type of the caller's policy. */
  readonly policyType?: string;
}

/** Trusts the other account, with an external id. */
const TRUST_OF_ACCOUNT = trustPolicyFor(
  { AWS: `arn:aws:iam::${GAMELIFT_ACCOUNT}:root` },
  { Condition: { StringEquals: { 'sts:ExternalId': EXTERNAL_ID } } },
);

/** Deploys a role in one account that calls AssumeRole for a role in another account. */
async function deploy({
  trustPolicy = TRUST_OF_ACCOUNT,
  callerPolicy,
  policyType = 'AWS::IAM::Policy',
}: DeployOptions): Promise<void> {
  const app = new App({ outdir: mkdtempSync(path.join(tmpdir(), 'rehearsal-app-')), analyticsReporting: false });
  const fleets = new Stack(app, 'Fleets', { env: { account: GAMELIFT_ACCOUNT, region: 'us-east-1' } });
  const peer = new Stack(app, 'Peer', { env: { account: PEER_ACCOUNT, region: 'eu-west-1' } });
  peer.addDependency(fleets);
  const addRole = (stack: Stack, RoleName: string, AssumeRolePolicyDocument: object) =>
    new CfnResource(stack, 'Role', { type: 'AWS::IAM::Role', properties: { RoleName, AssumeRolePolicyDocument } });
  const caller = addRole(fleets, 'caller', trustPolicyFor({ Service: 'lambda.amazonaws.com' }));
  addRole(peer, 'peer', trustPolicy);
  ADD_POLICY_BY_TYPE[policyType]?.(fleets, caller, callerPolicy ?? policy(allow('sts:AssumeRole', PEER_ROLE_ARN)));
  const results = await rehearsal.cloudFormation.deployAll(app.synth().directory);
  expect(results.map(({ status }) => status)).toEqual(['CREATE_COMPLETE', 'CREATE_COMPLETE']);
}

/** Calls AssumeRole as the caller. Returns `assumed` and the ARN of the session, or the code and the message of the error. */
async function assumePeerRole(
  parameters: Record<string, string> = { ExternalId: EXTERNAL_ID },
  region = 'eu-west-1',
): Promise<string> {
  const credentials = rehearsal.aws.iam.assumeRoleForService(CALLER_ROLE_ARN, 'lambda.amazonaws.com', 'function');
  const request = {
    Action: 'AssumeRole',
    Version: '2011-06-15',
    RoleArn: PEER_ROLE_ARN,
    RoleSessionName: 'session',
    ...parameters,
  };
  const { body } = await signedFetch(rehearsal.aws, 'sts', credentials, new URLSearchParams(request).toString(), { region });
  const element = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(body)?.[1];
  return element('Code') === undefined
    ? `assumed ${element('Arn') ?? ''}`
    : `${element('Code') ?? ''}: ${element('Message') ?? ''}`;
}

const SUCCESS_OUTCOME = `assumed arn:aws:sts::${PEER_ACCOUNT}:assumed-role/peer/session`;
const DENIED_OUTCOME = `AccessDenied: User: arn:aws:sts::${GAMELIFT_ACCOUNT}:assumed-role/caller/function is not authorized to perform: sts:AssumeRole on resource: ${PEER_ROLE_ARN}`;

describe('a role of another account', () => {
  test.each(Object.keys(ADD_POLICY_BY_TYPE))(
    'can be assumed if the trust policy and an %s of the caller allow it',
    async (policyType) => {
      await deploy({ policyType });
      expect(await assumePeerRole()).toBe(SUCCESS_OUTCOME);
    },
  );

  test.each([
    ['the external id is missing', {}, {}],
    ['the external id is wrong', {}, { ExternalId: 'guessed' }],
    [
      'the caller has no permission',
      { callerPolicy: policy(allow('sts:AssumeRole', `${PEER_ROLE_ARN}-other`)) },
      { ExternalId: EXTERNAL_ID },
    ],
    [
      'a policy of the caller denies it',
      { callerPolicy: policy(allow('*', '*'), { Effect: 'Deny', Action: 'sts:*', Resource: '*' }) },
      { ExternalId: EXTERNAL_ID },
    ],
    [
      'the trust policy is for another account',
      { trustPolicy: trustPolicyFor({ AWS: 'arn:aws:iam::333333333333:root' }) },
      { ExternalId: EXTERNAL_ID },
    ],
    [
      'the trust policy is for another role',
      {
        trustPolicy: trustPolicyFor(
          { AWS: `arn:aws:iam::${GAMELIFT_ACCOUNT}:root` },
          { Condition: { ArnEquals: { 'aws:PrincipalArn': `${CALLER_ROLE_ARN}-other` } } },
        ),
      },
      {},
    ],
  ] satisfies [string, DeployOptions, Record<string, string>][])(
    'cannot be assumed if %s, and the error has the message of STS',
    async (_, options, parameters) => {
      await deploy(options);
      expect(await assumePeerRole(parameters)).toBe(DENIED_OUTCOME);
    },
  );

  test('can trust a single role, which also needs a permission in its own account', async () => {
    await deploy({ trustPolicy: trustPolicyFor({ AWS: CALLER_ROLE_ARN }) });
    expect(await assumePeerRole({})).toBe(SUCCESS_OUTCOME);
    await rehearsal.close();
    rehearsal = await Rehearsal.start();
    await deploy({ trustPolicy: trustPolicyFor({ AWS: CALLER_ROLE_ARN }), callerPolicy: policy(allow('s3:GetObject', '*')) });
    expect(await assumePeerRole({})).toBe(DENIED_OUTCOME);
  });
});

describe('the Region in the signature of a call to STS', () => {
  test('is in the journal', async () => {
    await deploy({});
    await assumePeerRole();
    expect(rehearsal.journal.entries.filter(({ source }) => source === 'sts')).toMatchObject([
      {
        subject: 'AssumeRole',
        message: `succeeded in eu-west-1, called by arn:aws:sts::${GAMELIFT_ACCOUNT}:assumed-role/caller/function of account ${GAMELIFT_ACCOUNT}`,
      },
    ]);
  });

  test('must be a valid Region', async () => {
    await deploy({});
    expect(await assumePeerRole({ ExternalId: EXTERNAL_ID }, 'aws-global')).toBe(
      'SignatureDoesNotMatch: Credential should be scoped to a valid region.',
    );
  });
});

describe('a granted action', () => {
  const callerPolicy = policy(
    { Sid: 'Assume', ...allow(['sts:AssumeRole', 'sts:TagSession'], PEER_ROLE_ARN) },
    { Sid: 'Network', ...allow(['ec2:Describe*', 'ec2:CreateRoute'], '*') },
  );
  /** For each granted action: the role, the Sid of the statement, the action, and the number of calls that needed the grant. */
  const grants = () =>
    rehearsal.aws.iam
      .grants()
      .map(({ roleArn, statement, action, uses }) => [roleArn, 'Sid' in statement ? statement.Sid : '', action, uses]);
  const describeVpcs = () => {
    const credentials = rehearsal.aws.iam.assumeRoleForService(CALLER_ROLE_ARN, 'lambda.amazonaws.com', 'function');
    return signedFetch(rehearsal.aws, 'ec2', credentials, 'Action=DescribeVpcs&Version=2016-11-15');
  };

  test('has a number of uses for each statement, and is listed as unused if no call needed it', async () => {
    await deploy({ callerPolicy });
    // nothing has assumed the role yet
    expect(grants()).toEqual([]);
    await assumePeerRole();
    await assumePeerRole();
    await assumePeerRole({ ExternalId: 'guessed' });
    await describeVpcs();
    expect(grants()).toEqual([
      [CALLER_ROLE_ARN, 'Assume', 'sts:AssumeRole', 2],
      [CALLER_ROLE_ARN, 'Assume', 'sts:TagSession', 0],
      [CALLER_ROLE_ARN, 'Network', 'ec2:Describe*', 1],
      [CALLER_ROLE_ARN, 'Network', 'ec2:CreateRoute', 0],
    ]);
    expect(rehearsal.aws.iam.unusedGrants().map(({ policy: name, action }) => [name, action])).toEqual([
      ['policy', 'sts:TagSession'],
      ['policy', 'ec2:CreateRoute'],
    ]);
  });

  test('is listed as unused if no call needed its statement, even if a call used the same action of another statement', async () => {
    const conditionThatCallMeets = { StringEquals: { 'aws:RequestedRegion': ['us-east-1', 'us-east-2'] } };
    const conditionThatCallDoesNotMeet = { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } };
    await deploy({
      callerPolicy: policy(
        { ...allow('ec2:DescribeVpcs', '*'), Condition: conditionThatCallMeets },
        { ...allow(['ec2:DescribeVpcs', 'ec2:DescribeSubnets'], '*'), Condition: conditionThatCallDoesNotMeet },
        { Effect: 'Allow', Action: 'sts:AssumeRole', NotResource: [PEER_ROLE_ARN] },
      ),
    });
    await describeVpcs();
    expect(unusedPermissions(rehearsal.aws.iam.grants())).toEqual([
      {
        role: 'caller',
        scope: '* if aws:RequestedRegion StringEquals eu-west-1',
        actions: ['ec2:DescribeVpcs', 'ec2:DescribeSubnets'],
      },
      { role: 'caller', scope: `all but ${PEER_ROLE_ARN}`, actions: ['sts:AssumeRole'] },
    ]);
  });

  test('is listed as unused for several rehearsals only if none of them needed it', async () => {
    await deploy({ callerPolicy });
    await assumePeerRole();
    const firstGrants = rehearsal.aws.iam.grants();
    await rehearsal.close();
    rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
    await deploy({ callerPolicy });
    await describeVpcs();
    const secondGrants = rehearsal.aws.iam.grants();
    expect(unusedPermissions([...firstGrants, ...secondGrants])).toEqual([
      { role: 'caller', scope: PEER_ROLE_ARN, actions: ['sts:TagSession'] },
      { role: 'caller', scope: '*', actions: ['ec2:CreateRoute'] },
    ]);
  });

  test('is still listed after the stack is deleted', async () => {
    await deploy({ callerPolicy, policyType: 'AWS::IAM::ManagedPolicy' });
    await assumePeerRole();
    await rehearsal.cloudFormation.delete('Fleets');
    expect(rehearsal.aws.iam.unusedGrants()).toMatchObject([
      { policy: expect.stringMatching(/^arn:aws:iam::111111111111:policy\/Fleets-Policy/) as string, action: 'sts:TagSession' },
      { action: 'ec2:Describe*' },
      { action: 'ec2:CreateRoute' },
    ]);
  });

  test('of an AWS managed policy is not listed, and a denied call does not count as a use', async () => {
    await deploy({ callerPolicy: policy(allow('ec2:DescribeVpcs', '*'), { Effect: 'Deny', Action: 'ec2:*', Resource: '*' }) });
    rehearsal.aws.iam.attachRolePolicy(
      GAMELIFT_ACCOUNT,
      'caller',
      'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole',
    );
    await describeVpcs();
    expect(grants()).toEqual([[CALLER_ROLE_ARN, '', 'ec2:DescribeVpcs', 0]]);
  });
});

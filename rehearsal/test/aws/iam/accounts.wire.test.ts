import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, CfnResource, Stack } from 'aws-cdk-lib';
import { unusedPermissions } from '../../../src/report';
import { Rehearsal } from '../../../src/index';
import { signedFetch } from '../signed-fetch';

const FLEETS = '111111111111';
const PEER = '222222222222';
const CALLER = `arn:aws:iam::${FLEETS}:role/caller`;
const ASSUMED = `arn:aws:iam::${PEER}:role/peer`;
const EXTERNAL_ID = 'agreed-upon';

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
});
afterEach(() => rehearsal.close());

const policy = (...statements: object[]) => ({ Version: '2012-10-17', Statement: statements });
const allow = (Action: string | string[], Resource: string) => ({ Effect: 'Allow', Action, Resource });
const trust = (Principal: object, more: object = {}) => policy({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal, ...more });

/** How a template gives the calling role a policy. */
type Granting = (stack: Stack, role: CfnResource, document: object) => unknown;

const GRANTINGS: Readonly<Record<string, Granting>> = {
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

interface Setting {
  readonly trusted?: object;
  readonly identity?: object;
  readonly granting?: string;
}

const BY_ACCOUNT = trust(
  { AWS: `arn:aws:iam::${FLEETS}:root` },
  { Condition: { StringEquals: { 'sts:ExternalId': EXTERNAL_ID } } },
);

/** A role in one account that is to assume one in another. */
async function deploy({ trusted = BY_ACCOUNT, identity, granting = 'AWS::IAM::Policy' }: Setting): Promise<void> {
  const app = new App({ outdir: mkdtempSync(path.join(tmpdir(), 'rehearsal-app-')), analyticsReporting: false });
  const fleets = new Stack(app, 'Fleets', { env: { account: FLEETS, region: 'us-east-1' } });
  const peer = new Stack(app, 'Peer', { env: { account: PEER, region: 'eu-west-1' } });
  peer.addDependency(fleets);
  const role = (stack: Stack, RoleName: string, AssumeRolePolicyDocument: object) =>
    new CfnResource(stack, 'Role', { type: 'AWS::IAM::Role', properties: { RoleName, AssumeRolePolicyDocument } });
  const caller = role(fleets, 'caller', trust({ Service: 'lambda.amazonaws.com' }));
  role(peer, 'peer', trusted);
  GRANTINGS[granting]?.(fleets, caller, identity ?? policy(allow('sts:AssumeRole', ASSUMED)));
  const results = await rehearsal.cloudFormation.deployAll(app.synth().directory);
  expect(results.map(({ status }) => status)).toEqual(['CREATE_COMPLETE', 'CREATE_COMPLETE']);
}

async function assume(parameters: Record<string, string> = { ExternalId: EXTERNAL_ID }, region = 'eu-west-1'): Promise<string> {
  const credentials = rehearsal.aws.iam.assumeRoleForService(CALLER, 'lambda.amazonaws.com', 'function');
  const request = { Action: 'AssumeRole', Version: '2011-06-15', RoleArn: ASSUMED, RoleSessionName: 'session', ...parameters };
  const { body } = await signedFetch(rehearsal.aws, 'sts', credentials, new URLSearchParams(request).toString(), { region });
  const element = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(body)?.[1];
  return element('Code') === undefined
    ? `assumed ${element('Arn') ?? ''}`
    : `${element('Code') ?? ''}: ${element('Message') ?? ''}`;
}

const SUCCESS = `assumed arn:aws:sts::${PEER}:assumed-role/peer/session`;
const DENIED = `AccessDenied: User: arn:aws:sts::${FLEETS}:assumed-role/caller/function is not authorized to perform: sts:AssumeRole on resource: ${ASSUMED}`;

describe('a role of another account', () => {
  test.each(Object.keys(GRANTINGS))('is assumed where trust and %s allow it', async (granting) => {
    await deploy({ granting });
    expect(await assume()).toBe(SUCCESS);
  });

  test.each([
    ['the external id is missing', {}, {}],
    ['the external id is another', {}, { ExternalId: 'guessed' }],
    [
      'the caller has no permission',
      { identity: policy(allow('sts:AssumeRole', `${ASSUMED}-not`)) },
      { ExternalId: EXTERNAL_ID },
    ],
    [
      'the caller is denied it',
      { identity: policy(allow('*', '*'), { Effect: 'Deny', Action: 'sts:*', Resource: '*' }) },
      { ExternalId: EXTERNAL_ID },
    ],
    ['another account is trusted', { trusted: trust({ AWS: 'arn:aws:iam::333333333333:root' }) }, { ExternalId: EXTERNAL_ID }],
    [
      'another role is trusted',
      {
        trusted: trust(
          { AWS: `arn:aws:iam::${FLEETS}:root` },
          { Condition: { ArnEquals: { 'aws:PrincipalArn': `${CALLER}-not` } } },
        ),
      },
      {},
    ],
  ] satisfies [string, Setting, Record<string, string>][])(
    'is refused in the words of STS where %s',
    async (_, setting, parameters) => {
      await deploy(setting);
      expect(await assume(parameters)).toBe(DENIED);
    },
  );

  test('may trust one role only, which needs permission of its own account as well', async () => {
    await deploy({ trusted: trust({ AWS: CALLER }) });
    expect(await assume({})).toBe(SUCCESS);
    await rehearsal.close();
    rehearsal = await Rehearsal.start();
    await deploy({ trusted: trust({ AWS: CALLER }), identity: policy(allow('s3:GetObject', '*')) });
    expect(await assume({})).toBe(DENIED);
  });
});

describe('the Region that a call to STS is signed for', () => {
  test('stands in the journal', async () => {
    await deploy({});
    await assume();
    expect(rehearsal.journal.entries.filter(({ source }) => source === 'sts')).toMatchObject([
      {
        subject: 'AssumeRole',
        message: `succeeded in eu-west-1, called by arn:aws:sts::${FLEETS}:assumed-role/caller/function of account ${FLEETS}`,
      },
    ]);
  });

  test('has to be one', async () => {
    await deploy({});
    expect(await assume({ ExternalId: EXTERNAL_ID }, 'aws-global')).toBe(
      'SignatureDoesNotMatch: Credential should be scoped to a valid region.',
    );
  });
});

describe('what policies grant', () => {
  const identity = policy(
    { Sid: 'Assume', ...allow(['sts:AssumeRole', 'sts:TagSession'], ASSUMED) },
    { Sid: 'Network', ...allow(['ec2:Describe*', 'ec2:CreateRoute'], '*') },
  );
  const grants = () =>
    rehearsal.aws.iam
      .grants()
      .map(({ roleArn, statement, action, uses }) => [roleArn, 'Sid' in statement ? statement.Sid : '', action, uses]);
  const describeVpcs = () => {
    const credentials = rehearsal.aws.iam.assumeRoleForService(CALLER, 'lambda.amazonaws.com', 'function');
    return signedFetch(rehearsal.aws, 'ec2', credentials, 'Action=DescribeVpcs&Version=2016-11-15');
  };

  test('is counted by statement and action, and what no call needed is told', async () => {
    await deploy({ identity });
    expect(grants()).toEqual([]);
    await assume();
    await assume();
    await assume({ ExternalId: 'guessed' });
    await describeVpcs();
    expect(grants()).toEqual([
      [CALLER, 'Assume', 'sts:AssumeRole', 2],
      [CALLER, 'Assume', 'sts:TagSession', 0],
      [CALLER, 'Network', 'ec2:Describe*', 1],
      [CALLER, 'Network', 'ec2:CreateRoute', 0],
    ]);
    expect(rehearsal.aws.iam.unusedGrants().map(({ policy: name, action }) => [name, action])).toEqual([
      ['policy', 'sts:TagSession'],
      ['policy', 'ec2:CreateRoute'],
    ]);
  });

  test('is told of each statement, whatever another one grants', async () => {
    const here = { StringEquals: { 'aws:RequestedRegion': ['us-east-1', 'us-east-2'] } };
    const elsewhere = { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } };
    await deploy({
      identity: policy(
        { ...allow('ec2:DescribeVpcs', '*'), Condition: here },
        { ...allow(['ec2:DescribeVpcs', 'ec2:DescribeSubnets'], '*'), Condition: elsewhere },
        { Effect: 'Allow', Action: 'sts:AssumeRole', NotResource: [ASSUMED] },
      ),
    });
    await describeVpcs();
    expect(unusedPermissions(rehearsal.aws.iam.grants())).toEqual([
      {
        role: 'caller',
        scope: '* if aws:RequestedRegion StringEquals eu-west-1',
        actions: ['ec2:DescribeVpcs', 'ec2:DescribeSubnets'],
      },
      { role: 'caller', scope: `all but ${ASSUMED}`, actions: ['sts:AssumeRole'] },
    ]);
  });

  test('is told of several rehearsals only where none of them needed it', async () => {
    await deploy({ identity });
    await assume();
    const first = rehearsal.aws.iam.grants();
    await rehearsal.close();
    rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
    await deploy({ identity });
    await describeVpcs();
    const second = rehearsal.aws.iam.grants();
    expect(unusedPermissions([...first, ...second])).toEqual([
      { role: 'caller', scope: ASSUMED, actions: ['sts:TagSession'] },
      { role: 'caller', scope: '*', actions: ['ec2:CreateRoute'] },
    ]);
  });

  test('is remembered when the stack is gone', async () => {
    await deploy({ identity, granting: 'AWS::IAM::ManagedPolicy' });
    await assume();
    await rehearsal.cloudFormation.delete('Fleets');
    expect(rehearsal.aws.iam.unusedGrants()).toMatchObject([
      { policy: expect.stringMatching(/^arn:aws:iam::111111111111:policy\/Fleets-Policy/) as string, action: 'sts:TagSession' },
      { action: 'ec2:Describe*' },
      { action: 'ec2:CreateRoute' },
    ]);
  });

  test('by AWS itself is left out, and what a denial took is no use', async () => {
    await deploy({ identity: policy(allow('ec2:DescribeVpcs', '*'), { Effect: 'Deny', Action: 'ec2:*', Resource: '*' }) });
    rehearsal.aws.iam.attachRolePolicy(FLEETS, 'caller', 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole');
    await describeVpcs();
    expect(grants()).toEqual([[CALLER, '', 'ec2:DescribeVpcs', 0]]);
  });
});

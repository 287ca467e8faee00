import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import {
  AuthorizationRenewal,
  PeeringRoutes,
  VpcPeeringAuthorization,
  VpcPeeringConnection,
  VpcPeeringHandler,
  VpcPeeringRole,
} from '../../lib';
import type { IVpcPeeringAuthorization } from '../../lib';
import { scopeOf } from '../../rehearsal/report';
import { kindOf } from '../policies';
import type { PlainStatement } from '../policies';

/*
 * All that this library grants to anyone: nothing is granted that is not listed here.
 */

const region = 'us-east-1';
const GAME = { account: '111111111111', region };
const DATA = { account: '222222222222', region };
const VPC_ID = 'vpc-0123456789abcdef0';

/** Texts with the references in them, which Fn::Join puts together. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Record<string, unknown>;
  if (typeof Ref === 'string') {
    return Ref === 'AWS::Partition' ? 'aws' : `<${Ref}>`;
  }
  if (Array.isArray(attribute)) {
    return `<${attribute.join('.')}>`;
  }
  if (Array.isArray(join)) {
    const [separator, parts] = join as [string, unknown[]];
    return parts.map((part) => plain(part)).join(separator);
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}

interface Document {
  readonly Statement: readonly PlainStatement[];
}

interface Policy {
  readonly PolicyName: string;
  readonly PolicyDocument: Document;
}

interface Granting extends Partial<Policy> {
  readonly Policies?: readonly Policy[];
  readonly ManagedPolicyArns?: readonly string[];
  readonly AssumeRolePolicyDocument?: Document;
}

type Listing = Record<string, Record<string, string[]>>;

/** By what each policy is for, on what it allows which actions; of policies that say to whom, of resources and roles, to whom. */
function granted(stack: Stack): Listing {
  const { Resources } = plain(Template.fromStack(stack).toJSON()) as {
    Resources: Record<string, { Type: string; Properties: Granting }>;
  };
  const listing: Listing = {};
  const list = (kind: string, { Statement }: Document): void => {
    for (const statement of Statement) {
      const scopes = (listing[kind] ??= {});
      (scopes[wordsOf(statement)] ??= []).push(...[statement.Action].flat());
    }
  };
  for (const [id, { Type, Properties }] of Object.entries(Resources)) {
    // it would grant without a policy
    expect(Type).not.toBe('AWS::Lambda::Permission');
    expect(Properties.ManagedPolicyArns).toBeUndefined();
    const { PolicyName, PolicyDocument, Policies = [], AssumeRolePolicyDocument } = Properties;
    for (const { PolicyName: name, PolicyDocument: document } of Policies) {
      list(kindOf(name), document);
    }
    if (PolicyDocument !== undefined) {
      list(PolicyName === undefined ? Type : kindOf(PolicyName), PolicyDocument);
    }
    if (AssumeRolePolicyDocument !== undefined) {
      list(`Trust of ${id}`, AssumeRolePolicyDocument);
    }
  }
  return listing;
}

/** On what a statement allows its actions; of one that says to whom, or that denies, that as well. */
function wordsOf(statement: PlainStatement): string {
  const { Effect, Principal, Resource } = statement;
  if (Effect === 'Allow' && Principal === undefined) {
    return scopeOf(statement);
  }
  const parties = Object.entries(Principal ?? {}).map(([kind, names]) => ` ${kind} ${[names].flat().join(' or ')}`);
  return [Effect, ...parties, Resource === undefined ? '' : ' on ', scopeOf(statement)].join('');
}

function vpcOf(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: VPC_ID,
    availabilityZones: ['us-east-1a'],
    privateSubnetIds: ['subnet-0123456789abcdef0'],
  });
}

type Issue = (stack: Stack) => IVpcPeeringAuthorization;

/** A stack with a fleet that is born peered, and with another that is connected. */
function peered(env: typeof GAME, issue: Issue, routes?: PeeringRoutes): Stack {
  const stack = new Stack(new App(), 'Game', { env });
  const authorization = issue(stack);
  authorization.authorizeFleet(new gamelift.CfnFleet(stack, 'Born', { name: 'born' }));
  const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' });
  new VpcPeeringConnection(stack, 'Peering', { authorization, fleet, ...(routes === undefined ? {} : { routes }) });
  return stack;
}

const imported =
  (peerRoleArn?: string): Issue =>
  (stack) =>
    VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Authorization', {
      vpc: vpcOf(stack),
      vpcAccount: DATA.account,
      ...(peerRoleArn === undefined
        ? {}
        : { peerRole: VpcPeeringRole.fromRoleArn(stack, 'PeerRole', peerRoleArn, { mutable: false }) }),
    });

const ec2Of = ({ account }: typeof GAME, resource: string): string => `arn:aws:ec2:${region}:${account}:${resource}`;
const vpcArnOf = (owner: typeof GAME): string => ec2Of(owner, `vpc/${VPC_ID}`);
const accepted = (owner: typeof GAME): string =>
  `${ec2Of(owner, 'vpc-peering-connection/*')} if ec2:AccepterVpc ArnEquals ${vpcArnOf(owner)}`;
const inside = (owner: typeof GAME, ...kinds: string[]): string =>
  `${kinds.map((kind) => ec2Of(owner, `${kind}/*`)).join(', ')} if ec2:Vpc ArnEquals ${vpcArnOf(owner)}`;
const FLEETS = 'arn:aws:gamelift:us-east-1:*:fleet/*';

/** What every handler has: its logs, and the trust in Lambda. */
const HANDLER: Listing = {
  Logs: { '<GameLiftVpcPeeringHandlerLogGroupF5FE6E49.Arn>': ['logs:CreateLogStream', 'logs:PutLogEvents'] },
  'Trust of GameLiftVpcPeeringHandlerRoleB8C6F82F': { 'Allow Service lambda.amazonaws.com': ['sts:AssumeRole'] },
};

/** What authorizing takes, in the account of the VPC. */
const authorizing = (owner: typeof GAME): Listing[string] => ({
  '*': [
    'gamelift:CreateVpcPeeringAuthorization',
    'gamelift:DeleteVpcPeeringAuthorization',
    'gamelift:DescribeVpcPeeringAuthorizations',
    'ec2:DescribeRouteTables',
    'ec2:DescribeSecurityGroups',
    'ec2:DescribeVpcs',
  ],
  [vpcArnOf(owner)]: ['ec2:AcceptVpcPeeringConnection'],
  [accepted(owner)]: ['ec2:AcceptVpcPeeringConnection'],
  [inside(owner, 'route-table', 'security-group')]: [
    'ec2:AuthorizeSecurityGroupEgress',
    'ec2:AuthorizeSecurityGroupIngress',
    'ec2:CreateRoute',
    'ec2:DeleteRoute',
    'ec2:RevokeSecurityGroupEgress',
    'ec2:RevokeSecurityGroupIngress',
  ],
});

const FLEET_SIDE = [
  'gamelift:CreateVpcPeeringConnection',
  'gamelift:DeleteVpcPeeringConnection',
  'gamelift:DescribeFleetAttributes',
  'gamelift:DescribeVpcPeeringConnections',
];
const OWN_KEYS = 'cdk-gamelift-vpc-peering:*';
const ifOnlyTagged = (...keys: string[]): string =>
  ` if aws:TagKeys ForAllValues:StringLike ${keys.join(' or ')} if aws:TagKeys Null false`;

/** What connecting takes in the account of the fleets, whatever the VPC. */
const ON_FLEETS = {
  '*': FLEET_SIDE,
  [FLEETS]: ['gamelift:DescribeFleetEvents', 'gamelift:ListTagsForResource'],
  [FLEETS + ifOnlyTagged(OWN_KEYS)]: ['gamelift:TagResource', 'gamelift:UntagResource'],
};

/** Tags, routes and DNS in the account of the VPC. */
const network = (owner: typeof GAME): Listing[string] => ({
  '*': ['ec2:DescribeVpcPeeringConnections'],
  [`${ec2Of(owner, 'vpc-peering-connection/*')} if ec2:AccepterVpc ArnEqualsIfExists ${vpcArnOf(owner)}${ifOnlyTagged('Name', OWN_KEYS)}`]:
    ['ec2:CreateTags', 'ec2:DeleteTags'],
  [accepted(owner)]: ['ec2:ModifyVpcPeeringConnectionOptions'],
  [inside(owner, 'route-table')]: ['ec2:ReplaceRoute'],
});

/** What connecting takes where the VPC is of another account. */
const CALLER = {
  '*': ['ec2:DescribeRouteTables', 'ec2:DescribeSecurityGroups'],
  [vpcArnOf(DATA)]: ['ec2:AcceptVpcPeeringConnection'],
  [accepted(DATA)]: ['ec2:AcceptVpcPeeringConnection'],
  [inside(DATA, 'route-table', 'security-group')]: [
    'ec2:AuthorizeSecurityGroupEgress',
    'ec2:AuthorizeSecurityGroupIngress',
    'ec2:CreateRoute',
  ],
};

const TEARDOWN = { '*': ['gamelift:DescribeVpcPeeringConnections'] };

test('an authorization, connections and fleets of one account', () => {
  const stack = peered(GAME, (scope) => new VpcPeeringAuthorization(scope, 'Authorization', { vpc: vpcOf(scope) }));
  expect(granted(stack)).toEqual({
    ...HANDLER,
    Authorize: authorizing(GAME),
    Teardown: TEARDOWN,
    Fleets: ON_FLEETS,
    Connect: network(GAME),
  });
});

test('the stack of the fleets, let into the account of the VPC', () => {
  const roleArn = 'arn:aws:iam::222222222222:role/Peering';
  expect(granted(peered(GAME, imported(roleArn)))).toEqual({
    ...HANDLER,
    Assume: { [roleArn]: ['sts:AssumeRole'] },
    Teardown: TEARDOWN,
    Fleets: ON_FLEETS,
    Connect: CALLER,
  });
});

test('the stack of the fleets, not let into the account of the VPC', () => {
  expect(granted(peered(GAME, imported(), PeeringRoutes.none()))).toEqual({
    ...HANDLER,
    Receive: {
      '*': ['gamelift:DescribeVpcPeeringAuthorizations', 'gamelift:DescribeVpcPeeringConnections'],
      '<AWS::StackId>': ['cloudformation:DescribeStacks'],
    },
    Teardown: TEARDOWN,
    Fleets: ON_FLEETS,
    Connect: CALLER,
  });
});

test('the role in the account of the VPC', () => {
  const stack = new Stack(new App(), 'Data', { env: DATA });
  new VpcPeeringRole(stack, 'Role', { vpc: vpcOf(stack), gameLiftAccount: GAME.account });
  const { '*': anywhere = [], [accepted(DATA)]: peerings = [], ...others } = authorizing(DATA);
  const { '*': more = [], [accepted(DATA)]: options = [], ...rest } = network(DATA);
  expect(granted(stack)).toEqual({
    Peer: { ...others, ...rest, '*': [...anywhere, ...more], [accepted(DATA)]: [...peerings, ...options] },
    'Trust of Role1ABCC5F0': { 'Allow AWS arn:aws:iam::111111111111:root': ['sts:AssumeRole'] },
  });
});

test('the role in the account of the VPC, with an external id', () => {
  const stack = new Stack(new App(), 'Data', { env: DATA });
  new VpcPeeringRole(stack, 'Role', { vpc: vpcOf(stack), gameLiftAccount: GAME.account, externalId: 'studio-7' });
  expect(granted(stack)['Trust of Role1ABCC5F0']).toEqual({
    'Allow AWS arn:aws:iam::111111111111:root if sts:ExternalId StringEquals studio-7': ['sts:AssumeRole'],
  });
});

test('an authorization that is renewed on a schedule', () => {
  const stack = new Stack(new App(), 'Data', { env: DATA });
  new VpcPeeringAuthorization(stack, 'Authorization', {
    vpc: vpcOf(stack),
    gameLiftAccount: GAME.account,
    renewal: AuthorizationRenewal.scheduled(Duration.hours(12)),
  });
  const queue = '<GameLiftVpcPeeringHandlerRenewalsFailures13BAC665.Arn>';
  expect(granted(stack)).toEqual({
    ...HANDLER,
    Authorize: authorizing(DATA),
    ReportRenewals: { [queue]: ['sqs:SendMessage'] },
    // the role of EventBridge Scheduler
    Renew: { '<GameLiftVpcPeeringHandlerRenewalsAlias8E3927F2>': ['lambda:InvokeFunction'], [queue]: ['sqs:SendMessage'] },
    'Trust of GameLiftVpcPeeringHandlerRenewalsRole2C262E9B': {
      [`Allow Service scheduler.amazonaws.com if aws:SourceAccount StringEquals ${DATA.account}`]: ['sts:AssumeRole'],
    },
    'AWS::SQS::QueuePolicy': { [`Deny AWS * on ${queue} if aws:SecureTransport Bool false`]: ['sqs:*'] },
  });
});

test('the function in a VPC, traced: what Lambda itself does in its name, which has no narrower scope', () => {
  const stack = new Stack(new App(), 'Game', { env: GAME });
  new VpcPeeringHandler(stack, 'Handler', { vpc: vpcOf(stack), tracing: lambda.Tracing.ACTIVE });
  expect(granted(stack)).toEqual({
    ...HANDLER,
    NetworkInterfaces: {
      '*': [
        'ec2:CreateNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
    },
    Tracing: { '*': ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'] },
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Duration, Lazy, Stack } from 'aws-cdk-lib';
import type { Environment } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { formatScope } from 'rehearsal/report';
import {
  AuthorizationRenewal,
  PeeringRoutes,
  VpcPeeringAuthorization,
  VpcPeeringConnection,
  VpcPeeringHandler,
  VpcPeeringRole,
} from '../../lib';
import type { IVpcPeeringAuthorization, VpcPeeringAuthorizationProps } from '../../lib';
import { kindOf, plain } from '../policies';
import type { PlainStatement } from '../policies';

/*
 * All permissions that this library grants. A permission that is not listed here makes a test fail.
 */

const region = 'us-east-1';
const GAME = { account: '111111111111', region };
const DATA = { account: '222222222222', region };
const VPC_ID = 'vpc-0123456789abcdef0';

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

/** A statement, and the purpose of its policy. */
interface Granted {
  readonly kind: string;
  readonly scope: string;
  readonly actions: readonly string[];
  readonly statement: PlainStatement;
}

/** All statements of a template: those of inline policies, of policy resources, and of the trust policies of roles. */
function statementsOf(stack: Stack): Granted[] {
  const { Resources } = plain(Template.fromStack(stack).toJSON()) as {
    Resources: Record<string, { Type: string; Properties: Granting }>;
  };
  const read = (kind: string, { Statement }: Document): Granted[] =>
    Statement.map((statement) => ({ kind, scope: describeScope(statement), actions: [statement.Action].flat(), statement }));
  return Object.entries(Resources).flatMap(([id, { Type, Properties }]) => {
    // this type would grant a permission outside of these policies
    expect(Type).not.toBe('AWS::Lambda::Permission');
    expect(Properties.ManagedPolicyArns).toBeUndefined();
    const { PolicyName, PolicyDocument, Policies = [], AssumeRolePolicyDocument } = Properties;
    return [
      ...Policies.flatMap((policy) => read(kindOf(policy.PolicyName), policy.PolicyDocument)),
      ...(PolicyDocument === undefined ? [] : read(PolicyName === undefined ? Type : kindOf(PolicyName), PolicyDocument)),
      ...(AssumeRolePolicyDocument === undefined ? [] : read(`Trust of ${id}`, AssumeRolePolicyDocument)),
    ];
  });
}

/** The actions of all statements, by the purpose of the policy and by the scope of the statement. */
function granted(stack: Stack): Listing {
  const listing: Listing = {};
  for (const { kind, scope, actions } of statementsOf(stack)) {
    const scopes = (listing[kind] ??= {});
    (scopes[scope] ??= []).push(...actions);
  }
  return listing;
}

/** The resources and conditions of a statement, and its effect and principals if it denies or has principals. */
function describeScope(statement: PlainStatement): string {
  const { Effect, Principal, Resource } = statement;
  if (Effect === 'Allow' && Principal === undefined) {
    return formatScope(statement);
  }
  const principals = Object.entries(Principal ?? {}).map(([kind, names]) => ` ${kind} ${[names].flat().join(' or ')}`);
  return [Effect, ...principals, Resource === undefined ? '' : ' on ', formatScope(statement)].join('');
}

function vpcOf(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: VPC_ID,
    availabilityZones: ['us-east-1a'],
    privateSubnetIds: ['subnet-0123456789abcdef0'],
  });
}

type MakeAuthorization = (stack: Stack) => IVpcPeeringAuthorization;

/** A stack with a fleet that is peered on creation, and a fleet that is connected later. */
function peered(env: typeof GAME, makeAuthorization: MakeAuthorization, routes?: PeeringRoutes): Stack {
  const stack = new Stack(new App(), 'Game', { env });
  const authorization = makeAuthorization(stack);
  const options = { authorization, ...(routes === undefined ? {} : { routes }) };
  const peeredOnCreate = new gamelift.CfnFleet(stack, 'PeeredOnCreate', { name: 'peered' });
  new VpcPeeringConnection(stack, 'OnCreate', { ...options, fleet: peeredOnCreate, peerOnCreate: true });
  const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' });
  new VpcPeeringConnection(stack, 'Peering', { ...options, fleet });
  return stack;
}

const imported =
  (peerRoleArn?: string): MakeAuthorization =>
  (stack) =>
    VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Authorization', {
      vpc: vpcOf(stack),
      peerVpcAccount: DATA.account,
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

/** What every handler has: permissions for its logs, and a trust policy for Lambda. */
const HANDLER: Listing = {
  Logs: { '<GameLiftVpcPeeringHandlerLogGroupF5FE6E49.Arn>': ['logs:CreateLogStream', 'logs:PutLogEvents'] },
  'Trust of GameLiftVpcPeeringHandlerRoleB8C6F82F': { 'Allow Service lambda.amazonaws.com': ['sts:AssumeRole'] },
};

/** The actions that list the connections of the account's fleets, and of its VPCs. */
const FLEET_CONNECTIONS = 'gamelift:DescribeVpcPeeringConnections';
const VPC_CONNECTIONS = 'ec2:DescribeVpcPeeringConnections';

/** The permissions to authorize in the account of the VPC, and to check before a cancellation whether something is still peered. */
const authorizing = (owner: typeof GAME, ...checks: string[]): Listing[string] => ({
  '*': [
    'gamelift:CreateVpcPeeringAuthorization',
    'gamelift:DeleteVpcPeeringAuthorization',
    'gamelift:DescribeVpcPeeringAuthorizations',
    'ec2:DescribeRouteTables',
    'ec2:DescribeSecurityGroups',
    'ec2:DescribeVpcs',
    ...checks,
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
  FLEET_CONNECTIONS,
];
const OWN_KEYS = 'cdk-gamelift-vpc-peering:*';
const ifOnlyTagged = (...keys: string[]): string =>
  ` if aws:TagKeys ForAllValues:StringLike ${keys.join(' or ')} if aws:TagKeys Null false`;

/** The permissions to create and delete connections, in the GameLift account. */
const ON_FLEETS = {
  '*': FLEET_SIDE,
  [FLEETS]: ['gamelift:DescribeFleetEvents', 'gamelift:ListTagsForResource'],
  [FLEETS + ifOnlyTagged(OWN_KEYS)]: ['gamelift:TagResource', 'gamelift:UntagResource'],
};

/** The permissions for tags, routes and DNS, in the account of the VPC. */
const network = (owner: typeof GAME): Listing[string] => ({
  '*': [VPC_CONNECTIONS],
  [accepted(owner) + ifOnlyTagged('Name', OWN_KEYS)]: ['ec2:CreateTags'],
  [accepted(owner)]: ['ec2:ModifyVpcPeeringConnectionOptions'],
  [inside(owner, 'route-table')]: ['ec2:ReplaceRoute'],
});

/** The permissions to remove tags, only from connections that have tags of this library. */
const untagging = (owner: typeof GAME): Listing[string] => {
  const peerings = ec2Of(owner, 'vpc-peering-connection/*') + ifOnlyTagged('Name', OWN_KEYS);
  return {
    [`${peerings} if aws:ResourceTag/cdk-gamelift-vpc-peering:owner Null false`]: ['ec2:DeleteTags'],
    [`${peerings} if aws:ResourceTag/cdk-gamelift-vpc-peering:changed:fleet Null false`]: ['ec2:DeleteTags'],
  };
};

/** What AWS requires of the caller of CreateVpcPeeringConnection if the VPC is in another account. */
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

/** A stack with a single construct. */
function stackWith(env: typeof GAME, add: (stack: Stack) => void): Stack {
  const stack = new Stack(new App(), 'Stack', { env });
  add(stack);
  return stack;
}

const ROLE_ARN = 'arn:aws:iam::222222222222:role/Peering';

/** Stacks that together have all statements that the library can grant. */
const STACKS = {
  oneAccount: () => peered(GAME, (stack) => new VpcPeeringAuthorization(stack, 'Authorization', { vpc: vpcOf(stack) })),
  throughRole: () => peered(GAME, imported(ROLE_ARN)),
  withoutTrust: () => peered(GAME, imported(), PeeringRoutes.none()),
  role: () =>
    stackWith(DATA, (stack) => {
      new VpcPeeringRole(stack, 'Role', { vpc: vpcOf(stack), gameLiftAccount: GAME.account });
    }),
  roleWithExternalId: () =>
    stackWith(DATA, (stack) => {
      new VpcPeeringRole(stack, 'Role', { vpc: vpcOf(stack), gameLiftAccount: GAME.account, externalId: 'studio-7' });
    }),
  scheduled: () =>
    stackWith(DATA, (stack) => {
      new VpcPeeringAuthorization(stack, 'Authorization', {
        vpc: vpcOf(stack),
        gameLiftAccount: GAME.account,
        renewal: AuthorizationRenewal.scheduled(Duration.hours(12)),
      });
    }),
  inVpc: () =>
    stackWith(GAME, (stack) => {
      new VpcPeeringHandler(stack, 'Handler', { vpc: vpcOf(stack), tracing: lambda.Tracing.ACTIVE });
    }),
} as const;

test('the handler of an authorization with its fleets, all in one account', () => {
  expect(granted(STACKS.oneAccount())).toEqual({
    ...HANDLER,
    Authorize: authorizing(GAME, FLEET_CONNECTIONS),
    FleetsAndTags: { ...ON_FLEETS, ...untagging(GAME) },
    Connect: network(GAME),
  });
});

test('the handler of fleets in another account than the VPC, with a peer role', () => {
  expect(granted(STACKS.throughRole())).toEqual({
    ...HANDLER,
    Assume: { [ROLE_ARN]: ['sts:AssumeRole'], '*': [FLEET_CONNECTIONS] },
    Fleets: ON_FLEETS,
    Connect: CALLER,
  });
});

test('the handler of fleets in another account than the VPC, without a peer role', () => {
  expect(granted(STACKS.withoutTrust())).toEqual({
    ...HANDLER,
    Receive: {
      '*': ['gamelift:DescribeVpcPeeringAuthorizations', FLEET_CONNECTIONS],
      '<AWS::StackId>': ['cloudformation:DescribeStacks'],
    },
    Fleets: ON_FLEETS,
    Connect: CALLER,
  });
});

test('a VpcPeeringRole', () => {
  const { '*': anywhere = [], [accepted(DATA)]: peerings = [], ...others } = authorizing(DATA);
  const { '*': more = [], [accepted(DATA)]: options = [], ...rest } = network(DATA);
  expect(granted(STACKS.role())).toEqual({
    Peer: { ...others, ...rest, ...untagging(DATA), '*': [...anywhere, ...more], [accepted(DATA)]: [...peerings, ...options] },
    'Trust of Role1ABCC5F0': { 'Allow AWS arn:aws:iam::111111111111:root': ['sts:AssumeRole'] },
  });
});

test('a VpcPeeringRole with an external id', () => {
  expect(granted(STACKS.roleWithExternalId())['Trust of Role1ABCC5F0']).toEqual({
    'Allow AWS arn:aws:iam::111111111111:root if sts:ExternalId StringEquals studio-7': ['sts:AssumeRole'],
  });
});

test('the handler of an authorization that is renewed on a schedule, only in the account of the VPC', () => {
  const queue = '<GameLiftVpcPeeringHandlerRenewalsFailures13BAC665.Arn>';
  expect(granted(STACKS.scheduled())).toEqual({
    ...HANDLER,
    Authorize: authorizing(DATA, VPC_CONNECTIONS),
    ReportRenewals: { [queue]: ['sqs:SendMessage'] },
    // the role of EventBridge Scheduler
    Renew: { '<GameLiftVpcPeeringHandlerRenewalsAlias8E3927F2>': ['lambda:InvokeFunction'], [queue]: ['sqs:SendMessage'] },
    'Trust of GameLiftVpcPeeringHandlerRenewalsRole2C262E9B': {
      [`Allow Service scheduler.amazonaws.com if aws:SourceAccount StringEquals ${DATA.account}`]: ['sts:AssumeRole'],
    },
    'AWS::SQS::QueuePolicy': { [`Deny AWS * on ${queue} if aws:SecureTransport Bool false`]: ['sqs:*'] },
  });
});

test('a handler in a VPC, with tracing: AWS supports no narrower resource for what Lambda itself needs', () => {
  expect(granted(STACKS.inVpc())).toEqual({
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

describe('the check whether something is still peered, before an authorization is canceled', () => {
  type Props = Omit<VpcPeeringAuthorizationProps, 'vpc'>;
  const TOKEN = Lazy.string({ produce: () => GAME.account });
  const roleIn = (stack: Stack): Props => ({ peerRole: iam.Role.fromRoleArn(stack, 'PeerRole', ROLE_ARN) });

  /** The permissions to list connections, of the handler of a stack with an authorization for each of the properties. */
  function checksOf(env: Environment, ...authorizations: ((stack: Stack) => Props)[]): string[] {
    const stack = new Stack(new App(), 'Stack', { env });
    const vpc = vpcOf(stack);
    authorizations.forEach((propsIn, index) => {
      new VpcPeeringAuthorization(stack, `Authorization${index}`, { vpc, ...propsIn(stack) });
    });
    const statements = statementsOf(stack).filter(({ actions }) =>
      actions.some((action) => action.endsWith('PeeringConnections')),
    );
    expect(statements.map(({ scope }) => scope)).toEqual(statements.map(() => '*'));
    return statements.flatMap(({ kind, actions }) => actions.map((action) => `${kind} ${action}`));
  }

  test.each<[string, Environment, (stack: Stack) => Props, string[]]>([
    ['calls GameLift if the VPC and the fleets are in one account', GAME, () => ({}), [`Authorize ${FLEET_CONNECTIONS}`]],
    [
      'calls GameLift if the VPC and the fleets are in the account of a stack without an account',
      {},
      () => ({}),
      [`Authorize ${FLEET_CONNECTIONS}`],
    ],
    ['calls EC2 in the account of the VPC', DATA, () => ({ gameLiftAccount: GAME.account }), [`Authorize ${VPC_CONNECTIONS}`]],
    [
      'may call either if the account of the stack is a token',
      {},
      () => ({ gameLiftAccount: GAME.account }),
      [`Authorize ${FLEET_CONNECTIONS}`, `Authorize ${VPC_CONNECTIONS}`],
    ],
    [
      'may call either if the GameLift account is a token',
      DATA,
      () => ({ gameLiftAccount: TOKEN }),
      [`Authorize ${FLEET_CONNECTIONS}`, `Authorize ${VPC_CONNECTIONS}`],
    ],
    ['calls GameLift in the GameLift account, with a peer role', GAME, roleIn, [`Assume ${FLEET_CONNECTIONS}`]],
    [
      'calls GameLift if the GameLift account is a token, with a peer role',
      GAME,
      (stack) => ({ ...roleIn(stack), gameLiftAccount: TOKEN }),
      [`Assume ${FLEET_CONNECTIONS}`],
    ],
    [
      'needs no permission of its own in a third account, with a peer role',
      { ...GAME, account: '333333333333' },
      (stack) => ({ ...roleIn(stack), gameLiftAccount: GAME.account }),
      [],
    ],
  ])('%s', (_, env, propsIn, expected) => {
    expect(checksOf(env, propsIn)).toEqual(expected);
  });

  test('has the permissions for all authorizations of a VPC, in any order and each only once', () => {
    const [own, other, another] = [
      () => ({}),
      () => ({ gameLiftAccount: '333333333333' }),
      () => ({ gameLiftAccount: '444444444444' }),
    ];
    const both = [`Authorize ${FLEET_CONNECTIONS}`, `Authorize ${VPC_CONNECTIONS}`];
    expect(checksOf(GAME, own, other, another)).toEqual(both);
    expect(checksOf(GAME, other, another, own).sort()).toEqual([...both].sort());
  });
});

describe('docs/security.md', () => {
  const text = readFileSync(join(__dirname, '..', '..', 'docs', 'security.md'), 'utf8');
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').slice(1, -1));
  const quoted = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);

  test('has exactly one row for each statement, with the policies that contain it', () => {
    const documented = rows.flatMap(([policies, actions]) =>
      quoted(policies).map((policy) => `${policy}: ${quoted(actions).join(' ')}`),
    );
    const statements = Object.values(STACKS).flatMap((stack) => statementsOf(stack()));
    const distinct = new Map(
      statements.map(({ kind, scope, actions }) => {
        const policy = kind.replace(/^Trust of .*/, 'Trust').replace('AWS::SQS::', '');
        const where = scope.replace(/\b\d{12}\b/g, 'ACCOUNT');
        return [`${policy}: ${actions.join(' ')} on ${where}`, `${policy}: ${actions.join(' ')}`];
      }),
    );
    expect(documented.sort()).toEqual([...distinct.values()].sort());
  });

  test('says for each statement why it is needed, what an attacker could do with it, and how to limit that', () => {
    for (const cells of rows) {
      expect(cells).toHaveLength(6);
      expect(cells.filter((cell) => cell.trim() === '')).toEqual([]);
    }
  });
});

describe('docs/handler-role.md', () => {
  const text = readFileSync(join(__dirname, '..', '..', 'docs', 'handler-role.md'), 'utf8');
  const sections = [...text.matchAll(/^### `(\w+)`[^]*?```json\n([^]*?)```/gm)].map(([, kind = '', json = '']) => ({
    kind,
    statements: JSON.parse(json) as unknown,
  }));

  /** In the order of the document. */
  const EXPECTED: readonly (readonly [kind: string, stack: keyof typeof STACKS])[] = [
    ['Logs', 'oneAccount'],
    ['Authorize', 'oneAccount'],
    ['Authorize', 'scheduled'],
    ['Assume', 'throughRole'],
    ['Receive', 'withoutTrust'],
    ['FleetsAndTags', 'oneAccount'],
    ['Fleets', 'throughRole'],
    ['Connect', 'oneAccount'],
    ['Connect', 'throughRole'],
    ['ReportRenewals', 'scheduled'],
    ['NetworkInterfaces', 'inVpc'],
    ['Tracing', 'inVpc'],
  ];

  /** References as the document names them. */
  const named = (statements: readonly PlainStatement[]): unknown =>
    JSON.parse(
      JSON.stringify(statements)
        .replaceAll('<GameLiftVpcPeeringHandlerLogGroupF5FE6E49.Arn>', 'LOG_GROUP_ARN')
        .replaceAll('<GameLiftVpcPeeringHandlerRenewalsFailures13BAC665.Arn>', 'QUEUE_ARN')
        .replaceAll('<AWS::StackId>', 'STACK_ARN'),
    );

  test('lists the statements of each policy of the function, by kind', () => {
    expect(sections.map(({ kind }) => kind)).toEqual(EXPECTED.map(([kind]) => kind));
    EXPECTED.forEach(([kind, stack], index) => {
      const statements = statementsOf(STACKS[stack]()).filter((each) => each.kind === kind);
      expect(sections[index]?.statements).toEqual(named(statements.map(({ statement }) => statement)));
    });
  });

  test('lists every kind of policy that the function can have', () => {
    const others = /^(Trust of .*|Peer|Renew|AWS::SQS::QueuePolicy)$/;
    const kinds = Object.values(STACKS).flatMap((stack) => statementsOf(stack()).map(({ kind }) => kind));
    const ofFunction = new Set(kinds.filter((kind) => !others.test(kind)));
    expect(new Set(sections.map(({ kind }) => kind))).toEqual(ofFunction);
  });
});

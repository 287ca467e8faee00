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
import { codeSpansIn } from '../compliance';
import { purposeOf, resolveReferences } from '../policies';
import type { ResolvedStatement } from '../policies';

/*
 * All permissions that this library grants. A permission that is not listed here makes a test fail.
 */

const region = 'us-east-1';
const GAME_ENV = { account: '111111111111', region };
const DATA_ENV = { account: '222222222222', region };
const VPC_ID = 'vpc-0123456789abcdef0';

interface PolicyDocument {
  readonly Statement: readonly ResolvedStatement[];
}

interface Policy {
  readonly PolicyName: string;
  readonly PolicyDocument: PolicyDocument;
}

interface ResourceProperties extends Partial<Policy> {
  readonly Policies?: readonly Policy[];
  readonly ManagedPolicyArns?: readonly string[];
  readonly AssumeRolePolicyDocument?: PolicyDocument;
}

/** Actions, by the purpose of the policy and by the scope of the statement. */
type Permissions = Record<string, Record<string, string[]>>;

interface GrantedStatement {
  /** The purpose of the policy that contains the statement. */
  readonly purpose: string;
  /** The resources and conditions of the statement, as text. */
  readonly scope: string;
  readonly actions: readonly string[];
  readonly statement: ResolvedStatement;
}

/** All statements of a template: those of inline policies, of policy resources, and of the trust policies of roles. */
function statementsOf(stack: Stack): GrantedStatement[] {
  const { Resources } = resolveReferences(Template.fromStack(stack).toJSON()) as {
    Resources: Record<string, { Type: string; Properties: ResourceProperties }>;
  };
  const readDocument = (purpose: string, { Statement }: PolicyDocument): GrantedStatement[] =>
    Statement.map((statement) => ({ purpose, scope: describeScope(statement), actions: [statement.Action].flat(), statement }));
  return Object.entries(Resources).flatMap(([id, { Type, Properties }]) => {
    // such a resource would grant permissions that this function does not find
    expect(Type).not.toBe('AWS::Lambda::Permission');
    expect(Properties.ManagedPolicyArns).toBeUndefined();
    const { PolicyName, PolicyDocument, Policies = [], AssumeRolePolicyDocument } = Properties;
    return [
      ...Policies.flatMap((policy) => readDocument(purposeOf(policy.PolicyName), policy.PolicyDocument)),
      ...(PolicyDocument === undefined
        ? []
        : readDocument(PolicyName === undefined ? Type : purposeOf(PolicyName), PolicyDocument)),
      ...(AssumeRolePolicyDocument === undefined ? [] : readDocument(`Trust of ${id}`, AssumeRolePolicyDocument)),
    ];
  });
}

/** The permissions in all statements of a template. */
function permissionsOf(stack: Stack): Permissions {
  const permissions: Permissions = {};
  for (const { purpose, scope, actions } of statementsOf(stack)) {
    const scopes = (permissions[purpose] ??= {});
    (scopes[scope] ??= []).push(...actions);
  }
  return permissions;
}

/** The resources and conditions of a statement as text. If the statement denies or has principals, also its effect and its principals. */
function describeScope(statement: ResolvedStatement): string {
  const { Effect, Principal, Resource } = statement;
  if (Effect === 'Allow' && Principal === undefined) {
    return formatScope(statement);
  }
  const principals = Object.entries(Principal ?? {}).map(([kind, names]) => ` ${kind} ${[names].flat().join(' or ')}`);
  return [Effect, ...principals, Resource === undefined ? '' : ' on ', formatScope(statement)].join('');
}

function importVpc(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: VPC_ID,
    availabilityZones: ['us-east-1a'],
    privateSubnetIds: ['subnet-0123456789abcdef0'],
  });
}

type CreateAuthorization = (stack: Stack) => IVpcPeeringAuthorization;

/** A stack with a fleet that is peered on creation, and a fleet that is connected later. */
function stackWithFleets(env: typeof GAME_ENV, createAuthorization: CreateAuthorization, routes?: PeeringRoutes): Stack {
  const stack = new Stack(new App(), 'Game', { env });
  const authorization = createAuthorization(stack);
  const options = { authorization, ...(routes === undefined ? {} : { routes }) };
  const peeredOnCreate = new gamelift.CfnFleet(stack, 'PeeredOnCreate', { name: 'peered' });
  new VpcPeeringConnection(stack, 'OnCreate', { ...options, fleet: peeredOnCreate, peerOnCreate: true });
  const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' });
  new VpcPeeringConnection(stack, 'Peering', { ...options, fleet });
  return stack;
}

const importAuthorization =
  (peerRoleArn?: string): CreateAuthorization =>
  (stack) =>
    VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Authorization', {
      vpc: importVpc(stack),
      peerVpcAccount: DATA_ENV.account,
      ...(peerRoleArn === undefined
        ? {}
        : { peerRole: VpcPeeringRole.fromRoleArn(stack, 'PeerRole', peerRoleArn, { mutable: false }) }),
    });

const ec2ArnOf = ({ account }: typeof GAME_ENV, resource: string): string => `arn:aws:ec2:${region}:${account}:${resource}`;
const vpcArnOf = (vpcEnv: typeof GAME_ENV): string => ec2ArnOf(vpcEnv, `vpc/${VPC_ID}`);
const acceptedConnections = (vpcEnv: typeof GAME_ENV): string =>
  `${ec2ArnOf(vpcEnv, 'vpc-peering-connection/*')} if ec2:AccepterVpc ArnEquals ${vpcArnOf(vpcEnv)}`;
const resourcesInVpc = (vpcEnv: typeof GAME_ENV, ...kinds: string[]): string =>
  `${kinds.map((kind) => ec2ArnOf(vpcEnv, `${kind}/*`)).join(', ')} if ec2:Vpc ArnEquals ${vpcArnOf(vpcEnv)}`;
const FLEET_ARN = 'arn:aws:gamelift:us-east-1:*:fleet/*';

/** The permissions of every handler: for its logs, and for Lambda to assume its role. */
const HANDLER_PERMISSIONS: Permissions = {
  Logs: { '<GameLiftVpcPeeringHandlerLogGroupF5FE6E49.Arn>': ['logs:CreateLogStream', 'logs:PutLogEvents'] },
  'Trust of GameLiftVpcPeeringHandlerRoleB8C6F82F': { 'Allow Service lambda.amazonaws.com': ['sts:AssumeRole'] },
};

/** The action that lists the connections of an account's fleets. */
const LIST_FLEET_CONNECTIONS = 'gamelift:DescribeVpcPeeringConnections';
/** The action that lists the connections of an account's VPCs. */
const LIST_VPC_CONNECTIONS = 'ec2:DescribeVpcPeeringConnections';

/** The permissions to authorize in the account of the VPC, and to check that nothing is peered before a cancellation. */
const authorizePermissions = (vpcEnv: typeof GAME_ENV, ...checks: string[]): Permissions[string] => ({
  '*': [
    'gamelift:CreateVpcPeeringAuthorization',
    'gamelift:DeleteVpcPeeringAuthorization',
    'gamelift:DescribeVpcPeeringAuthorizations',
    'ec2:DescribeRouteTables',
    'ec2:DescribeSecurityGroups',
    'ec2:DescribeVpcs',
    ...checks,
  ],
  [vpcArnOf(vpcEnv)]: ['ec2:AcceptVpcPeeringConnection'],
  [acceptedConnections(vpcEnv)]: ['ec2:AcceptVpcPeeringConnection'],
  [resourcesInVpc(vpcEnv, 'route-table', 'security-group')]: [
    'ec2:AuthorizeSecurityGroupEgress',
    'ec2:AuthorizeSecurityGroupIngress',
    'ec2:CreateRoute',
    'ec2:DeleteRoute',
    'ec2:RevokeSecurityGroupEgress',
    'ec2:RevokeSecurityGroupIngress',
  ],
});

const LIBRARY_TAG_KEYS = 'cdk-gamelift-vpc-peering:*';
const ifOnlyTagged = (...keys: string[]): string =>
  ` if aws:TagKeys ForAllValues:StringLike ${keys.join(' or ')} if aws:TagKeys Null false`;

/** The permissions to create and delete connections, in the GameLift account. */
const FLEET_PERMISSIONS = {
  '*': [
    'gamelift:CreateVpcPeeringConnection',
    'gamelift:DeleteVpcPeeringConnection',
    'gamelift:DescribeFleetAttributes',
    LIST_FLEET_CONNECTIONS,
  ],
  [FLEET_ARN]: ['gamelift:DescribeFleetEvents', 'gamelift:ListTagsForResource'],
  [FLEET_ARN + ifOnlyTagged(LIBRARY_TAG_KEYS)]: ['gamelift:TagResource', 'gamelift:UntagResource'],
};

/** The permissions for tags, routes and DNS, in the account of the VPC. */
const networkPermissions = (vpcEnv: typeof GAME_ENV): Permissions[string] => ({
  '*': [LIST_VPC_CONNECTIONS],
  [acceptedConnections(vpcEnv) + ifOnlyTagged('Name', LIBRARY_TAG_KEYS)]: ['ec2:CreateTags'],
  [acceptedConnections(vpcEnv)]: ['ec2:ModifyVpcPeeringConnectionOptions'],
  [resourcesInVpc(vpcEnv, 'route-table')]: ['ec2:ReplaceRoute'],
});

/** The permissions to remove tags, only from connections that have tags of this library. */
const untagPermissions = (vpcEnv: typeof GAME_ENV): Permissions[string] => {
  const peerings = ec2ArnOf(vpcEnv, 'vpc-peering-connection/*') + ifOnlyTagged('Name', LIBRARY_TAG_KEYS);
  return {
    [`${peerings} if aws:ResourceTag/cdk-gamelift-vpc-peering:owner Null false`]: ['ec2:DeleteTags'],
    [`${peerings} if aws:ResourceTag/cdk-gamelift-vpc-peering:changed:fleet Null false`]: ['ec2:DeleteTags'],
  };
};

/** The permissions that the caller of CreateVpcPeeringConnection needs if the VPC is in another account. */
const CALLER_PERMISSIONS = {
  '*': ['ec2:DescribeRouteTables', 'ec2:DescribeSecurityGroups'],
  [vpcArnOf(DATA_ENV)]: ['ec2:AcceptVpcPeeringConnection'],
  [acceptedConnections(DATA_ENV)]: ['ec2:AcceptVpcPeeringConnection'],
  [resourcesInVpc(DATA_ENV, 'route-table', 'security-group')]: [
    'ec2:AuthorizeSecurityGroupEgress',
    'ec2:AuthorizeSecurityGroupIngress',
    'ec2:CreateRoute',
  ],
};

/** A stack with the constructs that `addConstructs` creates. */
function stackWith(env: typeof GAME_ENV, addConstructs: (stack: Stack) => void): Stack {
  const stack = new Stack(new App(), 'Stack', { env });
  addConstructs(stack);
  return stack;
}

const ROLE_ARN = 'arn:aws:iam::222222222222:role/Peering';

/** Functions that create stacks. Together, the stacks have all statements that the library can grant. */
const CREATE_STACKS = {
  oneAccount: () =>
    stackWithFleets(GAME_ENV, (stack) => new VpcPeeringAuthorization(stack, 'Authorization', { vpc: importVpc(stack) })),
  withPeerRole: () => stackWithFleets(GAME_ENV, importAuthorization(ROLE_ARN)),
  withoutPeerRole: () => stackWithFleets(GAME_ENV, importAuthorization(), PeeringRoutes.none()),
  peerRole: () =>
    stackWith(DATA_ENV, (stack) => {
      new VpcPeeringRole(stack, 'Role', { vpc: importVpc(stack), gameLiftAccount: GAME_ENV.account });
    }),
  peerRoleWithExternalId: () =>
    stackWith(DATA_ENV, (stack) => {
      new VpcPeeringRole(stack, 'Role', { vpc: importVpc(stack), gameLiftAccount: GAME_ENV.account, externalId: 'studio-7' });
    }),
  withScheduledRenewal: () =>
    stackWith(DATA_ENV, (stack) => {
      new VpcPeeringAuthorization(stack, 'Authorization', {
        vpc: importVpc(stack),
        gameLiftAccount: GAME_ENV.account,
        renewal: AuthorizationRenewal.scheduled(Duration.hours(12)),
      });
    }),
  handlerInVpc: () =>
    stackWith(GAME_ENV, (stack) => {
      new VpcPeeringHandler(stack, 'Handler', { vpc: importVpc(stack), tracing: lambda.Tracing.ACTIVE });
    }),
} as const;

describe('the library grants exactly the listed permissions to', () => {
  test('the handler of an authorization and its fleets in one account', () => {
    expect(permissionsOf(CREATE_STACKS.oneAccount())).toEqual({
      ...HANDLER_PERMISSIONS,
      Authorize: authorizePermissions(GAME_ENV, LIST_FLEET_CONNECTIONS),
      FleetsAndTags: { ...FLEET_PERMISSIONS, ...untagPermissions(GAME_ENV) },
      Connect: networkPermissions(GAME_ENV),
    });
  });

  test('the handler of fleets in another account than the VPC, with a peer role', () => {
    expect(permissionsOf(CREATE_STACKS.withPeerRole())).toEqual({
      ...HANDLER_PERMISSIONS,
      Assume: { [ROLE_ARN]: ['sts:AssumeRole'], '*': [LIST_FLEET_CONNECTIONS] },
      Fleets: FLEET_PERMISSIONS,
      Connect: CALLER_PERMISSIONS,
    });
  });

  test('the handler of fleets in another account than the VPC, without a peer role', () => {
    expect(permissionsOf(CREATE_STACKS.withoutPeerRole())).toEqual({
      ...HANDLER_PERMISSIONS,
      Receive: {
        '*': ['gamelift:DescribeVpcPeeringAuthorizations', LIST_FLEET_CONNECTIONS],
        '<AWS::StackId>': ['cloudformation:DescribeStacks'],
      },
      Fleets: FLEET_PERMISSIONS,
      Connect: CALLER_PERMISSIONS,
    });
  });

  test('a VpcPeeringRole', () => {
    // two scopes occur in both kinds of permissions: the actions of these scopes are joined
    const {
      '*': authorizeAnywhere = [],
      [acceptedConnections(DATA_ENV)]: authorizeAccepted = [],
      ...authorizeOthers
    } = authorizePermissions(DATA_ENV);
    const {
      '*': networkAnywhere = [],
      [acceptedConnections(DATA_ENV)]: networkAccepted = [],
      ...networkOthers
    } = networkPermissions(DATA_ENV);
    expect(permissionsOf(CREATE_STACKS.peerRole())).toEqual({
      Peer: {
        ...authorizeOthers,
        ...networkOthers,
        ...untagPermissions(DATA_ENV),
        '*': [...authorizeAnywhere, ...networkAnywhere],
        [acceptedConnections(DATA_ENV)]: [...authorizeAccepted, ...networkAccepted],
      },
      'Trust of Role1ABCC5F0': { 'Allow AWS arn:aws:iam::111111111111:root': ['sts:AssumeRole'] },
    });
  });

  test('a VpcPeeringRole with an external id', () => {
    expect(permissionsOf(CREATE_STACKS.peerRoleWithExternalId())['Trust of Role1ABCC5F0']).toEqual({
      'Allow AWS arn:aws:iam::111111111111:root if sts:ExternalId StringEquals studio-7': ['sts:AssumeRole'],
    });
  });

  test('the handler of an authorization that is renewed on a schedule, only in the account of the VPC', () => {
    const queue = '<GameLiftVpcPeeringHandlerRenewalsFailures13BAC665.Arn>';
    expect(permissionsOf(CREATE_STACKS.withScheduledRenewal())).toEqual({
      ...HANDLER_PERMISSIONS,
      Authorize: authorizePermissions(DATA_ENV, LIST_VPC_CONNECTIONS),
      ReportRenewals: { [queue]: ['sqs:SendMessage'] },
      // the role of EventBridge Scheduler
      Renew: { '<GameLiftVpcPeeringHandlerRenewalsAlias8E3927F2>': ['lambda:InvokeFunction'], [queue]: ['sqs:SendMessage'] },
      'Trust of GameLiftVpcPeeringHandlerRenewalsRole2C262E9B': {
        [`Allow Service scheduler.amazonaws.com if aws:SourceAccount StringEquals ${DATA_ENV.account}`]: ['sts:AssumeRole'],
      },
      'AWS::SQS::QueuePolicy': { [`Deny AWS * on ${queue} if aws:SecureTransport Bool false`]: ['sqs:*'] },
    });
  });

  test('a handler in a VPC, with tracing', () => {
    // AWS supports no narrower resource for these actions, which Lambda itself needs
    expect(permissionsOf(CREATE_STACKS.handlerInVpc())).toEqual({
      ...HANDLER_PERMISSIONS,
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
});

describe('the check that nothing is peered, before an authorization is canceled', () => {
  type Props = Omit<VpcPeeringAuthorizationProps, 'vpc'>;
  const ACCOUNT_TOKEN = Lazy.string({ produce: () => GAME_ENV.account });
  const peerRoleIn = (stack: Stack): Props => ({ peerRole: iam.Role.fromRoleArn(stack, 'PeerRole', ROLE_ARN) });

  /** The permissions to list connections that the handler gets in a stack with these authorizations. */
  function listPermissionsOf(env: Environment, ...authorizations: ((stack: Stack) => Props)[]): string[] {
    const stack = new Stack(new App(), 'Stack', { env });
    const vpc = importVpc(stack);
    authorizations.forEach((propsIn, index) => {
      new VpcPeeringAuthorization(stack, `Authorization${index}`, { vpc, ...propsIn(stack) });
    });
    const statements = statementsOf(stack).filter(({ actions }) =>
      actions.some((action) => action.endsWith('PeeringConnections')),
    );
    expect(statements.map(({ scope }) => scope)).toEqual(statements.map(() => '*'));
    return statements.flatMap(({ purpose, actions }) => actions.map((action) => `${purpose} ${action}`));
  }

  test.each<[string, Environment, (stack: Stack) => Props, string[]]>([
    [
      'calls GameLift if the VPC and the fleets are in one account',
      GAME_ENV,
      () => ({}),
      [`Authorize ${LIST_FLEET_CONNECTIONS}`],
    ],
    [
      'calls GameLift if the stack has no account, and the VPC and the fleets are in its account',
      {},
      () => ({}),
      [`Authorize ${LIST_FLEET_CONNECTIONS}`],
    ],
    [
      'calls EC2 in the account of the VPC',
      DATA_ENV,
      () => ({ gameLiftAccount: GAME_ENV.account }),
      [`Authorize ${LIST_VPC_CONNECTIONS}`],
    ],
    [
      'may call GameLift or EC2 if the account of the stack is a token',
      {},
      () => ({ gameLiftAccount: GAME_ENV.account }),
      [`Authorize ${LIST_FLEET_CONNECTIONS}`, `Authorize ${LIST_VPC_CONNECTIONS}`],
    ],
    [
      'may call GameLift or EC2 if the GameLift account is a token',
      DATA_ENV,
      () => ({ gameLiftAccount: ACCOUNT_TOKEN }),
      [`Authorize ${LIST_FLEET_CONNECTIONS}`, `Authorize ${LIST_VPC_CONNECTIONS}`],
    ],
    ['calls GameLift in the GameLift account, with a peer role', GAME_ENV, peerRoleIn, [`Assume ${LIST_FLEET_CONNECTIONS}`]],
    [
      'calls GameLift if the GameLift account is a token, with a peer role',
      GAME_ENV,
      (stack) => ({ ...peerRoleIn(stack), gameLiftAccount: ACCOUNT_TOKEN }),
      [`Assume ${LIST_FLEET_CONNECTIONS}`],
    ],
    [
      'needs no permission of its own in a third account, with a peer role',
      { ...GAME_ENV, account: '333333333333' },
      (stack) => ({ ...peerRoleIn(stack), gameLiftAccount: GAME_ENV.account }),
      [],
    ],
  ])('%s', (_, env, propsIn, expected) => {
    expect(listPermissionsOf(env, propsIn)).toEqual(expected);
  });

  test('has each permission that the authorizations of a VPC need only once, in any order of the authorizations', () => {
    const [inSameAccount, inSecondAccount, inThirdAccount] = [
      () => ({}),
      () => ({ gameLiftAccount: '333333333333' }),
      () => ({ gameLiftAccount: '444444444444' }),
    ];
    const permissions = [`Authorize ${LIST_FLEET_CONNECTIONS}`, `Authorize ${LIST_VPC_CONNECTIONS}`];
    expect(listPermissionsOf(GAME_ENV, inSameAccount, inSecondAccount, inThirdAccount)).toEqual(permissions);
    expect(listPermissionsOf(GAME_ENV, inSecondAccount, inThirdAccount, inSameAccount).sort()).toEqual([...permissions].sort());
  });
});

describe('docs/security.md', () => {
  const text = readFileSync(join(__dirname, '..', '..', 'docs', 'security.md'), 'utf8');
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').slice(1, -1));

  test('has exactly one row for each statement, which names the policies that contain it', () => {
    const documentedPolicies = rows.flatMap(([policies, actions]) =>
      codeSpansIn(policies).map((policy) => `${policy}: ${codeSpansIn(actions).join(' ')}`),
    );
    const statements = Object.values(CREATE_STACKS).flatMap((stack) => statementsOf(stack()));
    // statements that differ only in the account are documented once
    const policiesByStatement = new Map(
      statements.map(({ purpose, scope, actions }) => {
        const policy = purpose.replace(/^Trust of .*/, 'Trust').replace('AWS::SQS::', '');
        const anyAccountScope = scope.replace(/\b\d{12}\b/g, 'ACCOUNT');
        return [`${policy}: ${actions.join(' ')} on ${anyAccountScope}`, `${policy}: ${actions.join(' ')}`];
      }),
    );
    expect(documentedPolicies.sort()).toEqual([...policiesByStatement.values()].sort());
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

  /** The sections of the document in order, each with a stack that has the policy. */
  const EXPECTED_SECTIONS: readonly (readonly [kind: string, stack: keyof typeof CREATE_STACKS])[] = [
    ['Logs', 'oneAccount'],
    ['Authorize', 'oneAccount'],
    ['Authorize', 'withScheduledRenewal'],
    ['Assume', 'withPeerRole'],
    ['Receive', 'withoutPeerRole'],
    ['FleetsAndTags', 'oneAccount'],
    ['Fleets', 'withPeerRole'],
    ['Connect', 'oneAccount'],
    ['Connect', 'withPeerRole'],
    ['ReportRenewals', 'withScheduledRenewal'],
    ['NetworkInterfaces', 'handlerInVpc'],
    ['Tracing', 'handlerInVpc'],
  ];

  /** Replaces the references in statements by the names that docs/handler-role.md uses. */
  const replaceReferences = (statements: readonly ResolvedStatement[]): unknown =>
    JSON.parse(
      JSON.stringify(statements)
        .replaceAll('<GameLiftVpcPeeringHandlerLogGroupF5FE6E49.Arn>', 'LOG_GROUP_ARN')
        .replaceAll('<GameLiftVpcPeeringHandlerRenewalsFailures13BAC665.Arn>', 'QUEUE_ARN')
        .replaceAll('<AWS::StackId>', 'STACK_ARN'),
    );

  test('lists the statements of each policy of the function, by kind', () => {
    expect(sections.map(({ kind }) => kind)).toEqual(EXPECTED_SECTIONS.map(([kind]) => kind));
    EXPECTED_SECTIONS.forEach(([kind, stack], index) => {
      const statements = statementsOf(CREATE_STACKS[stack]()).filter((statement) => statement.purpose === kind);
      expect(sections[index]?.statements).toEqual(replaceReferences(statements.map(({ statement }) => statement)));
    });
  });

  test('lists every kind of policy that the function can have', () => {
    const OTHER_POLICIES = /^(Trust of .*|Peer|Renew|AWS::SQS::QueuePolicy)$/;
    const kinds = Object.values(CREATE_STACKS).flatMap((stack) => statementsOf(stack()).map(({ purpose }) => purpose));
    const kindsOfFunction = new Set(kinds.filter((kind) => !OTHER_POLICIES.test(kind)));
    expect(new Set(sections.map(({ kind }) => kind))).toEqual(kindsOfFunction);
  });
});

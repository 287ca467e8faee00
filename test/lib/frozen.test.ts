import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Tracing } from 'aws-cdk-lib/aws-lambda';
import {
  AuthorizationRenewal,
  PeeringRoutes,
  VpcPeeringAuthorization,
  VpcPeeringConnection,
  VpcPeeringHandler,
  VpcPeeringRole,
} from '../../lib';
import * as contract from '../../lib/contract';
import { resolveReferences } from '../policies';

/*
 * Values that must never change after the first release, because deployed stacks and apps depend on them. test/lambda/frozen.test.ts tests
 * the values that the handler writes.
 *
 * If a test here fails, restore the old value. Change the test only if no release contains the old value. If a logical id, physical id or create-only value changes,
 * CloudFormation replaces the resource in every deployed stack, or refuses the update. If the name of a property, attribute, tag or metric
 * changes, an update, a rollback or an alarm no longer finds what an earlier version wrote. New values are fine: add them here.
 */

const GAME_ENV = { account: '111111111111', region: 'eu-central-1' };
const DATA_ENV = { account: '222222222222', region: 'eu-central-1' };
const VPC_ATTRIBUTES = {
  vpcId: 'vpc-0123456789abcdef0',
  availabilityZones: ['eu-central-1a'],
  privateSubnetIds: ['subnet-0123456789abcdef0'],
  privateSubnetRouteTableIds: ['rtb-0123456789abcdef0'],
};

interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Metadata?: Readonly<Record<string, unknown>>;
}

const importVpc = (stack: Stack): ec2.IVpc => ec2.Vpc.fromVpcAttributes(stack, 'Vpc', VPC_ATTRIBUTES);
const createFleet = (stack: Stack): gamelift.CfnFleet => new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet' });

const app = new App();

/** A stack with the VPC and the fleet in one account, and with all optional resources of this library. */
const stackInOneAccount = new Stack(app, 'Own', { env: GAME_ENV });
const authorization = new VpcPeeringAuthorization(stackInOneAccount, 'Authorization', {
  vpc: importVpc(stackInOneAccount),
  renewal: AuthorizationRenewal.scheduled(Duration.hours(12)),
});
const peering = new VpcPeeringConnection(stackInOneAccount, 'Peering', { authorization, fleet: createFleet(stackInOneAccount) });
peering.allowTo(ec2.SecurityGroup.fromSecurityGroupId(stackInOneAccount, 'Database', 'sg-0123456789abcdef0'), ec2.Port.tcp(5432));
const handler = new VpcPeeringHandler(stackInOneAccount, 'Handler', { vpc: authorization.vpc, tracing: Tracing.ACTIVE });

/** A stack in the account of the VPC. */
const stackInVpcAccount = new Stack(app, 'Data', { env: DATA_ENV });
const peerRole = new VpcPeeringRole(stackInVpcAccount, 'Role', {
  vpc: importVpc(stackInVpcAccount),
  gameLiftAccount: GAME_ENV.account,
});

/** A stack in the account of the fleets, with a role for the handler, and with the role in the account of the VPC. */
const stackWithRoles = new Stack(app, 'WithRole', { env: GAME_ENV });
new VpcPeeringHandler(stackWithRoles, 'Handler', {
  role: new iam.Role(stackWithRoles, 'Studio', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }),
});
new VpcPeeringConnection(stackWithRoles, 'Peering', {
  authorization: new VpcPeeringAuthorization(stackWithRoles, 'Authorization', {
    vpc: importVpc(stackWithRoles),
    peerRole,
    externalId: 'studio-7f3a9',
    renewal: AuthorizationRenewal.everySynthesis(),
  }),
  fleet: createFleet(stackWithRoles),
  routes: PeeringRoutes.forSubnets({ subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS }),
});

/** A stack in the account of the fleets, without access to the account of the VPC. */
const stackWithoutAccess = new Stack(app, 'WithoutAccess', { env: GAME_ENV });
new VpcPeeringConnection(stackWithoutAccess, 'Peering', {
  authorization: VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stackWithoutAccess, 'Authorization', {
    vpc: importVpc(stackWithoutAccess),
    peerVpcAccount: DATA_ENV.account,
  }),
  fleet: createFleet(stackWithoutAccess),
  peerOnCreate: true,
  routes: PeeringRoutes.none(),
});

const resourcesOf = (stack: Stack): [id: string, resource: TemplateResource][] =>
  Object.entries((Template.fromStack(stack).toJSON() as { readonly Resources: Record<string, TemplateResource> }).Resources);

const resources = [stackInOneAccount, stackInVpcAccount, stackWithRoles, stackWithoutAccess].flatMap(resourcesOf);

const FUNCTION_RESOURCES = {
  GameLiftVpcPeeringHandlerFunction72E66EDF: 'AWS::Lambda::Function',
  GameLiftVpcPeeringHandlerEventInvokeConfigB54FF229: 'AWS::Lambda::EventInvokeConfig',
  GameLiftVpcPeeringHandlerLogGroupF5FE6E49: 'AWS::Logs::LogGroup',
};

test.each<[string, Stack, Record<string, string>]>([
  [
    'one account',
    stackInOneAccount,
    {
      ...FUNCTION_RESOURCES,
      AuthorizationAE2C3694: 'Custom::GameLiftVpcPeeringAuthorization',
      AuthorizationTeardown2EDA4C03: 'Custom::GameLiftVpcPeeringTeardown',
      AuthorizationScheduleD6AF9F7B: 'AWS::Scheduler::Schedule',
      Peering3EBF733F: 'Custom::GameLiftVpcPeeringConnection',
      PeeringRule6098beae3743c60a454C323A: 'AWS::EC2::SecurityGroupIngress',
      GameLiftVpcPeeringHandlerRoleB8C6F82F: 'AWS::IAM::Role',
      GameLiftVpcPeeringHandlerSecurityGroupE9E3FC9F: 'AWS::EC2::SecurityGroup',
      GameLiftVpcPeeringHandlerAuthorize42394c9a2820DA0A: 'AWS::IAM::RolePolicy',
      GameLiftVpcPeeringHandlerConnect42394c9a9E82A71B: 'AWS::IAM::RolePolicy',
      GameLiftVpcPeeringHandlerFleetsAndTags9e77dffe68CFA5BF: 'AWS::IAM::RolePolicy',
      GameLiftVpcPeeringHandlerNetworkInterfaces9e77dffe0D9BF678: 'AWS::IAM::RolePolicy',
      GameLiftVpcPeeringHandlerTracing9e77dffeAA3F7DE3: 'AWS::IAM::RolePolicy',
      GameLiftVpcPeeringHandlerRenewalsAlarm3FC8FC8D: 'AWS::CloudWatch::Alarm',
      GameLiftVpcPeeringHandlerRenewalsAlias8E3927F2: 'AWS::Lambda::Alias',
      GameLiftVpcPeeringHandlerRenewalsEventInvokeConfigBB9CCC68: 'AWS::Lambda::EventInvokeConfig',
      GameLiftVpcPeeringHandlerRenewalsFailures13BAC665: 'AWS::SQS::Queue',
      GameLiftVpcPeeringHandlerRenewalsFailuresPolicyA2347D32: 'AWS::SQS::QueuePolicy',
      GameLiftVpcPeeringHandlerRenewalsRole2C262E9B: 'AWS::IAM::Role',
      GameLiftVpcPeeringHandlerReportRenewalsf1bf8c812CB554DC: 'AWS::IAM::RolePolicy',
    },
  ],
  ['the account of the VPC', stackInVpcAccount, { Role1ABCC5F0: 'AWS::IAM::Role' }],
  [
    'the account of the fleets, with a role for each account',
    stackWithRoles,
    {
      ...FUNCTION_RESOURCES,
      AuthorizationAE2C3694: 'Custom::GameLiftVpcPeeringAuthorization',
      AuthorizationTeardown2EDA4C03: 'Custom::GameLiftVpcPeeringTeardown',
      Peering3EBF733F: 'Custom::GameLiftVpcPeeringConnection',
      Studio43727D10: 'AWS::IAM::Role',
      GameLiftVpcPeeringHandlerAssumece1152105929050E: 'AWS::IAM::RolePolicy',
      GameLiftVpcPeeringHandlerConnect42394c9a9E82A71B: 'AWS::IAM::RolePolicy',
      GameLiftVpcPeeringHandlerFleets9e77dffe1654F5EB: 'AWS::IAM::RolePolicy',
      GameLiftVpcPeeringHandlerLogs9e77dffe9BC77597: 'AWS::IAM::RolePolicy',
    },
  ],
  [
    'the account of the fleets, with an authorization that another stack issues',
    stackWithoutAccess,
    {
      ...FUNCTION_RESOURCES,
      GameLiftVpcPeering7ccf7e6eRenewal9489ACA8: 'Custom::GameLiftVpcPeeringAuthorization',
      GameLiftVpcPeering7ccf7e6eTeardown6A5113AB: 'Custom::GameLiftVpcPeeringTeardown',
      Peering3EBF733F: 'Custom::GameLiftVpcPeeringConnection',
      GameLiftVpcPeeringHandlerRoleB8C6F82F: 'AWS::IAM::Role',
      GameLiftVpcPeeringHandlerConnect42394c9a9E82A71B: 'AWS::IAM::RolePolicy',
      GameLiftVpcPeeringHandlerFleets9e77dffe1654F5EB: 'AWS::IAM::RolePolicy',
      GameLiftVpcPeeringHandlerReceive42394c9aBF8DAF8B: 'AWS::IAM::RolePolicy',
    },
  ],
])('logical ids and types never change: %s', (_, stack, expected) => {
  const resourcesOfLibrary = resourcesOf(stack).filter(([, { Type }]) => Type !== 'AWS::GameLift::Fleet');
  expect(Object.fromEntries(resourcesOfLibrary.map(([id, { Type }]) => [id, Type]))).toEqual(expected);
});

test('create-only values never change, except for the digest in the names of policies', () => {
  const CREATE_ONLY_PROPERTIES: Readonly<Record<string, readonly string[]>> = {
    'AWS::EC2::SecurityGroup': ['GroupName', 'GroupDescription', 'VpcId'],
    'AWS::EC2::SecurityGroupIngress': ['GroupId', 'IpProtocol', 'FromPort', 'ToPort', 'CidrIp'],
    'AWS::IAM::Role': ['RoleName', 'Path'],
    'AWS::IAM::RolePolicy': ['PolicyName', 'RoleName'],
    'AWS::Lambda::Alias': ['Name', 'FunctionName'],
    'AWS::Lambda::EventInvokeConfig': ['FunctionName', 'Qualifier'],
    'AWS::Lambda::Function': ['FunctionName', 'PackageType'],
    'AWS::Logs::LogGroup': ['LogGroupName'],
    'AWS::Scheduler::Schedule': ['Name', 'GroupName'],
    'AWS::SQS::Queue': ['QueueName', 'FifoQueue'],
  };
  const values = [...resourcesOf(stackInOneAccount), ...resourcesOf(stackInVpcAccount)].flatMap(
    ([id, { Type, Properties = {} }]) =>
      (CREATE_ONLY_PROPERTIES[Type] ?? [])
        .filter((name) => Properties[name] !== undefined)
        .map((name) => {
          const value = resolveReferences(Properties[name]);
          return [`${id}.${name}`, name === 'PolicyName' ? String(value).replace(/-[0-9a-f]{8}$/, '-<digest>') : value];
        }),
  );
  const roleReference = '<GameLiftVpcPeeringHandlerRoleB8C6F82F>';
  const functionReference = '<GameLiftVpcPeeringHandlerFunction72E66EDF>';
  expect(Object.fromEntries(values)).toEqual({
    'GameLiftVpcPeeringHandlerSecurityGroupE9E3FC9F.GroupDescription': 'Handler of GameLift VPC peering',
    'GameLiftVpcPeeringHandlerSecurityGroupE9E3FC9F.VpcId': VPC_ATTRIBUTES.vpcId,
    'GameLiftVpcPeeringHandlerEventInvokeConfigB54FF229.FunctionName': functionReference,
    'GameLiftVpcPeeringHandlerEventInvokeConfigB54FF229.Qualifier': '$LATEST',
    'GameLiftVpcPeeringHandlerRenewalsEventInvokeConfigBB9CCC68.FunctionName': functionReference,
    'GameLiftVpcPeeringHandlerRenewalsEventInvokeConfigBB9CCC68.Qualifier': 'renewals',
    'GameLiftVpcPeeringHandlerRenewalsAlias8E3927F2.FunctionName': functionReference,
    'GameLiftVpcPeeringHandlerRenewalsAlias8E3927F2.Name': 'renewals',
    'GameLiftVpcPeeringHandlerAuthorize42394c9a2820DA0A.PolicyName': `GameLiftVpcPeering-Authorize42394c9a-${VPC_ATTRIBUTES.vpcId}-<digest>`,
    'GameLiftVpcPeeringHandlerAuthorize42394c9a2820DA0A.RoleName': roleReference,
    'GameLiftVpcPeeringHandlerConnect42394c9a9E82A71B.PolicyName': `GameLiftVpcPeering-Connect42394c9a-${VPC_ATTRIBUTES.vpcId}-<digest>`,
    'GameLiftVpcPeeringHandlerConnect42394c9a9E82A71B.RoleName': roleReference,
    'GameLiftVpcPeeringHandlerFleetsAndTags9e77dffe68CFA5BF.PolicyName':
      'GameLiftVpcPeering-FleetsAndTags9e77dffe-Fleets-<digest>',
    'GameLiftVpcPeeringHandlerFleetsAndTags9e77dffe68CFA5BF.RoleName': roleReference,
    'GameLiftVpcPeeringHandlerNetworkInterfaces9e77dffe0D9BF678.PolicyName':
      'GameLiftVpcPeering-NetworkInterfaces9e77dffe-Function-<digest>',
    'GameLiftVpcPeeringHandlerNetworkInterfaces9e77dffe0D9BF678.RoleName': roleReference,
    'GameLiftVpcPeeringHandlerTracing9e77dffeAA3F7DE3.PolicyName': 'GameLiftVpcPeering-Tracing9e77dffe-Function-<digest>',
    'GameLiftVpcPeeringHandlerTracing9e77dffeAA3F7DE3.RoleName': roleReference,
    'GameLiftVpcPeeringHandlerReportRenewalsf1bf8c812CB554DC.PolicyName':
      'GameLiftVpcPeering-ReportRenewalsf1bf8c81-Failures-<digest>',
    'GameLiftVpcPeeringHandlerReportRenewalsf1bf8c812CB554DC.RoleName': roleReference,
    'PeeringRule6098beae3743c60a454C323A.GroupId': 'sg-0123456789abcdef0',
    'PeeringRule6098beae3743c60a454C323A.IpProtocol': 'tcp',
    'PeeringRule6098beae3743c60a454C323A.FromPort': 5432,
    'PeeringRule6098beae3743c60a454C323A.ToPort': 5432,
    'PeeringRule6098beae3743c60a454C323A.CidrIp': '<Peering3EBF733F.GameLiftCidrBlock>',
    'Role1ABCC5F0.RoleName': 'Data-Role-eu-central-1-06ff5342',
  });
});

describe('in the custom resources', () => {
  const propertiesOfType = (type: string): Readonly<Record<string, unknown>>[] =>
    resources.filter(([, { Type }]) => Type === type).map(([, { Properties = {} }]) => Properties);

  const PAIR_PROPERTIES = [
    'SchemaVersion',
    'PeerVpcId',
    'PeerVpcAwsAccountId',
    'GameLiftAwsAccountId',
    'PeerRoleArn',
    'ExternalId',
  ];

  test.each([
    ['Custom::GameLiftVpcPeeringAuthorization', [...PAIR_PROPERTIES, 'Renewal', 'ReliedOnBy']],
    ['Custom::GameLiftVpcPeeringTeardown', [...PAIR_PROPERTIES, 'FleetIds']],
    [
      'Custom::GameLiftVpcPeeringConnection',
      [
        ...PAIR_PROPERTIES,
        'FleetId',
        'TimeoutSeconds',
        'Routes',
        'RouteTableIds',
        'DnsResolution',
        'AdoptExisting',
        'PeerOnCreate',
        'AuthorizationExpirationTime',
      ],
    ],
  ])('the names of properties never change: %s', (type, expected) => {
    const names = new Set(propertiesOfType(type).flatMap((properties) => Object.keys(properties)));
    expect([...names].sort()).toEqual(['ServiceToken', 'ServiceTimeout', ...expected].sort());
  });

  test('the schema version and the kinds of routes never change', () => {
    const connections = propertiesOfType('Custom::GameLiftVpcPeeringConnection');
    expect(new Set(connections.map(({ SchemaVersion }) => SchemaVersion))).toEqual(new Set(['1']));
    expect(connections.map(({ Routes }) => Routes)).toEqual(['EveryRouteTable', 'RouteTables', 'None']);
  });

  test('the names of attributes never change', () => {
    const { expirationTime, creationTime, expirationEpochSeconds } = authorization;
    const { vpcPeeringConnectionId, gameLiftVpcId, gameLiftCidrBlock } = peering;
    const attributes = {
      expirationTime,
      creationTime,
      expirationEpochSeconds,
      vpcPeeringConnectionId,
      gameLiftVpcId,
      gameLiftCidrBlock,
    };
    expect(resolveReferences(stackInOneAccount.resolve(attributes))).toEqual({
      expirationTime: '<AuthorizationAE2C3694.ExpirationTime>',
      creationTime: '<AuthorizationAE2C3694.CreationTime>',
      expirationEpochSeconds: '<AuthorizationAE2C3694.ExpirationEpochSeconds>',
      vpcPeeringConnectionId: '<Peering3EBF733F.VpcPeeringConnectionId>',
      gameLiftVpcId: '<Peering3EBF733F.GameLiftVpcId>',
      gameLiftCidrBlock: '<Peering3EBF733F.GameLiftCidrBlock>',
    });
  });

  test('the event of a scheduled renewal never changes', () => {
    const [, schedule] = resources.find(([, { Type }]) => Type === 'AWS::Scheduler::Schedule') ?? [];
    const { Target } = resolveReferences(schedule?.Properties) as { readonly Target: { readonly Input: string } };
    expect(JSON.parse(Target.Input)).toEqual({
      GameLiftVpcPeeringRenewal: {
        SchemaVersion: '1',
        PeerVpcId: VPC_ATTRIBUTES.vpcId,
        PeerVpcAwsAccountId: GAME_ENV.account,
        GameLiftAwsAccountId: GAME_ENV.account,
        StackId: '<AWS::StackId>',
        LogicalResourceId: 'AuthorizationAE2C3694',
        MinimumValiditySeconds: '46800',
      },
    });
  });
});

test('the names of tags and metrics, which the constructs and the handler share, never change', () => {
  const { TAG_PREFIX, OWNER_TAG, CHANGED_FLEET_TAG, METRIC_NAMESPACE, FAILED_METRIC, FUNCTION_NAME_DIMENSION } = contract;
  expect([TAG_PREFIX, OWNER_TAG, CHANGED_FLEET_TAG]).toEqual([
    'cdk-gamelift-vpc-peering:',
    'cdk-gamelift-vpc-peering:owner',
    'cdk-gamelift-vpc-peering:changed:fleet',
  ]);
  expect([METRIC_NAMESPACE, FAILED_METRIC, FUNCTION_NAME_DIMENSION]).toEqual([
    'GameLiftVpcPeering',
    'FailedRequests',
    'FunctionName',
  ]);
  const { namespace, metricName, dimensions } = handler.metricFailed();
  expect([namespace, metricName, Object.keys(dimensions ?? {})]).toEqual([
    'GameLiftVpcPeering',
    'FailedRequests',
    ['FunctionName'],
  ]);
});

describe('in the source of the constructs', () => {
  const directory = join(__dirname, '..', '..', 'lib');
  const source = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => readFileSync(join(directory, file), 'utf8'))
    .join('\n');
  const matches = (pattern: RegExp): string[] => [...source.matchAll(pattern)].map(([, match = '']) => match).sort();

  test('the ids with which apps acknowledge warnings never change', () => {
    expect(matches(/addWarningV2\(\s*'([^']*)'/g)).toEqual([
      'cdk-gamelift-vpc-peering:exportedAttribute',
      'cdk-gamelift-vpc-peering:fleetInOtherStack',
      'cdk-gamelift-vpc-peering:importedValue',
      'cdk-gamelift-vpc-peering:remoteLocations',
      'cdk-gamelift-vpc-peering:retainedFleet',
      'cdk-gamelift-vpc-peering:severalPeeredOnCreate',
    ]);
    // no call has its id on the same line, where it could be a variable, which the pattern above does not find
    expect(matches(/addWarningV2\((.)/g)).toHaveLength(0);
  });

  test('the only context key is one of the CDK', () => {
    expect(new Set(matches(/Context\((.*?)\)/g))).toEqual(new Set(['CUSTOMIZE_ROLES_CONTEXT']));
    expect(matches(/CUSTOMIZE_ROLES_CONTEXT = '(.*)'/g)).toEqual(['@aws-cdk/iam:customizeRoles']);
  });

  test('the only metadata of resources is what the CDK writes about assets', () => {
    const keys = new Set(resources.flatMap(([, { Metadata = {} }]) => Object.keys(Metadata)));
    expect([...keys].filter((key) => !key.startsWith('aws:'))).toEqual([]);
    expect(matches(/(addMetadata|\.metadata\b)/g)).toEqual([]);
  });

  test('the symbol with which two versions of the library in one app recognize each other never changes', () => {
    const { [Symbol.for('cdk-gamelift-vpc-peering.createdBy')]: createdBy } = authorization as unknown as Record<symbol, unknown>;
    expect(createdBy).toEqual({ version: expect.any(String) as string, directory: join(directory, '..') });
  });
});

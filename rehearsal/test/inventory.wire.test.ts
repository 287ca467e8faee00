import type { Inventory } from '../src/aws';
import { compareInventories, differenceLines, summaryLines } from '../src/cli/left-behind';
import { Rehearsal } from '../src/index';
import { customResource, functionResource, HANDLER_RESOURCES, writeAssembly } from './assembly';

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
});
afterEach(() => rehearsal.close());

const deploy = (resources: object, sections: object = {}) =>
  rehearsal.cloudFormation.deploy(writeAssembly({ Resources: resources, ...sections }), 'Stack');
const deleteStack = () => rehearsal.cloudFormation.delete('Stack');
const inventoryOf = <Kind extends keyof Inventory>(kind: Kind) => rehearsal.aws.inventory()[kind];
/** The number of new items of each kind. A removed item also has an entry: its line in the difference (`missing of …`). */
const countNewItems = (before: Inventory) => {
  const kinds = differenceLines(before, rehearsal.aws.inventory()).map((line) => /^left behind of (\w+)/.exec(line)?.[1] ?? line);
  return Object.fromEntries([...new Set(kinds)].map((kind) => [kind, kinds.filter((other) => other === kind).length]));
};

const POLICY = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' }] };
const VPC_ID_PROPERTY = { VpcId: { Ref: 'Vpc' } };
const FUNCTION_NAME_PROPERTY = { FunctionName: { Ref: 'Handler' } };

/** At least one resource of each simulated type. */
const RESOURCES: Readonly<Record<string, object>> = {
  ...HANDLER_RESOURCES,
  Role: {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: ['lambda.amazonaws.com', 'scheduler.amazonaws.com'] },
            Action: 'sts:AssumeRole',
          },
        ],
      },
    },
  },
  RolePolicy: {
    Type: 'AWS::IAM::RolePolicy',
    Properties: { RoleName: { Ref: 'Role' }, PolicyName: 'own', PolicyDocument: POLICY },
  },
  Inline: { Type: 'AWS::IAM::Policy', Properties: { PolicyName: 'inline', PolicyDocument: POLICY, Roles: [{ Ref: 'Role' }] } },
  Managed: { Type: 'AWS::IAM::ManagedPolicy', Properties: { PolicyDocument: POLICY } },
  Version: { Type: 'AWS::Lambda::Version', Properties: FUNCTION_NAME_PROPERTY },
  Alias: {
    Type: 'AWS::Lambda::Alias',
    Properties: { ...FUNCTION_NAME_PROPERTY, Name: 'live', FunctionVersion: { 'Fn::GetAtt': ['Version', 'Version'] } },
  },
  Retries: {
    Type: 'AWS::Lambda::EventInvokeConfig',
    Properties: { ...FUNCTION_NAME_PROPERTY, Qualifier: 'live', MaximumRetryAttempts: 0 },
    DependsOn: 'Alias',
  },
  Permission: {
    Type: 'AWS::Lambda::Permission',
    Properties: { ...FUNCTION_NAME_PROPERTY, Action: 'lambda:InvokeFunction', Principal: 'events.amazonaws.com' },
  },
  Logs: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: 'logs' } },
  Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'queue' } },
  QueuePolicy: { Type: 'AWS::SQS::QueuePolicy', Properties: { Queues: [{ Ref: 'Queue' }], PolicyDocument: POLICY } },
  Group: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: 'group' } },
  Schedule: {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      GroupName: { Ref: 'Group' },
      Name: 'schedule',
      ScheduleExpression: 'rate(1 day)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: { Arn: { 'Fn::GetAtt': ['Handler', 'Arn'] }, RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] } },
    },
  },
  Alarm: {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
    },
  },
  PercentileAlarm: {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      Namespace: 'AWS/Lambda',
      MetricName: 'Duration',
      ExtendedStatistic: 'p99',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
    },
  },
  Parameter: { Type: 'AWS::SSM::Parameter', Properties: { Name: '/parameter', Type: 'String', Value: 'value' } },
  Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16', Tags: [{ Key: 'team', Value: 'studio' }] } },
  Subnet: { Type: 'AWS::EC2::Subnet', Properties: { ...VPC_ID_PROPERTY, CidrBlock: '10.0.0.0/24' } },
  Block: { Type: 'AWS::EC2::VPCCidrBlock', Properties: { ...VPC_ID_PROPERTY, CidrBlock: '10.1.0.0/16' } },
  Table: { Type: 'AWS::EC2::RouteTable', Properties: VPC_ID_PROPERTY },
  Association: {
    Type: 'AWS::EC2::SubnetRouteTableAssociation',
    Properties: { RouteTableId: { Ref: 'Table' }, SubnetId: { Ref: 'Subnet' } },
  },
  GatewayTable: { Type: 'AWS::EC2::RouteTable', Properties: VPC_ID_PROPERTY },
  GatewayAssociation: {
    Type: 'AWS::EC2::GatewayRouteTableAssociation',
    Properties: { RouteTableId: { Ref: 'GatewayTable' }, GatewayId: { Ref: 'Gateway' } },
    DependsOn: 'Attachment',
  },
  Gateway: { Type: 'AWS::EC2::InternetGateway', Properties: { Tags: [{ Key: 'team', Value: 'studio' }] } },
  Key: { Type: 'AWS::KMS::Key', Properties: { KeyPolicy: {} } },
  VpnGateway: { Type: 'AWS::EC2::VPNGateway', Properties: { Type: 'ipsec.1' } },
  Attachment: {
    Type: 'AWS::EC2::VPCGatewayAttachment',
    Properties: { ...VPC_ID_PROPERTY, InternetGatewayId: { Ref: 'Gateway' } },
  },
  Route: {
    Type: 'AWS::EC2::Route',
    Properties: { RouteTableId: { Ref: 'Table' }, DestinationCidrBlock: '0.0.0.0/0', GatewayId: { Ref: 'Gateway' } },
    DependsOn: 'Attachment',
  },
  Servers: {
    Type: 'AWS::EC2::SecurityGroup',
    Properties: { ...VPC_ID_PROPERTY, GroupDescription: 'servers', GroupName: 'servers' },
  },
  Ingress: {
    Type: 'AWS::EC2::SecurityGroupIngress',
    Properties: { GroupId: { Ref: 'Servers' }, IpProtocol: '-1', CidrIp: '10.0.0.0/16' },
  },
  Egress: {
    Type: 'AWS::EC2::SecurityGroupEgress',
    Properties: { GroupId: { Ref: 'Servers' }, IpProtocol: '-1', CidrIp: '10.1.0.0/16' },
  },
  Build: {
    Type: 'AWS::GameLift::Build',
    Properties: { StorageLocation: { Bucket: 'b', Key: 'k', RoleArn: 'arn:aws:iam::111111111111:role/r' } },
  },
  Fleet: { Type: 'AWS::GameLift::Fleet', Properties: { Name: 'fleet', BuildId: { Ref: 'Build' }, EC2InstanceType: 'c5.large' } },
  Script: {
    Type: 'AWS::GameLift::Script',
    Properties: { StorageLocation: { Bucket: 'b', Key: 'k', RoleArn: 'arn:aws:iam::1:role/r' } },
  },
  FleetAlias: {
    Type: 'AWS::GameLift::Alias',
    Properties: { Name: 'live', RoutingStrategy: { Type: 'SIMPLE', FleetId: { Ref: 'Fleet' } } },
  },
  Topic: { Type: 'AWS::SNS::Topic' },
};

const OUTPUTS = { Outputs: { Id: { Value: { Ref: 'Vpc' }, Export: { Name: 'vpc' } } } };

describe('the inventory', () => {
  test('contains everything that a template creates, and nothing after the deletion of the stack', async () => {
    const before = rehearsal.aws.inventory();
    expect((await deploy(RESOURCES, OUTPUTS)).status).toBe('CREATE_COMPLETE');
    expect(countNewItems(before)).toEqual({
      alarms: 2,
      exports: 1,
      fleets: 1,
      functions: 1,
      internetGateways: 1,
      keys: 1,
      logGroups: 1,
      otherResources: 5,
      parameters: 1,
      policies: 1,
      queues: 1,
      roles: 1,
      routeTables: 3,
      routes: 1,
      rules: 5,
      scheduleGroups: 1,
      schedules: 1,
      securityGroups: 2,
      stacks: 1,
      subnets: 1,
      tags: 2,
      vpcs: 1,
      vpnGateways: 1,
    });
    expect(inventoryOf('vpcs')).toMatchObject([{ cidrBlocks: ['10.0.0.0/16', '10.1.0.0/16'] }]);
    expect(inventoryOf('routeTables').flatMap((table) => ('associations' in table ? table.associations : []))).toEqual([
      expect.stringMatching(/^subnet-/),
      expect.stringMatching(/^igw-/),
    ]);
    expect(inventoryOf('queues')).toMatchObject([{ policy: POLICY }]);
    const [{ functionName }] = inventoryOf('functions') as unknown as [{ functionName: string }];
    expect(inventoryOf('functions')).toEqual([
      {
        account: '111111111111',
        region: 'us-east-1',
        functionName,
        role: expect.stringMatching(/^arn:aws:iam::111111111111:role\/Stack-Role-/) as unknown,
        runtime: 'nodejs20.x',
        logGroupName: `/aws/lambda/${functionName}`,
        versions: ['1'],
        aliases: { live: '1' },
        eventInvoke: { live: { maximumRetryAttempts: 0, maximumEventAgeSeconds: 21_600 } },
      },
    ]);
    expect(inventoryOf('roles')).toMatchObject([{ inline: { inline: POLICY, own: POLICY }, attached: [] }]);
    expect(inventoryOf('schedules')).toMatchObject([
      { targetArn: `arn:aws:lambda:us-east-1:111111111111:function:${functionName}` },
    ]);
    expect(inventoryOf('stacks')).toMatchObject([{ name: 'Stack', status: 'CREATE_COMPLETE' }]);
    expect(inventoryOf('exports')).toMatchObject([{ name: 'vpc', stack: 'Stack' }]);
    expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
    expect(rehearsal.aws.inventory()).toEqual(before);
  });

  test('has a summary with a line for each kind of item, and a name for each item', async () => {
    const before = rehearsal.aws.inventory();
    await deploy(RESOURCES, OUTPUTS);
    const after = rehearsal.aws.inventory();
    const lines = summaryLines(compareInventories(before, after));
    expect(lines).toHaveLength(Object.values(after).filter((items: readonly object[]) => items.length > 0).length);
    expect(lines.join('\n')).not.toMatch(/undefined|\[object/);
    expect(lines).toEqual(
      expect.arrayContaining([
        'stacks (1): Stack CREATE_COMPLETE',
        'exports (1): vpc',
        expect.stringMatching(/^roles \(1\): role\/Stack-Role-\w+$/),
        expect.stringMatching(/^fleets \(1\): fleet-[0-9a-f]{8} ACTIVE$/),
        expect.stringMatching(/^VPCs \(1\): vpc-[0-9a-f]{17}$/),
      ]),
    );
    await deleteStack();
    expect(summaryLines(compareInventories(after, rehearsal.aws.inventory()))[0]).toBe(
      'missing stacks (1): Stack CREATE_COMPLETE',
    );
  });

  test('contains the resources that a deleted stack has retained', async () => {
    const before = rehearsal.aws.inventory();
    const retained = Object.entries(RESOURCES).map(([id, resource]) => [id, { ...resource, DeletionPolicy: 'Retain' }]);
    expect((await deploy(Object.fromEntries(retained) as object, OUTPUTS)).status).toBe('CREATE_COMPLETE');
    const created = rehearsal.aws.inventory();
    expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
    expect(differenceLines(created, rehearsal.aws.inventory())).toEqual([
      expect.stringMatching(/^missing of stacks: /),
      expect.stringMatching(/^missing of exports: /),
    ]);
    expect(countNewItems(before)).toMatchObject({ roles: 1, functions: 1, logGroups: 1, vpcs: 1, otherResources: 5 });
  });

  test('contains resources of types that are not simulated, with their stack', async () => {
    await deploy({ Topic: RESOURCES.Topic, Build: RESOURCES.Build, Metadata: { Type: 'AWS::CDK::Metadata' } });
    expect(inventoryOf('otherResources')).toEqual(
      [
        { type: 'AWS::SNS::Topic', physicalId: expect.stringMatching(/^Stack-Topic-/) as unknown },
        { type: 'AWS::GameLift::Build', physicalId: expect.stringMatching(/^build-/) as unknown },
        { type: 'AWS::CDK::Metadata', physicalId: expect.stringMatching(/^Stack-Metadata-/) as unknown },
      ].map((resource) => ({ account: '111111111111', region: 'us-east-1', stack: 'Stack', ...resource })),
    );
  });

  test('of one account contains only items of that account', async () => {
    await deploy(RESOURCES, OUTPUTS);
    const { exports, stacks, functions, roles, vpcs, otherResources } = rehearsal.aws.inventory('222222222222');
    expect([exports, stacks, functions, roles, vpcs, otherResources].flat()).toEqual([]);
  });

  test('contains a stack that cannot be deleted, with its remaining resources', async () => {
    const before = rehearsal.aws.inventory();
    // the rehearsal does not run Python, so the custom resource gets no response
    const pythonFunction = { Role: HANDLER_RESOURCES.Role, Handler: functionResource('', { Runtime: 'python3.12' }) };
    expect((await deploy({ ...pythonFunction, Thing: customResource({ ServiceTimeout: 60 }) })).status).toBe('ROLLBACK_FAILED');
    expect((await deleteStack()).status).toBe('DELETE_FAILED');
    expect(countNewItems(before)).toEqual({ roles: 1, functions: 1, stacks: 1 });
    expect(inventoryOf('stacks')).toMatchObject([{ name: 'Stack', status: 'DELETE_FAILED' }]);
    expect(inventoryOf('functions')).toMatchObject([{ runtime: 'python3.12' }]);
  });
});

describe('the log group of a function', () => {
  const BASIC_EXECUTION_POLICY_ARN = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';
  const { Properties, ...role } = HANDLER_RESOURCES.Role;
  const roleThatMayLog = { ...role, Properties: { ...Properties, ManagedPolicyArns: [BASIC_EXECUTION_POLICY_ARN] } };

  test('is created by Lambda if it does not exist and the role may create log groups, and is left behind', async () => {
    const before = rehearsal.aws.inventory();
    await deploy({ ...HANDLER_RESOURCES, Role: roleThatMayLog, Thing: customResource({}) });
    const [{ functionName }] = inventoryOf('functions') as unknown as [{ functionName: string }];
    const group = { account: '111111111111', region: 'us-east-1', name: `/aws/lambda/${functionName}` };
    expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
    expect(rehearsal.aws.inventory()).toEqual({ ...before, logGroups: [group] });
  });

  test('is not created if the role may not create log groups', async () => {
    await deploy({ ...HANDLER_RESOURCES, Thing: customResource({}) });
    expect(inventoryOf('logGroups')).toEqual([]);
  });

  test('is not created by Lambda if the function uses a log group of the template', async () => {
    const before = rehearsal.aws.inventory();
    const Handler = { ...(HANDLER_RESOURCES.Handler as { Properties: object }) };
    await deploy({
      Role: roleThatMayLog,
      Logs: { Type: 'AWS::Logs::LogGroup' },
      Handler: { ...Handler, Properties: { ...Handler.Properties, LoggingConfig: { LogGroup: { Ref: 'Logs' } } } },
      Thing: customResource({}),
    });
    expect(inventoryOf('logGroups')).toHaveLength(1);
    await deleteStack();
    expect(rehearsal.aws.inventory()).toEqual(before);
  });
});

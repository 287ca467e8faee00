import { App, Duration, NestedStack, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Tracing } from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { VpcPeeringAuthorization, VpcPeeringHandler } from '../../lib';
import type { VpcPeeringHandlerProps } from '../../lib';

const VPC = { vpcId: 'vpc-0123456789abcdef0', availabilityZones: ['eu-central-1a'] };

function authorize(stack: Stack): void {
  new VpcPeeringAuthorization(stack, 'Authorization', { vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', VPC) });
}

function configure(stack: Stack): void {
  new VpcPeeringHandler(stack, 'Handler');
}

function templateWith(props: (stack: Stack) => VpcPeeringHandlerProps): Template {
  const stack = new Stack(new App(), 'Stack');
  authorize(stack);
  new VpcPeeringHandler(stack, 'Handler', props(stack));
  return Template.fromStack(stack);
}

function logicalIds(template: Template): Record<string, string> {
  const resources = template.toJSON().Resources as Record<string, { Type: string }>;
  return Object.fromEntries(Object.entries(resources).map(([id, { Type }]) => [id, Type]));
}

describe('the function', () => {
  test('never changes its logical ids', () => {
    const stack = new Stack(new App(), 'Stack');
    authorize(stack);
    expect(logicalIds(Template.fromStack(stack))).toEqual({
      AuthorizationAE2C3694: 'Custom::GameLiftVpcPeeringAuthorization',
      GameLiftVpcPeeringHandlerAuthorize42394c9a2820DA0A: 'AWS::IAM::RolePolicy',
      GameLiftVpcPeeringHandlerEventInvokeConfigB54FF229: 'AWS::Lambda::EventInvokeConfig',
      GameLiftVpcPeeringHandlerFunction72E66EDF: 'AWS::Lambda::Function',
      GameLiftVpcPeeringHandlerLogGroupF5FE6E49: 'AWS::Logs::LogGroup',
      GameLiftVpcPeeringHandlerRoleB8C6F82F: 'AWS::IAM::Role',
    });
  });

  test.each([
    ['before', configure, authorize],
    ['after', authorize, configure],
  ])('is the same with a VpcPeeringHandler that is added %s the construct that uses the function', (_, first, second) => {
    const plain = new Stack(new App(), 'Stack');
    authorize(plain);
    const stack = new Stack(new App(), 'Stack');
    first(stack);
    second(stack);
    expect(Template.fromStack(stack).toJSON()).toEqual(Template.fromStack(plain).toJSON());
  });

  test('exists once in each stack, including each nested stack', () => {
    const stack = new Stack(new App(), 'Stack');
    const nested = new NestedStack(stack, 'Nested');
    authorize(stack);
    authorize(nested);
    Template.fromStack(stack).resourceCountIs('AWS::Lambda::Function', 1);
    Template.fromStack(nested).resourceCountIs('AWS::Lambda::Function', 1);
    Template.fromStack(nested).hasResourceProperties('Custom::GameLiftVpcPeeringAuthorization', {
      ServiceToken: { 'Fn::GetAtt': [Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerFunction'), 'Arn'] },
    });
  });

  test('logs JSON to its own log group, and has no permissions for other log groups', () => {
    const stack = new Stack(new App(), 'Stack');
    authorize(stack);
    const template = Template.fromStack(stack);
    const [logGroup] = Object.keys(template.findResources('AWS::Logs::LogGroup'));
    template.hasResource('AWS::Logs::LogGroup', { DeletionPolicy: 'Delete', Properties: { RetentionInDays: 30 } });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Handler: 'index.handler',
      Timeout: 900,
      MemorySize: 256,
      LoggingConfig: { LogFormat: 'JSON', LogGroup: { Ref: logGroup } },
    });
    template.hasResourceProperties('AWS::IAM::Role', {
      ManagedPolicyArns: Match.absent(),
      Policies: [
        {
          PolicyName: 'Logs',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
                Resource: { 'Fn::GetAtt': [logGroup, 'Arn'] },
              },
            ],
          },
        },
      ],
    });
  });

  test('does not start on an event that CloudFormation no longer waits for', () => {
    const stack = new Stack(new App(), 'Stack');
    authorize(stack);
    Template.fromStack(stack).hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerFunction') },
      Qualifier: '$LATEST',
      MaximumEventAgeInSeconds: 300,
      MaximumRetryAttempts: 2,
    });
  });
});

describe('configuration', () => {
  test('sets a log group', () => {
    const template = templateWith((stack) => ({ logGroup: new logs.LogGroup(stack, 'Logs') }));
    template.resourceCountIs('AWS::Logs::LogGroup', 1);
    const [logGroup] = Object.keys(template.findResources('AWS::Logs::LogGroup'));
    template.hasResourceProperties('AWS::Lambda::Function', { LoggingConfig: { LogGroup: { Ref: logGroup } } });
    template.hasResourceProperties('AWS::IAM::Role', {
      Policies: [{ PolicyDocument: { Statement: [{ Resource: { 'Fn::GetAtt': [logGroup, 'Arn'] } }] } }],
    });
  });

  test.each([
    ['one day', logs.RetentionDays.ONE_DAY, 1],
    ['unlimited', logs.RetentionDays.INFINITE, Match.absent()],
  ])('sets the log retention: %s', (_, logRetention, RetentionInDays) => {
    templateWith(() => ({ logRetention })).hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays });
  });

  test('sets the memory size', () => {
    templateWith(() => ({ memorySize: 1024 })).hasResourceProperties('AWS::Lambda::Function', { MemorySize: 1024 });
  });

  test('sets a VPC, and adds the permissions that Lambda needs for it before it creates the function', () => {
    const template = templateWith((stack) => ({ vpc: new ec2.Vpc(stack, 'HandlerVpc', { maxAzs: 2 }) }));
    template.hasResource('AWS::Lambda::Function', {
      Properties: {
        VpcConfig: {
          SubnetIds: [
            { Ref: Match.stringLikeRegexp('^HandlerVpcPrivateSubnet1') },
            { Ref: Match.stringLikeRegexp('^HandlerVpcPrivateSubnet2') },
          ],
          SecurityGroupIds: [{ 'Fn::GetAtt': [Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerSecurityGroup'), 'GroupId'] }],
        },
      },
      DependsOn: Match.arrayWith([
        Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerNetworkInterfaces'),
        Match.stringLikeRegexp('^HandlerVpcPrivateSubnet1DefaultRoute'),
      ]),
    });
  });

  test('sets subnets and security groups', () => {
    const template = templateWith((stack) => {
      const vpc = new ec2.Vpc(stack, 'HandlerVpc', { maxAzs: 1, natGateways: 0 });
      const securityGroups = [new ec2.SecurityGroup(stack, 'Mine', { vpc })];
      return { vpc, vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED }, securityGroups };
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      VpcConfig: {
        SubnetIds: [{ Ref: Match.stringLikeRegexp('^HandlerVpcIsolatedSubnet1') }],
        SecurityGroupIds: [{ 'Fn::GetAtt': [Match.stringLikeRegexp('^Mine'), 'GroupId'] }],
      },
    });
    template.resourceCountIs('AWS::EC2::SecurityGroup', 1);
  });

  test('sets a permissions boundary', () => {
    const template = templateWith((stack) => ({
      permissionsBoundary: iam.ManagedPolicy.fromManagedPolicyArn(stack, 'Boundary', 'arn:aws:iam::111111111111:policy/Boundary'),
    }));
    template.hasResourceProperties('AWS::IAM::Role', { PermissionsBoundary: 'arn:aws:iam::111111111111:policy/Boundary' });
  });

  test('sets tracing', () => {
    const template = templateWith(() => ({ tracing: Tracing.ACTIVE }));
    template.hasResourceProperties('AWS::Lambda::Function', { TracingConfig: { Mode: 'Active' } });
    template.hasResourceProperties('AWS::IAM::RolePolicy', {
      PolicyDocument: {
        Statement: [{ Effect: 'Allow', Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], Resource: '*' }],
      },
    });
  });

  test('changes no logical id', () => {
    const plain = new Stack(new App(), 'Stack');
    authorize(plain);
    const changed = templateWith((stack) => ({
      memorySize: 512,
      tracing: Tracing.ACTIVE,
      logRetention: logs.RetentionDays.ONE_DAY,
      vpc: ec2.Vpc.fromVpcAttributes(stack, 'HandlerVpc', { ...VPC, privateSubnetIds: ['subnet-1'] }),
    }));
    expect(logicalIds(changed)).toEqual({
      ...logicalIds(Template.fromStack(plain)),
      GameLiftVpcPeeringHandlerNetworkInterfaces9e77dffe0D9BF678: 'AWS::IAM::RolePolicy',
      GameLiftVpcPeeringHandlerSecurityGroupE9E3FC9F: 'AWS::EC2::SecurityGroup',
      GameLiftVpcPeeringHandlerTracing9e77dffeAA3F7DE3: 'AWS::IAM::RolePolicy',
    });
  });
});

describe('a VpcPeeringHandler', () => {
  test('can be granted permissions', () => {
    const stack = new Stack(new App(), 'Stack');
    const handler = new VpcPeeringHandler(stack, 'Handler');
    new kms.Key(stack, 'Key').grantDecrypt(handler);
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      Roles: [{ Ref: Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerRole') }],
      PolicyDocument: { Statement: [{ Action: 'kms:Decrypt' }] },
    });
  });

  const FUNCTION_NAME = { Ref: expect.stringMatching(/^GameLiftVpcPeeringHandlerFunction/) as string };

  /** What CloudFormation gets of a metric of a handler. */
  function metricOf(metric: (handler: VpcPeeringHandler) => Metric): Record<string, unknown> {
    const stack = new Stack(new App(), 'Stack');
    const handler = new VpcPeeringHandler(stack, 'Handler');
    metric(handler).createAlarm(handler, 'Alarm', { threshold: 1, evaluationPeriods: 1 });
    const [alarm] = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'));
    const { Properties } = alarm as { Properties: Record<string, unknown> };
    const { Namespace, MetricName, Statistic, Period, Dimensions } = Properties;
    return { Namespace, MetricName, Statistic, Period, Dimensions };
  }

  test('has a metric of the invocations that failed', () => {
    expect(metricOf((handler) => handler.metricErrors())).toEqual({
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Statistic: 'Sum',
      Period: 300,
      Dimensions: [{ Name: 'FunctionName', Value: FUNCTION_NAME }],
    });
  });

  test('has a metric of the requests that failed', () => {
    expect(metricOf((handler) => handler.metricFailed())).toEqual({
      Namespace: 'GameLiftVpcPeering',
      MetricName: 'FailedRequests',
      Statistic: 'Sum',
      Period: 300,
      Dimensions: [{ Name: 'FunctionName', Value: FUNCTION_NAME }],
    });
  });

  test('has a metric of the requests that failed, whose options can be overridden', () => {
    const metric = metricOf((handler) =>
      handler.metricFailed({
        period: Duration.hours(1),
        statistic: Stats.MAXIMUM,
        dimensionsMap: {
          FunctionName: handler.functionName,
          ResourceType: 'Custom::GameLiftVpcPeeringConnection',
          RequestType: 'Delete',
        },
      }),
    );
    expect(metric).toEqual({
      Namespace: 'GameLiftVpcPeering',
      MetricName: 'FailedRequests',
      Statistic: 'Maximum',
      Period: 3600,
      Dimensions: [
        { Name: 'FunctionName', Value: FUNCTION_NAME },
        { Name: 'RequestType', Value: 'Delete' },
        { Name: 'ResourceType', Value: 'Custom::GameLiftVpcPeeringConnection' },
      ],
    });
  });

  test.each([
    ['metricErrors', (handler: VpcPeeringHandler) => handler.metricErrors({ dimensionsMap: { Other: 'value' } })],
    ['metricFailed', (handler: VpcPeeringHandler) => handler.metricFailed({ dimensionsMap: { Other: 'value' } })],
  ])('replaces the dimensions of %s with those that are passed', (_, metric) => {
    expect(metricOf(metric).Dimensions).toEqual([{ Name: 'Other', Value: 'value' }]);
  });
});

describe('validation', () => {
  const synthesis = (props: (stack: Stack) => VpcPeeringHandlerProps): (() => Template) => {
    return () => templateWith(props);
  };

  test('fails with a second handler in a stack', () => {
    const stack = new Stack(new App(), 'Stack');
    new VpcPeeringHandler(stack, 'One');
    expect(() => new VpcPeeringHandler(stack, 'Two')).toThrow(
      'stack Stack has one handler, which Stack/One already configures: pass all properties to one VpcPeeringHandler',
    );
  });

  test('fails with both a log group and a retention', () => {
    expect(
      synthesis((stack) => ({ logGroup: new logs.LogGroup(stack, 'Logs'), logRetention: logs.RetentionDays.ONE_DAY })),
    ).toThrow("logRetention applies only to the function's own log group: pass either logGroup or logRetention");
  });

  test('fails with subnets but no VPC', () => {
    expect(synthesis(() => ({ vpcSubnets: {} }))).toThrow(
      'vpcSubnets and securityGroups require a vpc: pass the VPC to run the function in',
    );
  });

  test.each([127, 10241, 200.5, NaN])('fails with a memory size of %p MiB', (memorySize) => {
    expect(synthesis(() => ({ memorySize }))).toThrow(
      `memorySize must be a whole number of MiB from 128 to 10240, got ${memorySize}`,
    );
  });

  test.each([128, 10240])('allows a memory size of %p MiB', (memorySize) => {
    expect(synthesis(() => ({ memorySize }))).not.toThrow();
  });
});

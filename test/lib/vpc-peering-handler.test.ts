import { App, NestedStack, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
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
  test('has logical ids that are for ever', () => {
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
  ])('is the same with a VpcPeeringHandler added %s what uses it', (_, first, second) => {
    const plain = new Stack(new App(), 'Stack');
    authorize(plain);
    const stack = new Stack(new App(), 'Stack');
    first(stack);
    second(stack);
    expect(Template.fromStack(stack).toJSON()).toEqual(Template.fromStack(plain).toJSON());
  });

  test('is one a stack, a nested stack having its own', () => {
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

  test('logs JSON to a log group of its own, and may do nothing else with logs', () => {
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

  test('starts on no event that CloudFormation has given up on', () => {
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

describe('what can be set', () => {
  test('a log group', () => {
    const template = templateWith((stack) => ({ logGroup: new logs.LogGroup(stack, 'Logs') }));
    template.resourceCountIs('AWS::Logs::LogGroup', 1);
    const [logGroup] = Object.keys(template.findResources('AWS::Logs::LogGroup'));
    template.hasResourceProperties('AWS::Lambda::Function', { LoggingConfig: { LogGroup: { Ref: logGroup } } });
    template.hasResourceProperties('AWS::IAM::Role', {
      Policies: [{ PolicyDocument: { Statement: [{ Resource: { 'Fn::GetAtt': [logGroup, 'Arn'] } }] } }],
    });
  });

  test.each([
    ['a day', logs.RetentionDays.ONE_DAY, 1],
    ['for ever', logs.RetentionDays.INFINITE, Match.absent()],
  ])('retention: %s', (_, logRetention, RetentionInDays) => {
    templateWith(() => ({ logRetention })).hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays });
  });

  test('memory', () => {
    templateWith(() => ({ memorySize: 1024 })).hasResourceProperties('AWS::Lambda::Function', { MemorySize: 1024 });
  });

  test('a VPC, with the permissions that Lambda needs for it before the function exists', () => {
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

  test('subnets and security groups of a VPC', () => {
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

  test('a permissions boundary', () => {
    const template = templateWith((stack) => ({
      permissionsBoundary: iam.ManagedPolicy.fromManagedPolicyArn(stack, 'Boundary', 'arn:aws:iam::111111111111:policy/Boundary'),
    }));
    template.hasResourceProperties('AWS::IAM::Role', { PermissionsBoundary: 'arn:aws:iam::111111111111:policy/Boundary' });
  });

  test('tracing', () => {
    const template = templateWith(() => ({ tracing: Tracing.ACTIVE }));
    template.hasResourceProperties('AWS::Lambda::Function', { TracingConfig: { Mode: 'Active' } });
    template.hasResourceProperties('AWS::IAM::RolePolicy', {
      PolicyDocument: {
        Statement: [{ Effect: 'Allow', Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], Resource: '*' }],
      },
    });
  });

  test('nothing changes a logical id', () => {
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

describe('what others do with it', () => {
  test('grant its principal something', () => {
    const stack = new Stack(new App(), 'Stack');
    const handler = new VpcPeeringHandler(stack, 'Handler');
    new kms.Key(stack, 'Key').grantDecrypt(handler);
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      Roles: [{ Ref: Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerRole') }],
      PolicyDocument: { Statement: [{ Action: 'kms:Decrypt' }] },
    });
  });

  test('watch its errors', () => {
    const stack = new Stack(new App(), 'Stack');
    const metric = new VpcPeeringHandler(stack, 'Handler').metricErrors();
    expect(stack.resolve(metric.toMetricConfig().metricStat)).toMatchObject({
      namespace: 'AWS/Lambda',
      metricName: 'Errors',
      statistic: 'Sum',
      period: { amount: 5 },
      dimensions: [
        { name: 'FunctionName', value: { Ref: expect.stringMatching(/^GameLiftVpcPeeringHandlerFunction/) as string } },
      ],
    });
  });
});

describe('misuse', () => {
  const refused = (props: (stack: Stack) => VpcPeeringHandlerProps): (() => Template) => {
    return () => templateWith(props);
  };

  test('a second handler in a stack', () => {
    const stack = new Stack(new App(), 'Stack');
    new VpcPeeringHandler(stack, 'One');
    expect(() => new VpcPeeringHandler(stack, 'Two')).toThrow(
      'the stack Stack has one handler, and Stack/One configures it already: pass all properties to one VpcPeeringHandler',
    );
  });

  test('a log group and a retention', () => {
    expect(
      refused((stack) => ({ logGroup: new logs.LogGroup(stack, 'Logs'), logRetention: logs.RetentionDays.ONE_DAY })),
    ).toThrow('logRetention is for the log group that the function gets of its own: pass either logGroup or logRetention');
  });

  test('subnets without a VPC', () => {
    expect(refused(() => ({ vpcSubnets: {} }))).toThrow(
      'vpcSubnets and securityGroups need a vpc: pass the VPC to run the function in',
    );
  });

  test.each([127, 10241, 200.5, NaN])('memory of %p MiB', (memorySize) => {
    expect(refused(() => ({ memorySize }))).toThrow(
      `memorySize must be a whole number of MiB from 128 to 10240, got ${memorySize}`,
    );
  });

  test.each([128, 10240])('but not memory of %p MiB', (memorySize) => {
    expect(refused(() => ({ memorySize }))).not.toThrow();
  });
});

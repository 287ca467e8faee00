import { App, Duration, Fn, NestedStack, Stack, Token } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Tracing } from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import {
  AuthorizationRenewal,
  VpcPeeringAuthorization,
  VpcPeeringConnection,
  VpcPeeringHandler,
  VpcPeeringRole,
} from '../../lib';
import type { VpcPeeringHandlerProps } from '../../lib';

const VPC = { vpcId: 'vpc-0123456789abcdef0', availabilityZones: ['eu-central-1a'] };

interface PolicyResource {
  readonly Properties: { readonly RoleName: unknown; readonly PolicyDocument: { readonly Statement: readonly unknown[] } };
}

interface RoleResource {
  readonly Properties: { readonly Policies?: readonly { readonly PolicyDocument: { readonly Statement: readonly unknown[] } }[] };
}

interface TemplateWithRoleNames {
  readonly Resources: Readonly<Record<string, { readonly Properties: { RoleName?: unknown } }>>;
}

function addAuthorization(stack: Stack): void {
  new VpcPeeringAuthorization(stack, 'Authorization', { vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', VPC) });
}

function addHandler(stack: Stack): void {
  new VpcPeeringHandler(stack, 'Handler');
}

function templateWith(propsIn: (stack: Stack) => VpcPeeringHandlerProps): Template {
  const stack = new Stack(new App(), 'Stack');
  addAuthorization(stack);
  new VpcPeeringHandler(stack, 'Handler', propsIn(stack));
  return Template.fromStack(stack);
}

/** The type of each resource, by its logical id. */
function resourceTypes(template: Template): Record<string, string> {
  const resources = template.toJSON().Resources as Record<string, { Type: string }>;
  return Object.fromEntries(Object.entries(resources).map(([id, { Type }]) => [id, Type]));
}

describe('the function', () => {
  test.each([
    ['before', addHandler, addAuthorization],
    ['after', addAuthorization, addHandler],
  ])('does not change if a VpcPeeringHandler without properties is created %s the authorization', (_, addFirst, addSecond) => {
    const withoutHandler = new Stack(new App(), 'Stack');
    addAuthorization(withoutHandler);
    const stack = new Stack(new App(), 'Stack');
    addFirst(stack);
    addSecond(stack);
    expect(Template.fromStack(stack).toJSON()).toEqual(Template.fromStack(withoutHandler).toJSON());
  });

  test('exists once in each stack, including each nested stack', () => {
    const stack = new Stack(new App(), 'Stack');
    const nested = new NestedStack(stack, 'Nested');
    addAuthorization(stack);
    addAuthorization(nested);
    Template.fromStack(stack).resourceCountIs('AWS::Lambda::Function', 1);
    Template.fromStack(nested).resourceCountIs('AWS::Lambda::Function', 1);
    Template.fromStack(nested).hasResourceProperties('Custom::GameLiftVpcPeeringAuthorization', {
      ServiceToken: { 'Fn::GetAtt': [Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerFunction'), 'Arn'] },
    });
  });

  test('logs JSON to its own log group, and has no permissions for other log groups', () => {
    const stack = new Stack(new App(), 'Stack');
    addAuthorization(stack);
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

  test('gets no events that are older than five minutes', () => {
    const stack = new Stack(new App(), 'Stack');
    addAuthorization(stack);
    Template.fromStack(stack).hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerFunction') },
      Qualifier: '$LATEST',
      MaximumEventAgeInSeconds: 300,
      MaximumRetryAttempts: 2,
    });
  });
});

describe('a VpcPeeringHandler with properties', () => {
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

  test.each([1, 40])('reserves %d concurrent executions', (reservedConcurrentExecutions) => {
    templateWith(() => ({ reservedConcurrentExecutions })).hasResourceProperties('AWS::Lambda::Function', {
      ReservedConcurrentExecutions: reservedConcurrentExecutions,
    });
  });

  test('reserves no concurrent executions by default', () => {
    templateWith(() => ({})).hasResourceProperties('AWS::Lambda::Function', { ReservedConcurrentExecutions: Match.absent() });
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

  test('keeps all logical ids', () => {
    const withoutHandler = new Stack(new App(), 'Stack');
    addAuthorization(withoutHandler);
    const templateWithProps = templateWith((stack) => ({
      memorySize: 512,
      tracing: Tracing.ACTIVE,
      logRetention: logs.RetentionDays.ONE_DAY,
      vpc: ec2.Vpc.fromVpcAttributes(stack, 'HandlerVpc', { ...VPC, privateSubnetIds: ['subnet-1'] }),
    }));
    expect(resourceTypes(templateWithProps)).toEqual({
      ...resourceTypes(Template.fromStack(withoutHandler)),
      GameLiftVpcPeeringHandlerNetworkInterfaces9e77dffe0D9BF678: 'AWS::IAM::RolePolicy',
      GameLiftVpcPeeringHandlerSecurityGroupE9E3FC9F: 'AWS::EC2::SecurityGroup',
      GameLiftVpcPeeringHandlerTracing9e77dffeAA3F7DE3: 'AWS::IAM::RolePolicy',
    });
  });
});

describe('the role', () => {
  const ROLE_ARN = 'arn:aws:iam::111111111111:role/Studio';
  const env = { account: '111111111111', region: 'eu-central-1' };
  const lambdaService = new iam.ServicePrincipal('lambda.amazonaws.com');
  const importRole = (stack: Stack): iam.IRole => iam.Role.fromRoleArn(stack, 'Studio', ROLE_ARN);

  /** A stack with a VpcPeeringHandler that is created before or after the constructs that use the function. */
  function stackWith(propsIn: (stack: Stack) => VpcPeeringHandlerProps, order: string, app = new App()): Stack {
    const stack = new Stack(app, 'Stack', { env });
    if (order === 'after') {
      addConnection(stack);
    }
    new VpcPeeringHandler(stack, 'Handler', propsIn(stack));
    if (order === 'before') {
      addConnection(stack);
    }
    return stack;
  }

  function addConnection(stack: Stack, fleetId = 'fleet-1'): void {
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', VPC);
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', {
      vpc,
      renewal: AuthorizationRenewal.scheduled(Duration.hours(12)),
    });
    const fleet = gamelift.CfnFleet.fromFleetId(stack, 'Fleet', fleetId);
    new VpcPeeringConnection(stack, 'Peering', { authorization, fleet });
  }

  const idsOf = (stack: Stack, type: string): string[] => Object.keys(Template.fromStack(stack).findResources(type));

  describe.each(['before', 'after'])(
    'with a VpcPeeringHandler that is created %s the constructs that use the function',
    (order) => {
      test('gets no policies if it is imported', () => {
        const stack = stackWith((scope) => ({ role: importRole(scope), tracing: Tracing.ACTIVE }), order);
        const template = Template.fromStack(stack);
        template.hasResourceProperties('AWS::Lambda::Function', { Role: ROLE_ARN });
        expect(idsOf(stack, 'AWS::IAM::RolePolicy')).toEqual([]);
        expect(idsOf(stack, 'AWS::IAM::Policy')).toEqual([]);
        // EventBridge Scheduler has a role of its own
        expect(idsOf(stack, 'AWS::IAM::Role')).toEqual([expect.stringMatching(/^GameLiftVpcPeeringHandlerRenewalsRole/)]);
        const resources = (template.toJSON() as { Resources: Record<string, { DependsOn?: string[] }> }).Resources;
        const dependencies = Object.values(resources).flatMap(({ DependsOn = [] }) => DependsOn);
        expect(dependencies.filter((id) => !(id in resources))).toEqual([]);
      });

      test('gets all policies of the function if the app defines it', () => {
        const stack = stackWith((scope) => ({ role: new iam.Role(scope, 'Mine', { assumedBy: lambdaService }) }), order);
        const withoutRole = stackWith(() => ({}), order);
        const statementsOf = (scope: Stack): unknown[] => {
          const policies = Object.values(Template.fromStack(scope).findResources('AWS::IAM::RolePolicy')) as PolicyResource[];
          const inlinePolicies = Object.entries(Template.fromStack(scope).findResources('AWS::IAM::Role'))
            .filter(([id]) => !id.includes('Renewals'))
            .flatMap(([, role]) => (role as RoleResource).Properties.Policies ?? []);
          return [...policies.map(({ Properties }) => Properties), ...inlinePolicies]
            .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
            .map((statement) => JSON.stringify(statement))
            .sort();
        };
        expect(statementsOf(stack)).toEqual(statementsOf(withoutRole));
        const policies = Object.values(Template.fromStack(stack).findResources('AWS::IAM::RolePolicy')) as PolicyResource[];
        const ids = Object.keys(Template.fromStack(stack).findResources('AWS::IAM::Role'));
        const roleId = ids.find((id) => id.startsWith('Mine'));
        expect(roleId).toBeDefined();
        expect(ids).toHaveLength(2);
        expect(policies.map(({ Properties }) => Properties.RoleName)).toEqual(policies.map(() => ({ Ref: roleId })));
        Template.fromStack(stack).hasResource('AWS::Lambda::Function', {
          Properties: { Role: { 'Fn::GetAtt': [roleId, 'Arn'] } },
          DependsOn: Match.arrayWith([Match.stringLikeRegexp('^GameLiftVpcPeeringHandlerLogs')]),
        });
      });

      test('gets no policies if the app calls withoutPolicyUpdates', () => {
        const stack = stackWith(
          (scope) => ({ role: new iam.Role(scope, 'Mine', { assumedBy: lambdaService }).withoutPolicyUpdates() }),
          order,
        );
        expect(idsOf(stack, 'AWS::IAM::RolePolicy')).toEqual([]);
      });

      test('gets the name that roleName sets, and nothing else changes', () => {
        const withName = Template.fromStack(
          stackWith(() => ({ roleName: 'studio-peering' }), order),
        ).toJSON() as TemplateWithRoleNames;
        const withoutName = Template.fromStack(stackWith(() => ({}), order)).toJSON() as TemplateWithRoleNames;
        const id = 'GameLiftVpcPeeringHandlerRoleB8C6F82F';
        expect(withName.Resources[id]?.Properties.RoleName).toBe('studio-peering');
        delete withName.Resources[id]?.Properties.RoleName;
        expect(withName).toEqual(withoutName);
      });

      test('can be referred to by its name in the stack of another account', () => {
        const app = new App();
        const [stack, data] = [
          new Stack(app, 'Stack', { env }),
          new Stack(app, 'Data', { env: { ...env, account: '222222222222' } }),
        ];
        if (order === 'after') {
          addConnection(stack);
        }
        const { function: handlerFunction } = new VpcPeeringHandler(stack, 'Handler', { roleName: 'studio-peering' });
        new VpcPeeringRole(data, 'Role', {
          vpc: ec2.Vpc.fromVpcAttributes(data, 'Vpc', VPC),
          assumedBy: new iam.ArnPrincipal(handlerFunction.role?.roleArn ?? ''),
        });
        const [role] = Object.values(Template.fromStack(data).findResources('AWS::IAM::Role'));
        expect(JSON.stringify(role)).toContain(':iam::111111111111:role/studio-peering');
      });
    },
  );

  test('can be shared by two stacks and a nested stack, because all of its policies have different names', () => {
    const app = new App();
    const firstStack = new Stack(app, 'One', { env });
    const role = new iam.Role(firstStack, 'Shared', { assumedBy: lambdaService });
    const stacks = [firstStack, new Stack(app, 'Two', { env }), new NestedStack(firstStack, 'Nested')];
    for (const stack of stacks) {
      new VpcPeeringHandler(stack, 'Handler', { role });
      addConnection(stack, `fleet-${stack.node.id}`);
    }
    const policyNames = stacks.map((stack) => {
      const policies = Object.values(Template.fromStack(stack).findResources('AWS::IAM::RolePolicy'));
      return policies.map(({ Properties }) => (Properties as { readonly PolicyName: string }).PolicyName);
    });
    expect(policyNames.map(({ length }) => length)).toEqual([5, 5, 5]);
    expect(new Set(policyNames.flat()).size).toBe(15);
    expect(policyNames[0]).toContainEqual(
      expect.stringMatching(/^GameLiftVpcPeering-[0-9a-f]{8}-Authorize42394c9a-vpc-0123456789abcdef0-[0-9a-f]{8}$/),
    );
  });

  test('can be imported in an app that calls Role.customizeRoles, if the VpcPeeringHandler is created first', () => {
    const app = new App();
    iam.Role.customizeRoles(app, {});
    const stack = stackWith((scope) => ({ role: importRole(scope) }), 'before', app);
    expect(idsOf(stack, 'AWS::IAM::RolePolicy')).toEqual([]);
    Template.fromStack(stack).hasResourceProperties('AWS::Lambda::Function', { Role: ROLE_ARN });
  });

  test.each<[string, (stack: Stack) => VpcPeeringHandlerProps]>([
    ['role', (stack) => ({ role: importRole(stack) })],
    ['roleName', () => ({ roleName: 'studio-peering' })],
  ])(
    'cannot be set with the property %s in an app that calls Role.customizeRoles, after another construct has used the function',
    (_, props) => {
      const app = new App();
      iam.Role.customizeRoles(app, {});
      expect(() => stackWith(props, 'after', app)).toThrow(
        new Error(
          'the role of Stack/Handler can no longer be changed, because Role.customizeRoles has already reported the role of the function: ' +
            'create the VpcPeeringHandler before all other constructs of this library in the stack',
        ),
      );
    },
  );

  test.each<[string, (stack: Stack) => VpcPeeringHandlerProps, string]>([
    [
      'a role and a name',
      (stack) => ({ role: importRole(stack), roleName: 'studio-peering' }),
      "roleName applies only to the function's own role: pass either role or roleName",
    ],
    [
      'a role and a permissions boundary',
      (stack) => ({
        role: importRole(stack),
        permissionsBoundary: iam.ManagedPolicy.fromManagedPolicyArn(stack, 'Boundary', 'arn:aws:iam::111111111111:policy/B'),
      }),
      "permissionsBoundary applies only to the function's own role: pass either role or permissionsBoundary, and set the boundary of the " +
        'role where it is created',
    ],
    [
      'a role of another account',
      (stack) => ({ role: iam.Role.fromRoleArn(stack, 'Studio', 'arn:aws:iam::222222222222:role/Studio') }),
      'role must be in the account of the stack, since Lambda runs functions only with roles of their own account: the role is in ' +
        '222222222222, the stack is in 111111111111',
    ],
    ['an empty name', () => ({ roleName: '' }), "roleName must be 1 to 64 letters, digits and characters of _+=,.@-, got ''"],
    [
      'a name with a path',
      () => ({ roleName: 'team/peering' }),
      "roleName must be 1 to 64 letters, digits and characters of _+=,.@-, got 'team/peering'",
    ],
    [
      'a name of 65 characters',
      () => ({ roleName: 'a'.repeat(65) }),
      `roleName must be 1 to 64 letters, digits and characters of _+=,.@-, got '${'a'.repeat(65)}'`,
    ],
  ])('fails with %s', (_, props, message) => {
    expect(() => stackWith(props, 'before')).toThrow(new Error(message));
  });

  test('can have a name of 64 characters, or a token as its name', () => {
    expect(() => stackWith(() => ({ roleName: 'a'.repeat(64) }), 'before')).not.toThrow();
    expect(() => stackWith(() => ({ roleName: Fn.importValue('Name') }), 'before')).not.toThrow();
  });
});

describe('the property function', () => {
  function handlerWith(propsIn: (stack: Stack) => VpcPeeringHandlerProps = () => ({})): {
    stack: Stack;
    handler: VpcPeeringHandler;
  } {
    const stack = new Stack(new App(), 'Stack');
    return { stack, handler: new VpcPeeringHandler(stack, 'Handler', propsIn(stack)) };
  }
  const FUNCTION_ARN = { 'Fn::GetAtt': ['GameLiftVpcPeeringHandlerFunction72E66EDF', 'Arn'] };

  test('is an IFunction with the ARN and the role of the function', () => {
    const { stack, handler } = handlerWith();
    expect(stack.resolve(handler.function.functionArn)).toEqual(FUNCTION_ARN);
    expect(handler.function.role).toBe(handler.grantPrincipal);
    Template.fromStack(stack).resourceCountIs('AWS::Lambda::Function', 1);
  });

  test('can get permissions, and can be invoked by other principals', () => {
    const { stack, handler } = handlerWith();
    new kms.Key(stack, 'Key').grantDecrypt(handler.function);
    handler.function.grantInvoke(new iam.ServicePrincipal('events.amazonaws.com'));
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::IAM::Policy', { Roles: [{ Ref: 'GameLiftVpcPeeringHandlerRoleB8C6F82F' }] });
    template.hasResourceProperties('AWS::Lambda::Permission', { FunctionName: FUNCTION_ARN, Principal: 'events.amazonaws.com' });
  });

  test('has the security groups of the function as its connections', () => {
    const { stack, handler } = handlerWith((scope) => {
      const vpc = new ec2.Vpc(scope, 'HandlerVpc', { maxAzs: 1 });
      return { vpc, securityGroups: ['One', 'Two'].map((id) => new ec2.SecurityGroup(scope, id, { vpc })) };
    });
    expect(handler.connections.securityGroups.map(({ node }) => node.path)).toEqual(['Stack/One', 'Stack/Two']);
    const endpoint = new ec2.SecurityGroup(stack, 'Endpoint', {
      vpc: ec2.Vpc.fromVpcAttributes(stack, 'EndpointVpc', VPC),
    });
    endpoint.connections.allowFrom(handler, ec2.Port.tcp(443));
    // one rule for each security group of the function
    Template.fromStack(stack).resourceCountIs('AWS::EC2::SecurityGroupIngress', 2);
    expect(handler.function.connections.securityGroups.map(({ node }) => node.path)).toEqual(['Stack/One', 'Stack/Two']);
  });

  test('keeps security groups that are added to its connections', () => {
    const { stack, handler } = handlerWith((scope) => ({ vpc: new ec2.Vpc(scope, 'HandlerVpc', { maxAzs: 1 }) }));
    handler.connections.addSecurityGroup(ec2.SecurityGroup.fromSecurityGroupId(stack, 'Added', 'sg-0a'));
    for (const { connections } of [handler, handler.function]) {
      expect(connections.securityGroups.map(({ securityGroupId }) => stack.resolve(securityGroupId) as unknown)).toEqual([
        { 'Fn::GetAtt': [expect.stringMatching(/^GameLiftVpcPeeringHandlerSecurityGroup/), 'GroupId'] },
        'sg-0a',
      ]);
    }
  });

  test('has the security group that is created for the function as its connections', () => {
    const { handler } = handlerWith((stack) => ({ vpc: new ec2.Vpc(stack, 'HandlerVpc', { maxAzs: 1 }) }));
    expect(handler.connections.securityGroups.map(({ node }) => node.path)).toEqual([
      'Stack/GameLiftVpcPeeringHandler/SecurityGroup',
    ]);
  });

  test('has no connections outside of a VPC', () => {
    const { handler } = handlerWith();
    expect(() => handler.connections).toThrow(
      new Error(
        'Stack/Handler has no security groups, since the function does not run in a VPC: pass the vpc to run the function in',
      ),
    );
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

  /** The properties that identify a metric of a handler, in an alarm on the metric. */
  function metricPropertiesOf(metric: (handler: VpcPeeringHandler) => Metric): Record<string, unknown> {
    const stack = new Stack(new App(), 'Stack');
    const handler = new VpcPeeringHandler(stack, 'Handler');
    metric(handler).createAlarm(handler, 'Alarm', { threshold: 1, evaluationPeriods: 1 });
    const [alarm] = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'));
    const { Properties } = alarm as { Properties: Record<string, unknown> };
    const { Namespace, MetricName, Statistic, Period, Dimensions } = Properties;
    return { Namespace, MetricName, Statistic, Period, Dimensions };
  }

  test('has a metric of the invocations that failed', () => {
    expect(metricPropertiesOf((handler) => handler.metricErrors())).toEqual({
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Statistic: 'Sum',
      Period: 300,
      Dimensions: [{ Name: 'FunctionName', Value: FUNCTION_NAME }],
    });
  });

  test('has a metric of the requests that failed', () => {
    expect(metricPropertiesOf((handler) => handler.metricFailed())).toEqual({
      Namespace: 'GameLiftVpcPeering',
      MetricName: 'FailedRequests',
      Statistic: 'Sum',
      Period: 300,
      Dimensions: [{ Name: 'FunctionName', Value: FUNCTION_NAME }],
    });
  });

  test('has options for the metric of the requests that failed', () => {
    const metric = metricPropertiesOf((handler) =>
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
    expect(metricPropertiesOf(metric).Dimensions).toEqual([{ Name: 'Other', Value: 'value' }]);
  });
});

describe('the validation of a VpcPeeringHandler', () => {
  const synthesisWith = (propsIn: (stack: Stack) => VpcPeeringHandlerProps): (() => Template) => {
    return () => templateWith(propsIn);
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
      synthesisWith((stack) => ({ logGroup: new logs.LogGroup(stack, 'Logs'), logRetention: logs.RetentionDays.ONE_DAY })),
    ).toThrow("logRetention applies only to the function's own log group: pass either logGroup or logRetention");
  });

  test('fails with subnets but no VPC', () => {
    expect(synthesisWith(() => ({ vpcSubnets: {} }))).toThrow(
      'vpcSubnets and securityGroups require a vpc: pass the VPC to run the function in',
    );
  });

  test.each([127, 10241, 200.5, NaN])('fails with a memory size of %p MiB', (memorySize) => {
    expect(synthesisWith(() => ({ memorySize }))).toThrow(
      `memorySize must be a whole number of MiB from 128 to 10240, got ${memorySize}`,
    );
  });

  test.each([128, 10240])('allows a memory size of %p MiB', (memorySize) => {
    expect(synthesisWith(() => ({ memorySize }))).not.toThrow();
  });

  test('fails with no concurrent executions, since the function would then never run', () => {
    expect(synthesisWith(() => ({ reservedConcurrentExecutions: 0 }))).toThrow(
      new Error(
        'reservedConcurrentExecutions must be at least 1, got 0: Lambda then never runs the function, and every deployment and deletion of ' +
          'the stack fails',
      ),
    );
  });

  test.each([-1, 1.5, NaN])('fails with %p concurrent executions', (reservedConcurrentExecutions) => {
    expect(synthesisWith(() => ({ reservedConcurrentExecutions }))).toThrow(
      new Error(`reservedConcurrentExecutions must be a whole number from 1, got ${reservedConcurrentExecutions}`),
    );
  });

  test('allows a token as the number of concurrent executions', () => {
    templateWith(() => ({ reservedConcurrentExecutions: Token.asNumber(Fn.importValue('Executions')) })).hasResourceProperties(
      'AWS::Lambda::Function',
      { ReservedConcurrentExecutions: { 'Fn::ImportValue': 'Executions' } },
    );
  });
});

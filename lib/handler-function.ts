import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { CustomResource, Duration, Fn, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { IConstruct } from 'constructs';
import { ANSWER_RESERVE_SECONDS, MAX_EVENT_AGE_SECONDS } from './contract';
import { isOurs, markAsOurs } from './copies';
import { checkInlinePolicies } from './inline-policies';
import type { VpcPeeringHandlerProps } from './vpc-peering-handler';

/** For ever: the function's logical id is made of it, and a custom resource can't change its function. */
const ID = 'GameLiftVpcPeeringHandler';

/** Where `Role.customizeRoles` keeps what it was given. */
const CUSTOMIZE_ROLES_CONTEXT = '@aws-cdk/iam:customizeRoles';

const BUNDLE = join(__dirname, '..', 'lambda', 'bundle');

/** The longest that Lambda lets a function run. */
const TIMEOUT = Duration.minutes(15);

const DEFAULT_MEMORY_MIB = 256;

/** A custom resource of this library, as the constructs describe it. */
export interface HandledResourceProps {
  readonly resourceType: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Seconds that one invocation takes at the most, from its start to its answer. */
  readonly budgetSeconds: number;
  readonly removalPolicy?: RemovalPolicy | undefined;
  /** What the handler needs for this resource: in place before its create, and until after its delete. */
  readonly permissions: readonly iam.CfnRolePolicy[];
}

/** A policy of a role, in the template if the role is. */
class HandlerPolicy extends iam.CfnRolePolicy {
  constructor(
    scope: Construct,
    id: string,
    private readonly role: iam.Role,
    props: Omit<iam.CfnRolePolicyProps, 'roleName'>,
  ) {
    super(scope, id, { ...props, roleName: role.roleName });
  }

  protected override shouldSynthesize(): boolean {
    return this.role.node.defaultChild !== undefined;
  }
}

/** The one Lambda function of a stack, with its role, logs, and limits for asynchronous events. */
export class HandlerFunction extends Construct {
  static of(scope: IConstruct): HandlerFunction {
    const stack = Stack.of(scope);
    const existing = stack.node.tryFindChild(ID) as HandlerFunction | undefined;
    return existing !== undefined && isOurs(existing) ? existing : new HandlerFunction(stack, ID);
  }

  readonly role: iam.Role;
  readonly functionArn: string;
  readonly functionName: string;

  private readonly resource: lambda.CfnFunction;
  private readonly eventInvokeConfig: lambda.CfnEventInvokeConfig;
  private readonly ownLogGroup: logs.CfnLogGroup;
  private logGroup: { readonly logGroupName: string; readonly logGroupArn: string };
  private configuredBy: IConstruct | undefined;

  private constructor(scope: Construct, id: string) {
    super(scope, id);
    markAsOurs(this);
    checkInlinePolicies(this);
    this.ownLogGroup = new logs.CfnLogGroup(this, 'LogGroup', { retentionInDays: logs.RetentionDays.ONE_MONTH });
    this.ownLogGroup.applyRemovalPolicy(RemovalPolicy.DESTROY);
    this.logGroup = { logGroupName: this.ownLogGroup.ref, logGroupArn: this.ownLogGroup.attrArn };
    this.role = new iam.Role(this, 'Role', {
      description: 'Runs the custom resources of cdk-gamelift-vpc-peering',
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: {
        Logs: new iam.PolicyDocument({
          statements: [
            new iam.PolicyStatement({
              actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
              resources: [Lazy.string({ produce: () => this.logGroup.logGroupArn })],
            }),
          ],
        }),
      },
    });
    const code = lambda.Code.fromAsset(BUNDLE);
    const { s3Location } = code.bind(this);
    this.resource = new lambda.CfnFunction(this, 'Function', {
      description: 'Authorizes VPC peering with Amazon GameLift Servers fleets for this stack',
      runtime: lambda.determineLatestNodeRuntime(this).name,
      handler: 'index.handler',
      code: { s3Bucket: s3Location?.bucketName, s3Key: s3Location?.objectKey },
      role: this.role.roleArn,
      memorySize: DEFAULT_MEMORY_MIB,
      timeout: TIMEOUT.toSeconds(),
      loggingConfig: {
        logFormat: lambda.LoggingFormat.JSON,
        logGroup: Lazy.string({ produce: () => this.logGroup.logGroupName }),
      },
    });
    code.bindToResource(this.resource);
    this.functionArn = this.resource.attrArn;
    this.functionName = this.resource.ref;
    this.eventInvokeConfig = new lambda.CfnEventInvokeConfig(this, 'EventInvokeConfig', {
      functionName: this.functionName,
      qualifier: '$LATEST',
      maximumEventAgeInSeconds: MAX_EVENT_AGE_SECONDS,
      maximumRetryAttempts: 2,
    });
  }

  /** @throws Error if the function was configured before. */
  configure(by: IConstruct, props: VpcPeeringHandlerProps): void {
    if (this.configuredBy !== undefined) {
      throw new Error(
        `the stack ${Stack.of(this).stackName} has one handler, and ${this.configuredBy.node.path} configures it already: ` +
          'pass all properties to one VpcPeeringHandler',
      );
    }
    this.configuredBy = by;
    if (props.logGroup !== undefined) {
      this.logGroup = props.logGroup;
      this.node.tryRemoveChild(this.ownLogGroup.node.id);
    }
    if (props.logRetention !== undefined) {
      // Infinity is how the enum spells «never expires»; the property is left out for that
      this.ownLogGroup.retentionInDays = props.logRetention === logs.RetentionDays.INFINITE ? undefined : props.logRetention;
    }
    this.resource.memorySize = props.memorySize ?? DEFAULT_MEMORY_MIB;
    if (props.permissionsBoundary !== undefined) {
      iam.PermissionsBoundary.of(this.role).apply(props.permissionsBoundary);
    }
    if (props.tracing !== undefined) {
      this.trace(props.tracing);
    }
    if (props.vpc !== undefined) {
      this.runIn(props.vpc, props);
    }
  }

  /**
   * A policy for the handler that does not shrink while a resource still needs it.
   *
   * CloudFormation changes a policy before it deletes what was replaced or removed. This type's name can't be changed in
   * place, so with its subject and a digest of what it says in the name, other permissions are another policy, and the old
   * one is deleted after what depended on it.
   *
   * It is left out of the template where `Role.customizeRoles` leaves out the role; the statements are in the CDK's report then.
   *
   * @param kind what it is for, the same in every version
   * @param about the construct that it is for
   * @param subject what it names: a policy of its own for each
   */
  permit(kind: string, about: IConstruct, subject: string, statements: () => iam.PolicyStatement[]): iam.CfnRolePolicy {
    const id = `${kind}${this.digest(this.pathOf(about))}`;
    const existing = this.node.tryFindChild(id) as iam.CfnRolePolicy | undefined;
    if (existing !== undefined) {
      return existing;
    }
    const granted = statements();
    const document = new iam.PolicyDocument({ statements: granted });
    if (this.node.tryGetContext(CUSTOMIZE_ROLES_CONTEXT) !== undefined) {
      // where roles are customized, the CDK adds these to its report, and to no policy
      granted.forEach((statement) => this.role.addToPrincipalPolicy(statement));
    }
    return new HandlerPolicy(this, id, this.role, {
      // the id too: under one name, the deletion of one logical id would take the policy of another with it
      policyName: Fn.join('-', [
        'GameLiftVpcPeering',
        id,
        subject,
        this.digest(JSON.stringify(Stack.of(this).resolve(document))),
      ]),
      policyDocument: document,
    });
  }

  /** Declares a custom resource that this function handles. */
  serve(scope: Construct, id: string, props: HandledResourceProps): CustomResource {
    const resource = new CustomResource(scope, id, {
      serviceToken: this.functionArn,
      resourceType: props.resourceType,
      properties: props.properties,
      removalPolicy: props.removalPolicy,
      // whoever starts last, just before the event is too old, still answers before CloudFormation gives up
      serviceTimeout: Duration.seconds(MAX_EVENT_AGE_SECONDS + props.budgetSeconds + 2 * ANSWER_RESERVE_SECONDS),
    });
    resource.node.addDependency(this.eventInvokeConfig, ...props.permissions);
    return resource;
  }

  metricErrors(props?: MetricOptions): Metric {
    return new Metric({
      namespace: 'AWS/Lambda',
      metricName: 'Errors',
      dimensionsMap: { FunctionName: this.functionName },
      statistic: Stats.SUM,
      period: Duration.minutes(5),
      ...props,
    }).attachTo(this);
  }

  /** Within the stack, wherever the stack is in the app. */
  private pathOf(about: IConstruct): string {
    const stack = Stack.of(this);
    return Stack.of(about) === stack ? about.node.path.slice(stack.node.path.length) : about.node.path;
  }

  private digest(text: string): string {
    return createHash('sha256').update(text).digest('hex').slice(0, 8);
  }

  private trace(tracing: lambda.Tracing): void {
    this.resource.tracingConfig = { mode: tracing };
    if (tracing !== lambda.Tracing.DISABLED) {
      this.permitFunction('Tracing', ['xray:PutTraceSegments', 'xray:PutTelemetryRecords']);
    }
  }

  private runIn(vpc: ec2.IVpc, props: VpcPeeringHandlerProps): void {
    const subnets = vpc.selectSubnets(props.vpcSubnets ?? { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS });
    const securityGroups = props.securityGroups ?? [
      new ec2.SecurityGroup(this, 'SecurityGroup', { vpc, description: 'Handler of GameLift VPC peering' }),
    ];
    this.resource.vpcConfig = {
      subnetIds: subnets.subnetIds,
      securityGroupIds: securityGroups.map((securityGroup) => securityGroup.securityGroupId),
    };
    this.permitFunction('NetworkInterfaces', [
      'ec2:CreateNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:DeleteNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ]);
    this.resource.node.addDependency(subnets.internetConnectivityEstablished);
  }

  /** What Lambda itself does in the function's name; it supports no narrower resource. */
  private permitFunction(kind: string, actions: string[]): void {
    const policy = this.permit(kind, this, 'Function', () => [new iam.PolicyStatement({ actions, resources: ['*'] })]);
    this.resource.node.addDependency(policy);
  }
}

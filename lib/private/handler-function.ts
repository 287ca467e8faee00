import { join } from 'node:path';
import { CustomResource, Duration, Fn, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { IConstruct } from 'constructs';
import { RESPONSE_RESERVE_SECONDS, MAX_EVENT_AGE_SECONDS } from '../contract';
import { digestOf } from './digest';
import { isCreatedByThisLibrary, markAsCreatedByThisLibrary } from './library-copies';
import { validatePolicySize } from './policy-size';

/**
 * Never change this id: the function's logical id contains it, and CloudFormation refuses to change the function of a custom resource.
 */
const HANDLER_ID = 'GameLiftVpcPeeringHandler';

const ROLE_ID = 'Role';

const LOG_ACTIONS = ['logs:CreateLogStream', 'logs:PutLogEvents'];

/** The context key under which the CDK stores the options of `Role.customizeRoles`. */
const CUSTOMIZE_ROLES_CONTEXT = '@aws-cdk/iam:customizeRoles';

const BUNDLE = join(__dirname, '..', '..', 'lambda', 'bundle');

/** The maximum that Lambda allows. */
const TIMEOUT = Duration.minutes(15);

const DEFAULT_MEMORY_MIB = 256;

/** The properties of a custom resource of this library. */
export interface HandledResourceProps {
  readonly resourceType: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** The maximum duration of one invocation, in seconds, including the response. */
  readonly budgetSeconds: number;
  readonly removalPolicy?: RemovalPolicy | undefined;
  /** The permissions that the handler needs for this resource. The policies are created before the resource and deleted after it. */
  readonly policies: readonly iam.CfnRolePolicy[];
}

/** Identifies what the permissions of a policy apply to: a VPC, all fleets, or the function itself. */
export interface PolicyTarget {
  /** `addPolicy` creates one policy for each combination of its `purpose` and this construct. */
  readonly construct: IConstruct;
  /** Part of the policy's name. With another value, CloudFormation creates another policy. */
  readonly name: string;
}

/** The role that the user chooses for the function: an existing role, or a name for the function's own role. */
export interface HandlerRoleProps {
  readonly role?: iam.IRole;
  readonly roleName?: string;
}

/**
 * A policy of the handler's role. The template does not contain it if the app does not define the role: if the role is imported, or with
 * `Role.customizeRoles`.
 */
class HandlerPolicy extends iam.CfnRolePolicy {
  private readonly document: iam.PolicyDocument;
  private readonly statementContents = new Set<string>();

  constructor(
    private readonly handler: HandlerFunction,
    id: string,
    private readonly targetName: string,
  ) {
    const document = new iam.PolicyDocument();
    const roleName = Lazy.string({ produce: () => handler.role.roleName });
    super(handler, id, { policyName: id, policyDocument: document, roleName });
    this.document = document;
  }

  /** Adds the statements that the policy does not contain yet. */
  addStatements(statements: readonly iam.PolicyStatement[]): void {
    const newStatements = statements.filter((statement) => !this.statementContents.has(this.contentOf(statement)));
    if (newStatements.length === 0) {
      return;
    }
    for (const statement of newStatements) {
      this.statementContents.add(this.contentOf(statement));
      this.document.addStatements(statement);
      if (this.node.tryGetContext(CUSTOMIZE_ROLES_CONTEXT) !== undefined) {
        // with this option, the CDK adds the statement to its report instead of a policy
        this.handler.role.addToPrincipalPolicy(statement);
      }
    }
    // The name contains the id, so that no two policies have the same name. Otherwise, deleting one would delete the other.
    const digest = digestOf(this.contentOf(this.document), 8);
    const prefix = Lazy.string({ produce: () => this.handler.policyNamePrefix });
    this.policyName = Fn.join('-', [prefix, this.node.id, this.targetName, digest]);
  }

  private contentOf(part: iam.PolicyStatement | iam.PolicyDocument): string {
    return JSON.stringify(this.stack.resolve(part));
  }

  protected override shouldSynthesize(): boolean {
    return isDefinedByApp(this.handler.role);
  }
}

/**
 * Whether the app defines the role. An imported role has no default child. A role `withoutPolicyUpdates` has the default child of the original
 * role, which is not its own child.
 */
function isDefinedByApp(role: iam.IRole): boolean {
  return role.node.defaultChild?.node.scope === role;
}

/** The Lambda function of a stack, with its role, its log group, and its limits for asynchronous invocations. */
export class HandlerFunction extends Construct {
  /** Returns the function of the stack. Creates it if the stack has none yet. */
  static of(scope: IConstruct): HandlerFunction {
    const stack = Stack.of(scope);
    return HandlerFunction.find(stack) ?? new HandlerFunction(stack, HANDLER_ID, {});
  }

  /**
   * Returns the function of the stack, with the role that the user has chosen. Only one construct can configure the function.
   *
   * @throws Error if another construct configures the function, or if its role can no longer be changed
   */
  static withRole(construct: IConstruct, props: HandlerRoleProps): HandlerFunction {
    const stack = Stack.of(construct);
    const existing = HandlerFunction.find(stack);
    const handler = existing ?? new HandlerFunction(stack, HANDLER_ID, props);
    handler.setConfiguringConstruct(construct);
    if (existing !== undefined) {
      existing.changeRole(construct, props);
    }
    return handler;
  }

  private static find(stack: Stack): HandlerFunction | undefined {
    const existing = stack.node.tryFindChild(HANDLER_ID) as HandlerFunction | undefined;
    return existing !== undefined && isCreatedByThisLibrary(existing) ? existing : undefined;
  }

  readonly functionArn: string;
  readonly functionName: string;

  private readonly resource: lambda.CfnFunction;
  private readonly eventInvokeConfig: lambda.CfnEventInvokeConfig;
  private readonly ownLogGroup: logs.CfnLogGroup;
  private logGroup: { readonly logGroupName: string; readonly logGroupArn: string };
  private currentRole: iam.IRole;
  private vpcSecurityGroups: readonly ec2.ISecurityGroup[] | undefined;
  private configuringConstruct: IConstruct | undefined;

  private constructor(scope: Construct, id: string, props: HandlerRoleProps) {
    super(scope, id);
    markAsCreatedByThisLibrary(this);
    validatePolicySize(this);
    this.ownLogGroup = new logs.CfnLogGroup(this, 'LogGroup', { retentionInDays: logs.RetentionDays.ONE_MONTH });
    this.ownLogGroup.applyRemovalPolicy(RemovalPolicy.DESTROY);
    this.logGroup = { logGroupName: this.ownLogGroup.ref, logGroupArn: this.ownLogGroup.attrArn };
    this.currentRole = props.role ?? this.createRole(props.roleName);
    this.resource = this.createFunction();
    this.functionArn = this.resource.attrArn;
    this.functionName = this.resource.ref;
    this.eventInvokeConfig = new lambda.CfnEventInvokeConfig(this, 'EventInvokeConfig', {
      functionName: this.functionName,
      qualifier: '$LATEST',
      maximumEventAgeInSeconds: MAX_EVENT_AGE_SECONDS,
      maximumRetryAttempts: 2,
    });
    if (props.role !== undefined) {
      this.addLogsPolicy();
    }
  }

  /** The current role. A `VpcPeeringHandler` that is created later can replace it. */
  get role(): iam.IRole {
    return this.currentRole;
  }

  /** The security groups of the function. Undefined if it does not run in a VPC. */
  get securityGroups(): readonly ec2.ISecurityGroup[] | undefined {
    return this.vpcSecurityGroups;
  }

  /** If the user passed the role, the names of its policies contain a digest of the stack, because several stacks can share the role. */
  get policyNamePrefix(): string {
    const isOwnRole = this.role.node.scope === this;
    return isOwnRole ? 'GameLiftVpcPeering' : `GameLiftVpcPeering-${digestOf(Stack.of(this).node.path, 8)}`;
  }

  useLogGroup(logGroup: logs.ILogGroup): void {
    this.logGroup = logGroup;
    this.node.tryRemoveChild(this.ownLogGroup.node.id);
  }

  setLogRetention(retention: logs.RetentionDays): void {
    // the CDK's INFINITE is not a value of the property: logs never expire if the property is absent
    this.ownLogGroup.retentionInDays = retention === logs.RetentionDays.INFINITE ? undefined : retention;
  }

  setMemorySize(mebibytes: number): void {
    this.resource.memorySize = mebibytes;
  }

  setPermissionsBoundary(boundary: iam.IManagedPolicy): void {
    iam.PermissionsBoundary.of(this.role).apply(boundary);
  }

  setReservedConcurrentExecutions(executions: number): void {
    this.resource.reservedConcurrentExecutions = executions;
  }

  setTracing(tracing: lambda.Tracing): void {
    this.resource.tracingConfig = { mode: tracing };
    if (tracing !== lambda.Tracing.DISABLED) {
      this.addFunctionPolicy('Tracing', ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], '*');
    }
  }

  /**
   * Runs the function in a VPC.
   *
   * @param vpcSubnets by default, the private subnets with egress
   * @param securityGroups by default, a new one that allows all outbound traffic
   */
  setVpc(vpc: ec2.IVpc, vpcSubnets?: ec2.SubnetSelection, securityGroups?: readonly ec2.ISecurityGroup[]): void {
    const subnets = vpc.selectSubnets(vpcSubnets ?? { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS });
    const groups = securityGroups ?? [
      new ec2.SecurityGroup(this, 'SecurityGroup', { vpc, description: 'Handler of GameLift VPC peering' }),
    ];
    this.vpcSecurityGroups = groups;
    this.resource.vpcConfig = {
      subnetIds: subnets.subnetIds,
      securityGroupIds: groups.map(({ securityGroupId }) => securityGroupId),
    };
    const actions = [
      'ec2:CreateNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:DeleteNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ];
    this.addFunctionPolicy('NetworkInterfaces', actions, '*');
    this.resource.node.addDependency(subnets.internetConnectivityEstablished);
  }

  /**
   * Adds a policy that keeps its permissions as long as a resource needs them. If the policy already exists, adds the statements to it.
   *
   * CloudFormation changes policies before it deletes resources that were replaced or removed. Since it cannot rename this type of
   * policy in place, the policy's name contains the target and a digest of the document. A change of permissions therefore creates a
   * new policy, and CloudFormation deletes the old one only after the resources that depend on it.
   *
   * With `Role.customizeRoles`, the statements are in the CDK's report instead of the template. An imported role gets no policies.
   *
   * @param purpose part of the policy's logical id: never change it
   */
  addPolicy(purpose: string, target: PolicyTarget, statements: readonly iam.PolicyStatement[]): iam.CfnRolePolicy {
    const id = `${purpose}${digestOf(this.pathOf(target.construct), 8)}`;
    const existing = this.node.tryFindChild(id) as HandlerPolicy | undefined;
    const policy = existing ?? new HandlerPolicy(this, id, target.name);
    policy.addStatements(statements);
    return policy;
  }

  /** Adds a custom resource that this function handles. */
  addCustomResource(scope: Construct, id: string, props: HandledResourceProps): CustomResource {
    const resource = new CustomResource(scope, id, {
      serviceToken: this.functionArn,
      resourceType: props.resourceType,
      properties: props.properties,
      removalPolicy: props.removalPolicy,
      // even if the invocation starts just before Lambda would discard the event, it responds before CloudFormation gives up
      serviceTimeout: Duration.seconds(MAX_EVENT_AGE_SECONDS + props.budgetSeconds + 2 * RESPONSE_RESERVE_SECONDS),
    });
    resource.node.addDependency(this.eventInvokeConfig, ...props.policies);
    return resource;
  }

  /** @throws Error if another construct configures the function */
  private setConfiguringConstruct(construct: IConstruct): void {
    if (this.configuringConstruct !== undefined) {
      throw new Error(
        `stack ${Stack.of(this).stackName} has one handler, which ${this.configuringConstruct.node.path} already configures: ` +
          'pass all properties to one VpcPeeringHandler',
      );
    }
    this.configuringConstruct = construct;
  }

  /**
   * Replaces the role that was created with the function. The policies refer to the role only when the template is synthesized.
   *
   * @throws Error if the CDK has already reported the role
   */
  private changeRole(construct: IConstruct, { role, roleName }: HandlerRoleProps): void {
    if (role === undefined && roleName === undefined) {
      return;
    }
    if (this.node.tryGetContext(CUSTOMIZE_ROLES_CONTEXT) !== undefined) {
      throw new Error(
        `the role of ${construct.node.path} can no longer be changed, because Role.customizeRoles has already reported the role of the ` +
          'function: create the VpcPeeringHandler before all other constructs of this library in the stack',
      );
    }
    this.node.tryRemoveChild(ROLE_ID);
    this.currentRole = role ?? this.createRole(roleName);
    if (role !== undefined) {
      this.addLogsPolicy();
    }
  }

  private createRole(roleName: string | undefined): iam.Role {
    return new iam.Role(this, ROLE_ID, {
      description: 'Runs the custom resources of cdk-gamelift-vpc-peering',
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      ...(roleName === undefined ? {} : { roleName }),
      inlinePolicies: {
        Logs: new iam.PolicyDocument({
          statements: [new iam.PolicyStatement({ actions: LOG_ACTIONS, resources: [this.logGroupArn()] })],
        }),
      },
    });
  }

  /** Allows a role that the user passed to write logs. The function's own role has this policy inline. */
  private addLogsPolicy(): void {
    this.addFunctionPolicy('Logs', LOG_ACTIONS, this.logGroupArn());
  }

  /** Returns a lazy value, because the log group can still be changed. */
  private logGroupArn(): string {
    return Lazy.string({ produce: () => this.logGroup.logGroupArn });
  }

  private createFunction(): lambda.CfnFunction {
    const code = lambda.Code.fromAsset(BUNDLE);
    const { s3Location } = code.bind(this);
    const resource = new lambda.CfnFunction(this, 'Function', {
      description: 'Authorizes VPC peering with Amazon GameLift Servers fleets for this stack',
      runtime: lambda.determineLatestNodeRuntime(this).name,
      handler: 'index.handler',
      code: { s3Bucket: s3Location?.bucketName, s3Key: s3Location?.objectKey },
      role: Lazy.string({ produce: () => this.role.roleArn }),
      memorySize: DEFAULT_MEMORY_MIB,
      timeout: TIMEOUT.toSeconds(),
      loggingConfig: {
        logFormat: lambda.LoggingFormat.JSON,
        logGroup: Lazy.string({ produce: () => this.logGroup.logGroupName }),
      },
    });
    code.bindToResource(resource);
    return resource;
  }

  /** The path within this stack, which does not change if the stack moves within the app. For a construct of another stack, the full path. */
  private pathOf(construct: IConstruct): string {
    const stack = Stack.of(this);
    return Stack.of(construct) === stack ? construct.node.path.slice(stack.node.path.length) : construct.node.path;
  }

  /** Adds permissions that Lambda itself uses. Most of their actions do not support resource-level permissions. */
  private addFunctionPolicy(purpose: string, actions: readonly string[], resource: string): void {
    const statement = new iam.PolicyStatement({ actions: [...actions], resources: [resource] });
    this.resource.node.addDependency(this.addPolicy(purpose, { construct: this, name: 'Function' }, [statement]));
  }
}

import { Duration, Stack, Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { FAILED_METRIC, FUNCTION_NAME_DIMENSION, METRIC_NAMESPACE } from './contract';
import { HandlerFunction } from './private/handler-function';
import { areDifferent, isKnown } from './private/validation';

/**
 * Properties of the Lambda function that handles this library's custom resources in a stack.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
 */
export interface VpcPeeringHandlerProps {
  /**
   * The log group that the function writes to, as JSON.
   *
   * @default - a new log group, which is deleted with the stack
   */
  readonly logGroup?: logs.ILogGroup;

  /**
   * How long log events are kept in the function's own log group. Cannot be combined with `logGroup`.
   *
   * @default logs.RetentionDays.ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;

  /**
   * The memory of the function, in MiB: from 128 to 10240.
   *
   * @default 256
   */
  readonly memorySize?: number;

  /**
   * The VPC to run the function in.
   *
   * From there, the function must reach the endpoints of GameLift and EC2, and of S3, where it sends its responses to
   * CloudFormation.
   *
   * @default - the function does not run in a VPC of yours
   */
  readonly vpc?: ec2.IVpc;

  /**
   * The subnets to run the function in. Requires `vpc`.
   *
   * @default - the VPC's private subnets with egress
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * The function's security groups. Requires `vpc`.
   *
   * @default - a new security group that allows all outbound traffic
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * The role of the function, in the account of the stack. Lambda must be able to assume it.
   *
   * A role that the app defines gets the policies of the function, even if several stacks share it. An imported role gets none: it must
   * have the statements that `docs/handler-role.md` lists. It must keep them until the end of an update, when CloudFormation deletes the
   * old connections.
   * Cannot be combined with `roleName` and `permissionsBoundary`.
   *
   * @default - a new role with only the permissions that the stack needs
   * @see https://github.com/cdk-gamelift-vpc-peering/cdk-gamelift-vpc-peering/blob/main/docs/handler-role.md
   */
  readonly role?: iam.IRole;

  /**
   * The name of the function's own role, so that a trust policy in the account of the VPC can name the role before it exists. Cannot
   * be combined with `role`.
   *
   * IAM refuses a principal that does not exist, so name the role in a condition: `new iam.AccountPrincipal('111111111111')
   * .withConditions({ ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::111111111111:role/studio-peering' } })`.
   *
   * The name must be unique in the account, across all Regions and stacks: IAM refuses a second role of that name. An app that is deployed
   * to several Regions or environments of an account needs another name in each.
   *
   * Set it in the first deployment. A change of name replaces the role, and GameLift may then be unable to remove the routes and
   * rules that it wrote with the permissions of the old role.
   *
   * @default - CloudFormation chooses the name
   */
  readonly roleName?: string;

  /**
   * The reserved concurrency of the function, which is also the maximum number of concurrent executions: at least 1.
   *
   * Each request of a custom resource occupies one execution until it is complete, since the function waits for GameLift. Reserve one
   * execution for each connection that the stack creates or deletes at the same time (at most 40), and two for each authorization: one for
   * itself or its teardown, and one for its renewal on a schedule. That is 42 for one authorization with 40 connections or more.
   *
   * With fewer, requests wait, and Lambda tries them again, for 5 minutes at most. The deployment takes longer, and it fails if a request
   * still finds no execution after 5 minutes. A connection occupies an execution for at least half a minute, often longer.
   *
   * Lambda refuses a reservation that leaves fewer than 100 executions of the account unreserved.
   *
   * @default - no executions are reserved
   * @see https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html
   */
  readonly reservedConcurrentExecutions?: number;

  /**
   * The permissions boundary of the function's own role. Cannot be combined with `role`.
   *
   * @default - no permissions boundary is set
   */
  readonly permissionsBoundary?: iam.IManagedPolicy;

  /**
   * Whether AWS X-Ray traces the function.
   *
   * @default - tracing is not configured
   */
  readonly tracing?: lambda.Tracing;
}

/**
 * Configures the Lambda function that handles all custom resources of this library in a stack.
 *
 * A stack gets that function, with default settings, as soon as a construct needs it. Add this construct to change the settings,
 * before or after the constructs that need the function. It is the same function with and without this construct, because
 * CloudFormation does not allow a custom resource to change its service token.
 *
 * @example
 * import { Stack } from 'aws-cdk-lib';
 * import * as logs from 'aws-cdk-lib/aws-logs';
 * import { VpcPeeringHandler } from 'cdk-gamelift-vpc-peering';
 *
 * declare const stack: Stack;
 *
 * const handler = new VpcPeeringHandler(stack, 'Handler', { logRetention: logs.RetentionDays.ONE_YEAR });
 * handler.metricFailed().createAlarm(stack, 'FailedRequests', { threshold: 1, evaluationPeriods: 1 });
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources-lambda.html
 */
export class VpcPeeringHandler extends Construct implements iam.IGrantable, ec2.IConnectable {
  /**
   * The principal of the function's role.
   */
  readonly grantPrincipal: iam.IPrincipal;

  /**
   * The ARN of the function.
   */
  readonly functionArn: string;

  /**
   * The name of the function.
   */
  readonly functionName: string;

  /**
   * The function, for constructs that take one. Its settings can be changed only with the properties of this construct.
   */
  readonly function: lambda.IFunction;

  private readonly handler: HandlerFunction;

  /**
   * Changes the settings of the function.
   *
   * @param scope the construct that this construct becomes a child of. Its stack is the stack of the function
   * @param id the id of the construct, unique within `scope`
   * @param props the settings to change
   * @throws Error if the stack already has a `VpcPeeringHandler`, if properties are invalid or contradict each other, or if `role` or
   * `roleName` is passed after other constructs of the stack use the function and the app uses `Role.customizeRoles`.
   */
  constructor(scope: Construct, id: string, props: VpcPeeringHandlerProps = {}) {
    super(scope, id);
    validateProps(props);
    validateRole(Stack.of(this), props);
    this.handler = HandlerFunction.withRole(this, props);
    configure(this.handler, props);
    const { role, functionArn, functionName, securityGroups = [] } = this.handler;
    const [securityGroup, ...otherSecurityGroups] = securityGroups;
    this.grantPrincipal = role;
    this.functionArn = functionArn;
    this.functionName = functionName;
    this.function = lambda.Function.fromFunctionAttributes(this, 'Function', {
      functionArn,
      role,
      sameEnvironment: true,
      ...(securityGroup === undefined ? {} : { securityGroup }),
    });
    if (otherSecurityGroups.length > 0) {
      this.connections.addSecurityGroup(...otherSecurityGroups);
    }
  }

  /**
   * The security groups of the function.
   *
   * @throws Error if the function does not run in a VPC of yours.
   */
  get connections(): ec2.Connections {
    if (this.handler.securityGroups === undefined) {
      throw new Error(
        `${this.node.path} has no security groups, since the function does not run in a VPC: pass the vpc to run the function in`,
      );
    }
    return this.function.connections;
  }

  /**
   * The number of invocations that failed, as Lambda counts them: crashes, timeouts, and responses that did not reach CloudFormation
   * in time. It does not count requests to which the function responds with a failure: see `metricFailed()`.
   *
   * @param props options of the metric, such as its period
   * @default - sum over 5 minutes
   * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
   */
  metricErrors(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('AWS/Lambda', 'Errors', props);
  }

  /**
   * The number of requests that failed: creates, updates and deletes of custom resources to which the function responded with a failure,
   * and runs of scheduled renewals that failed. `metricErrors()` does not count them: it counts invocations that Lambda could not finish.
   *
   * Use it for an alarm on failures that CloudFormation does not report. If a delete fails at the end of an update, CloudFormation
   * skips it and reports `UPDATE_COMPLETE`.
   *
   * The function publishes the metric with the dimension `FunctionName`, which is the default, and also with the dimensions
   * `FunctionName`, `ResourceType` (such as `Custom::GameLiftVpcPeeringConnection`) and `RequestType` (`Create`, `Update`, `Delete` or
   * `Renewal`). Pass all three in `dimensionsMap` to count only the failures of one type.
   *
   * @param props options of the metric, such as its period
   * @default - sum over 5 minutes
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
   */
  metricFailed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(METRIC_NAMESPACE, FAILED_METRIC, props);
  }

  private metric(namespace: string, metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace,
      metricName,
      dimensionsMap: { [FUNCTION_NAME_DIMENSION]: this.functionName },
      statistic: cloudwatch.Stats.SUM,
      period: Duration.minutes(5),
      ...props,
    }).attachTo(this);
  }
}

function validateProps(props: VpcPeeringHandlerProps): void {
  const { logGroup, logRetention, vpc, vpcSubnets, securityGroups, memorySize, reservedConcurrentExecutions } = props;
  if (logGroup !== undefined && logRetention !== undefined) {
    throw new Error("logRetention applies only to the function's own log group: pass either logGroup or logRetention");
  }
  if (vpc === undefined && (vpcSubnets !== undefined || securityGroups !== undefined)) {
    throw new Error('vpcSubnets and securityGroups require a vpc: pass the VPC to run the function in');
  }
  validateReservedConcurrentExecutions(reservedConcurrentExecutions);
  if (memorySize !== undefined && !Token.isUnresolved(memorySize)) {
    if (!Number.isInteger(memorySize) || memorySize < 128 || memorySize > 10240) {
      throw new Error(`memorySize must be a whole number of MiB from 128 to 10240, got ${memorySize}`);
    }
  }
}

function validateReservedConcurrentExecutions(executions: number | undefined): void {
  if (executions === undefined || Token.isUnresolved(executions)) {
    return;
  }
  if (executions === 0) {
    throw new Error(
      'reservedConcurrentExecutions must be at least 1, got 0: Lambda then never runs the function, and every deployment and deletion of ' +
        'the stack fails',
    );
  }
  if (!Number.isInteger(executions) || executions < 0) {
    throw new Error(`reservedConcurrentExecutions must be a whole number from 1, got ${executions}`);
  }
}

function validateRole(stack: Stack, { role, roleName, permissionsBoundary }: VpcPeeringHandlerProps): void {
  if (role !== undefined && roleName !== undefined) {
    throw new Error("roleName applies only to the function's own role: pass either role or roleName");
  }
  if (role !== undefined && permissionsBoundary !== undefined) {
    throw new Error(
      "permissionsBoundary applies only to the function's own role: pass either role or permissionsBoundary, and set the boundary of the " +
        'role where it is created',
    );
  }
  if (role !== undefined && areDifferent(role.env.account, stack.account)) {
    throw new Error(
      `role must be in the account of the stack, since Lambda runs functions only with roles of their own account: the role is in ` +
        `${role.env.account}, the stack is in ${stack.account}`,
    );
  }
  if (roleName !== undefined && isKnown(roleName) && !/^[\w+=,.@-]{1,64}$/.test(roleName)) {
    throw new Error(`roleName must be 1 to 64 letters, digits and characters of _+=,.@-, got '${roleName}'`);
  }
}

function configure(handler: HandlerFunction, props: VpcPeeringHandlerProps): void {
  if (props.logGroup !== undefined) {
    handler.useLogGroup(props.logGroup);
  }
  if (props.logRetention !== undefined) {
    handler.setLogRetention(props.logRetention);
  }
  if (props.memorySize !== undefined) {
    handler.setMemorySize(props.memorySize);
  }
  if (props.reservedConcurrentExecutions !== undefined) {
    handler.setReservedConcurrentExecutions(props.reservedConcurrentExecutions);
  }
  if (props.permissionsBoundary !== undefined) {
    handler.setPermissionsBoundary(props.permissionsBoundary);
  }
  if (props.tracing !== undefined) {
    handler.setTracing(props.tracing);
  }
  if (props.vpc !== undefined) {
    handler.setVpc(props.vpc, props.vpcSubnets, props.securityGroups);
  }
}

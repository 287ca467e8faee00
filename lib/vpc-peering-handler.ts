import { Duration, Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { FAILED_METRIC, FUNCTION_NAME_DIMENSION, METRIC_NAMESPACE } from './contract';
import { HandlerFunction } from './private/handler-function';

/**
 * Properties of the Lambda function that handles this library's custom resources in a stack.
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
   * The permissions boundary of the function's role.
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
 */
export class VpcPeeringHandler extends Construct implements iam.IGrantable {
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

  private readonly handler: HandlerFunction;

  /**
   * @throws Error if the stack already has a `VpcPeeringHandler`, or if properties are invalid or contradict each other.
   */
  constructor(scope: Construct, id: string, props: VpcPeeringHandlerProps = {}) {
    super(scope, id);
    validate(props);
    this.handler = HandlerFunction.of(this);
    this.handler.setConfiguredBy(this);
    configure(this.handler, props);
    this.grantPrincipal = this.handler.role;
    this.functionArn = this.handler.functionArn;
    this.functionName = this.handler.functionName;
  }

  /**
   * The number of invocations that failed, as Lambda counts them: crashes, timeouts, and responses that did not reach CloudFormation
   * in time. It does not count requests that the function answers with a failure; see `metricFailed()`.
   *
   * @default - sum over 5 minutes
   * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
   */
  metricErrors(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('AWS/Lambda', 'Errors', props);
  }

  /**
   * The number of requests that failed: creates, updates and deletes of custom resources that the function answered with a failure,
   * and runs of scheduled renewals that failed. `metricErrors()` does not count them: it counts only crashes.
   *
   * Use it for an alarm on failures that CloudFormation does not report. If a delete fails at the end of an update, CloudFormation
   * skips it and reports `UPDATE_COMPLETE`.
   *
   * The function publishes the metric with the dimension `FunctionName`, which is the default, and also with the dimensions
   * `FunctionName`, `ResourceType` (such as `Custom::GameLiftVpcPeeringConnection`) and `RequestType` (`Create`, `Update`, `Delete` or
   * `Renewal`). Pass all three in `dimensionsMap` to count only the failures of one type.
   *
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

function validate({ logGroup, logRetention, vpc, vpcSubnets, securityGroups, memorySize }: VpcPeeringHandlerProps): void {
  if (logGroup !== undefined && logRetention !== undefined) {
    throw new Error("logRetention applies only to the function's own log group: pass either logGroup or logRetention");
  }
  if (vpc === undefined && (vpcSubnets !== undefined || securityGroups !== undefined)) {
    throw new Error('vpcSubnets and securityGroups require a vpc: pass the VPC to run the function in');
  }
  if (memorySize !== undefined && !Token.isUnresolved(memorySize)) {
    if (!Number.isInteger(memorySize) || memorySize < 128 || memorySize > 10240) {
      throw new Error(`memorySize must be a whole number of MiB from 128 to 10240, got ${memorySize}`);
    }
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

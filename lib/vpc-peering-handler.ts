import { Token } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { HandlerFunction } from './handler-function';

/**
 * How the Lambda function behind the custom resources of one stack is set up.
 */
export interface VpcPeeringHandlerProps {
  /**
   * The log group that the function writes to, as JSON.
   *
   * @default - a log group of its own, which is deleted with the stack
   */
  readonly logGroup?: logs.ILogGroup;

  /**
   * How long the function's own log group keeps what was written. Not together with `logGroup`.
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
   * From there it must reach the endpoints of GameLift and EC2, and of S3, where it answers CloudFormation.
   *
   * @default - the function runs outside of your VPCs
   */
  readonly vpc?: ec2.IVpc;

  /**
   * The subnets to run the function in. Only with `vpc`.
   *
   * @default - the VPC's private subnets with egress
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * The function's security groups. Only with `vpc`.
   *
   * @default - a new one that allows all outbound traffic
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * The permissions boundary of the function's role.
   *
   * @default - none of its own
   */
  readonly permissionsBoundary?: iam.IManagedPolicy;

  /**
   * Tracing of the function with AWS X-Ray.
   *
   * @default - tracing is not set
   */
  readonly tracing?: lambda.Tracing;
}

/**
 * Sets up the one Lambda function that serves all custom resources of this library in a stack.
 *
 * A stack has that function as soon as anything needs it, set up with defaults; add this construct to change them, before
 * or after what uses the function. It is always the same function: CloudFormation does not let a custom resource change
 * its service token, so the function's logical id is the same with and without this construct.
 */
export class VpcPeeringHandler extends Construct implements iam.IGrantable {
  /**
   * The principal that the function runs as.
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
   * @throws Error if the stack has a `VpcPeeringHandler` already, or if properties contradict each other.
   */
  constructor(scope: Construct, id: string, props: VpcPeeringHandlerProps = {}) {
    super(scope, id);
    if (props.logGroup !== undefined && props.logRetention !== undefined) {
      throw new Error(
        'logRetention is for the log group that the function gets of its own: pass either logGroup or logRetention',
      );
    }
    if (props.vpc === undefined && (props.vpcSubnets !== undefined || props.securityGroups !== undefined)) {
      throw new Error('vpcSubnets and securityGroups need a vpc: pass the VPC to run the function in');
    }
    const { memorySize } = props;
    if (memorySize !== undefined && !Token.isUnresolved(memorySize)) {
      if (!Number.isInteger(memorySize) || memorySize < 128 || memorySize > 10240) {
        throw new Error(`memorySize must be a whole number of MiB from 128 to 10240, got ${memorySize}`);
      }
    }
    this.handler = HandlerFunction.of(this);
    this.handler.configure(this, props);
    this.grantPrincipal = this.handler.role;
    this.functionArn = this.handler.functionArn;
    this.functionName = this.handler.functionName;
  }

  /**
   * Runs of the function that failed, as Lambda counts them: a crash, a timeout, or an answer that did not reach
   * CloudFormation while it waited. What CloudFormation was told has failed shows in the stack's events instead.
   *
   * @default - sum over 5 minutes
   */
  metricErrors(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.handler.metricErrors(props);
  }
}

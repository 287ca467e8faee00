import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { CfnResource } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { MAX_RENEWAL_EVENT_AGE_SECONDS, RENEWAL_EVENT, RENEWAL_MARGIN_SECONDS } from '../contract';
import type { PairProperties, RenewalProperties } from '../contract';
import type { HandlerFunction } from './handler-function';

const RENEWALS_ID = 'Renewals';

/** What an `AuthorizationRenewal` adds to an authorization. */
export interface RenewalConfig {
  /** The authorization's `Renewal` property. A new value makes CloudFormation update the authorization. */
  readonly value?: string;
  /** The interval of scheduled renewals. */
  readonly every?: Duration;
  readonly alarmActions?: readonly cloudwatch.IAlarmAction[];
}

/** The schedule of one authorization. */
export interface RenewalSchedule {
  readonly every: Duration;
  readonly alarmActions: readonly cloudwatch.IAlarmAction[];
  readonly pair: PairProperties;
  /** CloudFormation creates the schedule after this resource, and deletes it before this resource. */
  readonly authorization: CfnResource;
  /** The permissions that the handler needs for a renewal. The policies are created before the schedule and deleted after it. */
  readonly policies: readonly iam.CfnRolePolicy[];
}

/**
 * The scheduled renewals of a stack. EventBridge Scheduler invokes the handler through an alias. Lambda sends the events of
 * failed runs to a queue.
 *
 * The queue is configured for the alias only. CloudFormation invokes the function without the alias, so the queue never gets events of
 * CloudFormation. These contain a secret: the response URL.
 */
export class ScheduledRenewals extends Construct {
  static of(handler: HandlerFunction): ScheduledRenewals {
    const existing = handler.node.tryFindChild(RENEWALS_ID) as ScheduledRenewals | undefined;
    return existing ?? new ScheduledRenewals(handler);
  }

  private readonly queue: sqs.Queue;
  private readonly alias: lambda.CfnAlias;
  private readonly eventInvokeConfig: lambda.CfnEventInvokeConfig;
  private readonly role: iam.Role;
  private readonly alarm: cloudwatch.Alarm;

  private constructor(handler: HandlerFunction) {
    super(handler, RENEWALS_ID);
    this.queue = new sqs.Queue(this, 'Failures', {
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.alias = new lambda.CfnAlias(this, 'Alias', {
      name: 'renewals',
      description: 'Renews authorizations on a schedule',
      functionName: handler.functionName,
      functionVersion: '$LATEST',
    });
    const sendPolicy = handler.addPolicy('ReportRenewals', { construct: this, name: 'Failures' }, [
      new iam.PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] }),
    ]);
    this.eventInvokeConfig = new lambda.CfnEventInvokeConfig(this, 'EventInvokeConfig', {
      functionName: handler.functionName,
      qualifier: this.alias.name,
      maximumEventAgeInSeconds: MAX_RENEWAL_EVENT_AGE_SECONDS,
      maximumRetryAttempts: 2,
      destinationConfig: { onFailure: { destination: this.queue.queueArn } },
    });
    // Lambda refuses a destination to which the function has no permission to send
    this.eventInvokeConfig.node.addDependency(this.alias, sendPolicy);
    this.role = this.createRole();
    this.alarm = this.createAlarm();
  }

  /** Adds a schedule that renews an authorization. Returns the alarm for all scheduled renewals of the stack. */
  schedule(scope: Construct, { every, alarmActions, pair, authorization, policies }: RenewalSchedule): cloudwatch.Alarm {
    const stack = Stack.of(this);
    const renewal: RenewalProperties = {
      ...pair,
      StackId: stack.stackId,
      LogicalResourceId: authorization.logicalId,
      MinimumValiditySeconds: String(every.toSeconds() + RENEWAL_MARGIN_SECONDS),
    };
    const schedule = new scheduler.CfnSchedule(scope, 'Schedule', {
      description: 'Renews an authorization of GameLift VPC peering',
      scheduleExpression: `rate(${every.toMinutes()} minutes)`,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: this.alias.ref,
        roleArn: this.role.roleArn,
        input: stack.toJsonString({ [RENEWAL_EVENT]: renewal }),
        deadLetterConfig: { arn: this.queue.queueArn },
        retryPolicy: { maximumEventAgeInSeconds: MAX_RENEWAL_EVENT_AGE_SECONDS, maximumRetryAttempts: 10 },
      },
    });
    schedule.node.addDependency(authorization, this.eventInvokeConfig, ...policies);
    for (const action of alarmActions) {
      this.alarm.addAlarmAction(action);
    }
    return this.alarm;
  }

  private createRole(): iam.Role {
    return new iam.Role(this, 'Role', {
      description: 'Lets EventBridge Scheduler renew authorizations of GameLift VPC peering',
      assumedBy: new iam.ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
      inlinePolicies: {
        Renew: new iam.PolicyDocument({
          statements: [
            new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [this.alias.ref] }),
            new iam.PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] }),
          ],
        }),
      },
    });
  }

  private createAlarm(): cloudwatch.Alarm {
    return new cloudwatch.Alarm(this, 'Alarm', {
      alarmDescription:
        'A scheduled renewal of a GameLift VPC peering authorization has failed, with all its retries: the message in the queue says why',
      metric: this.queue.metricNumberOfMessagesSent({ statistic: cloudwatch.Stats.SUM, period: Duration.minutes(5) }),
      threshold: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
  }
}

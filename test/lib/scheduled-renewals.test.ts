import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AuthorizationRenewal, VpcPeeringAuthorization } from '../../lib';

const env = { account: '222222222222', region: 'eu-central-1' };

function stackWithRenewals(
  interval = Duration.hours(12),
  alarmActions: cloudwatch.IAlarmAction[] = [],
): { stack: Stack; authorization: VpcPeeringAuthorization } {
  const stack = new Stack(new App(), 'Data', { env });
  const authorization = new VpcPeeringAuthorization(stack, 'Authorization', {
    vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-0123456789abcdef0', availabilityZones: ['eu-central-1a'] }),
    gameLiftAccount: '111111111111',
    renewal: AuthorizationRenewal.scheduled(interval, { alarmActions }),
  });
  return { stack, authorization };
}

const ALIAS_REFERENCE = { Ref: 'GameLiftVpcPeeringHandlerRenewalsAlias8E3927F2' };

test('the schedule invokes the handler through an alias, with the pair and the required validity', () => {
  // the required validity is the interval of 12 hours and a margin of one hour
  Template.fromStack(stackWithRenewals().stack).hasResourceProperties('AWS::Scheduler::Schedule', {
    ScheduleExpression: 'rate(720 minutes)',
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: {
      Arn: ALIAS_REFERENCE,
      Input: {
        'Fn::Join': [
          '',
          [
            '{"GameLiftVpcPeeringRenewal":{"SchemaVersion":"1","PeerVpcId":"vpc-0123456789abcdef0","PeerVpcAwsAccountId":"222222222222",' +
              '"GameLiftAwsAccountId":"111111111111","StackId":"',
            { Ref: 'AWS::StackId' },
            '","LogicalResourceId":"AuthorizationAE2C3694","MinimumValiditySeconds":"46800"}}',
          ],
        ],
      },
    },
  });
});

test('failed invocations of the alias are sent to an encrypted queue, other failed invocations are not', () => {
  const template = Template.fromStack(stackWithRenewals().stack);
  template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
    Qualifier: 'renewals',
    MaximumEventAgeInSeconds: 3600,
    MaximumRetryAttempts: 2,
    DestinationConfig: { OnFailure: { Destination: Match.objectLike({ 'Fn::GetAtt': Match.anyValue() }) } },
  });
  template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', { Qualifier: '$LATEST', DestinationConfig: Match.absent() });
  template.hasResourceProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true, MessageRetentionPeriod: 14 * 24 * 3600 });
});

test('the policy that allows sending to the queue is created before the queue is set as the destination, because Lambda checks the permission', () => {
  const template = Template.fromStack(stackWithRenewals().stack);
  const allowsSending = Match.objectLike({ Action: 'sqs:SendMessage' });
  const [sendPolicyId = ''] = Object.keys(
    template.findResources('AWS::IAM::RolePolicy', {
      Properties: { PolicyDocument: { Statement: Match.arrayWith([allowsSending]) } },
    }),
  );
  template.hasResource('AWS::Lambda::EventInvokeConfig', {
    Properties: { Qualifier: 'renewals' },
    DependsOn: Match.arrayWith([sendPolicyId]),
  });
});

test('the schedule is deleted before the authorization', () => {
  const [schedule] = Object.values(Template.fromStack(stackWithRenewals().stack).findResources('AWS::Scheduler::Schedule')) as {
    DependsOn: string[];
  }[];
  expect(schedule?.DependsOn).toContain('AuthorizationAE2C3694');
});

test('an alarm with the actions of the user reports each failed invocation', () => {
  const action = { bind: () => ({ alarmActionArn: 'arn:aws:sns:eu-central-1:222222222222:oncall' }) };
  const { stack, authorization } = stackWithRenewals(Duration.hours(1), [action]);
  Template.fromStack(stack).hasResourceProperties('AWS::CloudWatch::Alarm', {
    Namespace: 'AWS/SQS',
    MetricName: 'NumberOfMessagesSent',
    Statistic: 'Sum',
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'notBreaching',
    AlarmActions: ['arn:aws:sns:eu-central-1:222222222222:oncall'],
  });
  expect(authorization.renewalAlarm).toBeInstanceOf(cloudwatch.Alarm);
});

test.each([
  [Duration.minutes(9), '9 minutes'],
  [Duration.seconds(630), '10 minutes 30 seconds'],
  [Duration.hours(23), '23 hours'],
])('an interval of %s fails', (interval, text) => {
  expect(() => stackWithRenewals(interval)).toThrow(
    `the renewal interval must be 10 minutes to 22 hours, in whole minutes, got ${text}`,
  );
});

test.each([Duration.minutes(10), Duration.hours(22)])('an interval of %s is allowed', (interval) => {
  expect(() => stackWithRenewals(interval)).not.toThrow();
});

import type { Stack } from 'aws-cdk-lib';
import { NagSuppressions } from 'cdk-nag';

/*
 * The findings of AwsSolutionsChecks in these examples, and why each one stays. The library itself suppresses nothing, so that your
 * auditors see all findings.
 */

/** Findings in the library's constructs. */
export function suppressPeeringFindings(...stacks: readonly Stack[]): void {
  for (const stack of stacks) {
    NagSuppressions.addStackSuppressions(stack, [
      {
        id: 'AwsSolutions-L1',
        reason:
          'The function has the newest Node.js runtime that this version of the CDK lists for every Region: a newer version of the CDK ' +
          'brings a newer one',
      },
      {
        id: 'CdkNagValidationFailure',
        reason: 'Whether a rule is open to the world can not be read off a CIDR block that GameLift chooses: it is one VPC',
        appliesTo: ['AwsSolutions-EC23'],
      },
      {
        id: 'AwsSolutions-IAM5',
        reason: "GameLift's peering actions and EC2's descriptions support no narrower resource than all",
        appliesTo: ['Resource::*'],
      },
      {
        id: 'AwsSolutions-IAM5',
        reason:
          'Route tables, security groups and peering connections are scoped by a condition to those of the one VPC; where EC2 knows ' +
          'no VPC, as when tags are deleted, to what has tags of this library',
        appliesTo: [
          { regex: '/^Resource::arn:<AWS::Partition>:ec2:.*:(route-table|security-group|vpc-peering-connection)/\\*$/g' },
        ],
      },
      {
        id: 'AwsSolutions-IAM5',
        reason:
          'Who made a connection is noted in tags on its fleet, and a stack may have more fleets than a policy has room for: a ' +
          'condition limits the keys of these tags',
        appliesTo: [{ regex: '/^Resource::arn:<AWS::Partition>:gamelift:.*:fleet/\\*$/g' }],
      },
    ]);
  }
}

/** Findings in the queue of failed renewals. */
export function suppressQueueFindings(stack: Stack): void {
  NagSuppressions.addStackSuppressions(stack, [
    { id: 'AwsSolutions-SQS3', reason: 'The queue is itself where failures end: nothing consumes it, so nothing can fail there' },
  ]);
}

/** Findings in the VPC of the database. */
export function suppressVpcFindings(stack: Stack): void {
  NagSuppressions.addStackSuppressions(stack, [
    {
      id: 'AwsSolutions-VPC7',
      reason: 'The VPC of this example is isolated and holds nothing yet; log the traffic of yours as you are used to',
    },
  ]);
}

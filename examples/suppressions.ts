import type { Stack } from 'aws-cdk-lib';
import { NagSuppressions } from 'cdk-nag';

/*
 * The findings of AwsSolutionsChecks in these examples, and the reason to accept each. The library itself suppresses nothing, so that
 * your auditors see every finding.
 */

/** Accepts the findings in the library's constructs. */
export function acceptPeering(...stacks: readonly Stack[]): void {
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
        reason:
          'cdk-nag cannot evaluate the rule, because GameLift chooses the CIDR block during the deployment: it is the block of one VPC',
        appliesTo: ['AwsSolutions-EC23'],
      },
      {
        id: 'AwsSolutions-IAM5',
        reason: "GameLift's peering actions and EC2's Describe actions support no resource but *",
        appliesTo: ['Resource::*'],
      },
      {
        id: 'AwsSolutions-IAM5',
        reason:
          'A condition limits route tables, security groups and peering connections to those of the VPC. For DeleteTags, EC2 supports no ' +
          'such condition, so the statement is limited to peering connections with tags of this library',
        appliesTo: [
          { regex: '/^Resource::arn:<AWS::Partition>:ec2:.*:(route-table|security-group|vpc-peering-connection)/\\*$/g' },
        ],
      },
      {
        id: 'AwsSolutions-IAM5',
        reason:
          'Tags on the fleet say which resource created a connection, and a stack may have more fleets than a policy has room for: a ' +
          'condition limits the keys of these tags',
        appliesTo: [{ regex: '/^Resource::arn:<AWS::Partition>:gamelift:.*:fleet/\\*$/g' }],
      },
    ]);
  }
}

/** Accepts the finding in the queue of failed renewals. */
export function acceptRenewals(stack: Stack): void {
  NagSuppressions.addStackSuppressions(stack, [
    { id: 'AwsSolutions-SQS3', reason: 'The queue of failed renewals is itself a dead-letter queue: no function consumes it' },
  ]);
}

/** Accepts the finding in the VPC of the database. */
export function acceptNetwork(stack: Stack): void {
  NagSuppressions.addStackSuppressions(stack, [
    {
      id: 'AwsSolutions-VPC7',
      reason: 'The VPC of this example is isolated and contains no instances: enable flow logs in your own VPC',
    },
  ]);
}

import type { Stack } from 'aws-cdk-lib';
import { NagSuppressions } from 'cdk-nag';

/*
 * Suppresses the findings of AwsSolutionsChecks in these examples, with the reason for each. The library itself suppresses nothing, so
 * that your auditors see all findings.
 */

/** Suppresses findings in the library's constructs. */
export function suppressPeeringFindings(...stacks: readonly Stack[]): void {
  for (const stack of stacks) {
    NagSuppressions.addStackSuppressions(stack, [
      {
        id: 'AwsSolutions-L1',
        reason:
          'The function has the newest Node.js runtime that this version of the CDK lists for every Region. A newer version of the CDK ' +
          'updates it',
      },
      {
        id: 'CdkNagValidationFailure',
        reason:
          'cdk-nag cannot check the source of the security group rule, because GameLift chooses the CIDR block during the deployment. The ' +
          "rule allows only the CIDR block of the fleet's VPC, not 0.0.0.0/0",
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
          'A condition limits the route tables, security groups and peering connections to those of one VPC. EC2 does not support this ' +
          'condition for ec2:DeleteTags, so the policy allows that action only on peering connections with tags of this library',
        appliesTo: [
          { regex: '/^Resource::arn:<AWS::Partition>:ec2:.*:(route-table|security-group|vpc-peering-connection)/\\*$/g' },
        ],
      },
      {
        id: 'AwsSolutions-IAM5',
        reason:
          'Tags of the fleet name the owner of a connection. A stack may have too many fleets to list them in a policy, so a ' +
          'condition limits the keys of the tags instead',
        appliesTo: [{ regex: '/^Resource::arn:<AWS::Partition>:gamelift:.*:fleet/\\*$/g' }],
      },
    ]);
  }
}

/** Suppresses findings in the queue of failed renewals. */
export function suppressQueueFindings(stack: Stack): void {
  NagSuppressions.addStackSuppressions(stack, [
    {
      id: 'AwsSolutions-SQS3',
      reason: 'The queue receives failed renewals. No function consumes it, so it needs no dead-letter queue of its own',
    },
  ]);
}

/** Suppresses findings in the VPC of the database. */
export function suppressVpcFindings(stack: Stack): void {
  NagSuppressions.addStackSuppressions(stack, [
    {
      id: 'AwsSolutions-VPC7',
      reason: 'The VPC of this example is isolated and empty. Enable flow logs for a VPC with real traffic',
    },
  ]);
}

import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** The permissions to authorize, connect and disconnect. GameLift acts in the VPC with the permissions of its caller. */
export function peeringStatement(): PolicyStatement {
  return new PolicyStatement({
    actions: [
      'gamelift:*VpcPeering*',
      'ec2:AcceptVpcPeeringConnection',
      'ec2:AuthorizeSecurityGroup*',
      'ec2:CreateRoute',
      'ec2:DeleteRoute',
      'ec2:DescribeRouteTables',
      'ec2:DescribeSecurityGroups',
      'ec2:RevokeSecurityGroup*',
    ],
    resources: ['*'],
  });
}

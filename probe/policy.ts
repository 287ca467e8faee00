import { MARKER_KEY } from './marker';

/*
 * The permissions that a run needs. The actions of the statements Read and Peer support no resource but `*`.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazongameliftservers.html
 */

interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface Policy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

/** The resources to which the policy is limited. An undefined property matches every Region, fleet or VPC. */
export interface PolicyScope {
  readonly region?: string;
  readonly fleetId?: string;
  readonly vpcId?: string;
}

export function policyFor({ region = '*', fleetId = '*', vpcId = '*' }: PolicyScope): Policy {
  const arn = (service: string, resource: string): string => `arn:${partitionOf(region)}:${service}:${region}:*:${resource}`;
  const vpc = arn('ec2', `vpc/${vpcId}`);
  // GameLift's reference shows fleet ARNs without an account, and IAM's reference shows them with an account: the asterisk matches both
  const fleet = arn('gamelift', `fleet/${fleetId}`);
  // ForAllValues is also true for a request without tag keys: Null excludes such requests
  const onlyMarkerKey = {
    'ForAllValues:StringEquals': { 'aws:TagKeys': [MARKER_KEY] },
    Null: { 'aws:TagKeys': 'false' },
  };
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'Read',
        Effect: 'Allow',
        Action: [
          'ec2:DescribeNetworkInterfaces',
          'ec2:DescribeRouteTables',
          'ec2:DescribeSecurityGroups',
          'ec2:DescribeVpcPeeringConnections',
          'ec2:DescribeVpcs',
          'gamelift:DescribeFleetAttributes',
          'gamelift:DescribeVpcPeeringAuthorizations',
          'gamelift:DescribeVpcPeeringConnections',
        ],
        Resource: '*',
      },
      {
        Sid: 'Peer',
        Effect: 'Allow',
        Action: [
          'gamelift:CreateVpcPeeringAuthorization',
          'gamelift:CreateVpcPeeringConnection',
          'gamelift:DeleteVpcPeeringAuthorization',
          'gamelift:DeleteVpcPeeringConnection',
        ],
        Resource: '*',
      },
      {
        Sid: 'ReadFleet',
        Effect: 'Allow',
        Action: ['gamelift:DescribeFleetEvents', 'gamelift:ListTagsForResource'],
        Resource: fleet,
      },
      {
        Sid: 'MarkFleet',
        Effect: 'Allow',
        Action: ['gamelift:TagResource', 'gamelift:UntagResource'],
        Resource: fleet,
        Condition: onlyMarkerKey,
      },
      { Sid: 'AcceptForVpc', Effect: 'Allow', Action: ['ec2:AcceptVpcPeeringConnection'], Resource: vpc },
      {
        Sid: 'AcceptPeering',
        Effect: 'Allow',
        Action: ['ec2:AcceptVpcPeeringConnection'],
        Resource: arn('ec2', 'vpc-peering-connection/*'),
        Condition: { ArnLike: { 'ec2:AccepterVpc': vpc } },
      },
      {
        Sid: 'ChangeRoutes',
        Effect: 'Allow',
        Action: ['ec2:CreateRoute', 'ec2:DeleteRoute'],
        Resource: arn('ec2', 'route-table/*'),
        Condition: { ArnLike: { 'ec2:Vpc': vpc } },
      },
      {
        Sid: 'ChangeRules',
        Effect: 'Allow',
        Action: [
          'ec2:AuthorizeSecurityGroupEgress',
          'ec2:AuthorizeSecurityGroupIngress',
          'ec2:RevokeSecurityGroupEgress',
          'ec2:RevokeSecurityGroupIngress',
        ],
        Resource: arn('ec2', 'security-group/*'),
        Condition: { ArnLike: { 'ec2:Vpc': vpc } },
      },
    ],
  };
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) {
    return 'aws-cn';
  }
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

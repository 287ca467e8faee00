import { ArnFormat } from 'aws-cdk-lib';
import type { Stack } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { CHANGED_FLEET_TAG, OWNER_TAG, TAG_PREFIX } from '../contract';
import { compare } from './validation';

/*
 * The permissions of the handler and of a VpcPeeringRole. They allow only the calls that the handler makes, on the narrowest resources that the
 * Service Authorization Reference supports.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazongameliftservers.html
 */

/**
 * A condition that allows only calls that name these tag keys. It denies calls that name no key, because EC2's DeleteTags removes all tags if
 * it gets no key.
 */
function onlyTagKeys(keys: string[]): Record<string, Record<string, string | string[]>> {
  return { 'ForAllValues:StringLike': { 'aws:TagKeys': keys }, Null: { 'aws:TagKeys': 'false' } };
}

/** The tag keys that the handler uses on peering connections. */
const PEERING_TAG_KEYS = ['Name', `${TAG_PREFIX}*`];

/** Statements about resources of the peer VPC, in its account. */
class PeerVpcStatements {
  private readonly vpcArn: string;

  constructor(
    private readonly stack: Stack,
    vpc: ec2.IVpc,
    private readonly account: string,
  ) {
    this.vpcArn = this.arnOf('vpc', vpc.vpcId);
  }

  private arnOf(resource: string, resourceName: string): string {
    const { account } = this;
    return this.stack.formatArn({ service: 'ec2', account, resource, resourceName, arnFormat: ArnFormat.SLASH_RESOURCE_NAME });
  }

  /** Allows actions on the VPC itself. */
  allowOnVpc(actions: string[]): iam.PolicyStatement {
    return new iam.PolicyStatement({ actions, resources: [this.vpcArn] });
  }

  /** Allows actions on peering connections whose accepter is this VPC. */
  allowOnPeerings(actions: string[]): iam.PolicyStatement {
    return new iam.PolicyStatement({
      actions,
      resources: [this.arnOf('vpc-peering-connection', '*')],
      conditions: { ArnEquals: { 'ec2:AccepterVpc': this.vpcArn } },
    });
  }

  /** Allows actions on the tags of these peering connections, but only on the tag keys that the handler uses. */
  allowOnPeeringTags(actions: string[]): iam.PolicyStatement {
    const statement = this.allowOnPeerings(actions);
    statement.addConditions(onlyTagKeys(PEERING_TAG_KEYS));
    return statement;
  }

  /** Allows actions on resources in this VPC, such as its route tables. */
  allowInVpc(actions: string[], ...resourceTypes: string[]): iam.PolicyStatement {
    return new iam.PolicyStatement({
      actions,
      resources: resourceTypes.map((resourceType) => this.arnOf(resourceType, '*')),
      conditions: { ArnEquals: { 'ec2:Vpc': this.vpcArn } },
    });
  }
}

/**
 * Allows creating and canceling an authorization. The EC2 actions are for GameLift, which acts in the VPC with the permissions of
 * its caller, possibly after the call has returned. GameLift's own actions support no narrower resource.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringAuthorization.html
 */
export function authorizeStatements(stack: Stack, vpc: ec2.IVpc, account: string): iam.PolicyStatement[] {
  const peerVpc = new PeerVpcStatements(stack, vpc, account);
  return [
    new iam.PolicyStatement({
      actions: [
        'gamelift:CreateVpcPeeringAuthorization',
        'gamelift:DeleteVpcPeeringAuthorization',
        'gamelift:DescribeVpcPeeringAuthorizations',
        'ec2:DescribeRouteTables',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeVpcs',
      ],
      resources: ['*'],
    }),
    peerVpc.allowOnVpc(['ec2:AcceptVpcPeeringConnection']),
    peerVpc.allowOnPeerings(['ec2:AcceptVpcPeeringConnection']),
    peerVpc.allowInVpc(
      [
        'ec2:AuthorizeSecurityGroupEgress',
        'ec2:AuthorizeSecurityGroupIngress',
        'ec2:CreateRoute',
        'ec2:DeleteRoute',
        'ec2:RevokeSecurityGroupEgress',
        'ec2:RevokeSecurityGroupIngress',
      ],
      'route-table',
      'security-group',
    ),
  ];
}

/** Allows assuming the role in the account of the VPC. */
export function assumeRoleStatements(peerRole: iam.IRole | undefined): iam.PolicyStatement[] {
  return peerRole === undefined ? [] : [new iam.PolicyStatement({ actions: ['sts:AssumeRole'], resources: [peerRole.roleArn] })];
}

/** Allows the handler to find an authorization that another account issued, and to see in the stack's status whether it is rolled back. */
export function findAuthorizationStatements(stack: Stack): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      actions: ['gamelift:DescribeVpcPeeringAuthorizations', 'gamelift:DescribeVpcPeeringConnections'],
      resources: ['*'],
    }),
    new iam.PolicyStatement({ actions: ['cloudformation:DescribeStacks'], resources: [stack.stackId] }),
  ];
}

/*
 * Before the handler cancels an authorization, and when a teardown cannot authorize, it checks whether anything is still peered with
 * the VPC. In the GameLift account it calls GameLift, in other accounts EC2. If the account is a token, the handler gets both permissions.
 */

/** Allows listing the connections of the account's fleets. */
export function describeFleetConnectionsStatements(stack: Stack, gameLiftAccount: string): iam.PolicyStatement[] {
  return compare(gameLiftAccount, stack.account) === 'different'
    ? []
    : [new iam.PolicyStatement({ actions: ['gamelift:DescribeVpcPeeringConnections'], resources: ['*'] })];
}

/** Allows listing the connections of the account's VPCs. */
export function describeVpcConnectionsStatements(stack: Stack, gameLiftAccount: string): iam.PolicyStatement[] {
  return compare(gameLiftAccount, stack.account) === 'same'
    ? []
    : [new iam.PolicyStatement({ actions: ['ec2:DescribeVpcPeeringConnections'], resources: ['*'] })];
}

/**
 * Allows creating and deleting connections in the GameLift account, and writing the tags on fleets that name the owner of a connection.
 * GameLift's peering actions support no narrower resource. The ARNs of all fleets would exceed the size limit of a policy, so a condition
 * limits the tag keys instead.
 */
export function fleetStatements(stack: Stack): iam.PolicyStatement[] {
  const fleets = stack.formatArn({ service: 'gamelift', account: '*', resource: 'fleet', resourceName: '*' });
  return [
    new iam.PolicyStatement({
      actions: [
        'gamelift:CreateVpcPeeringConnection',
        'gamelift:DeleteVpcPeeringConnection',
        'gamelift:DescribeFleetAttributes',
        'gamelift:DescribeVpcPeeringConnections',
      ],
      resources: ['*'],
    }),
    new iam.PolicyStatement({
      actions: ['gamelift:DescribeFleetEvents', 'gamelift:ListTagsForResource'],
      resources: [fleets],
    }),
    new iam.PolicyStatement({
      actions: ['gamelift:TagResource', 'gamelift:UntagResource'],
      resources: [fleets],
      conditions: onlyTagKeys([`${TAG_PREFIX}*`]),
    }),
  ];
}

/** Allows watching and tagging connections, and setting routes and DNS, in the account of the VPC, in addition to `authorizeStatements`. */
export function networkStatements(stack: Stack, vpc: ec2.IVpc, account: string): iam.PolicyStatement[] {
  const peerVpc = new PeerVpcStatements(stack, vpc, account);
  return [
    new iam.PolicyStatement({ actions: ['ec2:DescribeVpcPeeringConnections'], resources: ['*'] }),
    peerVpc.allowOnPeeringTags(['ec2:CreateTags']),
    peerVpc.allowOnPeerings(['ec2:ModifyVpcPeeringConnectionOptions']),
    peerVpc.allowInVpc(['ec2:ReplaceRoute'], 'route-table'),
  ];
}

/**
 * Allows removing tags from peering connections in the account of the VPC. For this action, AWS supports a condition on the existing
 * tags, but none on the VPC. So these statements allow it on connections whose tags say that this library created or changed them.
 */
export function untagStatements(stack: Stack, account: string): iam.PolicyStatement[] {
  const resource = 'vpc-peering-connection';
  const peerings = stack.formatArn({ service: 'ec2', account, resource, resourceName: '*' });
  const { Null, ...keys } = onlyTagKeys(PEERING_TAG_KEYS);
  return [OWNER_TAG, CHANGED_FLEET_TAG].map(
    (tag) =>
      new iam.PolicyStatement({
        actions: ['ec2:DeleteTags'],
        resources: [peerings],
        conditions: { ...keys, Null: { ...Null, [`aws:ResourceTag/${tag}`]: 'false' } },
      }),
  );
}

/**
 * If another role or account has authorized the peering, AWS requires these permissions of the caller of CreateVpcPeeringConnection, because
 * GameLift acts with the permissions of its caller.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringConnection.html
 */
export function callerStatements(stack: Stack, vpc: ec2.IVpc, account: string): iam.PolicyStatement[] {
  const peerVpc = new PeerVpcStatements(stack, vpc, account);
  return [
    new iam.PolicyStatement({ actions: ['ec2:DescribeRouteTables', 'ec2:DescribeSecurityGroups'], resources: ['*'] }),
    peerVpc.allowOnVpc(['ec2:AcceptVpcPeeringConnection']),
    peerVpc.allowOnPeerings(['ec2:AcceptVpcPeeringConnection']),
    peerVpc.allowInVpc(
      ['ec2:AuthorizeSecurityGroupEgress', 'ec2:AuthorizeSecurityGroupIngress', 'ec2:CreateRoute'],
      'route-table',
      'security-group',
    ),
  ];
}

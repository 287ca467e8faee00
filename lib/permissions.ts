import { ArnFormat } from 'aws-cdk-lib';
import type { Stack } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { CHANGED_FLEET_TAG, OWNER_TAG, TAG_PREFIX } from './contract';

/*
 * What the handler, and a role in the account of the VPC, may do: no more than what is called, scoped as far as the Service
 * Authorization Reference lets it be.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazongameliftservers.html
 */

/** For calls that name such tags, and no others: a call that names none, as EC2's DeleteTags does to remove all, is denied too. */
function onlyTags(keys: string[]): Record<string, Record<string, string | string[]>> {
  return { 'ForAllValues:StringLike': { 'aws:TagKeys': keys }, Null: { 'aws:TagKeys': 'false' } };
}

/** The keys of the tags that peerings get. */
const PEERING_TAGS = ['Name', `${TAG_PREFIX}*`];

/** Resources of the peer VPC, in its account. */
class PeerVpc {
  readonly arn: string;

  constructor(
    private readonly stack: Stack,
    vpc: ec2.IVpc,
    private readonly account: string,
  ) {
    this.arn = this.arnOf('vpc', vpc.vpcId);
  }

  arnOf(resource: string, resourceName: string): string {
    const { account } = this;
    return this.stack.formatArn({ service: 'ec2', account, resource, resourceName, arnFormat: ArnFormat.SLASH_RESOURCE_NAME });
  }

  /** The actions, on peering connections that this VPC has accepted or is to accept. */
  onPeerings(actions: string[]): iam.PolicyStatement {
    return new iam.PolicyStatement({
      actions,
      resources: [this.arnOf('vpc-peering-connection', '*')],
      conditions: { ArnEquals: { 'ec2:AccepterVpc': this.arn } },
    });
  }

  /** The actions, on the same connections, for tags of this library and the name. */
  onPeeringTags(actions: string[]): iam.PolicyStatement {
    const statement = this.onPeerings(actions);
    statement.addConditions(onlyTags(PEERING_TAGS));
    return statement;
  }

  /** The actions, on what lies in this VPC. */
  inside(actions: string[], ...kinds: string[]): iam.PolicyStatement {
    return new iam.PolicyStatement({
      actions,
      resources: kinds.map((kind) => this.arnOf(kind, '*')),
      conditions: { ArnEquals: { 'ec2:Vpc': this.arn } },
    });
  }
}

/**
 * What authorizing takes. GameLift's own actions support no narrower resource; it uses its caller's permissions for what
 * it does in the VPC, possibly later than the call.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringAuthorization.html
 */
export function authorizeStatements(stack: Stack, vpc: ec2.IVpc, account: string): iam.PolicyStatement[] {
  const peer = new PeerVpc(stack, vpc, account);
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
    new iam.PolicyStatement({ actions: ['ec2:AcceptVpcPeeringConnection'], resources: [peer.arn] }),
    peer.onPeerings(['ec2:AcceptVpcPeeringConnection']),
    peer.inside(
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

/** What coming to the account of the VPC takes. */
export function assumeStatements(peerRole: iam.IRole | undefined): iam.PolicyStatement[] {
  return peerRole === undefined ? [] : [new iam.PolicyStatement({ actions: ['sts:AssumeRole'], resources: [peerRole.roleArn] })];
}

/** What looking for an authorization takes that another account gave, and knowing a rollback. */
export function receiveStatements(stack: Stack): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      actions: ['gamelift:DescribeVpcPeeringAuthorizations', 'gamelift:DescribeVpcPeeringConnections'],
      resources: ['*'],
    }),
    new iam.PolicyStatement({ actions: ['cloudformation:DescribeStacks'], resources: [stack.stackId] }),
  ];
}

/** What looking for what is still peered takes. */
export function teardownStatements(): iam.PolicyStatement[] {
  return [new iam.PolicyStatement({ actions: ['gamelift:DescribeVpcPeeringConnections'], resources: ['*'] })];
}

/**
 * What connecting takes in the account of the fleets. GameLift's own peering actions support no narrower resource; claims are
 * tags on fleets, of which a stack may have more than a policy has room for: it is the keys of these tags that are limited.
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
      conditions: onlyTags([`${TAG_PREFIX}*`]),
    }),
  ];
}

/** What connecting takes in the account of the VPC, besides what authorizing does: tags, but to remove them, routes and DNS. */
export function networkStatements(stack: Stack, vpc: ec2.IVpc, account: string): iam.PolicyStatement[] {
  const peer = new PeerVpc(stack, vpc, account);
  return [
    new iam.PolicyStatement({ actions: ['ec2:DescribeVpcPeeringConnections'], resources: ['*'] }),
    peer.onPeeringTags(['ec2:CreateTags']),
    peer.onPeerings(['ec2:ModifyVpcPeeringConnectionOptions']),
    peer.inside(['ec2:ReplaceRoute'], 'route-table'),
  ];
}

/**
 * What removing tags from peerings takes, in an account that owns VPCs. AWS lists no condition on the VPC for it, but on the tags
 * that are there: it is allowed on what this library made, and on what it notes to have changed.
 */
export function untagStatements(stack: Stack, account: string): iam.PolicyStatement[] {
  const resource = 'vpc-peering-connection';
  const peerings = stack.formatArn({ service: 'ec2', account, resource, resourceName: '*' });
  const { Null, ...keys } = onlyTags(PEERING_TAGS);
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
 * What AWS asks of who calls CreateVpcPeeringConnection, whose identity GameLift passes on, where that is not also who
 * authorized.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringConnection.html
 */
export function callerStatements(stack: Stack, vpc: ec2.IVpc, account: string): iam.PolicyStatement[] {
  const peer = new PeerVpc(stack, vpc, account);
  return [
    new iam.PolicyStatement({ actions: ['ec2:DescribeRouteTables', 'ec2:DescribeSecurityGroups'], resources: ['*'] }),
    new iam.PolicyStatement({ actions: ['ec2:AcceptVpcPeeringConnection'], resources: [peer.arn] }),
    peer.onPeerings(['ec2:AcceptVpcPeeringConnection']),
    peer.inside(
      ['ec2:AuthorizeSecurityGroupEgress', 'ec2:AuthorizeSecurityGroupIngress', 'ec2:CreateRoute'],
      'route-table',
      'security-group',
    ),
  ];
}

import type { ConditionContext } from '../iam/iam';
import { arnOf } from '../partitions';
import type { AccountAndRegion } from '../service';
import type { Network, RouteTable, SecurityGroup, Vpc } from './network';
import type { Peering } from './peerings';

/** A resource in a permission check: its ARN, and its condition keys from the Service Authorization Reference. */
export interface PolicyResource {
  readonly arn: string;
  readonly context: ConditionContext;
}

function policyResource(
  network: Network,
  type: string,
  id: string,
  { account, region }: AccountAndRegion,
  context: ConditionContext,
): PolicyResource {
  const tags = [...network.tags.get(account, id)].flatMap(([key, value]) => [
    [`aws:ResourceTag/${key}`, value],
    [`ec2:ResourceTag/${key}`, value],
  ]);
  return {
    arn: arnOf({ account, region }, 'ec2', `${type}/${id}`),
    context: {
      'ec2:Region': region,
      'aws:ResourceAccount': account,
      ...context,
      ...(Object.fromEntries(tags) as ConditionContext),
    },
  };
}

export function vpcResource(network: Network, vpc: Vpc): PolicyResource {
  return policyResource(network, 'vpc', vpc.vpcId, vpc, { 'ec2:VpcID': vpc.vpcId, 'ec2:Tenancy': 'default' });
}

export function routeTableResource(network: Network, { routeTableId, vpc }: RouteTable): PolicyResource {
  return policyResource(network, 'route-table', routeTableId, vpc, { 'ec2:Vpc': vpc.arn, 'ec2:RouteTableID': routeTableId });
}

export function securityGroupResource(network: Network, { groupId, vpc }: SecurityGroup): PolicyResource {
  return policyResource(network, 'security-group', groupId, vpc, { 'ec2:Vpc': vpc.arn, 'ec2:SecurityGroupID': groupId });
}

/** A peering connection as a resource of `account`. Its ARN differs between the two accounts. */
export function peeringResource(network: Network, { id, region, requester, accepter }: Peering, account: string): PolicyResource {
  const vpcArn = (side: { account: string; vpcId: string }) =>
    arnOf({ account: side.account, region }, 'ec2', `vpc/${side.vpcId}`);
  return policyResource(
    network,
    'vpc-peering-connection',
    id,
    { account, region },
    {
      'ec2:AccepterVpc': vpcArn(accepter),
      'ec2:RequesterVpc': vpcArn(requester),
      'ec2:VpcPeeringConnectionID': id,
    },
  );
}

/** A resource whose type has no function above. The simulated API can only change its tags. */
export function otherResource(network: Network, type: string, id: string, owner: AccountAndRegion): PolicyResource {
  return policyResource(network, type, id, owner, {});
}

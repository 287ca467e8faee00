import { arnOf } from '../partitions';
import type { ServiceCall } from '../service';
import type { Members, Parameters, QueryOperation } from '../wire/query';
import { authorizeDescribe, pageOfMatches, endDryRun, requireWellFormedIds, tagSet, type Filters } from './filters';
import type { Network, SecurityGroup } from './network';
import { securityGroupResource } from './policy-resources';
import type { Rule } from './security-group-rules';

const GROUP_FILTERS: Filters<SecurityGroup> = {
  'group-id': ({ groupId }) => groupId,
  'group-name': ({ name }) => name,
  'vpc-id': ({ vpc }) => vpc.vpcId,
  'owner-id': ({ vpc }) => vpc.account,
  'ip-permission.cidr': ({ rules }) => rules.filter(({ direction }) => direction === 'ingress').map(({ peer }) => peer),
};

/** EC2's operations on security groups and their rules. */
export function securityGroupOperations(network: Network): Readonly<Record<string, QueryOperation>> {
  /** Returns an operation that authorizes the caller, and then calls `change` for each rule in the request. */
  const changeOperation =
    (direction: Rule['direction'], change: (call: ServiceCall, groupId: string, rule: Rule) => void): QueryOperation =>
    async (parameters, call) => {
      const group = network.securityGroup(call, parameters.get('GroupId') ?? '');
      const { arn, context } = securityGroupResource(network, group);
      await call.authorize(`ec2:${call.operation}`, [arn], context);
      endDryRun(parameters);
      rulesOf(parameters, direction).forEach((rule) => {
        change(call, group.groupId, rule);
      });
      return { return: true };
    };
  const authorize = (call: ServiceCall, groupId: string, rule: Rule): void => {
    network.authorizeRule(call, groupId, rule);
  };
  const revoke = (call: ServiceCall, groupId: string, rule: Rule): void => {
    network.revokeRule(call, groupId, rule);
  };
  return {
    DescribeSecurityGroups: (parameters, call) => describe(network, parameters, call),
    AuthorizeSecurityGroupIngress: changeOperation('ingress', authorize),
    AuthorizeSecurityGroupEgress: changeOperation('egress', authorize),
    RevokeSecurityGroupIngress: changeOperation('ingress', revoke),
    RevokeSecurityGroupEgress: changeOperation('egress', revoke),
  };
}

async function describe(network: Network, parameters: Parameters, call: ServiceCall): Promise<Members> {
  const ids = parameters.list('GroupId');
  requireWellFormedIds(ids, 'sg', 'InvalidGroupId.Malformed');
  await authorizeDescribe(parameters, call);
  return call.read(() => list(network, parameters, call, ids));
}

function list(network: Network, parameters: Parameters, call: ServiceCall, ids: readonly string[]): Members {
  const tagsOf = ({ groupId }: SecurityGroup) => network.tags.get(call.account, groupId);
  const { items, next } = pageOfMatches(parameters, ids, {
    kind: 'security group',
    visible: [...network.securityGroups.values()].filter(({ vpc }) => vpc.account === call.account && vpc.region === call.region),
    idOf: ({ groupId }) => groupId,
    tagsOf,
    filters: GROUP_FILTERS,
  });
  return { securityGroupInfo: items.map((group) => ({ ...describeOne(group), ...tagSet(tagsOf(group)) })), ...next };
}

function describeOne({ groupId, vpc, name, description, rules }: SecurityGroup): Members {
  const permissions = (direction: Rule['direction']) =>
    rules.filter((rule) => rule.direction === direction).map((rule) => permission(rule, vpc.account));
  return {
    groupId,
    vpcId: vpc.vpcId,
    ownerId: vpc.account,
    groupName: name,
    groupDescription: description,
    securityGroupArn: arnOf(vpc, 'ec2', `security-group/${groupId}`),
    ipPermissions: permissions('ingress'),
    ipPermissionsEgress: permissions('egress'),
  };
}

function permission({ protocol, fromPort, toPort, peer, description }: Rule, userId: string): Members {
  const target: Members = peer.startsWith('sg-')
    ? { groups: [{ groupId: peer, userId, description }] }
    : peer.startsWith('pl-')
      ? { prefixListIds: [{ prefixListId: peer, description }] }
      : peer.includes(':')
        ? { ipv6Ranges: [{ cidrIpv6: peer, description }] }
        : { ipRanges: [{ cidrIp: peer, description }] };
  return { ipProtocol: protocol, fromPort, toPort, ...target };
}

function rulesOf(parameters: Parameters, direction: Rule['direction']): Rule[] {
  return parameters.structures('IpPermissions').flatMap((permissionParameters) => {
    const [fromPort, toPort] = [permissionParameters.get('FromPort'), permissionParameters.get('ToPort')];
    const common = {
      direction,
      protocol: permissionParameters.get('IpProtocol') ?? '-1',
      ...(fromPort === undefined ? {} : { fromPort: Number(fromPort) }),
      ...(toPort === undefined ? {} : { toPort: Number(toPort) }),
    };
    const peers = [
      ...permissionParameters.structures('IpRanges').map((range) => range.get('CidrIp')),
      ...permissionParameters.structures('Ipv6Ranges').map((range) => range.get('CidrIpv6')),
      ...permissionParameters.structures('Groups').map((group) => group.get('GroupId')),
      ...permissionParameters.structures('PrefixListIds').map((list) => list.get('PrefixListId')),
    ];
    return peers.flatMap((peer) => (peer === undefined ? [] : [{ ...common, peer }]));
  });
}

import { ServiceError, type ServiceCall } from '../service';
import type { Members, Parameters, QueryOperation } from '../wire/query';
import { authorizeDescribe, pageOfMatches, endDryRun, requireWellFormedIds, tagSet, type Filters } from './filters';
import type { Network } from './network';
import type { Peering, PeeringSide } from './peerings';
import { peeringResource } from './policy-resources';

const PEERING_FILTERS: Filters<Peering> = {
  'vpc-peering-connection-id': ({ id }) => id,
  'status-code': ({ status }) => status.code,
  'status-message': ({ status }) => status.message,
  'accepter-vpc-info.vpc-id': ({ accepter }) => accepter.vpcId,
  'accepter-vpc-info.owner-id': ({ accepter }) => accepter.account,
  'requester-vpc-info.vpc-id': ({ requester }) => requester.vpcId,
  'requester-vpc-info.owner-id': ({ requester }) => requester.account,
  'requester-vpc-info.cidr-block': ({ requester }) => requester.cidrBlocks,
};

/** EC2's operations on VPC peering connections, for the owners of both sides. */
export function peeringOperations(network: Network): Readonly<Record<string, QueryOperation>> {
  /** Returns an operation that authorizes the caller, and then calls `change`. */
  const changeOperation =
    (change: (peering: Peering, call: ServiceCall, parameters: Parameters) => Members): QueryOperation =>
    async (parameters, call) => {
      const id = parameters.get('VpcPeeringConnectionId') ?? '';
      requireWellFormedIds([id], 'pcx', 'InvalidVpcPeeringConnectionId.Malformed');
      const peering = network.peerings.getVisible(call, id);
      const { arn, context } = peeringResource(network, peering, call.account);
      await call.authorize(`ec2:${call.operation}`, [arn], context);
      endDryRun(parameters);
      return change(peering, call, parameters);
    };
  return {
    DescribeVpcPeeringConnections: (parameters, call) => describe(network, parameters, call),
    ModifyVpcPeeringConnectionOptions: changeOperation((peering, call, parameters) => modify(peering, call, parameters)),
    DeleteVpcPeeringConnection: changeOperation((peering, call) => {
      network.peerings.delete(peering, call.account);
      return { return: true };
    }),
  };
}

async function describe(network: Network, parameters: Parameters, call: ServiceCall): Promise<Members> {
  const ids = parameters.list('VpcPeeringConnectionId');
  requireWellFormedIds(ids, 'pcx', 'InvalidVpcPeeringConnectionId.Malformed');
  await authorizeDescribe(parameters, call);
  return call.read(() => list(network, parameters, call, ids));
}

function list(network: Network, parameters: Parameters, call: ServiceCall, ids: readonly string[]): Members {
  const tagsOf = ({ id }: Peering) => network.tags.get(call.account, id);
  const { items, next } = pageOfMatches(parameters, ids, {
    kind: 'vpcPeeringConnection',
    visible: network.peerings.visibleTo(call),
    idOf: ({ id }) => id,
    tagsOf,
    filters: PEERING_FILTERS,
  });
  return { vpcPeeringConnectionSet: items.map((peering) => ({ ...describeOne(peering), ...tagSet(tagsOf(peering)) })), ...next };
}

function describeOne({ id, region, requester, accepter, status, dnsResolution }: Peering): Members {
  const isActive = status.code === 'active';
  const side = ({ vpcId, account, cidrBlocks }: PeeringSide, allowDnsResolutionFromRemoteVpc: boolean): Members => ({
    vpcId,
    ownerId: account,
    region,
    cidrBlock: cidrBlocks[0],
    cidrBlockSet: cidrBlocks.map((cidrBlock) => ({ cidrBlock })),
    // only active connections have options
    peeringOptions: isActive ? peeringOptions(allowDnsResolutionFromRemoteVpc) : undefined,
  });
  return {
    vpcPeeringConnectionId: id,
    requesterVpcInfo: side(requester, dnsResolution.requester),
    accepterVpcInfo: side(accepter, dnsResolution.accepter),
    status: { code: status.code, message: status.message },
  };
}

function peeringOptions(allowDnsResolutionFromRemoteVpc: boolean): Members {
  return {
    allowDnsResolutionFromRemoteVpc,
    allowEgressFromLocalClassicLinkToRemoteVpc: false,
    allowEgressFromLocalVpcToRemoteClassicLink: false,
  };
}

function modify(peering: Peering, { account }: ServiceCall, parameters: Parameters): Members {
  if (peering.status.code !== 'active') {
    const advice = 'Peering options can be added only to active peerings.';
    throw new ServiceError('OperationNotPermitted', `Peering ${peering.id} is not active. ${advice}`);
  }
  const changes = (['accepter', 'requester'] as const).flatMap((side) => {
    const member = `${side === 'accepter' ? 'Accepter' : 'Requester'}PeeringConnectionOptions`;
    const allowDns = parameters.get(`${member}.AllowDnsResolutionFromRemoteVpc`);
    return allowDns === undefined ? [] : [{ side, allowsDns: allowDns === 'true' }];
  });
  const forbiddenSide = changes.map(({ side }) => side).find((side) => peering[side].account !== account);
  if (forbiddenSide !== undefined) {
    const message = `User ${account} cannot modify ${forbiddenSide} peering options for ${peering.id}`;
    throw new ServiceError('OperationNotPermitted', message);
  }
  const result: Record<string, Members> = {};
  for (const { side, allowsDns } of changes) {
    peering.dnsResolution = { ...peering.dnsResolution, [side]: allowsDns };
    result[`${side}PeeringConnectionOptions`] = peeringOptions(allowsDns);
  }
  return result;
}

import type { Route as Ec2Route, Vpc, VpcPeeringConnection } from '@aws-sdk/client-ec2';
import type { Ec2Api, Ec2Peering, Route, RouteTable } from './api';
import { once, tagListOf, tagsOf } from './clients';
import type { ClientConfig } from './clients';
import { readError } from './errors';

/** Loads EC2's client on its first use, because it is three times as large as GameLift's. */
export function createEc2Api(config: ClientConfig): Ec2Api {
  const load = once(async () => {
    const sdk = await import('@aws-sdk/client-ec2');
    return { sdk, client: new sdk.EC2Client(config) };
  });
  const describeVpc = async (vpcId: string, abortSignal: AbortSignal): Promise<Vpc | undefined> => {
    const { sdk, client } = await load();
    const output = await client.send(new sdk.DescribeVpcsCommand({ VpcIds: [vpcId] }), { abortSignal });
    return output.Vpcs?.[0];
  };
  return {
    async vpcExists(vpcId, abortSignal) {
      try {
        return (await describeVpc(vpcId, abortSignal)) !== undefined;
      } catch (error) {
        if (readError(error).name === 'InvalidVpcID.NotFound') {
          return false;
        }
        throw error;
      }
    },
    async describeVpcCidrBlocks(vpcId, abortSignal) {
      const vpc = await describeVpc(vpcId, abortSignal);
      const blocks = [vpc?.CidrBlock, ...(vpc?.CidrBlockAssociationSet ?? []).map(({ CidrBlock }) => CidrBlock)];
      return [...new Set(blocks.filter((block) => block !== undefined))];
    },
    async describePeerings(accepterVpcId, abortSignal) {
      const { sdk, client } = await load();
      const input = { Filters: [{ Name: 'accepter-vpc-info.vpc-id', Values: [accepterVpcId] }] };
      const peerings: Ec2Peering[] = [];
      for await (const page of sdk.paginateDescribeVpcPeeringConnections({ client }, input, { abortSignal })) {
        peerings.push(...(page.VpcPeeringConnections ?? []).map(peeringOf));
      }
      return peerings;
    },
    async setDnsResolution(VpcPeeringConnectionId, AllowDnsResolutionFromRemoteVpc, abortSignal) {
      const { sdk, client } = await load();
      const input = { VpcPeeringConnectionId, AccepterPeeringConnectionOptions: { AllowDnsResolutionFromRemoteVpc } };
      await client.send(new sdk.ModifyVpcPeeringConnectionOptionsCommand(input), { abortSignal });
    },
    async tagPeering(peeringId, tags, abortSignal) {
      const { sdk, client } = await load();
      await client.send(new sdk.CreateTagsCommand({ Resources: [peeringId], Tags: tagListOf(tags) }), { abortSignal });
    },
    async untagPeering(peeringId, keys, abortSignal) {
      const { sdk, client } = await load();
      const input = { Resources: [peeringId], Tags: keys.map((Key) => ({ Key })) };
      await client.send(new sdk.DeleteTagsCommand(input), { abortSignal });
    },
    async describeRouteTables(vpcId, abortSignal) {
      const { sdk, client } = await load();
      const input = { Filters: [{ Name: 'vpc-id', Values: [vpcId] }] };
      const tables: RouteTable[] = [];
      for await (const { RouteTables } of sdk.paginateDescribeRouteTables({ client }, input, { abortSignal })) {
        for (const { RouteTableId, Routes, Associations } of RouteTables ?? []) {
          const gatewayId = Associations?.find(({ GatewayId }) => GatewayId !== undefined)?.GatewayId;
          tables.push({ id: RouteTableId ?? '', gatewayId, routes: (Routes ?? []).flatMap(ipv4RouteOf) });
        }
      }
      return tables;
    },
    async createRoute(RouteTableId, DestinationCidrBlock, VpcPeeringConnectionId, abortSignal) {
      const { sdk, client } = await load();
      const input = { RouteTableId, DestinationCidrBlock, VpcPeeringConnectionId };
      await client.send(new sdk.CreateRouteCommand(input), { abortSignal });
    },
    async replaceRoute(RouteTableId, DestinationCidrBlock, VpcPeeringConnectionId, abortSignal) {
      const { sdk, client } = await load();
      const input = { RouteTableId, DestinationCidrBlock, VpcPeeringConnectionId };
      await client.send(new sdk.ReplaceRouteCommand(input), { abortSignal });
    },
    async deleteRoute(RouteTableId, DestinationCidrBlock, abortSignal) {
      const { sdk, client } = await load();
      await client.send(new sdk.DeleteRouteCommand({ RouteTableId, DestinationCidrBlock }), { abortSignal });
    },
  };
}

function peeringOf(peering: VpcPeeringConnection): Ec2Peering {
  const { VpcPeeringConnectionId, Status, RequesterVpcInfo, AccepterVpcInfo, Tags } = peering;
  return {
    id: VpcPeeringConnectionId ?? '',
    status: Status?.Code ?? '',
    message: Status?.Message ?? '',
    requesterVpcId: RequesterVpcInfo?.VpcId ?? '',
    requesterAccount: RequesterVpcInfo?.OwnerId ?? '',
    cidrBlock: RequesterVpcInfo?.CidrBlock,
    dnsResolution: AccepterVpcInfo?.PeeringOptions?.AllowDnsResolutionFromRemoteVpc ?? false,
    tags: tagsOf(Tags),
  };
}

/** Converts a route whose destination is an IPv4 CIDR block. Returns an empty list for another type of destination. */
function ipv4RouteOf({ DestinationCidrBlock, State, ...targets }: Ec2Route): Route[] {
  if (DestinationCidrBlock === undefined) {
    return [];
  }
  const { VpcPeeringConnectionId, GatewayId, NatGatewayId, TransitGatewayId, NetworkInterfaceId, ...otherTargets } = targets;
  const target =
    VpcPeeringConnectionId ??
    GatewayId ??
    NatGatewayId ??
    TransitGatewayId ??
    NetworkInterfaceId ??
    // other targets, such as a LocalGatewayId. InstanceOwnerId is an account
    Object.entries(otherTargets).find(([name]) => name.endsWith('Id') && name !== 'InstanceOwnerId')?.[1];
  return [
    {
      cidrBlock: DestinationCidrBlock,
      target: typeof target === 'string' ? target : 'another target',
      blackhole: State === 'blackhole',
    },
  ];
}

import type * as Ec2Sdk from '@aws-sdk/client-ec2';
import type { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import type { EC2Client, Vpc, VpcPeeringConnection } from '@aws-sdk/client-ec2';
import {
  CreateVpcPeeringAuthorizationCommand,
  CreateVpcPeeringConnectionCommand,
  DeleteVpcPeeringAuthorizationCommand,
  DeleteVpcPeeringConnectionCommand,
  DescribeFleetAttributesCommand,
  DescribeFleetEventsCommand,
  DescribeVpcPeeringAuthorizationsCommand,
  DescribeVpcPeeringConnectionsCommand,
  GameLiftClient,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-gamelift';
import type { AuthorizationApi, AuthorizationRecord } from './authorization';
import { faultOf } from './calls';
import type { ConnectionApi } from './connection';
import type { NetworkApi } from './network';
import type { ConnectionRecord, Ec2Peering, FleetEvent, FleetRecord } from './peering';
import type { PeerRole } from './properties';
import type { ReceivedApi } from './received';
import type { Route, RouteTable } from './routes';

/** Retries are the handler's own, since the SDK's give up long before a rate token comes back. */
const CLIENT = {
  maxAttempts: 1,
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 20_000, throwOnRequestTimeout: true },
};

type Tags = Readonly<Record<string, string>>;

/** EC2's client is three times the size of GameLift's: loaded only when it is needed. */
async function ec2Sdk(): Promise<typeof Ec2Sdk> {
  return await import('@aws-sdk/client-ec2');
}

type CredentialProvider = ReturnType<typeof fromTemporaryCredentials>;

/** The credentials of a role, got from the STS endpoint of the function's own Region: the only one where that is opt-in. */
function assuming({ arn, externalId }: PeerRole, sessionName: string, region: string): CredentialProvider {
  const params = { RoleArn: arn, RoleSessionName: sessionName, ...(externalId === undefined ? {} : { ExternalId: externalId }) };
  const assume = async (): ReturnType<CredentialProvider> => {
    const providers = await import('@aws-sdk/credential-providers');
    try {
      return await providers.fromTemporaryCredentials({ params, clientConfig: { ...CLIENT, region } })();
    } catch (error) {
      const { name, message } = faultOf(error);
      throw Object.assign(new Error(`the role ${arn} could not be assumed: ${message}`, { cause: error }), {
        name,
        $metadata: (error as { readonly $metadata?: unknown }).$metadata,
      });
    }
  };
  // one session for all clients: it outlasts every request
  let session: ReturnType<CredentialProvider> | undefined;
  return () =>
    (session ??= assume().catch((error: unknown) => {
      session = undefined;
      throw error;
    }));
}

/** The calls of the handler, made with the function's own credentials or those of a role, Region and endpoints. */
export class Aws implements AuthorizationApi, ConnectionApi, NetworkApi, ReceivedApi {
  static as(role: PeerRole, sessionName: string, region: string): Aws {
    return new Aws({ ...CLIENT, credentials: assuming(role, sessionName, region) });
  }

  private readonly gameLift: GameLiftClient;
  private ec2Client: EC2Client | undefined;

  constructor(private readonly config: typeof CLIENT & { readonly credentials?: CredentialProvider } = CLIENT) {
    this.gameLift = new GameLiftClient(config);
  }

  async createVpcPeeringAuthorization(
    input: { GameLiftAwsAccountId: string; PeerVpcId: string },
    abortSignal: AbortSignal,
  ): Promise<AuthorizationRecord | undefined> {
    const output = await this.gameLift.send(new CreateVpcPeeringAuthorizationCommand(input), { abortSignal });
    return output.VpcPeeringAuthorization;
  }

  async deleteVpcPeeringAuthorization(
    input: { GameLiftAwsAccountId: string; PeerVpcId: string },
    abortSignal: AbortSignal,
  ): Promise<void> {
    await this.gameLift.send(new DeleteVpcPeeringAuthorizationCommand(input), { abortSignal });
  }

  async describeVpcPeeringAuthorizations(abortSignal: AbortSignal): Promise<readonly AuthorizationRecord[]> {
    const output = await this.gameLift.send(new DescribeVpcPeeringAuthorizationsCommand({}), { abortSignal });
    return output.VpcPeeringAuthorizations ?? [];
  }

  async createVpcPeeringConnection(
    input: { FleetId: string; PeerVpcAwsAccountId: string; PeerVpcId: string },
    abortSignal: AbortSignal,
  ): Promise<void> {
    await this.gameLift.send(new CreateVpcPeeringConnectionCommand(input), { abortSignal });
  }

  async deleteVpcPeeringConnection(
    input: { FleetId: string; VpcPeeringConnectionId: string },
    abortSignal: AbortSignal,
  ): Promise<void> {
    await this.gameLift.send(new DeleteVpcPeeringConnectionCommand(input), { abortSignal });
  }

  async describeVpcPeeringConnections(
    fleetId: string | undefined,
    abortSignal: AbortSignal,
  ): Promise<readonly ConnectionRecord[]> {
    const output = await this.gameLift.send(new DescribeVpcPeeringConnectionsCommand({ FleetId: fleetId }), { abortSignal });
    return output.VpcPeeringConnections ?? [];
  }

  async describeStackStatus(stackId: string, abortSignal: AbortSignal): Promise<string> {
    const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
    const output = await new CloudFormationClient(this.config).send(new DescribeStacksCommand({ StackName: stackId }), {
      abortSignal,
    });
    return output.Stacks?.[0]?.StackStatus ?? '';
  }

  async describeFleet(fleetId: string, abortSignal: AbortSignal): Promise<FleetRecord | undefined> {
    try {
      const output = await this.gameLift.send(new DescribeFleetAttributesCommand({ FleetIds: [fleetId] }), { abortSignal });
      const fleet = output.FleetAttributes?.find((candidate) => candidate.FleetId === fleetId);
      return fleet === undefined
        ? undefined
        : { arn: fleet.FleetArn ?? '', status: fleet.Status ?? '', computeType: fleet.ComputeType ?? 'EC2' };
    } catch (error) {
      if (faultOf(error).name === 'NotFoundException') {
        return undefined;
      }
      throw error;
    }
  }

  async describeFleetEvents(fleetId: string, since: Date, abortSignal: AbortSignal): Promise<readonly FleetEvent[]> {
    const events: FleetEvent[] = [];
    let NextToken: string | undefined;
    do {
      const output = await this.gameLift.send(new DescribeFleetEventsCommand({ FleetId: fleetId, StartTime: since, NextToken }), {
        abortSignal,
      });
      for (const { EventCode, EventTime, Message } of output.Events ?? []) {
        events.push({ code: EventCode ?? '', time: EventTime ?? since, message: Message ?? '' });
      }
      ({ NextToken } = output);
    } while (NextToken !== undefined && NextToken !== '');
    return events.sort((one, other) => one.time.getTime() - other.time.getTime());
  }

  async listFleetTags(fleetArn: string, abortSignal: AbortSignal): Promise<Tags> {
    const { Tags: tags } = await this.gameLift.send(new ListTagsForResourceCommand({ ResourceARN: fleetArn }), { abortSignal });
    return tagsOf(tags);
  }

  async tagFleet(fleetArn: string, tags: Tags, abortSignal: AbortSignal): Promise<void> {
    await this.gameLift.send(new TagResourceCommand({ ResourceARN: fleetArn, Tags: listOf(tags) }), { abortSignal });
  }

  async untagFleet(fleetArn: string, keys: readonly string[], abortSignal: AbortSignal): Promise<void> {
    await this.gameLift.send(new UntagResourceCommand({ ResourceARN: fleetArn, TagKeys: [...keys] }), { abortSignal });
  }

  async vpcExists(vpcId: string, abortSignal: AbortSignal): Promise<boolean> {
    try {
      return (await this.describeVpc(vpcId, abortSignal)) !== undefined;
    } catch (error) {
      if (faultOf(error).name === 'InvalidVpcID.NotFound') {
        return false;
      }
      throw error;
    }
  }

  async describeVpcCidrBlocks(vpcId: string, abortSignal: AbortSignal): Promise<readonly string[]> {
    const vpc = await this.describeVpc(vpcId, abortSignal);
    const blocks = [vpc?.CidrBlock, ...(vpc?.CidrBlockAssociationSet ?? []).map(({ CidrBlock }) => CidrBlock)];
    return [...new Set(blocks.filter((block) => block !== undefined))];
  }

  async describePeerings(accepterVpcId: string, abortSignal: AbortSignal): Promise<readonly Ec2Peering[]> {
    const { paginateDescribeVpcPeeringConnections } = await ec2Sdk();
    const pages = paginateDescribeVpcPeeringConnections(
      { client: await this.ec2() },
      { Filters: [{ Name: 'accepter-vpc-info.vpc-id', Values: [accepterVpcId] }] },
      { abortSignal },
    );
    const peerings: Ec2Peering[] = [];
    for await (const { VpcPeeringConnections } of pages) {
      peerings.push(...(VpcPeeringConnections ?? []).map(peeringOf));
    }
    return peerings;
  }

  async describeRouteTables(vpcId: string, abortSignal: AbortSignal): Promise<readonly RouteTable[]> {
    const { paginateDescribeRouteTables } = await ec2Sdk();
    const pages = paginateDescribeRouteTables(
      { client: await this.ec2() },
      { Filters: [{ Name: 'vpc-id', Values: [vpcId] }] },
      { abortSignal },
    );
    const tables: RouteTable[] = [];
    for await (const { RouteTables } of pages) {
      for (const { RouteTableId, Routes, Associations } of RouteTables ?? []) {
        const routes = (Routes ?? []).flatMap(({ DestinationCidrBlock, State, ...targets }): Route[] => {
          const { VpcPeeringConnectionId, GatewayId, NatGatewayId, TransitGatewayId, NetworkInterfaceId, ...others } = targets;
          const target =
            VpcPeeringConnectionId ??
            GatewayId ??
            NatGatewayId ??
            TransitGatewayId ??
            NetworkInterfaceId ??
            Object.entries(others).find(([name]) => name.endsWith('Id') && name !== 'InstanceOwnerId')?.[1];
          return DestinationCidrBlock === undefined
            ? []
            : [
                {
                  cidrBlock: DestinationCidrBlock,
                  target: typeof target === 'string' ? target : 'another target',
                  blackhole: State === 'blackhole',
                },
              ];
        });
        const gatewayId = Associations?.find(({ GatewayId }) => GatewayId !== undefined)?.GatewayId;
        tables.push({ id: RouteTableId ?? '', gatewayId, routes });
      }
    }
    return tables;
  }

  async createRoute(
    RouteTableId: string,
    DestinationCidrBlock: string,
    VpcPeeringConnectionId: string,
    abortSignal: AbortSignal,
  ): Promise<void> {
    const { CreateRouteCommand } = await ec2Sdk();
    const client = await this.ec2();
    await client.send(new CreateRouteCommand({ RouteTableId, DestinationCidrBlock, VpcPeeringConnectionId }), { abortSignal });
  }

  async replaceRoute(
    RouteTableId: string,
    DestinationCidrBlock: string,
    VpcPeeringConnectionId: string,
    abortSignal: AbortSignal,
  ): Promise<void> {
    const { ReplaceRouteCommand } = await ec2Sdk();
    const client = await this.ec2();
    await client.send(new ReplaceRouteCommand({ RouteTableId, DestinationCidrBlock, VpcPeeringConnectionId }), { abortSignal });
  }

  async deleteRoute(RouteTableId: string, DestinationCidrBlock: string, abortSignal: AbortSignal): Promise<void> {
    const { DeleteRouteCommand } = await ec2Sdk();
    const client = await this.ec2();
    await client.send(new DeleteRouteCommand({ RouteTableId, DestinationCidrBlock }), { abortSignal });
  }

  async setDnsResolution(peeringId: string, allowed: boolean, abortSignal: AbortSignal): Promise<void> {
    const { ModifyVpcPeeringConnectionOptionsCommand } = await ec2Sdk();
    const client = await this.ec2();
    const command = new ModifyVpcPeeringConnectionOptionsCommand({
      VpcPeeringConnectionId: peeringId,
      AccepterPeeringConnectionOptions: { AllowDnsResolutionFromRemoteVpc: allowed },
    });
    await client.send(command, { abortSignal });
  }

  async tagPeering(peeringId: string, tags: Tags, abortSignal: AbortSignal): Promise<void> {
    const { CreateTagsCommand } = await ec2Sdk();
    const client = await this.ec2();
    await client.send(new CreateTagsCommand({ Resources: [peeringId], Tags: listOf(tags) }), { abortSignal });
  }

  async untagPeering(peeringId: string, keys: readonly string[], abortSignal: AbortSignal): Promise<void> {
    const { DeleteTagsCommand } = await ec2Sdk();
    const client = await this.ec2();
    await client.send(new DeleteTagsCommand({ Resources: [peeringId], Tags: keys.map((Key) => ({ Key })) }), { abortSignal });
  }

  private async describeVpc(vpcId: string, abortSignal: AbortSignal): Promise<Vpc | undefined> {
    const { DescribeVpcsCommand } = await ec2Sdk();
    const client = await this.ec2();
    const output = await client.send(new DescribeVpcsCommand({ VpcIds: [vpcId] }), { abortSignal });
    return output.Vpcs?.[0];
  }

  private async ec2(): Promise<EC2Client> {
    const { EC2Client } = await ec2Sdk();
    this.ec2Client ??= new EC2Client(this.config);
    return this.ec2Client;
  }
}

function peeringOf(peering: VpcPeeringConnection): Ec2Peering {
  const { VpcPeeringConnectionId, Status, RequesterVpcInfo, AccepterVpcInfo, Tags: tags } = peering;
  return {
    id: VpcPeeringConnectionId ?? '',
    status: Status?.Code ?? '',
    message: Status?.Message ?? '',
    requesterVpcId: RequesterVpcInfo?.VpcId ?? '',
    cidrBlock: RequesterVpcInfo?.CidrBlock,
    dnsResolution: AccepterVpcInfo?.PeeringOptions?.AllowDnsResolutionFromRemoteVpc ?? false,
    tags: tagsOf(tags),
  };
}

function tagsOf(tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined): Tags {
  return Object.fromEntries((tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
}

function listOf(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

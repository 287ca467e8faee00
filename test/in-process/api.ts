import type { Send } from 'rehearsal/in-process';
import type {
  AuthorizationRecord,
  ConnectionRecord,
  Ec2Peering,
  FleetEvent,
  FleetRecord,
  RouteTable,
} from '../../lambda/aws/api';
import type { Dependencies } from '../../lambda/resources/resource';

type Tags = Readonly<Record<string, string>>;

/* The members of EC2's output that the handler uses. */

interface VpcOutput {
  readonly cidrBlock: string;
  readonly cidrBlockAssociationSet: readonly { readonly cidrBlock: string }[];
}

interface PeeringOutput {
  readonly vpcPeeringConnectionId: string;
  readonly status: { readonly code: string; readonly message: string };
  readonly requesterVpcInfo: { readonly vpcId: string; readonly ownerId: string; readonly cidrBlock?: string };
  readonly accepterVpcInfo: { readonly peeringOptions?: { readonly allowDnsResolutionFromRemoteVpc?: boolean } };
  readonly tagSet?: readonly { readonly key: string; readonly value: string }[];
}

interface RouteTableOutput {
  readonly routeTableId: string;
  readonly routeSet: readonly Readonly<Record<string, string>>[];
  readonly associationSet: readonly { readonly gatewayId?: string }[];
}

/** Implements the handler's API by calling the simulated services directly, without the AWS SDK and HTTP. */
export class SimulatedApi implements Readonly<Dependencies['api']> {
  constructor(private readonly send: Send) {}

  async createVpcPeeringAuthorization(input: object, signal: AbortSignal): Promise<AuthorizationRecord | undefined> {
    const output = await this.send('gamelift', 'CreateVpcPeeringAuthorization', input, signal);
    return (output as { readonly VpcPeeringAuthorization?: AuthorizationRecord }).VpcPeeringAuthorization;
  }

  async deleteVpcPeeringAuthorization(input: object, signal: AbortSignal): Promise<void> {
    await this.send('gamelift', 'DeleteVpcPeeringAuthorization', input, signal);
  }

  async describeVpcPeeringAuthorizations(signal: AbortSignal): Promise<readonly AuthorizationRecord[]> {
    const output = await this.send('gamelift', 'DescribeVpcPeeringAuthorizations', {}, signal);
    return (output as { readonly VpcPeeringAuthorizations: readonly AuthorizationRecord[] }).VpcPeeringAuthorizations;
  }

  async createVpcPeeringConnection(input: object, signal: AbortSignal): Promise<void> {
    await this.send('gamelift', 'CreateVpcPeeringConnection', input, signal);
  }

  async deleteVpcPeeringConnection(input: object, signal: AbortSignal): Promise<void> {
    await this.send('gamelift', 'DeleteVpcPeeringConnection', input, signal);
  }

  async describeVpcPeeringConnections(FleetId: string | undefined, signal: AbortSignal): Promise<readonly ConnectionRecord[]> {
    const output = await this.send('gamelift', 'DescribeVpcPeeringConnections', { FleetId }, signal);
    return (output as { readonly VpcPeeringConnections: readonly ConnectionRecord[] }).VpcPeeringConnections;
  }

  async describeFleet(fleetId: string, signal: AbortSignal): Promise<FleetRecord | undefined> {
    const output = await this.send('gamelift', 'DescribeFleetAttributes', { FleetIds: [fleetId] }, signal).catch(
      (error: unknown) => {
        if (error instanceof Error && error.name === 'NotFoundException') {
          return { FleetAttributes: [] };
        }
        throw error;
      },
    );
    const { FleetAttributes } = output as {
      readonly FleetAttributes: readonly { readonly FleetArn: string; readonly Status: string; readonly ComputeType: string }[];
    };
    const [fleet] = FleetAttributes;
    return fleet === undefined ? undefined : { arn: fleet.FleetArn, status: fleet.Status, computeType: fleet.ComputeType };
  }

  async describeFleetEvents(FleetId: string, StartTime: Date, signal: AbortSignal): Promise<readonly FleetEvent[]> {
    const events: FleetEvent[] = [];
    let NextToken: string | undefined;
    do {
      const output = (await this.send('gamelift', 'DescribeFleetEvents', { FleetId, StartTime, NextToken }, signal)) as {
        readonly Events: readonly { readonly EventCode: string; readonly EventTime: Date; readonly Message: string }[];
        readonly NextToken?: string;
      };
      events.push(
        ...output.Events.map(({ EventCode, EventTime, Message }) => ({ code: EventCode, time: EventTime, message: Message })),
      );
      ({ NextToken } = output);
    } while (NextToken !== undefined);
    return events.sort((one, other) => one.time.getTime() - other.time.getTime());
  }

  async listFleetTags(ResourceARN: string, signal: AbortSignal): Promise<Tags> {
    const output = await this.send('gamelift', 'ListTagsForResource', { ResourceARN }, signal);
    const { Tags } = output as { readonly Tags: readonly { readonly Key: string; readonly Value: string }[] };
    return Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
  }

  async tagFleet(ResourceARN: string, tags: Tags, signal: AbortSignal): Promise<void> {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await this.send('gamelift', 'TagResource', { ResourceARN, Tags }, signal);
  }

  async untagFleet(ResourceARN: string, keys: readonly string[], signal: AbortSignal): Promise<void> {
    await this.send('gamelift', 'UntagResource', { ResourceARN, TagKeys: [...keys] }, signal);
  }

  async vpcExists(vpcId: string, signal: AbortSignal): Promise<boolean> {
    try {
      return (await this.describeVpc(vpcId, signal)) !== undefined;
    } catch (error) {
      if (error instanceof Error && error.name === 'InvalidVpcID.NotFound') {
        return false;
      }
      throw error;
    }
  }

  async describeVpcCidrBlocks(vpcId: string, signal: AbortSignal): Promise<readonly string[]> {
    const { cidrBlock, cidrBlockAssociationSet = [] } = (await this.describeVpc(vpcId, signal)) ?? {};
    const blocks = [cidrBlock, ...cidrBlockAssociationSet.map((association) => association.cidrBlock)];
    return [...new Set(blocks.filter((block) => block !== undefined))];
  }

  async describePeerings(accepterVpcId: string, signal: AbortSignal): Promise<readonly Ec2Peering[]> {
    const filter = { 'Filter.1.Name': 'accepter-vpc-info.vpc-id', 'Filter.1.Value.1': accepterVpcId };
    const output = await this.send('ec2', 'DescribeVpcPeeringConnections', filter, signal);
    const { vpcPeeringConnectionSet } = output as { readonly vpcPeeringConnectionSet: readonly PeeringOutput[] };
    return vpcPeeringConnectionSet.map(({ vpcPeeringConnectionId, status, requesterVpcInfo, accepterVpcInfo, tagSet = [] }) => ({
      id: vpcPeeringConnectionId,
      status: status.code,
      message: status.message,
      requesterVpcId: requesterVpcInfo.vpcId,
      requesterAccount: requesterVpcInfo.ownerId,
      cidrBlock: requesterVpcInfo.cidrBlock,
      dnsResolution: accepterVpcInfo.peeringOptions?.allowDnsResolutionFromRemoteVpc ?? false,
      tags: Object.fromEntries(tagSet.map(({ key, value }) => [key, value])),
    }));
  }

  async describeRouteTables(vpcId: string, signal: AbortSignal): Promise<readonly RouteTable[]> {
    const filter = { 'Filter.1.Name': 'vpc-id', 'Filter.1.Value.1': vpcId };
    const output = await this.send('ec2', 'DescribeRouteTables', filter, signal);
    const { routeTableSet } = output as { readonly routeTableSet: readonly RouteTableOutput[] };
    return routeTableSet.map(({ routeTableId, routeSet, associationSet }) => ({
      id: routeTableId,
      gatewayId: associationSet.find(({ gatewayId }) => gatewayId !== undefined)?.gatewayId,
      routes: routeSet.map(({ destinationCidrBlock = '', state, origin, ...target }) => ({
        cidrBlock: destinationCidrBlock,
        // the remaining member is the target, under a name such as gatewayId
        target: Object.values(target)[0] ?? origin ?? '',
        blackhole: state === 'blackhole',
      })),
    }));
  }

  async createRoute(tableId: string, cidrBlock: string, peeringId: string, signal: AbortSignal): Promise<void> {
    await this.send('ec2', 'CreateRoute', { ...routeParameters(tableId, cidrBlock), VpcPeeringConnectionId: peeringId }, signal);
  }

  async replaceRoute(tableId: string, cidrBlock: string, peeringId: string, signal: AbortSignal): Promise<void> {
    await this.send('ec2', 'ReplaceRoute', { ...routeParameters(tableId, cidrBlock), VpcPeeringConnectionId: peeringId }, signal);
  }

  async deleteRoute(tableId: string, cidrBlock: string, signal: AbortSignal): Promise<void> {
    await this.send('ec2', 'DeleteRoute', routeParameters(tableId, cidrBlock), signal);
  }

  async setDnsResolution(peeringId: string, isAllowed: boolean, signal: AbortSignal): Promise<void> {
    const input = {
      VpcPeeringConnectionId: peeringId,
      'AccepterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc': String(isAllowed),
    };
    await this.send('ec2', 'ModifyVpcPeeringConnectionOptions', input, signal);
  }

  async tagPeering(peeringId: string, tags: Tags, signal: AbortSignal): Promise<void> {
    const parameters = Object.entries(tags).flatMap(([key, value], index) => [
      [`Tag.${index + 1}.Key`, key],
      [`Tag.${index + 1}.Value`, value],
    ]);
    await this.send('ec2', 'CreateTags', { 'ResourceId.1': peeringId, ...(Object.fromEntries(parameters) as Tags) }, signal);
  }

  async untagPeering(peeringId: string, keys: readonly string[], signal: AbortSignal): Promise<void> {
    const parameters = Object.fromEntries(keys.map((key, index) => [`Tag.${index + 1}.Key`, key]));
    await this.send('ec2', 'DeleteTags', { 'ResourceId.1': peeringId, ...parameters }, signal);
  }

  async describeStackStatus(StackName: string, signal: AbortSignal): Promise<string> {
    const output = await this.send('cloudformation', 'DescribeStacks', { StackName }, signal);
    const { Stacks } = output as { readonly Stacks: readonly { readonly StackStatus: string }[] };
    return Stacks[0]?.StackStatus ?? '';
  }

  private async describeVpc(vpcId: string, signal: AbortSignal): Promise<VpcOutput | undefined> {
    const output = await this.send('ec2', 'DescribeVpcs', { 'VpcId.1': vpcId }, signal);
    return (output as { readonly vpcSet: readonly VpcOutput[] }).vpcSet[0];
  }
}

function routeParameters(RouteTableId: string, DestinationCidrBlock: string): Readonly<Record<string, string>> {
  return { RouteTableId, DestinationCidrBlock };
}

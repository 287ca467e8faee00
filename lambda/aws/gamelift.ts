import {
  CreateVpcPeeringAuthorizationCommand,
  CreateVpcPeeringConnectionCommand,
  DeleteVpcPeeringAuthorizationCommand,
  DeleteVpcPeeringConnectionCommand,
  DescribeFleetAttributesCommand,
  DescribeVpcPeeringAuthorizationsCommand,
  DescribeVpcPeeringConnectionsCommand,
  GameLiftClient,
  ListTagsForResourceCommand,
  paginateDescribeFleetEvents,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-gamelift';
import type { FleetEvent, GameLiftApi } from './api';
import { tagListOf, tagsOf } from './clients';
import type { ClientConfig } from './clients';
import { readError } from './errors';

export function createGameLiftApi(config: ClientConfig): GameLiftApi {
  const client = new GameLiftClient(config);
  return {
    async createVpcPeeringAuthorization(input, abortSignal) {
      const output = await client.send(new CreateVpcPeeringAuthorizationCommand(input), { abortSignal });
      return output.VpcPeeringAuthorization;
    },
    async deleteVpcPeeringAuthorization(input, abortSignal) {
      await client.send(new DeleteVpcPeeringAuthorizationCommand(input), { abortSignal });
    },
    async describeVpcPeeringAuthorizations(abortSignal) {
      const output = await client.send(new DescribeVpcPeeringAuthorizationsCommand({}), { abortSignal });
      return output.VpcPeeringAuthorizations ?? [];
    },
    async createVpcPeeringConnection(input, abortSignal) {
      await client.send(new CreateVpcPeeringConnectionCommand(input), { abortSignal });
    },
    async deleteVpcPeeringConnection(input, abortSignal) {
      await client.send(new DeleteVpcPeeringConnectionCommand(input), { abortSignal });
    },
    async describeVpcPeeringConnections(FleetId, abortSignal) {
      const output = await client.send(new DescribeVpcPeeringConnectionsCommand({ FleetId }), { abortSignal });
      return output.VpcPeeringConnections ?? [];
    },
    async describeFleet(fleetId, abortSignal) {
      try {
        const output = await client.send(new DescribeFleetAttributesCommand({ FleetIds: [fleetId] }), { abortSignal });
        const fleet = output.FleetAttributes?.find((candidate) => candidate.FleetId === fleetId);
        return fleet && { arn: fleet.FleetArn ?? '', status: fleet.Status ?? '', computeType: fleet.ComputeType ?? 'EC2' };
      } catch (error) {
        if (readError(error).name === 'NotFoundException') {
          return undefined;
        }
        throw error;
      }
    },
    async describeFleetEvents(FleetId, since, abortSignal) {
      const events: FleetEvent[] = [];
      for await (const { Events } of paginateDescribeFleetEvents({ client }, { FleetId, StartTime: since }, { abortSignal })) {
        for (const { EventCode, EventTime, Message } of Events ?? []) {
          events.push({ code: EventCode ?? '', time: EventTime ?? since, message: Message ?? '' });
        }
      }
      return events.sort((one, other) => one.time.getTime() - other.time.getTime());
    },
    async listFleetTags(ResourceARN, abortSignal) {
      const output = await client.send(new ListTagsForResourceCommand({ ResourceARN }), { abortSignal });
      return tagsOf(output.Tags);
    },
    async tagFleet(ResourceARN, tags, abortSignal) {
      await client.send(new TagResourceCommand({ ResourceARN, Tags: tagListOf(tags) }), { abortSignal });
    },
    async untagFleet(ResourceARN, keys, abortSignal) {
      await client.send(new UntagResourceCommand({ ResourceARN, TagKeys: [...keys] }), { abortSignal });
    },
  };
}

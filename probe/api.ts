import {
  DeleteRouteCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeVpcPeeringConnectionsCommand as DescribePeeringsCommand,
  DescribeVpcsCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import type * as ec2 from '@aws-sdk/client-ec2';
import {
  CreateVpcPeeringAuthorizationCommand,
  CreateVpcPeeringConnectionCommand,
  DeleteVpcPeeringAuthorizationCommand,
  DeleteVpcPeeringConnectionCommand,
  DescribeFleetAttributesCommand,
  DescribeFleetEventsCommand,
  DescribeVpcPeeringAuthorizationsCommand,
  DescribeVpcPeeringConnectionsCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-gamelift';
import type * as gamelift from '@aws-sdk/client-gamelift';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { GetCallerIdentityCommandOutput } from '@aws-sdk/client-sts';
import type { Call } from './calls';
import type { Clients } from './clients';

/** A fleet, and the VPC that the probe connects it with. Both are in the same account. */
export interface FleetAndVpc {
  readonly account: string;
  readonly fleetId: string;
  readonly vpcId: string;
}

/** The calls that the probe makes. */
export class Api {
  constructor(private readonly clients: Clients) {}

  callerIdentity(): Call<GetCallerIdentityCommandOutput> {
    const { sts } = this.clients;
    return { service: 'sts', operation: 'GetCallerIdentity', send: () => sts.send(new GetCallerIdentityCommand({})) };
  }

  authorize({ account, vpcId }: FleetAndVpc): Call<gamelift.CreateVpcPeeringAuthorizationOutput> {
    const command = new CreateVpcPeeringAuthorizationCommand({ GameLiftAwsAccountId: account, PeerVpcId: vpcId });
    return this.gameLift('CreateVpcPeeringAuthorization', ({ gameLift }) => gameLift.send(command));
  }

  cancelAuthorization({ account, vpcId }: FleetAndVpc): Call<gamelift.DeleteVpcPeeringAuthorizationOutput> {
    const command = new DeleteVpcPeeringAuthorizationCommand({ GameLiftAwsAccountId: account, PeerVpcId: vpcId });
    return this.gameLift('DeleteVpcPeeringAuthorization', ({ gameLift }) => gameLift.send(command));
  }

  authorizations(): Call<gamelift.DescribeVpcPeeringAuthorizationsOutput> {
    const command = new DescribeVpcPeeringAuthorizationsCommand({});
    return this.gameLift('DescribeVpcPeeringAuthorizations', ({ gameLift }) => gameLift.send(command));
  }

  connect({ account, fleetId, vpcId }: FleetAndVpc): Call<gamelift.CreateVpcPeeringConnectionOutput> {
    const command = new CreateVpcPeeringConnectionCommand({
      FleetId: fleetId,
      PeerVpcAwsAccountId: account,
      PeerVpcId: vpcId,
    });
    return this.gameLift('CreateVpcPeeringConnection', ({ gameLift }) => gameLift.send(command));
  }

  disconnect(fleetId: string, connectionId: string): Call<gamelift.DeleteVpcPeeringConnectionOutput> {
    const command = new DeleteVpcPeeringConnectionCommand({ FleetId: fleetId, VpcPeeringConnectionId: connectionId });
    return this.gameLift('DeleteVpcPeeringConnection', ({ gameLift }) => gameLift.send(command));
  }

  connections(fleetId: string): Call<gamelift.DescribeVpcPeeringConnectionsOutput> {
    const command = new DescribeVpcPeeringConnectionsCommand({ FleetId: fleetId });
    return this.gameLift('DescribeVpcPeeringConnections', ({ gameLift }) => gameLift.send(command));
  }

  fleet(fleetId: string): Call<gamelift.DescribeFleetAttributesOutput> {
    const command = new DescribeFleetAttributesCommand({ FleetIds: [fleetId] });
    return this.gameLift('DescribeFleetAttributes', ({ gameLift }) => gameLift.send(command));
  }

  fleetEvents(fleetId: string, since: number, nextToken?: string): Call<gamelift.DescribeFleetEventsOutput> {
    const command = new DescribeFleetEventsCommand({ FleetId: fleetId, StartTime: new Date(since), NextToken: nextToken });
    return this.gameLift('DescribeFleetEvents', ({ gameLift }) => gameLift.send(command));
  }

  tags(fleetArn: string): Call<gamelift.ListTagsForResourceResponse> {
    const command = new ListTagsForResourceCommand({ ResourceARN: fleetArn });
    return this.gameLift('ListTagsForResource', ({ gameLift }) => gameLift.send(command));
  }

  tag(fleetArn: string, key: string, value: string): Call<gamelift.TagResourceResponse> {
    const command = new TagResourceCommand({ ResourceARN: fleetArn, Tags: [{ Key: key, Value: value }] });
    return this.gameLift('TagResource', ({ gameLift }) => gameLift.send(command));
  }

  untag(fleetArn: string, key: string): Call<gamelift.UntagResourceResponse> {
    const command = new UntagResourceCommand({ ResourceARN: fleetArn, TagKeys: [key] });
    return this.gameLift('UntagResource', ({ gameLift }) => gameLift.send(command));
  }

  vpc(vpcId: string): Call<ec2.DescribeVpcsCommandOutput> {
    const command = new DescribeVpcsCommand({ VpcIds: [vpcId] });
    return this.ec2('DescribeVpcs', ({ ec2 }) => ec2.send(command));
  }

  networkInterfaces(vpcId: string): Call<ec2.DescribeNetworkInterfacesCommandOutput> {
    const command = new DescribeNetworkInterfacesCommand({ Filters: [{ Name: 'vpc-id', Values: [vpcId] }] });
    return this.ec2('DescribeNetworkInterfaces', ({ ec2 }) => ec2.send(command));
  }

  /** The peerings that the VPC accepted, or those that it requested. GameLift's VPC is the requester of a fleet's connection. */
  peerings(vpcId: string, role: 'accepter' | 'requester'): Call<ec2.DescribeVpcPeeringConnectionsCommandOutput> {
    const command = new DescribePeeringsCommand({ Filters: [{ Name: `${role}-vpc-info.vpc-id`, Values: [vpcId] }] });
    return this.ec2('DescribeVpcPeeringConnections', ({ ec2 }) => ec2.send(command));
  }

  routeTables(vpcId: string): Call<ec2.DescribeRouteTablesCommandOutput> {
    const command = new DescribeRouteTablesCommand({ Filters: [{ Name: 'vpc-id', Values: [vpcId] }] });
    return this.ec2('DescribeRouteTables', ({ ec2 }) => ec2.send(command));
  }

  securityGroups(vpcId: string): Call<ec2.DescribeSecurityGroupsCommandOutput> {
    const command = new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'vpc-id', Values: [vpcId] }] });
    return this.ec2('DescribeSecurityGroups', ({ ec2 }) => ec2.send(command));
  }

  deleteRoute(input: ec2.DeleteRouteCommandInput): Call<ec2.DeleteRouteCommandOutput> {
    return this.ec2('DeleteRoute', ({ ec2 }) => ec2.send(new DeleteRouteCommand(input)));
  }

  revokeIngress(groupId: string, permission: ec2.IpPermission): Call<ec2.RevokeSecurityGroupIngressCommandOutput> {
    const command = new RevokeSecurityGroupIngressCommand({ GroupId: groupId, IpPermissions: [permission] });
    return this.ec2('RevokeSecurityGroupIngress', ({ ec2 }) => ec2.send(command));
  }

  revokeEgress(groupId: string, permission: ec2.IpPermission): Call<ec2.RevokeSecurityGroupEgressCommandOutput> {
    const command = new RevokeSecurityGroupEgressCommand({ GroupId: groupId, IpPermissions: [permission] });
    return this.ec2('RevokeSecurityGroupEgress', ({ ec2 }) => ec2.send(command));
  }

  private gameLift<Output>(operation: string, send: (clients: Clients) => Promise<Output>): Call<Output> {
    return { service: 'gamelift', operation, send: () => send(this.clients) };
  }

  private ec2<Output>(operation: string, send: (clients: Clients) => Promise<Output>): Call<Output> {
    return { service: 'ec2', operation, send: () => send(this.clients) };
  }
}

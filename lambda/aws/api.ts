/*
 * The calls to AWS that the handler makes, and what it reads of their output: every member that AWS may leave out is optional.
 */

export type Tags = Readonly<Record<string, string>>;

/** `VpcPeeringAuthorization` of GameLift's API. */
export interface AuthorizationRecord {
  readonly GameLiftAwsAccountId?: string | undefined;
  readonly PeerVpcAwsAccountId?: string | undefined;
  readonly PeerVpcId?: string | undefined;
  readonly CreationTime?: Date | undefined;
  readonly ExpirationTime?: Date | undefined;
}

/** `VpcPeeringConnection` of GameLift's API. */
export interface ConnectionRecord {
  readonly VpcPeeringConnectionId?: string | undefined;
  readonly PeerVpcId?: string | undefined;
  readonly GameLiftVpcId?: string | undefined;
  readonly IpV4CidrBlock?: string | undefined;
  readonly Status?: { readonly Code?: string | undefined; readonly Message?: string | undefined } | undefined;
}

export interface FleetRecord {
  readonly arn: string;
  readonly status: string;
  readonly computeType: string;
}

export interface FleetEvent {
  readonly code: string;
  readonly time: Date;
  readonly message: string;
}

/** A VPC peering connection as EC2 shows it to the account of the peer VPC. */
export interface Ec2Peering {
  readonly id: string;
  readonly status: string;
  readonly message: string;
  /** The fleet's VPC, where GameLift made it. */
  readonly requesterVpcId: string;
  /** The account that owns the requester's VPC. */
  readonly requesterAccount: string;
  readonly cidrBlock: string | undefined;
  /** Whether DNS names of the peer VPC resolve to private addresses when the fleet asks for them. */
  readonly dnsResolution: boolean;
  readonly tags: Tags;
}

export interface Route {
  readonly cidrBlock: string;
  /** `pcx-…`, `igw-…`, `nat-…` and the like. */
  readonly target: string;
  /** Its target is gone. */
  readonly blackhole: boolean;
}

export interface RouteTable {
  readonly id: string;
  /**
   * The gateway whose incoming traffic it routes; EC2 refuses a route to a peering in such a table.
   * https://docs.aws.amazon.com/vpc/latest/userguide/gateway-route-tables.html
   */
  readonly gatewayId?: string | undefined;
  readonly routes: readonly Route[];
}

export interface AuthorizationInput {
  readonly GameLiftAwsAccountId: string;
  readonly PeerVpcId: string;
}

/** https://docs.aws.amazon.com/gameliftservers/latest/apireference/Welcome.html */
export interface GameLiftApi {
  createVpcPeeringAuthorization(input: AuthorizationInput, signal: AbortSignal): Promise<AuthorizationRecord | undefined>;
  deleteVpcPeeringAuthorization(input: AuthorizationInput, signal: AbortSignal): Promise<void>;
  /** Those that this account gave, and those that it was given. */
  describeVpcPeeringAuthorizations(signal: AbortSignal): Promise<readonly AuthorizationRecord[]>;
  createVpcPeeringConnection(
    input: { FleetId: string; PeerVpcAwsAccountId: string; PeerVpcId: string },
    signal: AbortSignal,
  ): Promise<void>;
  deleteVpcPeeringConnection(input: { FleetId: string; VpcPeeringConnectionId: string }, signal: AbortSignal): Promise<void>;
  /** Those of one fleet, or of all fleets of the account and Region. */
  describeVpcPeeringConnections(fleetId: string | undefined, signal: AbortSignal): Promise<readonly ConnectionRecord[]>;
  /** Undefined if there is no such fleet. */
  describeFleet(fleetId: string, signal: AbortSignal): Promise<FleetRecord | undefined>;
  /** The oldest first. */
  describeFleetEvents(fleetId: string, since: Date, signal: AbortSignal): Promise<readonly FleetEvent[]>;
  listFleetTags(fleetArn: string, signal: AbortSignal): Promise<Tags>;
  tagFleet(fleetArn: string, tags: Tags, signal: AbortSignal): Promise<void>;
  untagFleet(fleetArn: string, keys: readonly string[], signal: AbortSignal): Promise<void>;
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html */
export interface Ec2Api {
  /** Rejects if EC2 can't be asked. */
  vpcExists(vpcId: string, signal: AbortSignal): Promise<boolean>;
  describeVpcCidrBlocks(vpcId: string, signal: AbortSignal): Promise<readonly string[]>;
  /** The peerings whose accepter is this VPC. */
  describePeerings(accepterVpcId: string, signal: AbortSignal): Promise<readonly Ec2Peering[]>;
  setDnsResolution(peeringId: string, allowed: boolean, signal: AbortSignal): Promise<void>;
  tagPeering(peeringId: string, tags: Tags, signal: AbortSignal): Promise<void>;
  untagPeering(peeringId: string, keys: readonly string[], signal: AbortSignal): Promise<void>;
  describeRouteTables(vpcId: string, signal: AbortSignal): Promise<readonly RouteTable[]>;
  createRoute(routeTableId: string, cidrBlock: string, peeringId: string, signal: AbortSignal): Promise<void>;
  replaceRoute(routeTableId: string, cidrBlock: string, peeringId: string, signal: AbortSignal): Promise<void>;
  deleteRoute(routeTableId: string, cidrBlock: string, signal: AbortSignal): Promise<void>;
}

export interface CloudFormationApi {
  /** Such as `UPDATE_ROLLBACK_IN_PROGRESS`. */
  describeStackStatus(stackId: string, signal: AbortSignal): Promise<string>;
}

export type AwsApi = GameLiftApi & Ec2Api & CloudFormationApi;

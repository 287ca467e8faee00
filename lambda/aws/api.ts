/*
 * The calls to AWS that the handler makes, and the members of their outputs that it reads. AWS may leave out the optional members.
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

/**
 * The peer VPC's side of a connection: the VPC peering connection that EC2 shows to the account of the peer VPC. GameLift lists the same
 * connection as a `ConnectionRecord`. The handler matches the two by the fleet's VPC, because GameLift's id of a connection may differ
 * from EC2's.
 */
export interface Ec2Peering {
  readonly id: string;
  readonly status: string;
  readonly message: string;
  /** The fleet's VPC, if GameLift created the connection. */
  readonly requesterVpcId: string;
  /** The account that owns the requester's VPC. */
  readonly requesterAccount: string;
  readonly cidrBlock: string | undefined;
  /** Whether public DNS names of the peer VPC resolve to private IP addresses when the fleet queries them. */
  readonly dnsResolution: boolean;
  readonly tags: Tags;
}

export interface Route {
  readonly cidrBlock: string;
  /** `pcx-…`, `igw-…`, `nat-…` and the like. */
  readonly target: string;
  /** Whether the target of the route no longer exists. */
  readonly blackhole: boolean;
}

export interface RouteTable {
  readonly id: string;
  /**
   * The gateway that the table belongs to. EC2 allows no route to a peering connection in such a table.
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
  /** The authorizations that this account has created, and those that other accounts have created for it. */
  describeVpcPeeringAuthorizations(signal: AbortSignal): Promise<readonly AuthorizationRecord[]>;
  createVpcPeeringConnection(
    input: { FleetId: string; PeerVpcAwsAccountId: string; PeerVpcId: string },
    signal: AbortSignal,
  ): Promise<void>;
  deleteVpcPeeringConnection(input: { FleetId: string; VpcPeeringConnectionId: string }, signal: AbortSignal): Promise<void>;
  /** The connections of a fleet or, if `fleetId` is undefined, of all fleets of the account and Region. */
  describeVpcPeeringConnections(fleetId: string | undefined, signal: AbortSignal): Promise<readonly ConnectionRecord[]>;
  /** Returns undefined if the fleet does not exist. */
  describeFleet(fleetId: string, signal: AbortSignal): Promise<FleetRecord | undefined>;
  /** Returns the events since a point in time, oldest first. */
  describeFleetEvents(fleetId: string, since: Date, signal: AbortSignal): Promise<readonly FleetEvent[]>;
  listFleetTags(fleetArn: string, signal: AbortSignal): Promise<Tags>;
  tagFleet(fleetArn: string, tags: Tags, signal: AbortSignal): Promise<void>;
  untagFleet(fleetArn: string, keys: readonly string[], signal: AbortSignal): Promise<void>;
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html */
export interface Ec2Api {
  /** Returns false if EC2 reports that the VPC does not exist. Rejects after any other error. */
  vpcExists(vpcId: string, signal: AbortSignal): Promise<boolean>;
  describeVpcCidrBlocks(vpcId: string, signal: AbortSignal): Promise<readonly string[]>;
  /** The peering connections whose accepter is this VPC. */
  describePeerings(accepterVpcId: string, signal: AbortSignal): Promise<readonly Ec2Peering[]>;
  setDnsResolution(peeringId: string, isAllowed: boolean, signal: AbortSignal): Promise<void>;
  tagPeering(peeringId: string, tags: Tags, signal: AbortSignal): Promise<void>;
  untagPeering(peeringId: string, keys: readonly string[], signal: AbortSignal): Promise<void>;
  describeRouteTables(vpcId: string, signal: AbortSignal): Promise<readonly RouteTable[]>;
  createRoute(routeTableId: string, cidrBlock: string, peeringId: string, signal: AbortSignal): Promise<void>;
  replaceRoute(routeTableId: string, cidrBlock: string, peeringId: string, signal: AbortSignal): Promise<void>;
  deleteRoute(routeTableId: string, cidrBlock: string, signal: AbortSignal): Promise<void>;
}

export interface CloudFormationApi {
  /** Returns the status of a stack, such as `UPDATE_ROLLBACK_IN_PROGRESS`. */
  describeStackStatus(stackId: string, signal: AbortSignal): Promise<string>;
}

export type AwsApi = GameLiftApi & Ec2Api & CloudFormationApi;

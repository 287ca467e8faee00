/*
 * What the constructs and their handler share: names and shapes on the wire between CloudFormation and the Lambda function.
 * Free of imports, so that both sides can use it. Old stacks keep sending what earlier versions wrote: never change the
 * meaning of a name, only add.
 */

/** Raised when a request changes in a way that an older handler could not serve: it refuses what is newer than itself. */
export const SCHEMA_VERSION = '1';

export const AUTHORIZATION_TYPE = 'Custom::GameLiftVpcPeeringAuthorization';

/** Who lets whom, and as whom the handler acts in the account of the VPC: part of what every resource is given. */
export interface PairProperties {
  readonly SchemaVersion: string;
  readonly PeerVpcId: string;
  readonly PeerVpcAwsAccountId: string;
  readonly GameLiftAwsAccountId: string;
  /** The role for all calls into the account of the VPC; the handler's own where it is absent. */
  readonly PeerRoleArn?: string;
  /** What the trust policy of that role asks for. */
  readonly ExternalId?: string;
}

/** What `Custom::GameLiftVpcPeeringAuthorization` is given. CloudFormation hands every value over as a string. */
export interface AuthorizationProperties extends PairProperties {
  /** Says nothing to the handler: a new value makes CloudFormation send an update. */
  readonly Renewal?: string;
  /** The same: what would make CloudFormation replace or delete what relies on the authorization, by logical id. */
  readonly ReliedOnBy?: object;
}

/** What `Custom::GameLiftVpcPeeringAuthorization` answers with: its attributes. */
export interface AuthorizationAttributes {
  /** ISO 8601, UTC. */
  readonly ExpirationTime: string;
  /** ISO 8601, UTC. */
  readonly CreationTime: string;
  /** Whole seconds since the epoch. */
  readonly ExpirationEpochSeconds: number;
  readonly PeerVpcId: string;
  readonly PeerVpcAwsAccountId: string;
  readonly GameLiftAwsAccountId: string;
}

/**
 * Begins the keys of the tags that the handler writes on fleets and peerings, and may write: all of them, but for the `Name` of a
 * peering.
 */
export const TAG_PREFIX = 'cdk-gamelift-vpc-peering:';

/** On a peering that this library made: which resource of which stack made it. */
export const OWNER_TAG = `${TAG_PREFIX}owner`;

/** On a peering that this library did not make, but changed: for which fleet. */
export const CHANGED_FLEET_TAG = `${TAG_PREFIX}changed:fleet`;

/** Seconds that a request for an authorization may take from the start of an invocation to its answer. */
export const AUTHORIZATION_BUDGET_SECONDS = 300;

/** Seconds that an event may wait for an invocation, retries included: after that nobody starts on it any more. */
export const MAX_EVENT_AGE_SECONDS = 300;

/** Seconds kept back from every invocation for answering CloudFormation. */
export const ANSWER_RESERVE_SECONDS = 30;

export const CONNECTION_TYPE = 'Custom::GameLiftVpcPeeringConnection';

/** Which route tables get a route to the fleet's VPC. */
export const ROUTES_KINDS = ['EveryRouteTable', 'RouteTables', 'None'] as const;
export type RoutesKind = (typeof ROUTES_KINDS)[number];

/** What `Custom::GameLiftVpcPeeringConnection` is given. CloudFormation hands every value over as a string, or a list of them. */
export interface ConnectionProperties extends PairProperties {
  readonly FleetId: string;
  /** Seconds. */
  readonly TimeoutSeconds: number;
  readonly Routes: RoutesKind;
  /** With `RouteTables`. */
  readonly RouteTableIds?: readonly string[];
  readonly DnsResolution: boolean;
  readonly AdoptExisting: boolean;
  /** Orders the connection after the authorization and decides nothing: by the time of a delete it is old. */
  readonly AuthorizationExpirationTime?: string;
}

/** What `Custom::GameLiftVpcPeeringConnection` answers with: its attributes. */
export interface ConnectionAttributes {
  readonly VpcPeeringConnectionId: string;
  readonly GameLiftVpcId: string;
  readonly GameLiftCidrBlock: string;
}

/** How many connections of a stack contend for GameLift's rate limit, one call in ten seconds, at a time. */
export const CONNECTION_LANES = 40;

/** Seconds that a connection may be pending by default. */
export const CONNECTION_TIMEOUT_SECONDS = 600;

/** Seconds that a connection may be pending at the most: what one invocation can wait. */
export const MAX_CONNECTION_TIMEOUT_SECONDS = 780;

/** Seconds that a request for a connection may take, waiting for GameLift's rate limit included: all that an invocation has. */
export const CONNECTION_BUDGET_SECONDS = 840;

export const TEARDOWN_TYPE = 'Custom::GameLiftVpcPeeringTeardown';

/** What `Custom::GameLiftVpcPeeringTeardown` is given. */
export interface TeardownProperties extends PairProperties {
  /** The fleets that rely on the authorization: another one, and the old one's deletion is authorized. */
  readonly FleetIds: readonly string[];
}

/** What a schedule sends: the one member of the event. */
export const RENEWAL_EVENT = 'GameLiftVpcPeeringRenewal';

/** What a schedule asks for. */
export interface RenewalProperties extends PairProperties {
  /** On whose behalf: as in CloudFormation's requests. */
  readonly StackId: string;
  readonly LogicalResourceId: string;
  /** Seconds that an authorization must have left to be good enough. */
  readonly MinimumValiditySeconds: string;
}

/** Seconds between two scheduled renewals: more than a run and its retries take. */
export const MIN_RENEWAL_SECONDS = 600;

/** Seconds between two scheduled renewals: leaves two hours of the 24 for retries, and for somebody to mend what fails. */
export const MAX_RENEWAL_SECONDS = 22 * 3600;

/** Seconds of validity beyond the next scheduled renewal. */
export const RENEWAL_ROOM_SECONDS = 3600;

/** Seconds that an event of a schedule may wait for an invocation, retries included. */
export const MAX_RENEWAL_AGE_SECONDS = 3600;

/*
 * What the constructs and the handler share: the names and types of the data that CloudFormation passes between them. This file
 * has no imports, so that both sides can use it. Existing stacks keep sending what earlier versions of the library wrote. So add
 * names, but never change the meaning of an existing name.
 */

/**
 * The version of the requests. Increase it if older handlers can't handle the new requests. A handler rejects requests with a newer version.
 */
export const SCHEMA_VERSION = '1';

export const AUTHORIZATION_TYPE = 'Custom::GameLiftVpcPeeringAuthorization';

/**
 * A peer VPC, a GameLift account, and how the handler gets access to the VPC's account. All custom resources have these
 * properties.
 */
export interface PairProperties {
  readonly SchemaVersion: string;
  readonly PeerVpcId: string;
  readonly PeerVpcAwsAccountId: string;
  readonly GameLiftAwsAccountId: string;
  /** The role to assume for all calls in the VPC's account. Default: the handler uses its own role. */
  readonly PeerRoleArn?: string;
  /** The external id that the trust policy of that role requires. */
  readonly ExternalId?: string;
}

/** The properties of `Custom::GameLiftVpcPeeringAuthorization`. CloudFormation passes all values as strings. */
export interface AuthorizationProperties extends PairProperties {
  /** A new value makes CloudFormation send an update. The handler does not read the value. */
  readonly Renewal?: string;
  /**
   * The triggers of the authorization. Each key is the logical id of a resource that needs the authorization. Its value contains the
   * create-only properties of that resource, and a digest of its properties. If a property changes, CloudFormation also updates the
   * authorization. The handler does not read the triggers.
   */
  readonly ReliedOnBy?: object;
}

/** The attributes of `Custom::GameLiftVpcPeeringAuthorization`. */
export interface AuthorizationAttributes {
  /** ISO 8601, UTC. */
  readonly ExpirationTime: string;
  /** ISO 8601, UTC. */
  readonly CreationTime: string;
  /** Whole seconds since 1970-01-01T00:00:00Z. */
  readonly ExpirationEpochSeconds: number;
  readonly PeerVpcId: string;
  readonly PeerVpcAwsAccountId: string;
  readonly GameLiftAwsAccountId: string;
}

/**
 * The prefix of the tag keys that the handler uses on fleets and peering connections. The function's role can write only tags with this
 * prefix, and the tag `Name` of peering connections.
 */
export const TAG_PREFIX = 'cdk-gamelift-vpc-peering:';

/** The tag on a peering connection that this library created. It names the stack and the resource that created it. */
export const OWNER_TAG = `${TAG_PREFIX}owner`;

/** The tag on a peering connection that this library changed but did not create. It names the fleet. */
export const CHANGED_FLEET_TAG = `${TAG_PREFIX}changed:fleet`;

/** The maximum duration of a request for an authorization, in seconds, from the start of the invocation to the response. */
export const AUTHORIZATION_BUDGET_SECONDS = 300;

/** How long an event can wait for an invocation, in seconds, including retries. Lambda discards older events. */
export const MAX_EVENT_AGE_SECONDS = 300;

/** The time at the end of each invocation that is reserved for the response to CloudFormation, in seconds. */
export const RESPONSE_RESERVE_SECONDS = 30;

export const CONNECTION_TYPE = 'Custom::GameLiftVpcPeeringConnection';

/** Which route tables get a route to the fleet's VPC: every route table of the peer VPC, those in `RouteTableIds`, or none. */
export const ROUTES_KINDS = ['EveryRouteTable', 'RouteTables', 'None'] as const;
export type RoutesKind = (typeof ROUTES_KINDS)[number];

/** The properties of `Custom::GameLiftVpcPeeringConnection`. CloudFormation passes all values as strings or lists of strings. */
export interface ConnectionProperties extends PairProperties {
  readonly FleetId: string;
  /**
   * How long the handler waits for the fleet to become ACTIVE, and then for the connection to become active, in seconds each. If a
   * connection failed because there was no authorization, the handler requests the connection again, and the second wait begins anew.
   * `CONNECTION_BUDGET_SECONDS` limits all waits together.
   */
  readonly TimeoutSeconds: number;
  readonly Routes: RoutesKind;
  /** Present if `Routes` is `RouteTables`. */
  readonly RouteTableIds?: readonly string[];
  readonly DnsResolution: boolean;
  readonly AdoptExisting: boolean;
  /**
   * GameLift creates the connection together with the fleet, because the fleet has this VPC as its `PeerVpcId`. The handler waits for
   * that connection and never requests one.
   */
  readonly PeerOnCreate: boolean;
  /**
   * Makes CloudFormation create the connection after the authorization. The handler does not use the value, because it is outdated when a
   * delete runs.
   */
  readonly AuthorizationExpirationTime?: string;
}

/** The attributes of `Custom::GameLiftVpcPeeringConnection`. */
export interface ConnectionAttributes {
  readonly VpcPeeringConnectionId: string;
  readonly GameLiftVpcId: string;
  readonly GameLiftCidrBlock: string;
}

/**
 * How many connections of a stack CloudFormation creates at the same time. They share GameLift's rate limit of one call per
 * operation in ten seconds.
 */
export const MAX_CONCURRENT_CONNECTIONS = 40;

/** The default of `TimeoutSeconds`. */
export const CONNECTION_TIMEOUT_SECONDS = 600;

/** The maximum of `TimeoutSeconds`. One wait of this length leaves a minute of `CONNECTION_BUDGET_SECONDS` for the rest of the request. */
export const MAX_CONNECTION_TIMEOUT_SECONDS = 780;

/** The maximum duration of a request for a connection, in seconds, including the time spent waiting for GameLift's rate limit. */
export const CONNECTION_BUDGET_SECONDS = 840;

export const TEARDOWN_TYPE = 'Custom::GameLiftVpcPeeringTeardown';

/** The properties of `Custom::GameLiftVpcPeeringTeardown`. */
export interface TeardownProperties extends PairProperties {
  /**
   * The peered fleets. When CloudFormation replaces a fleet, the list changes, and the update of the teardown authorizes the deletion of the
   * old fleet.
   */
  readonly FleetIds: readonly string[];
}

/** The only key of the event that a schedule sends. Its value is a `RenewalProperties`. */
export const RENEWAL_EVENT = 'GameLiftVpcPeeringRenewal';

/** A request for a scheduled renewal. */
export interface RenewalProperties extends PairProperties {
  /** The stack and the resource of the authorization, as in CloudFormation's requests. */
  readonly StackId: string;
  readonly LogicalResourceId: string;
  /** How long the authorization must still be valid after the renewal, in seconds. */
  readonly MinimumValiditySeconds: string;
}

/** The shortest interval of scheduled renewals, in seconds: longer than a run with its retries. */
export const MIN_RENEWAL_INTERVAL_SECONDS = 600;

/**
 * The longest interval of scheduled renewals, in seconds. It leaves two of the 24 hours for retries and for fixing the cause of
 * failures.
 */
export const MAX_RENEWAL_INTERVAL_SECONDS = 22 * 3600;

/** How long an authorization must still be valid at the next scheduled renewal, in seconds. */
export const RENEWAL_MARGIN_SECONDS = 3600;

/** How long an event of a schedule can wait for an invocation, in seconds, including retries. */
export const MAX_RENEWAL_EVENT_AGE_SECONDS = 3600;

/** The CloudWatch namespace of the metrics that the handler publishes, as embedded metrics in its log. */
export const METRIC_NAMESPACE = 'GameLiftVpcPeering';

/**
 * The metric that counts failed requests. The handler publishes it with two sets of dimensions: the first contains only `FunctionName`, the
 * second also `ResourceType` and `RequestType`.
 */
export const FAILED_METRIC = 'FailedRequests';

/** The dimension that contains the name of the Lambda function. */
export const FUNCTION_NAME_DIMENSION = 'FunctionName';

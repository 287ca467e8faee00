import type { Authorizer } from '../authorization/authorizer';
import type { Ec2Api, GameLiftApi } from '../aws/api';
import type { Calls } from '../aws/calls';
import type { Log } from '../log';
import type { DeclaredRoutes } from '../network/routes';
import type { Pair } from '../resources/properties';

/** The declared properties of a connection. */
export interface ConnectionSpec {
  readonly fleetId: string;
  readonly pair: Pair;
  readonly timeoutSeconds: number;
  readonly routes: DeclaredRoutes;
  readonly dnsResolution: boolean;
  /** Whether the resource may use a connection that exists already, and leave it in place. */
  readonly adoptExisting: boolean;
  /** GameLift makes the connection with the fleet, and nobody requests it. */
  readonly peerOnCreate: boolean;
}

/** What the code of a connection needs to handle one request. */
export interface ConnectionContext {
  readonly spec: ConnectionSpec;
  /** This resource, as its claims name it. */
  readonly owner: string;
  /** The id of the CloudFormation request that claims are written for. */
  readonly requestId: string;
  readonly api: GameLiftApi;
  /** Undefined if the handler has no access to the account of the VPC. */
  readonly vpcApi: Ec2Api | undefined;
  readonly authorizer: Authorizer;
  readonly calls: Calls;
  readonly log: Log;
  readonly region: string;
}

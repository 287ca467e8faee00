import type { Authorizer } from '../authorization/authorizer';
import type { Ec2Api, GameLiftApi } from '../aws/api';
import type { Calls } from '../aws/calls';
import type { Log } from '../log';
import type { DeclaredRoutes } from '../network/routes';
import type { Pair } from '../resources/properties';

/** What is declared of a connection. */
export interface ConnectionSpec {
  readonly fleetId: string;
  readonly pair: Pair;
  readonly timeoutSeconds: number;
  readonly routes: DeclaredRoutes;
  readonly dnsResolution: boolean;
  /** Whether a connection that was there before may be used; it is left in place. */
  readonly adoptExisting: boolean;
  /** GameLift makes the connection with the fleet, and nobody requests it. */
  readonly peerOnCreate: boolean;
}

/** What the code of a connection needs for one request. */
export interface ConnectionContext {
  readonly spec: ConnectionSpec;
  /** Of the connection: this resource. */
  readonly owner: string;
  /** The request on whose behalf claims are written. */
  readonly requestId: string;
  readonly api: GameLiftApi;
  /** Undefined where the handler can't act in the account of the VPC. */
  readonly vpcApi: Ec2Api | undefined;
  readonly authorizer: Authorizer;
  readonly calls: Calls;
  readonly log: Log;
  readonly region: string;
}

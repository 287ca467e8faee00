import type { Authorizer } from '../authorization/authorizer';
import type { GameLiftApi } from '../aws/api';
import type { Log } from '../log';
import type { NetworkContext } from '../network/peer-vpc';

/** What this folder needs to know about the request for a connection. */
export interface ConnectionContext extends NetworkContext {
  /** The name of this resource in claims. */
  readonly owner: string;
  /** The id of the CloudFormation request that claims are written for. */
  readonly requestId: string;
  readonly api: GameLiftApi;
  readonly authorizer: Authorizer;
  readonly log: Log;
  readonly region: string;
}

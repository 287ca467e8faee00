import type { Authorizer } from '../authorization/authorizer';
import type { GameLiftApi } from '../aws/api';
import type { Log } from '../log';
import type { NetworkContext } from '../network/peer-vpc';

/** What the code of a connection needs to handle one request. */
export interface ConnectionContext extends NetworkContext {
  /** This resource, as its claims name it. */
  readonly owner: string;
  /** The id of the CloudFormation request that claims are written for. */
  readonly requestId: string;
  readonly api: GameLiftApi;
  readonly authorizer: Authorizer;
  readonly log: Log;
  readonly region: string;
}

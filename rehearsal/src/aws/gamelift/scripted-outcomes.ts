/** The scripted outcome of creating a fleet. */
export interface FleetOutcome {
  /** `error`: the fleet goes to ERROR. `hang`: it stays ACTIVATING forever. @default - the fleet becomes ACTIVE */
  readonly end?: 'error' | 'hang';
  /** The CIDR block of the fleet's VPC. @default - the rehearsal chooses one */
  readonly cidrBlock?: string;
  /** Whether the server processes report that they are ready. If not, the fleet fails. @default - they do */
  readonly isReady?: () => boolean;
}

/** The scripted outcome of creating a connection. */
export interface ConnectionOutcome {
  /** The connection stays in pending-acceptance, is rejected, or fails. @default - it becomes active */
  readonly end?: 'pending' | 'rejected' | 'failed';
  /** The status message, if the connection fails. */
  readonly message?: string;
}

/** The durations of GameLift's operations, in seconds, and their outcomes. A change applies to operations that start afterwards. */
export class ScriptedOutcomes {
  fleetActivationSeconds = 1500;
  fleetDeletionSeconds = 60;
  /** From the request until the connection is active. */
  connectionSeconds = 30;
  /** Applies only under the reading `deleting for a while` of `deletingConnections`. */
  connectionDeletionSeconds = 10;
  fleet: (fleet: { readonly name: string; readonly account: string; readonly region: string }) => FleetOutcome = () => ({});
  connection: (connection: { readonly fleetId: string; readonly peerVpcId: string }) => ConnectionOutcome = () => ({});
}

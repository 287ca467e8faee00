/** How the creation of a fleet ends. */
export interface FleetOutcome {
  /** `error`: the fleet goes to ERROR. `hang`: it stays ACTIVATING forever. @default - the fleet becomes ACTIVE */
  readonly end?: 'error' | 'hang';
  /** The CIDR block of the fleet's VPC. @default - the rehearsal chooses one */
  readonly cidrBlock?: string;
  /** Whether the server processes report that they are ready. @default - they do */
  readonly isReady?: () => boolean;
}

/** How the creation of a connection ends. */
export interface ConnectionOutcome {
  /** The connection stays in pending-acceptance, is rejected, or fails. @default - it becomes active */
  readonly end?: 'pending' | 'rejected' | 'failed';
  /** The status message, if the connection fails. */
  readonly message?: string;
}

/** How long GameLift's operations take, in seconds, and how they end. A change applies to operations that start afterwards. */
export class ScriptedOutcomes {
  fleetActivationSeconds = 1500;
  fleetDeletionSeconds = 60;
  connectionSeconds = 30;
  /** Applies to the reading 'deleting for a while'. */
  connectionDeletionSeconds = 10;
  fleet: (fleet: { readonly name: string; readonly account: string; readonly region: string }) => FleetOutcome = () => ({});
  connection: (connection: { readonly fleetId: string; readonly peerVpcId: string }) => ConnectionOutcome = () => ({});
}

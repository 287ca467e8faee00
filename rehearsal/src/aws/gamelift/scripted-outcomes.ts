/** How the creation of a fleet ends. */
export interface FleetOutcome {
  /** ERROR, or ACTIVATING for ever. @default - the fleet becomes ACTIVE */
  readonly end?: 'error' | 'hang';
  /** The block of its VPC. @default - the rehearsal chooses one */
  readonly cidrBlock?: string;
  /** Whether its servers report that they are ready, once GameLift has started them. @default - they do */
  readonly isReady?: () => boolean;
}

/** How the creation of a connection ends. */
export interface ConnectionOutcome {
  /** It stays in pending-acceptance, is rejected there, or fails. @default - it becomes active */
  readonly end?: 'pending' | 'rejected' | 'failed';
  /** The message of its status, if it fails. */
  readonly message?: string;
}

/** How long GameLift takes, in seconds, and how it ends. A test may change each of them at any time; the change applies to what begins afterwards. */
export class ScriptedOutcomes {
  fleetActivationSeconds = 1500;
  fleetDeletionSeconds = 60;
  connectionSeconds = 30;
  /** Under the reading in which a connection is `deleting` for a while. */
  connectionDeletionSeconds = 10;
  fleet: (fleet: { readonly name: string; readonly account: string; readonly region: string }) => FleetOutcome = () => ({});
  connection: (connection: { readonly fleetId: string; readonly peerVpcId: string }) => ConnectionOutcome = () => ({});
}

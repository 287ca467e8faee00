import type { Journal } from '../../journal';
import type { Clock } from '../../time/clock';
import type { History } from '../../time/history';
import type { Behaviours } from '../behaviours';
import type { Ec2 } from '../ec2/ec2';
import type { Iam } from '../iam/iam';

/** What becomes of a new fleet. */
export interface FleetFate {
  /** It ends in ERROR, or stays in ACTIVATING for ever. Default: it becomes ACTIVE */
  readonly end?: 'error' | 'hang';
  /** Of its VPC. Default: as the rehearsal chooses */
  readonly cidrBlock?: string;
  /** Whether its servers report that they are ready, once GameLift has started them. Default: they do */
  readonly isReady?: () => boolean;
}

/** What becomes of a new connection. */
export interface ConnectionFate {
  /** It stays in pending-acceptance, is rejected there, or fails. Default: it becomes active */
  readonly end?: 'pending' | 'rejected' | 'failed';
  /** What its status says where it fails. */
  readonly message?: string;
}

/** How long things take, in seconds, and how they end; all may be changed at any time, for what begins afterwards. */
export class Fates {
  fleetActivationSeconds = 1500;
  fleetDeletionSeconds = 60;
  connectionSeconds = 30;
  /** Where deleting a connection takes a while. */
  connectionDeletionSeconds = 10;
  fleet: (fleet: { readonly name: string; readonly account: string; readonly region: string }) => FleetFate = () => ({});
  connection: (connection: { readonly fleetId: string; readonly peerVpcId: string }) => ConnectionFate = () => ({});
}

/** What GameLift lives in. */
export interface Surroundings {
  readonly clock: Clock;
  readonly history: History;
  readonly journal: Journal;
  readonly behaviours: Behaviours;
  readonly iam: Iam;
  readonly ec2: Ec2;
  readonly fates: Fates;
}

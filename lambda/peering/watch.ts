import type { Ec2Peering, FleetEvent } from '../aws/api';
import { isAlive, NOT_LISTED } from '../aws/connections';
import type { ListedConnection } from '../aws/connections';
import { peeringsIn } from '../network/ec2-view';
import type { Ec2View } from '../network/ec2-view';

/*
 * Interprets what GameLift's list, the fleet's events and EC2 show about a connection. Pure functions: nothing here waits or makes a call.
 */

/** Finds the connection to delete. After a failed deletion, GameLift lists the connection as failed, although EC2 shows that it exists. */
export function findConnectionToDelete(listed: readonly ListedConnection[], view: Ec2View): ListedConnection | undefined {
  const stillExists = ({ status, gameLiftVpcId }: ListedConnection): boolean =>
    status === 'failed' && peeringsIn(view).some((side) => side.requesterVpcId === gameLiftVpcId && isAlive(side));
  return listed.find(isAlive) ?? listed.find(stillExists);
}

/** The interval of reads of the fleet's events and of EC2. The rate limits of both are high. */
export const WATCH_MILLISECONDS = 2_000;

/** The shortest interval of reads of GameLift's list, because of its rate limit. */
export const LIST_MILLISECONDS = 10_000;

/** The interval of reads of the list without progress. It exceeds `LIST_MILLISECONDS`, so that a later change can be read at once. */
const LIST_WITHOUT_PROGRESS_MILLISECONDS = 12_000;

/** The interval of reads of the list after progress. These reads are only needed if the events and EC2 do not show the next change. */
const LIST_AFTER_PROGRESS_MILLISECONDS = 60_000;

/** How long GameLift and EC2 may take to show the effect of a request or a deletion. AWS documents no limit. */
const MAX_STALE_MILLISECONDS = 60_000;

/** What the fleet's events and EC2 show about a connection that was requested. */
export type Progress =
  /** They show nothing. */
  | { readonly kind: 'none' }
  /** The connection is being created. */
  | { readonly kind: 'pending' }
  /** The connection became active or ended. `version` differs for each change. */
  | { readonly kind: 'changed'; readonly version: string; readonly isActive: boolean; readonly message: string };

/** @param newPeerings the untagged peering connections that EC2 did not show before the connection was requested */
export function progressOf(events: readonly FleetEvent[], newPeerings: readonly Ec2Peering[]): Progress {
  const latest = events.at(-1);
  if (latest !== undefined) {
    const isActive = latest.code === 'FLEET_VPC_PEERING_SUCCEEDED';
    return { kind: 'changed', version: `${latest.code} ${events.length}`, isActive, message: latest.message };
  }
  const [newPeering] = newPeerings;
  if (newPeering === undefined) {
    return { kind: 'none' };
  }
  // if there are several, only GameLift's list shows which of them belongs to this fleet
  return newPeerings.length > 1 || (isAlive(newPeering) && newPeering.status !== 'active')
    ? { kind: 'pending' }
    : {
        kind: 'changed',
        version: `${newPeering.id} ${newPeering.status}`,
        isActive: newPeering.status === 'active',
        message: newPeering.message,
      };
}

/** Points in time while waiting for a connection, in milliseconds since the epoch. */
export interface WatchTimes {
  readonly startedAt: number;
  /** When GameLift's list was last read, perhaps before the wait started. */
  readonly listedAt: number;
  readonly now: number;
}

/**
 * Whether it is time to read GameLift's list.
 *
 * @param isChangeHandled whether the list was already read for the change in `progress`
 */
export function isListDue(progress: Progress, isChangeHandled: boolean, { startedAt, listedAt, now }: WatchTimes): boolean {
  if (progress.kind === 'changed' && !isChangeHandled) {
    return true;
  }
  const interval = progress.kind === 'none' ? LIST_WITHOUT_PROGRESS_MILLISECONDS : LIST_AFTER_PROGRESS_MILLISECONDS;
  return now - Math.max(listedAt, startedAt) >= interval;
}

/** The state of a connection that was requested, or found pending. */
export type Outcome = { readonly kind: 'pending' } | SettledOutcome;

export interface SettledOutcome {
  readonly kind: 'active' | 'ended';
  readonly peering: ListedConnection;
}

const UNLISTED_CONNECTION: ListedConnection = {
  id: '',
  status: NOT_LISTED,
  message: '',
  gameLiftVpcId: undefined,
  cidrBlock: undefined,
};

/** Determines the state of the connection from GameLift's list, which may be older than the events and EC2. */
export function outcomeOf(
  listed: readonly ListedConnection[],
  progress: Progress,
  { startedAt, listedAt }: Omit<WatchTimes, 'now'>,
): Outcome {
  const message = progress.kind === 'changed' ? progress.message : '';
  const hasWaitedLongEnough = listedAt - startedAt >= MAX_STALE_MILLISECONDS;
  const isReportedActive = progress.kind === 'changed' && progress.isActive;
  const aliveConnection = listed.find(isAlive);
  if (aliveConnection !== undefined) {
    return aliveConnection.status === 'active' ? { kind: 'active', peering: aliveConnection } : { kind: 'pending' };
  }
  const [endedConnection] = listed;
  if (endedConnection !== undefined) {
    // the list may be late: it shows only earlier connections, although an event or EC2 shows that the requested one is active
    return isReportedActive && !hasWaitedLongEnough
      ? { kind: 'pending' }
      : {
          kind: 'ended',
          peering: { ...endedConnection, message: endedConnection.message === '' ? message : endedConnection.message },
        };
  }
  const isReportedEnded = progress.kind === 'changed' && !progress.isActive;
  return isReportedEnded || hasWaitedLongEnough
    ? { kind: 'ended', peering: { ...UNLISTED_CONNECTION, status: isReportedEnded ? 'failed' : NOT_LISTED, message } }
    : { kind: 'pending' };
}

/**
 * The state of a deletion that GameLift has accepted.
 *
 * @param status of the connection in EC2, or in GameLift's list if EC2 can't be read; undefined if the connection is gone
 * @param elapsed milliseconds since the deletion was accepted
 */
export function deletionOutcome(status: string | undefined, elapsed: number): 'deleted' | 'pending' | 'not deleted' {
  if (status === undefined || status === 'deleted') {
    return 'deleted';
  }
  return status === 'deleting' || elapsed < MAX_STALE_MILLISECONDS ? 'pending' : 'not deleted';
}

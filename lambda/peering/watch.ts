import type { Ec2Peering, FleetEvent } from '../aws/api';
import { isAlive, NOT_LISTED } from '../aws/connections';
import type { ListedConnection } from '../aws/connections';
import { shownBy } from '../network/ec2-view';
import type { Ec2View } from '../network/ec2-view';

/*
 * What GameLift's list, the fleet's events and EC2 say about a connection. Pure functions of what was observed: nothing here waits or
 * makes a call.
 */

/** The peering that has to be deleted. GameLift lists one whose deletion failed as failed, although EC2 shows that it is there. */
export function findToDelete(listed: readonly ListedConnection[], view: Ec2View): ListedConnection | undefined {
  const isStillThere = ({ status, gameLiftVpcId }: ListedConnection): boolean =>
    status === 'failed' && shownBy(view).some((side) => side.requesterVpcId === gameLiftVpcId && isAlive(side));
  return listed.find(isAlive) ?? listed.find(isStillThere);
}

/** How often the outcome is looked for in the events and in EC2, which have no rate limit to speak of. */
export const WATCH_MILLISECONDS = 2_000;

/** GameLift's list may be read once in ten seconds. */
export const LIST_MILLISECONDS = 10_000;

/** How often it is read without news: a little less often than allowed, to have a token left as soon as an event comes. */
const LIST_WITHOUT_NEWS_MILLISECONDS = 12_000;

/** How often it is read once there was news, only in case the events and EC2 miss what comes next. */
const LIST_AFTER_NEWS_MILLISECONDS = 60_000;

/** How long what was requested or deleted may be shown as it was before. */
const PATIENCE_MILLISECONDS = 60_000;

/** What the events and EC2 say about a connection that was requested. */
export type News =
  /** Nothing at all. */
  | { readonly kind: 'none' }
  /** It is on its way. */
  | { readonly kind: 'pending' }
  /** It became active, or ended. `version` differs for each change. */
  | { readonly kind: 'changed'; readonly version: string; readonly isActive: boolean; readonly message: string };

/** @param appeared what EC2 shows of the VPC and did not show before the connection was requested, without tags of anyone */
export function newsOf(events: readonly FleetEvent[], appeared: readonly Ec2Peering[]): News {
  const latest = events.at(-1);
  if (latest !== undefined) {
    const isActive = latest.code === 'FLEET_VPC_PEERING_SUCCEEDED';
    return { kind: 'changed', version: `${latest.code} ${events.length}`, isActive, message: latest.message };
  }
  const [only] = appeared;
  if (only === undefined) {
    return { kind: 'none' };
  }
  // only GameLift knows which of several peerings is this fleet's
  return appeared.length > 1 || (isAlive(only) && only.status !== 'active')
    ? { kind: 'pending' }
    : { kind: 'changed', version: `${only.id} ${only.status}`, isActive: only.status === 'active', message: only.message };
}

/** Points in time of a watch, in milliseconds since the epoch. */
export interface WatchTimes {
  readonly startedAt: number;
  /** When GameLift's list was last read, perhaps before the watch. */
  readonly listedAt: number;
  readonly now: number;
}

/** Whether it is time to read GameLift's list. */
export function isListDue(news: News, isHandled: boolean, { startedAt, listedAt, now }: WatchTimes): boolean {
  if (news.kind === 'changed' && !isHandled) {
    return true;
  }
  const isFirst = listedAt < startedAt;
  const withoutNews = isFirst ? LIST_MILLISECONDS : LIST_WITHOUT_NEWS_MILLISECONDS;
  return now - Math.max(listedAt, startedAt) >= (news.kind === 'none' ? withoutNews : LIST_AFTER_NEWS_MILLISECONDS);
}

/** How far a connection is that was requested, or found pending. */
export type Outcome = { readonly kind: 'pending' } | SettledOutcome;

export interface SettledOutcome {
  readonly kind: 'active' | 'ended';
  readonly peering: ListedConnection;
}

const UNLISTED: ListedConnection = { id: '', status: NOT_LISTED, message: '', gameLiftVpcId: undefined, cidrBlock: undefined };

/** Judges what GameLift lists, which may be older than the news. */
export function outcomeOf(
  listed: readonly ListedConnection[],
  news: News,
  { startedAt, listedAt }: Omit<WatchTimes, 'now'>,
): Outcome {
  const message = news.kind === 'changed' ? news.message : '';
  const hasWaited = listedAt - startedAt >= PATIENCE_MILLISECONDS;
  const isNewsOfActive = news.kind === 'changed' && news.isActive;
  const alive = listed.find(isAlive);
  if (alive !== undefined) {
    return alive.status === 'active' ? { kind: 'active', peering: alive } : { kind: 'pending' };
  }
  const [ended] = listed;
  if (ended !== undefined) {
    // the list may be late, and show only an earlier connection while the news is of the one that was requested
    return isNewsOfActive && !hasWaited
      ? { kind: 'pending' }
      : { kind: 'ended', peering: { ...ended, message: ended.message === '' ? message : ended.message } };
  }
  const isNewsOfEnd = news.kind === 'changed' && !news.isActive;
  return isNewsOfEnd || hasWaited
    ? { kind: 'ended', peering: { ...UNLISTED, status: isNewsOfEnd ? 'failed' : NOT_LISTED, message } }
    : { kind: 'pending' };
}

/**
 * How far a deletion is that GameLift has accepted.
 *
 * @param status of the peering, as EC2 shows it, or GameLift where EC2 does not; undefined if it is gone
 * @param elapsed milliseconds since the deletion was accepted
 */
export function deletionOutcome(status: string | undefined, elapsed: number): 'deleted' | 'pending' | 'not deleted' {
  if (status === undefined || status === 'deleted') {
    return 'deleted';
  }
  return status === 'deleting' || elapsed < PATIENCE_MILLISECONDS ? 'pending' : 'not deleted';
}

import type { Ec2Peering, FleetEvent } from '../../lambda/aws/api';
import { isAlive, listedConnectionOf } from '../../lambda/aws/connections';
import type { ListedConnection } from '../../lambda/aws/connections';
import { peeringsIn } from '../../lambda/network/ec2-view';
import type { Ec2View } from '../../lambda/network/ec2-view';
import { deletionOutcome, findConnectionToDelete, isListDue, progressOf, outcomeOf } from '../../lambda/peering/watch';
import type { Progress, Outcome } from '../../lambda/peering/watch';
import {
  ec2Side,
  expectForAll,
  FLEET_VPC,
  CONNECTION_ID,
  listedConnection,
  combinations,
  ec2ViewOf,
  UNAVAILABLE_VIEW,
  UNRELATED_VPC,
} from './situations';

const MINUTE = 60_000;
const STARTED = 1_000_000;

const changed = (version: string, isActive: boolean, message = ''): Progress => ({ kind: 'changed', version, isActive, message });
const NONE: Progress = { kind: 'none' };
const PENDING: Progress = { kind: 'pending' };
const ACTIVE = changed('FLEET_VPC_PEERING_SUCCEEDED 1', true, 'peered');
const ENDED = changed('FLEET_VPC_PEERING_FAILED 1', false, 'overlap');

const STATUSES = [
  ['initiating-request', true],
  ['pending-acceptance', true],
  ['provisioning', true],
  ['active', true],
  ['failed', false],
  ['rejected', false],
  ['expired', false],
  ['deleting', false],
  ['deleted', false],
] as const;

test.each(STATUSES)('isAlive, for a peering connection in status %s, returns %s', (status, alive) => {
  expect(isAlive({ status })).toBe(alive);
});

test('reads the records of GameLift, whose members are optional', () => {
  expect(listedConnectionOf({})).toEqual({ id: '', status: '', message: '', gameLiftVpcId: undefined, cidrBlock: undefined });
  expect(
    listedConnectionOf({
      VpcPeeringConnectionId: CONNECTION_ID,
      PeerVpcId: 'vpc-peer',
      GameLiftVpcId: FLEET_VPC,
      IpV4CidrBlock: '10.1.0.0/16',
      Status: { Code: 'active', Message: 'Active' },
    }),
  ).toEqual(listedConnection({ message: 'Active' }));
});

test('shows no peering connections if EC2 returns an error', () => {
  expect(peeringsIn(UNAVAILABLE_VIEW)).toEqual([]);
  expect(peeringsIn(ec2ViewOf(ec2Side()))).toEqual([ec2Side()]);
});

const failed = listedConnection({ status: 'failed' });
const alive = listedConnection({ id: 'pcx-2', status: 'pending-acceptance' });

test.each<readonly [string, readonly ListedConnection[], Ec2View, ListedConnection | undefined]>([
  ['nothing if no connection is listed', [], ec2ViewOf(ec2Side()), undefined],
  ['the live connection, wherever it is in the list', [failed, alive], ec2ViewOf(), alive],
  ['the live connection if another one has failed', [failed, alive], ec2ViewOf(ec2Side()), alive],
  ['no failed connection if EC2 shows nothing', [failed], ec2ViewOf(), undefined],
  ['no failed connection if EC2 returns an error', [failed], UNAVAILABLE_VIEW, undefined],
  ['a failed connection if EC2 shows that it still exists', [failed], ec2ViewOf(ec2Side()), failed],
  ['no failed connection if EC2 shows that it is gone', [failed], ec2ViewOf(ec2Side({ status: 'deleted' })), undefined],
  [
    'no failed connection if EC2 shows only one with another VPC',
    [failed],
    ec2ViewOf(ec2Side({ requesterVpcId: UNRELATED_VPC })),
    undefined,
  ],
  [
    'none that is being deleted, even if EC2 shows it as active',
    [listedConnection({ status: 'deleting' })],
    ec2ViewOf(ec2Side()),
    undefined,
  ],
])('findConnectionToDelete returns %s', (_, listed, view, result) => {
  expect(findConnectionToDelete(listed, view)).toEqual(result);
});

function event(code: string, message = ''): FleetEvent {
  return { code, message, time: new Date(STARTED) };
}

const SUCCEEDED = event('FLEET_VPC_PEERING_SUCCEEDED', 'peered');
const FAILED = event('FLEET_VPC_PEERING_FAILED', 'overlap');
const DELETED = event('FLEET_VPC_PEERING_DELETED');

test.each<readonly [string, readonly FleetEvent[], readonly Ec2Peering[], Progress]>([
  ['no progress if there are neither events nor new connections in EC2', [], [], NONE],
  ['active because of an event', [SUCCEEDED], [], ACTIVE],
  ['failed because of an event', [FAILED], [], ENDED],
  ['deleted because of an event', [DELETED], [], changed('FLEET_VPC_PEERING_DELETED 1', false)],
  ['the latest of several events', [FAILED, SUCCEEDED], [], changed('FLEET_VPC_PEERING_SUCCEEDED 2', true, 'peered')],
  ['the event, whatever EC2 shows', [FAILED], [ec2Side()], ENDED],
  ['pending if EC2 shows it as pending', [], [ec2Side({ status: 'provisioning' })], PENDING],
  ['active if EC2 shows it as active', [], [ec2Side()], changed(`${CONNECTION_ID} active`, true)],
  [
    'ended if EC2 shows it as failed',
    [],
    [ec2Side({ status: 'failed', message: 'no' })],
    changed(`${CONNECTION_ID} failed`, false, 'no'),
  ],
  ['only pending if EC2 shows several new connections', [], [ec2Side(), ec2Side({ id: 'pcx-2' })], PENDING],
])('progressOf returns %s', (_, events, newPeerings, progress) => {
  expect(progressOf(events, newPeerings)).toEqual(progress);
});

test('progressOf returns another version after each event', () => {
  const histories = [[SUCCEEDED], [FAILED], [SUCCEEDED, SUCCEEDED], [FAILED, FAILED], [SUCCEEDED, FAILED, FAILED]];
  const versions = histories
    .map((events) => progressOf(events, []))
    .map((progress) => (progress.kind === 'changed' ? progress.version : ''));
  expect(new Set(versions).size).toBe(histories.length);
});

/** The list was last read an hour before the wait started. Times below are in milliseconds since that start. */
const HOUR_BEFORE = -60 * MINUTE;

test.each([
  ['at once after a change', ACTIVE, false, 9_999, 10_000, true],
  ['not within ten seconds of the start', NONE, false, HOUR_BEFORE, 9_999, false],
  ['ten seconds after the start', NONE, false, HOUR_BEFORE, 10_000, true],
  ['not within ten seconds of the start if the list was read just before the start', NONE, false, -1, 9_999, false],
  ['not within twelve seconds of a read', NONE, false, 20_000, 31_999, false],
  ['twelve seconds after a read', NONE, false, 20_000, 32_000, true],
  ['not within a minute of a read while the connection is pending', PENDING, false, 20_000, 79_999, false],
  ['a minute after a read while the connection is pending', PENDING, false, 20_000, 80_000, true],
  ['not within a minute of the start while the connection is pending', PENDING, false, HOUR_BEFORE, 59_999, false],
  ['a minute after the start while the connection is pending', PENDING, false, HOUR_BEFORE, 60_000, true],
  ['not within a minute of a read if the list was already read after this change', ENDED, true, 20_000, 79_999, false],
  ['a minute after a read, even if the list was already read after this change', ENDED, true, 20_000, 80_000, true],
])('when to read the list: %s', (_, progress, isHandled, listedAt, now, isDue) => {
  const times = { startedAt: STARTED, listedAt: STARTED + listedAt, now: STARTED + now };
  expect(isListDue(progress, isHandled, times)).toBe(isDue);
});

const notListed = listedConnection({ id: '', status: 'not listed', gameLiftVpcId: undefined, cidrBlock: undefined });
const active = listedConnection({ status: 'active' });
const deleted = listedConnection({ status: 'deleted' });
const STILL_PENDING: Outcome = { kind: 'pending' };
const IS_ACTIVE: Outcome = { kind: 'active', peering: active };
const endedOutcome = (of: ListedConnection, message = of.message): Outcome => ({ kind: 'ended', peering: { ...of, message } });

test.each<readonly [string, readonly ListedConnection[], Progress, number, Outcome]>([
  ['active if it is listed as active', [active], NONE, 15_000, IS_ACTIVE],
  ['active if an earlier record is listed as well', [deleted, active], ENDED, 15_000, IS_ACTIVE],
  ['pending if it is listed as pending, whatever events and EC2 show', [alive], ENDED, 15_000, STILL_PENDING],
  ['pending if it is listed as pending, even after ten minutes', [alive], ENDED, 10 * MINUTE, STILL_PENDING],
  ['ended if only an ended connection is listed', [deleted], NONE, 15_000, endedOutcome(deleted)],
  ["ended with the event's message if the list has none", [deleted], ENDED, 15_000, endedOutcome(deleted, 'overlap')],
  ["ended with the list's message if it has one", [{ ...failed, message: 'no' }], ENDED, 15_000, endedOutcome(failed, 'no')],
  ['pending if the list does not yet show that it is active', [deleted], ACTIVE, 59_999, STILL_PENDING],
  [
    'ended if an event shows it as active, but the list still does not after a minute',
    [deleted],
    ACTIVE,
    60_000,
    endedOutcome(deleted, 'peered'),
  ],
  ['pending if nothing is listed', [], NONE, 59_999, STILL_PENDING],
  ['pending if nothing is listed, and EC2 shows it as pending', [], PENDING, 59_999, STILL_PENDING],
  ['pending if nothing is listed, and an event shows that it is active', [], ACTIVE, 59_999, STILL_PENDING],
  ['ended if nothing is listed for a minute', [], NONE, 60_000, endedOutcome(notListed)],
  [
    'ended if nothing is listed, and an event shows that it ended',
    [],
    ENDED,
    15_000,
    endedOutcome({ ...notListed, status: 'failed' }, 'overlap'),
  ],
])('outcomeOf returns %s', (_, listed, progress, listedAfter, outcome) => {
  expect(outcomeOf(listed, progress, { startedAt: STARTED, listedAt: STARTED + listedAfter })).toEqual(outcome);
});

test.each([
  ['deleted if it is gone', undefined, 0, 'deleted'],
  ['deleted if it is shown as deleted', 'deleted', 0, 'deleted'],
  ['pending while it is being deleted, even after an hour', 'deleting', 60 * MINUTE, 'pending'],
  ['pending if it is still shown as active: a read may be late', 'active', 59_999, 'pending'],
  ['not deleted if it is shown as active for a minute', 'active', 60_000, 'not deleted'],
  ['not deleted if the deletion failed', 'failed', 60_000, 'not deleted'],
] as const)('deletionOutcome: %s', (_, status, elapsed, outcome) => {
  expect(deletionOutcome(status, elapsed)).toBe(outcome);
});

describe('in every situation', () => {
  const BOOLEANS = [false, true];
  const ALL_PROGRESS = [NONE, PENDING, ACTIVE, ENDED];
  const SECONDS = [0, 1, 9, 10, 11, 12, 13, 15, 30, 59, 60, 61, 120];
  const RECORDS: readonly (readonly ListedConnection[])[] = [[], ...STATUSES.map(([status]) => [listedConnection({ status })])];

  interface ListRead {
    readonly listed: readonly ListedConnection[];
    readonly progress: Progress;
    /** Seconds from the start of the wait to the read. */
    readonly seconds: number;
  }
  const listReads = combinations<ListRead>({
    listed: RECORDS.flatMap((first) => RECORDS.map((second) => [...first, ...second])),
    progress: ALL_PROGRESS,
    seconds: SECONDS,
  }).map((listRead) => {
    const { listed, progress, seconds } = listRead;
    const outcome = outcomeOf(listed, progress, { startedAt: STARTED, listedAt: STARTED + seconds * 1000 });
    return { ...listRead, outcome, status: outcome.kind === 'pending' ? undefined : outcome.peering.status };
  });
  type ListReadWithOutcome = (typeof listReads)[number];

  test.each<readonly [string, (listRead: ListReadWithOutcome) => boolean, (listRead: ListReadWithOutcome) => boolean]>([
    [
      'a connection is active only if it is listed as active',
      ({ outcome }) => outcome.kind === 'active',
      ({ listed, status }) => status === 'active' && listed.some((one) => one.status === 'active'),
    ],
    [
      'a connection has not ended while a live one is listed',
      ({ listed }) => listed.some(isAlive),
      ({ outcome }) => outcome.kind !== 'ended',
    ],
    ['an ended connection is not alive', ({ outcome }) => outcome.kind === 'ended', ({ status = '' }) => !isAlive({ status })],
    [
      'an empty list ends the wait within a minute only if events or EC2 show an end',
      ({ listed, seconds, outcome }) => listed.length === 0 && seconds < 60 && outcome.kind === 'ended',
      ({ progress }) => progress === ENDED,
    ],
    [
      'the wait does not fail within a minute if events or EC2 show an active connection',
      ({ progress, seconds }) => progress === ACTIVE && seconds < 60,
      ({ outcome }) => outcome.kind !== 'ended',
    ],
    [
      'the wait ends after a minute unless a live connection is listed',
      ({ listed, seconds }) => !listed.some(isAlive) && seconds >= 60,
      ({ outcome }) => outcome.kind === 'ended',
    ],
  ])('%s', (_, applies, holds) => {
    expectForAll(listReads, applies, holds);
  });

  interface Moment {
    readonly progress: Progress;
    readonly isHandled: boolean;
    /** When the list was last read, in seconds after the start of the wait. Negative if that was before the start. */
    readonly listedAt: number;
    /** The current time, in seconds after the start of the wait. */
    readonly now: number;
  }
  const moments = combinations<Moment>({
    progress: ALL_PROGRESS,
    isHandled: BOOLEANS,
    listedAt: [-3600, -60, -1, ...SECONDS],
    now: SECONDS,
  })
    .filter(({ listedAt, now }) => now >= listedAt)
    .map((moment) => {
      const { progress, isHandled, listedAt, now } = moment;
      const times = { startedAt: STARTED, listedAt: STARTED + listedAt * 1000, now: STARTED + now * 1000 };
      return { ...moment, isDue: isListDue(progress, isHandled, times) };
    });
  type MomentWithDecision = (typeof moments)[number];

  test.each<readonly [string, (moment: MomentWithDecision) => boolean, (moment: MomentWithDecision) => boolean]>([
    [
      'the list is read within ten seconds of the last read only because of a new change',
      ({ isDue, listedAt, now }) => isDue && now - listedAt < 10,
      ({ progress, isHandled }) => progress.kind === 'changed' && !isHandled,
    ],
    [
      'the list is always read a minute after the start or the last read',
      ({ listedAt, now }) => now - Math.max(listedAt, 0) >= 60,
      ({ isDue }) => isDue,
    ],
    [
      'a handled end does not cause another read within a minute of the start',
      ({ progress, isHandled, isDue }) => progress === ENDED && isHandled && isDue,
      ({ now }) => now >= 60,
    ],
  ])('%s', (_, applies, holds) => {
    expectForAll(moments, applies, holds);
  });
});

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
const STARTED_AT = 1_000_000;

const changedProgress = (version: string, isActive: boolean, message = ''): Progress => ({
  kind: 'changed',
  version,
  isActive,
  message,
});
const NO_PROGRESS: Progress = { kind: 'none' };
const PENDING: Progress = { kind: 'pending' };
const ACTIVE = changedProgress('FLEET_VPC_PEERING_SUCCEEDED 1', true, 'peered');
const ENDED = changedProgress('FLEET_VPC_PEERING_FAILED 1', false, 'overlap');

/** The statuses of a connection, each with the result of isAlive. */
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

test.each(STATUSES)('isAlive, for a peering connection in status %s, returns %s', (status, expected) => {
  expect(isAlive({ status })).toBe(expected);
});

test('listedConnectionOf accepts a record of GameLift, all of whose members are optional', () => {
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

test('peeringsIn returns no peering connections if EC2 returned an error', () => {
  expect(peeringsIn(UNAVAILABLE_VIEW)).toEqual([]);
  expect(peeringsIn(ec2ViewOf(ec2Side()))).toEqual([ec2Side()]);
});

const failedConnection = listedConnection({ status: 'failed' });
const pendingConnection = listedConnection({ id: 'pcx-2', status: 'pending-acceptance' });

test.each<readonly [string, readonly ListedConnection[], Ec2View, ListedConnection | undefined]>([
  ['nothing if no connection is listed', [], ec2ViewOf(ec2Side()), undefined],
  ['the live connection, if it is last in the list', [failedConnection, pendingConnection], ec2ViewOf(), pendingConnection],
  ['the live connection, if it is first in the list', [pendingConnection, failedConnection], ec2ViewOf(), pendingConnection],
  [
    'the live connection, even if EC2 shows that the failed one still exists',
    [failedConnection, pendingConnection],
    ec2ViewOf(ec2Side()),
    pendingConnection,
  ],
  ['no failed connection if EC2 shows nothing', [failedConnection], ec2ViewOf(), undefined],
  ['no failed connection if EC2 returns an error', [failedConnection], UNAVAILABLE_VIEW, undefined],
  ['a failed connection if EC2 shows that it still exists', [failedConnection], ec2ViewOf(ec2Side()), failedConnection],
  ['no failed connection if EC2 shows that it is gone', [failedConnection], ec2ViewOf(ec2Side({ status: 'deleted' })), undefined],
  [
    'no failed connection if EC2 shows only a connection with another VPC',
    [failedConnection],
    ec2ViewOf(ec2Side({ requesterVpcId: UNRELATED_VPC })),
    undefined,
  ],
  [
    'no connection that is being deleted, even if EC2 shows the connection as active',
    [listedConnection({ status: 'deleting' })],
    ec2ViewOf(ec2Side()),
    undefined,
  ],
])('findConnectionToDelete returns %s', (_, listed, view, result) => {
  expect(findConnectionToDelete(listed, view)).toEqual(result);
});

function event(code: string, message = ''): FleetEvent {
  return { code, message, time: new Date(STARTED_AT) };
}

const SUCCEEDED = event('FLEET_VPC_PEERING_SUCCEEDED', 'peered');
const FAILED = event('FLEET_VPC_PEERING_FAILED', 'overlap');
const DELETED = event('FLEET_VPC_PEERING_DELETED');

test.each<readonly [string, readonly FleetEvent[], readonly Ec2Peering[], Progress]>([
  ['no progress if there are neither events nor new connections in EC2', [], [], NO_PROGRESS],
  ['active because of an event', [SUCCEEDED], [], ACTIVE],
  ['failed because of an event', [FAILED], [], ENDED],
  ['deleted because of an event', [DELETED], [], changedProgress('FLEET_VPC_PEERING_DELETED 1', false)],
  [
    'what the latest of several events says',
    [FAILED, SUCCEEDED],
    [],
    changedProgress('FLEET_VPC_PEERING_SUCCEEDED 2', true, 'peered'),
  ],
  ['what the event says, whatever EC2 shows', [FAILED], [ec2Side()], ENDED],
  ['pending if EC2 shows the new connection as pending', [], [ec2Side({ status: 'provisioning' })], PENDING],
  ['active if EC2 shows the new connection as active', [], [ec2Side()], changedProgress(`${CONNECTION_ID} active`, true)],
  [
    'ended if EC2 shows the new connection as failed',
    [],
    [ec2Side({ status: 'failed', message: 'no' })],
    changedProgress(`${CONNECTION_ID} failed`, false, 'no'),
  ],
  [
    'only pending if EC2 shows several new connections, because only one belongs to the fleet',
    [],
    [ec2Side(), ec2Side({ id: 'pcx-2' })],
    PENDING,
  ],
])('progressOf returns %s', (_, events, newPeerings, progress) => {
  expect(progressOf(events, newPeerings)).toEqual(progress);
});

test('progressOf returns a different version after each event', () => {
  const eventLists = [[SUCCEEDED], [FAILED], [SUCCEEDED, SUCCEEDED], [FAILED, FAILED], [SUCCEEDED, FAILED, FAILED]];
  const versions = eventLists
    .map((events) => progressOf(events, []))
    .map((progress) => (progress.kind === 'changed' ? progress.version : ''));
  expect(new Set(versions).size).toBe(eventLists.length);
});

/** All times are in milliseconds after the start of the wait. A list that was read before the start has a negative time. */
interface ListDueCase {
  readonly name: string;
  readonly progress: Progress;
  /** Whether the list was already read after this progress. */
  readonly isHandled?: true;
  readonly lastRead: number;
  readonly now: number;
  readonly isDue: boolean;
}

const HOUR_BEFORE = -60 * MINUTE;

test.each<ListDueCase>([
  { name: 'at once after a change', progress: ACTIVE, lastRead: 9_999, now: 10_000, isDue: true },
  { name: 'not within twelve seconds of the start', progress: NO_PROGRESS, lastRead: HOUR_BEFORE, now: 11_999, isDue: false },
  { name: 'twelve seconds after the start', progress: NO_PROGRESS, lastRead: HOUR_BEFORE, now: 12_000, isDue: true },
  {
    name: 'not within twelve seconds of the start if the list was read just before the start',
    progress: NO_PROGRESS,
    lastRead: -1,
    now: 11_999,
    isDue: false,
  },
  { name: 'not within twelve seconds of a read', progress: NO_PROGRESS, lastRead: 20_000, now: 31_999, isDue: false },
  { name: 'twelve seconds after a read', progress: NO_PROGRESS, lastRead: 20_000, now: 32_000, isDue: true },
  {
    name: 'not within a minute of a read while the connection is pending',
    progress: PENDING,
    lastRead: 20_000,
    now: 79_999,
    isDue: false,
  },
  {
    name: 'a minute after a read while the connection is pending',
    progress: PENDING,
    lastRead: 20_000,
    now: 80_000,
    isDue: true,
  },
  {
    name: 'not within a minute of the start while the connection is pending',
    progress: PENDING,
    lastRead: HOUR_BEFORE,
    now: 59_999,
    isDue: false,
  },
  {
    name: 'a minute after the start while the connection is pending',
    progress: PENDING,
    lastRead: HOUR_BEFORE,
    now: 60_000,
    isDue: true,
  },
  {
    name: 'not within a minute of a read if the list was already read after this change',
    progress: ENDED,
    isHandled: true,
    lastRead: 20_000,
    now: 79_999,
    isDue: false,
  },
  {
    name: 'a minute after a read, even if the list was already read after this change',
    progress: ENDED,
    isHandled: true,
    lastRead: 20_000,
    now: 80_000,
    isDue: true,
  },
])('when to read the list: $name', ({ progress, isHandled = false, lastRead, now, isDue }) => {
  const times = { startedAt: STARTED_AT, listedAt: STARTED_AT + lastRead, now: STARTED_AT + now };
  expect(isListDue(progress, isHandled, times)).toBe(isDue);
});

const unlistedConnection = listedConnection({ id: '', status: 'not listed', gameLiftVpcId: undefined, cidrBlock: undefined });
const activeConnection = listedConnection({ status: 'active' });
const deletedConnection = listedConnection({ status: 'deleted' });
const STILL_PENDING: Outcome = { kind: 'pending' };
const IS_ACTIVE: Outcome = { kind: 'active', peering: activeConnection };
const endedOutcome = (peering: ListedConnection, message = peering.message): Outcome => ({
  kind: 'ended',
  peering: { ...peering, message },
});

test.each<readonly [string, readonly ListedConnection[], Progress, number, Outcome]>([
  ['active if the connection is listed as active', [activeConnection], NO_PROGRESS, 15_000, IS_ACTIVE],
  ['active if an earlier connection is listed, too', [deletedConnection, activeConnection], ENDED, 15_000, IS_ACTIVE],
  [
    'pending if the connection is listed as pending, whatever events and EC2 show',
    [pendingConnection],
    ENDED,
    15_000,
    STILL_PENDING,
  ],
  [
    'pending if the connection is listed as pending, even after ten minutes',
    [pendingConnection],
    ENDED,
    10 * MINUTE,
    STILL_PENDING,
  ],
  ['ended if only an ended connection is listed', [deletedConnection], NO_PROGRESS, 15_000, endedOutcome(deletedConnection)],
  [
    "ended with the event's message if the list contains no message",
    [deletedConnection],
    ENDED,
    15_000,
    endedOutcome(deletedConnection, 'overlap'),
  ],
  [
    "ended with the list's message if the list contains a message",
    [{ ...failedConnection, message: 'no' }],
    ENDED,
    15_000,
    endedOutcome(failedConnection, 'no'),
  ],
  [
    'pending if an event shows the connection as active, but the list does not yet',
    [deletedConnection],
    ACTIVE,
    59_999,
    STILL_PENDING,
  ],
  [
    'ended if an event shows the connection as active, but the list still does not after a minute',
    [deletedConnection],
    ACTIVE,
    60_000,
    endedOutcome(deletedConnection, 'peered'),
  ],
  ['pending if nothing is listed', [], NO_PROGRESS, 59_999, STILL_PENDING],
  ['pending if nothing is listed, and EC2 shows the connection as pending', [], PENDING, 59_999, STILL_PENDING],
  ['pending if nothing is listed, and an event shows that the connection is active', [], ACTIVE, 59_999, STILL_PENDING],
  ['ended if nothing is listed for a minute', [], NO_PROGRESS, 60_000, endedOutcome(unlistedConnection)],
  [
    'ended if nothing is listed, and an event shows that the connection has ended',
    [],
    ENDED,
    15_000,
    endedOutcome({ ...unlistedConnection, status: 'failed' }, 'overlap'),
  ],
])('outcomeOf returns %s', (_, listed, progress, millisecondsUntilRead, outcome) => {
  expect(outcomeOf(listed, progress, { startedAt: STARTED_AT, listedAt: STARTED_AT + millisecondsUntilRead })).toEqual(outcome);
});

test.each([
  ['deleted if the connection is gone', undefined, 0, 'deleted'],
  ['deleted if the connection is shown as deleted', 'deleted', 0, 'deleted'],
  ['pending while the connection is being deleted, even after an hour', 'deleting', 60 * MINUTE, 'pending'],
  ['pending if the connection is still shown as active, because a read may be late', 'active', 59_999, 'pending'],
  ['not deleted if the connection is shown as active for a minute', 'active', 60_000, 'not deleted'],
  ['not deleted if the deletion failed', 'failed', 60_000, 'not deleted'],
] as const)('deletionOutcome returns %s', (_, status, elapsed, outcome) => {
  expect(deletionOutcome(status, elapsed)).toBe(outcome);
});

describe('in every combination of list, progress and time', () => {
  const BOOLEANS = [false, true];
  const ALL_PROGRESS = [NO_PROGRESS, PENDING, ACTIVE, ENDED];
  /** Times before, at and after each limit: 10, 12 and 60 seconds. */
  const SECONDS = [0, 1, 9, 10, 11, 12, 13, 15, 30, 59, 60, 61, 120];
  /** Lists of at most one connection. */
  const SHORT_LISTS: readonly (readonly ListedConnection[])[] = [
    [],
    ...STATUSES.map(([status]) => [listedConnection({ status })]),
  ];

  interface ListRead {
    readonly listed: readonly ListedConnection[];
    readonly progress: Progress;
    /** Seconds from the start of the wait to the read. */
    readonly seconds: number;
  }
  const listReads = combinations<ListRead>({
    listed: SHORT_LISTS.flatMap((first) => SHORT_LISTS.map((second) => [...first, ...second])),
    progress: ALL_PROGRESS,
    seconds: SECONDS,
  }).map((listRead) => {
    const { listed, progress, seconds } = listRead;
    const outcome = outcomeOf(listed, progress, { startedAt: STARTED_AT, listedAt: STARTED_AT + seconds * 1000 });
    return { ...listRead, outcome, status: outcome.kind === 'pending' ? undefined : outcome.peering.status };
  });
  type ListReadWithOutcome = (typeof listReads)[number];

  test.each<readonly [string, (listRead: ListReadWithOutcome) => boolean, (listRead: ListReadWithOutcome) => boolean]>([
    [
      'a connection is active only if it is listed as active',
      ({ outcome }) => outcome.kind === 'active',
      ({ listed, status }) => status === 'active' && listed.some((connection) => connection.status === 'active'),
    ],
    [
      'a connection has not ended while a live one is listed',
      ({ listed }) => listed.some(isAlive),
      ({ outcome }) => outcome.kind !== 'ended',
    ],
    [
      'the status of an ended connection is not that of a live one',
      ({ outcome }) => outcome.kind === 'ended',
      ({ status = '' }) => !isAlive({ status }),
    ],
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
      'the wait fails after a minute unless a live connection is listed',
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
      const times = { startedAt: STARTED_AT, listedAt: STARTED_AT + listedAt * 1000, now: STARTED_AT + now * 1000 };
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
      'an end that was handled does not cause another read within a minute of the start',
      ({ progress, isHandled, isDue }) => progress === ENDED && isHandled && isDue,
      ({ now }) => now >= 60,
    ],
  ])('%s', (_, applies, holds) => {
    expectForAll(moments, applies, holds);
  });
});

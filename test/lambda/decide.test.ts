import { MAX_CONCURRENT_CONNECTIONS } from '../../lib/contract';
import type { Claim } from '../../lambda/peering/claim';
import {
  decide,
  decideAfterRefusal,
  decideBeforeUse,
  decideDelete,
  isKeptUntilFleetIsDeleted,
  conflictOf,
} from '../../lambda/peering/decide';
import type { DeletableConnection, DeleteSituation, DeleteStep } from '../../lambda/peering/decide';
import type { Conflict, Failure, FinalCheck, Situation, Step } from '../../lambda/peering/decide';
import {
  claim,
  deleteSituation,
  EARLIER_ID,
  ec2Side,
  ec2SideOfOther,
  ended,
  endedConnection,
  FLEET_VPC,
  found,
  ID,
  noted,
  OTHER,
} from './situations';
import { otherClaim, peering, shown, situation, UNAVAILABLE, UNRELATED_VPC } from './situations';

const OWNER = 'resource Peering of stack Other (guid), according to a tag on the fleet';
const BELONGS: Conflict = {
  what: `the peering connection belongs to ${OWNER}`,
  remedy: 'remove it there, or pass adoptExisting to the VpcPeeringConnection to use it',
};
const ADOPTED: Conflict = { what: `the peering connection was adopted by ${OWNER}`, remedy: 'remove it there first' };

const created = { connection: noted('created') };
const adopted = { connection: noted('adopted') };
const claimedByOther = { otherClaims: [otherClaim()] };
const createdByOther = { otherClaims: [otherClaim(noted('created'))] };
const adoptedByOther = { otherClaims: [otherClaim(noted('adopted'))] };
const adoptExisting = true;
const peerOnCreate = true;

test.each<readonly [string, Partial<Claim>, boolean, Conflict | undefined]>([
  ['no conflict if nobody else claims the connection', {}, false, undefined],
  ['conflict if another resource claims it', claimedByOther, false, BELONGS],
  ['conflict if another resource claims it, even after an own request', { ...claimedByOther, peeredBefore: [] }, false, BELONGS],
  ['conflict if another resource has adopted it', adoptedByOther, false, BELONGS],
  ['no conflict in an adoption if another resource claims it', claimedByOther, true, undefined],
  ['no conflict in an adoption if another resource created it', createdByOther, true, undefined],
  ['conflict in an adoption if another resource has adopted it', adoptedByOther, true, ADOPTED],
  [
    'no conflict after the connection was noted, even if another resource claims it',
    { ...claimedByOther, ...created },
    false,
    undefined,
  ],
  [
    'no conflict after the connection was noted, even if another resource has adopted it since',
    { ...adoptedByOther, ...created },
    true,
    undefined,
  ],
])('conflictOf: %s', (_, change, isAdopting, conflict) => {
  expect(conflictOf(claim(change), isAdopting)).toEqual(conflict);
});

test('conflictOf: names the resource that has adopted the connection rather than one that only claims it', () => {
  const otherClaims = [{ ...otherClaim(), owner: 'Third/Peering/guid' }, ...adoptedByOther.otherClaims];
  expect(conflictOf(claim({ otherClaims }), false)).toEqual(BELONGS);
});

describe('decide', () => {
  const PENDING = { status: 'pending-acceptance' };
  const LIST: Step = { kind: 'read the list' };
  const REQUEST: Step = { kind: 'request' };
  const WAIT: Step = { kind: 'wait until active' };
  const prepareRetry = (message: string): Step => ({ kind: 'prepare a retry', message });
  const use = (origin: 'created' | 'adopted', wasRequested = false): Step => ({
    kind: 'use',
    peering: peering(),
    origin,
    wasRequested,
  });
  const fail = (why: Failure): Step => ({ kind: 'fail', why });
  const EXISTS = fail({ kind: 'exists already', found: found() });
  const failed = (wouldEndAgain: boolean): Step => fail({ kind: 'ended', connection: endedConnection(wouldEndAgain) });
  const waitForNote = (existedBefore: boolean): Step => ({ kind: 'wait for a note', peering: peering(), existedBefore });

  const accepted = { request: { kind: 'accepted' } } as const;
  const refused = { request: { kind: 'refused', message: 'InvalidRequestException: no' } } as const;
  const none = { existing: { kind: 'none' } } as const;
  const active = { existing: found() };
  const foundOfOther = found({}, { kind: 'another resource', name: OTHER });
  const taggedByOther = { existing: foundOfOther };
  const tagged = { existing: found({}, { kind: 'this resource' }) };
  const pending = { existing: found(PENDING) };
  const requested = (...peeredBefore: string[]): Partial<Situation> => ({
    claim: claim({ peeredBefore }),
    mayHaveRequested: true,
  });
  const removed = { claim: claim({ isClaimed: false }) };
  const earlier = claim({ connection: noted('created', EARLIER_ID) });

  test.each<readonly [string, Partial<Situation>, Step]>([
    ['requests the connection at once if there is no evidence of one', {}, REQUEST],
    ['reads the list first if it has noted a connection', { claim: claim(created) }, LIST],
    ['reads the list first if an earlier run has noted a request', requested(), LIST],
    ['reads the list first if it may adopt what another resource claims', { adoptExisting, claim: claim(claimedByOther) }, LIST],
    ['waits after GameLift has accepted the request', { ...requested(), ...accepted }, WAIT],
    ['requests the connection if the list shows none', none, REQUEST],
    ['gets an authorization after a refusal', { ...none, ...refused }, prepareRetry('InvalidRequestException: no')],
    ['fails if another resource claims it', { claim: claim(claimedByOther) }, fail({ kind: 'conflict', conflict: BELONGS })],
    ['fails if a delete has removed the claim', removed, fail({ kind: 'claim removed', found: undefined })],
    ['then reports the connection that exists', { ...removed, ...active }, fail({ kind: 'claim removed', found: found() })],
    [
      'then also reports which resource created it',
      { ...removed, ...taggedByOther },
      fail({ kind: 'claim removed', found: foundOfOther }),
    ],
    ['uses the connection that it has created', { claim: claim(created), ...active }, use('created')],
    ['waits for the connection that it has created', { claim: claim(created), ...pending }, WAIT],
    [
      'uses an adopted connection as adopted, even if adoptExisting is no longer declared',
      { claim: claim(adopted), ...active },
      use('adopted'),
    ],
    ['uses the connection that somebody has created again by hand', { claim: earlier, ...active }, use('created')],
    [
      'uses the connection that an earlier run of the same request requested',
      { ...requested(), ...active },
      use('created', true),
    ],
    [
      'uses the connection that it has requested if unrelated ones exist',
      { ...requested(UNRELATED_VPC), ...active },
      use('created', true),
    ],
    ['fails if the connection existed before the request', { ...requested(UNRELATED_VPC, FLEET_VPC), ...active }, EXISTS],
    [
      'adopts a connection that existed before the request',
      { ...requested(FLEET_VPC), ...active, adoptExisting },
      use('adopted'),
    ],
    ["uses it as created if EC2's tags say so", { ...requested(FLEET_VPC), ...tagged }, use('created')],
    ['uses the connection as created if the fleet has lost its tags', { hasLostTags: true, ...active }, use('created')],
    ['then uses it as adopted if adoptExisting is set', { hasLostTags: true, adoptExisting, ...active }, use('adopted')],
    ['waits for the note of another run if the connection existed in the first read', active, waitForNote(true)],
    [
      'waits for the note of another run if GameLift refused the request because the connection exists',
      { claim: claim({ peeredBefore: [] }), ...refused, ...active },
      waitForNote(false),
    ],
    ['fails if the connection exists and no other run has noted it', { ...active, hasWaitedForNote: true }, EXISTS],
    ['adopts a connection that no other run has noted', { ...active, hasWaitedForNote: true, adoptExisting }, use('adopted')],
    ['waits until the connection that it adopts is active', { ...pending, hasWaitedForNote: true, adoptExisting }, WAIT],
    [
      'gets an authorization if its connection has failed',
      { ...requested(), existing: ended(false) },
      prepareRetry('no authorization'),
    ],
    ['fails if its connection would fail again', { ...requested(), existing: ended(true) }, failed(true)],
    ['fails if a connection that it did not request has failed', { existing: ended(false) }, failed(false)],

    ['peerOnCreate: reads the list first', { peerOnCreate }, LIST],
    ['peerOnCreate: waits if the list shows no connection', { peerOnCreate, ...none }, WAIT],
    [
      'peerOnCreate: waits if the list no longer shows the noted connection',
      { peerOnCreate, claim: claim(created), ...none },
      WAIT,
    ],
    ['peerOnCreate: waits until the connection is active', { peerOnCreate, ...pending }, WAIT],
    ['peerOnCreate: uses it as created if the claim still exists', { peerOnCreate, ...active }, use('created', true)],
    [
      'peerOnCreate: uses it as created even if the note says that it existed before',
      { ...requested(FLEET_VPC), peerOnCreate, ...active },
      use('created', true),
    ],
    ['peerOnCreate: uses it again after it was noted', { peerOnCreate, claim: claim(created), ...active }, use('created')],
    ["peerOnCreate: uses it again because of EC2's tags", { peerOnCreate, ...tagged }, use('created')],
    ['peerOnCreate: waits for a note if another resource has tagged it', { peerOnCreate, ...taggedByOther }, waitForNote(true)],
    [
      'peerOnCreate: then fails, and names that resource',
      { peerOnCreate, ...taggedByOther, hasWaitedForNote: true },
      fail({ kind: 'exists already', found: foundOfOther }),
    ],
    [
      'fails if another resource claims it',
      { peerOnCreate, claim: claim(claimedByOther), ...active },
      fail({ kind: 'conflict', conflict: BELONGS }),
    ],
    [
      'peerOnCreate: adopts it if adoptExisting is set, too',
      { peerOnCreate, adoptExisting, ...active, hasWaitedForNote: true },
      use('adopted'),
    ],
    ['peerOnCreate: fails if the connection has ended', { peerOnCreate, existing: ended(false) }, failed(false)],
    [
      'peerOnCreate: fails if the noted connection has ended',
      { peerOnCreate, claim: claim(created), mayHaveRequested: true, existing: ended(false) },
      failed(false),
    ],
  ])('%s', (_, change, step) => {
    expect(decide(situation(change))).toEqual(step);
  });
});

const LEAVE: FinalCheck = { kind: 'leave to its adopter', owner: OTHER };

test.each<readonly [string, Partial<Claim>, boolean, FinalCheck]>([
  ['uses the connection if it is still claimed and no other resource has noted it', {}, true, { kind: 'use' }],
  ['deletes the connection if a delete has removed the claim', {}, false, { kind: 'undo' }],
  ['deletes it even if another resource claims it', claimedByOther, false, { kind: 'undo' }],
  ['uses it if another resource claims it but has not noted it', claimedByOther, true, { kind: 'use' }],
  [
    'uses it if another resource has noted an earlier connection',
    { otherClaims: [otherClaim(noted('created', EARLIER_ID))] },
    true,
    { kind: 'use' },
  ],
  ['leaves it to the resource that has adopted it', adoptedByOther, true, LEAVE],
  ['leaves it to the resource that has noted it as created', createdByOther, true, LEAVE],
  [
    'leaves it to the adopter instead of deleting it',
    { otherClaims: [otherClaim(), ...adoptedByOther.otherClaims] },
    false,
    LEAVE,
  ],
])('decideBeforeUse: %s', (_, change, isWanted, check) => {
  expect(decideBeforeUse(claim(change), isWanted, ID)).toEqual(check);
});

test.each([
  ['authorizes after the first refusal', 1, 0, 0, 'not checked', 'authorize'],
  ['checks for an authorization after the second refusal', 2, 0, 0, 'not checked', 'list authorizations'],
  ['authorizes again if none is listed', 2, 0, 0, 'no', 'authorize'],
  [
    'authorizes again as long as other connections may have consumed the authorization',
    MAX_CONCURRENT_CONNECTIONS,
    3,
    999_999,
    'no',
    'authorize',
  ],
  ['tries again at once if one is listed, which may be new', 2, 1, 999_999, 'yes', 'try again'],
  ['tries again later if that did not help, because a permission may be new', 3, 2, 74_999, 'yes', 'try again later'],
  ['gives up when new permissions have reached all of AWS', 3, 2, 75_000, 'yes', 'give up'],
  ['gives up after more refusals than other connections can cause', MAX_CONCURRENT_CONNECTIONS + 1, 0, 0, 'no', 'give up'],
  ['does not check for an authorization before it gives up', MAX_CONCURRENT_CONNECTIONS + 1, 0, 0, 'not checked', 'give up'],
] as const)('decideAfterRefusal: %s', (_, count, countWhileListed, elapsed, isListed, next) => {
  const maximum = MAX_CONCURRENT_CONNECTIONS;
  expect(decideAfterRefusal({ count, countWhileListed, elapsed, maximum }, isListed)).toBe(next);
});

test.each([
  ['if GameLift keeps refusing its deletion', true, 'it ends with its fleet', true],
  ['not if GameLift accepted the deletion without effect', true, undefined, false],
  ['not if a permission in EC2 is missing', true, 'not authorized to perform ec2:DeleteRoute', false],
  ['not if it was requested', false, 'it ends with its fleet', false],
] as const)('endsWithFleet: %s', (_, isPeeredOnCreate, refusal, ends) => {
  expect(isKeptUntilFleetIsDeleted(isPeeredOnCreate, refusal)).toBe(ends);
});

describe('decideDelete', () => {
  const RELEASE: DeleteStep = { kind: 'release the claim' };
  const LIST: DeleteStep = { kind: 'read the list' };
  const READ_EC2: DeleteStep = { kind: 'read EC2' };
  const UNDO: DeleteStep = { kind: 'undo changes' };
  const leave = (why: string): DeleteStep => ({ kind: 'leave it', why });
  const LEAVE_TO_OTHER = leave('the peering connection belongs to resource Peering of stack Other (guid)');
  const NOTHING_CREATED = leave('no peering connection was created');
  const disconnect = (connection?: DeletableConnection): DeleteStep => ({ kind: 'disconnect', connection });

  const withNote = (change: Partial<Claim>): Partial<DeleteSituation> => ({ claim: claim({ isClaimed: false, ...change }) });
  const requested = (...peeredBefore: string[]): Partial<DeleteSituation> => ({
    ...withNote({ peeredBefore }),
    view: shown(),
    listed: [peering()],
  });
  const requestedOther = { ...requested(), ...withNote({ peeredBefore: [], ...createdByOther }) };
  const unreadable = { ...withNote({ requestId: undefined }), hasReleased: false };
  const unfinished = (requestId: string) => ({ physicalId: { kind: 'unfinished', requestId } }) as const;
  const unavailable = { view: UNAVAILABLE };
  const onCreate = { peerOnCreate, ...unfinished('request-1'), view: shown(ec2Side()), listed: [peering()] };
  const failed = peering({ status: 'failed' });

  test.each<readonly [string, Partial<DeleteSituation>, DeleteStep]>([
    ['releases the claim first', { claim: claim(), hasReleased: false }, RELEASE],
    ['releases a claim that can not be read, because a create may be writing it', unreadable, RELEASE],
    ['releases the claim again if a create has written it again', { claim: claim() }, RELEASE],
    [
      'deletes the connection that it has created and noted, without releasing the claim first',
      { claim: claim(created), hasReleased: false },
      disconnect(noted('created')),
    ],
    [
      'deletes the connection that it has created if adoptExisting was set later',
      { ...withNote(created), adoptExisting },
      disconnect(noted('created')),
    ],
    [
      'deletes the connection that it has created and another resource claims',
      withNote({ ...created, ...claimedByOther }),
      disconnect(noted('created')),
    ],
    [
      'leaves the connection that it has created to the resource that adopted it',
      withNote({ ...created, ...adoptedByOther }),
      LEAVE_TO_OTHER,
    ],
    ['undoes its changes to an adopted connection', { ...withNote(adopted), adoptExisting }, UNDO],
    ['deletes an adopted connection if adoptExisting is no longer set', withNote(adopted), disconnect(noted('adopted'))],
    ['does not delete a connection that another resource has adopted, too', withNote({ ...adopted, ...adoptedByOther }), UNDO],
    ['leaves the connection to another resource that claims it if nothing is noted', withNote(claimedByOther), LEAVE_TO_OTHER],
    [
      'leaves a connection that a later request of the same resource has claimed',
      { ...unfinished('request-0'), claim: claim(), hasReleased: false },
      leave('the peering connection belongs to a later request'),
    ],
    [
      'deletes the connection that the failed request has noted',
      { ...unfinished('request-1'), ...withNote(created) },
      disconnect(noted('created')),
    ],
    ['releases the claim of a failed request that can not be read', { ...unfinished('request-1'), ...unreadable }, RELEASE],
    [
      'deletes the connection that a later update has noted',
      withNote({ ...created, requestId: 'request-2' }),
      disconnect(noted('created')),
    ],

    ['reads the list if it has noted a request', withNote({ peeredBefore: [] }), LIST],
    ['reads EC2, too, which may still show a failed connection', { ...requested(), view: undefined }, READ_EC2],
    ['deletes the connection that it has requested', requested(UNRELATED_VPC), disconnect(peering())],
    ["deletes it if EC2 can't be read", { ...requested(), ...unavailable }, disconnect(peering())],
    ['leaves a connection that existed before the request', requested(FLEET_VPC), disconnect()],
    ['leaves a connection that another resource has noted since', requestedOther, disconnect()],
    ['deletes nothing if its request has failed', { ...requested(), listed: [failed] }, disconnect()],
    [
      'deletes a connection that GameLift lists as failed and EC2 still shows',
      { ...requested(), listed: [failed], view: shown(ec2Side()) },
      disconnect(failed),
    ],

    ['reads the tags in EC2 if nothing is noted', {}, READ_EC2],
    [
      "deletes the connection that it created according to EC2's tags",
      { view: shown(ec2Side()), tagged: noted('created') },
      disconnect(noted('created')),
    ],
    ['deletes nothing if EC2 shows no tags of this resource', { view: shown(ec2Side()) }, disconnect()],
    ['leaves the connection if adoptExisting is set and the fleet has lost its tags', { ...unavailable, adoptExisting }, UNDO],
    ["reads the list if the fleet has lost its tags and EC2 can't be read", unavailable, LIST],
    ["deletes because of the physical id if EC2 can't be read", { ...unavailable, listed: [peering()] }, disconnect(peering())],
    ['deletes no failed connection', { ...unavailable, listed: [failed] }, disconnect()],
    [
      'deletes nothing if nothing was noted and the create failed',
      { ...unfinished('request-1'), ...unavailable },
      NOTHING_CREATED,
    ],
    ['deletes nothing if the create had done nothing', { physicalId: { kind: 'nothing done' }, ...unavailable }, NOTHING_CREATED],
    ['deletes nothing if the physical id is unknown', { physicalId: { kind: 'unknown' }, ...unavailable }, NOTHING_CREATED],

    ['peerOnCreate: releases the claim first', { ...onCreate, claim: claim(), hasReleased: false }, RELEASE],
    ['peerOnCreate: reads the tags in EC2 first', { ...onCreate, view: undefined }, READ_EC2],
    ['peerOnCreate: reads the list first', { ...onCreate, listed: undefined }, LIST],
    ['peerOnCreate: deletes the connection after a failed create', onCreate, disconnect(peering())],
    ["peerOnCreate: deletes it if EC2 can't be read", { ...onCreate, ...unavailable }, disconnect(peering())],
    [
      'peerOnCreate: deletes it if the physical id is unknown',
      { ...onCreate, physicalId: { kind: 'unknown' } },
      disconnect(peering()),
    ],
    [
      'peerOnCreate: deletes it if the fleet has lost its tags',
      { ...onCreate, physicalId: { kind: 'created' } },
      disconnect(peering()),
    ],
    ['peerOnCreate: deletes nothing if the connection is gone', { ...onCreate, listed: [failed], view: shown() }, disconnect()],
    ['peerOnCreate: leaves it to the resource that has tagged it', { ...onCreate, view: shown(ec2SideOfOther()) }, disconnect()],
    ['peerOnCreate: leaves it to the resource that claims it', { ...onCreate, ...withNote(claimedByOther) }, LEAVE_TO_OTHER],
    [
      'peerOnCreate: deletes nothing if the create had done nothing',
      { ...onCreate, physicalId: { kind: 'nothing done' } },
      NOTHING_CREATED,
    ],
    [
      'peerOnCreate: deletes nothing after a failed create if adoptExisting is set',
      { ...onCreate, adoptExisting },
      NOTHING_CREATED,
    ],
  ])('%s', (_, change, step) => {
    expect(decideDelete(deleteSituation(change))).toEqual(step);
  });
});

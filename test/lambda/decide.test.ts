import { MAX_CONCURRENT_CONNECTIONS } from '../../lib/contract';
import type { Claim } from '../../lambda/peering/claim';
import {
  decide,
  decideAfterRefusal,
  decideBeforeUse,
  decideDelete,
  endsWithFleet,
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
  ['lets a resource have what nobody else claims', {}, false, undefined],
  ['refuses what another resource claims', claimedByOther, false, BELONGS],
  ['refuses it after a request of its own, too', { ...claimedByOther, peeredBefore: [] }, false, BELONGS],
  ['refuses what another resource has adopted', adoptedByOther, false, BELONGS],
  ['lets a resource adopt what another one claims', claimedByOther, true, undefined],
  ['lets a resource adopt what another one made', createdByOther, true, undefined],
  ['refuses to adopt what another resource has adopted', adoptedByOther, true, ADOPTED],
  ['keeps what it has noted, whoever else claims it', { ...claimedByOther, ...created }, false, undefined],
  ['keeps what another one has adopted since', { ...adoptedByOther, ...created }, true, undefined],
])('conflictOf: %s', (_, change, isAdopting, refusal) => {
  expect(conflictOf(claim(change), isAdopting)).toEqual(refusal);
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
  const waitForNote = (wasThereBefore: boolean): Step => ({ kind: 'wait for a note', peering: peering(), wasThereBefore });

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
    ['requests the connection at once if nothing hints at one', {}, REQUEST],
    ['reads the list first if it has noted a connection', { claim: claim(created) }, LIST],
    ['reads the list first if an earlier run has noted a request', requested(), LIST],
    ['reads the list first if it may adopt what another one claims', { adoptExisting, claim: claim(claimedByOther) }, LIST],
    ['waits after GameLift has accepted the request', { ...requested(), ...accepted }, WAIT],
    ['requests the connection if the list shows none', none, REQUEST],
    ['gets an authorization after a refusal', { ...none, ...refused }, prepareRetry('InvalidRequestException: no')],
    ['fails if another resource claims it', { claim: claim(claimedByOther) }, fail({ kind: 'conflict', conflict: BELONGS })],
    ['fails if a deletion has removed the claim', removed, fail({ kind: 'claim removed', found: undefined })],
    ['says then which connection is there', { ...removed, ...active }, fail({ kind: 'claim removed', found: found() })],
    [
      'says then also which resource made it',
      { ...removed, ...taggedByOther },
      fail({ kind: 'claim removed', found: foundOfOther }),
    ],
    ['uses the connection that it has made', { claim: claim(created), ...active }, use('created')],
    ['waits for the connection that it has made', { claim: claim(created), ...pending }, WAIT],
    [
      'uses one that it adopted as adopted, even if that is no longer declared',
      { claim: claim(adopted), ...active },
      use('adopted'),
    ],
    ['uses the connection that somebody has made again by hand', { claim: earlier, ...active }, use('created')],
    [
      'uses the connection that an earlier run of the same request requested',
      { ...requested(), ...active },
      use('created', true),
    ],
    ['uses what it has requested next to others', { ...requested(UNRELATED_VPC), ...active }, use('created', true)],
    ['fails if the connection was there before the request', { ...requested(UNRELATED_VPC, FLEET_VPC), ...active }, EXISTS],
    ['adopts one that was there before the request', { ...requested(FLEET_VPC), ...active, adoptExisting }, use('adopted')],
    ["uses it as its own by EC2's tags", { ...requested(FLEET_VPC), ...tagged }, use('created')],
    ['uses the connection of a stripped fleet as its own', { hasLostTags: true, ...active }, use('created')],
    ['uses it as adopted if adoptExisting is set', { hasLostTags: true, adoptExisting, ...active }, use('adopted')],
    ['waits for the note of another run if the connection was there at first', active, waitForNote(true)],
    [
      'waits for the note of another run if GameLift refused the request because the connection exists',
      { claim: claim({ peeredBefore: [] }), ...refused, ...active },
      waitForNote(false),
    ],
    ['fails if it exists and no other run has noted it', { ...active, hasWaitedForNote: true }, EXISTS],
    ['adopts what no other run has noted', { ...active, hasWaitedForNote: true, adoptExisting }, use('adopted')],
    ['waits until what it adopts is active', { ...pending, hasWaitedForNote: true, adoptExisting }, WAIT],
    [
      'gets an authorization if its connection has failed',
      { ...requested(), existing: ended(false) },
      prepareRetry('no authorization'),
    ],
    ['fails if its connection can only fail again', { ...requested(), existing: ended(true) }, failed(true)],
    ['fails if a connection has failed that it did not request', { existing: ended(false) }, failed(false)],

    ['reads the list for what GameLift made with the fleet', { peerOnCreate }, LIST],
    ['waits for what GameLift makes with the fleet if the list shows none', { peerOnCreate, ...none }, WAIT],
    ['waits for it if the list no longer shows what it has noted', { peerOnCreate, claim: claim(created), ...none }, WAIT],
    ['waits until it is active', { peerOnCreate, ...pending }, WAIT],
    ['uses it as its own, as long as the claim is there', { peerOnCreate, ...active }, use('created', true)],
    [
      'uses it although a request has noted it as there before',
      { ...requested(FLEET_VPC), peerOnCreate, ...active },
      use('created', true),
    ],
    ['uses it again once it is noted', { peerOnCreate, claim: claim(created), ...active }, use('created')],
    ['uses it again by its tags', { peerOnCreate, ...tagged }, use('created')],
    ['waits for a note if another resource has tagged it', { peerOnCreate, ...taggedByOther }, waitForNote(true)],
    [
      'fails if that one keeps it, and says which one it is',
      { peerOnCreate, ...taggedByOther, hasWaitedForNote: true },
      fail({ kind: 'exists already', found: foundOfOther }),
    ],
    [
      'fails if another resource claims it',
      { peerOnCreate, claim: claim(claimedByOther), ...active },
      fail({ kind: 'conflict', conflict: BELONGS }),
    ],
    ['adopts it if that is declared, too', { peerOnCreate, adoptExisting, ...active, hasWaitedForNote: true }, use('adopted')],
    ['fails if what GameLift made with the fleet has ended', { peerOnCreate, existing: ended(false) }, failed(false)],
    [
      'fails if what it has noted has ended',
      { peerOnCreate, claim: claim(created), mayHaveRequested: true, existing: ended(false) },
      failed(false),
    ],
  ])('%s', (_, change, step) => {
    expect(decide(situation(change))).toEqual(step);
  });
});

const LEAVE: FinalCheck = { kind: 'leave to its adopter', owner: OTHER };

test.each<readonly [string, Partial<Claim>, boolean, FinalCheck]>([
  ['uses the connection if it is still wanted and nobody else has it', {}, true, { kind: 'use' }],
  ['undoes the connection if a deletion has removed the claim', {}, false, { kind: 'undo' }],
  ['undoes it although another resource claims it', claimedByOther, false, { kind: 'undo' }],
  ['uses it although another resource claims it without having it', claimedByOther, true, { kind: 'use' }],
  [
    'uses it if another one had an earlier one',
    { otherClaims: [otherClaim(noted('created', EARLIER_ID))] },
    true,
    { kind: 'use' },
  ],
  ['leaves it to the resource that has adopted it', adoptedByOther, true, LEAVE],
  ['leaves it to the resource that has noted it as made', createdByOther, true, LEAVE],
  ['leaves it instead of undoing it', { otherClaims: [otherClaim(), ...adoptedByOther.otherClaims] }, false, LEAVE],
])('decideBeforeUse: %s', (_, change, isWanted, check) => {
  expect(decideBeforeUse(claim(change), isWanted, ID)).toEqual(check);
});

test.each([
  ['authorizes after the first refusal', 1, 0, 0, 'not checked', 'authorize'],
  ['looks whether an authorization is left after the second', 2, 0, 0, 'not checked', 'list authorizations'],
  ['authorizes again if none is left', 2, 0, 0, 'no', 'authorize'],
  [
    'authorizes again for as long as others may consume authorizations',
    MAX_CONCURRENT_CONNECTIONS,
    3,
    999_999,
    'no',
    'authorize',
  ],
  ['tries again at once if one is left, which may have come since', 2, 1, 999_999, 'yes', 'try again'],
  ['tries again later if that did not help, as a permission may be new', 3, 2, 74_999, 'yes', 'try again later'],
  ['gives up once permissions are known everywhere', 3, 2, 75_000, 'yes', 'give up'],
  ['gives up after more refusals than other connections can cause', MAX_CONCURRENT_CONNECTIONS + 1, 0, 0, 'no', 'give up'],
  ['does not look for an authorization before it gives up', MAX_CONCURRENT_CONNECTIONS + 1, 0, 0, 'not checked', 'give up'],
] as const)('decideAfterRefusal: %s', (_, count, countWhileListed, elapsed, isListed, next) => {
  const maximum = MAX_CONCURRENT_CONNECTIONS;
  expect(decideAfterRefusal({ count, countWhileListed, elapsed, maximum }, isListed)).toBe(next);
});

test.each([
  ['if GameLift goes on refusing its deletion', true, 'it ends with its fleet', true],
  ['not if GameLift accepted the deletion, and did nothing', true, undefined, false],
  ['not if a permission in EC2 is missing', true, 'not authorized to perform ec2:DeleteRoute', false],
  ['not if it was requested', false, 'it ends with its fleet', false],
] as const)('endsWithFleet: %s', (_, isPeeredOnCreate, refusal, ends) => {
  expect(endsWithFleet(isPeeredOnCreate, refusal)).toBe(ends);
});

describe('decideDelete', () => {
  const RELEASE: DeleteStep = { kind: 'release the claim' };
  const LIST: DeleteStep = { kind: 'read the list' };
  const ASK: DeleteStep = { kind: 'read EC2' };
  const UNDO: DeleteStep = { kind: 'undo changes' };
  const leave = (why: string): DeleteStep => ({ kind: 'leave it', why });
  const LEAVE_TO_OTHER = leave('the peering connection belongs to resource Peering of stack Other (guid)');
  const NOTHING_MADE = leave('no peering connection was created');
  const disconnect = (connection?: DeletableConnection): DeleteStep => ({ kind: 'disconnect', connection });

  const isNoted = (change: Partial<Claim>): Partial<DeleteSituation> => ({ claim: claim({ isClaimed: false, ...change }) });
  const requested = (...peeredBefore: string[]): Partial<DeleteSituation> => ({
    ...isNoted({ peeredBefore }),
    view: shown(),
    listed: [peering()],
  });
  const requestedOther = { ...requested(), ...isNoted({ peeredBefore: [], ...createdByOther }) };
  const unreadable = { ...isNoted({ requestId: undefined }), hasReleased: false };
  const unfinished = (requestId: string) => ({ physicalId: { kind: 'unfinished', requestId } }) as const;
  const unavailable = { view: UNAVAILABLE };
  const onCreate = { peerOnCreate, ...unfinished('request-1'), view: shown(ec2Side()), listed: [peering()] };
  const failed = peering({ status: 'failed' });

  test.each<readonly [string, Partial<DeleteSituation>, DeleteStep]>([
    ['releases the claim first', { claim: claim(), hasReleased: false }, RELEASE],
    ['releases a claim that can not be read, since a create may be writing it', unreadable, RELEASE],
    ['releases the claim again if a create has written it again', { claim: claim() }, RELEASE],
    [
      'deletes what it has made, without releasing it first',
      { claim: claim(created), hasReleased: false },
      disconnect(noted('created')),
    ],
    [
      'deletes what it has made if adoptExisting was set later',
      { ...isNoted(created), adoptExisting },
      disconnect(noted('created')),
    ],
    ['deletes what it has made and another one claims', isNoted({ ...created, ...claimedByOther }), disconnect(noted('created'))],
    ['leaves what it has made to the resource that adopted it', isNoted({ ...created, ...adoptedByOther }), LEAVE_TO_OTHER],
    ['undoes the changes to what it has adopted', { ...isNoted(adopted), adoptExisting }, UNDO],
    ['deletes what it has adopted if adoptExisting is no longer set', isNoted(adopted), disconnect(noted('adopted'))],
    ['does not delete what another one has adopted, too', isNoted({ ...adopted, ...adoptedByOther }), UNDO],
    ['leaves everything to another one that claims it if it has noted nothing', isNoted(claimedByOther), LEAVE_TO_OTHER],
    [
      'leaves what a later request of its own has claimed',
      { ...unfinished('request-0'), claim: claim(), hasReleased: false },
      leave('the peering connection belongs to a later request'),
    ],
    [
      'deletes what the failed request has noted',
      { ...unfinished('request-1'), ...isNoted(created) },
      disconnect(noted('created')),
    ],
    ['releases the claim of a failed request that can not be read', { ...unfinished('request-1'), ...unreadable }, RELEASE],
    ['deletes what a later update has noted', isNoted({ ...created, requestId: 'request-2' }), disconnect(noted('created'))],

    ['reads the list if it has noted a request', isNoted({ peeredBefore: [] }), LIST],
    ['asks EC2 too, which may still show one that failed', { ...requested(), view: undefined }, ASK],
    ['deletes the connection that it has requested', requested(UNRELATED_VPC), disconnect(peering())],
    ['deletes it where EC2 can not be asked', { ...requested(), ...unavailable }, disconnect(peering())],
    ['leaves a connection that was there before the request', requested(FLEET_VPC), disconnect()],
    ['leaves a connection that another resource has made since', requestedOther, disconnect()],
    ['deletes nothing if its request came to nothing', { ...requested(), listed: [failed] }, disconnect()],
    [
      'deletes one that has failed, and is there',
      { ...requested(), listed: [failed], view: shown(ec2Side()) },
      disconnect(failed),
    ],

    ['asks EC2 for its tags if it has noted nothing', {}, ASK],
    ["deletes what EC2's tags say it made", { view: shown(ec2Side()), tagged: noted('created') }, disconnect(noted('created'))],
    ['deletes nothing that EC2 shows without its tags', { view: shown(ec2Side()) }, disconnect()],
    ['leaves the connection of a stripped fleet if adoptExisting is set', { ...unavailable, adoptExisting }, UNDO],
    ['reads the list of a stripped fleet where EC2 can not be asked', unavailable, LIST],
    ['deletes by the physical id where EC2 can not be asked', { ...unavailable, listed: [peering()] }, disconnect(peering())],
    ['deletes nothing that failed', { ...unavailable, listed: [failed] }, disconnect()],
    [
      'leaves everything if nothing was noted and the create failed',
      { ...unfinished('request-1'), ...unavailable },
      NOTHING_MADE,
    ],
    ['leaves everything if the create had done nothing', { physicalId: { kind: 'nothing done' }, ...unavailable }, NOTHING_MADE],
    ['leaves everything by a physical id of something else', { physicalId: { kind: 'unknown' }, ...unavailable }, NOTHING_MADE],

    [
      'releases the claim first, if GameLift made it with the fleet',
      { ...onCreate, claim: claim(), hasReleased: false },
      RELEASE,
    ],
    ['asks EC2 for its tags first', { ...onCreate, view: undefined }, ASK],
    ['reads the list for what GameLift made with the fleet', { ...onCreate, listed: undefined }, LIST],
    ['deletes that after a create that failed', onCreate, disconnect(peering())],
    ['deletes it where EC2 can not be asked', { ...onCreate, ...unavailable }, disconnect(peering())],
    ['deletes it by a physical id of something else', { ...onCreate, physicalId: { kind: 'unknown' } }, disconnect(peering())],
    ['deletes it if the fleet was stripped', { ...onCreate, physicalId: { kind: 'created' } }, disconnect(peering())],
    ['deletes nothing if it is gone', { ...onCreate, listed: [failed], view: shown() }, disconnect()],
    ['leaves it to the resource that has tagged it', { ...onCreate, view: shown(ec2SideOfOther()) }, disconnect()],
    ['leaves it to the resource that claims it', { ...onCreate, ...isNoted(claimedByOther) }, LEAVE_TO_OTHER],
    ['leaves it if the create had done nothing', { ...onCreate, physicalId: { kind: 'nothing done' } }, NOTHING_MADE],
    ['leaves it if adoptExisting is set after a create that failed', { ...onCreate, adoptExisting }, NOTHING_MADE],
  ])('%s', (_, change, step) => {
    expect(decideDelete(deleteSituation(change))).toEqual(step);
  });
});

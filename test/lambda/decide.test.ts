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
  CONNECTION_ID,
  deleteSituation,
  EARLIER_CONNECTION_ID,
  ec2Side,
  ec2SideWithOtherOwner,
  ec2ViewOf,
  endedConnection,
  endedState,
  FLEET_VPC,
  foundConnection,
  listedConnection,
  notedConnection,
  OTHER_OWNER,
  otherClaim,
  situation,
  UNAVAILABLE_VIEW,
  UNRELATED_VPC,
} from './situations';

const OWNER_TEXT = 'resource Peering of stack Other (guid), according to a tag on the fleet';
const BELONGS_TO_OTHER: Conflict = {
  what: `the peering connection belongs to ${OWNER_TEXT}`,
  remedy: 'remove it there, or pass adoptExisting to the VpcPeeringConnection to use it',
};
const ADOPTED_BY_OTHER: Conflict = {
  what: `the peering connection was adopted by ${OWNER_TEXT}`,
  remedy: 'remove it there first',
};

const notedAsCreated = { connection: notedConnection('created') };
const notedAsAdopted = { connection: notedConnection('adopted') };
const claimedByOther = { otherClaims: [otherClaim()] };
const createdByOther = { otherClaims: [otherClaim(notedConnection('created'))] };
const adoptedByOther = { otherClaims: [otherClaim(notedConnection('adopted'))] };
const adoptExisting = true;
const peerOnCreate = true;

test.each<readonly [string, Partial<Claim>, 'adopter' | 'creator', Conflict | undefined]>([
  ['no conflict if no other resource claims the connection', {}, 'creator', undefined],
  ['a conflict if another resource claims the connection', claimedByOther, 'creator', BELONGS_TO_OTHER],
  [
    'a conflict if another resource claims the connection, even after this resource has requested it',
    { ...claimedByOther, peeredBefore: [] },
    'creator',
    BELONGS_TO_OTHER,
  ],
  ['a conflict if another resource has adopted the connection', adoptedByOther, 'creator', BELONGS_TO_OTHER],
  ['no conflict for an adopter if another resource claims the connection', claimedByOther, 'adopter', undefined],
  ['no conflict for an adopter if another resource created the connection', createdByOther, 'adopter', undefined],
  ['a conflict for an adopter if another resource has adopted the connection', adoptedByOther, 'adopter', ADOPTED_BY_OTHER],
  [
    'no conflict after this resource has noted the connection, even if another resource claims the connection',
    { ...claimedByOther, ...notedAsCreated },
    'creator',
    undefined,
  ],
  [
    'no conflict after this resource has noted the connection, even if another resource has adopted the connection since',
    { ...adoptedByOther, ...notedAsCreated },
    'adopter',
    undefined,
  ],
])('conflictOf returns %s', (_, change, role, conflict) => {
  expect(conflictOf(claim(change), role === 'adopter')).toEqual(conflict);
});

test('conflictOf names the resource that has adopted the connection rather than a resource that only claims the connection', () => {
  const otherClaims = [{ ...otherClaim(), owner: 'Third/Peering/guid' }, ...adoptedByOther.otherClaims];
  expect(conflictOf(claim({ otherClaims }), false)).toEqual(BELONGS_TO_OTHER);
});

describe('decide', () => {
  const PENDING = { status: 'pending-acceptance' };
  const READ_LIST: Step = { kind: 'read the list' };
  const REQUEST: Step = { kind: 'request' };
  const WAIT: Step = { kind: 'wait until active' };
  const prepareRetry = (message: string): Step => ({ kind: 'prepare a retry', message });
  const use = (origin: 'created' | 'adopted', { mustNoteCreation = false } = {}): Step => ({
    kind: 'use',
    peering: listedConnection(),
    origin,
    mustNoteCreation,
  });
  const fail = (why: Failure): Step => ({ kind: 'fail', why });
  const FAIL_BECAUSE_IT_EXISTS = fail({ kind: 'exists already', found: foundConnection() });
  const failEnded = (options: { readonly wouldEndAgain: boolean }): Step =>
    fail({ kind: 'ended', connection: endedConnection(options) });
  const waitForNote = ({ existedBefore }: { readonly existedBefore: boolean }): Step => ({
    kind: 'wait for a note',
    peering: listedConnection(),
    existedBefore,
  });

  const requestAccepted = { request: { kind: 'accepted' } } as const;
  const requestRefused = { request: { kind: 'refused', message: 'InvalidRequestException: no' } } as const;
  const noneListed = { existing: { kind: 'none' } } as const;
  const activeFound = { existing: foundConnection() };
  const connectionOfOther = foundConnection({}, { kind: 'another resource', name: OTHER_OWNER });
  const taggedByOther = { existing: connectionOfOther };
  const taggedByThis = { existing: foundConnection({}, { kind: 'this resource' }) };
  const pendingFound = { existing: foundConnection(PENDING) };
  /** This resource has requested a connection, and noted which VPCs were peered before. */
  const afterRequest = (...peeredBefore: string[]): Partial<Situation> => ({
    claim: claim({ peeredBefore }),
    mayHaveRequested: true,
  });
  const claimRemoved = { claim: claim({ isClaimed: false }) };
  const earlierClaim = claim({ connection: notedConnection('created', EARLIER_CONNECTION_ID) });

  test.each<readonly [string, Partial<Situation>, Step]>([
    ['requests the connection at once if there is no evidence of a connection', {}, REQUEST],
    ['reads the list first if this resource has noted a connection', { claim: claim(notedAsCreated) }, READ_LIST],
    ['reads the list first if an earlier run has noted a request', afterRequest(), READ_LIST],
    [
      'reads the list first if it may adopt a connection that another resource claims',
      { adoptExisting, claim: claim(claimedByOther) },
      READ_LIST,
    ],
    ['waits after GameLift has accepted the request', { ...afterRequest(), ...requestAccepted }, WAIT],
    ['requests the connection if the list shows no connection', noneListed, REQUEST],
    [
      'prepares another request after GameLift has refused the request',
      { ...noneListed, ...requestRefused },
      prepareRetry('InvalidRequestException: no'),
    ],
    [
      'fails if another resource claims the connection',
      { claim: claim(claimedByOther) },
      fail({ kind: 'conflict', conflict: BELONGS_TO_OTHER }),
    ],
    ['fails if a delete has removed the claim', claimRemoved, fail({ kind: 'claim removed', found: undefined })],
    [
      'reports the connection that exists after a delete has removed the claim',
      { ...claimRemoved, ...activeFound },
      fail({ kind: 'claim removed', found: foundConnection() }),
    ],
    [
      'reports which resource created the connection after a delete has removed the claim',
      { ...claimRemoved, ...taggedByOther },
      fail({ kind: 'claim removed', found: connectionOfOther }),
    ],
    ['uses the connection that this resource has created', { claim: claim(notedAsCreated), ...activeFound }, use('created')],
    ['waits for the connection that this resource has created', { claim: claim(notedAsCreated), ...pendingFound }, WAIT],
    [
      'uses an adopted connection as adopted, even if adoptExisting is no longer declared',
      { claim: claim(notedAsAdopted), ...activeFound },
      use('adopted'),
    ],
    ['uses the connection that somebody has created again by hand', { claim: earlierClaim, ...activeFound }, use('created')],
    [
      'uses the connection that an earlier run of the same request requested',
      { ...afterRequest(), ...activeFound },
      use('created', { mustNoteCreation: true }),
    ],
    [
      'uses the connection that this resource has requested if unrelated connections exist',
      { ...afterRequest(UNRELATED_VPC), ...activeFound },
      use('created', { mustNoteCreation: true }),
    ],
    [
      'fails if the connection existed before the request',
      { ...afterRequest(UNRELATED_VPC, FLEET_VPC), ...activeFound },
      FAIL_BECAUSE_IT_EXISTS,
    ],
    [
      'adopts a connection that existed before the request',
      { ...afterRequest(FLEET_VPC), ...activeFound, adoptExisting },
      use('adopted'),
    ],
    [
      "uses a connection as created if EC2's tags name this resource",
      { ...afterRequest(FLEET_VPC), ...taggedByThis },
      use('created'),
    ],
    ['uses a connection as created if the fleet has lost its tags', { hasLostTags: true, ...activeFound }, use('created')],
    [
      'uses a connection as adopted if the fleet has lost its tags and adoptExisting is set',
      { hasLostTags: true, adoptExisting, ...activeFound },
      use('adopted'),
    ],
    [
      'waits for the note of another run if the connection existed in the first read',
      activeFound,
      waitForNote({ existedBefore: true }),
    ],
    [
      'waits for the note of another run if GameLift refused the request because the connection exists',
      { claim: claim({ peeredBefore: [] }), ...requestRefused, ...activeFound },
      waitForNote({ existedBefore: false }),
    ],
    [
      'fails if the connection exists and no other run has noted it',
      { ...activeFound, hasWaitedForNote: true },
      FAIL_BECAUSE_IT_EXISTS,
    ],
    [
      'adopts a connection that no other run has noted',
      { ...activeFound, hasWaitedForNote: true, adoptExisting },
      use('adopted'),
    ],
    ['waits until the connection that it adopts is active', { ...pendingFound, hasWaitedForNote: true, adoptExisting }, WAIT],
    [
      'prepares another request if the requested connection has failed',
      { ...afterRequest(), existing: endedState({ wouldEndAgain: false }) },
      prepareRetry('no authorization'),
    ],
    [
      'fails if the requested connection has failed and would fail again',
      { ...afterRequest(), existing: endedState({ wouldEndAgain: true }) },
      failEnded({ wouldEndAgain: true }),
    ],
    [
      'fails if a connection has failed that this resource did not request',
      { existing: endedState({ wouldEndAgain: false }) },
      failEnded({ wouldEndAgain: false }),
    ],

    ['peerOnCreate: reads the list first', { peerOnCreate }, READ_LIST],
    ['peerOnCreate: waits if the list shows no connection', { peerOnCreate, ...noneListed }, WAIT],
    [
      'peerOnCreate: waits if the list no longer shows the noted connection',
      { peerOnCreate, claim: claim(notedAsCreated), ...noneListed },
      WAIT,
    ],
    ['peerOnCreate: waits until the connection is active', { peerOnCreate, ...pendingFound }, WAIT],
    [
      'peerOnCreate: uses the connection as created if the claim still exists',
      { peerOnCreate, ...activeFound },
      use('created', { mustNoteCreation: true }),
    ],
    [
      'peerOnCreate: uses the connection as created even if the note says that the connection existed before',
      { ...afterRequest(FLEET_VPC), peerOnCreate, ...activeFound },
      use('created', { mustNoteCreation: true }),
    ],
    [
      'peerOnCreate: uses the connection again after this resource has noted it',
      { peerOnCreate, claim: claim(notedAsCreated), ...activeFound },
      use('created'),
    ],
    ["peerOnCreate: uses the connection again because of EC2's tags", { peerOnCreate, ...taggedByThis }, use('created')],
    [
      'peerOnCreate: waits for a note if another resource has tagged the connection',
      { peerOnCreate, ...taggedByOther },
      waitForNote({ existedBefore: true }),
    ],
    [
      'peerOnCreate: fails, and names the resource that has tagged the connection, if no note was written',
      { peerOnCreate, ...taggedByOther, hasWaitedForNote: true },
      fail({ kind: 'exists already', found: connectionOfOther }),
    ],
    [
      'peerOnCreate: fails if another resource claims the connection',
      { peerOnCreate, claim: claim(claimedByOther), ...activeFound },
      fail({ kind: 'conflict', conflict: BELONGS_TO_OTHER }),
    ],
    [
      'peerOnCreate: adopts the connection if adoptExisting is set, too',
      { peerOnCreate, adoptExisting, ...activeFound, hasWaitedForNote: true },
      use('adopted'),
    ],
    [
      'peerOnCreate: fails if the connection has ended',
      { peerOnCreate, existing: endedState({ wouldEndAgain: false }) },
      failEnded({ wouldEndAgain: false }),
    ],
    [
      'peerOnCreate: fails if the noted connection has ended',
      { peerOnCreate, claim: claim(notedAsCreated), mayHaveRequested: true, existing: endedState({ wouldEndAgain: false }) },
      failEnded({ wouldEndAgain: false }),
    ],
  ])('%s', (_, change, step) => {
    expect(decide(situation(change))).toEqual(step);
  });
});

const LEAVE_TO_ADOPTER: FinalCheck = { kind: 'leave to its adopter', owner: OTHER_OWNER };

test.each<readonly [string, Partial<Claim>, 'claim exists' | 'claim removed', FinalCheck]>([
  [
    'uses the connection if the claim still exists and no other resource has noted the connection',
    {},
    'claim exists',
    { kind: 'use' },
  ],
  ['deletes the connection if a delete has removed the claim', {}, 'claim removed', { kind: 'undo' }],
  [
    'deletes the connection if a delete has removed the claim, even if another resource claims it',
    claimedByOther,
    'claim removed',
    { kind: 'undo' },
  ],
  ['uses the connection if another resource has claimed but not noted it', claimedByOther, 'claim exists', { kind: 'use' }],
  [
    'uses the connection if another resource has noted an earlier connection',
    { otherClaims: [otherClaim(notedConnection('created', EARLIER_CONNECTION_ID))] },
    'claim exists',
    { kind: 'use' },
  ],
  ['leaves the connection to the resource that has adopted it', adoptedByOther, 'claim exists', LEAVE_TO_ADOPTER],
  ['leaves the connection to the resource that has noted it as created', createdByOther, 'claim exists', LEAVE_TO_ADOPTER],
  [
    'leaves the connection to the adopter, even if a delete has removed the claim',
    { otherClaims: [otherClaim(), ...adoptedByOther.otherClaims] },
    'claim removed',
    LEAVE_TO_ADOPTER,
  ],
])('decideBeforeUse: %s', (_, change, claimState, check) => {
  expect(decideBeforeUse(claim(change), claimState === 'claim exists', CONNECTION_ID)).toEqual(check);
});

/** The number of refusals that other connections can cause. */
const maximum = MAX_CONCURRENT_CONNECTIONS;
/** Milliseconds, longer than the time in which new permissions take effect. */
const LONG_TIME = 999_999;

test.each([
  ['authorizes after the first refusal', { count: 1 }, 'not checked', 'authorize'],
  ['checks for an authorization after the second refusal', { count: 2 }, 'not checked', 'list authorizations'],
  ['authorizes again if no authorization is listed', { count: 2 }, 'not listed', 'authorize'],
  [
    'authorizes again as long as other connections may have consumed the authorization',
    { count: maximum, countWhileAuthorized: 3, elapsed: LONG_TIME },
    'not listed',
    'authorize',
  ],
  [
    'tries again at once if an authorization is listed, because it may be new',
    { count: 2, countWhileAuthorized: 1, elapsed: LONG_TIME },
    'listed',
    'try again',
  ],
  [
    'tries again later after a second refusal while an authorization is listed, because a new permission may not be effective yet',
    { count: 3, countWhileAuthorized: 2, elapsed: 74_999 },
    'listed',
    'try again later',
  ],
  [
    'gives up after the time in which new permissions take effect',
    { count: 3, countWhileAuthorized: 2, elapsed: 75_000 },
    'listed',
    'give up',
  ],
  ['gives up after more refusals than other connections can cause', { count: maximum + 1 }, 'not listed', 'give up'],
  ['does not check for an authorization before it gives up', { count: maximum + 1 }, 'not checked', 'give up'],
] as const)('decideAfterRefusal %s', (_, refusals, authorization, next) => {
  expect(decideAfterRefusal({ countWhileAuthorized: 0, elapsed: 0, maximum, ...refusals }, authorization)).toBe(next);
});

const ENDS_WITH_FLEET = 'the connection ends with its fleet';

test.each([
  ['true if GameLift keeps refusing the deletion', { isPeeredOnCreate: true, refusal: ENDS_WITH_FLEET }, true],
  ['false if GameLift accepted the deletion without effect', { isPeeredOnCreate: true, refusal: undefined }, false],
  [
    'false if a permission in EC2 is missing',
    { isPeeredOnCreate: true, refusal: 'not authorized to perform ec2:DeleteRoute' },
    false,
  ],
  ['false if the handler requested the connection', { isPeeredOnCreate: false, refusal: ENDS_WITH_FLEET }, false],
] as const)('isKeptUntilFleetIsDeleted returns %s', (_, { isPeeredOnCreate, refusal }, expected) => {
  expect(isKeptUntilFleetIsDeleted(isPeeredOnCreate, refusal)).toBe(expected);
});

describe('decideDelete', () => {
  const RELEASE: DeleteStep = { kind: 'release the claim' };
  const READ_LIST: DeleteStep = { kind: 'read the list' };
  const READ_EC2: DeleteStep = { kind: 'read EC2' };
  const UNDO: DeleteStep = { kind: 'undo changes' };
  const leave = (why: string): DeleteStep => ({ kind: 'leave it', why });
  const LEAVE_TO_OTHER = leave('the peering connection belongs to resource Peering of stack Other (guid)');
  const NOTHING_CREATED = leave('no peering connection was created');
  const disconnect = (connection?: DeletableConnection): DeleteStep => ({ kind: 'disconnect', connection });

  const withNote = (change: Partial<Claim>): Partial<DeleteSituation> => ({ claim: claim({ isClaimed: false, ...change }) });
  /** This resource has requested a connection, and noted which VPCs were peered before. */
  const afterRequest = (...peeredBefore: string[]): Partial<DeleteSituation> => ({
    ...withNote({ peeredBefore }),
    view: ec2ViewOf(),
    listed: [listedConnection()],
  });
  const notedByOtherAfterRequest = { ...afterRequest(), ...withNote({ peeredBefore: [], ...createdByOther }) };
  const unreadableClaim = { ...withNote({ requestId: undefined }), hasReleased: false };
  const afterFailedCreate = (requestId: string) => ({ physicalId: { kind: 'unfinished', requestId } }) as const;
  const ec2Unavailable = { view: UNAVAILABLE_VIEW };
  const peeredOnCreate = {
    peerOnCreate,
    ...afterFailedCreate('request-1'),
    view: ec2ViewOf(ec2Side()),
    listed: [listedConnection()],
  };
  const failedConnection = listedConnection({ status: 'failed' });

  test.each<readonly [string, Partial<DeleteSituation>, DeleteStep]>([
    ['releases the claim first', { claim: claim(), hasReleased: false }, RELEASE],
    ['releases a claim that reads do not show, because a create may be writing it', unreadableClaim, RELEASE],
    ['releases the claim again if a create has written it again', { claim: claim() }, RELEASE],
    [
      'deletes the connection that this resource has created and noted, without releasing the claim first',
      { claim: claim(notedAsCreated), hasReleased: false },
      disconnect(notedConnection('created')),
    ],
    [
      'deletes the connection that this resource has created if adoptExisting was set later',
      { ...withNote(notedAsCreated), adoptExisting },
      disconnect(notedConnection('created')),
    ],
    [
      'deletes the connection that this resource has created, even if another resource claims it',
      withNote({ ...notedAsCreated, ...claimedByOther }),
      disconnect(notedConnection('created')),
    ],
    [
      'leaves the connection that this resource has created to the resource that adopted it',
      withNote({ ...notedAsCreated, ...adoptedByOther }),
      LEAVE_TO_OTHER,
    ],
    ['undoes the changes to an adopted connection', { ...withNote(notedAsAdopted), adoptExisting }, UNDO],
    [
      'deletes an adopted connection if adoptExisting is no longer set',
      withNote(notedAsAdopted),
      disconnect(notedConnection('adopted')),
    ],
    [
      'does not delete a connection that another resource has adopted, too',
      withNote({ ...notedAsAdopted, ...adoptedByOther }),
      UNDO,
    ],
    [
      'leaves the connection to another resource that claims it if this resource has noted nothing',
      withNote(claimedByOther),
      LEAVE_TO_OTHER,
    ],
    [
      'leaves a connection that a later request of the same resource has claimed',
      { ...afterFailedCreate('request-0'), claim: claim(), hasReleased: false },
      leave('the peering connection belongs to a later request'),
    ],
    [
      'deletes the connection that the failed request has noted',
      { ...afterFailedCreate('request-1'), ...withNote(notedAsCreated) },
      disconnect(notedConnection('created')),
    ],
    [
      'releases the claim of a failed request even if reads do not show it',
      { ...afterFailedCreate('request-1'), ...unreadableClaim },
      RELEASE,
    ],
    [
      'deletes the connection that a later update has noted',
      withNote({ ...notedAsCreated, requestId: 'request-2' }),
      disconnect(notedConnection('created')),
    ],

    ['reads the list if this resource has noted a request', withNote({ peeredBefore: [] }), READ_LIST],
    [
      'reads EC2, too, if this resource has noted a request, because EC2 may still show a failed connection',
      { ...afterRequest(), view: undefined },
      READ_EC2,
    ],
    ['deletes the connection that this resource has requested', afterRequest(UNRELATED_VPC), disconnect(listedConnection())],
    [
      "deletes the requested connection even if EC2 can't be read",
      { ...afterRequest(), ...ec2Unavailable },
      disconnect(listedConnection()),
    ],
    ['leaves a connection that existed before the request', afterRequest(FLEET_VPC), disconnect()],
    ['leaves a connection that another resource has noted since', notedByOtherAfterRequest, disconnect()],
    ['deletes nothing if the requested connection has failed', { ...afterRequest(), listed: [failedConnection] }, disconnect()],
    [
      'deletes a connection that GameLift lists as failed and EC2 still shows',
      { ...afterRequest(), listed: [failedConnection], view: ec2ViewOf(ec2Side()) },
      disconnect(failedConnection),
    ],

    ['reads the tags in EC2 if this resource has noted nothing', {}, READ_EC2],
    [
      "deletes the connection that this resource has created according to EC2's tags",
      { view: ec2ViewOf(ec2Side()), tagged: notedConnection('created') },
      disconnect(notedConnection('created')),
    ],
    ['deletes nothing if EC2 shows no tags of this resource', { view: ec2ViewOf(ec2Side()) }, disconnect()],
    ['leaves the connection if adoptExisting is set and the fleet has lost its tags', { ...ec2Unavailable, adoptExisting }, UNDO],
    ["reads the list if the fleet has lost its tags and EC2 can't be read", ec2Unavailable, READ_LIST],
    [
      "deletes the listed connection because of the physical id if EC2 can't be read",
      { ...ec2Unavailable, listed: [listedConnection()] },
      disconnect(listedConnection()),
    ],
    ['deletes no failed connection', { ...ec2Unavailable, listed: [failedConnection] }, disconnect()],
    [
      'deletes nothing if the create failed before it had noted anything',
      { ...afterFailedCreate('request-1'), ...ec2Unavailable },
      NOTHING_CREATED,
    ],
    [
      'deletes nothing if the create had done nothing',
      { physicalId: { kind: 'nothing done' }, ...ec2Unavailable },
      NOTHING_CREATED,
    ],
    ['deletes nothing if the physical id is unknown', { physicalId: { kind: 'unknown' }, ...ec2Unavailable }, NOTHING_CREATED],

    ['peerOnCreate: releases the claim first', { ...peeredOnCreate, claim: claim(), hasReleased: false }, RELEASE],
    ['peerOnCreate: reads the tags in EC2 first', { ...peeredOnCreate, view: undefined }, READ_EC2],
    ['peerOnCreate: reads the list first', { ...peeredOnCreate, listed: undefined }, READ_LIST],
    ['peerOnCreate: deletes the connection after a failed create', peeredOnCreate, disconnect(listedConnection())],
    [
      "peerOnCreate: deletes the connection if EC2 can't be read",
      { ...peeredOnCreate, ...ec2Unavailable },
      disconnect(listedConnection()),
    ],
    [
      'peerOnCreate: deletes the connection if the physical id is unknown',
      { ...peeredOnCreate, physicalId: { kind: 'unknown' } },
      disconnect(listedConnection()),
    ],
    [
      'peerOnCreate: deletes the connection if the fleet has lost its tags',
      { ...peeredOnCreate, physicalId: { kind: 'created' } },
      disconnect(listedConnection()),
    ],
    [
      'peerOnCreate: deletes nothing if the connection is gone',
      { ...peeredOnCreate, listed: [failedConnection], view: ec2ViewOf() },
      disconnect(),
    ],
    [
      'peerOnCreate: leaves the connection to the resource that has tagged it',
      { ...peeredOnCreate, view: ec2ViewOf(ec2SideWithOtherOwner()) },
      disconnect(),
    ],
    [
      'peerOnCreate: leaves the connection to the resource that claims it',
      { ...peeredOnCreate, ...withNote(claimedByOther) },
      LEAVE_TO_OTHER,
    ],
    [
      'peerOnCreate: deletes nothing if the create had done nothing',
      { ...peeredOnCreate, physicalId: { kind: 'nothing done' } },
      NOTHING_CREATED,
    ],
    [
      'peerOnCreate: deletes nothing after a failed create if adoptExisting is set',
      { ...peeredOnCreate, adoptExisting },
      NOTHING_CREATED,
    ],
  ])('%s', (_, change, step) => {
    expect(decideDelete(deleteSituation(change))).toEqual(step);
  });
});

import { CONNECTION_LANES } from '../../lib/contract';
import { decide, decideAfterRefusal, decideBeforeUse, decideDelete, refusalOf } from '../../lambda/peering/decide';
import type {
  DeletableConnection,
  DeleteSituation,
  DeleteStep,
  Failure,
  LastCheck,
  Refusal,
  Situation,
  Step,
} from '../../lambda/peering/decide';
import type { Claim } from '../../lambda/peering/claim';
import * as given from './situations';

const { claim, deleteSituation, ended, found, noted, otherClaim, peering, shown, situation } = given;

const OWNER = `${given.OTHER} (stack, logical id, stack's own id)`;
const BELONGS: Refusal = {
  what: `the peering connection belongs to ${OWNER}`,
  remedy: 'remove it there, or pass adoptExisting to use it',
};
const ADOPTED: Refusal = { what: `the peering connection is adopted by ${OWNER} already`, remedy: 'remove it there first' };

describe('refusalOf', () => {
  const plain = otherClaim();
  const adopting = otherClaim(noted('adopted'));
  test.each<readonly [string, Partial<Claim>, boolean, Refusal | undefined]>([
    ['lets a resource have what nobody else claims', {}, false, undefined],
    ['refuses what another resource claims', { otherClaims: [plain] }, false, BELONGS],
    ['refuses it after a request of its own, too', { otherClaims: [plain], peeredBefore: [] }, false, BELONGS],
    ['lets a resource adopt what another one claims', { otherClaims: [plain] }, true, undefined],
    ['lets a resource adopt what another one made', { otherClaims: [otherClaim(noted('created'))] }, true, undefined],
    ['refuses to adopt what another resource has adopted', { otherClaims: [plain, adopting] }, true, ADOPTED],
    ['keeps what it has noted, whoever else claims it', { otherClaims: [plain], connection: noted('created') }, false, undefined],
    ['keeps what another one has adopted since', { otherClaims: [adopting], connection: noted('created') }, true, undefined],
  ])('%s', (_, change, adoptExisting, refusal) => {
    expect(refusalOf(claim(change), adoptExisting)).toEqual(refusal);
  });

  test('names the resource that has adopted the connection rather than one that only claims it', () => {
    const otherClaims = [{ ...plain, owner: 'Third/Peering/guid' }, adopting];
    expect(refusalOf(claim({ otherClaims }), false)).toEqual(BELONGS);
  });
});

describe('decide', () => {
  const PENDING = { status: 'pending-acceptance' };
  const LIST: Step = { kind: 'read the list' };
  const REQUEST: Step = { kind: 'request' };
  const WAIT: Step = { kind: 'wait until active' };
  const refused = { kind: 'refused', message: 'InvalidRequestException: no' } as const;
  const requestedBefore = (...peeredBefore: string[]): Partial<Situation> => ({
    claim: claim({ peeredBefore }),
    mayHaveRequested: true,
  });
  const use = (origin: 'created' | 'adopted', wasRequested = false): Step => ({
    kind: 'use',
    peering: peering(),
    origin,
    wasRequested,
  });
  const fail = (why: Failure): Step => ({ kind: 'fail', why });
  const waitForNote = (wasThereBefore: boolean): Step => ({ kind: 'wait for a note', peering: peering(), wasThereBefore });

  test.each<readonly [string, Partial<Situation>, Step]>([
    ['requests the connection at once if nothing hints at one', {}, REQUEST],
    ['reads the list first if it has noted a connection', { claim: claim({ connection: noted('created') }) }, LIST],
    ['reads the list first if an earlier run has noted a request', requestedBefore(), LIST],
    [
      'reads the list first if another resource, which it may adopt from, claims the connection',
      { adoptExisting: true, claim: claim({ otherClaims: [otherClaim()] }) },
      LIST,
    ],
    ['waits after GameLift has accepted the request', { ...requestedBefore(), request: { kind: 'accepted' } }, WAIT],
    ['requests the connection if the list shows none', { existing: { kind: 'none' } }, REQUEST],
    [
      'sees to an authorization after a refusal if the list shows none',
      { existing: { kind: 'none' }, request: refused },
      { kind: 'overcome the refusal', message: 'InvalidRequestException: no' },
    ],
    [
      'fails if another resource claims the connection',
      { claim: claim({ otherClaims: [otherClaim()] }) },
      fail({ kind: 'refused', refusal: BELONGS }),
    ],
    [
      'fails if a deletion has removed the claim',
      { claim: claim({ isClaimed: false }) },
      fail({ kind: 'claim removed', peering: undefined }),
    ],
    [
      'says which connection is there if a deletion has removed the claim',
      { claim: claim({ isClaimed: false }), existing: found() },
      fail({ kind: 'claim removed', peering: peering() }),
    ],
    [
      'uses the connection that it has made',
      { claim: claim({ connection: noted('created') }), existing: found() },
      use('created'),
    ],
    [
      'waits for the connection that it has made',
      { claim: claim({ connection: noted('created') }), existing: found(PENDING) },
      WAIT,
    ],
    [
      'uses the connection that it has adopted as adopted, even if adoptExisting is no longer set',
      { claim: claim({ connection: noted('adopted') }), existing: found() },
      use('adopted'),
    ],
    [
      'uses the connection of its own that somebody has made again by hand',
      { claim: claim({ connection: noted('created', given.EARLIER_ID) }), existing: found() },
      use('created'),
    ],
    [
      'uses the connection that an earlier run of the same request requested',
      { ...requestedBefore(), existing: found() },
      use('created', true),
    ],
    [
      'uses what it has requested although other VPCs were peered before',
      { ...requestedBefore(given.UNRELATED_VPC), existing: found() },
      use('created', true),
    ],
    [
      'fails if the connection was there before it was requested',
      { ...requestedBefore(given.UNRELATED_VPC, given.FLEET_VPC), existing: found() },
      fail({ kind: 'exists already', peering: peering() }),
    ],
    [
      'adopts a connection that was there before it was requested if adoptExisting is set',
      { ...requestedBefore(given.FLEET_VPC), existing: found(), adoptExisting: true },
      use('adopted'),
    ],
    [
      "uses a connection that was there before as its own if EC2's tags say so",
      { ...requestedBefore(given.FLEET_VPC), existing: found({}, true) },
      use('created'),
    ],
    ['uses the connection of a stripped fleet as its own', { isStripped: true, existing: found() }, use('created')],
    [
      'uses the connection of a stripped fleet as adopted if adoptExisting is set',
      { isStripped: true, adoptExisting: true, existing: found() },
      use('adopted'),
    ],
    ['waits for the note of another run if the connection was there at the first look', { existing: found() }, waitForNote(true)],
    [
      'waits for the note of another run if GameLift refused the request because the connection exists',
      { claim: claim({ peeredBefore: [] }), request: refused, existing: found() },
      waitForNote(false),
    ],
    [
      'fails if the connection exists and no other run has noted it',
      { existing: found(), hasWaitedForNote: true },
      fail({ kind: 'exists already', peering: peering() }),
    ],
    [
      'adopts a connection that no other run has noted if adoptExisting is set',
      { existing: found(), hasWaitedForNote: true, adoptExisting: true },
      use('adopted'),
    ],
    [
      'waits until the connection that it adopts is active',
      { existing: found(PENDING), hasWaitedForNote: true, adoptExisting: true },
      WAIT,
    ],
    [
      'sees to an authorization if the connection that it requested has failed',
      { ...requestedBefore(), request: { kind: 'accepted' }, existing: ended(false) },
      { kind: 'overcome the refusal', message: 'no authorization' },
    ],
    [
      'fails if the connection that it requested can only fail again',
      { ...requestedBefore(), request: { kind: 'accepted' }, existing: ended(true) },
      fail({ kind: 'ended', peering: peering({ status: 'failed', message: 'no authorization' }) }),
    ],
    [
      'fails if a connection has failed that it did not request',
      { existing: ended(false) },
      fail({ kind: 'ended', peering: peering({ status: 'failed', message: 'no authorization' }) }),
    ],
  ])('%s', (_, change, step) => {
    expect(decide(situation(change))).toEqual(step);
  });
});

test.each<readonly [string, Partial<Claim>, boolean, LastCheck]>([
  ['uses the connection if it is still wanted and nobody else has it', {}, true, { kind: 'use' }],
  ['undoes the connection if a deletion has removed the claim', { isClaimed: false }, false, { kind: 'undo' }],
  ['uses it although another resource claims it without having it', { otherClaims: [otherClaim()] }, true, { kind: 'use' }],
  [
    'uses it although another resource had an earlier connection of the pair',
    { otherClaims: [otherClaim(noted('created', given.EARLIER_ID))] },
    true,
    { kind: 'use' },
  ],
  [
    'leaves it to the resource that has adopted it',
    { otherClaims: [otherClaim(noted('adopted'))] },
    true,
    { kind: 'leave to its adopter', owner: given.OTHER },
  ],
  [
    'leaves it to the resource that has adopted it instead of undoing it',
    { otherClaims: [otherClaim(), otherClaim(noted('adopted'))] },
    false,
    { kind: 'leave to its adopter', owner: given.OTHER },
  ],
])('decideBeforeUse: %s', (_, change, isWanted, check) => {
  expect(decideBeforeUse(claim(change), isWanted, given.ID)).toEqual(check);
});

test.each([
  ['authorizes after the first refusal', 1, 0, 0, 'not asked', 'authorize'],
  ['looks whether an authorization is left after the second', 2, 0, 0, 'not asked', 'list authorizations'],
  ['authorizes again if none is left', 2, 0, 0, 'no', 'authorize'],
  ['authorizes again for as long as others may consume authorizations', CONNECTION_LANES, 3, 999_999, 'no', 'authorize'],
  ['tries again at once if one is left: it may have come since', 2, 1, 0, 'yes', 'try again'],
  ['tries again at once if one is left, however late', 2, 1, 999_999, 'yes', 'try again'],
  ['tries again later if that did not help: a permission may be new', 3, 2, 74_999, 'yes', 'try again later'],
  ['gives up once permissions are known everywhere', 3, 2, 75_000, 'yes', 'give up'],
  ['gives up after as many refusals as other connections can cause', CONNECTION_LANES + 1, 0, 0, 'no', 'give up'],
  ['does not look for an authorization before it gives up', CONNECTION_LANES + 1, 0, 0, 'not asked', 'give up'],
] as const)('decideAfterRefusal: %s', (_, count, countWhileListed, elapsed, isListed, next) => {
  expect(decideAfterRefusal({ count, countWhileListed, elapsed }, isListed)).toBe(next);
});

describe('decideDelete', () => {
  const released = (change: Partial<Claim> = {}): Claim => claim({ isClaimed: false, ...change });
  const RELEASE: DeleteStep = { kind: 'release the claim' };
  const LIST: DeleteStep = { kind: 'read the list' };
  const ASK: DeleteStep = { kind: 'ask EC2' };
  const UNDO: DeleteStep = { kind: 'undo changes' };
  const leave = (why: string): DeleteStep => ({ kind: 'leave it', why });
  const disconnect = (connection?: DeletableConnection): DeleteStep => ({ kind: 'disconnect', connection });
  const requested = (...peeredBefore: string[]): Partial<DeleteSituation> => ({
    claim: released({ peeredBefore }),
    view: shown(),
    listed: [peering()],
  });
  const failedInGameLift = peering({ status: 'failed' });

  test.each<readonly [string, Partial<DeleteSituation>, DeleteStep]>([
    ['releases the claim first', { claim: claim(), hasReleased: false }, RELEASE],
    ['releases the claim first even if it can not be read: a create may be writing it', { hasReleased: false }, RELEASE],
    ['releases the claim again if a create has written it again', { claim: claim() }, RELEASE],
    [
      'deletes the connection that it has noted, without waiting for the claim to be gone',
      { claim: claim({ connection: noted('created') }), hasReleased: false },
      disconnect(noted('created')),
    ],
    [
      'undoes the changes to a connection that it has adopted',
      { claim: claim({ connection: noted('adopted') }), adoptExisting: true },
      UNDO,
    ],
    [
      'deletes a connection that it has adopted if adoptExisting is no longer set',
      { claim: claim({ connection: noted('adopted') }) },
      disconnect(noted('adopted')),
    ],
    [
      'deletes a connection that it has made if adoptExisting was set later',
      { claim: claim({ connection: noted('created') }), adoptExisting: true },
      disconnect(noted('created')),
    ],
    [
      'leaves the connection that it has made to the resource that has adopted it',
      { claim: claim({ connection: noted('created'), otherClaims: [otherClaim(noted('adopted'))] }) },
      leave(`the peering connection is ${given.OTHER}'s`),
    ],
    [
      'deletes the connection that it has made although another resource claims it',
      { claim: claim({ connection: noted('created'), otherClaims: [otherClaim()] }) },
      disconnect(noted('created')),
    ],
    [
      'leaves everything to another resource that claims the connection if it has noted nothing itself',
      { claim: released({ otherClaims: [otherClaim()] }) },
      leave(`the peering connection is ${given.OTHER}'s`),
    ],
    [
      'leaves what a later request of its own has claimed',
      { physicalId: { kind: 'unfinished', requestId: 'request-0' }, claim: claim(), hasReleased: false },
      leave('the peering connection is that of a later request'),
    ],
    [
      'deletes what the request that failed has noted',
      { physicalId: { kind: 'unfinished', requestId: 'request-1' }, claim: claim({ connection: noted('created') }) },
      disconnect(noted('created')),
    ],
    [
      'deletes what a later update has noted',
      { claim: claim({ connection: noted('created'), requestId: 'request-2' }) },
      disconnect(noted('created')),
    ],

    ['reads the list if it has noted a request', { claim: released({ peeredBefore: [] }) }, LIST],
    ['asks EC2 too, which knows whether one that failed is still there', { ...requested(), view: undefined }, ASK],
    ['deletes the connection that it has requested', requested(given.UNRELATED_VPC), disconnect(peering())],
    ['deletes it where EC2 can not be asked', { ...requested(), view: given.UNAVAILABLE }, disconnect(peering())],
    ['leaves a connection that was there before it was requested', requested(given.FLEET_VPC), disconnect()],
    ['deletes nothing if its request came to nothing', { ...requested(), listed: [failedInGameLift] }, disconnect()],
    [
      'deletes a connection that GameLift lists as failed, and EC2 shows',
      { ...requested(), listed: [failedInGameLift], view: shown(given.ec2Side()) },
      disconnect(failedInGameLift),
    ],

    ['asks EC2 for its tags if it has noted nothing', {}, ASK],
    [
      "deletes the connection that EC2's tags say it made",
      { view: shown(given.ec2Side()), tagged: noted('created') },
      disconnect(noted('created')),
    ],
    ['deletes nothing that EC2 shows without its tags', { view: shown(given.ec2Side()) }, disconnect()],
    ['leaves a connection of a stripped fleet if adoptExisting is set', { view: given.UNAVAILABLE, adoptExisting: true }, UNDO],
    ['reads the list of a stripped fleet where EC2 can not be asked', { view: given.UNAVAILABLE }, LIST],
    [
      'deletes what it made, by the physical id, where EC2 can not be asked',
      { view: given.UNAVAILABLE, listed: [peering()] },
      disconnect(peering()),
    ],
    ...(['unknown', 'nothing done'] as const).map(
      (kind) =>
        [
          `leaves everything if nothing was noted and the physical id is of kind ${kind}`,
          { physicalId: { kind }, view: given.UNAVAILABLE },
          leave('no peering connection was made'),
        ] as const,
    ),
    [
      'leaves everything if nothing was noted and the create failed',
      { physicalId: { kind: 'unfinished', requestId: 'request-1' }, view: given.UNAVAILABLE },
      leave('no peering connection was made'),
    ],
  ])('%s', (_, change, step) => {
    expect(decideDelete(deleteSituation(change))).toEqual(step);
  });
});

import type { PhysicalIdState } from '../../lambda/cloudformation/physical-id';
import type { ClaimedConnection } from '../../lambda/model/connection';
import type { Ec2View } from '../../lambda/network/ec2-view';
import type { Claim, Note } from '../../lambda/peering/claim';
import { decide, decideAfterRefusal, decideBeforeUse, decideDelete, conflictOf } from '../../lambda/peering/decide';
import type { DeleteSituation, Existing, RequestState, Situation } from '../../lambda/peering/decide';
import { wouldEndAgain } from '../../lambda/peering/ended';
import { hasOwnerTag } from '../../lambda/network/ec2-tags';
import type { TaggedOwner } from '../../lambda/network/ec2-tags';
import * as given from './situations';
import { expectInAll, FLEET_VPC, ID, noted, peering, product } from './situations';

/*
 * What must hold in every situation, not only in those that somebody thought of.
 */

const BOOLEANS = [false, true];

const NOTES: readonly Note[] = [
  ...product<Note>({ connection: [undefined], peeredBefore: [undefined, [], [given.UNRELATED_VPC], [FLEET_VPC]] }),
  ...product<Note>({
    connection: [noted('created'), noted('adopted'), noted('created', given.EARLIER_ID)],
    peeredBefore: [undefined],
  }),
];
const OTHER_CLAIMS = [[], ...[undefined, noted('created'), noted('adopted')].map((connection) => [given.otherClaim(connection)])];

function hasNoted({ connection, peeredBefore }: Note): boolean {
  return connection !== undefined || peeredBefore !== undefined;
}

const CLAIMS: readonly Claim[] = NOTES.flatMap((note) =>
  BOOLEANS.flatMap((isClaimed) =>
    OTHER_CLAIMS.map((otherClaims) => {
      // of the note or, without a note, of the claim
      const requestId = isClaimed || hasNoted(note) ? 'request-1' : undefined;
      return { ...note, isClaimed, requestId, otherClaims };
    }),
  ),
);

/** Whether another resource has noted the connection, and this one has not. */
function isOnlyNotedByOther({ connection, otherClaims }: Claim, id: string): boolean {
  return connection?.id !== id && otherClaims.some((other) => other.connection?.id === id);
}

interface Walk<T> {
  readonly visited: readonly T[];
  /** How many steps the longest way takes from its start to its end. */
  readonly longest: number;
}

/** Follows every way in which one step can follow another. Fails if one of them comes back to where it was. */
function walk<T>(starts: readonly T[], next: (state: T) => readonly T[]): Walk<T> {
  const visited: T[] = [];
  const lengths = new Map<string, number | 'on the way'>();
  const lengthFrom = (state: T): number => {
    const key = JSON.stringify(state);
    const known = lengths.get(key);
    if (known === 'on the way') {
      throw new Error(`comes back to ${key}`);
    }
    if (known === undefined) {
      visited.push(state);
      lengths.set(key, 'on the way');
      lengths.set(key, Math.max(0, ...next(state).map((following) => 1 + lengthFrom(following))));
      return lengthFrom(state);
    }
    return known;
  };
  return { longest: Math.max(...starts.map(lengthFrom)), visited };
}

describe('decide', () => {
  const NONE: Existing = { kind: 'none' };
  const UNKNOWN: Existing = { kind: 'unknown' };
  const OWNERS: readonly TaggedOwner[] = [
    { kind: 'this resource' },
    { kind: 'another resource', name: given.OTHER },
    { kind: 'unknown' },
  ];
  const ACTIVE = OWNERS.map((owner) => given.found({}, owner));
  const FOUND = [...ACTIVE, ...OWNERS.map((owner) => given.found({ status: 'pending-acceptance' }, owner))];
  const ENDED = BOOLEANS.map(given.ended);
  const NOT_MADE: RequestState = { kind: 'not made' };
  const ACCEPTED: RequestState = { kind: 'accepted' };
  const REFUSED: RequestState = { kind: 'refused', message: 'InvalidRequestException: no' };

  const situations = product<Situation>({
    adoptExisting: BOOLEANS,
    peerOnCreate: BOOLEANS,
    hasLostTags: BOOLEANS,
    claim: CLAIMS,
    existing: [UNKNOWN, NONE, ...FOUND, ...ENDED],
    request: [NOT_MADE, ACCEPTED, REFUSED],
    mayHaveRequested: BOOLEANS,
    hasWaitedForNote: BOOLEANS,
  });
  const decisions = situations.map((situation) => ({
    ...situation,
    step: decide(situation),
    hasNoted: hasNoted(situation.claim),
    owner: situation.existing.kind === 'found' ? situation.existing.owner.kind : undefined,
  }));
  type Decision = (typeof decisions)[number];

  /** Uses a connection as its own, also after the last look at the claims. */
  const usesAsCreated = ({ step, claim }: Decision): boolean =>
    step.kind === 'use' &&
    step.origin === 'created' &&
    (!step.wasRequested || decideBeforeUse(claim, true, step.peering.id).kind === 'use');
  const isStrippedOrNoted = ({ hasLostTags, claim }: Decision): boolean => hasLostTags || claim.connection !== undefined;
  /** Evidence for a connection that does not come from a request: tags in EC2, the physical id, a note, or the declaration. */
  const hasOtherEvidence = (decision: Decision): boolean =>
    decision.owner === 'this resource' ||
    isStrippedOrNoted(decision) ||
    (decision.peerOnCreate && !decision.adoptExisting && decision.owner === 'unknown');

  test.each<readonly [string, (decision: Decision) => boolean, (decision: Decision) => boolean]>([
    [
      'fails without a claim, and where another resource refuses the connection',
      ({ claim, adoptExisting }) => !claim.isClaimed || conflictOf(claim, adoptExisting) !== undefined,
      ({ step }) => step.kind === 'fail',
    ],
    [
      'requests nothing while a connection is known to exist or to have ended',
      ({ step }) => step.kind === 'request',
      ({ existing }) => existing.kind === 'unknown' || existing.kind === 'none',
    ],
    [
      'requests nothing before it has read the list, if anything hints at a connection',
      ({ step, existing }) => step.kind === 'request' && existing.kind === 'unknown',
      ({ hasNoted, claim }) => !hasNoted && claim.otherClaims.length === 0,
    ],
    [
      'requests nothing again after a refusal that nothing was done about',
      ({ request, existing }) => request.kind === 'refused' && existing.kind === 'none',
      ({ step }) => step.kind !== 'request',
    ],
    [
      'uses only a connection that is active',
      ({ step }) => step.kind === 'use',
      ({ existing }) => existing.kind === 'found' && existing.peering.status === 'active',
    ],
    ['reads the list only once', ({ step }) => step.kind === 'read the list', ({ existing }) => existing.kind === 'unknown'],
    ['waits for a note only once', ({ step }) => step.kind === 'wait for a note', ({ hasWaitedForNote }) => !hasWaitedForNote],
    [
      'uses as created what was there before it was requested only by tags, a note, the physical id, or peerOnCreate',
      (decision) => usesAsCreated(decision) && decision.claim.peeredBefore?.includes(FLEET_VPC) !== false,
      hasOtherEvidence,
    ],
    [
      'uses as created what this resource can not have requested only by the same evidence',
      (decision) => usesAsCreated(decision) && !decision.mayHaveRequested,
      hasOtherEvidence,
    ],
    [
      // one that has noted an earlier connection of the pair keeps its claim on the pair
      'uses as created what only another resource has noted only by the same evidence',
      (decision) => usesAsCreated(decision) && isOnlyNotedByOther(decision.claim, ID),
      hasOtherEvidence,
    ],
    [
      'never requests, and gets no authorization for, a connection that GameLift makes with the fleet',
      ({ peerOnCreate }) => peerOnCreate,
      ({ step }) => step.kind !== 'request' && step.kind !== 'prepare a retry',
    ],
    [
      'uses as created what another resource has tagged only by a note, the physical id, or a request',
      (decision) => usesAsCreated(decision) && decision.owner === 'another resource',
      (decision) => isStrippedOrNoted(decision) || decision.mayHaveRequested,
    ],
    [
      'adopts a connection only if that is declared, or was noted',
      ({ step }) => step.kind === 'use' && step.origin === 'adopted',
      ({ adoptExisting, claim }) => adoptExisting || claim.connection?.adopted === true,
    ],
    [
      'requests a failed connection again only if it may have requested it, and another request can help',
      ({ step, existing }) => step.kind === 'prepare a retry' && existing.kind === 'ended',
      ({ existing, mayHaveRequested }) => mayHaveRequested && existing.kind === 'ended' && !wouldEndAgain(existing.connection),
    ],
  ])('%s', (_, isMeant, holds) => {
    expectInAll(decisions, isMeant, holds);
  });

  /** What can be seen after a step, if the request goes on. Each can fail instead, by an error or for want of time. */
  function outcomesOf(situation: Situation): readonly Situation[] {
    const { claim } = situation;
    const then = (existing: readonly Existing[], change: Partial<Situation> = {}): readonly Situation[] =>
      existing.map((one) => ({ ...situation, existing: one, ...change }));
    const step = decide(situation);
    switch (step.kind) {
      case 'use':
      case 'fail':
        return [];
      case 'read the list':
        return then([NONE, ...FOUND]);
      case 'request': {
        // what was noted before stays. After an earlier connection of this resource, whatever is there is its own
        const before = claim.connection === undefined ? [[], [given.UNRELATED_VPC], [FLEET_VPC]] : [[]];
        return (claim.peeredBefore === undefined ? before : [claim.peeredBefore]).flatMap((peeredBefore) => {
          const requested = { ...claim, connection: undefined, peeredBefore };
          return [
            ...then([UNKNOWN], { claim: requested, request: ACCEPTED, mayHaveRequested: true }),
            ...then([NONE, ...FOUND], { claim: requested, request: REFUSED }),
            // an earlier attempt had no answer
            ...then([NONE, ...FOUND], { claim: requested, request: REFUSED, mayHaveRequested: true }),
          ];
        });
      }
      case 'prepare a retry':
        return then([NONE], { request: NOT_MADE });
      case 'wait until active':
        return then([...ACTIVE, ...ENDED]);
      case 'wait for a note':
        return [
          ...[noted('created'), noted('adopted')].map((connection) => ({
            ...situation,
            claim: { ...claim, connection, peeredBefore: undefined },
          })),
          { ...situation, hasWaitedForNote: true },
          ...(step.peering.status === 'active' ? [] : then(ENDED)),
        ];
    }
  }

  describe('as one step follows another', () => {
    const isRefused = (situation: Situation): boolean => decide(situation).kind === 'prepare a retry';
    // what a create or an update begins with: a list that shows nothing is not taken as the answer then
    const starts = situations.filter(
      ({ claim, existing, request, hasLostTags, mayHaveRequested, hasWaitedForNote }) =>
        (existing.kind === 'unknown' || existing.kind === 'found') &&
        request.kind === 'not made' &&
        mayHaveRequested === hasNoted(claim) &&
        !(hasLostTags && hasNoted(claim)) &&
        !hasWaitedForNote,
    );
    let rounds: Walk<Situation>;

    beforeAll(() => {
      // refusals use up a budget of their own, so a round ends at one, and another one begins after it
      const afterRefusal = new Map<string, Situation>();
      const collect = (from: readonly Situation[]): Walk<Situation> =>
        walk(from, (situation) => {
          const next = outcomesOf(situation);
          if (!isRefused(situation)) {
            return next;
          }
          next.forEach((one) => afterRefusal.set(JSON.stringify(one), one));
          return [];
        });
      let known: number;
      do {
        known = afterRefusal.size;
        rounds = collect([...starts, ...afterRefusal.values()]);
      } while (known < afterRefusal.size);
    });

    test('it uses a connection, fails, or is refused after four steps at most', () => {
      expect(rounds.longest).toBe(4);
    });

    test('each outcome of each step changes something', () => {
      const isSame = (one: Situation, other: Situation): boolean => JSON.stringify(one) === JSON.stringify(other);
      expectInAll(
        rounds.visited,
        (situation) => outcomesOf(situation).length > 0,
        (situation) => !outcomesOf(situation).some((next) => isSame(next, situation)),
      );
    });

    test('only situations occur that were enumerated', () => {
      const enumerated = new Set(situations.map((situation) => JSON.stringify(situation)));
      expectInAll(
        rounds.visited,
        () => true,
        (situation) => enumerated.has(JSON.stringify(situation)),
      );
    });

    test.each<readonly [string, (situation: Situation) => boolean]>([
      [
        'it is unknown what exists after a refusal',
        ({ existing, request }) => existing.kind === 'unknown' && request === REFUSED,
      ],
      [
        'nothing exists after GameLift accepted a request',
        ({ existing, request }) => existing.kind === 'none' && request === ACCEPTED,
      ],
      [
        'it is not known that a request was accepted',
        ({ request, mayHaveRequested }) => request === ACCEPTED && !mayHaveRequested,
      ],
      ['a request may have been made that is not noted', ({ claim, mayHaveRequested }) => mayHaveRequested && !hasNoted(claim)],
    ])('it never occurs that %s', (_, isImpossible) => {
      expect(situations.some(isImpossible)).toBe(true);
      expect(rounds.visited.filter(isImpossible)).toEqual([]);
    });
  });
});

test.each([8, 40])(
  'decideAfterRefusal gives up after at most %i refusals if that is the maximum, whatever is listed',
  (maximum) => {
    interface State {
      readonly count: number;
      readonly countWhileListed: number;
      readonly elapsed: number;
      readonly next: ReturnType<typeof decideAfterRefusal>;
    }
    const refuse = ({ count, countWhileListed, elapsed }: Omit<State, 'next'>): readonly State[] => {
      const refusals = { count: count + 1, countWhileListed, elapsed, maximum };
      const next = decideAfterRefusal(refusals, 'not checked');
      return next !== 'list authorizations'
        ? [{ ...refusals, next }]
        : BOOLEANS.map((isListed) => {
            const listed = { ...refusals, countWhileListed: countWhileListed + (isListed ? 1 : 0) };
            const after = decideAfterRefusal(listed, isListed ? 'yes' : 'no');
            // the only step that takes time for sure
            return { ...listed, elapsed: elapsed + (after === 'try again later' ? 10_000 : 0), next: after };
          });
    };
    const start = refuse({ count: 0, countWhileListed: 0, elapsed: 0 });
    const { longest, visited } = walk(start, (state) => (state.next === 'give up' ? [] : refuse(state)));
    expect(longest).toBe(maximum);
    const hasTried = ({ count, countWhileListed, elapsed }: State): boolean =>
      count > maximum || (countWhileListed > 1 && elapsed >= 75_000);
    expectInAll(visited, ({ next }) => next === 'give up', hasTried);
    expect(visited.map(({ next }) => next)).not.toContain('list authorizations');
  },
);

describe('decideDelete', () => {
  const PHYSICAL_IDS: readonly PhysicalIdState[] = [
    { kind: 'created' },
    { kind: 'unfinished', requestId: 'request-1' },
    { kind: 'unfinished', requestId: 'request-0' },
    // the handler answers such a delete at once, so this one does not occur
    { kind: 'nothing done' },
    // an update that is rolled back
    { kind: 'unknown' },
  ];
  const LISTED = [undefined, [], [peering()], [peering({ status: 'failed' })]];
  interface Seen {
    readonly view: Ec2View | undefined;
    readonly tagged: ClaimedConnection | undefined;
  }
  // tags are read from what EC2 shows
  const SEEN: readonly Seen[] = [
    ...product<Seen>({ view: [undefined, given.UNAVAILABLE, given.shown()], tagged: [undefined] }),
    ...product<Seen>({ view: [given.shown(given.ec2Side())], tagged: [undefined, noted('created')] }),
    ...product<Seen>({ view: [given.shown(given.ec2SideOfOther())], tagged: [undefined] }),
  ];
  const situations = SEEN.flatMap(({ view, tagged }) =>
    product<DeleteSituation>({
      adoptExisting: BOOLEANS,
      peerOnCreate: BOOLEANS,
      physicalId: PHYSICAL_IDS,
      claim: CLAIMS,
      hasReleased: BOOLEANS,
      view: [view],
      tagged: [tagged],
      listed: LISTED,
    }),
  );
  const decisions = situations.map((situation) => {
    const step = decideDelete(situation);
    const { claim, physicalId, hasReleased } = situation;
    return {
      ...situation,
      step,
      deleted: step.kind === 'disconnect' ? step.connection : undefined,
      hasNoted: hasNoted(claim),
      isOfLaterRequest: physicalId.kind === 'unfinished' && ![undefined, physicalId.requestId].includes(claim.requestId),
      isReleased: claim.connection !== undefined || (hasReleased && !claim.isClaimed),
    };
  });
  type Decision = (typeof decisions)[number];

  test.each<readonly [string, (decision: Decision) => boolean, (decision: Decision) => boolean]>([
    [
      'deletes a connection only by evidence: a note, tags in EC2, the physical id where EC2 can not be asked, or peerOnCreate',
      ({ deleted }) => deleted !== undefined,
      ({ hasNoted, tagged, physicalId, view, peerOnCreate, adoptExisting }) =>
        hasNoted ||
        tagged !== undefined ||
        (physicalId.kind === 'created' && view?.kind === 'unavailable') ||
        (peerOnCreate && !adoptExisting && physicalId.kind !== 'nothing done'),
    ],
    [
      'never deletes without a note what another resource has tagged',
      ({ hasNoted, view }) => !hasNoted && hasOwnerTag(peering(), view ?? given.UNAVAILABLE),
      ({ deleted }) => deleted === undefined,
    ],
    [
      'deletes what GameLift made with the fleet, whatever became of the create, unless another resource has it',
      ({ peerOnCreate, adoptExisting, hasNoted, tagged, step, listed, claim, physicalId, view }) =>
        peerOnCreate &&
        !adoptExisting &&
        !hasNoted &&
        tagged === undefined &&
        physicalId.kind !== 'nothing done' &&
        step.kind === 'disconnect' &&
        claim.otherClaims.length === 0 &&
        listed?.[0]?.status === 'active' &&
        !hasOwnerTag(peering(), view ?? given.UNAVAILABLE),
      ({ deleted }) => deleted?.id === ID,
    ],
    [
      'deletes only what was noted, tagged, or listed',
      ({ deleted }) => deleted !== undefined,
      ({ deleted, claim, tagged, listed = [] }) => [claim.connection, tagged, ...listed].some((evident) => evident === deleted),
    ],
    [
      'never deletes what another resource has adopted',
      ({ claim }) => claim.otherClaims.some(({ connection }) => connection?.adopted === true),
      ({ deleted }) => deleted === undefined,
    ],
    [
      'never deletes what only another resource has noted',
      ({ claim }) => isOnlyNotedByOther(claim, ID),
      ({ deleted }) => deleted?.id !== ID,
    ],
    [
      'never deletes what was adopted, or may have been, while adoptExisting is set',
      ({ adoptExisting, claim, hasNoted, tagged }) =>
        adoptExisting && (claim.connection?.adopted === true || (!hasNoted && tagged === undefined)),
      ({ deleted }) => deleted === undefined,
    ],
    [
      'never deletes what was there before it was requested',
      ({ claim }) => claim.peeredBefore?.includes(FLEET_VPC) === true,
      ({ deleted }) => deleted === undefined,
    ],
    [
      'leaves what a later request has written',
      ({ isOfLaterRequest }) => isOfLaterRequest,
      ({ step }) => step.kind === 'leave it',
    ],
    [
      'does nothing else before the claim is released, and can be read to be gone, unless a connection is noted',
      ({ isReleased, isOfLaterRequest }) => !isReleased && !isOfLaterRequest,
      ({ step }) => step.kind === 'release the claim',
    ],
    ['releases only what is not released', ({ step }) => step.kind === 'release the claim', ({ isReleased }) => !isReleased],
    ['asks EC2 only once', ({ step }) => step.kind === 'read EC2', ({ view }) => view === undefined],
    ['reads the list only once', ({ step }) => step.kind === 'read the list', ({ listed }) => listed === undefined],
  ])('%s', (_, isMeant, holds) => {
    expectInAll(decisions, isMeant, holds);
  });

  test('ends two steps after the claim was released for the last time', () => {
    interface State {
      readonly situation: DeleteSituation;
      /** Runs of a create that are still to come. Each can write the claim once, and what came of it. Lambda bounds their number. */
      readonly runs: number;
    }
    const RUNS = 3;
    const isKnown = <T>(value: T | undefined): value is T => value !== undefined;
    const outcomesOf = ({ situation, runs }: State): readonly State[] => {
      const { claim } = situation;
      switch (decideDelete(situation).kind) {
        case 'release the claim': {
          const then = (read: Claim, left: number): State => ({
            situation: { ...situation, hasReleased: true, claim: read },
            runs: left,
          });
          const written = CLAIMS.filter(({ otherClaims }) => otherClaims === claim.otherClaims);
          const isReleased = (one: Claim): boolean =>
            !one.isClaimed && one.connection === claim.connection && one.peeredBefore === claim.peeredBefore;
          const released = written.filter(isReleased);
          return [
            ...released.map((read) => then(read, runs)),
            ...(runs === 0 ? [] : written.map((read) => then(read, runs - 1))),
          ];
        }
        case 'read EC2':
          return SEEN.filter(({ view }) => isKnown(view)).map((seen) => ({ situation: { ...situation, ...seen }, runs }));
        case 'read the list':
          return LISTED.filter(isKnown).map((listed) => ({ situation: { ...situation, listed }, runs }));
        case 'leave it':
        case 'undo changes':
        case 'disconnect':
          return [];
      }
    };
    const starts = situations.filter(({ view, listed, hasReleased }) => !isKnown(view) && !isKnown(listed) && !hasReleased);
    const { longest, visited } = walk(
      starts.map((situation): State => ({ situation, runs: RUNS })),
      outcomesOf,
    );
    expect(longest).toBe(1 + RUNS + 2);
    const steps = visited.map(({ situation }) => decideDelete(situation).kind);
    expect(new Set(steps)).toEqual(new Set(decisions.map(({ step }) => step.kind)));
  });
});

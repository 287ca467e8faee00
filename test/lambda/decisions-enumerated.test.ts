import type { PhysicalIdState } from '../../lambda/cloudformation/physical-id';
import type { ClaimedConnection } from '../../lambda/model/connection';
import type { Ec2View } from '../../lambda/network/ec2-view';
import type { Claim, Note } from '../../lambda/peering/claim';
import { decide, decideAfterRefusal, decideBeforeUse, decideDelete, conflictOf } from '../../lambda/peering/decide';
import type { DeleteSituation, ExistingConnection, RequestState, Situation } from '../../lambda/peering/decide';
import { wouldEndAgain } from '../../lambda/peering/ended';
import { hasOwnerTag } from '../../lambda/network/ec2-tags';
import type { TaggedOwner } from '../../lambda/network/ec2-tags';
import * as given from './situations';
import { expectForAll, FLEET_VPC, ID, noted, peering, combinations } from './situations';

/*
 * Rules that must hold in every possible situation.
 */

const BOOLEANS = [false, true];

const NOTES: readonly Note[] = [
  ...combinations<Note>({ connection: [undefined], peeredBefore: [undefined, [], [given.UNRELATED_VPC], [FLEET_VPC]] }),
  ...combinations<Note>({
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

interface Exploration<T> {
  readonly visited: readonly T[];
  /** The number of steps of the longest path. */
  readonly longest: number;
}

/** Visits every state that can be reached from the start states. Fails if a path contains a cycle. */
function explore<T>(starts: readonly T[], next: (state: T) => readonly T[]): Exploration<T> {
  const visited: T[] = [];
  const lengths = new Map<string, number | 'on the way'>();
  const lengthFrom = (state: T): number => {
    const key = JSON.stringify(state);
    const known = lengths.get(key);
    if (known === 'on the way') {
      throw new Error(`cycle through ${key}`);
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
  const NONE: ExistingConnection = { kind: 'none' };
  const UNKNOWN: ExistingConnection = { kind: 'unknown' };
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

  const situations = combinations<Situation>({
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

  /** Whether it uses a connection as created, even after the last check of the claims. */
  const usesAsCreated = ({ step, claim }: Decision): boolean =>
    step.kind === 'use' &&
    step.origin === 'created' &&
    (!step.wasRequested || decideBeforeUse(claim, true, step.peering.id).kind === 'use');
  const hasLostTagsOrNote = ({ hasLostTags, claim }: Decision): boolean => hasLostTags || claim.connection !== undefined;
  /** Evidence for a connection that does not come from a request: tags in EC2, the physical id, a note, or the declaration. */
  const hasOtherEvidence = (decision: Decision): boolean =>
    decision.owner === 'this resource' ||
    hasLostTagsOrNote(decision) ||
    (decision.peerOnCreate && !decision.adoptExisting && decision.owner === 'unknown');

  test.each<readonly [string, (decision: Decision) => boolean, (decision: Decision) => boolean]>([
    [
      'fails without a claim, and if another resource owns the connection',
      ({ claim, adoptExisting }) => !claim.isClaimed || conflictOf(claim, adoptExisting) !== undefined,
      ({ step }) => step.kind === 'fail',
    ],
    [
      'requests nothing while a connection is known to exist or to have ended',
      ({ step }) => step.kind === 'request',
      ({ existing }) => existing.kind === 'unknown' || existing.kind === 'none',
    ],
    [
      'requests nothing before it has read the list, if there is evidence of a connection',
      ({ step, existing }) => step.kind === 'request' && existing.kind === 'unknown',
      ({ hasNoted, claim }) => !hasNoted && claim.otherClaims.length === 0,
    ],
    [
      'does not repeat a refused request without preparing a retry',
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
      'uses a connection that existed before the request as created only because of tags, a note, the physical id, or peerOnCreate',
      (decision) => usesAsCreated(decision) && decision.claim.peeredBefore?.includes(FLEET_VPC) !== false,
      hasOtherEvidence,
    ],
    [
      'uses a connection that it can not have requested as created only because of the same evidence',
      (decision) => usesAsCreated(decision) && !decision.mayHaveRequested,
      hasOtherEvidence,
    ],
    [
      // a resource that has noted an earlier connection with the VPC keeps its claim
      'uses a connection that only another resource has noted as created only because of the same evidence',
      (decision) => usesAsCreated(decision) && isOnlyNotedByOther(decision.claim, ID),
      hasOtherEvidence,
    ],
    [
      'with peerOnCreate, never requests the connection or authorizes',
      ({ peerOnCreate }) => peerOnCreate,
      ({ step }) => step.kind !== 'request' && step.kind !== 'prepare a retry',
    ],
    [
      'uses a connection that another resource has tagged as created only because of a note, the physical id, or a request',
      (decision) => usesAsCreated(decision) && decision.owner === 'another resource',
      (decision) => hasLostTagsOrNote(decision) || decision.mayHaveRequested,
    ],
    [
      'adopts a connection only if that is declared, or was noted',
      ({ step }) => step.kind === 'use' && step.origin === 'adopted',
      ({ adoptExisting, claim }) => adoptExisting || claim.connection?.isAdopted === true,
    ],
    [
      'requests a failed connection again only if it may have requested it, and another request can help',
      ({ step, existing }) => step.kind === 'prepare a retry' && existing.kind === 'ended',
      ({ existing, mayHaveRequested }) => mayHaveRequested && existing.kind === 'ended' && !wouldEndAgain(existing.connection),
    ],
  ])('%s', (_, isMeant, holds) => {
    expectForAll(decisions, isMeant, holds);
  });

  /** The possible situations after a step. Each step can also fail with an error or because the time is up. */
  function outcomesOf(situation: Situation): readonly Situation[] {
    const { claim } = situation;
    const then = (existing: readonly ExistingConnection[], change: Partial<Situation> = {}): readonly Situation[] =>
      existing.map((one) => ({ ...situation, existing: one, ...change }));
    const step = decide(situation);
    switch (step.kind) {
      case 'use':
      case 'fail':
        return [];
      case 'read the list':
        return then([NONE, ...FOUND]);
      case 'request': {
        // an existing note stays. If this resource had a connection before, it owns every connection that exists now
        const before = claim.connection === undefined ? [[], [given.UNRELATED_VPC], [FLEET_VPC]] : [[]];
        return (claim.peeredBefore === undefined ? before : [claim.peeredBefore]).flatMap((peeredBefore) => {
          const requested = { ...claim, connection: undefined, peeredBefore };
          return [
            ...then([UNKNOWN], { claim: requested, request: ACCEPTED, mayHaveRequested: true }),
            ...then([NONE, ...FOUND], { claim: requested, request: REFUSED }),
            // an earlier attempt was unanswered, and may have taken effect
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

  describe('a sequence of steps', () => {
    const isRefused = (situation: Situation): boolean => decide(situation).kind === 'prepare a retry';
    // the first situation of a create or an update: an empty first list counts as unknown
    const starts = situations.filter(
      ({ claim, existing, request, hasLostTags, mayHaveRequested, hasWaitedForNote }) =>
        (existing.kind === 'unknown' || existing.kind === 'found') &&
        request.kind === 'not made' &&
        mayHaveRequested === hasNoted(claim) &&
        !(hasLostTags && hasNoted(claim)) &&
        !hasWaitedForNote,
    );
    let rounds: Exploration<Situation>;

    beforeAll(() => {
      // refusals have a limit of their own, so a round ends at a refusal, and the next round begins after it
      const afterRefusal = new Map<string, Situation>();
      const collect = (from: readonly Situation[]): Exploration<Situation> =>
        explore(from, (situation) => {
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

    test('uses a connection, fails, or is refused after at most four steps', () => {
      expect(rounds.longest).toBe(4);
    });

    test('changes the situation in each step', () => {
      const isSame = (one: Situation, other: Situation): boolean => JSON.stringify(one) === JSON.stringify(other);
      expectForAll(
        rounds.visited,
        (situation) => outcomesOf(situation).length > 0,
        (situation) => !outcomesOf(situation).some((next) => isSame(next, situation)),
      );
    });

    test('reaches only situations that were enumerated', () => {
      const enumerated = new Set(situations.map((situation) => JSON.stringify(situation)));
      expectForAll(
        rounds.visited,
        () => true,
        (situation) => enumerated.has(JSON.stringify(situation)),
      );
    });

    test.each<readonly [string, (situation: Situation) => boolean]>([
      [
        'it is unknown after a refusal what exists',
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
    ])('never reaches a situation in which %s', (_, isImpossible) => {
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
            // the only step that always takes time
            return { ...listed, elapsed: elapsed + (after === 'try again later' ? 10_000 : 0), next: after };
          });
    };
    const start = refuse({ count: 0, countWhileListed: 0, elapsed: 0 });
    const { longest, visited } = explore(start, (state) => (state.next === 'give up' ? [] : refuse(state)));
    expect(longest).toBe(maximum);
    const hasTried = ({ count, countWhileListed, elapsed }: State): boolean =>
      count > maximum || (countWhileListed > 1 && elapsed >= 75_000);
    expectForAll(visited, ({ next }) => next === 'give up', hasTried);
    expect(visited.map(({ next }) => next)).not.toContain('list authorizations');
  },
);

describe('decideDelete', () => {
  const PHYSICAL_IDS: readonly PhysicalIdState[] = [
    { kind: 'created' },
    { kind: 'unfinished', requestId: 'request-1' },
    { kind: 'unfinished', requestId: 'request-0' },
    // does not occur, because the handler responds to such a delete at once
    { kind: 'nothing done' },
    // occurs in the rollback of an update
    { kind: 'unknown' },
  ];
  const LISTED = [undefined, [], [peering()], [peering({ status: 'failed' })]];
  interface Ec2Observation {
    readonly view: Ec2View | undefined;
    readonly tagged: ClaimedConnection | undefined;
  }
  // tags are part of what EC2 shows
  const EC2_OBSERVATIONS: readonly Ec2Observation[] = [
    ...combinations<Ec2Observation>({ view: [undefined, given.UNAVAILABLE, given.shown()], tagged: [undefined] }),
    ...combinations<Ec2Observation>({ view: [given.shown(given.ec2Side())], tagged: [undefined, noted('created')] }),
    ...combinations<Ec2Observation>({ view: [given.shown(given.ec2SideOfOther())], tagged: [undefined] }),
  ];
  const situations = EC2_OBSERVATIONS.flatMap(({ view, tagged }) =>
    combinations<DeleteSituation>({
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
      "deletes a connection only with evidence: a note, tags in EC2, the physical id if EC2 can't be read, or peerOnCreate",
      ({ deleted }) => deleted !== undefined,
      ({ hasNoted, tagged, physicalId, view, peerOnCreate, adoptExisting }) =>
        hasNoted ||
        tagged !== undefined ||
        (physicalId.kind === 'created' && view?.kind === 'unavailable') ||
        (peerOnCreate && !adoptExisting && physicalId.kind !== 'nothing done'),
    ],
    [
      'never deletes a connection that another resource has tagged without a note',
      ({ hasNoted, view }) => !hasNoted && hasOwnerTag(peering(), view ?? given.UNAVAILABLE),
      ({ deleted }) => deleted === undefined,
    ],
    [
      'with peerOnCreate, deletes the connection after any outcome of the create, unless another resource owns it',
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
      'deletes only a connection that was noted, tagged, or listed',
      ({ deleted }) => deleted !== undefined,
      ({ deleted, claim, tagged, listed = [] }) => [claim.connection, tagged, ...listed].some((evident) => evident === deleted),
    ],
    [
      'never deletes a connection that another resource has adopted',
      ({ claim }) => claim.otherClaims.some(({ connection }) => connection?.isAdopted === true),
      ({ deleted }) => deleted === undefined,
    ],
    [
      'never deletes a connection that only another resource has noted',
      ({ claim }) => isOnlyNotedByOther(claim, ID),
      ({ deleted }) => deleted?.id !== ID,
    ],
    [
      'never deletes a connection that was or may have been adopted, while adoptExisting is set',
      ({ adoptExisting, claim, hasNoted, tagged }) =>
        adoptExisting && (claim.connection?.isAdopted === true || (!hasNoted && tagged === undefined)),
      ({ deleted }) => deleted === undefined,
    ],
    [
      'never deletes a connection that existed before the request',
      ({ claim }) => claim.peeredBefore?.includes(FLEET_VPC) === true,
      ({ deleted }) => deleted === undefined,
    ],
    [
      'deletes nothing if a later request has written the claim or the note',
      ({ isOfLaterRequest }) => isOfLaterRequest,
      ({ step }) => step.kind === 'leave it',
    ],
    [
      'releases the claim before anything else, until reads show that it is gone, unless a connection is noted',
      ({ isReleased, isOfLaterRequest }) => !isReleased && !isOfLaterRequest,
      ({ step }) => step.kind === 'release the claim',
    ],
    [
      'releases the claim only if it is not released yet',
      ({ step }) => step.kind === 'release the claim',
      ({ isReleased }) => !isReleased,
    ],
    ['reads EC2 only once', ({ step }) => step.kind === 'read EC2', ({ view }) => view === undefined],
    ['reads the list only once', ({ step }) => step.kind === 'read the list', ({ listed }) => listed === undefined],
  ])('%s', (_, isMeant, holds) => {
    expectForAll(decisions, isMeant, holds);
  });

  test('ends at most two steps after the last release of the claim', () => {
    interface State {
      readonly situation: DeleteSituation;
      /** The number of runs of a create that may still follow. Each can write the claim and a note once. Lambda limits their number. */
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
          return EC2_OBSERVATIONS.filter(({ view }) => isKnown(view)).map((seen) => ({
            situation: { ...situation, ...seen },
            runs,
          }));
        case 'read the list':
          return LISTED.filter(isKnown).map((listed) => ({ situation: { ...situation, listed }, runs }));
        case 'leave it':
        case 'undo changes':
        case 'disconnect':
          return [];
      }
    };
    const starts = situations.filter(({ view, listed, hasReleased }) => !isKnown(view) && !isKnown(listed) && !hasReleased);
    const { longest, visited } = explore(
      starts.map((situation): State => ({ situation, runs: RUNS })),
      outcomesOf,
    );
    expect(longest).toBe(1 + RUNS + 2);
    const steps = visited.map(({ situation }) => decideDelete(situation).kind);
    expect(new Set(steps)).toEqual(new Set(decisions.map(({ step }) => step.kind)));
  });
});

import type { PhysicalIdState } from '../../lambda/cloudformation/physical-id';
import type { ClaimedConnection } from '../../lambda/model/connection';
import type { Ec2View } from '../../lambda/network/ec2-view';
import type { Claim, Note } from '../../lambda/peering/claim';
import { decide, decideAfterRefusal, decideBeforeUse, decideDelete, conflictOf } from '../../lambda/peering/decide';
import type { DeleteSituation, ExistingConnection, RequestState, Situation } from '../../lambda/peering/decide';
import { wouldEndAgain } from '../../lambda/peering/ended';
import { hasOwnerTag } from '../../lambda/network/ec2-tags';
import type { TaggedOwner } from '../../lambda/network/ec2-tags';
import {
  combinations,
  CONNECTION_ID,
  EARLIER_CONNECTION_ID,
  ec2Side,
  ec2SideWithOtherOwner,
  ec2ViewOf,
  endedState,
  expectForAll,
  FLEET_VPC,
  foundConnection,
  listedConnection,
  notedConnection,
  OTHER_OWNER,
  otherClaim,
  UNAVAILABLE_VIEW,
  UNRELATED_VPC,
} from './situations';

/*
 * Enumerates every possible situation, and checks rules that the decisions must follow in every situation.
 */

const BOOLEANS = [false, true];

const NOTES: readonly Note[] = [
  ...combinations<Note>({ connection: [undefined], peeredBefore: [undefined, [], [UNRELATED_VPC], [FLEET_VPC]] }),
  ...combinations<Note>({
    connection: [notedConnection('created'), notedConnection('adopted'), notedConnection('created', EARLIER_CONNECTION_ID)],
    peeredBefore: [undefined],
  }),
];
const OTHER_CLAIMS = [
  [],
  ...[undefined, notedConnection('created'), notedConnection('adopted')].map((connection) => [otherClaim(connection)]),
];

function hasNoted({ connection, peeredBefore }: Note): boolean {
  return connection !== undefined || peeredBefore !== undefined;
}

const CLAIMS: readonly Claim[] = NOTES.flatMap((note) =>
  BOOLEANS.flatMap((isClaimed) =>
    OTHER_CLAIMS.map((otherClaims) => {
      // the request that wrote the note; if there is no note, the request that wrote the claim
      const requestId = isClaimed || hasNoted(note) ? 'request-1' : undefined;
      return { ...note, isClaimed, requestId, otherClaims };
    }),
  ),
);

/** Whether another resource has noted the connection, and this resource has not. */
function isOnlyNotedByOther({ connection, otherClaims }: Claim, id: string): boolean {
  return connection?.id !== id && otherClaims.some((other) => other.connection?.id === id);
}

interface Exploration<T> {
  readonly visitedStates: readonly T[];
  /** The number of steps of the longest path. */
  readonly maxSteps: number;
}

/** Visits every state that can be reached from the start states. Fails if a path contains a cycle. */
function explore<T>(starts: readonly T[], nextStates: (state: T) => readonly T[]): Exploration<T> {
  const visitedStates: T[] = [];
  /** The number of steps of the longest path from each state. */
  const lengths = new Map<string, number | 'being computed'>();
  const lengthFrom = (state: T): number => {
    const key = JSON.stringify(state);
    const length = lengths.get(key);
    if (length === 'being computed') {
      throw new Error(`cycle through ${key}`);
    }
    if (length === undefined) {
      visitedStates.push(state);
      lengths.set(key, 'being computed');
      lengths.set(key, Math.max(0, ...nextStates(state).map((next) => 1 + lengthFrom(next))));
      return lengthFrom(state);
    }
    return length;
  };
  return { maxSteps: Math.max(...starts.map(lengthFrom)), visitedStates };
}

describe('decide', () => {
  const NONE: ExistingConnection = { kind: 'none' };
  const UNKNOWN: ExistingConnection = { kind: 'unknown' };
  const OWNERS: readonly TaggedOwner[] = [
    { kind: 'this resource' },
    { kind: 'another resource', name: OTHER_OWNER },
    { kind: 'unknown' },
  ];
  const ACTIVE = OWNERS.map((owner) => foundConnection({}, owner));
  const FOUND = [...ACTIVE, ...OWNERS.map((owner) => foundConnection({ status: 'pending-acceptance' }, owner))];
  const ENDED = BOOLEANS.map((wouldEndAgain) => endedState({ wouldEndAgain }));
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

  /** Whether the handler treats the connection as created by this resource, and the last check of the claims confirms that. */
  const treatsAsCreated = ({ step, claim }: Decision): boolean =>
    step.kind === 'use' &&
    step.origin === 'created' &&
    (!step.mustNoteCreation || decideBeforeUse(claim, true, step.peering.id).kind === 'use');
  /** Whether a note or the physical id names the connection. If the fleet has lost its tags (`hasLostTags`), the physical id does. */
  const hasNoteOrPhysicalId = ({ hasLostTags, claim }: Decision): boolean => hasLostTags || claim.connection !== undefined;
  /**
   * Whether evidence other than a request shows that this resource created the connection: tags in EC2, the physical id, a note, or
   * peerOnCreate.
   */
  const hasEvidenceBesidesRequest = (decision: Decision): boolean =>
    decision.owner === 'this resource' ||
    hasNoteOrPhysicalId(decision) ||
    (decision.peerOnCreate && !decision.adoptExisting && decision.owner === 'unknown');

  test.each<readonly [string, (decision: Decision) => boolean, (decision: Decision) => boolean]>([
    [
      'fails without a claim, or if another resource owns the connection',
      ({ claim, adoptExisting }) => !claim.isClaimed || conflictOf(claim, adoptExisting) !== undefined,
      ({ step }) => step.kind === 'fail',
    ],
    [
      'requests nothing if a connection exists or has ended',
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
      'if the connection may have existed before the request, treats it as created only with evidence besides the request',
      (decision) => treatsAsCreated(decision) && decision.claim.peeredBefore?.includes(FLEET_VPC) !== false,
      hasEvidenceBesidesRequest,
    ],
    [
      'if no request can have taken effect, treats a connection as created only with evidence besides the request',
      (decision) => treatsAsCreated(decision) && !decision.mayHaveRequested,
      hasEvidenceBesidesRequest,
    ],
    [
      'if only another resource has noted a connection, treats it as created only with evidence besides the request',
      (decision) => treatsAsCreated(decision) && isOnlyNotedByOther(decision.claim, CONNECTION_ID),
      hasEvidenceBesidesRequest,
    ],
    [
      'with peerOnCreate, never requests the connection or authorizes',
      ({ peerOnCreate }) => peerOnCreate,
      ({ step }) => step.kind !== 'request' && step.kind !== 'prepare a retry',
    ],
    [
      'if another resource has tagged a connection, treats it as created only because of a note, the physical id, or a request',
      (decision) => treatsAsCreated(decision) && decision.owner === 'another resource',
      (decision) => hasNoteOrPhysicalId(decision) || decision.mayHaveRequested,
    ],
    [
      'adopts a connection only if adoptExisting is set or the connection was noted as adopted',
      ({ step }) => step.kind === 'use' && step.origin === 'adopted',
      ({ adoptExisting, claim }) => adoptExisting || claim.connection?.isAdopted === true,
    ],
    [
      'repeats the request for a failed connection only if an earlier request may have taken effect, and another request may succeed',
      ({ step, existing }) => step.kind === 'prepare a retry' && existing.kind === 'ended',
      ({ existing, mayHaveRequested }) => mayHaveRequested && existing.kind === 'ended' && !wouldEndAgain(existing.connection),
    ],
  ])('%s', (_, applies, holds) => {
    expectForAll(decisions, applies, holds);
  });

  /** The possible situations after the next step. Errors and the end of the time are left out, because they end the sequence. */
  function outcomesOf(situation: Situation): readonly Situation[] {
    const { claim } = situation;
    const afterObserving = (states: readonly ExistingConnection[], change: Partial<Situation> = {}): readonly Situation[] =>
      states.map((existing) => ({ ...situation, existing, ...change }));
    const step = decide(situation);
    switch (step.kind) {
      case 'use':
      case 'fail':
        return [];
      case 'read the list':
        return afterObserving([NONE, ...FOUND]);
      case 'request': {
        // the handler notes the VPCs that are peered, unless an earlier run has noted them. If the note names an earlier connection,
        // the new note lists no VPCs, because a connection that exists now belongs to this resource, too
        const possibleNotes = claim.connection === undefined ? [[], [UNRELATED_VPC], [FLEET_VPC]] : [[]];
        return (claim.peeredBefore === undefined ? possibleNotes : [claim.peeredBefore]).flatMap((peeredBefore) => {
          const claimWithRequest = { ...claim, connection: undefined, peeredBefore };
          return [
            ...afterObserving([UNKNOWN], { claim: claimWithRequest, request: ACCEPTED, mayHaveRequested: true }),
            ...afterObserving([NONE, ...FOUND], { claim: claimWithRequest, request: REFUSED }),
            // an earlier attempt got no response, and may have taken effect
            ...afterObserving([NONE, ...FOUND], { claim: claimWithRequest, request: REFUSED, mayHaveRequested: true }),
          ];
        });
      }
      case 'prepare a retry':
        return afterObserving([NONE], { request: NOT_MADE });
      case 'wait until active':
        return afterObserving([...ACTIVE, ...ENDED]);
      case 'wait for a note':
        return [
          ...[notedConnection('created'), notedConnection('adopted')].map((connection) => ({
            ...situation,
            claim: { ...claim, connection, peeredBefore: undefined },
          })),
          { ...situation, hasWaitedForNote: true },
          ...(step.peering.status === 'active' ? [] : afterObserving(ENDED)),
        ];
    }
  }

  describe('a sequence of steps', () => {
    const needsRetry = (situation: Situation): boolean => decide(situation).kind === 'prepare a retry';
    // the possible situations at the start of a create or an update. `existing` is 'unknown' if the list was not read, or showed nothing
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
      // the number of refusals is not limited here, so each round of the exploration ends at a refusal, and the next round begins after it
      const afterRefusal = new Map<string, Situation>();
      const exploreRound = (roundStarts: readonly Situation[]): Exploration<Situation> =>
        explore(roundStarts, (situation) => {
          const next = outcomesOf(situation);
          if (!needsRetry(situation)) {
            return next;
          }
          next.forEach((nextSituation) => afterRefusal.set(JSON.stringify(nextSituation), nextSituation));
          return [];
        });
      let sizeBefore: number;
      do {
        sizeBefore = afterRefusal.size;
        rounds = exploreRound([...starts, ...afterRefusal.values()]);
      } while (sizeBefore < afterRefusal.size);
    });

    test('uses a connection, fails, or prepares a retry after at most four steps', () => {
      expect(rounds.maxSteps).toBe(4);
    });

    test('changes the situation with each step', () => {
      const isSame = (one: Situation, other: Situation): boolean => JSON.stringify(one) === JSON.stringify(other);
      expectForAll(
        rounds.visitedStates,
        (situation) => outcomesOf(situation).length > 0,
        (situation) => !outcomesOf(situation).some((next) => isSame(next, situation)),
      );
    });

    test('reaches only situations that the tests above enumerate', () => {
      const enumerated = new Set(situations.map((situation) => JSON.stringify(situation)));
      expectForAll(
        rounds.visitedStates,
        () => true,
        (situation) => enumerated.has(JSON.stringify(situation)),
      );
    });

    test.each<readonly [string, (situation: Situation) => boolean]>([
      [
        'the existing connection is unknown after a refusal',
        ({ existing, request }) => existing.kind === 'unknown' && request === REFUSED,
      ],
      [
        'no connection exists after GameLift accepted a request',
        ({ existing, request }) => existing.kind === 'none' && request === ACCEPTED,
      ],
      [
        'GameLift accepted a request, and mayHaveRequested is false',
        ({ request, mayHaveRequested }) => request === ACCEPTED && !mayHaveRequested,
      ],
      [
        'a request may have taken effect, and there is no note of it',
        ({ claim, mayHaveRequested }) => mayHaveRequested && !hasNoted(claim),
      ],
    ])('never reaches a situation in which %s', (_, isImpossible) => {
      expect(situations.some(isImpossible)).toBe(true);
      expect(rounds.visitedStates.filter(isImpossible)).toEqual([]);
    });
  });
});

test.each([8, 40])(
  'with a maximum of %i refusals, decideAfterRefusal gives up at the next refusal at the latest, whether or not an authorization is listed',
  (maximum) => {
    interface State {
      readonly count: number;
      readonly countWhileAuthorized: number;
      readonly elapsed: number;
      readonly next: ReturnType<typeof decideAfterRefusal>;
    }
    const statesAfterRefusal = ({ count, countWhileAuthorized, elapsed }: Omit<State, 'next'>): readonly State[] => {
      const refusals = { count: count + 1, countWhileAuthorized, elapsed, maximum };
      const next = decideAfterRefusal(refusals, 'not checked');
      return next !== 'list authorizations'
        ? [{ ...refusals, next }]
        : BOOLEANS.map((isListed) => {
            const refusalsAfterListing = { ...refusals, countWhileAuthorized: countWhileAuthorized + (isListed ? 1 : 0) };
            const nextAfterListing = decideAfterRefusal(refusalsAfterListing, isListed ? 'listed' : 'not listed');
            // only 'try again later' waits. Assume that the other steps take no time
            const waitMilliseconds = nextAfterListing === 'try again later' ? 10_000 : 0;
            return { ...refusalsAfterListing, elapsed: elapsed + waitMilliseconds, next: nextAfterListing };
          });
    };
    const starts = statesAfterRefusal({ count: 0, countWhileAuthorized: 0, elapsed: 0 });
    const { maxSteps, visitedStates } = explore(starts, (state) => (state.next === 'give up' ? [] : statesAfterRefusal(state)));
    // each step adds one refusal to the first
    expect(maxSteps).toBe(maximum);
    const hasTriedLongEnough = ({ count, countWhileAuthorized, elapsed }: State): boolean =>
      count > maximum || (countWhileAuthorized > 1 && elapsed >= 75_000);
    expectForAll(visitedStates, ({ next }) => next === 'give up', hasTriedLongEnough);
    expect(visitedStates.map(({ next }) => next)).not.toContain('list authorizations');
  },
);

describe('decideDelete', () => {
  const PHYSICAL_IDS: readonly PhysicalIdState[] = [
    { kind: 'created' },
    { kind: 'unfinished', requestId: 'request-1' },
    { kind: 'unfinished', requestId: 'request-0' },
    // the handler does not call decideDelete for this id: it responds to such a delete at once
    { kind: 'nothing done' },
    // this happens in the rollback of an update
    { kind: 'unknown' },
  ];
  const LISTS = [undefined, [], [listedConnection()], [listedConnection({ status: 'failed' })]];
  interface Ec2Observation {
    readonly view: Ec2View | undefined;
    readonly tagged: ClaimedConnection | undefined;
  }
  // EC2 shows tags only if it shows the peering connection
  const EC2_OBSERVATIONS: readonly Ec2Observation[] = [
    ...combinations<Ec2Observation>({ view: [undefined, UNAVAILABLE_VIEW, ec2ViewOf()], tagged: [undefined] }),
    ...combinations<Ec2Observation>({ view: [ec2ViewOf(ec2Side())], tagged: [undefined, notedConnection('created')] }),
    ...combinations<Ec2Observation>({ view: [ec2ViewOf(ec2SideWithOtherOwner())], tagged: [undefined] }),
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
      listed: LISTS,
    }),
  );
  const decisions = situations.map((situation) => {
    const step = decideDelete(situation);
    const { claim, physicalId, hasReleased } = situation;
    return {
      ...situation,
      step,
      connectionToDelete: step.kind === 'disconnect' ? step.connection : undefined,
      hasNoted: hasNoted(claim),
      isOfLaterRequest: physicalId.kind === 'unfinished' && ![undefined, physicalId.requestId].includes(claim.requestId),
      needsRelease: claim.connection === undefined && (!hasReleased || claim.isClaimed),
    };
  });
  type Decision = (typeof decisions)[number];

  test.each<readonly [string, (decision: Decision) => boolean, (decision: Decision) => boolean]>([
    [
      "deletes a connection only with evidence: a note, tags in EC2, the physical id if EC2 can't be read, or peerOnCreate",
      ({ connectionToDelete }) => connectionToDelete !== undefined,
      ({ hasNoted, tagged, physicalId, view, peerOnCreate, adoptExisting }) =>
        hasNoted ||
        tagged !== undefined ||
        (physicalId.kind === 'created' && view?.kind === 'unavailable') ||
        (peerOnCreate && !adoptExisting && physicalId.kind !== 'nothing done'),
    ],
    [
      'without a note, never deletes a connection that another resource has tagged',
      ({ hasNoted, view }) => !hasNoted && hasOwnerTag(listedConnection(), view ?? UNAVAILABLE_VIEW),
      ({ connectionToDelete }) => connectionToDelete === undefined,
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
        !hasOwnerTag(listedConnection(), view ?? UNAVAILABLE_VIEW),
      ({ connectionToDelete }) => connectionToDelete?.id === CONNECTION_ID,
    ],
    [
      'deletes only a connection that was noted, tagged, or listed',
      ({ connectionToDelete }) => connectionToDelete !== undefined,
      ({ connectionToDelete, claim, tagged, listed = [] }) =>
        [claim.connection, tagged, ...listed].some((connection) => connection === connectionToDelete),
    ],
    [
      'never deletes a connection that another resource has adopted',
      ({ claim }) => claim.otherClaims.some(({ connection }) => connection?.isAdopted === true),
      ({ connectionToDelete }) => connectionToDelete === undefined,
    ],
    [
      'never deletes a connection that only another resource has noted',
      ({ claim }) => isOnlyNotedByOther(claim, CONNECTION_ID),
      ({ connectionToDelete }) => connectionToDelete?.id !== CONNECTION_ID,
    ],
    [
      'while adoptExisting is set, never deletes a connection that was adopted, or may have been adopted',
      ({ adoptExisting, claim, hasNoted, tagged }) =>
        adoptExisting && (claim.connection?.isAdopted === true || (!hasNoted && tagged === undefined)),
      ({ connectionToDelete }) => connectionToDelete === undefined,
    ],
    [
      'never deletes a connection that existed before the request',
      ({ claim }) => claim.peeredBefore?.includes(FLEET_VPC) === true,
      ({ connectionToDelete }) => connectionToDelete === undefined,
    ],
    [
      'deletes nothing if a later request has written the claim or the note',
      ({ isOfLaterRequest }) => isOfLaterRequest,
      ({ step }) => step.kind === 'leave it',
    ],
    [
      'if no connection is noted, first releases the claim, until a read shows that it is gone',
      ({ needsRelease, isOfLaterRequest }) => needsRelease && !isOfLaterRequest,
      ({ step }) => step.kind === 'release the claim',
    ],
    [
      'releases the claim only if it is not released yet',
      ({ step }) => step.kind === 'release the claim',
      ({ needsRelease }) => needsRelease,
    ],
    ['reads EC2 only once', ({ step }) => step.kind === 'read EC2', ({ view }) => view === undefined],
    ['reads the list only once', ({ step }) => step.kind === 'read the list', ({ listed }) => listed === undefined],
  ])('%s', (_, applies, holds) => {
    expectForAll(decisions, applies, holds);
  });

  test('takes at most two steps after the last release of the claim', () => {
    interface State {
      readonly situation: DeleteSituation;
      /** How many runs of the create can still write tags during the delete. Each run can write the claim and a note once. Lambda limits the number of runs. */
      readonly remainingRuns: number;
    }
    const MAX_RUNS = 3;
    const isDefined = <T>(value: T | undefined): value is T => value !== undefined;
    const outcomesOf = ({ situation, remainingRuns }: State): readonly State[] => {
      const { claim } = situation;
      switch (decideDelete(situation).kind) {
        case 'release the claim': {
          const stateWith = (readClaim: Claim, newRemainingRuns: number): State => ({
            situation: { ...situation, hasReleased: true, claim: readClaim },
            remainingRuns: newRemainingRuns,
          });
          const possibleClaims = CLAIMS.filter(({ otherClaims }) => otherClaims === claim.otherClaims);
          const isReleased = ({ isClaimed, connection, peeredBefore }: Claim): boolean =>
            !isClaimed && connection === claim.connection && peeredBefore === claim.peeredBefore;
          const releasedClaims = possibleClaims.filter(isReleased);
          return [
            ...releasedClaims.map((readClaim) => stateWith(readClaim, remainingRuns)),
            ...(remainingRuns === 0 ? [] : possibleClaims.map((readClaim) => stateWith(readClaim, remainingRuns - 1))),
          ];
        }
        case 'read EC2':
          return EC2_OBSERVATIONS.filter(({ view }) => isDefined(view)).map((observation) => ({
            situation: { ...situation, ...observation },
            remainingRuns,
          }));
        case 'read the list':
          return LISTS.filter(isDefined).map((listed) => ({ situation: { ...situation, listed }, remainingRuns }));
        case 'leave it':
        case 'undo changes':
        case 'disconnect':
          return [];
      }
    };
    const starts = situations.filter(({ view, listed, hasReleased }) => !isDefined(view) && !isDefined(listed) && !hasReleased);
    const { maxSteps, visitedStates } = explore(
      starts.map((situation): State => ({ situation, remainingRuns: MAX_RUNS })),
      outcomesOf,
    );
    // the first release, a release after each run, and two more steps
    expect(maxSteps).toBe(1 + MAX_RUNS + 2);
    const steps = visitedStates.map(({ situation }) => decideDelete(situation).kind);
    expect(new Set(steps)).toEqual(new Set(decisions.map(({ step }) => step.kind)));
  });
});

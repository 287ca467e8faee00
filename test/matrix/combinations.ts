import { make } from 'covertable';
import { BEHAVIOURS } from 'rehearsal/aws';
import type { BehaviourName } from 'rehearsal/aws';
import type { LifeName } from './lives';
import type { Readings } from './rehearsal';

/*
 * The combinations of readings, and the lives that can't succeed under some of them.
 */

/** All questions with their readings: those of `BEHAVIOURS`, and whether CloudFormation stores the physical id of a failed update. */
export const QUESTIONS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(Object.entries(BEHAVIOURS).map(([name, { readings }]) => [name, readings])),
  failedUpdatePhysicalId: ['stored', 'ignored'],
};

/** Questions that affect the same calls. */
const RELATED_QUESTIONS = [
  'authorizingAgain',
  'useOfAuthorization',
  'missingAuthorization',
  'deletingConnections',
  'fleetEvents',
  'usedAuthorizations',
] as const satisfies readonly BehaviourName[];

/** The computed covering arrays, by strength. Computing one takes seconds. */
const coveringArrays = new Map<number, readonly Readings[]>();

/** A covering array of strength N: for each choice of N questions, it contains all combinations of their readings. */
export function coveringArray(strength: number): readonly Readings[] {
  const questions = Object.fromEntries(Object.entries(QUESTIONS).map(([name, readings]) => [name, [...readings]]));
  const combinations = coveringArrays.get(strength) ?? make(questions, { length: strength });
  coveringArrays.set(strength, combinations);
  return combinations;
}

/** All combinations of the readings of the related questions. The other questions have their default. */
export function crossProduct(): readonly Readings[] {
  return RELATED_QUESTIONS.reduce<readonly Readings[]>(
    (combinations, name) =>
      combinations.flatMap((combination) => BEHAVIOURS[name].readings.map((reading) => ({ ...combination, [name]: reading }))),
    [{}],
  );
}

/** A life that no handler could make succeed under these readings. */
export interface UnavoidableFailure {
  readonly life: LifeName;
  readonly readings: Readings;
  readonly why: string;
  /** The first step with another outcome than the life declares, and the status of the stack after it. Or `SKIPPED_DELETE`. */
  readonly expectedFailure: string;
  /** Matches the error message that the user gets. */
  readonly message: RegExp;
}

const MISSING_AUTHORIZATION =
  /an authorization is missing between VPC \S+ of account \S+ and GameLift account \S+ in \S+: .* Run there: aws gamelift create-/;
const SAME_CIDR_BLOCK =
  "a route table can't have routes to two VPCs with the same CIDR block, and GameLift chooses the CIDR blocks";
const CONFLICTING_ROUTE =
  /has a route for \S+ to pcx-\S+, but the fleet's VPC needs one to pcx-\S+\. Remove that route, or leave the table out/;

/** Each step ends as declared, but in a cleanup, the deletion of the connection fails. GameLift then deletes the connection with the fleet. */
export const SKIPPED_DELETE = 'every step as declared, with a skipped deletion';

export const UNAVOIDABLE_FAILURES: readonly UnavoidableFailure[] = [
  {
    life: 'two fleets peered on creation at the same time',
    readings: { useOfAuthorization: 'consumed' },
    why: "the creation of the first fleet consumes the authorization, and the handler can't authorize again before the creation of the second fleet",
    expectedFailure: 'step 1: ROLLBACK_FAILED',
    message: /There is no valid VPC peering authorization for vpc-\S+|Fleet fleet-\S+ did not stabilize: ERROR/,
  },
  {
    life: 'two accounts without a peer role',
    readings: { useOfAuthorization: 'consumed' },
    why: 'the connection of the new fleet consumes the authorization, and the deletion of the old connection needs another authorization',
    expectedFailure: 'step 5: UPDATE_COMPLETE',
    message: MISSING_AUTHORIZATION,
  },
  {
    life: 'peered on creation, two accounts without a peer role',
    readings: { useOfAuthorization: 'consumed' },
    why: 'the creation of the new fleet consumes the authorization, and the deletion of the old connection needs another authorization',
    expectedFailure: 'step 5: UPDATE_COMPLETE',
    message: MISSING_AUTHORIZATION,
  },
  {
    life: 'peered on creation, two accounts without a peer role',
    readings: {
      useOfAuthorization: 'reusable',
      usedAuthorizations: 'not listed',
      disconnectingPeeredFleet: 'InvalidRequestException',
    },
    why: 'GameLift returns the same error for a missing authorization as for a connection that it deletes only with the fleet',
    expectedFailure: SKIPPED_DELETE,
    message: MISSING_AUTHORIZATION,
  },
  {
    life: 'two connections with one authorization',
    readings: { fleetCidrBlocks: 'may be equal' },
    why: SAME_CIDR_BLOCK,
    expectedFailure: 'step 1: ROLLBACK_COMPLETE',
    message: CONFLICTING_ROUTE,
  },
  {
    life: 'one fleet connected, one peered on creation',
    readings: { fleetCidrBlocks: 'may be equal' },
    why: SAME_CIDR_BLOCK,
    expectedFailure: 'step 1: ROLLBACK_COMPLETE',
    message: CONFLICTING_ROUTE,
  },
  {
    life: 'two fleets peered on creation at the same time',
    readings: { fleetCidrBlocks: 'may be equal' },
    why: SAME_CIDR_BLOCK,
    expectedFailure: 'step 1: ROLLBACK_COMPLETE',
    message: CONFLICTING_ROUTE,
  },
];

/** Returns undefined if the life can succeed under these readings. */
export function findUnavoidableFailure(life: LifeName, readings: Readings): UnavoidableFailure | undefined {
  const chosenReadings: Readonly<Record<string, string>> = readings;
  return UNAVOIDABLE_FAILURES.find(
    (entry) => entry.life === life && Object.entries(entry.readings).every(([name, reading]) => chosenReadings[name] === reading),
  );
}

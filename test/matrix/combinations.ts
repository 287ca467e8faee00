import { make } from 'covertable';
import { BEHAVIOURS } from 'rehearsal/aws';
import type { BehaviourName } from 'rehearsal/aws';
import type { LifecycleName } from './lifecycles';
import type { Readings } from './world';

/*
 * The combinations of readings, and the lives that can't succeed under some of them.
 */

/** Every question with all of its readings. */
export const QUESTIONS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(Object.entries(BEHAVIOURS).map(([name, { readings }]) => [name, readings])),
  failedUpdatePhysicalId: ['stored', 'ignored'],
};

/** The questions that affect the same calls. */
const RELATED_QUESTIONS = [
  'authorizingAgain',
  'useOfAuthorization',
  'missingAuthorization',
  'deletingConnections',
  'fleetEvents',
  'usedAuthorizations',
] as const satisfies readonly BehaviourName[];

/** By strength. Computing them takes seconds. */
const cache = new Map<number, readonly Readings[]>();

/** A coveringArray array: for any `strength` questions, each combination of their readings occurs. */
export function coveringArray(strength: number): readonly Readings[] {
  const questions = Object.fromEntries(Object.entries(QUESTIONS).map(([name, readings]) => [name, [...readings]]));
  const combinations = cache.get(strength) ?? make(questions, { length: strength });
  cache.set(strength, combinations);
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

/** A life that can't succeed under these readings, whatever the handler does. */
export interface UnavoidableFailure {
  readonly lifecycle: LifecycleName;
  readonly readings: Readings;
  readonly why: string;
  /** The step that fails, and its status. */
  readonly ending: string;
  /** The message that the user gets. */
  readonly reason: RegExp;
}

const MISSING_AUTHORIZATION =
  /an authorization is missing between VPC \S+ of account \S+ and GameLift account \S+ in \S+: .* Run there: aws gamelift create-/;
const SAME_CIDR_BLOCK =
  "a route table can't have routes to two VPCs with the same CIDR block, and GameLift chooses the CIDR blocks";
const CONFLICTING_ROUTE =
  /has a route for \S+ to pcx-\S+, where the fleet's VPC needs one to pcx-\S+\. Remove that route, or leave the table out/;

/** CloudFormation skips the deletion of the connection in a cleanup, and deletes it with the fleet. */
export const SKIPPED_DELETE = 'as declared, with a skipped deletion';

export const UNAVOIDABLE_FAILURES: readonly UnavoidableFailure[] = [
  {
    lifecycle: 'two fleets peered on creation at the same time',
    readings: { useOfAuthorization: 'consumed' },
    why: "the creation of the first fleet consumes the authorization, and the handler can't authorize again before the second",
    ending: 'step 1: ROLLBACK_FAILED',
    reason: /There is no valid VPC peering authorization for vpc-\S+|Fleet fleet-\S+ did not stabilize: ERROR/,
  },
  {
    lifecycle: 'two accounts without trust',
    readings: { useOfAuthorization: 'consumed' },
    why: 'the connection of the new fleet consumes the authorization, and the deletion of the old connection needs another one',
    ending: 'step 5: UPDATE_COMPLETE',
    reason: MISSING_AUTHORIZATION,
  },
  {
    lifecycle: 'peered on creation, two accounts without trust',
    readings: { useOfAuthorization: 'consumed' },
    why: 'the creation of the new fleet consumes the authorization, and the deletion of the old connection needs another one',
    ending: 'step 5: UPDATE_COMPLETE',
    reason: MISSING_AUTHORIZATION,
  },
  {
    lifecycle: 'peered on creation, two accounts without trust',
    readings: {
      useOfAuthorization: 'reusable',
      usedAuthorizations: 'not listed',
      disconnectingPeeredFleet: 'InvalidRequestException',
    },
    why: 'GameLift returns the same error if the authorization is missing, and if it deletes the connection only with the fleet',
    ending: SKIPPED_DELETE,
    reason: MISSING_AUTHORIZATION,
  },
  {
    lifecycle: 'two connections with one authorization',
    readings: { fleetCidrBlocks: 'may be equal' },
    why: SAME_CIDR_BLOCK,
    ending: 'step 1: ROLLBACK_COMPLETE',
    reason: CONFLICTING_ROUTE,
  },
  {
    lifecycle: 'one fleet connected, one peered on creation',
    readings: { fleetCidrBlocks: 'may be equal' },
    why: SAME_CIDR_BLOCK,
    ending: 'step 1: ROLLBACK_COMPLETE',
    reason: CONFLICTING_ROUTE,
  },
  {
    lifecycle: 'two fleets peered on creation at the same time',
    readings: { fleetCidrBlocks: 'may be equal' },
    why: SAME_CIDR_BLOCK,
    ending: 'step 1: ROLLBACK_COMPLETE',
    reason: CONFLICTING_ROUTE,
  },
];

/** @returns undefined if the life can succeed under these readings */
export function unavoidableFailure(lifecycle: LifecycleName, readings: Readings): UnavoidableFailure | undefined {
  const chosen: Readonly<Record<string, string>> = readings;
  return UNAVOIDABLE_FAILURES.find(
    (entry) =>
      entry.lifecycle === lifecycle && Object.entries(entry.readings).every(([name, reading]) => chosen[name] === reading),
  );
}

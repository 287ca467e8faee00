import { make } from 'covertable';
import { BEHAVIOURS } from 'rehearsal/aws';
import type { Behaviour } from 'rehearsal/aws';
import type { LifecycleName } from './lifecycles';
import type { Readings } from './world';

/*
 * Which readings of what AWS does not say go together in a run.
 */

/** Every question with all of its readings. */
export const QUESTIONS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(Object.entries(BEHAVIOURS).map(([name, { readings }]) => [name, readings])),
  failedUpdatePhysicalId: ['stored', 'ignored'],
};

/** The rows whose readings meet in the same few calls. */
const CROSSED: ReadonlySet<number> = new Set([1, 2, 3, 5, 11, 14]);

/** What was computed already, by strength: it takes seconds. */
const computed = new Map<number, readonly Readings[]>();

/** Readings such that every choice of `strength` questions meets in all ways. */
export function covering(strength: number): readonly Readings[] {
  const questions = Object.fromEntries(Object.entries(QUESTIONS).map(([name, readings]) => [name, [...readings]]));
  const combinations = computed.get(strength) ?? make(questions, { length: strength });
  computed.set(strength, combinations);
  return combinations;
}

/** Every way in which the readings of the crossed rows go together, the rest as by default. */
export function product(): readonly Readings[] {
  const behaviours: Readonly<Record<string, Behaviour>> = BEHAVIOURS;
  const crossed = Object.entries(behaviours).filter(([, { row }]) => row !== undefined && CROSSED.has(row));
  return crossed.reduce<readonly Readings[]>(
    (combinations, [name, { readings }]) =>
      combinations.flatMap((combination) => readings.map((reading) => ({ ...combination, [name]: reading }))),
    [{}],
  );
}

/** A life that some readings make impossible, however it is gone about. */
export interface Impossible {
  readonly lifecycle: LifecycleName;
  readonly where: Readings;
  readonly why: string;
  /** Where it ends, and how. */
  readonly ending: string;
  /** What one is told. */
  readonly reason: RegExp;
}

const AUTHORIZE_THERE =
  /an authorization is missing between VPC \S+ of account \S+ and GameLift account \S+ in \S+: .* Run there: aws gamelift create-/;
const SAME_ADDRESSES = 'a route table can not lead to two VPCs with the same addresses, and GameLift chooses them';
const OTHER_ROUTE =
  /has a route for \S+ to pcx-\S+, where the fleet's VPC needs one to pcx-\S+\. Remove that route, or leave the table out/;

/** CloudFormation skips the deletion of the connection in a clean-up, and the deletion of the fleet ends it. */
export const SKIPPED_DELETE = 'as declared, with a skipped deletion';

export const IMPOSSIBLE: readonly Impossible[] = [
  {
    lifecycle: 'two fleets that are peered on creation at once',
    where: { useOfAuthorization: 'consumed' },
    why: 'the creation of the first fleet uses the authorization up, and CloudFormation asks nobody before that of the second',
    ending: 'step 1: ROLLBACK_FAILED',
    reason: /There is no valid VPC peering authorization for vpc-\S+|Fleet fleet-\S+ did not stabilize: ERROR/,
  },
  {
    lifecycle: 'without trust',
    where: { useOfAuthorization: 'consumed' },
    why: "the connection of the new fleet uses up what the VPC's owner gave, and that of the old one is left without",
    ending: 'step 5: UPDATE_COMPLETE',
    reason: AUTHORIZE_THERE,
  },
  {
    lifecycle: 'peered on creation, without trust',
    where: { useOfAuthorization: 'consumed' },
    why: "the creation of the new fleet uses up what the VPC's owner gave, and the connection of the old one is left without",
    ending: 'step 5: UPDATE_COMPLETE',
    reason: AUTHORIZE_THERE,
  },
  {
    lifecycle: 'peered on creation, without trust',
    where: {
      useOfAuthorization: 'reusable',
      usedAuthorizations: 'not listed',
      disconnectingPeeredFleet: 'InvalidRequestException',
    },
    why: 'GameLift answers the same if it lacks the authorization, and if it ends the connection only with the fleet',
    ending: SKIPPED_DELETE,
    reason: AUTHORIZE_THERE,
  },
  {
    lifecycle: 'two connections on one authorization',
    where: { fleetCidrBlocks: 'may coincide' },
    why: SAME_ADDRESSES,
    ending: 'step 1: ROLLBACK_COMPLETE',
    reason: OTHER_ROUTE,
  },
  {
    lifecycle: 'one connected fleet, and one that is peered on creation',
    where: { fleetCidrBlocks: 'may coincide' },
    why: SAME_ADDRESSES,
    ending: 'step 1: ROLLBACK_COMPLETE',
    reason: OTHER_ROUTE,
  },
  {
    lifecycle: 'two fleets that are peered on creation at once',
    where: { fleetCidrBlocks: 'may coincide' },
    why: SAME_ADDRESSES,
    ending: 'step 1: ROLLBACK_COMPLETE',
    reason: OTHER_ROUTE,
  },
];

/** Why a life can't succeed under these readings; undefined where it can. */
export function impossibility(lifecycle: LifecycleName, readings: Readings): Impossible | undefined {
  const given: Readonly<Record<string, string>> = readings;
  return IMPOSSIBLE.find(
    (entry) => entry.lifecycle === lifecycle && Object.entries(entry.where).every(([name, reading]) => given[name] === reading),
  );
}

import { coveringArray, unavoidableFailure, crossProduct } from './combinations';
import { runWithFault, faultScenariosOf } from './faults';
import { FOUND_SEQUENCES, variantsOf } from './found-sequences';
import { runFailingLife, runLife, LIFECYCLE_NAMES, LIFECYCLES, worldFor } from './lifecycles';
import type { LifecycleName } from './lifecycles';
import { resultOf } from './observations';
import type { Result } from './observations';
import { runRandomSequence, runSequence } from './sequences';
import type { Readings } from './world';

/*
 * All cases of the matrix. Each can be run by itself.
 */

export interface Case {
  readonly kind: 'life' | 'failing life' | 'fault' | 'sequence';
  readonly name: string;
  readonly run: () => Promise<Result>;
}

/** Readings that all differ from the default, except that CIDR blocks stay distinct. */
export const CONTRARY: Readings = {
  authorizingAgain: 'keeps expiry',
  useOfAuthorization: 'consumed',
  missingAuthorization: 'failed',
  existingConnection: 'accepted',
  deletingConnections: 'deleting for a while',
  endedConnections: 'not listed',
  connectionIds: 'id of GameLift',
  connectionsOfDeletedFleet: 'empty list',
  peerVpcWrites: 'main route table',
  peerVpcWritesOnDelete: 'left behind',
  deletingAbsentAuthorization: 'success',
  fleetEvents: 'never seen',
  throttlingError: 'RequestLimitExceeded',
  connectingInactiveFleet: 'pending until ACTIVE',
  usedAuthorizations: 'not listed',
  foreignFleetTags: 'removed',
  failedSeenByAccepter: 'shown',
  readBack: 'up to 15 seconds late',
  iamPropagation: 'up to a minute late',
  connectingPermissions: 'checked when GameLift acts',
  fleetDeletion: 'minutes later',
  disconnectingPeeredFleet: 'InvalidRequestException',
  removalPermissions: 'not needed',
  throttledCalls: 'counted',
  failedUpdatePhysicalId: 'ignored',
};

/** The lives that are repeated with each fault, and their readings. */
const LIVES_WITH_FAULTS: readonly (readonly [LifecycleName, Readings])[] = [
  ['created and deleted within a day', {}],
  ['replaced after ten days, changed, deleted after a month', {}],
  ['creation fails at its last resource', {}],
  ['two connections with one authorization', {}],
  ['peered on creation, replaced after ten days, changed, deleted after a month', {}],
  ['peered on creation, update rolled back', {}],
  ['peered on creation, with a peer role in another account', {}],
  ['two fleets peered on creation at the same time', {}],
  ['update rolled back', {}],
  ['moved to another VPC', {}],
  ['with a peer role in another account', {}],
  ['two accounts without trust', {}],
  ['two accounts without trust, update without authorization', {}],
  ['existing connection, adopted', {}],
  // if GameLift writes no routes, the handler has to create and delete them
  ['existing connection, adopted', { peerVpcWrites: 'none' }],
  ['existing connection, not adopted', {}],
  ['created and deleted within a day', CONTRARY],
  ['replaced after ten days, changed, deleted after a month', CONTRARY],
  ['creation fails at its last resource', CONTRARY],
  ['two connections with one authorization', CONTRARY],
  ['update rolled back', CONTRARY],
  ['moved to another VPC', CONTRARY],
  ['with a peer role in another account', CONTRARY],
  ['existing connection, adopted', CONTRARY],
  ['existing connection, not adopted', CONTRARY],
];

function describeReadings(readings: Readings): string {
  const chosen = Object.entries(readings).map(([name, reading]) => `${name}=${reading}`);
  return chosen.length === 0 ? 'default readings' : chosen.join(', ');
}

function life(lifecycle: LifecycleName, readings: Readings): Case {
  const impossible = unavoidableFailure(lifecycle, readings);
  return {
    kind: impossible === undefined ? 'life' : 'failing life',
    name: `${lifecycle}, ${describeReadings(readings)}`,
    run: async () => {
      const world = await worldFor(lifecycle, readings);
      const steps = LIFECYCLES[lifecycle];
      return resultOf(world, () => (impossible === undefined ? runLife(world, steps) : runFailingLife(world, steps, impossible)));
    },
  };
}

/** Each life under each combination. */
export function lives(
  combinations: readonly Readings[],
  lifecycles: readonly LifecycleName[] = LIFECYCLE_NAMES,
): readonly Case[] {
  return lifecycles.flatMap((lifecycle) => combinations.map((readings) => life(lifecycle, readings)));
}

/** Every triple of readings, and the full product of the related questions. */
export function allCombinations(): readonly Readings[] {
  return [...coveringArray(3), ...crossProduct()];
}

/** Lives that differ from another one only in how or how long the fleet is peered. They run under every triple of readings only. */
const VARIANTS: ReadonlySet<LifecycleName> = new Set([
  'connection removed',
  'creation fails, retried a day later',
  'peered on creation, creation fails, retried a day later',
  'two accounts without trust, deletion without authorization, retried a day later',
  'peered on creation, two accounts without trust, deletion without authorization, retried a day later',
  'peered on creation, deleted within a day',
  'peered on creation, creation fails at its last resource',
  'peered on creation, update rolled back',
  'peered on creation, moved to another VPC',
  'peered on creation, with a peer role in another account',
  'peered on creation, two accounts without trust',
  'peered on creation, connection removed',
]);

/** Each fault at each call, response and event of a life. Under contrary readings, only every third fault at a call. */
export async function casesWithFaults(lifecycle: LifecycleName, readings: Readings): Promise<readonly Case[]> {
  const scenarios = await faultScenariosOf(lifecycle, readings, readings === CONTRARY ? 'every third' : 'all');
  return scenarios.map((scenario) => ({
    kind: 'fault',
    name: `${lifecycle}, ${scenario.name}, ${describeReadings(readings)}`,
    run: () => runWithFault(lifecycle, readings, scenario),
  }));
}

/** How many random sequences there are for each value of SEED. */
const SEQUENCES = 200;

/** The random sequences for a value of SEED. Each has its own seed, so that it can be run by itself. */
export function randomSequences(seed: number): readonly Case[] {
  return Array.from({ length: SEQUENCES }, (_, index) => ({
    kind: 'sequence',
    name: `sequence ${String(index).padStart(3, '0')} of seed ${seed}`,
    run: () => runRandomSequence(seed * SEQUENCES + index),
  }));
}

/** The sequences that once failed, each with its fault at every call. */
function foundSequences(): readonly Case[] {
  return FOUND_SEQUENCES.flatMap(([name, sequence]) =>
    variantsOf(sequence).map((variant, calls) => ({
      kind: 'sequence',
      name: `found sequence, ${name}, call ${calls}`,
      run: () => runSequence(variant),
    })),
  );
}

/** @param seed chooses the random sequences */
export async function allCases(seed: number): Promise<readonly Case[]> {
  const withFaults: Case[] = [];
  for (const [lifecycle, readings] of LIVES_WITH_FAULTS) {
    withFaults.push(...(await casesWithFaults(lifecycle, readings)));
  }
  const main = LIFECYCLE_NAMES.filter((name) => !VARIANTS.has(name));
  return [
    ...lives(coveringArray(3)),
    ...lives(crossProduct(), main),
    ...withFaults,
    ...foundSequences(),
    ...randomSequences(seed),
  ];
}

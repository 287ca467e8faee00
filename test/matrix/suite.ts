import { covering, impossibility, product } from './combinations';
import { runWithFault, faultScenariosOf } from './faults';
import { FOUND, variantsOf } from './found-sequences';
import { fail, live, LIFECYCLE_NAMES, LIFECYCLES, worldFor } from './lifecycles';
import type { LifecycleName } from './lifecycles';
import { resultOf } from './observations';
import type { Result } from './observations';
import { play, playRandom } from './sequences';
import type { Readings } from './world';

/*
 * Everything that the matrix runs, each run by itself.
 */

export interface Case {
  readonly kind: 'life' | 'impossible life' | 'fault' | 'sequence';
  readonly name: string;
  readonly run: () => Promise<Result>;
}

/** A life under readings that are all unlike the default, as far as one can be. */
export const CONTRARY: Readings = {
  authorizingAgain: 'keeps expiry',
  useOfAuthorization: 'consumed',
  missingAuthorization: 'failed',
  existingConnection: 'accepted',
  deletingConnections: 'deleting for a while',
  endedConnections: 'gone',
  connectionIds: 'own of GameLift',
  connectionsOfDeletedFleet: 'empty list',
  peerVpcWrites: 'main route table',
  peerVpcWritesOnDelete: 'left behind',
  deletingAbsentAuthorization: 'success',
  fleetEvents: 'never seen',
  throttlingError: 'RequestLimitExceeded',
  connectingInactiveFleet: 'pending until it is',
  usedAuthorizations: 'not listed',
  foreignFleetTags: 'strips them',
  failedSeenByAccepter: 'seen',
  readBack: 'up to 15 seconds late',
  iamPropagation: 'up to a minute late',
  connectingPermissions: 'checked when GameLift acts',
  fleetDeletion: 'minutes later',
  disconnectingPeeredFleet: 'InvalidRequestException',
  removalPermissions: 'not needed',
  throttledCalls: 'counted',
  failedUpdatePhysicalId: 'ignored',
};

/** The lives in which each call goes wrong in every way, and the readings that they are led under. */
const DISTURBED: readonly (readonly [LifecycleName, Readings])[] = [
  ['created and deleted within a day', {}],
  ['replaced after ten days, changed, deleted after a month', {}],
  ['creation that fails late', {}],
  ['two connections on one authorization', {}],
  ['peered on creation, replaced after ten days, changed, deleted after a month', {}],
  ['peered on creation, update that is rolled back', {}],
  ['peered on creation, through a role of another account', {}],
  ['two fleets that are peered on creation at once', {}],
  ['update that is rolled back', {}],
  ['moved to another VPC', {}],
  ['through a role of another account', {}],
  ['without trust', {}],
  ['without trust or authorization', {}],
  ['connection that was there before, adopted', {}],
  // where GameLift writes no routes, there are some to give back
  ['connection that was there before, adopted', { peerVpcWrites: 'none' }],
  ['connection that was there before, refused', {}],
  ['created and deleted within a day', CONTRARY],
  ['replaced after ten days, changed, deleted after a month', CONTRARY],
  ['creation that fails late', CONTRARY],
  ['two connections on one authorization', CONTRARY],
  ['update that is rolled back', CONTRARY],
  ['moved to another VPC', CONTRARY],
  ['through a role of another account', CONTRARY],
  ['connection that was there before, adopted', CONTRARY],
  ['connection that was there before, refused', CONTRARY],
];

function described(readings: Readings): string {
  const chosen = Object.entries(readings).map(([name, reading]) => `${name}=${reading}`);
  return chosen.length === 0 ? 'readings as by default' : chosen.join(', ');
}

/** One life under one combination of readings. */
function life(lifecycle: LifecycleName, readings: Readings): Case {
  const impossible = impossibility(lifecycle, readings);
  return {
    kind: impossible === undefined ? 'life' : 'impossible life',
    name: `${lifecycle}, ${described(readings)}`,
    run: async () => {
      const world = await worldFor(lifecycle, readings);
      const steps = LIFECYCLES[lifecycle];
      return resultOf(world, () => (impossible === undefined ? live(world, steps) : fail(world, steps, impossible)));
    },
  };
}

/** Each of the lives under each of the combinations. */
export function lives(
  combinations: readonly Readings[],
  lifecycles: readonly LifecycleName[] = LIFECYCLE_NAMES,
): readonly Case[] {
  return lifecycles.flatMap((lifecycle) => combinations.map((readings) => life(lifecycle, readings)));
}

/** All combinations: every triple of readings, and the full product of the rows that meet. */
export function combinations(): readonly Readings[] {
  return [...covering(3), ...product()];
}

/** Lives that differ from another only in how or how long the fleet is peered: every triple of readings is enough for them. */
const VARIANTS: ReadonlySet<LifecycleName> = new Set([
  'connection removed',
  'creation that fails, repeated a day later',
  'peered on creation, creation that fails, repeated a day later',
  'deletion without trust or authorization, repeated a day later',
  'peered on creation, deletion without trust or authorization, repeated a day later',
  'peered on creation, deleted within a day',
  'peered on creation, creation that fails late',
  'peered on creation, update that is rolled back',
  'peered on creation, moved to another VPC',
  'peered on creation, through a role of another account',
  'peered on creation, without trust',
  'peered on creation, connection removed',
]);

/** Every fault at every call, answer and event of a life; under contrary readings a third of those of each call, by turns. */
export async function faults(lifecycle: LifecycleName, readings: Readings): Promise<readonly Case[]> {
  const scenarios = await faultScenariosOf(lifecycle, readings, readings === CONTRARY ? 'by turns' : 'all');
  return scenarios.map((scenario) => ({
    kind: 'fault',
    name: `${lifecycle}, ${scenario.name}, ${described(readings)}`,
    run: () => runWithFault(lifecycle, readings, scenario),
  }));
}

/** How many random sequences there are for each value of SEED. */
const SEQUENCES = 200;

/** The random sequences for a value of SEED: each has a seed of its own, so that it can be run by itself. */
export function randomSequences(seed: number): readonly Case[] {
  return Array.from({ length: SEQUENCES }, (_, index) => ({
    kind: 'sequence',
    name: `sequence ${String(index).padStart(3, '0')} of seed ${seed}`,
    run: () => playRandom(seed * SEQUENCES + index),
  }));
}

/** The sequences that once failed, each with every call as the one that goes wrong. */
function foundSequences(): readonly Case[] {
  return FOUND.flatMap(([name, sequence]) =>
    variantsOf(sequence).map((variant, calls) => ({
      kind: 'sequence',
      name: `found sequence, ${name}, call ${calls}`,
      run: () => play(variant),
    })),
  );
}

/** @param seed chooses the random sequences */
export async function everything(seed: number): Promise<readonly Case[]> {
  const disturbed: Case[] = [];
  for (const [lifecycle, readings] of DISTURBED) {
    disturbed.push(...(await faults(lifecycle, readings)));
  }
  const crossed = LIFECYCLE_NAMES.filter((name) => !VARIANTS.has(name));
  return [...lives(covering(3)), ...lives(product(), crossed), ...disturbed, ...foundSequences(), ...randomSequences(seed)];
}

import { coveringArray, findUnavoidableFailure, crossProduct } from './combinations';
import { runWithFault, faultScenariosOf } from './faults';
import { REGRESSION_SEQUENCES, variantsOf } from './regression-sequences';
import { runFailingLife, runLife, LIFE_NAMES, LIVES, createRehearsal } from './lives';
import type { LifeName } from './lives';
import { runAndClose } from './observations';
import type { CaseResult } from './observations';
import { runRandomSequence, runSequence } from './sequences';
import type { Readings } from './rehearsal';

/*
 * All cases of the matrix. Each case can be run alone.
 */

/** A life under some readings, a life with a fault, or a sequence. */
export interface MatrixCase {
  readonly kind: 'life' | 'failing life' | 'fault' | 'sequence';
  readonly name: string;
  readonly run: () => Promise<CaseResult>;
}

/** For most questions, a reading that is not the default. The CIDR blocks of fleets stay distinct: if two were equal, some lives could not succeed. */
export const NON_DEFAULT_READINGS: Readings = {
  authorizingAgain: 'keeps expiry',
  useOfAuthorization: 'consumed',
  missingAuthorization: 'accepted, then fails',
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
const LIVES_WITH_FAULTS: readonly (readonly [LifeName, Readings])[] = [
  ['created and deleted within a day', {}],
  ['fleet replaced after ten days, connection changed, stack deleted after a month', {}],
  ['creation fails at the last resource', {}],
  ['two connections with one authorization', {}],
  ['peered on creation, fleet replaced after ten days, connection changed, stack deleted after a month', {}],
  ['peered on creation, update rolled back', {}],
  ['peered on creation, two accounts with a peer role', {}],
  ['two fleets peered on creation at the same time', {}],
  ['update rolled back', {}],
  ['connection moved to another VPC', {}],
  ['two accounts with a peer role', {}],
  ['two accounts without a peer role', {}],
  ['two accounts without a peer role, update fails without an authorization', {}],
  ['existing connection is adopted', {}],
  // if GameLift writes no routes, the handler has to create and delete them
  ['existing connection is adopted', { peerVpcWrites: 'none' }],
  ['existing connection is not adopted', {}],
  ['created and deleted within a day', NON_DEFAULT_READINGS],
  ['fleet replaced after ten days, connection changed, stack deleted after a month', NON_DEFAULT_READINGS],
  ['creation fails at the last resource', NON_DEFAULT_READINGS],
  ['two connections with one authorization', NON_DEFAULT_READINGS],
  ['update rolled back', NON_DEFAULT_READINGS],
  ['connection moved to another VPC', NON_DEFAULT_READINGS],
  ['two accounts with a peer role', NON_DEFAULT_READINGS],
  ['existing connection is adopted', NON_DEFAULT_READINGS],
  ['existing connection is not adopted', NON_DEFAULT_READINGS],
];

function describeReadings(readings: Readings): string {
  const chosen = Object.entries(readings).map(([name, reading]) => `${name}=${reading}`);
  return chosen.length === 0 ? 'default readings' : chosen.join(', ');
}

function lifeCase(life: LifeName, readings: Readings): MatrixCase {
  const unavoidableFailure = findUnavoidableFailure(life, readings);
  return {
    kind: unavoidableFailure === undefined ? 'life' : 'failing life',
    name: `${life}, ${describeReadings(readings)}`,
    run: async () => {
      const rehearsal = await createRehearsal(life, readings);
      const steps = LIVES[life];
      return runAndClose(rehearsal, () =>
        unavoidableFailure === undefined ? runLife(rehearsal, steps) : runFailingLife(rehearsal, steps, unavoidableFailure),
      );
    },
  };
}

/** Each life under each combination of readings. */
export function lifeCases(combinations: readonly Readings[], lives: readonly LifeName[] = LIFE_NAMES): readonly MatrixCase[] {
  return lives.flatMap((life) => combinations.map((readings) => lifeCase(life, readings)));
}

/** Combinations that contain every triple of readings, and all combinations of the readings of the related questions. */
export function allCombinations(): readonly Readings[] {
  return [...coveringArray(3), ...crossProduct()];
}

/** Lives that are similar to others. They run only under the triples of readings, not under the cross product. */
const SIMILAR_LIVES: ReadonlySet<LifeName> = new Set([
  'connection removed from the stack',
  'creation fails and is retried a day later',
  'peered on creation, creation fails and is retried a day later',
  'two accounts without a peer role, deletion fails without an authorization and is retried a day later',
  'peered on creation, two accounts without a peer role, deletion fails without an authorization and is retried a day later',
  'peered on creation, deleted within a day',
  'peered on creation, creation fails at the last resource',
  'peered on creation, update rolled back',
  'peered on creation, connection moved to another VPC',
  'peered on creation, two accounts with a peer role',
  'peered on creation, two accounts without a peer role',
  'peered on creation, connection removed from the stack',
]);

/** One case for each fault of each call, response and event of a life. Under `NON_DEFAULT_READINGS`, only for every third fault of a call. */
export async function faultCases(life: LifeName, readings: Readings): Promise<readonly MatrixCase[]> {
  const scenarios = await faultScenariosOf(life, readings, readings === NON_DEFAULT_READINGS ? 'every third' : 'all');
  return scenarios.map((scenario) => ({
    kind: 'fault',
    name: `${life}, ${scenario.name}, ${describeReadings(readings)}`,
    run: () => runWithFault(life, readings, scenario),
  }));
}

/** The number of random sequences for each value of SEED. */
const SEQUENCES_PER_SEED = 200;

/** The random sequences for a value of SEED. Each has its own seed, so that it can be run alone. */
export function randomSequences(seed: number): readonly MatrixCase[] {
  return Array.from({ length: SEQUENCES_PER_SEED }, (_, index) => ({
    kind: 'sequence',
    name: `sequence ${String(index).padStart(3, '0')} of seed ${seed}`,
    run: () => runRandomSequence(seed * SEQUENCES_PER_SEED + index),
  }));
}

/** The sequences that failed in the past. If a sequence has a fault, there is one case for each call in which the fault can occur. */
function regressionSequences(): readonly MatrixCase[] {
  return REGRESSION_SEQUENCES.flatMap(([name, sequence]) =>
    variantsOf(sequence).map((variant, index) => ({
      kind: 'sequence',
      name: `regression, ${name}, call ${index}`,
      run: () => runSequence(variant),
    })),
  );
}

/** @param seed the value of SEED, which chooses the random sequences */
export async function allCases(seed: number): Promise<readonly MatrixCase[]> {
  const casesWithFaults: MatrixCase[] = [];
  for (const [life, readings] of LIVES_WITH_FAULTS) {
    casesWithFaults.push(...(await faultCases(life, readings)));
  }
  const otherLives = LIFE_NAMES.filter((name) => !SIMILAR_LIVES.has(name));
  return [
    ...lifeCases(coveringArray(3)),
    ...lifeCases(crossProduct(), otherLives),
    ...casesWithFaults,
    ...regressionSequences(),
    ...randomSequences(seed),
  ];
}

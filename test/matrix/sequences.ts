import fc from 'fast-check';
import { damage, deviations, failedDeletes, leaks, leftovers, reasons } from './checker';
import { QUESTIONS } from './combinations';
import type { CallFault } from './disturbance';
import { assemblyOf, STACK } from './stacks';
import type { Declared, DeclaredFleet, Peering } from './stacks';
import { MatrixWorld } from './world';
import type { Readings } from './world';

/*
 * Lives that nobody thought of: random deployments of random stacks, time that passes, and calls that go wrong, under random
 * readings.
 */

export type Move =
  | { readonly kind: 'deploy'; readonly declared: Declared }
  | { readonly kind: 'pass'; readonly days: number }
  /** Something goes wrong, once, with the call after so many others. */
  | { readonly kind: 'mishap'; readonly calls: number; readonly fault: CallFault };

export interface Sequence {
  readonly readings: Readings;
  readonly moves: readonly Move[];
}

/** Few enough kinds of fleet for each stack to be synthesized once. */
const KINDS: readonly Pick<DeclaredFleet, 'peering' | 'routes' | 'dnsResolution'>[] = [
  { peering: 'connected', routes: 'every table', dnsResolution: false },
  { peering: 'connected', routes: 'one subnet', dnsResolution: true },
  { peering: 'born', routes: 'every table', dnsResolution: false },
  { peering: 'none', routes: 'every table', dnsResolution: false },
];

function fleetNamed(name: string): fc.Arbitrary<DeclaredFleet | undefined> {
  return fc.option(
    fc.record({ kind: fc.constantFrom(...KINDS), build: fc.constantFrom(1, 2) }).map(({ kind, build }) => ({
      name,
      build,
      description: `build ${build}`,
      ...kind,
    })),
    { nil: undefined, freq: 4 },
  );
}

const declared: fc.Arbitrary<Declared> = fc
  .record({
    vpc: fc.constantFrom('A' as const, 'B' as const),
    lobby: fleetNamed('Lobby'),
    arena: fleetNamed('Arena'),
    end: fc.constantFrom('sound' as const, 'sound' as const, 'sound' as const, 'failing' as const),
  })
  .map(({ vpc, lobby, arena, end }) => ({
    vpc,
    end,
    fleets: [lobby, arena].filter((fleet) => fleet !== undefined),
  }));

/** After these, everything goes on as if nothing had been. */
const faults: fc.Arbitrary<CallFault> = fc.oneof(
  fc.constantFrom('ThrottlingException', 'AccessDeniedException').map((name) => ({ kind: 'error' as const, name, status: 400 })),
  fc.constant({ kind: 'error' as const, name: 'InternalServiceException', status: 500 }),
  fc.record({
    kind: fc.constantFrom('timeout' as const, 'reset' as const, 'killed' as const),
    effect: fc.constantFrom('before' as const, 'after' as const),
  }),
  fc.constant({ kind: 'malformed' as const }),
);

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 5, arbitrary: declared.map((wanted): Move => ({ kind: 'deploy', declared: wanted })) },
  { weight: 2, arbitrary: fc.double({ min: 0, max: 40, noNaN: true }).map((days): Move => ({ kind: 'pass', days })) },
  {
    weight: 2,
    arbitrary: fc.record({ calls: fc.nat({ max: 40 }), fault: faults }).map((mishap): Move => ({ kind: 'mishap', ...mishap })),
  },
);

/** What the table of impossible lives is about is left out: whose addresses coincide, and several born at once. */
const readings: fc.Arbitrary<Readings> = fc
  .record(Object.fromEntries(Object.entries(QUESTIONS).map(([name, choices]) => [name, fc.constantFrom(...choices)])))
  .map((chosen) => ({ ...(chosen as Readings), fleetCidrBlocks: 'distinct' }));

export const sequences: fc.Arbitrary<Sequence> = fc
  .record({ readings, moves: fc.array(move, { minLength: 1, maxLength: 10 }) })
  .map((sequence) => ({ ...sequence, moves: sequence.moves.map((each) => possible(each, sequence.readings)) }));

/** Where each use consumes an authorization, one fleet at a time is born peered. */
function possible(each: Move, { useOfAuthorization }: Readings): Move {
  if (each.kind !== 'deploy' || useOfAuthorization !== 'consumed') {
    return each;
  }
  const [first, ...others] = each.declared.fleets;
  const fleets = first === undefined ? [] : [first, ...others.map((fleet) => ({ ...fleet, peering: unborn(fleet) }))];
  return { ...each, declared: { ...each.declared, fleets } };
}

function unborn({ peering }: DeclaredFleet): Peering {
  return peering === 'born' ? 'none' : peering;
}

/** Makes the moves, then deletes everything; gives what was not as it should be. */
export async function play({ readings: chosen, moves }: Sequence): Promise<readonly string[]> {
  const world = await MatrixWorld.populate(chosen);
  world.aws.fates.connectionSeconds = 6;
  try {
    return await world.live(async () => {
      const stack = new RandomStack(world);
      for (const [index, each] of moves.entries()) {
        const problems = await stack.make(each);
        if (problems.length > 0) {
          return problems.map((problem) => `move ${index + 1}: ${problem}`);
        }
      }
      world.functions.disturbance = {};
      return [...(await stack.remove()), ...(await leftovers(world)), ...damage(world), ...failedDeletes(world), ...leaks(world)];
    });
  } catch (thrown) {
    return [String(thrown)];
  } finally {
    world.close();
  }
}

/** A stack, and what was last deployed of it. */
class RandomStack {
  private current: Declared | undefined;

  constructor(private readonly world: MatrixWorld) {}

  /** Gives what was not as it should be. */
  async make(each: Move): Promise<readonly string[]> {
    const { functions } = this.world;
    switch (each.kind) {
      case 'pass':
        await this.world.pass(each.days);
        return [];
      case 'mishap': {
        const index = functions.calls.length + each.calls;
        functions.disturbance = { call: (point) => (point.index === index ? each.fault : undefined) };
        return [];
      }
      case 'deploy':
        return this.deploy(each.declared);
    }
  }

  async remove(): Promise<readonly string[]> {
    if (this.current === undefined) {
      return [];
    }
    this.current = undefined;
    const { status, reason = '' } = await this.world.cloudFormation.delete(STACK);
    return status === 'DELETE_COMPLETE' ? [] : [`${status}: ${reason}: ${reasons(this.world).join(', ')}`];
  }

  private async deploy(wanted: Declared): Promise<readonly string[]> {
    const { world, current } = this;
    if (current !== undefined && assemblyOf(current) === assemblyOf(wanted)) {
      // nothing to update: the stack stays as it was, however its last update ended
      return [];
    }
    const outcome = [current === undefined ? 'CREATE' : 'UPDATE', current === undefined ? 'ROLLBACK' : 'UPDATE_ROLLBACK'];
    const [expected] = wanted.end === 'sound' ? outcome : outcome.slice(1);
    this.current = current ?? wanted;
    const { status, reason = '' } = await world.cloudFormation.deploy(assemblyOf(wanted), STACK);
    if (status !== `${String(expected)}_COMPLETE`) {
      return [`${status}: ${reason}: ${reasons(world).join(', ')}`];
    }
    if (wanted.end === 'sound') {
      this.current = wanted;
      return [...damage(world), ...deviations(world, wanted)];
    }
    // a stack whose creation was rolled back can only be deleted
    return [...damage(world), ...(current === undefined ? await this.remove() : deviations(world, current))];
  }
}

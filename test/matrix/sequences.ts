import fc from 'fast-check';
import type { ServiceName, CallFault, Faults } from 'rehearsal/in-process';
import { damage, deviations, failedDeletes, isSkipped, leaks, leftovers, reasons, unlapsed } from './checker';
import type { Span } from './checker';
import { QUESTIONS } from './combinations';
import { CHECK, DEAD_ENDS, documented, isClear } from './faults';
import { deploy } from './lifecycles';
import { resultOf } from './observations';
import type { Result } from './observations';
import { assemblyOf, declare, fleet, STACK } from './stacks';
import type { Declared, DeclaredFleet } from './stacks';
import { MatrixWorld } from './world';
import type { Readings } from './world';

/*
 * Lives that nobody thought of: random deployments of random stacks, time that passes, and calls that go wrong, under random
 * readings.
 */

export type Move =
  | { readonly kind: 'deploy'; readonly declared: Declared }
  | { readonly kind: 'pass'; readonly days: number }
  /** Somebody makes the guest, and peers it with VPC A. */
  | { readonly kind: 'peerByHand' }
  /** Something goes wrong, once, with the call after so many others. */
  | { readonly kind: 'fault'; readonly calls: number; readonly fault: CallFault }
  /**
   * From now on, until something else goes wrong, every event comes again after so many seconds: hardly any, for a copy that is
   * late enough to meet a later request for the same resource is told from a new request by nothing.
   */
  | { readonly kind: 'echo'; readonly seconds: number }
  /** An answer to CloudFormation is lost on its way, after so many others. */
  | { readonly kind: 'lost'; readonly answers: number }
  /** From now on every call of an operation goes wrong, for so many minutes. */
  | { readonly kind: 'outage'; readonly operation: string; readonly minutes: number; readonly fault: CallFault };

/** Of which there are outages: one of each kind that the handler makes. */
const OPERATIONS: readonly (readonly [ServiceName, operation: string])[] = [
  ['sts', 'AssumeRole'],
  ['gamelift', 'CreateVpcPeeringAuthorization'],
  ['gamelift', 'DescribeVpcPeeringAuthorizations'],
  ['gamelift', 'CreateVpcPeeringConnection'],
  ['gamelift', 'DescribeVpcPeeringConnections'],
  ['gamelift', 'DeleteVpcPeeringConnection'],
  ['gamelift', 'DescribeFleetAttributes'],
  ['gamelift', 'DescribeFleetEvents'],
  ['gamelift', 'ListTagsForResource'],
  ['gamelift', 'TagResource'],
  ['gamelift', 'UntagResource'],
  ['ec2', 'DescribeVpcPeeringConnections'],
  ['ec2', 'DescribeRouteTables'],
  ['ec2', 'CreateRoute'],
  ['ec2', 'DeleteRoute'],
  ['ec2', 'CreateTags'],
  ['ec2', 'ModifyVpcPeeringConnectionOptions'],
];

const MINUTE = 60_000;

/** By then a copy of an event has begun; it may well be at work still. */
const COPY_BEGINS = 2_000;

/** How long a request may go on that met an outage. */
const AFTERMATH = 20 * MINUTE;

export interface Sequence {
  readonly readings: Readings;
  readonly moves: readonly Move[];
}

/** The VPCs, and how the stack gets at their accounts. */
const PLACES: readonly Pick<Declared, 'vpc' | 'access'>[] = [
  { vpc: 'A', access: 'own' },
  { vpc: 'B', access: 'own' },
  { vpc: 'C', access: 'role' },
];

/** Few enough kinds of fleet for each stack to be synthesized once. */
const KINDS: readonly Pick<DeclaredFleet, 'peering' | 'routes' | 'dnsResolution'>[] = [
  { peering: 'connected', routes: 'every table', dnsResolution: false },
  { peering: 'connected', routes: 'one subnet', dnsResolution: true },
  { peering: 'on creation', routes: 'every table', dnsResolution: false },
  { peering: 'on creation', routes: 'one subnet', dnsResolution: true },
  { peering: 'none', routes: 'every table', dnsResolution: false },
];

function fleetNamed(name: string): fc.Arbitrary<DeclaredFleet | undefined> {
  return fc.option(
    fc
      .record({
        kind: fc.constantFrom(...KINDS),
        build: fc.constantFrom(1, 2),
        // changed by itself, the fleet stays and is updated
        description: fc.constantFrom('first', 'second'),
      })
      .map(({ kind, ...change }) => fleet({ name, ...change, ...kind })),
    { nil: undefined, freq: 4 },
  );
}

/** A fleet that is not the stack's, and whose connection it may adopt. */
const GUEST = fleet({ name: 'Guest', made: 'by hand', adoptExisting: true });

const guests = fc.constantFrom(undefined, undefined, undefined, GUEST, {
  ...GUEST,
  routes: 'one subnet' as const,
  dnsResolution: true,
});

const declared: fc.Arbitrary<Declared> = fc
  .record({
    place: fc.constantFrom(...PLACES),
    lobby: fleetNamed('Lobby'),
    arena: fleetNamed('Arena'),
    guest: guests,
    end: fc.constantFrom('sound' as const, 'sound' as const, 'sound' as const, 'failing' as const),
  })
  .map(({ place, lobby, arena, guest, end }) => {
    const fleets = [lobby, arena, place.vpc === 'A' ? guest : undefined].filter((each) => each !== undefined);
    return declare({ ...place, end, fleets });
  });

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
    arbitrary: fc.record({ calls: fc.nat({ max: 40 }), fault: faults }).map((injected): Move => ({ kind: 'fault', ...injected })),
  },
  { weight: 1, arbitrary: fc.nat({ max: 1 }).map((seconds): Move => ({ kind: 'echo', seconds })) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(...OPERATIONS)
      .chain(([service, operation]) =>
        fc.record({
          operation: fc.constant(operation),
          minutes: fc.constantFrom(1, 10, 100),
          fault: fc.oneof(faults, fc.constantFrom(...documented({ service, operation }).map(({ fault }) => fault))),
        }),
      )
      .map((outage): Move => ({ kind: 'outage', ...outage })),
  },
  { weight: 1, arbitrary: fc.nat({ max: 4 }).map((answers): Move => ({ kind: 'lost', answers })) },
);

/** What the table of impossible lives is about is left out: whose addresses coincide, and several that are peered on creation at once. */
const readings: fc.Arbitrary<Readings> = fc
  .record(Object.fromEntries(Object.entries(QUESTIONS).map(([name, choices]) => [name, fc.constantFrom(...choices)])))
  .map((chosen) => ({ ...(chosen as Readings), fleetCidrBlocks: 'distinct' }));

const sequences: fc.Arbitrary<Sequence> = fc
  .record({ readings, first: declared, moves: fc.array(move, { minLength: 1, maxLength: 10 }) })
  .map(({ readings: chosen, first, moves }) => ({
    readings: chosen,
    moves: withGuest([beginning(first), ...moves].map((each) => possible(each, chosen))),
  }));

/** The guest is there before anybody adopts its connection. */
function withGuest(moves: readonly Move[]): readonly Move[] {
  const adopts = moves.some((each) => each.kind === 'deploy' && each.declared.fleets.some(({ name }) => name === GUEST.name));
  return adopts ? [{ kind: 'peerByHand' }, ...moves] : moves;
}

/** Something is there before anything goes wrong. */
function beginning(wanted: Declared): Move {
  const fleets = wanted.fleets.length === 0 ? [fleet()] : wanted.fleets;
  return { kind: 'deploy', declared: { ...wanted, end: 'sound', fleets } };
}

/**
 * Where each use consumes an authorization, one fleet at a time is peered on creation. Where CloudFormation strips a fleet of its
 * claims, EC2's tags are all that tells whose a connection is, so they can be written.
 */
function possible(each: Move, { useOfAuthorization, foreignFleetTags }: Readings): Move {
  if (each.kind === 'outage' && each.operation === 'CreateTags' && foreignFleetTags === 'strips them') {
    return { ...each, operation: 'CreateRoute' };
  }
  if (each.kind !== 'deploy' || useOfAuthorization !== 'consumed') {
    return each;
  }
  const first = each.declared.fleets.find(isPeeredOnCreation);
  const fleets = each.declared.fleets.map((declared): DeclaredFleet =>
    declared !== first && isPeeredOnCreation(declared) ? { ...declared, peering: 'none' } : declared,
  );
  return { ...each, declared: { ...each.declared, fleets } };
}

function isPeeredOnCreation({ peering }: DeclaredFleet): boolean {
  return peering === 'on creation';
}

/** Makes the moves, then deletes everything. */
export async function play({ readings: chosen, moves }: Sequence): Promise<Result> {
  const world = await MatrixWorld.populate(chosen);
  world.aws.scriptedOutcomes.connectionSeconds = 6;
  return resultOf(world, () =>
    world.live(async () => {
      const stack = new RandomStack(world);
      for (const [index, each] of moves.entries()) {
        const problems = await stack.make(each);
        if (problems.length > 0) {
          return problems.map((problem) => `move ${index + 1}: ${problem}`);
        }
      }
      return [...(await stack.remove()), ...(await stack.remains()), ...damage(world), ...leaks(world)];
    }),
  );
}

/** Plays the random sequence of a seed. If it fails, gives the problems of the shortest one that fails, and that one as JSON. */
export async function playRandom(seed: number): Promise<Result> {
  let observed: Result['observed'] = [];
  const property = fc.asyncProperty(sequences, async (sequence) => {
    const result = await play(sequence);
    ({ observed } = result);
    if (result.problems.length > 0) {
      throw new Error(result.problems.join('\n  '));
    }
  });
  const { failed, counterexample, errorInstance } = await fc.check(property, { seed, numRuns: 1 });
  const problems = [String(errorInstance), `the shortest sequence that fails: ${JSON.stringify(counterexample?.[0])}`];
  return { problems: failed ? problems : [], observed };
}

/** A stack, and what was last deployed of it. */
class RandomStack {
  private current: Declared | undefined;
  /** The same after its deletion. */
  private last: Declared | undefined;
  /** When the outage is over. */
  private outageEnds = 0;
  /** When deletes may fail, since something did not work then. */
  private readonly faultPeriods: Span[] = [];
  /** When the last copy of an event has begun. */
  private copiesEnd = 0;
  private helped = false;
  private everPeeredOnCreation = false;
  /** False if an outage may have hidden whether something is still peered: then the authorization is left to expire. */
  private couldCheck = true;

  constructor(private readonly world: MatrixWorld) {}

  /** Gives what was not as it should be. */
  async make(each: Move): Promise<readonly string[]> {
    const { functions } = this.world;
    switch (each.kind) {
      case 'pass':
        await this.world.pass(each.days);
        return [];
      case 'peerByHand':
        await this.world.peerByHand(GUEST);
        return [];
      case 'fault': {
        const index = functions.calls.length + each.calls;
        this.inject({ call: (point) => (point.index === index ? each.fault : undefined) });
        return [];
      }
      case 'echo':
        this.inject({
          copies: () => {
            this.copiesEnd = this.world.clock.now() + COPY_BEGINS;
            return [each.seconds];
          },
        });
        return [];
      case 'lost': {
        const index = functions.puts + each.answers;
        this.inject({ put: (point) => (point.index === index ? { kind: 'reset', effect: 'before' } : undefined) });
        return [];
      }
      case 'outage': {
        const { operation, fault, minutes } = each;
        this.couldCheck &&= operation !== CHECK;
        this.inject({ call: (point) => (point.operation === operation && this.isOutage() ? fault : undefined) }, minutes);
        return [];
      }
      case 'deploy':
        return this.deploy(each.declared);
    }
  }

  /** Deletes the stack, after an outage also again, and then with the help that docs/troubleshooting.md knows. */
  async remove(): Promise<readonly string[]> {
    if (this.current === undefined) {
      return [];
    }
    this.last = this.current;
    this.current = undefined;
    await this.letCopiesBegin();
    const problems: string[] = [];
    const isHelpDue = this.isOutage() || isSkipped(this.world);
    const helps = [(): Promise<void> => this.outlast(), (): Promise<void> => this.authorize()];
    for (const help of [(): Promise<void> => Promise.resolve(), ...(isHelpDue ? helps : [])]) {
      await help();
      const { status, reason = '' } = await this.world.cloudFormation.delete(STACK);
      if (status === 'DELETE_COMPLETE') {
        return [];
      }
      problems.push(`${status}: ${reason}: ${reasons(this.world).join(', ')}`);
    }
    return problems;
  }

  /** What is left two days later and should not be. */
  async remains(): Promise<readonly string[]> {
    if (isSkipped(this.world)) {
      this.helped = true;
      await this.world.deleteForgottenFleets();
    }
    // a copy of an event may have asked for one late
    const isCopied = this.world.functions.faults.copies !== undefined;
    const isLate = this.helped || isCopied || !this.couldCheck || isSkipped(this.world);
    const given = isLate || this.last === undefined ? [] : unlapsed(this.world, this.last);
    const left = await leftovers(this.world);
    return [
      ...given,
      ...(isSkipped(this.world) ? left.filter((each) => !DEAD_ENDS.test(each) && !this.isLent(each)) : left),
      ...failedDeletes(this.world, this.faultPeriods),
    ];
  }

  private inject(faults: Faults, minutes = 0): void {
    this.world.functions.faults = faults;
    const now = this.world.clock.now();
    this.outageEnds = now + minutes * MINUTE;
    if (minutes > 0) {
      this.faultPeriods.push([now, this.outageEnds + AFTERMATH]);
    }
  }

  private isOutage(): boolean {
    return this.world.clock.now() < this.outageEnds;
  }

  /** By hand, for fleets that were peered on creation or that a clean-up left peered: CloudFormation deletes those. */
  private async authorize(): Promise<void> {
    if (this.everPeeredOnCreation || isSkipped(this.world)) {
      this.helped = true;
      await this.world.authorizeAll();
    }
  }

  /** What is left of a loan. */
  private isLent(text: string): boolean {
    const { handMade } = this.world;
    return handMade !== undefined && (text.includes(handMade.fleetId) || text.includes(handMade.peeringId));
  }

  /** A copy that begins after a later request is told from that by nothing. */
  private async letCopiesBegin(): Promise<void> {
    const { clock } = this.world;
    await clock.sleep(Math.max(0, this.copiesEnd - clock.now()));
  }

  private async outlast(): Promise<void> {
    await this.world.clock.sleep(Math.max(0, this.outageEnds - this.world.clock.now()));
  }

  private async deploy(wanted: Declared): Promise<readonly string[]> {
    const { world, current } = this;
    if (isSkipped(world) || (current !== undefined && assemblyOf(current) === assemblyOf(wanted))) {
      // nothing to update, however the last update ended; or things are left that CloudFormation no longer knows
      return [];
    }
    await this.letCopiesBegin();
    const outcome = [current === undefined ? 'CREATE' : 'UPDATE', current === undefined ? 'ROLLBACK' : 'UPDATE_ROLLBACK'];
    const [expected] = wanted.end === 'sound' ? outcome : outcome.slice(1);
    this.current = current ?? wanted;
    this.everPeeredOnCreation ||= wanted.fleets.some(isPeeredOnCreation);
    const outage = this.isOutage();
    const { status, reason = '' } = await deploy(world, wanted);
    if (status === `${String(expected)}_COMPLETE` && wanted.end === 'sound') {
      this.current = wanted;
      return [...damage(world), ...this.deviationsFrom(wanted)];
    }
    if (status !== `${String(expected)}_COMPLETE` && !outage) {
      return [`${status}: ${reason}: ${reasons(world).join(', ')}`];
    }
    await this.outlast();
    const unclear = reasons(world).filter((text) => !isClear(text));
    if (current === undefined) {
      // a stack whose creation was rolled back can only be deleted
      return [...unclear, ...damage(world), ...(await this.remove())];
    }
    const { status: last } =
      status === 'UPDATE_ROLLBACK_FAILED' ? await world.cloudFormation.continueUpdateRollback(STACK) : { status };
    return [
      ...unclear,
      ...(last === 'UPDATE_ROLLBACK_COMPLETE' ? [] : [`${last} although nothing is wrong any more`]),
      ...damage(world),
      ...this.deviationsFrom(current),
    ];
  }

  /** Where a clean-up was skipped, what it left is not looked for before the end. */
  private deviationsFrom(declared: Declared): readonly string[] {
    return isSkipped(this.world) ? [] : deviations(this.world, declared);
  }
}

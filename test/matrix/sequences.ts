import fc from 'fast-check';
import type { ServiceName, CallFault, Faults } from 'rehearsal/in-process';
import {
  changesToOthers,
  deviations,
  failedDeletes,
  hasSkippedCleanup,
  leaks,
  leftBehind,
  failureReasons,
  uncanceledAuthorizations,
} from './checker';
import type { Period } from './checker';
import { QUESTIONS } from './combinations';
import { documentedErrors, IN_USE_CHECK, isClear, LEFT_BY_SKIPPED_CLEANUP } from './faults';
import { deploy } from './lifecycles';
import { resultOf } from './observations';
import type { Result } from './observations';
import { assemblyOf, declare, fleet, STACK } from './stacks';
import type { Declared, DeclaredFleet } from './stacks';
import { MatrixWorld } from './world';
import type { Readings } from './world';

/*
 * Random sequences: deployments of random stacks, pauses, and faults, under random readings.
 */

export type Action =
  | { readonly kind: 'deploy'; readonly declared: Declared }
  | { readonly kind: 'wait'; readonly days: number }
  /** Somebody creates `FOREIGN_FLEET` and peers it with VPC A. */
  | { readonly kind: 'peerByHand' }
  /** One call fails, after this number of other calls. */
  | { readonly kind: 'fault'; readonly calls: number; readonly fault: CallFault }
  /**
   * Until the next fault, each event is delivered again after this number of seconds. It must be small: the handler can't distinguish a
   * duplicate that arrives after a later request for the same resource from a new request.
   */
  | { readonly kind: 'duplicateEvents'; readonly seconds: number }
  /** One response to CloudFormation is lost, after this number of other responses. */
  | { readonly kind: 'lostResponse'; readonly responses: number }
  /** Every call of the operation fails for this number of minutes. */
  | { readonly kind: 'outage'; readonly operation: string; readonly minutes: number; readonly fault: CallFault };

/** The operations that have outages: a sample of those that the handler calls. */
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

/** After this time, the duplicate of an event has begun. It may still be running. */
const DUPLICATE_BEGINS = 2_000;

/** How long a request may run that began during an outage. */
const LONGEST_REQUEST = 20 * MINUTE;

export interface Sequence {
  readonly readings: Readings;
  readonly actions: readonly Action[];
}

/** The VPCs, and how the stack gets access to their accounts. */
const PEER_VPCS: readonly Pick<Declared, 'vpc' | 'access'>[] = [
  { vpc: 'A', access: 'own' },
  { vpc: 'B', access: 'own' },
  { vpc: 'C', access: 'role' },
];

/** Few kinds of fleets, so that most stacks are synthesized only once. */
const FLEET_KINDS: readonly Pick<DeclaredFleet, 'peering' | 'routes' | 'dnsResolution'>[] = [
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
        kind: fc.constantFrom(...FLEET_KINDS),
        build: fc.constantFrom(1, 2),
        // a change of the description updates the fleet without replacing it
        description: fc.constantFrom('first', 'second'),
      })
      .map(({ kind, ...change }) => fleet({ name, ...change, ...kind })),
    { nil: undefined, freq: 4 },
  );
}

/** A fleet of somebody else. The stack may adopt its connection. */
const FOREIGN_FLEET = fleet({ name: 'Guest', createdBy: 'somebody else', adoptExisting: true });

const foreignFleets = fc.constantFrom(undefined, undefined, undefined, FOREIGN_FLEET, {
  ...FOREIGN_FLEET,
  routes: 'one subnet' as const,
  dnsResolution: true,
});

const declared: fc.Arbitrary<Declared> = fc
  .record({
    peerVpc: fc.constantFrom(...PEER_VPCS),
    lobby: fleetNamed('Lobby'),
    arena: fleetNamed('Arena'),
    foreign: foreignFleets,
    hasFailingResource: fc.constantFrom(false, false, false, true),
  })
  .map(({ peerVpc, lobby, arena, foreign, hasFailingResource }) => {
    const fleets = [lobby, arena, peerVpc.vpc === 'A' ? foreign : undefined].filter((each) => each !== undefined);
    return declare({ ...peerVpc, hasFailingResource, fleets });
  });

/** Faults after which the deployment must succeed. */
const harmlessFaults: fc.Arbitrary<CallFault> = fc.oneof(
  fc.constantFrom('ThrottlingException', 'AccessDeniedException').map((name) => ({ kind: 'error' as const, name, status: 400 })),
  fc.constant({ kind: 'error' as const, name: 'InternalServiceException', status: 500 }),
  fc.record({
    kind: fc.constantFrom('timeout' as const, 'reset' as const, 'killed' as const),
    effect: fc.constantFrom('before' as const, 'after' as const),
  }),
  fc.constant({ kind: 'malformed' as const }),
);

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: declared.map((wanted): Action => ({ kind: 'deploy', declared: wanted })) },
  { weight: 2, arbitrary: fc.double({ min: 0, max: 40, noNaN: true }).map((days): Action => ({ kind: 'wait', days })) },
  {
    weight: 2,
    arbitrary: fc
      .record({ calls: fc.nat({ max: 40 }), fault: harmlessFaults })
      .map((injected): Action => ({ kind: 'fault', ...injected })),
  },
  { weight: 1, arbitrary: fc.nat({ max: 1 }).map((seconds): Action => ({ kind: 'duplicateEvents', seconds })) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(...OPERATIONS)
      .chain(([service, operation]) =>
        fc.record({
          operation: fc.constant(operation),
          minutes: fc.constantFrom(1, 10, 100),
          fault: fc.oneof(harmlessFaults, fc.constantFrom(...documentedErrors({ service, operation }).map(({ fault }) => fault))),
        }),
      )
      .map((outage): Action => ({ kind: 'outage', ...outage })),
  },
  { weight: 1, arbitrary: fc.nat({ max: 4 }).map((responses): Action => ({ kind: 'lostResponse', responses })) },
);

/** Excludes the reading `fleetCidrBlocks: may be equal`, under which some stacks can't be created: see UNAVOIDABLE_FAILURES. */
const readings: fc.Arbitrary<Readings> = fc
  .record(Object.fromEntries(Object.entries(QUESTIONS).map(([name, choices]) => [name, fc.constantFrom(...choices)])))
  .map((chosen) => ({ ...(chosen as Readings), fleetCidrBlocks: 'distinct' }));

const sequences: fc.Arbitrary<Sequence> = fc
  .record({ readings, first: declared, actions: fc.array(action, { minLength: 1, maxLength: 10 }) })
  .map(({ readings: chosen, first, actions }) => ({
    readings: chosen,
    actions: withForeignFleet([firstDeployment(first), ...actions].map((each) => withoutUnavoidableFailure(each, chosen))),
  }));

/** Creates and peers the foreign fleet first if a deployment declares it. */
function withForeignFleet(actions: readonly Action[]): readonly Action[] {
  const isDeclared = actions.some(
    (each) => each.kind === 'deploy' && each.declared.fleets.some(({ name }) => name === FOREIGN_FLEET.name),
  );
  return isDeclared ? [{ kind: 'peerByHand' }, ...actions] : actions;
}

/** The first deployment has a fleet, and succeeds. */
function firstDeployment(wanted: Declared): Action {
  const fleets = wanted.fleets.length === 0 ? [fleet()] : wanted.fleets;
  return { kind: 'deploy', declared: { ...wanted, hasFailingResource: false, fleets } };
}

/**
 * If each use consumes the authorization, only one fleet can be peered on creation in a deployment. If CloudFormation removes the claims
 * from fleets, only EC2's tags show who owns a connection, so CreateTags must not fail.
 */
function withoutUnavoidableFailure(each: Action, { useOfAuthorization, foreignFleetTags }: Readings): Action {
  if (each.kind === 'outage' && each.operation === 'CreateTags' && foreignFleetTags === 'removed') {
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

/** Runs the actions, then deletes the stack. */
export async function runSequence({ readings: chosen, actions }: Sequence): Promise<Result> {
  const world = await MatrixWorld.populate(chosen);
  world.aws.scriptedOutcomes.connectionSeconds = 6;
  return resultOf(world, () =>
    world.failIfStuck(async () => {
      const stack = new RandomStack(world);
      for (const [index, each] of actions.entries()) {
        const problems = await stack.run(each);
        if (problems.length > 0) {
          return problems.map((problem) => `action ${index + 1}: ${problem}`);
        }
      }
      return [...(await stack.remove()), ...(await stack.leftBehind()), ...changesToOthers(world), ...leaks(world)];
    }),
  );
}

/** Runs the random sequence of a seed. If it fails, returns the shortest sequence that fails, as JSON, with its problems. */
export async function runRandomSequence(seed: number): Promise<Result> {
  let observed: Result['observed'] = [];
  const property = fc.asyncProperty(sequences, async (sequence) => {
    const result = await runSequence(sequence);
    ({ observed } = result);
    if (result.problems.length > 0) {
      throw new Error(result.problems.join('\n  '));
    }
  });
  const { failed, counterexample, errorInstance } = await fc.check(property, { seed, numRuns: 1 });
  const problems = [String(errorInstance), `the shortest sequence that fails: ${JSON.stringify(counterexample?.[0])}`];
  return { problems: failed ? problems : [], observed };
}

/** A stack, and what it declares since its last deployment. */
class RandomStack {
  private current: Declared | undefined;
  /** What it declared before it was deleted. */
  private beforeDeletion: Declared | undefined;

  private outageEnds = 0;
  /** Periods in which deletions may fail. */
  private readonly faultPeriods: Period[] = [];
  /** When the last duplicate event has begun. */
  private lastDuplicateBegins = 0;
  private wasAuthorizedByHand = false;
  private everPeeredOnCreation = false;
  /** False if the check whether the VPC still has connections may have failed. Then the authorization is left to expire. */
  private couldCheckUse = true;

  constructor(private readonly world: MatrixWorld) {}

  /** @returns the problems */
  async run(each: Action): Promise<readonly string[]> {
    const { functions } = this.world;
    switch (each.kind) {
      case 'wait':
        await this.world.waitDays(each.days);
        return [];
      case 'peerByHand':
        await this.world.peerByHand(FOREIGN_FLEET);
        return [];
      case 'fault': {
        const index = functions.calls.length + each.calls;
        this.inject({ call: (point) => (point.index === index ? each.fault : undefined) });
        return [];
      }
      case 'duplicateEvents':
        this.inject({
          copies: () => {
            this.lastDuplicateBegins = this.world.clock.now() + DUPLICATE_BEGINS;
            return [each.seconds];
          },
        });
        return [];
      case 'lostResponse': {
        const index = functions.puts + each.responses;
        this.inject({ put: (point) => (point.index === index ? { kind: 'reset', effect: 'before' } : undefined) });
        return [];
      }
      case 'outage': {
        const { operation, fault, minutes } = each;
        this.couldCheckUse &&= operation !== IN_USE_CHECK;
        this.inject({ call: (point) => (point.operation === operation && this.isOutage() ? fault : undefined) }, minutes);
        return [];
      }
      case 'deploy':
        return this.deploy(each.declared);
    }
  }

  /** Deletes the stack. If that may fail, tries again after the outage, and then as docs/troubleshooting.md says. */
  async remove(): Promise<readonly string[]> {
    if (this.current === undefined) {
      return [];
    }
    this.beforeDeletion = this.current;
    this.current = undefined;
    await this.waitForDuplicates();
    const problems: string[] = [];
    const mayFail = this.isOutage() || hasSkippedCleanup(this.world);
    const remedies = [(): Promise<void> => this.waitForEndOfOutage(), (): Promise<void> => this.authorize()];
    for (const prepare of [(): Promise<void> => Promise.resolve(), ...(mayFail ? remedies : [])]) {
      await prepare();
      const { status, reason = '' } = await this.world.cloudFormation.delete(STACK);
      if (status === 'DELETE_COMPLETE') {
        return [];
      }
      problems.push(`${status}: ${reason}: ${failureReasons(this.world).join(', ')}`);
    }
    return problems;
  }

  /** What is left behind two days later, and deletions that failed. */
  async leftBehind(): Promise<readonly string[]> {
    if (hasSkippedCleanup(this.world)) {
      this.wasAuthorizedByHand = true;
      await this.world.deleteForgottenFleets();
    }
    // a duplicate event may have authorized late
    const hasDuplicates = this.world.functions.faults.copies !== undefined;
    const mayExpire = this.wasAuthorizedByHand || hasDuplicates || !this.couldCheckUse || hasSkippedCleanup(this.world);
    const uncanceled =
      mayExpire || this.beforeDeletion === undefined ? [] : uncanceledAuthorizations(this.world, this.beforeDeletion);
    const left = await leftBehind(this.world);
    return [
      ...uncanceled,
      ...(hasSkippedCleanup(this.world)
        ? left.filter((each) => !LEFT_BY_SKIPPED_CLEANUP.test(each) && !this.isAboutForeignFleet(each))
        : left),
      ...failedDeletes(this.world, this.faultPeriods),
    ];
  }

  private inject(faults: Faults, minutes = 0): void {
    this.world.functions.faults = faults;
    const now = this.world.clock.now();
    this.outageEnds = now + minutes * MINUTE;
    if (minutes > 0) {
      this.faultPeriods.push([now, this.outageEnds + LONGEST_REQUEST]);
    }
  }

  private isOutage(): boolean {
    return this.world.clock.now() < this.outageEnds;
  }

  /** Authorizes by hand if CloudFormation deletes a fleet that is still peered: one that was peered on creation, or that a cleanup skipped. */
  private async authorize(): Promise<void> {
    if (this.everPeeredOnCreation || hasSkippedCleanup(this.world)) {
      this.wasAuthorizedByHand = true;
      await this.world.authorizeAll();
    }
  }

  private isAboutForeignFleet(text: string): boolean {
    const { peeredByHand } = this.world;
    return peeredByHand !== undefined && (text.includes(peeredByHand.fleetId) || text.includes(peeredByHand.peeringId));
  }

  /** The handler can't distinguish a duplicate that begins after a later request from a new request. */
  private async waitForDuplicates(): Promise<void> {
    const { clock } = this.world;
    await clock.sleep(Math.max(0, this.lastDuplicateBegins - clock.now()));
  }

  private async waitForEndOfOutage(): Promise<void> {
    await this.world.clock.sleep(Math.max(0, this.outageEnds - this.world.clock.now()));
  }

  private async deploy(wanted: Declared): Promise<readonly string[]> {
    const { world, current } = this;
    if (hasSkippedCleanup(world) || (current !== undefined && assemblyOf(current) === assemblyOf(wanted))) {
      // nothing to update, or resources are left that CloudFormation no longer knows
      return [];
    }
    await this.waitForDuplicates();
    const [success, rollback] = current === undefined ? ['CREATE', 'ROLLBACK'] : ['UPDATE', 'UPDATE_ROLLBACK'];
    const expected = `${wanted.hasFailingResource ? rollback : success}_COMPLETE`;
    this.current = current ?? wanted;
    this.everPeeredOnCreation ||= wanted.fleets.some(isPeeredOnCreation);
    const isOutage = this.isOutage();
    const { status, reason = '' } = await deploy(world, wanted);
    if (status === expected && !wanted.hasFailingResource) {
      this.current = wanted;
      return [...changesToOthers(world), ...this.deviationsFrom(wanted)];
    }
    if (status !== expected && !isOutage) {
      return [`${status}: ${reason}: ${failureReasons(world).join(', ')}`];
    }
    await this.waitForEndOfOutage();
    const unclear = failureReasons(world).filter((text) => !isClear(text));
    if (current === undefined) {
      // a stack whose creation was rolled back can only be deleted
      return [...unclear, ...changesToOthers(world), ...(await this.remove())];
    }
    const { status: last } =
      status === 'UPDATE_ROLLBACK_FAILED' ? await world.cloudFormation.continueUpdateRollback(STACK) : { status };
    return [
      ...unclear,
      ...(last === 'UPDATE_ROLLBACK_COMPLETE' ? [] : [`${last} although the outage has ended`]),
      ...changesToOthers(world),
      ...this.deviationsFrom(current),
    ];
  }

  /** After a skipped cleanup, what it left is checked only in the end. */
  private deviationsFrom(declared: Declared): readonly string[] {
    return hasSkippedCleanup(this.world) ? [] : deviations(this.world, declared);
  }
}

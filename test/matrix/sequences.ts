import fc from 'fast-check';
import type { ServiceName, CallFault, Faults } from 'rehearsal/in-process';
import {
  changesToOthers,
  deviationsFrom,
  failedDeletions,
  hasSkippedCleanup,
  leakedSecrets,
  leftBehind,
  failureReasons,
  uncanceledAuthorizations,
} from './checker';
import type { Period } from './checker';
import { QUESTIONS } from './combinations';
import { documentedErrors, IN_USE_CHECK, isClearMessage, LEFT_BY_SKIPPED_CLEANUP } from './faults';
import { deployAll } from './lives';
import { runAndClose } from './observations';
import type { CaseResult } from './observations';
import { assemblyOf, declareStack, fleet, STACK } from './stacks';
import type { DeclaredStack, DeclaredFleet } from './stacks';
import { MatrixWorld } from './world';
import type { Readings } from './world';

/*
 * Random sequences of deployments, pauses and faults, under random readings. Each deployment changes the stack at random.
 */

export type Action =
  | { readonly kind: 'deploy'; readonly declared: DeclaredStack }
  | { readonly kind: 'wait'; readonly days: number }
  /** Somebody creates `FOREIGN_FLEET` and peers it with VPC A. */
  | { readonly kind: 'peerByHand' }
  /** The call after this number of calls fails. */
  | { readonly kind: 'fault'; readonly calls: number; readonly fault: CallFault }
  /**
   * Until the next fault, each event is delivered again after this number of seconds. It must be small: the handler can't distinguish a
   * duplicate that arrives after a later request for the same resource from a new request.
   */
  | { readonly kind: 'duplicateEvents'; readonly seconds: number }
  /** The response to CloudFormation after this number of responses is lost. */
  | { readonly kind: 'lostResponse'; readonly responses: number }
  /** Every call of the operation fails for this number of minutes. */
  | { readonly kind: 'outage'; readonly operation: string; readonly minutes: number; readonly fault: CallFault };

/** The operations that can have outages: a sample of the operations that the handler calls. */
const OUTAGE_OPERATIONS: readonly (readonly [ServiceName, operation: string])[] = [
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

const MINUTE_MS = 60_000;

/** The duplicate of an event begins within this time. It may run longer. */
const DUPLICATE_START_MS = 2_000;

/** How long a request that began during an outage may run after it. */
const LONGEST_REQUEST_MS = 20 * MINUTE_MS;

export interface Sequence {
  readonly readings: Readings;
  readonly actions: readonly Action[];
}

/** The VPCs, and how the stack gets access to their accounts. */
const PEER_VPCS: readonly Pick<DeclaredStack, 'vpc' | 'access'>[] = [
  { vpc: 'A', access: 'own' },
  { vpc: 'B', access: 'own' },
  { vpc: 'C', access: 'role' },
];

/** There are few kinds of fleets, because each new combination of fleets has to be synthesized. */
const FLEET_KINDS: readonly Pick<DeclaredFleet, 'peering' | 'routes' | 'dnsResolution'>[] = [
  { peering: 'connected', routes: 'every table', dnsResolution: false },
  { peering: 'connected', routes: 'one subnet', dnsResolution: true },
  { peering: 'on creation', routes: 'every table', dnsResolution: false },
  { peering: 'on creation', routes: 'one subnet', dnsResolution: true },
  { peering: 'none', routes: 'every table', dnsResolution: false },
];

function arbitraryFleet(name: string): fc.Arbitrary<DeclaredFleet | undefined> {
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

/** Somebody else's fleet. The stack may adopt its connection. */
const FOREIGN_FLEET = fleet({ name: 'Guest', createdBy: 'somebody else', adoptExisting: true });

const arbitraryForeignFleet = fc.constantFrom(undefined, undefined, undefined, FOREIGN_FLEET, {
  ...FOREIGN_FLEET,
  routes: 'one subnet' as const,
  dnsResolution: true,
});

const arbitraryStack: fc.Arbitrary<DeclaredStack> = fc
  .record({
    peerVpc: fc.constantFrom(...PEER_VPCS),
    lobby: arbitraryFleet('Lobby'),
    arena: arbitraryFleet('Arena'),
    foreign: arbitraryForeignFleet,
    hasFailingResource: fc.constantFrom(false, false, false, true),
  })
  .map(({ peerVpc, lobby, arena, foreign, hasFailingResource }) => {
    const fleets = [lobby, arena, peerVpc.vpc === 'A' ? foreign : undefined].filter((fleet) => fleet !== undefined);
    return declareStack({ ...peerVpc, hasFailingResource, fleets });
  });

/** Faults after which the deployment must succeed. */
const arbitraryHarmlessFault: fc.Arbitrary<CallFault> = fc.oneof(
  fc.constantFrom('ThrottlingException', 'AccessDeniedException').map((name) => ({ kind: 'error' as const, name, status: 400 })),
  fc.constant({ kind: 'error' as const, name: 'InternalServiceException', status: 500 }),
  fc.record({
    kind: fc.constantFrom('timeout' as const, 'reset' as const, 'killed' as const),
    effect: fc.constantFrom('before' as const, 'after' as const),
  }),
  fc.constant({ kind: 'malformed' as const }),
);

const arbitraryAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: arbitraryStack.map((stack): Action => ({ kind: 'deploy', declared: stack })) },
  { weight: 2, arbitrary: fc.double({ min: 0, max: 40, noNaN: true }).map((days): Action => ({ kind: 'wait', days })) },
  {
    weight: 2,
    arbitrary: fc
      .record({ calls: fc.nat({ max: 40 }), fault: arbitraryHarmlessFault })
      .map((fault): Action => ({ kind: 'fault', ...fault })),
  },
  { weight: 1, arbitrary: fc.nat({ max: 1 }).map((seconds): Action => ({ kind: 'duplicateEvents', seconds })) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(...OUTAGE_OPERATIONS)
      .chain(([service, operation]) =>
        fc.record({
          operation: fc.constant(operation),
          minutes: fc.constantFrom(1, 10, 100),
          fault: fc.oneof(
            arbitraryHarmlessFault,
            fc.constantFrom(...documentedErrors({ service, operation }).map(({ fault }) => fault)),
          ),
        }),
      )
      .map((outage): Action => ({ kind: 'outage', ...outage })),
  },
  { weight: 1, arbitrary: fc.nat({ max: 4 }).map((responses): Action => ({ kind: 'lostResponse', responses })) },
);

/** Without the reading `fleetCidrBlocks: may be equal`, because some stacks can't be created under it: see UNAVOIDABLE_FAILURES. */
const arbitraryReadings: fc.Arbitrary<Readings> = fc
  .record(Object.fromEntries(Object.entries(QUESTIONS).map(([name, choices]) => [name, fc.constantFrom(...choices)])))
  .map((readings) => ({ ...(readings as Readings), fleetCidrBlocks: 'distinct' }));

const arbitrarySequence: fc.Arbitrary<Sequence> = fc
  .record({
    readings: arbitraryReadings,
    firstStack: arbitraryStack,
    actions: fc.array(arbitraryAction, { minLength: 1, maxLength: 10 }),
  })
  .map(({ readings, firstStack, actions }) => ({
    readings,
    actions: withForeignFleet(
      [asFirstDeployment(firstStack), ...actions].map((action) => withoutUnavoidableFailure(action, readings)),
    ),
  }));

/** If a deployment declares the foreign fleet, adds an action that creates and peers it first. */
function withForeignFleet(actions: readonly Action[]): readonly Action[] {
  const isDeclared = actions.some(
    (action) => action.kind === 'deploy' && action.declared.fleets.some(({ name }) => name === FOREIGN_FLEET.name),
  );
  return isDeclared ? [{ kind: 'peerByHand' }, ...actions] : actions;
}

/** Changes the stack so that it has a fleet, and its creation succeeds. */
function asFirstDeployment(stack: DeclaredStack): Action {
  const fleets = stack.fleets.length === 0 ? [fleet()] : stack.fleets;
  return { kind: 'deploy', declared: { ...stack, hasFailingResource: false, fleets } };
}

/**
 * Changes actions that no handler could make succeed. If each use consumes the authorization, only one fleet can be peered on creation in a
 * deployment. If CloudFormation removes the claims from fleets, only EC2's tags show who owns a connection, so CreateTags must not fail.
 */
function withoutUnavoidableFailure(action: Action, { useOfAuthorization, foreignFleetTags }: Readings): Action {
  if (action.kind === 'outage' && action.operation === 'CreateTags' && foreignFleetTags === 'removed') {
    return { ...action, operation: 'CreateRoute' };
  }
  if (action.kind !== 'deploy' || useOfAuthorization !== 'consumed') {
    return action;
  }
  const first = action.declared.fleets.find(isPeeredOnCreation);
  const fleets = action.declared.fleets.map((declared): DeclaredFleet =>
    declared !== first && isPeeredOnCreation(declared) ? { ...declared, peering: 'none' } : declared,
  );
  return { ...action, declared: { ...action.declared, fleets } };
}

function isPeeredOnCreation({ peering }: DeclaredFleet): boolean {
  return peering === 'on creation';
}

/** Runs the actions, then deletes the stack. */
export async function runSequence({ readings, actions }: Sequence): Promise<CaseResult> {
  const world = await MatrixWorld.populate(readings);
  world.aws.scriptedOutcomes.connectionSeconds = 6;
  return runAndClose(world, () =>
    world.failIfStuck(async () => {
      const stack = new RandomStack(world);
      for (const [index, action] of actions.entries()) {
        const problems = await stack.run(action);
        if (problems.length > 0) {
          return problems.map((problem) => `action ${index + 1}: ${problem}`);
        }
      }
      return [...(await stack.deleteStack()), ...(await stack.leftBehind()), ...changesToOthers(world), ...leakedSecrets(world)];
    }),
  );
}

/** Runs the random sequence of a seed. If it fails, the problems contain the shortest sequence that fails, as JSON. */
export async function runRandomSequence(seed: number): Promise<CaseResult> {
  let observed: CaseResult['observed'] = [];
  const property = fc.asyncProperty(arbitrarySequence, async (sequence) => {
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

/** The stack of a sequence. It remembers what it declared in its last deployment, and which faults occurred. */
class RandomStack {
  /** What the deployed stack declares. */
  private deployed: DeclaredStack | undefined;
  /** What the stack declared before it was deleted. */
  private beforeDeletion: DeclaredStack | undefined;

  private outageEnd = 0;
  /** Periods in which deletions may fail. */
  private readonly faultPeriods: Period[] = [];
  /** The time by which the last duplicate event has begun. */
  private lastDuplicateStart = 0;
  private wasAuthorizedByHand = false;
  private hasPeeredOnCreation = false;
  /** Whether the handler could check that the VPC has no more connections. If not, it lets the authorization expire. */
  private couldCheckUse = true;

  constructor(private readonly world: MatrixWorld) {}

  /** @returns the problems */
  async run(action: Action): Promise<readonly string[]> {
    const { functions } = this.world;
    switch (action.kind) {
      case 'wait':
        await this.world.waitDays(action.days);
        return [];
      case 'peerByHand':
        await this.world.peerByHand(FOREIGN_FLEET);
        return [];
      case 'fault': {
        const index = functions.calls.length + action.calls;
        this.inject({ call: (point) => (point.index === index ? action.fault : undefined) });
        return [];
      }
      case 'duplicateEvents':
        this.inject({
          copyDelays: () => {
            this.lastDuplicateStart = this.world.clock.now() + DUPLICATE_START_MS;
            return [action.seconds];
          },
        });
        return [];
      case 'lostResponse': {
        const index = functions.putCount + action.responses;
        this.inject({ put: (point) => (point.index === index ? { kind: 'reset', effect: 'before' } : undefined) });
        return [];
      }
      case 'outage': {
        const { operation, fault, minutes } = action;
        this.couldCheckUse &&= operation !== IN_USE_CHECK;
        this.inject({ call: (point) => (point.operation === operation && this.isOutage() ? fault : undefined) }, minutes);
        return [];
      }
      case 'deploy':
        return this.deploy(action.declared);
    }
  }

  /** Deletes the stack. If the deletion may fail, tries again after the outage, and then authorizes as docs/troubleshooting.md says. */
  async deleteStack(): Promise<readonly string[]> {
    if (this.deployed === undefined) {
      return [];
    }
    this.beforeDeletion = this.deployed;
    this.deployed = undefined;
    await this.waitForDuplicates();
    const problems: string[] = [];
    const mayFail = this.isOutage() || hasSkippedCleanup(this.world);
    const remedies = [(): Promise<void> => this.waitForEndOfOutage(), (): Promise<void> => this.authorizeByHandIfNeeded()];
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

  /** Returns what is left behind two days later, and deletions that failed. */
  async leftBehind(): Promise<readonly string[]> {
    if (hasSkippedCleanup(this.world)) {
      this.wasAuthorizedByHand = true;
      await this.world.deleteForgottenFleets();
    }
    // a duplicate event may have authorized late
    const hasDuplicates = this.world.functions.faults.copyDelays !== undefined;
    const mayExpire = this.wasAuthorizedByHand || hasDuplicates || !this.couldCheckUse || hasSkippedCleanup(this.world);
    const uncanceled =
      mayExpire || this.beforeDeletion === undefined ? [] : uncanceledAuthorizations(this.world, this.beforeDeletion);
    const left = await leftBehind(this.world);
    return [
      ...uncanceled,
      ...(hasSkippedCleanup(this.world)
        ? left.filter((text) => !LEFT_BY_SKIPPED_CLEANUP.test(text) && !this.isAboutForeignFleet(text))
        : left),
      ...failedDeletions(this.world, this.faultPeriods),
    ];
  }

  private inject(faults: Faults, minutes = 0): void {
    this.world.functions.faults = faults;
    const now = this.world.clock.now();
    this.outageEnd = now + minutes * MINUTE_MS;
    if (minutes > 0) {
      this.faultPeriods.push([now, this.outageEnd + LONGEST_REQUEST_MS]);
    }
  }

  private isOutage(): boolean {
    return this.world.clock.now() < this.outageEnd;
  }

  /** A fleet may still be peered if it was peered on creation, or if a cleanup skipped its connection. Then its deletion needs an authorization. */
  private async authorizeByHandIfNeeded(): Promise<void> {
    if (this.hasPeeredOnCreation || hasSkippedCleanup(this.world)) {
      this.wasAuthorizedByHand = true;
      await this.world.authorizeAll();
    }
  }

  private isAboutForeignFleet(text: string): boolean {
    const { fleetPeeredByHand } = this.world;
    return (
      fleetPeeredByHand !== undefined && (text.includes(fleetPeeredByHand.fleetId) || text.includes(fleetPeeredByHand.peeringId))
    );
  }

  /** Waits until duplicates have begun. The handler can't distinguish a duplicate that begins after a later request from a new request. */
  private async waitForDuplicates(): Promise<void> {
    const { clock } = this.world;
    await clock.sleep(Math.max(0, this.lastDuplicateStart - clock.now()));
  }

  private async waitForEndOfOutage(): Promise<void> {
    await this.world.clock.sleep(Math.max(0, this.outageEnd - this.world.clock.now()));
  }

  private async deploy(declared: DeclaredStack): Promise<readonly string[]> {
    const { world, deployed } = this;
    if (hasSkippedCleanup(world) || (deployed !== undefined && assemblyOf(deployed) === assemblyOf(declared))) {
      // CloudFormation no longer knows some resources, or there is nothing to update
      return [];
    }
    await this.waitForDuplicates();
    const [success, rollback] = deployed === undefined ? ['CREATE', 'ROLLBACK'] : ['UPDATE', 'UPDATE_ROLLBACK'];
    const expected = `${declared.hasFailingResource ? rollback : success}_COMPLETE`;
    this.deployed = deployed ?? declared;
    this.hasPeeredOnCreation ||= declared.fleets.some(isPeeredOnCreation);
    const isOutage = this.isOutage();
    const { status, reason = '' } = await deployAll(world, declared);
    if (status === expected && !declared.hasFailingResource) {
      this.deployed = declared;
      return [...changesToOthers(world), ...this.deviationsFrom(declared)];
    }
    if (status !== expected && !isOutage) {
      return [`${status}: ${reason}: ${failureReasons(world).join(', ')}`];
    }
    await this.waitForEndOfOutage();
    const unclear = failureReasons(world).filter((text) => !isClearMessage(text));
    if (deployed === undefined) {
      // a stack whose creation was rolled back can only be deleted
      return [...unclear, ...changesToOthers(world), ...(await this.deleteStack())];
    }
    const { status: finalStatus } =
      status === 'UPDATE_ROLLBACK_FAILED' ? await world.cloudFormation.continueUpdateRollback(STACK) : { status };
    return [
      ...unclear,
      ...(finalStatus === 'UPDATE_ROLLBACK_COMPLETE' ? [] : [`${finalStatus} although the outage has ended`]),
      ...changesToOthers(world),
      ...this.deviationsFrom(deployed),
    ];
  }

  /** After a skipped cleanup, the old fleet still exists. Then only `leftBehind` checks what exists. */
  private deviationsFrom(declared: DeclaredStack): readonly string[] {
    return hasSkippedCleanup(this.world) ? [] : deviationsFrom(this.world, declared);
  }
}

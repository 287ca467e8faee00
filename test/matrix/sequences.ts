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
import { documentedErrors, IN_USE_CHECK_OPERATION, isClearMessage, LEFT_BY_SKIPPED_CLEANUP } from './faults';
import { deployAll } from './lives';
import { runAndClose } from './observations';
import type { CaseResult } from './observations';
import { assemblyOf, declareStack, fleet, STACK } from './stacks';
import type { DeclaredStack, DeclaredFleet } from './stacks';
import { MatrixRehearsal } from './rehearsal';
import type { Readings } from './rehearsal';

/*
 * Random sequences of deployments, waits and faults, under random readings. Each deployment changes the stack at random. The values come from
 * generators, which fast-check calls arbitraries.
 */

export type Action =
  | { readonly kind: 'deploy'; readonly stack: DeclaredStack }
  | { readonly kind: 'wait'; readonly days: number }
  /** Somebody creates `FOREIGN_FLEET` and peers it with VPC A. */
  | { readonly kind: 'peerByHand' }
  /** The handler makes this number of calls, then one call fails. */
  | { readonly kind: 'fault'; readonly callsBefore: number; readonly fault: CallFault }
  /**
   * Until the next fault, each event is delivered again after this number of seconds. The number must be small: if a duplicate arrives after
   * a later request for the same resource, the handler can't distinguish the duplicate from a new request.
   */
  | { readonly kind: 'duplicateEvents'; readonly seconds: number }
  /** The handler sends this number of responses to CloudFormation, then one response is lost. */
  | { readonly kind: 'lostResponse'; readonly responsesBefore: number }
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

/** Within this time, the run of a duplicate begins: Lambda delivers the duplicate of an event after at most one second. */
const MAX_DUPLICATE_START_DELAY_MS = 2_000;

/** How long a request that began during an outage may run after it. */
const MAX_REQUEST_MS = 20 * MINUTE_MS;

export interface Sequence {
  readonly readings: Readings;
  readonly actions: readonly Action[];
}

/** The peer VPCs, and how the stack gets access to their accounts. */
const PEER_VPCS: readonly Pick<DeclaredStack, 'vpc' | 'access'>[] = [
  { vpc: 'A', access: 'own' },
  { vpc: 'B', access: 'own' },
  { vpc: 'C', access: 'role' },
];

/** Only a few kinds of fleets, because each combination of fleets has to be synthesized. */
const FLEET_KINDS: readonly Pick<DeclaredFleet, 'peering' | 'routes' | 'dnsResolution'>[] = [
  { peering: 'connected', routes: 'every table', dnsResolution: false },
  { peering: 'connected', routes: 'one subnet', dnsResolution: true },
  { peering: 'on creation', routes: 'every table', dnsResolution: false },
  { peering: 'on creation', routes: 'one subnet', dnsResolution: true },
  { peering: 'none', routes: 'every table', dnsResolution: false },
];

/** Generates a fleet, or undefined if the stack has no such fleet. */
function fleetGenerator(name: string): fc.Arbitrary<DeclaredFleet | undefined> {
  return fc.option(
    fc
      .record({
        kind: fc.constantFrom(...FLEET_KINDS),
        build: fc.constantFrom(1, 2),
        // if the description changes, CloudFormation updates the fleet without replacing it
        description: fc.constantFrom('first', 'second'),
      })
      .map(({ kind, ...change }) => fleet({ name, ...change, ...kind })),
    { nil: undefined, freq: 4 },
  );
}

/** Somebody else's fleet, whose connection the stack may adopt. */
const FOREIGN_FLEET = fleet({ name: 'Guest', createdBy: 'somebody else', adoptExisting: true });

/** Most stacks do not adopt the connection of the foreign fleet, so undefined occurs several times. */
const foreignFleetGenerator = fc.constantFrom(undefined, undefined, undefined, FOREIGN_FLEET, {
  ...FOREIGN_FLEET,
  routes: 'one subnet' as const,
  dnsResolution: true,
});

const stackGenerator: fc.Arbitrary<DeclaredStack> = fc
  .record({
    peerVpc: fc.constantFrom(...PEER_VPCS),
    lobby: fleetGenerator('Lobby'),
    arena: fleetGenerator('Arena'),
    foreign: foreignFleetGenerator,
    hasFailingResource: fc.constantFrom(false, false, false, true),
  })
  .map(({ peerVpc, lobby, arena, foreign, hasFailingResource }) => {
    const fleets = [lobby, arena, peerVpc.vpc === 'A' ? foreign : undefined].filter((fleet) => fleet !== undefined);
    return declareStack({ ...peerVpc, hasFailingResource, fleets });
  });

/** Generates faults despite which the deployment must succeed. */
const harmlessFaultGenerator: fc.Arbitrary<CallFault> = fc.oneof(
  fc.constantFrom('ThrottlingException', 'AccessDeniedException').map((name) => ({ kind: 'error' as const, name, status: 400 })),
  fc.constant({ kind: 'error' as const, name: 'InternalServiceException', status: 500 }),
  fc.record({
    kind: fc.constantFrom('timeout' as const, 'reset' as const, 'killed' as const),
    effect: fc.constantFrom('before' as const, 'after' as const),
  }),
  fc.constant({ kind: 'malformed' as const }),
);

const actionGenerator: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: stackGenerator.map((stack): Action => ({ kind: 'deploy', stack: stack })) },
  { weight: 2, arbitrary: fc.double({ min: 0, max: 40, noNaN: true }).map((days): Action => ({ kind: 'wait', days })) },
  {
    weight: 2,
    arbitrary: fc
      .record({ callsBefore: fc.nat({ max: 40 }), fault: harmlessFaultGenerator })
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
            harmlessFaultGenerator,
            fc.constantFrom(...documentedErrors({ service, operation }).map(({ fault }) => fault)),
          ),
        }),
      )
      .map((outage): Action => ({ kind: 'outage', ...outage })),
  },
  { weight: 1, arbitrary: fc.nat({ max: 4 }).map((responsesBefore): Action => ({ kind: 'lostResponse', responsesBefore })) },
);

/** Never generates the reading `fleetCidrBlocks: may be equal`, because some stacks can't be created under it: see UNAVOIDABLE_FAILURES. */
const readingsGenerator: fc.Arbitrary<Readings> = fc
  .record(Object.fromEntries(Object.entries(QUESTIONS).map(([name, choices]) => [name, fc.constantFrom(...choices)])))
  .map((readings) => ({ ...(readings as Readings), fleetCidrBlocks: 'distinct' }));

const sequenceGenerator: fc.Arbitrary<Sequence> = fc
  .record({
    readings: readingsGenerator,
    firstStack: stackGenerator,
    actions: fc.array(actionGenerator, { minLength: 1, maxLength: 10 }),
  })
  .map(({ readings, firstStack, actions }) => ({
    readings,
    actions: withForeignFleet(
      [asFirstDeployment(firstStack), ...actions].map((action) => withoutUnavoidableFailure(action, readings)),
    ),
  }));

/** If one of the deployments declares the foreign fleet, adds a first action that creates and peers that fleet. */
function withForeignFleet(actions: readonly Action[]): readonly Action[] {
  const isDeclared = actions.some(
    (action) => action.kind === 'deploy' && action.stack.fleets.some(({ name }) => name === FOREIGN_FLEET.name),
  );
  return isDeclared ? [{ kind: 'peerByHand' }, ...actions] : actions;
}

/** Changes the stack so that it has a fleet and can be created. */
function asFirstDeployment(stack: DeclaredStack): Action {
  const fleets = stack.fleets.length === 0 ? [fleet()] : stack.fleets;
  return { kind: 'deploy', stack: { ...stack, hasFailingResource: false, fleets } };
}

/**
 * Changes an action that would fail with any handler. If each use consumes the authorization, a deployment can peer only one fleet on creation.
 * If CloudFormation removes the claims from fleets, only EC2's tags show who owns a connection, so CreateTags must not fail.
 */
function withoutUnavoidableFailure(action: Action, { useOfAuthorization, foreignFleetTags }: Readings): Action {
  if (action.kind === 'outage' && action.operation === 'CreateTags' && foreignFleetTags === 'removed') {
    return { ...action, operation: 'CreateRoute' };
  }
  if (action.kind !== 'deploy' || useOfAuthorization !== 'consumed') {
    return action;
  }
  const firstPeered = action.stack.fleets.find(isPeeredOnCreation);
  const fleets = action.stack.fleets.map((declaredFleet): DeclaredFleet =>
    declaredFleet !== firstPeered && isPeeredOnCreation(declaredFleet) ? { ...declaredFleet, peering: 'none' } : declaredFleet,
  );
  return { ...action, stack: { ...action.stack, fleets } };
}

function isPeeredOnCreation({ peering }: DeclaredFleet): boolean {
  return peering === 'on creation';
}

/** Runs the actions, then deletes the stack. */
export async function runSequence({ readings, actions }: Sequence): Promise<CaseResult> {
  const rehearsal = await MatrixRehearsal.populate(readings);
  rehearsal.aws.scriptedOutcomes.connectionSeconds = 6;
  return runAndClose(rehearsal, () =>
    rehearsal.failIfStuck(async () => {
      const stack = new RandomStack(rehearsal);
      for (const [index, action] of actions.entries()) {
        const problems = await stack.run(action);
        if (problems.length > 0) {
          return problems.map((problem) => `action ${index + 1}: ${problem}`);
        }
      }
      return [
        ...(await stack.deleteStack()),
        ...(await stack.leftBehind()),
        ...changesToOthers(rehearsal),
        ...leakedSecrets(rehearsal),
      ];
    }),
  );
}

/** Runs the random sequence of a seed. If it fails, the problems contain the shortest sequence that fails, as JSON. */
export async function runRandomSequence(seed: number): Promise<CaseResult> {
  let observed: CaseResult['observed'] = [];
  const runsWithoutProblems = fc.asyncProperty(sequenceGenerator, async (sequence) => {
    const result = await runSequence(sequence);
    ({ observed } = result);
    if (result.problems.length > 0) {
      throw new Error(result.problems.join('\n  '));
    }
  });
  const { failed, counterexample, errorInstance } = await fc.check(runsWithoutProblems, { seed, numRuns: 1 });
  const problems = [String(errorInstance), `the shortest sequence that fails: ${JSON.stringify(counterexample?.[0])}`];
  return { problems: failed ? problems : [], observed };
}

/** The stack of a sequence. Runs its actions, and remembers what the last deployment declared and which faults occurred. */
class RandomStack {
  /** What the deployed stack declares. */
  private deployedStack: DeclaredStack | undefined;
  /** What the stack declared before it was deleted. */
  private deletedStack: DeclaredStack | undefined;

  private outageEnd = 0;
  /** The outages, and the time after them in which a request that began earlier may still fail. */
  private readonly outagePeriods: Period[] = [];
  /** The time by which the run of the last duplicate event has begun. */
  private latestDuplicateStart = 0;
  private wasAuthorizedByHand = false;
  private hasPeeredOnCreation = false;
  /** Whether the handler could always list the connections of the VPC. If not, it lets the authorization expire. */
  private couldCheckConnections = true;

  constructor(private readonly rehearsal: MatrixRehearsal) {}

  /** Runs the action, and returns the problems. */
  async run(action: Action): Promise<readonly string[]> {
    const { functions } = this.rehearsal;
    switch (action.kind) {
      case 'wait':
        await this.rehearsal.waitDays(action.days);
        return [];
      case 'peerByHand':
        await this.rehearsal.peerByHand(FOREIGN_FLEET);
        return [];
      case 'fault': {
        const index = functions.calls.length + action.callsBefore;
        this.inject({ call: (point) => (point.index === index ? action.fault : undefined) });
        return [];
      }
      case 'duplicateEvents':
        this.inject({
          copyDelays: () => {
            this.latestDuplicateStart = this.rehearsal.clock.now() + MAX_DUPLICATE_START_DELAY_MS;
            return [action.seconds];
          },
        });
        return [];
      case 'lostResponse': {
        const index = functions.putCount + action.responsesBefore;
        this.inject({ put: (point) => (point.index === index ? { kind: 'reset', effect: 'before' } : undefined) });
        return [];
      }
      case 'outage': {
        const { operation, fault, minutes } = action;
        this.couldCheckConnections &&= operation !== IN_USE_CHECK_OPERATION;
        this.inject({ call: (point) => (point.operation === operation && this.isOutage() ? fault : undefined) }, minutes);
        return [];
      }
      case 'deploy':
        return this.deployAndCheck(action.stack);
    }
  }

  /** Deletes the stack. If the deletion may fail, tries again after the outage, and once more after authorizing by hand. */
  async deleteStack(): Promise<readonly string[]> {
    if (this.deployedStack === undefined) {
      return [];
    }
    this.deletedStack = this.deployedStack;
    this.deployedStack = undefined;
    await this.waitForDuplicates();
    const problems: string[] = [];
    const mayFail = this.isOutage() || hasSkippedCleanup(this.rehearsal);
    const remedies = [(): Promise<void> => this.waitForEndOfOutage(), (): Promise<void> => this.authorizeByHandIfNeeded()];
    const doNothing = (): Promise<void> => Promise.resolve();
    for (const prepare of [doNothing, ...(mayFail ? remedies : [])]) {
      await prepare();
      const { status, reason = '' } = await this.rehearsal.cloudFormation.delete(STACK);
      if (status === 'DELETE_COMPLETE') {
        return [];
      }
      problems.push(`${status}: ${reason}: ${failureReasons(this.rehearsal).join(', ')}`);
    }
    return problems;
  }

  /** Returns what is left behind two days after the deletion of the stack, and the deletions that failed. */
  async leftBehind(): Promise<readonly string[]> {
    if (hasSkippedCleanup(this.rehearsal)) {
      this.wasAuthorizedByHand = true;
      await this.rehearsal.deleteForgottenFleets();
    }
    // a duplicate event may have authorized after the deletion
    const hasDuplicates = this.rehearsal.functions.faults.copyDelays !== undefined;
    const mayLeaveAuthorization =
      this.wasAuthorizedByHand || hasDuplicates || !this.couldCheckConnections || hasSkippedCleanup(this.rehearsal);
    const uncanceled =
      mayLeaveAuthorization || this.deletedStack === undefined ? [] : uncanceledAuthorizations(this.rehearsal, this.deletedStack);
    const itemsLeftBehind = await leftBehind(this.rehearsal);
    return [
      ...uncanceled,
      ...(hasSkippedCleanup(this.rehearsal)
        ? itemsLeftBehind.filter((text) => !LEFT_BY_SKIPPED_CLEANUP.test(text) && !this.isAboutForeignFleet(text))
        : itemsLeftBehind),
      ...failedDeletions(this.rehearsal, this.outagePeriods),
    ];
  }

  private inject(faults: Faults, minutes = 0): void {
    this.rehearsal.functions.faults = faults;
    const now = this.rehearsal.clock.now();
    this.outageEnd = now + minutes * MINUTE_MS;
    if (minutes > 0) {
      this.outagePeriods.push([now, this.outageEnd + MAX_REQUEST_MS]);
    }
  }

  private isOutage(): boolean {
    return this.rehearsal.clock.now() < this.outageEnd;
  }

  /** Authorizes if a fleet may still be peered, because deleting a peered fleet needs an authorization. */
  private async authorizeByHandIfNeeded(): Promise<void> {
    if (this.hasPeeredOnCreation || hasSkippedCleanup(this.rehearsal)) {
      this.wasAuthorizedByHand = true;
      await this.rehearsal.authorizeAll();
    }
  }

  private isAboutForeignFleet(text: string): boolean {
    const { fleetPeeredByHand } = this.rehearsal;
    return (
      fleetPeeredByHand !== undefined && (text.includes(fleetPeeredByHand.fleetId) || text.includes(fleetPeeredByHand.peeringId))
    );
  }

  /** Waits until the runs of all duplicates have begun. A duplicate that begins after a later request looks like a new request. */
  private async waitForDuplicates(): Promise<void> {
    const { clock } = this.rehearsal;
    await clock.sleep(Math.max(0, this.latestDuplicateStart - clock.now()));
  }

  private async waitForEndOfOutage(): Promise<void> {
    await this.rehearsal.clock.sleep(Math.max(0, this.outageEnd - this.rehearsal.clock.now()));
  }

  private async deployAndCheck(declaredStack: DeclaredStack): Promise<readonly string[]> {
    const { rehearsal, deployedStack } = this;
    if (
      hasSkippedCleanup(rehearsal) ||
      (deployedStack !== undefined && assemblyOf(deployedStack) === assemblyOf(declaredStack))
    ) {
      // after a skipped cleanup, CloudFormation does not know all resources; and an unchanged stack can't be updated
      return [];
    }
    await this.waitForDuplicates();
    const [successPrefix, rollbackPrefix] = deployedStack === undefined ? ['CREATE', 'ROLLBACK'] : ['UPDATE', 'UPDATE_ROLLBACK'];
    const expectedStatus = `${declaredStack.hasFailingResource ? rollbackPrefix : successPrefix}_COMPLETE`;
    this.deployedStack = deployedStack ?? declaredStack;
    this.hasPeeredOnCreation ||= declaredStack.fleets.some(isPeeredOnCreation);
    const wasOutage = this.isOutage();
    const { status, reason = '' } = await deployAll(rehearsal, declaredStack);
    if (status === expectedStatus && !declaredStack.hasFailingResource) {
      this.deployedStack = declaredStack;
      return [...changesToOthers(rehearsal), ...this.deviationsFrom(declaredStack)];
    }
    if (status !== expectedStatus && !wasOutage) {
      return [`${status}: ${reason}: ${failureReasons(rehearsal).join(', ')}`];
    }
    await this.waitForEndOfOutage();
    const unclearMessages = failureReasons(rehearsal).filter((text) => !isClearMessage(text));
    if (deployedStack === undefined) {
      // a stack whose creation was rolled back can only be deleted
      return [...unclearMessages, ...changesToOthers(rehearsal), ...(await this.deleteStack())];
    }
    const { status: finalStatus } =
      status === 'UPDATE_ROLLBACK_FAILED' ? await rehearsal.cloudFormation.continueUpdateRollback(STACK) : { status };
    return [
      ...unclearMessages,
      ...(finalStatus === 'UPDATE_ROLLBACK_COMPLETE' ? [] : [`${finalStatus} although the outage has ended`]),
      ...changesToOthers(rehearsal),
      ...this.deviationsFrom(deployedStack),
    ];
  }

  /** Compares nothing after a skipped cleanup: the old fleet still exists. In this case, only `leftBehind` checks what exists. */
  private deviationsFrom(declaredStack: DeclaredStack): readonly string[] {
    return hasSkippedCleanup(this.rehearsal) ? [] : deviationsFrom(this.rehearsal, declaredStack);
  }
}

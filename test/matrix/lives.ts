import {
  changesToOthers,
  deniedCalls,
  deviationsFrom,
  failedDeletions,
  hasSkippedCleanup,
  leakedSecrets,
  leftBehind,
  failureReasons,
  uncanceledAuthorizations,
} from './checker';
import { SKIPPED_DELETE } from './combinations';
import type { UnavoidableFailure } from './combinations';
import { assemblyOf, declareStack, fleet, STACK } from './stacks';
import type { DeclaredStack, DeclaredFleet } from './stacks';
import { MatrixRehearsal } from './rehearsal';
import type { Readings, VpcName } from './rehearsal';

/*
 * The lives of the matrix. After each deployment and deletion, the checker compares what exists with what the stack declares.
 */

/** One step of a life. */
export type Step =
  | {
      readonly deploy: DeclaredStack;
      readonly status: string;
      /** Matches the errors of the resources, if the deployment is rolled back. */
      readonly reason?: RegExp;
      /** What the stack contains after the step. @default - what the step deploys */
      readonly stackAfter?: DeclaredStack;
    }
  | { readonly days: number }
  | { readonly peerByHand: DeclaredFleet }
  | { readonly authorizeByHand: VpcName }
  | { readonly delete: 'DELETE_COMPLETE' }
  /** The deletion fails and deletes nothing. */
  | { readonly delete: 'DELETE_FAILED'; readonly reason: RegExp; readonly stackAfter: DeclaredStack };

const create = (deploy: DeclaredStack): Step => ({ deploy, status: 'CREATE_COMPLETE' });
const update = (deploy: DeclaredStack): Step => ({ deploy, status: 'UPDATE_COMPLETE' });
/** CloudFormation does nothing, so the stack keeps the status CREATE_COMPLETE. */
const deployUnchanged = create;
const waitDays = (count: number): Step => ({ days: count });
const DELETE: Step = { delete: 'DELETE_COMPLETE' };
/** The error of the resource that `hasFailingResource` adds. It is in a VPC that does not exist. */
const FAILING_RESOURCE = /^The vpc ID '\S+' does not exist$/;

/** The error of a resource whose authorization is missing, or of a resource that CloudFormation then canceled. */
const UNAUTHORIZED = /: an authorization is missing between VPC \S+ of account \S+ and GameLift account |cancelled/;

const fleetPeeredOnCreation = (change: Partial<DeclaredFleet> = {}): DeclaredFleet =>
  fleet({ peering: 'on creation', ...change });
const secondFleet = fleet({ name: 'Arena' });
const PEER_ROLE = { vpc: 'C', access: 'role' } as const;
const stackWithoutPeerRole = (change: Partial<DeclaredFleet> = {}): DeclaredStack =>
  declareStack({ vpc: 'C', access: 'none', fleets: [fleet({ routes: 'none', ...change })] });
const AUTHORIZE_BY_HAND: Step = { authorizeByHand: 'C' };
/** Somebody else's fleet, whose connection the stack adopts. */
const adoptedFleet = fleet({ createdBy: 'somebody else', dnsResolution: true, adoptExisting: true });
/** Somebody else's fleet, whose connection the stack does not adopt. */
const fleetConnectedByHand = fleet({ createdBy: 'somebody else' });

export const LIVES = {
  'created and deleted within a day': [create(declareStack()), waitDays(0.1), DELETE],
  'fleet replaced after ten days, connection changed, stack deleted after a month': [
    create(declareStack()),
    waitDays(10),
    deployUnchanged(declareStack()),
    update(declareStack({ fleets: [fleet({ build: 2 })] })),
    waitDays(5),
    update(declareStack({ fleets: [fleet({ build: 2, description: 'second', dnsResolution: true, routes: 'one subnet' })] })),
    update(declareStack({ fleets: [fleet({ build: 2, description: 'second' })] })),
    waitDays(30),
    DELETE,
  ],
  'creation fails at the last resource': [
    {
      deploy: declareStack({ hasFailingResource: true }),
      status: 'ROLLBACK_COMPLETE',
      reason: FAILING_RESOURCE,
      stackAfter: declareStack({ fleets: [] }),
    },
    waitDays(3),
    DELETE,
  ],
  'two connections with one authorization': [
    create(declareStack({ fleets: [fleet(), secondFleet] })),
    waitDays(10),
    update(declareStack({ fleets: [fleet({ build: 2 }), fleet({ name: 'Arena', build: 2 })] })),
    waitDays(30),
    DELETE,
  ],
  'connection removed from the stack': [
    create(declareStack()),
    waitDays(10),
    update(declareStack({ fleets: [fleet({ peering: 'none' })] })),
    waitDays(30),
    DELETE,
  ],
  'peered on creation, deleted within a day': [
    create(declareStack({ fleets: [fleetPeeredOnCreation()] })),
    waitDays(0.1),
    DELETE,
  ],
  'peered on creation, fleet replaced after ten days, connection changed, stack deleted after a month': [
    create(declareStack({ fleets: [fleetPeeredOnCreation()] })),
    waitDays(10),
    deployUnchanged(declareStack({ fleets: [fleetPeeredOnCreation()] })),
    update(declareStack({ fleets: [fleetPeeredOnCreation({ build: 2 })] })),
    waitDays(5),
    update(
      declareStack({
        fleets: [fleetPeeredOnCreation({ build: 2, description: 'second', dnsResolution: true, routes: 'one subnet' })],
      }),
    ),
    update(declareStack({ fleets: [fleetPeeredOnCreation({ build: 2, description: 'second' })] })),
    waitDays(30),
    DELETE,
  ],
  'peered on creation, creation fails at the last resource': [
    {
      deploy: declareStack({ fleets: [fleetPeeredOnCreation()], hasFailingResource: true }),
      status: 'ROLLBACK_COMPLETE',
      reason: FAILING_RESOURCE,
      stackAfter: declareStack({ fleets: [] }),
    },
    waitDays(3),
    DELETE,
  ],
  'peered on creation, update rolled back': [
    create(declareStack({ fleets: [fleetPeeredOnCreation()] })),
    waitDays(10),
    {
      deploy: declareStack({ fleets: [fleetPeeredOnCreation({ build: 2 })], hasFailingResource: true }),
      status: 'UPDATE_ROLLBACK_COMPLETE',
      reason: FAILING_RESOURCE,
      stackAfter: declareStack({ fleets: [fleetPeeredOnCreation()] }),
    },
    waitDays(30),
    DELETE,
  ],
  'peered on creation, connection moved to another VPC': [
    create(declareStack({ fleets: [fleetPeeredOnCreation()] })),
    waitDays(10),
    update(declareStack({ vpc: 'B', fleets: [fleetPeeredOnCreation()] })),
    waitDays(30),
    DELETE,
  ],
  'peered on creation, two accounts with a peer role': [
    create(declareStack({ ...PEER_ROLE, fleets: [fleetPeeredOnCreation({ dnsResolution: true })] })),
    waitDays(10),
    update(declareStack({ ...PEER_ROLE, fleets: [fleetPeeredOnCreation({ dnsResolution: true, build: 2 })] })),
    waitDays(30),
    DELETE,
  ],
  'peered on creation, two accounts without a peer role': [
    AUTHORIZE_BY_HAND,
    create(stackWithoutPeerRole({ peering: 'on creation' })),
    waitDays(10),
    AUTHORIZE_BY_HAND,
    update(stackWithoutPeerRole({ peering: 'on creation', build: 2 })),
    waitDays(30),
    AUTHORIZE_BY_HAND,
    DELETE,
  ],
  'peered on creation in the second deployment only': [
    create(declareStack()),
    waitDays(10),
    update(declareStack({ fleets: [fleetPeeredOnCreation()] })),
    waitDays(10),
    update(declareStack()),
    waitDays(30),
    DELETE,
  ],
  'peered on creation, connection removed from the stack': [
    create(declareStack({ fleets: [fleetPeeredOnCreation()] })),
    waitDays(10),
    update(declareStack({ fleets: [fleet({ peering: 'none' })] })),
    waitDays(30),
    DELETE,
  ],
  'one fleet connected, one peered on creation': [
    create(declareStack({ fleets: [fleet(), fleetPeeredOnCreation({ name: 'Arena' })] })),
    waitDays(10),
    update(declareStack({ fleets: [fleet({ build: 2 }), fleetPeeredOnCreation({ name: 'Arena', build: 2 })] })),
    waitDays(30),
    DELETE,
  ],
  'two fleets peered on creation at the same time': [
    create(declareStack({ fleets: [fleetPeeredOnCreation(), fleetPeeredOnCreation({ name: 'Arena' })] })),
    waitDays(30),
    DELETE,
  ],
  'creation fails and is retried a day later': [
    {
      deploy: declareStack({ hasFailingResource: true }),
      status: 'ROLLBACK_COMPLETE',
      reason: FAILING_RESOURCE,
      stackAfter: declareStack({ fleets: [] }),
    },
    DELETE,
    waitDays(1),
    create(declareStack()),
    waitDays(30),
    DELETE,
  ],
  'peered on creation, creation fails and is retried a day later': [
    {
      deploy: declareStack({ fleets: [fleetPeeredOnCreation()], hasFailingResource: true }),
      status: 'ROLLBACK_COMPLETE',
      reason: FAILING_RESOURCE,
      stackAfter: declareStack({ fleets: [] }),
    },
    DELETE,
    waitDays(1),
    create(declareStack({ fleets: [fleetPeeredOnCreation()] })),
    waitDays(30),
    DELETE,
  ],
  'two accounts without a peer role, deletion fails without an authorization and is retried a day later': [
    AUTHORIZE_BY_HAND,
    create(stackWithoutPeerRole()),
    waitDays(30),
    { delete: 'DELETE_FAILED', reason: UNAUTHORIZED, stackAfter: stackWithoutPeerRole() },
    waitDays(1),
    AUTHORIZE_BY_HAND,
    DELETE,
  ],
  'peered on creation, two accounts without a peer role, deletion fails without an authorization and is retried a day later': [
    AUTHORIZE_BY_HAND,
    create(stackWithoutPeerRole({ peering: 'on creation' })),
    waitDays(30),
    { delete: 'DELETE_FAILED', reason: UNAUTHORIZED, stackAfter: stackWithoutPeerRole({ peering: 'on creation' }) },
    waitDays(1),
    AUTHORIZE_BY_HAND,
    DELETE,
  ],
  'update rolled back': [
    create(declareStack()),
    waitDays(10),
    {
      deploy: declareStack({ fleets: [fleet({ build: 2 })], hasFailingResource: true }),
      status: 'UPDATE_ROLLBACK_COMPLETE',
      reason: FAILING_RESOURCE,
      stackAfter: declareStack(),
    },
    waitDays(30),
    DELETE,
  ],
  'connection moved to another VPC': [
    create(declareStack()),
    waitDays(10),
    update(declareStack({ vpc: 'B' })),
    waitDays(30),
    DELETE,
  ],
  'two accounts with a peer role': [
    create(declareStack({ ...PEER_ROLE, fleets: [fleet({ dnsResolution: true })] })),
    waitDays(10),
    update(declareStack({ ...PEER_ROLE, fleets: [fleet({ dnsResolution: true, build: 2 })] })),
    waitDays(30),
    DELETE,
  ],
  'two accounts without a peer role': [
    AUTHORIZE_BY_HAND,
    create(stackWithoutPeerRole()),
    waitDays(10),
    AUTHORIZE_BY_HAND,
    update(stackWithoutPeerRole({ build: 2 })),
    waitDays(30),
    AUTHORIZE_BY_HAND,
    DELETE,
  ],
  'two accounts without a peer role, update fails without an authorization': [
    AUTHORIZE_BY_HAND,
    create(stackWithoutPeerRole()),
    waitDays(10),
    {
      deploy: stackWithoutPeerRole({ build: 2 }),
      status: 'UPDATE_ROLLBACK_COMPLETE',
      reason: UNAUTHORIZED,
      stackAfter: stackWithoutPeerRole(),
    },
    waitDays(30),
    AUTHORIZE_BY_HAND,
    DELETE,
  ],
  'existing connection is adopted': [
    { peerByHand: adoptedFleet },
    create(declareStack({ fleets: [adoptedFleet] })),
    waitDays(10),
    update(declareStack({ fleets: [{ ...adoptedFleet, routes: 'one subnet' }] })),
    waitDays(30),
    DELETE,
  ],
  'existing connection is not adopted': [
    { peerByHand: fleetConnectedByHand },
    {
      deploy: declareStack({ fleets: [fleetConnectedByHand] }),
      status: 'ROLLBACK_COMPLETE',
      reason:
        /: the peering connection \S+ between them exists already, and this stack did not create it\. Delete it, or pass adoptExisting /,
      stackAfter: declareStack({ fleets: [] }),
    },
    DELETE,
  ],
} as const satisfies Record<string, readonly Step[]>;

export type LifeName = keyof typeof LIVES;

export const LIFE_NAMES = Object.keys(LIVES) as LifeName[];

/** In these lives, only the stack's own fleets are peered with the VPC. So the handler cancels the authorization when the stack is deleted. */
const WITHOUT_FOREIGN_PEERING: ReadonlySet<LifeName> = new Set([
  'created and deleted within a day',
  'creation fails at the last resource',
  'connection removed from the stack',
  'peered on creation, deleted within a day',
  'peered on creation, creation fails at the last resource',
  'peered on creation, update rolled back',
  'peered on creation, connection removed from the stack',
  'update rolled back',
]);

/** Creates the simulated AWS for a life. Somebody else's fleet is peered with the stack's VPC, A; for `WITHOUT_FOREIGN_PEERING`, with B. */
export function createRehearsal(life: LifeName, readings: Readings): Promise<MatrixRehearsal> {
  return MatrixRehearsal.populate(readings, WITHOUT_FOREIGN_PEERING.has(life) ? 'B' : 'A');
}

/** A difference between the result of a step and what the step expects. */
interface Problem {
  /** The status of the deployment or deletion, the reason for its failure, or the resources that exist after it. */
  readonly about: 'status' | 'reason' | 'state';
  readonly text: string;
}

/** A step that did not end as expected. */
export interface StepFailure {
  /** Counted from 1. */
  readonly step: number;
  /** The status of the stack after the step. */
  readonly status: string;
  readonly problems: readonly Problem[];
  /** What the stack contained before the step. */
  readonly stackBefore: DeclaredStack;
}

const EMPTY_STACK = declareStack({ fleets: [] });

/** Runs a life without faults, and returns its problems. */
export async function runLife(rehearsal: MatrixRehearsal, steps: readonly Step[]): Promise<readonly string[]> {
  return rehearsal.failIfStuck(async () => {
    const failure = await runUntilFailure(rehearsal, steps);
    if (failure !== undefined) {
      return describeProblems(failure);
    }
    const hasFailingDelete = steps.some((step) => 'delete' in step && step.delete === 'DELETE_FAILED');
    const problems = [
      ...uncanceledAuthorizations(rehearsal, lastDeployed(steps)),
      ...(await leftBehind(rehearsal)),
      ...(hasFailingDelete ? [] : failedDeletions(rehearsal)),
    ];
    return [...problems, ...deniedCalls(rehearsal), ...leakedSecrets(rehearsal)];
  });
}

/** What the last successful deployment declared. If none succeeded, what the first deployment declared. */
export function lastDeployed(steps: readonly Step[], failure?: StepFailure): DeclaredStack {
  const deployed = steps.slice(0, failure?.step).flatMap((step) => ('deploy' in step ? [step.deploy] : []));
  const [first = EMPTY_STACK] = deployed;
  return (failure === undefined ? deployed : deployed.slice(0, -1)).at(-1) ?? first;
}

export function describeProblems({ step, problems }: StepFailure): readonly string[] {
  return problems.map(({ text }) => `step ${step}: ${text}`);
}

/**
 * Runs a life that can't succeed. It must fail as UNAVOIDABLE_FAILURES says. With `SKIPPED_DELETE`, every step succeeds, but CloudFormation
 * skips a deletion that failed. If a step failed, authorizes by hand and deletes the stack, which must leave nothing behind.
 */
export async function runFailingLife(
  rehearsal: MatrixRehearsal,
  steps: readonly Step[],
  unavoidableFailure: UnavoidableFailure,
): Promise<readonly string[]> {
  return rehearsal.failIfStuck(async () => {
    const failure = await runUntilFailure(rehearsal, steps);
    if (failure === undefined) {
      const isSkippedDelete =
        unavoidableFailure.expectedFailure === SKIPPED_DELETE &&
        failedDeletions(rehearsal).some((text) => unavoidableFailure.message.test(text));
      return [
        ...(isSkippedDelete ? [] : ['the life succeeded although UNAVOIDABLE_FAILURES lists it']),
        ...changesToOthers(rehearsal),
        ...(await leftBehind(rehearsal)),
        ...leakedSecrets(rehearsal),
      ];
    }
    const hasMessage = failureReasons(rehearsal).some((text) => unavoidableFailure.message.test(text));
    const failedStep = `step ${failure.step}: ${failure.status}`;
    const [vpc = 'A'] = steps.flatMap((step) => ('deploy' in step ? [step.deploy.vpc] : []));
    await rehearsal.authorizeUnlessValid(vpc);
    const { status, reason = '' } = await rehearsal.cloudFormation.delete(STACK);
    if (hasSkippedCleanup(rehearsal)) {
      await rehearsal.deleteForgottenFleets();
    }
    return [
      ...(failedStep === unavoidableFailure.expectedFailure
        ? []
        : [`${failedStep} instead of ${unavoidableFailure.expectedFailure}`]),
      ...(hasMessage
        ? []
        : [`failed for another reason: ${describeProblems(failure).join(', ')}, ${failureReasons(rehearsal).join(', ')}`]),
      ...(status === 'DELETE_COMPLETE' ? [] : [`${status} although the VPC was authorized by hand: ${reason}`]),
      ...changesToOthers(rehearsal),
      ...(await leftBehind(rehearsal)),
      ...leakedSecrets(rehearsal),
    ];
  });
}

/** Runs the steps until one does not end as expected. Returns undefined if all end as expected. */
export async function runUntilFailure(rehearsal: MatrixRehearsal, steps: readonly Step[]): Promise<StepFailure | undefined> {
  let stackBefore: DeclaredStack = EMPTY_STACK;
  for (const [index, step] of steps.entries()) {
    const { status, problems } = await runStep(rehearsal, step, stackBefore);
    if (problems.length > 0) {
      return { step: index + 1, status, problems, stackBefore };
    }
    stackBefore = resultingStack(step) ?? stackBefore;
  }
  return undefined;
}

/** What the stack contains after a step. Undefined if the step does not change the stack. */
function resultingStack(step: Step): DeclaredStack | undefined {
  if ('deploy' in step) {
    return step.stackAfter ?? step.deploy;
  }
  if ('delete' in step) {
    return step.delete === 'DELETE_FAILED' ? step.stackAfter : EMPTY_STACK;
  }
  return undefined;
}

async function runStep(
  rehearsal: MatrixRehearsal,
  step: Step,
  stackBefore: DeclaredStack,
): Promise<Pick<StepFailure, 'status' | 'problems'>> {
  if ('days' in step) {
    await rehearsal.waitDays(step.days);
    return { status: '', problems: [] };
  }
  if ('authorizeByHand' in step) {
    await rehearsal.authorize(step.authorizeByHand);
    return { status: '', problems: [] };
  }
  if ('peerByHand' in step) {
    await rehearsal.peerByHand(step.peerByHand);
    return { status: '', problems: [] };
  }
  const earlierReasonCount = failureReasons(rehearsal).length;
  const expectedStatus = 'deploy' in step ? step.status : step.delete;
  const { status, reason = '' } =
    'deploy' in step ? await deployAll(rehearsal, step.deploy) : await rehearsal.cloudFormation.delete(STACK);
  const problems: Problem[] = [];
  if (status !== expectedStatus) {
    problems.push({ about: 'status', text: `${status} instead of ${expectedStatus}: ${reason}` });
  }
  const expectedReason = 'reason' in step ? step.reason : undefined;
  const actualReasons = expectedReason === undefined ? [] : failureReasons(rehearsal).slice(earlierReasonCount);
  for (const text of actualReasons.filter((actual) => expectedReason?.test(actual) === false)) {
    problems.push({ about: 'reason', text: `${status} for another reason: ${text}` });
  }
  const stackNow = status === expectedStatus ? resultingStack(step) : isRolledBack(status) ? stackBefore : undefined;
  const stateProblems = [...changesToOthers(rehearsal), ...(stackNow === undefined ? [] : deviationsFrom(rehearsal, stackNow))];
  return { status, problems: [...problems, ...stateProblems.map((text): Problem => ({ about: 'state', text }))] };
}

/** Whether CloudFormation reports that it has undone all changes. */
function isRolledBack(status: string): boolean {
  return status === 'ROLLBACK_COMPLETE' || status === 'UPDATE_ROLLBACK_COMPLETE';
}

/** Deploys the stack of the peer role, if there is one, and then `STACK`. Returns the result of `STACK`. */
export async function deployAll(
  { cloudFormation }: MatrixRehearsal,
  declaredStack: DeclaredStack,
): Promise<{ status: string; reason?: string }> {
  const results = await cloudFormation.deployAll(assemblyOf(declaredStack));
  const last = results.at(-1);
  if (last === undefined) {
    throw new Error('the cloud assembly contains no stack');
  }
  return last;
}

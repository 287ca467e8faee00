import {
  changesToOthers,
  denials,
  deviations,
  failedDeletes,
  hasSkippedCleanup,
  leaks,
  leftBehind,
  failureReasons,
  uncanceledAuthorizations,
} from './checker';
import { SKIPPED_DELETE } from './combinations';
import type { UnavoidableFailure } from './combinations';
import { assemblyOf, declare, fleet, STACK } from './stacks';
import type { Declared, DeclaredFleet } from './stacks';
import { MatrixWorld } from './world';
import type { Readings, VpcName } from './world';

/*
 * The lives of the matrix, and how they are run and checked.
 */

export type Step =
  | {
      readonly deploy: Declared;
      readonly status: string;
      /** Why it is rolled back. */
      readonly reason?: RegExp;
      /** What the stack contains afterwards. @default - what was deployed */
      readonly after?: Declared;
    }
  | { readonly days: number }
  | { readonly peerByHand: DeclaredFleet }
  | { readonly authorizeByHand: VpcName }
  | { readonly delete: 'DELETE_COMPLETE' }
  /** The deletion fails and deletes nothing. */
  | { readonly delete: 'DELETE_FAILED'; readonly reason: RegExp; readonly after: Declared };

const created = (deploy: Declared): Step => ({ deploy, status: 'CREATE_COMPLETE' });
const updated = (deploy: Declared): Step => ({ deploy, status: 'UPDATE_COMPLETE' });
/** Deployed again without a change: CloudFormation does nothing. */
const unchanged = created;
const days = (count: number): Step => ({ days: count });
const deleted: Step = { delete: 'DELETE_COMPLETE' };
/** The error of the last resource, whose VPC does not exist. */
const FAILING_RESOURCE = /^The vpc ID '\S+' does not exist$/;

/** The errors of a resource whose authorization is missing, and of the resources that were canceled because of it. */
const UNAUTHORIZED = /: an authorization is missing between VPC \S+ of account \S+ and GameLift account |cancelled/;

const onCreation = (change: Partial<DeclaredFleet> = {}): DeclaredFleet => fleet({ peering: 'on creation', ...change });
const arena = fleet({ name: 'Arena' });
const peerRole = { vpc: 'C', access: 'role' } as const;
const untrusted = (change: Partial<DeclaredFleet> = {}): Declared =>
  declare({ vpc: 'C', access: 'none', fleets: [fleet({ routes: 'none', ...change })] });
const authorizedByHand: Step = { authorizeByHand: 'C' };
const adopted = fleet({ createdBy: 'somebody else', dnsResolution: true, adoptExisting: true });
const notAdopted = fleet({ createdBy: 'somebody else' });

export const LIFECYCLES = {
  'created and deleted within a day': [created(declare()), days(0.1), deleted],
  'replaced after ten days, changed, deleted after a month': [
    created(declare()),
    days(10),
    unchanged(declare()),
    updated(declare({ fleets: [fleet({ build: 2 })] })),
    days(5),
    updated(declare({ fleets: [fleet({ build: 2, description: 'second', dnsResolution: true, routes: 'one subnet' })] })),
    updated(declare({ fleets: [fleet({ build: 2, description: 'second' })] })),
    days(30),
    deleted,
  ],
  'creation fails at its last resource': [
    {
      deploy: declare({ hasFailingResource: true }),
      status: 'ROLLBACK_COMPLETE',
      reason: FAILING_RESOURCE,
      after: declare({ fleets: [] }),
    },
    days(3),
    deleted,
  ],
  'two connections with one authorization': [
    created(declare({ fleets: [fleet(), arena] })),
    days(10),
    updated(declare({ fleets: [fleet({ build: 2 }), fleet({ name: 'Arena', build: 2 })] })),
    days(30),
    deleted,
  ],
  'connection removed': [
    created(declare()),
    days(10),
    updated(declare({ fleets: [fleet({ peering: 'none' })] })),
    days(30),
    deleted,
  ],
  'peered on creation, deleted within a day': [created(declare({ fleets: [onCreation()] })), days(0.1), deleted],
  'peered on creation, replaced after ten days, changed, deleted after a month': [
    created(declare({ fleets: [onCreation()] })),
    days(10),
    unchanged(declare({ fleets: [onCreation()] })),
    updated(declare({ fleets: [onCreation({ build: 2 })] })),
    days(5),
    updated(declare({ fleets: [onCreation({ build: 2, description: 'second', dnsResolution: true, routes: 'one subnet' })] })),
    updated(declare({ fleets: [onCreation({ build: 2, description: 'second' })] })),
    days(30),
    deleted,
  ],
  'peered on creation, creation fails at its last resource': [
    {
      deploy: declare({ fleets: [onCreation()], hasFailingResource: true }),
      status: 'ROLLBACK_COMPLETE',
      reason: FAILING_RESOURCE,
      after: declare({ fleets: [] }),
    },
    days(3),
    deleted,
  ],
  'peered on creation, update rolled back': [
    created(declare({ fleets: [onCreation()] })),
    days(10),
    {
      deploy: declare({ fleets: [onCreation({ build: 2 })], hasFailingResource: true }),
      status: 'UPDATE_ROLLBACK_COMPLETE',
      reason: FAILING_RESOURCE,
      after: declare({ fleets: [onCreation()] }),
    },
    days(30),
    deleted,
  ],
  'peered on creation, moved to another VPC': [
    created(declare({ fleets: [onCreation()] })),
    days(10),
    updated(declare({ vpc: 'B', fleets: [onCreation()] })),
    days(30),
    deleted,
  ],
  'peered on creation, with a peer role in another account': [
    created(declare({ ...peerRole, fleets: [onCreation({ dnsResolution: true })] })),
    days(10),
    updated(declare({ ...peerRole, fleets: [onCreation({ dnsResolution: true, build: 2 })] })),
    days(30),
    deleted,
  ],
  'peered on creation, two accounts without trust': [
    authorizedByHand,
    created(untrusted({ peering: 'on creation' })),
    days(10),
    authorizedByHand,
    updated(untrusted({ peering: 'on creation', build: 2 })),
    days(30),
    authorizedByHand,
    deleted,
  ],
  'peered on creation from the second deployment until the third': [
    created(declare()),
    days(10),
    updated(declare({ fleets: [onCreation()] })),
    days(10),
    updated(declare()),
    days(30),
    deleted,
  ],
  'peered on creation, connection removed': [
    created(declare({ fleets: [onCreation()] })),
    days(10),
    updated(declare({ fleets: [fleet({ peering: 'none' })] })),
    days(30),
    deleted,
  ],
  'one fleet connected, one peered on creation': [
    created(declare({ fleets: [fleet(), onCreation({ name: 'Arena' })] })),
    days(10),
    updated(declare({ fleets: [fleet({ build: 2 }), onCreation({ name: 'Arena', build: 2 })] })),
    days(30),
    deleted,
  ],
  'two fleets peered on creation at the same time': [
    created(declare({ fleets: [onCreation(), onCreation({ name: 'Arena' })] })),
    days(30),
    deleted,
  ],
  'creation fails, retried a day later': [
    {
      deploy: declare({ hasFailingResource: true }),
      status: 'ROLLBACK_COMPLETE',
      reason: FAILING_RESOURCE,
      after: declare({ fleets: [] }),
    },
    deleted,
    days(1),
    created(declare()),
    days(30),
    deleted,
  ],
  'peered on creation, creation fails, retried a day later': [
    {
      deploy: declare({ fleets: [onCreation()], hasFailingResource: true }),
      status: 'ROLLBACK_COMPLETE',
      reason: FAILING_RESOURCE,
      after: declare({ fleets: [] }),
    },
    deleted,
    days(1),
    created(declare({ fleets: [onCreation()] })),
    days(30),
    deleted,
  ],
  'two accounts without trust, deletion without authorization, retried a day later': [
    authorizedByHand,
    created(untrusted()),
    days(30),
    { delete: 'DELETE_FAILED', reason: UNAUTHORIZED, after: untrusted() },
    days(1),
    authorizedByHand,
    deleted,
  ],
  'peered on creation, two accounts without trust, deletion without authorization, retried a day later': [
    authorizedByHand,
    created(untrusted({ peering: 'on creation' })),
    days(30),
    { delete: 'DELETE_FAILED', reason: UNAUTHORIZED, after: untrusted({ peering: 'on creation' }) },
    days(1),
    authorizedByHand,
    deleted,
  ],
  'update rolled back': [
    created(declare()),
    days(10),
    {
      deploy: declare({ fleets: [fleet({ build: 2 })], hasFailingResource: true }),
      status: 'UPDATE_ROLLBACK_COMPLETE',
      reason: FAILING_RESOURCE,
      after: declare(),
    },
    days(30),
    deleted,
  ],
  'moved to another VPC': [created(declare()), days(10), updated(declare({ vpc: 'B' })), days(30), deleted],
  'with a peer role in another account': [
    created(declare({ ...peerRole, fleets: [fleet({ dnsResolution: true })] })),
    days(10),
    updated(declare({ ...peerRole, fleets: [fleet({ dnsResolution: true, build: 2 })] })),
    days(30),
    deleted,
  ],
  'two accounts without trust': [
    authorizedByHand,
    created(untrusted()),
    days(10),
    authorizedByHand,
    updated(untrusted({ build: 2 })),
    days(30),
    authorizedByHand,
    deleted,
  ],
  'two accounts without trust, update without authorization': [
    authorizedByHand,
    created(untrusted()),
    days(10),
    {
      deploy: untrusted({ build: 2 }),
      status: 'UPDATE_ROLLBACK_COMPLETE',
      reason: UNAUTHORIZED,
      after: untrusted(),
    },
    days(30),
    authorizedByHand,
    deleted,
  ],
  'existing connection, adopted': [
    { peerByHand: adopted },
    created(declare({ fleets: [adopted] })),
    days(10),
    updated(declare({ fleets: [{ ...adopted, routes: 'one subnet' }] })),
    days(30),
    deleted,
  ],
  'existing connection, not adopted': [
    { peerByHand: notAdopted },
    {
      deploy: declare({ fleets: [notAdopted] }),
      status: 'ROLLBACK_COMPLETE',
      reason:
        /: the peering connection \S+ between them exists already, and this stack did not create it\. Delete it, or pass adoptExisting /,
      after: declare({ fleets: [] }),
    },
    deleted,
  ],
} as const satisfies Record<string, readonly Step[]>;

export type LifecycleName = keyof typeof LIFECYCLES;

export const LIFECYCLE_NAMES = Object.keys(LIFECYCLES) as LifecycleName[];

/** Lives in which only the stack's fleets are peered with its VPC, so that its deletion cancels the authorization. */
const WITHOUT_FOREIGN_PEERING: ReadonlySet<LifecycleName> = new Set([
  'created and deleted within a day',
  'creation fails at its last resource',
  'connection removed',
  'peered on creation, deleted within a day',
  'peered on creation, creation fails at its last resource',
  'peered on creation, update rolled back',
  'peered on creation, connection removed',
  'update rolled back',
]);

/** In the other lives, somebody else's fleet is peered with the stack's VPC. */
export function worldFor(lifecycle: LifecycleName, readings: Readings): Promise<MatrixWorld> {
  return MatrixWorld.populate(readings, WITHOUT_FOREIGN_PEERING.has(lifecycle) ? 'B' : 'A');
}

/** How the result of a step differs from what the step expects. */
interface Problem {
  /** The status of the operation, its reason, or the resources after it. */
  readonly about: 'status' | 'reason' | 'state';
  readonly text: string;
}

/** The first step that did not end as expected. */
export interface Failure {
  /** Counted from 1. */
  readonly step: number;
  /** How the operation ended. */
  readonly status: string;
  readonly problems: readonly Problem[];
  /** What the stack contained before the step. */
  readonly before: Declared;
}

const NOTHING = declare({ fleets: [] });

/** Runs a life without faults, and returns its problems. */
export async function runLife(world: MatrixWorld, steps: readonly Step[]): Promise<readonly string[]> {
  return world.failIfStuck(async () => {
    const failure = await firstFailure(world, steps);
    if (failure !== undefined) {
      return problemTexts(failure);
    }
    const hasFailingDelete = steps.some((step) => 'delete' in step && step.delete === 'DELETE_FAILED');
    const problems = [
      ...uncanceledAuthorizations(world, lastDeclared(steps)),
      ...(await leftBehind(world)),
      ...(hasFailingDelete ? [] : failedDeletes(world)),
    ];
    return [...problems, ...denials(world), ...leaks(world)];
  });
}

/** What the last successful deployment declared, or the first deployment if none succeeded. */
export function lastDeclared(steps: readonly Step[], failure?: Failure): Declared {
  const deployed = steps.slice(0, failure?.step).flatMap((step) => ('deploy' in step ? [step.deploy] : []));
  const [first = NOTHING] = deployed;
  return (failure === undefined ? deployed : deployed.slice(0, -1)).at(-1) ?? first;
}

export function problemTexts({ step, problems }: Failure): readonly string[] {
  return problems.map(({ text }) => `step ${step}: ${text}`);
}

/**
 * Runs a life that can't succeed. It must fail as declared, and leave nothing behind after the VPC was authorized by hand and the stack was
 * deleted.
 */
export async function runFailingLife(
  world: MatrixWorld,
  steps: readonly Step[],
  impossible: UnavoidableFailure,
): Promise<readonly string[]> {
  return world.failIfStuck(async () => {
    const failure = await firstFailure(world, steps);
    if (failure === undefined) {
      const isSkippedDelete =
        impossible.ending === SKIPPED_DELETE && failedDeletes(world).some((text) => impossible.reason.test(text));
      return [
        ...(isSkippedDelete ? [] : ["it succeeded although UNAVOIDABLE_FAILURES says that it can't"]),
        ...changesToOthers(world),
        ...(await leftBehind(world)),
        ...leaks(world),
      ];
    }
    const hasReason = failureReasons(world).some((text) => impossible.reason.test(text));
    const ending = `step ${failure.step}: ${failure.status}`;
    const [vpc = 'A'] = steps.flatMap((step) => ('deploy' in step ? [step.deploy.vpc] : []));
    await world.authorizeUnlessValid(vpc);
    const { status, reason: why = '' } = await world.cloudFormation.delete(STACK);
    if (hasSkippedCleanup(world)) {
      await world.deleteForgottenFleets();
    }
    return [
      ...(ending === impossible.ending ? [] : [`${ending} instead of ${impossible.ending}`]),
      ...(hasReason
        ? []
        : [`failed for another reason: ${problemTexts(failure).join(', ')}, ${failureReasons(world).join(', ')}`]),
      ...(status === 'DELETE_COMPLETE' ? [] : [`${status} although it was authorized by hand: ${why}`]),
      ...changesToOthers(world),
      ...(await leftBehind(world)),
      ...leaks(world),
    ];
  });
}

/** Runs the steps until one does not end as expected. Returns undefined if all do. */
export async function firstFailure(world: MatrixWorld, steps: readonly Step[]): Promise<Failure | undefined> {
  let before: Declared = NOTHING;
  for (const [index, step] of steps.entries()) {
    const { status, problems } = await runStep(world, step, before);
    if (problems.length > 0) {
      return { step: index + 1, status, problems, before };
    }
    before = declaredAfter(step) ?? before;
  }
  return undefined;
}

/** What the stack contains after a step. Undefined if the step changes nothing. */
function declaredAfter(step: Step): Declared | undefined {
  if ('deploy' in step) {
    return step.after ?? step.deploy;
  }
  if ('delete' in step) {
    return step.delete === 'DELETE_FAILED' ? step.after : NOTHING;
  }
  return undefined;
}

async function runStep(world: MatrixWorld, step: Step, before: Declared): Promise<Pick<Failure, 'status' | 'problems'>> {
  if ('days' in step) {
    await world.waitDays(step.days);
    return { status: '', problems: [] };
  }
  if ('authorizeByHand' in step) {
    await world.authorize(step.authorizeByHand);
    return { status: '', problems: [] };
  }
  if ('peerByHand' in step) {
    await world.peerByHand(step.peerByHand);
    return { status: '', problems: [] };
  }
  const earlier = failureReasons(world).length;
  const expected = 'deploy' in step ? step.status : step.delete;
  const { status, reason = '' } = 'deploy' in step ? await deploy(world, step.deploy) : await world.cloudFormation.delete(STACK);
  const problems: Problem[] = [];
  if (status !== expected) {
    problems.push({ about: 'status', text: `${status} instead of ${expected}: ${reason}` });
  }
  const expectedReason = 'reason' in step ? step.reason : undefined;
  const actualReasons = expectedReason === undefined ? [] : failureReasons(world).slice(earlier);
  for (const text of actualReasons.filter((actual) => expectedReason?.test(actual) === false)) {
    problems.push({ about: 'reason', text: `${status} for another reason: ${text}` });
  }
  const declared = status === expected ? declaredAfter(step) : isRolledBack(status) ? before : undefined;
  const state = [...changesToOthers(world), ...(declared === undefined ? [] : deviations(world, declared))];
  return { status, problems: [...problems, ...state.map((text): Problem => ({ about: 'state', text }))] };
}

/** Whether CloudFormation reports that everything is as it was before. */
function isRolledBack(status: string): boolean {
  return status === 'ROLLBACK_COMPLETE' || status === 'UPDATE_ROLLBACK_COMPLETE';
}

/** Deploys the stack after the stacks that it depends on. */
export async function deploy({ cloudFormation }: MatrixWorld, declared: Declared): Promise<{ status: string; reason?: string }> {
  const results = await cloudFormation.deployAll(assemblyOf(declared));
  const last = results.at(-1);
  if (last === undefined) {
    throw new Error('the assembly has no stack');
  }
  return last;
}

import { damage, denials, deviations, failedDeletes, isSkipped, leaks, leftovers, reasons, unlapsed } from './checker';
import { SKIPPED_DELETE } from './combinations';
import type { Impossible } from './combinations';
import { assemblyOf, declare, fleet, STACK } from './stacks';
import type { Declared, DeclaredFleet } from './stacks';
import { MatrixWorld } from './world';
import type { Readings, VpcName } from './world';

/*
 * What happens to stacks.
 */

export type Step =
  | {
      readonly deploy: Declared;
      readonly status: string;
      /** Why, where it is rolled back. */
      readonly reason?: RegExp;
      /** What is there then. @default - what was deployed */
      readonly after?: Declared;
    }
  | { readonly days: number }
  | { readonly peerByHand: DeclaredFleet }
  | { readonly authorizeByHand: VpcName }
  | { readonly delete: 'DELETE_COMPLETE' }
  /** Nothing is deleted. */
  | { readonly delete: 'DELETE_FAILED'; readonly reason: RegExp; readonly after: Declared };

const created = (deploy: Declared): Step => ({ deploy, status: 'CREATE_COMPLETE' });
const updated = (deploy: Declared): Step => ({ deploy, status: 'UPDATE_COMPLETE' });
/** Deployed again without a change: CloudFormation does nothing. */
const unchanged = created;
const days = (count: number): Step => ({ days: count });
const deleted: Step = { delete: 'DELETE_COMPLETE' };
/** What is told of a resource whose VPC is not there. */
const LATE = /^The vpc ID '\S+' does not exist$/;

/** What is told of a resource that lacks the authorization, and of those that were canceled because of it. */
const UNAUTHORIZED = /: an authorization is missing between VPC \S+ of account \S+ and GameLift account |cancelled/;

const onCreation = (change: Partial<DeclaredFleet> = {}): DeclaredFleet => fleet({ peering: 'on creation', ...change });
const arena = fleet({ name: 'Arena' });
const elsewhere = { vpc: 'C', access: 'role' } as const;
const untrusted = (change: Partial<DeclaredFleet> = {}): Declared =>
  declare({ vpc: 'C', access: 'none', fleets: [fleet({ routes: 'none', ...change })] });
const authorized: Step = { authorizeByHand: 'C' };
const adopted = fleet({ made: 'by hand', dnsResolution: true, adoptExisting: true });
const refused = fleet({ made: 'by hand' });

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
  'creation that fails late': [
    { deploy: declare({ end: 'failing' }), status: 'ROLLBACK_COMPLETE', reason: LATE, after: declare({ fleets: [] }) },
    days(3),
    deleted,
  ],
  'two connections on one authorization': [
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
  'peered on creation, creation that fails late': [
    {
      deploy: declare({ fleets: [onCreation()], end: 'failing' }),
      status: 'ROLLBACK_COMPLETE',
      reason: LATE,
      after: declare({ fleets: [] }),
    },
    days(3),
    deleted,
  ],
  'peered on creation, update that is rolled back': [
    created(declare({ fleets: [onCreation()] })),
    days(10),
    {
      deploy: declare({ fleets: [onCreation({ build: 2 })], end: 'failing' }),
      status: 'UPDATE_ROLLBACK_COMPLETE',
      reason: LATE,
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
  'peered on creation, through a role of another account': [
    created(declare({ ...elsewhere, fleets: [onCreation({ dnsResolution: true })] })),
    days(10),
    updated(declare({ ...elsewhere, fleets: [onCreation({ dnsResolution: true, build: 2 })] })),
    days(30),
    deleted,
  ],
  'peered on creation, without trust': [
    authorized,
    created(untrusted({ peering: 'on creation' })),
    days(10),
    authorized,
    updated(untrusted({ peering: 'on creation', build: 2 })),
    days(30),
    authorized,
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
  'one connected fleet, and one that is peered on creation': [
    created(declare({ fleets: [fleet(), onCreation({ name: 'Arena' })] })),
    days(10),
    updated(declare({ fleets: [fleet({ build: 2 }), onCreation({ name: 'Arena', build: 2 })] })),
    days(30),
    deleted,
  ],
  'two fleets that are peered on creation at once': [
    created(declare({ fleets: [onCreation(), onCreation({ name: 'Arena' })] })),
    days(30),
    deleted,
  ],
  'creation that fails, repeated a day later': [
    { deploy: declare({ end: 'failing' }), status: 'ROLLBACK_COMPLETE', reason: LATE, after: declare({ fleets: [] }) },
    deleted,
    days(1),
    created(declare()),
    days(30),
    deleted,
  ],
  'peered on creation, creation that fails, repeated a day later': [
    {
      deploy: declare({ fleets: [onCreation()], end: 'failing' }),
      status: 'ROLLBACK_COMPLETE',
      reason: LATE,
      after: declare({ fleets: [] }),
    },
    deleted,
    days(1),
    created(declare({ fleets: [onCreation()] })),
    days(30),
    deleted,
  ],
  'deletion without trust or authorization, repeated a day later': [
    authorized,
    created(untrusted()),
    days(30),
    { delete: 'DELETE_FAILED', reason: UNAUTHORIZED, after: untrusted() },
    days(1),
    authorized,
    deleted,
  ],
  'peered on creation, deletion without trust or authorization, repeated a day later': [
    authorized,
    created(untrusted({ peering: 'on creation' })),
    days(30),
    { delete: 'DELETE_FAILED', reason: UNAUTHORIZED, after: untrusted({ peering: 'on creation' }) },
    days(1),
    authorized,
    deleted,
  ],
  'update that is rolled back': [
    created(declare()),
    days(10),
    {
      deploy: declare({ fleets: [fleet({ build: 2 })], end: 'failing' }),
      status: 'UPDATE_ROLLBACK_COMPLETE',
      reason: LATE,
      after: declare(),
    },
    days(30),
    deleted,
  ],
  'moved to another VPC': [created(declare()), days(10), updated(declare({ vpc: 'B' })), days(30), deleted],
  'through a role of another account': [
    created(declare({ ...elsewhere, fleets: [fleet({ dnsResolution: true })] })),
    days(10),
    updated(declare({ ...elsewhere, fleets: [fleet({ dnsResolution: true, build: 2 })] })),
    days(30),
    deleted,
  ],
  'without trust': [
    authorized,
    created(untrusted()),
    days(10),
    authorized,
    updated(untrusted({ build: 2 })),
    days(30),
    authorized,
    deleted,
  ],
  'without trust or authorization': [
    authorized,
    created(untrusted()),
    days(10),
    {
      deploy: untrusted({ build: 2 }),
      status: 'UPDATE_ROLLBACK_COMPLETE',
      reason: UNAUTHORIZED,
      after: untrusted(),
    },
    days(30),
    authorized,
    deleted,
  ],
  'connection that was there before, adopted': [
    { peerByHand: adopted },
    created(declare({ fleets: [adopted] })),
    days(10),
    updated(declare({ fleets: [{ ...adopted, routes: 'one subnet' }] })),
    days(30),
    deleted,
  ],
  'connection that was there before, refused': [
    { peerByHand: refused },
    {
      deploy: declare({ fleets: [refused] }),
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

/** Lives of which nothing else is peered with the stack's VPC: the deletion of the stack cancels the authorization. */
const ALONE: ReadonlySet<LifecycleName> = new Set([
  'created and deleted within a day',
  'creation that fails late',
  'connection removed',
  'peered on creation, deleted within a day',
  'peered on creation, creation that fails late',
  'peered on creation, update that is rolled back',
  'peered on creation, connection removed',
  'update that is rolled back',
]);

/** The world of a life: in the others, somebody else's fleet is peered with the stack's VPC. */
export function worldFor(lifecycle: LifecycleName, readings: Readings): Promise<MatrixWorld> {
  return MatrixWorld.populate(readings, ALONE.has(lifecycle) ? 'B' : 'A');
}

/** Something that is not as a step says. */
interface Problem {
  /** How the operation ended, why, or what there is after it. */
  readonly about: 'status' | 'reason' | 'state';
  readonly text: string;
}

/** The first step that did not come out as it says. */
export interface Failure {
  /** From 1. */
  readonly step: number;
  /** How the operation ended. */
  readonly status: string;
  readonly problems: readonly Problem[];
  /** What there was before. */
  readonly before: Declared;
}

const NOTHING = declare({ fleets: [] });

/** Goes through the steps of an undisturbed life; gives everything that was not as it should be. */
export async function live(world: MatrixWorld, steps: readonly Step[]): Promise<readonly string[]> {
  return world.live(async () => {
    const failure = await firstFailure(world, steps);
    if (failure !== undefined) {
      return textsOf(failure);
    }
    const isToFail = steps.some((step) => 'delete' in step && step.delete === 'DELETE_FAILED');
    const unwanted = [
      ...unlapsed(world, declaredLast(steps)),
      ...(await leftovers(world)),
      ...(isToFail ? [] : failedDeletes(world)),
    ];
    return [...unwanted, ...denials(world), ...leaks(world)];
  });
}

/** What the stack last declared of what succeeded, or else what it was to be created with. */
export function declaredLast(steps: readonly Step[], failure?: Failure): Declared {
  const deployed = steps.slice(0, failure?.step).flatMap((step) => ('deploy' in step ? [step.deploy] : []));
  const [first = NOTHING] = deployed;
  return (failure === undefined ? deployed : deployed.slice(0, -1)).at(-1) ?? first;
}

export function textsOf({ step, problems }: Failure): readonly string[] {
  return problems.map(({ text }) => `step ${step}: ${text}`);
}

/**
 * The same where it can't succeed: it fails as and with the reason that is declared, and once the VPC was authorized by hand
 * and the stack deleted, nothing is left.
 */
export async function fail(world: MatrixWorld, steps: readonly Step[], impossible: Impossible): Promise<readonly string[]> {
  return world.live(async () => {
    const failure = await firstFailure(world, steps);
    if (failure === undefined) {
      const isSkippedDelete =
        impossible.ending === SKIPPED_DELETE && failedDeletes(world).some((text) => impossible.reason.test(text));
      return [
        ...(isSkippedDelete ? [] : ['it succeeded although it is declared to be impossible']),
        ...damage(world),
        ...(await leftovers(world)),
        ...leaks(world),
      ];
    }
    const told = reasons(world).some((text) => impossible.reason.test(text));
    const ending = `step ${failure.step}: ${failure.status}`;
    const [vpc = 'A'] = steps.flatMap((step) => ('deploy' in step ? [step.deploy.vpc] : []));
    await world.authorizeUnlessValid(vpc);
    const { status, reason: why = '' } = await world.cloudFormation.delete(STACK);
    if (isSkipped(world)) {
      await world.deleteForgottenFleets();
    }
    return [
      ...(ending === impossible.ending ? [] : [`${ending} instead of ${impossible.ending}`]),
      ...(told ? [] : [`failed for another reason: ${textsOf(failure).join(', ')}, ${reasons(world).join(', ')}`]),
      ...(status === 'DELETE_COMPLETE' ? [] : [`${status} although it was authorized by hand: ${why}`]),
      ...damage(world),
      ...(await leftovers(world)),
      ...leaks(world),
    ];
  });
}

/** Goes through the steps up to the first that is not as it should be; undefined where all are. */
export async function firstFailure(world: MatrixWorld, steps: readonly Step[]): Promise<Failure | undefined> {
  let before: Declared = NOTHING;
  for (const [index, step] of steps.entries()) {
    const { status, problems } = await take(world, step, before);
    if (problems.length > 0) {
      return { step: index + 1, status, problems, before };
    }
    before = afterOf(step) ?? before;
  }
  return undefined;
}

/** What the stack has declared that exists after a step; undefined if the step changes nothing. */
function afterOf(step: Step): Declared | undefined {
  if ('deploy' in step) {
    return step.after ?? step.deploy;
  }
  if ('delete' in step) {
    return step.delete === 'DELETE_FAILED' ? step.after : NOTHING;
  }
  return undefined;
}

/** Takes one step; gives how it ended, and what is not as the step says. */
async function take(world: MatrixWorld, step: Step, before: Declared): Promise<Pick<Failure, 'status' | 'problems'>> {
  if ('days' in step) {
    await world.pass(step.days);
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
  const earlier = reasons(world).length;
  const wanted = 'deploy' in step ? step.status : step.delete;
  const { status, reason = '' } = 'deploy' in step ? await deploy(world, step.deploy) : await world.cloudFormation.delete(STACK);
  const problems: Problem[] = [];
  if (status !== wanted) {
    problems.push({ about: 'status', text: `${status} instead of ${wanted}: ${reason}` });
  }
  const why = 'reason' in step ? step.reason : undefined;
  const others = why === undefined ? [] : reasons(world).slice(earlier);
  for (const told of others.filter((text) => why?.test(text) === false)) {
    problems.push({ about: 'reason', text: `${status} for another reason: ${told}` });
  }
  const there = status === wanted ? afterOf(step) : isRolledBack(status) ? before : undefined;
  const state = [...damage(world), ...(there === undefined ? [] : deviations(world, there))];
  return { status, problems: [...problems, ...state.map((text): Problem => ({ about: 'state', text }))] };
}

/** Whether CloudFormation says that everything is as it was before. */
function isRolledBack(status: string): boolean {
  return status === 'ROLLBACK_COMPLETE' || status === 'UPDATE_ROLLBACK_COMPLETE';
}

/** Deploys the stack, after what it depends on. */
export async function deploy({ cloudFormation }: MatrixWorld, declared: Declared): Promise<{ status: string; reason?: string }> {
  const results = await cloudFormation.deployAll(assemblyOf(declared));
  const last = results.at(-1);
  if (last === undefined) {
    throw new Error('the assembly has no stack');
  }
  return last;
}

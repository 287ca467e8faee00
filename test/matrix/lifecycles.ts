import { damage, deviations, failedDeletes, isSkipped, leaks, leftovers, reasons } from './checker';
import type { Impossible } from './combinations';
import { assemblyOf, declare, fleet, STACK } from './stacks';
import type { Declared, DeclaredFleet } from './stacks';
import { PLACE } from './world';
import type { MatrixWorld, VpcName } from './world';

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
  | { readonly delete: 'DELETE_COMPLETE' };

const created = (deploy: Declared): Step => ({ deploy, status: 'CREATE_COMPLETE' });
const updated = (deploy: Declared): Step => ({ deploy, status: 'UPDATE_COMPLETE' });
const days = (count: number): Step => ({ days: count });
const deleted: Step = { delete: 'DELETE_COMPLETE' };
/** What is told of a resource whose VPC is not there. */
const LATE = /^The vpc ID '\S+' does not exist$/;

const born = fleet({ peering: 'born' });
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
  'fleet that is born peered': [
    created(declare({ fleets: [born] })),
    days(10),
    updated(declare({ fleets: [fleet({ peering: 'born', build: 2 })] })),
    days(30),
    deleted,
  ],
  'two fleets that are born peered at once': [
    created(declare({ fleets: [born, fleet({ name: 'Arena', peering: 'born' })] })),
    days(30),
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
      reason: /: an authorization is missing between VPC \S+ of account \S+ and GameLift account |cancelled/,
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
        /: a peering connection \S+ between them exists already, which this stack did not make: delete it, or pass adoptExisting /,
      after: declare({ fleets: [] }),
    },
    deleted,
  ],
} as const satisfies Record<string, readonly Step[]>;

export type LifecycleName = keyof typeof LIFECYCLES;

export const LIFECYCLE_NAMES = Object.keys(LIFECYCLES) as LifecycleName[];

/** Goes through the steps of an undisturbed life; gives everything that was not as it should be. */
export async function live(world: MatrixWorld, steps: readonly Step[]): Promise<readonly string[]> {
  return world.live(
    async () => (await firstFailure(world, steps)) ?? [...(await leftovers(world)), ...failedDeletes(world), ...leaks(world)],
  );
}

/**
 * The same where it can't succeed: it fails with the reason that is declared, and once the VPC was authorized by hand and
 * the stack deleted, nothing is left.
 */
export async function fail(world: MatrixWorld, steps: readonly Step[], { reason }: Impossible): Promise<readonly string[]> {
  return world.live(async () => {
    const failure = await firstFailure(world, steps);
    if (failure === undefined) {
      return ['it succeeded although it is declared to be impossible'];
    }
    const told = reasons(world).some((text) => reason.test(text));
    const [vpc = 'A'] = steps.flatMap((step) => ('deploy' in step ? [step.deploy.vpc] : []));
    await world.authorize(vpc);
    const { status, reason: why = '' } = await world.cloudFormation.delete(STACK);
    await deleteSkipped(world, vpc);
    return [
      ...(told ? [] : [`failed for another reason: ${failure.join(', ')}, ${reasons(world).join(', ')}`]),
      ...(status === 'DELETE_COMPLETE' ? [] : [`${status} although it was authorized by hand: ${why}`]),
      ...damage(world),
      ...(await leftovers(world)),
      ...leaks(world),
    ];
  });
}

/** Deletes the fleets whose deletion CloudFormation skipped, as the README says. */
async function deleteSkipped(world: MatrixWorld, vpc: VpcName): Promise<void> {
  const { aws, before } = world;
  const known = new Set((before.fleets as readonly { readonly id: string }[]).map(({ id }) => id));
  const left = isSkipped(world) ? aws.gameLift.fleets.list(PLACE).filter(({ id }) => !known.has(id)) : [];
  for (const { id } of left) {
    await world.authorize(vpc);
    await aws.callGameLift('DeleteFleet', { FleetId: id }, PLACE);
  }
}

/** Goes through the steps up to the first that is not as it should be; undefined where all are. */
export async function firstFailure(world: MatrixWorld, steps: readonly Step[]): Promise<readonly string[] | undefined> {
  for (const [index, step] of steps.entries()) {
    const problems = await take(world, step);
    if (problems.length > 0) {
      return problems.map((problem) => `step ${index + 1}: ${problem}`);
    }
  }
  return undefined;
}

/** Takes one step; gives what is not as the step says. */
export async function take(world: MatrixWorld, step: Step): Promise<readonly string[]> {
  if ('days' in step) {
    await world.pass(step.days);
    return [];
  }
  if ('authorizeByHand' in step) {
    await world.authorize(step.authorizeByHand);
    return [];
  }
  if ('peerByHand' in step) {
    await world.peerByHand(step.peerByHand);
    return [];
  }
  const earlier = reasons(world).length;
  const wanted = 'deploy' in step ? step.status : step.delete;
  const { status, reason = '' } = 'deploy' in step ? await deploy(world, step.deploy) : await world.cloudFormation.delete(STACK);
  if (status !== wanted) {
    return [`${status} instead of ${wanted}: ${reason}`];
  }
  const why = 'deploy' in step ? step.reason : undefined;
  const others =
    why === undefined
      ? []
      : reasons(world)
          .slice(earlier)
          .filter((told) => !why.test(told));
  if (others.length > 0) {
    return [`${status} for another reason: ${others.join(', ')}`];
  }
  const after = 'deploy' in step ? (step.after ?? step.deploy) : declare({ fleets: [] });
  return [...damage(world), ...deviations(world, after)];
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

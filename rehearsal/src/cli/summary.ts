import { list, span, table, type UnusedPermissions } from '../report';
import { summaryOf } from './left-behind';
import { hasSucceeded, type Life } from './life';
import type { UnrunnableFunction } from './unrunnable-functions';

/** What a rehearsal came to, from the first deployment to two days after the deletion. */
interface RehearsalOutcome {
  readonly life: Life;
  /** VPCs that were there before. */
  readonly vpcs: readonly object[];
  readonly unrunnable: readonly UnrunnableFunction[];
  readonly unused: readonly UnusedPermissions[];
}

/** For people. */
export function describeRehearsal({ life, unused }: RehearsalOutcome): string {
  const { steps, failures, leftBehind, notUnderstood } = life;
  const rows = steps.flatMap(({ name, after, stacks, refused }) => [
    ...stacks.map((stack) => [name, span(after), stack.name, `${stack.account} ${stack.region}`, stack.status]),
    ...(refused === undefined ? [] : [[name, span(after), '', '', 'refused']]),
  ]);
  return [
    table(['step', 'done after', 'stack', 'of', 'status'], rows),
    ...(failures.length === 0 ? [] : [list('why it failed', failures)]),
    list('left behind two days after the deletion', summaryOf(leftBehind)),
    list(notUnderstood.length === 0 ? 'not understood' : 'not understood, so that AWS may do something else', notUnderstood),
    list('permissions not used in this run, though others may need them', permissionsByRole(unused)),
  ].join('\n\n');
}

/** An item for each role, with a line for each statement. */
function permissionsByRole(unused: readonly UnusedPermissions[]): string[] {
  const roles = new Map<string, string>();
  for (const { role, scope, actions } of unused) {
    roles.set(role, `${roles.get(role) ?? `${role}:`}\n  - ${actions.join(', ')} on ${scope}`);
  }
  return [...roles.values()];
}

/** For programs: the same and more, as JSON. */
export function documentOf({ life, vpcs, unrunnable, unused }: RehearsalOutcome): object {
  const { steps, leftBehind, notUnderstood } = life;
  return {
    succeeded: hasSucceeded(life),
    steps: steps.map(({ name, after, stacks, refused }) => ({
      name,
      doneAfterSeconds: after / 1000,
      stacks: stacks.map((stack) => ({
        name: stack.name,
        account: stack.account,
        region: stack.region,
        status: stack.status,
        reason: stack.reason,
      })),
      refused,
    })),
    leftBehind,
    notUnderstood,
    functionsNotRun: unrunnable,
    permissionsNotUsed: unused,
    existingVpcs: vpcs,
  };
}

import { list, span, table, type UnusedPermissions } from '../report';
import { summaryOf } from './left-behind';
import { hasSucceeded, type Life } from './life';
import type { UnrunnableFunction } from './unrunnable-functions';

/** The result of a rehearsal, from the first deployment to two days after the deletion. */
interface RehearsalOutcome {
  readonly life: Life;
  /** VPCs that were created before the first deployment. */
  readonly vpcs: readonly object[];
  readonly unrunnable: readonly UnrunnableFunction[];
  readonly unused: readonly UnusedPermissions[];
}

/** The readable summary. */
export function describeRehearsal({ life, unused }: RehearsalOutcome): string {
  const { steps, failures, leftBehind, notUnderstood } = life;
  const rows = steps.flatMap(({ name, after, stacks, refused }) => [
    ...stacks.map((stack) => [name, span(after), stack.name, `${stack.account} ${stack.region}`, stack.status]),
    ...(refused === undefined ? [] : [[name, span(after), '', '', 'refused']]),
  ]);
  return [
    table(['step', 'done after', 'stack', 'environment', 'status'], rows),
    ...(failures.length === 0 ? [] : [list('why it failed', failures)]),
    list('left behind two days after the deletion', summaryOf(leftBehind)),
    list(notUnderstood.length === 0 ? 'not understood' : 'not understood, so AWS may behave differently', notUnderstood),
    list('permissions not used in this run (other runs may need them)', permissionsByRole(unused)),
  ].join('\n\n');
}

/** One item for each role, with one line for each statement. */
function permissionsByRole(unused: readonly UnusedPermissions[]): string[] {
  const roles = new Map<string, string>();
  for (const { role, scope, actions } of unused) {
    roles.set(role, `${roles.get(role) ?? `${role}:`}\n  - ${actions.join(', ')} on ${scope}`);
  }
  return [...roles.values()];
}

/** The same and more as JSON. */
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

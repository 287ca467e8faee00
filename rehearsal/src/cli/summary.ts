import { formatList, formatDuration, formatTable, type UnusedPermissions } from '../report';
import { summaryLines } from './left-behind';
import { hasSucceeded, type Life } from './life';
import type { UnrunnableFunction } from './unrunnable-functions';

/** The result of a rehearsal, from the first deployment to two days after the deletion. */
interface RehearsalOutcome {
  readonly life: Life;
  /** VPCs that were created before the first deployment. */
  readonly vpcs: readonly object[];
  readonly unrunnableFunctions: readonly UnrunnableFunction[];
  readonly unusedPermissions: readonly UnusedPermissions[];
}

/** Formats the summary for people. */
export function readableSummary({ life, unusedPermissions }: RehearsalOutcome): string {
  const { steps, failures, leftBehind, notUnderstood } = life;
  const rows = steps.flatMap(({ name, elapsedMilliseconds, stacks, refused }) => [
    ...stacks.map((stack) => [
      name,
      formatDuration(elapsedMilliseconds),
      stack.name,
      `${stack.account} ${stack.region}`,
      stack.status,
    ]),
    ...(refused === undefined ? [] : [[name, formatDuration(elapsedMilliseconds), '', '', 'refused']]),
  ]);
  return [
    formatTable(['step', 'done after', 'stack', 'environment', 'status'], rows),
    ...(failures.length === 0 ? [] : [formatList('why it failed', failures)]),
    formatList('left behind two days after the deletion', summaryLines(leftBehind)),
    formatList(notUnderstood.length === 0 ? 'not understood' : 'not understood, so AWS may behave differently', notUnderstood),
    formatList('permissions not used in this run (other runs may need them)', permissionsByRole(unusedPermissions)),
  ].join('\n\n');
}

/** Returns one item for each role, with one line for each policy statement. */
function permissionsByRole(unusedPermissions: readonly UnusedPermissions[]): string[] {
  const itemsByRole = new Map<string, string>();
  for (const { role, scope, actions } of unusedPermissions) {
    itemsByRole.set(role, `${itemsByRole.get(role) ?? `${role}:`}\n  - ${actions.join(', ')} on ${scope}`);
  }
  return [...itemsByRole.values()];
}

/** Returns the object that `--json` prints. It contains more details than the readable summary. */
export function jsonDocumentOf({ life, vpcs, unrunnableFunctions, unusedPermissions }: RehearsalOutcome): object {
  const { steps, leftBehind, notUnderstood } = life;
  return {
    succeeded: hasSucceeded(life),
    steps: steps.map(({ name, elapsedMilliseconds, stacks, refused }) => ({
      name,
      doneAfterSeconds: elapsedMilliseconds / 1000,
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
    functionsNotRun: unrunnableFunctions,
    permissionsNotUsed: unusedPermissions,
    existingVpcs: vpcs,
  };
}

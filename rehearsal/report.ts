import type { Grant } from './aws/index';
import type { Entry } from './journal';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

/** Rehearsed time since the start: days, then hours, minutes and seconds. */
export function elapsed(milliseconds: number): string {
  const clock = new Date(milliseconds % DAY).toISOString().slice(11, 19);
  return `day ${Math.floor(milliseconds / DAY)} ${clock}`;
}

/** A span of rehearsed time, in the two units that matter. */
export function span(milliseconds: number): string {
  const seconds = Math.round(milliseconds / SECOND);
  const units: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = units.findIndex(([count]) => count > 0);
  return first < 0
    ? '0 s'
    : units
        .slice(first, first + 2)
        .filter(([count]) => count > 0)
        .map(([count, unit]) => `${count} ${unit}`)
        .join(' ');
}

/** One event as a line, however its message is laid out. */
export function line(entry: Entry, start: number): string {
  const message = entry.message.replace(/\s+/g, ' ').trim();
  return entry.source === 'story'
    ? `\n${elapsed(entry.time - start)}  ${entry.subject.toUpperCase()}`
    : `${elapsed(entry.time - start)}  ${entry.source.padEnd(14)}  ${entry.subject}  ${message}`;
}

/** A table with a rule below its head, its columns as wide as they need to be. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const format = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [format(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(format)].join('\n');
}

/** What of a statement says on what it allows its actions. */
interface Scoped {
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** On what a statement of a policy allows its actions, and under which conditions. */
export function scopeOf({ Resource = [], NotResource, Condition = {} }: Scoped): string {
  const resources = NotResource === undefined ? [Resource].flat() : [`all but ${[NotResource].flat().join(', ')}`];
  const conditions = Object.entries(Condition).flatMap(([operator, operands]) =>
    Object.entries(operands).map(([key, value]) => ` if ${key} ${operator} ${[value].flat().join(' or ')}`),
  );
  return [resources.join(', '), ...conditions].join('');
}

/** Actions that a statement grants to a role, and that no call needed. */
export interface Unneeded {
  /** Its path and name. */
  readonly role: string;
  readonly scope: string;
  readonly actions: readonly string[];
}

/**
 * What was granted and never needed, statement by statement: an action that one statement grants in vain is named although another's
 * was needed. Grants of several rehearsals are summed up.
 */
export function unneeded(grants: readonly Grant[]): readonly Unneeded[] {
  const statements = new Map<string, { readonly role: string; readonly scope: string; readonly uses: Map<string, number> }>();
  for (const { roleArn, statement, action, uses } of grants) {
    const scope = scopeOf(statement);
    const key = JSON.stringify([roleArn, scope]);
    const known = statements.get(key) ?? {
      role: roleArn.slice(roleArn.indexOf('/') + 1),
      scope,
      uses: new Map<string, number>(),
    };
    known.uses.set(action, (known.uses.get(action) ?? 0) + uses);
    statements.set(key, known);
  }
  return [...statements.values()]
    .map(({ role, scope, uses }) => ({
      role,
      scope,
      actions: [...uses].filter(([, times]) => times === 0).map(([action]) => action),
    }))
    .filter(({ actions }) => actions.length > 0);
}

import type { Grant } from './aws/index';
import type { Entry } from './journal';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

/** Formats the rehearsed time since the start, such as `day 1 02:03:04`. */
export function formatElapsed(milliseconds: number): string {
  const timeOfDay = new Date(milliseconds % DAY).toISOString().slice(11, 19);
  return `day ${Math.floor(milliseconds / DAY)} ${timeOfDay}`;
}

/** Formats a duration in its two largest units, such as `1 d 2 h`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / SECOND);
  const units: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const largest = units.findIndex(([count]) => count > 0);
  return largest < 0
    ? '0 s'
    : units
        .slice(largest, largest + 2)
        .filter(([count]) => count > 0)
        .map(([count, unit]) => `${count} ${unit}`)
        .join(' ');
}

/** Formats an entry as one line, without the ids of requests and stacks. Entries of the rehearsal itself become headings. */
export function formatEntry(entry: Entry, start: number): string {
  const message = withoutIds(onOneLine(entry.message));
  return entry.source === 'rehearsal'
    ? `\n${formatElapsed(entry.time - start)}  ${entry.subject.toUpperCase()}`
    : `${formatElapsed(entry.time - start)}  ${entry.source.padEnd(14)}  ${withoutIds(entry.subject)}  ${message}`;
}

export const onOneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** An optional quote. In JSON inside of JSON, backslashes precede the quote. */
const QUOTE = String.raw`(?:\\*["'])?`;
/** Matches request ids in JSON, in objects that `console.log` prints, in parentheses, and in the journal. */
const REQUEST_ID = new RegExp(
  String.raw`,? ?${QUOTE}request_?id${QUOTE}: ?${QUOTE}${UUID}${QUOTE}| \(RequestId: ${UUID}\)| to request ${UUID}`,
  'gi',
);
const STACK_ID = new RegExp(String.raw`(:stack/[\w-]+)/${UUID}`, 'g');

/** Removes the ids of requests and stacks from a text, and shortens other UUIDs, such as those of fleets. */
export function withoutIds(text: string): string {
  return text
    .replace(REQUEST_ID, '')
    .replace(STACK_ID, '$1')
    .replace(new RegExp(UUID, 'g'), (uuid) => uuid.slice(0, 8));
}

/** The name and the status of a stack. */
interface StackStatus {
  readonly name: string;
  readonly status: string;
}

/** The result of a step of a life. */
export interface StepOutcome {
  readonly name: string;
  /** Rehearsed milliseconds from the beginning of the life to the end of the step. */
  readonly elapsedMilliseconds: number;
  readonly stacks: readonly StackStatus[];
  /** The error with which CloudFormation refused the step, if it did. */
  readonly refused?: string;
}

/** Formats why a stack is not complete after a step. */
export const formatFailure = (step: string, { name, status, reason }: StackStatus & { readonly reason?: string }): string =>
  `${step}: ${name} ${status}${reason === undefined ? '' : `: ${reason}`}`;

/** Formats a step as one line. */
export function formatStep({ name, elapsedMilliseconds, stacks, refused }: StepOutcome): string {
  const statuses = [...stacks.map((stack) => `${stack.name} ${stack.status}`), ...(refused === undefined ? [] : ['refused'])];
  return `${formatElapsed(elapsedMilliseconds)}  ${name}: ${statuses.join(', ') || 'no stack'}`;
}

/** Formats a title with one item on each line below it, or `title: nothing`. */
export const formatList = (title: string, items: readonly string[]): string =>
  items.length === 0 ? `${title}: nothing` : [`${title}:`, ...items.map((item) => `- ${item}`)].join('\n');

/** Formats a table with aligned columns and a line below the head. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const format = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [format(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(format)].join('\n');
}

/** The elements of a policy statement that limit its actions. */
interface ScopedStatement {
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** Formats the resources and conditions of a policy statement. */
export function formatScope({ Resource = [], NotResource, Condition = {} }: ScopedStatement): string {
  const resources = NotResource === undefined ? [Resource].flat() : [`all but ${[NotResource].flat().join(', ')}`];
  const conditions = Object.entries(Condition).flatMap(([operator, operands]) =>
    Object.entries(operands).map(([key, value]) => ` if ${key} ${operator} ${[value].flat().join(' or ')}`),
  );
  return [resources.join(', '), ...conditions].join('');
}

/** Actions that the policies of a role allow, and that no call used. */
export interface UnusedPermissions {
  /** The path and name of the role. */
  readonly role: string;
  /** The resources and conditions of the policy statements. */
  readonly scope: string;
  readonly actions: readonly string[];
}

/**
 * Returns the unused permissions by role and scope. A call uses every statement that allowed the call, and no other statement.
 * `grants` may come from several rehearsals. An action is unused if no rehearsal used it.
 */
export function unusedPermissions(grants: readonly Grant[]): readonly UnusedPermissions[] {
  const groups = new Map<string, { readonly role: string; readonly scope: string; readonly usesByAction: Map<string, number> }>();
  for (const { roleArn, statement, action, uses } of grants) {
    const scope = formatScope(statement);
    const key = JSON.stringify([roleArn, scope]);
    const group = groups.get(key) ?? {
      role: roleArn.slice(roleArn.indexOf('/') + 1),
      scope,
      usesByAction: new Map<string, number>(),
    };
    group.usesByAction.set(action, (group.usesByAction.get(action) ?? 0) + uses);
    groups.set(key, group);
  }
  return [...groups.values()]
    .map(({ role, scope, usesByAction }) => ({
      role,
      scope,
      actions: [...usesByAction].filter(([, uses]) => uses === 0).map(([action]) => action),
    }))
    .filter(({ actions }) => actions.length > 0);
}

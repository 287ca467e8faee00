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

/** The name of each role that was granted more than was ever needed, and those actions, whatever statements grant them. */
export function unneeded(grants: readonly Grant[]): { readonly role: string; readonly actions: readonly string[] }[] {
  const needs = new Map<string, Map<string, number>>();
  for (const { roleArn, action, uses } of grants) {
    const actions = needs.get(roleArn) ?? new Map<string, number>();
    needs.set(roleArn, actions.set(action, (actions.get(action) ?? 0) + uses));
  }
  return [...needs]
    .map(([roleArn, actions]) => ({
      role: roleArn.slice(roleArn.indexOf('/') + 1),
      actions: [...actions].filter(([, uses]) => uses === 0).map(([action]) => action),
    }))
    .filter(({ actions }) => actions.length > 0);
}

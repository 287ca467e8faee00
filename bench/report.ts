import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result, Table } from './result';

/** The results of all measurements, by name. */
export type Results = Readonly<Record<string, Result>>;

const ROOT = join(__dirname, '..');
const LATEST_FILE = join(__dirname, 'latest.json');
const PAGE_FILE = join(ROOT, 'docs', 'benchmarks.md');
const README_FILE = join(ROOT, 'README.md');
const [TABLE_BEGIN, TABLE_END] = ['<!-- benchmarks: begin -->', '<!-- benchmarks: end -->'];

const INTRODUCTION =
  '`npm run bench` in a clone writes this page, `bench/latest.json`, and the table of the README. It needs no AWS account: what happens in ' +
  'AWS is rehearsed, in rehearsed time. Calls, resources, bytes and rehearsed times are the same in every run. Processor times are not, ' +
  'so they are compared as ratios: two processes run one after the other, many times. The ratio is the median of these pairs, with the ' +
  'interval that contains the true median with a probability of 95%. ' +
  'A target is undecided if it lies in that interval.';

export function readResults(): Results {
  return JSON.parse(readFileSync(LATEST_FILE, 'utf8')) as Results;
}

/** Writes bench/latest.json, docs/benchmarks.md and the table of the README. */
export function writeResults(results: Results): void {
  writeFileSync(LATEST_FILE, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(PAGE_FILE, page(results));
  writeFileSync(README_FILE, withTable(readFileSync(README_FILE, 'utf8'), readmeTable(results)));
}

/** The content of docs/benchmarks.md. */
export function page(results: Results): string {
  const sections = Object.values(results).flatMap(({ title, method, tables, targets }) => [
    `## ${title}`,
    method,
    ...tables.map(markdownTable),
    ...(targets.length === 0 ? [] : [tableOfTargets(targets)]),
  ]);
  return `${['# Benchmarks', INTRODUCTION, ...sections].join('\n\n')}\n`;
}

/** The table of the README: all measurements that have targets, and each target that was not met. */
export function readmeTable(results: Results): string {
  const rows = Object.values(results)
    .filter(({ targets }) => targets.length > 0)
    .map(({ title, targets }) => {
      const unmetTargets = targets.filter(({ verdict }) => verdict !== 'met');
      const metCount = `${targets.length - unmetTargets.length} of ${targets.length}`;
      const unmetLines = unmetTargets.map(
        ({ what, measured, verdict }) => `${verdict === 'missed' ? '' : `${verdict}: `}${what}: ${measured}`,
      );
      return [title, metCount, unmetLines.join('<br>')];
    });
  return markdownTable({ head: ['benchmark', 'targets met', 'not met'], rows });
}

/** The content of the README between the two comments. */
export function tableOf(readme: string): string {
  const [begin, end] = boundsOfTable(readme);
  return readme.slice(begin, end).trim();
}

function withTable(readme: string, table: string): string {
  const [begin, end] = boundsOfTable(readme);
  return `${readme.slice(0, begin)}\n\n${table}\n\n${readme.slice(end)}`;
}

function boundsOfTable(readme: string): readonly [number, number] {
  const [begin, end] = [readme.indexOf(TABLE_BEGIN), readme.indexOf(TABLE_END)];
  if (begin < 0 || end < begin) {
    throw new Error(`README.md must contain ${TABLE_BEGIN}, and ${TABLE_END} after it`);
  }
  return [begin + TABLE_BEGIN.length, end];
}

function tableOfTargets(targets: Result['targets']): string {
  return markdownTable({
    head: ['what', 'target', 'measured', 'result'],
    rows: targets.map(({ what, target, measured, verdict }) => [what, target, measured, verdict]),
  });
}

/** A table with columns of equal width, as Prettier formats it. */
function markdownTable({ head, rows }: Table): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

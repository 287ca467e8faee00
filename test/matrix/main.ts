import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import fc from 'fast-check';
import useTemporaryDirectory from '../../bin/temporary-directory';
import { elapsed, table } from '../../rehearsal/report';
import { combinations, everything } from './suite';
import type { Case } from './suite';
import { LIFECYCLE_NAMES } from './lifecycles';
import { play, sequences } from './sequences';

/*
 * npm run test:matrix             everything, on all processors
 * npm run test:matrix -- TEXT     what has the text in its name
 *
 * SEED chooses the random sequences.
 */

type Kind = Case['kind'] | 'sequence';

/** What a worker tells: a run that is over, or that there will be no more. */
interface Outcome {
  readonly kind: Kind;
  readonly name: string;
  readonly problems: readonly string[];
}

const SEQUENCES = 200;
const [filter = '', share] = process.argv.slice(2);

async function work(index: number, of: number, tell: (outcome: Outcome) => void): Promise<void> {
  const cases = (await everything()).filter(({ name }) => name.includes(filter));
  for (const { kind, name, run } of cases.filter((_, position) => position % of === index)) {
    tell({ kind, name, problems: await run() });
  }
  if (filter === '') {
    await workOnSequences(index, of, tell);
  }
}

async function workOnSequences(index: number, of: number, tell: (outcome: Outcome) => void): Promise<void> {
  const seed = Number(process.env.SEED ?? 1) * of + index;
  const numRuns = Math.ceil(SEQUENCES / of);
  let made = 0;
  const property = fc.asyncProperty(sequences, async (sequence) => {
    made += 1;
    const problems = await play(sequence);
    if (problems.length > 0) {
      throw new Error(problems.join('\n'));
    }
  });
  const { failed, counterexample, errorInstance } = await fc.check(property, { seed, numRuns });
  for (let run = failed ? 1 : 0; run < made; run += 1) {
    tell({ kind: 'sequence', name: `seed ${seed}`, problems: [] });
  }
  if (failed) {
    tell({ kind: 'sequence', name: `seed ${seed}: ${JSON.stringify(counterexample)}`, problems: [String(errorInstance)] });
  }
}

/** Runs everything in processes of their own. */
async function runInWorkers(): Promise<readonly Outcome[]> {
  const of = availableParallelism();
  const outcomes: Outcome[] = [];
  const exits = Array.from({ length: of }, (_, index) => {
    const child = fork(__filename, [filter, `${index}/${of}`]);
    child.on('message', (message) => {
      const outcome = message as Outcome;
      outcomes.push(outcome);
      if (outcome.problems.length > 0) {
        console.log(`FAILED ${outcome.name}\n  ${outcome.problems.join('\n  ')}`);
      }
    });
    return new Promise<number>((resolve) =>
      child.once('exit', (code) => {
        resolve(code ?? 1);
      }),
    );
  });
  const codes = await Promise.all(exits);
  if (codes.some((code) => code !== 0)) {
    throw new Error(`a worker ended with exit code ${codes.join(', ')}`);
  }
  return outcomes;
}

function summary(outcomes: readonly Outcome[], milliseconds: number): string {
  const count = (kind: Kind): string[] => {
    const of = outcomes.filter((outcome) => outcome.kind === kind);
    return [String(of.length), String(of.filter(({ problems }) => problems.length > 0).length)];
  };
  const rows = [
    ['combinations of readings', String(combinations().length), ''],
    ['lifecycles', String(LIFECYCLE_NAMES.length), ''],
    ['lives', ...count('life')],
    ['lives that cannot succeed, with a clear error', ...count('impossible life')],
    ['faults', ...count('fault')],
    ['sequences', ...count('sequence')],
  ];
  const failures = outcomes.filter(({ problems }) => problems.length > 0).length;
  return `${table(['', 'run', 'failures'], rows)}\n\n${failures} failures in ${elapsed(milliseconds).slice('day 0 '.length)}`;
}

async function main(): Promise<void> {
  if (share !== undefined) {
    const [index = 0, of = 1] = share.split('/').map(Number);
    await work(index, of, (outcome) => process.send?.(outcome));
    return;
  }
  useTemporaryDirectory();
  const started = Date.now();
  const outcomes = await runInWorkers();
  console.log(summary(outcomes, Date.now() - started));
  process.exitCode = outcomes.length > 0 && outcomes.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

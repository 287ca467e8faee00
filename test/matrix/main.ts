import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { elapsed, table } from 'rehearsal/report';
import useTemporaryDirectory from '../../bin/temporary-directory';
import { LIFECYCLE_NAMES } from './lifecycles';
import { tally } from './observations';
import type { Result } from './observations';
import { combinations, everything } from './suite';
import type { Case } from './suite';

/*
 * npm run test:matrix             everything, on all processors
 * npm run test:matrix -- TEXT     what has the text in its name, such as one random sequence that failed
 *
 * SEED chooses the random sequences, a whole number. @default 1
 */

/** What a worker tells: a run that is over. */
type Outcome = Pick<Case, 'kind' | 'name'> & Result;

const [filter = '', share] = process.argv.slice(2);

/** Runs one worker's share. Which cases there are depends on SEED alone, not on how many workers share them. */
async function work(index: number, of: number, tell: (outcome: Outcome) => void): Promise<void> {
  const cases = (await everything(readSeed())).filter(({ name }) => name.includes(filter));
  for (const { kind, name, run } of cases.filter((_, position) => position % of === index)) {
    tell({ kind, name, ...(await run()) });
  }
}

/** @throws Error if SEED is no whole number. */
function readSeed(): number {
  const seed = Number(process.env.SEED ?? 1);
  if (!Number.isSafeInteger(seed)) {
    throw new Error(`SEED must be a whole number, got ${String(process.env.SEED)}`);
  }
  return seed;
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
      // unlike exit, this comes after the last message
      child.once('close', (code) => {
        resolve(code ?? 1);
      }),
    );
  });
  for (const code of (await Promise.all(exits)).filter((exitCode) => exitCode !== 0)) {
    const problem = `a worker ended with exit code ${code}: what it had not run yet is missing`;
    console.log(`FAILED ${problem}`);
    outcomes.push({ kind: 'life', name: 'worker', problems: [problem], observed: [] });
  }
  return outcomes;
}

function summary(outcomes: readonly Outcome[], milliseconds: number): string {
  const count = (kind: Case['kind']): string[] => {
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
  const failed = outcomes.filter(({ problems }) => problems.length > 0).length;
  return [
    table(['', 'run', 'failures'], rows),
    '',
    table(['observed by the handler', 'reading', 'how often'], tally(outcomes.flatMap(({ observed }) => observed))),
    '',
    `finished in ${elapsed(milliseconds).slice('day 0 '.length)}`,
    `${outcomes.length - failed} passed, ${failed} failed`,
  ].join('\n');
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
  if (outcomes.length === 0) {
    console.log(`nothing has '${filter}' in its name: a name is a lifecycle, a fault or a sequence, as in the line of a failure`);
  }
  console.log(summary(outcomes, Date.now() - started));
  process.exitCode = outcomes.length > 0 && outcomes.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

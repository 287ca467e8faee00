import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { formatElapsed, formatTable } from 'rehearsal/report';
import useTemporaryDirectory from '../../bin/temporary-directory';
import { LIFE_NAMES } from './lives';
import { countObservations } from './observations';
import type { CaseResult } from './observations';
import { allCombinations, allCases } from './cases';
import type { MatrixCase } from './cases';

/*
 * npm run test:matrix             runs all cases, in one process per processor
 * npm run test:matrix -- TEXT     runs only the cases whose names contain TEXT, such as the name of a case that failed
 *
 * The environment variable SEED is a whole number that chooses the random sequences. @default 1
 */

/** What a worker process sends when a case has ended. */
type Outcome = Pick<MatrixCase, 'kind' | 'name'> & CaseResult;

/** TEXT. In a worker process, also its share of the cases, as `INDEX/NUMBER_OF_WORKERS`. */
const [filter = '', workerShare] = process.argv.slice(2);

/** Runs one worker's share of the cases, and sends each outcome to the parent process. */
async function runShare(index: number, workers: number, send: (outcome: Outcome) => void): Promise<void> {
  const cases = (await allCases(readSeed())).filter(({ name }) => name.includes(filter));
  for (const { kind, name, run } of cases.filter((_, position) => position % workers === index)) {
    send({ kind, name, ...(await run()) });
  }
}

function readSeed(): number {
  const seed = Number(process.env.SEED ?? 1);
  if (!Number.isSafeInteger(seed)) {
    throw new Error(`SEED must be a whole number, got ${String(process.env.SEED)}`);
  }
  return seed;
}

async function runInWorkers(): Promise<readonly Outcome[]> {
  const workers = availableParallelism();
  const outcomes: Outcome[] = [];
  const exits = Array.from({ length: workers }, (_, index) => {
    const child = fork(__filename, [filter, `${index}/${workers}`]);
    child.on('message', (message) => {
      const outcome = message as Outcome;
      outcomes.push(outcome);
      if (outcome.problems.length > 0) {
        console.log(`FAILED ${outcome.name}\n  ${outcome.problems.join('\n  ')}`);
      }
    });
    return new Promise<number>((resolve) =>
      // the event `exit` may occur before the last message, but `close` occurs after it
      child.once('close', (code) => {
        resolve(code ?? 1);
      }),
    );
  });
  for (const code of (await Promise.all(exits)).filter((exitCode) => exitCode !== 0)) {
    const problem = `a worker process ended with exit code ${code}, so some of its cases did not run: run the command again`;
    console.log(`FAILED ${problem}`);
    outcomes.push({ kind: 'life', name: 'worker', problems: [problem], observed: [] });
  }
  return outcomes;
}

function summary(outcomes: readonly Outcome[], milliseconds: number): string {
  const countRunsAndFailures = (kind: MatrixCase['kind']): string[] => {
    const outcomesOfKind = outcomes.filter((outcome) => outcome.kind === kind);
    return [String(outcomesOfKind.length), String(outcomesOfKind.filter(({ problems }) => problems.length > 0).length)];
  };
  const rows = [
    ['combinations of readings', String(allCombinations().length), ''],
    ['lives', String(LIFE_NAMES.length), ''],
    ['lives under a combination', ...countRunsAndFailures('life')],
    ['lives that cannot succeed', ...countRunsAndFailures('failing life')],
    ['lives with a fault', ...countRunsAndFailures('fault')],
    ['sequences', ...countRunsAndFailures('sequence')],
  ];
  const failedCount = outcomes.filter(({ problems }) => problems.length > 0).length;
  return [
    formatTable(['', 'run', 'failures'], rows),
    '',
    formatTable(
      ['question observed by the handler', 'reading', 'times'],
      countObservations(outcomes.flatMap(({ observed }) => observed)),
    ),
    '',
    // without the day
    `finished in ${formatElapsed(milliseconds).slice('day 0 '.length)}`,
    `${outcomes.length - failedCount} passed, ${failedCount} failed`,
  ].join('\n');
}

async function main(): Promise<void> {
  if (workerShare !== undefined) {
    const [index = 0, workers = 1] = workerShare.split('/').map(Number);
    await runShare(index, workers, (outcome) => process.send?.(outcome));
    return;
  }
  useTemporaryDirectory();
  const startTime = Date.now();
  const outcomes = await runInWorkers();
  if (outcomes.length === 0) {
    console.log(`no case has '${filter}' in its name: copy the name from a line that begins with FAILED`);
  }
  console.log(summary(outcomes, Date.now() - startTime));
  process.exitCode = outcomes.length > 0 && outcomes.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

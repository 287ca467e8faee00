import { spawn } from 'node:child_process';
import { formatTable } from 'rehearsal/report';

/*
 * Runs npm scripts that check the repository, one after the other. Continues after a failure, and prints a summary.
 *
 * npm run verify                  all scripts
 * npm run verify -- lint test     only these
 */

const ALL_COMMANDS = [
  'lint',
  'test',
  'test:rehearsal',
  'docs:snippets',
  'test:newest-cdk',
  'test:runtimes',
  'test:browser',
  'test:matrix',
  'test:wire',
  'examples',
  'test:consumers',
  'test:node',
  'test:scale',
];

/** The last line that each command prints. `lint` has no such line, and counts as one check. */
const CLOSING_LINE = /^(\d+) passed, (\d+) failed(?:, (\d+) (?:skipped|not available))?$/gm;

interface Outcome {
  readonly command: string;
  readonly passedCount: number;
  readonly failedCount: number;
  readonly notAvailableCount: number;
  readonly seconds: number;
}

function runCommand(command: string): Promise<Outcome> {
  console.log(`\n=== npm run ${command}\n`);
  const startTime = Date.now();
  const child = spawn('npm', ['run', '--silent', command], { stdio: ['inherit', 'pipe', 'pipe'] });
  let output = '';
  for (const [source, target] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    source.on('data', (chunk: Buffer) => {
      target.write(chunk);
      output += chunk.toString();
    });
  }
  return new Promise((resolve) => {
    child.once('close', (code) => {
      const counts = [...output.matchAll(CLOSING_LINE)].at(-1)?.slice(1) ?? [command === 'lint' && code === 0 ? 1 : 0];
      const [passedCount = 0, failedCount = 0, notAvailableCount = 0] = counts.map((count) => Number(count) || 0);
      const seconds = Math.round((Date.now() - startTime) / 1000);
      // A command can fail even if all of its tests pass, for example because of its coverage. A command without any test also fails.
      resolve({
        command,
        passedCount,
        failedCount: code === 0 && passedCount + notAvailableCount > 0 ? failedCount : Math.max(1, failedCount),
        notAvailableCount,
        seconds,
      });
    });
  });
}

async function main(): Promise<void> {
  const outcomes: Outcome[] = [];
  for (const command of process.argv.length > 2 ? process.argv.slice(2) : ALL_COMMANDS) {
    outcomes.push(await runCommand(command));
  }
  const rows = outcomes.map(({ command, passedCount, failedCount, notAvailableCount, seconds }) => [
    command,
    failedCount > 0 ? 'FAILED' : passedCount > 0 ? 'ok' : 'not run',
    ...[passedCount, failedCount, notAvailableCount, seconds].map(String),
  ]);
  console.log(`\n${formatTable(['command', 'result', 'passed', 'failed', 'not available', 'seconds'], rows)}\n`);
  const sum = (key: 'passedCount' | 'failedCount' | 'notAvailableCount'): number =>
    outcomes.reduce((total, outcome) => total + outcome[key], 0);
  const notAvailableCount = sum('notAvailableCount');
  console.log(
    `${sum('passedCount')} passed, ${sum('failedCount')} failed${notAvailableCount === 0 ? '' : `, ${notAvailableCount} not available`}`,
  );
  process.exitCode = sum('failedCount') === 0 ? 0 : 1;
}

void main();

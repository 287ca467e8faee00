import { spawn } from 'node:child_process';
import { formatTable } from 'rehearsal/report';

/*
 * Runs checks one after the other, continues after a failure, and prints a summary.
 *
 * npm run verify                  all checks
 * npm run verify -- lint test     only these
 */

const ALL = [
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
  readonly passed: number;
  readonly failed: number;
  readonly notAvailable: number;
  readonly seconds: number;
}

function runCommand(command: string): Promise<Outcome> {
  console.log(`\n=== npm run ${command}\n`);
  const started = Date.now();
  const child = spawn('npm', ['run', '--silent', command], { stdio: ['inherit', 'pipe', 'pipe'] });
  let printed = '';
  for (const [source, target] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    source.on('data', (chunk: Buffer) => {
      target.write(chunk);
      printed += chunk.toString();
    });
  }
  return new Promise((resolve) => {
    child.once('close', (code) => {
      const counts = [...printed.matchAll(CLOSING_LINE)].at(-1)?.slice(1) ?? [command === 'lint' && code === 0 ? 1 : 0];
      const [passed = 0, failed = 0, notAvailable = 0] = counts.map((count) => Number(count) || 0);
      const seconds = Math.round((Date.now() - started) / 1000);
      // a command can fail even if all of its tests pass, for example because of its coverage
      resolve({
        command,
        passed,
        failed: code === 0 && passed + notAvailable > 0 ? failed : Math.max(1, failed),
        notAvailable,
        seconds,
      });
    });
  });
}

async function main(): Promise<void> {
  const outcomes: Outcome[] = [];
  for (const command of process.argv.length > 2 ? process.argv.slice(2) : ALL) {
    outcomes.push(await runCommand(command));
  }
  const rows = outcomes.map(({ command, passed, failed, notAvailable, seconds }) => [
    command,
    failed > 0 ? 'FAILED' : passed > 0 ? 'ok' : 'not run',
    ...[passed, failed, notAvailable, seconds].map(String),
  ]);
  console.log(`\n${formatTable(['command', 'result', 'passed', 'failed', 'not available', 'seconds'], rows)}\n`);
  const sum = (key: 'passed' | 'failed' | 'notAvailable'): number => outcomes.reduce((total, outcome) => total + outcome[key], 0);
  const notAvailable = sum('notAvailable');
  console.log(`${sum('passed')} passed, ${sum('failed')} failed${notAvailable === 0 ? '' : `, ${notAvailable} not available`}`);
  process.exitCode = sum('failed') === 0 ? 0 : 1;
}

void main();

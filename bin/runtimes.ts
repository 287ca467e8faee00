import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { table } from '../rehearsal/report';
import { synthesize } from './synthesize';
import useTemporaryDirectory from './temporary-directory';

/*
 * Rehearses the bundled handler with each version of Node.js that a template may name: those that the CDK lists, from the oldest
 * version of the CDK that the library supports to the newest that it is tested with; and with the one that runs this. npm fetches
 * and keeps the Node.js binaries.
 */

/** By the runtime that a template names. */
const NODE_VERSIONS: Readonly<Record<string, string>> = { 'nodejs22.x': '22.23.3', 'nodejs24.x': '24.21.0' };

const ROOT = join(__dirname, '..');
const run = promisify(execFile);

/** The runtimes of the functions of an assembly. */
function runtimesIn(assembly: string): string[] {
  const templates = readdirSync(assembly).filter((file) => file.endsWith('.template.json'));
  return templates.flatMap((file) => {
    const { Resources } = JSON.parse(readFileSync(join(assembly, file), 'utf8')) as {
      readonly Resources: Readonly<
        Record<string, { readonly Type: string; readonly Properties?: { readonly Runtime?: unknown } }>
      >;
    };
    return Object.values(Resources)
      .filter(({ Type }) => Type === 'AWS::Lambda::Function')
      .map(({ Properties }) => JSON.stringify(Properties?.Runtime));
  });
}

/** Where a version of Node.js is; undefined if npm can't get it. */
async function find(version: string): Promise<string | undefined> {
  if (version === process.versions.node) {
    return process.execPath;
  }
  const command = ['exec', '--yes', '--prefer-offline', `--package=node@${version}`, '--', 'node', '-p', 'process.execPath'];
  try {
    return (await run('npm', command, { cwd: ROOT })).stdout.trim();
  } catch {
    return undefined;
  }
}

/** What went wrong; undefined if all is well. */
async function rehearse(node: string, version: string, assembly: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(node, ['--version']);
    if (stdout.trim() !== `v${version}`) {
      return `${node} is Node.js ${stdout.trim()}`;
    }
    await run(node, ['--import', 'tsx', 'bin/rehearse.ts', assembly], { cwd: ROOT, maxBuffer: 100 * 1024 * 1024 });
    return undefined;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    return `${stdout}${stderr}` || String(error);
  }
}

async function main(): Promise<void> {
  const assembly = await synthesize('bin/app.ts', {}, join(useTemporaryDirectory(), 'assembly'));
  const untested = runtimesIn(assembly).filter((runtime) => !(JSON.parse(runtime) in NODE_VERSIONS));
  const outcomes: { readonly runtime: string; readonly result: string; readonly trouble: string }[] = untested.map((runtime) => ({
    runtime,
    result: 'FAILED',
    trouble: `a template names it: add its Node.js version to ${__filename}`,
  }));
  const versions = { [`this Node.js, ${process.versions.node}`]: process.versions.node, ...NODE_VERSIONS };
  for (const [runtime, version] of Object.entries(versions)) {
    const node = await find(version);
    if (node === undefined) {
      outcomes.push({ runtime, result: 'not available', trouble: `npm can not get node@${version}` });
    } else {
      const trouble = await rehearse(node, version, assembly);
      outcomes.push({ runtime, result: trouble === undefined ? 'ok' : 'FAILED', trouble: trouble ?? '' });
    }
  }
  const rows = outcomes.map(({ runtime, result, trouble }) => [result, runtime, trouble.split('\n').at(-1) ?? '']);
  console.log(`\n${table(['', 'runtime', 'trouble'], rows)}`);
  const count = (result: string): number => outcomes.filter((outcome) => outcome.result === result).length;
  for (const { runtime, trouble } of outcomes.filter(({ result }) => result === 'FAILED')) {
    console.log(`\n${runtime}:\n${trouble}`);
    process.exitCode = 1;
  }
  const notAvailable = count('not available');
  const rest = notAvailable === 0 ? '' : `, ${notAvailable} not available`;
  console.log(`\n${count('ok')} passed, ${count('FAILED')} failed${rest}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

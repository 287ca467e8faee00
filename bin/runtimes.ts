import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './commands';
import { attempt, NotAvailable, report } from './outcomes';
import type { Outcome } from './outcomes';
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

/** Where a version of Node.js is. */
async function find(version: string): Promise<string> {
  if (version === process.versions.node) {
    return process.execPath;
  }
  const npm = ['exec', '--yes', '--prefer-offline', `--package=node@${version}`, '--', 'node', '-p', 'process.execPath'];
  try {
    return (await run(['npm', ...npm], { cwd: ROOT })).trim();
  } catch {
    throw new NotAvailable(`npm can not get node@${version}`);
  }
}

async function rehearse(version: string, assembly: string): Promise<void> {
  const node = await find(version);
  const actual = (await run([node, '--version'], { cwd: ROOT })).trim();
  if (actual !== `v${version}`) {
    throw new Error(`${node} is Node.js ${actual}`);
  }
  await run([node, '--import', 'tsx', 'bin/rehearse.ts', assembly], { cwd: ROOT });
}

async function main(): Promise<void> {
  const assembly = await synthesize('bin/app.ts', {}, join(useTemporaryDirectory(), 'assembly'));
  const outcomes: Outcome[] = runtimesIn(assembly)
    .filter((runtime) => !(JSON.parse(runtime) in NODE_VERSIONS))
    .map((name) => ({ name, result: 'FAILED', trouble: `a template names it: add its Node.js version to ${__filename}` }));
  const versions = { [`this Node.js, ${process.versions.node}`]: process.versions.node, ...NODE_VERSIONS };
  for (const [runtime, version] of Object.entries(versions)) {
    outcomes.push(await attempt(runtime, () => rehearse(version, assembly)));
  }
  report('runtime', outcomes);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './commands';
import { findNode, NODE_VERSIONS } from './node-versions';
import { runCheck, report } from './outcomes';
import type { Outcome } from './outcomes';
import { synthesize } from './synthesize';
import useTemporaryDirectory from './temporary-directory';

/*
 * Rehearses the bundled handler with the version of Node.js that runs this command, and with each version that a template can contain.
 * The CDK chooses the runtime of a template, from the oldest supported version of the CDK to the newest tested one.
 */

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

async function rehearse(version: string, assembly: string): Promise<void> {
  await run([await findNode(version), '--import', 'tsx', 'bin/rehearse.ts', assembly], { cwd: ROOT });
}

async function main(): Promise<void> {
  const assembly = await synthesize('bin/app.ts', {}, join(useTemporaryDirectory(), 'assembly'));
  const outcomes: Outcome[] = runtimesIn(assembly)
    .filter((runtime) => !(JSON.parse(runtime) in NODE_VERSIONS))
    .map((name) => ({
      name,
      result: 'FAILED',
      problem: `a template has this runtime: add its Node.js version to bin/node-versions.ts`,
    }));
  const versions = { [`this Node.js, ${process.versions.node}`]: process.versions.node, ...NODE_VERSIONS };
  for (const [runtime, version] of Object.entries(versions)) {
    outcomes.push(await runCheck(runtime, () => rehearse(version, assembly)));
  }
  report('runtime', outcomes);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

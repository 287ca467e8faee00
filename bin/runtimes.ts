import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './commands';
import { installNode, NODE_VERSIONS } from './node-versions';
import { report, runCheck } from './outcomes';
import type { Outcome } from './outcomes';
import { synthesize } from './synthesize';
import useTemporaryDirectory from './temporary-directory';

/*
 * Rehearses the bundled handler with the Node.js version of this process, and with each Node.js runtime that a supported version of the
 * CDK can write into a template.
 */

const ROOT = join(__dirname, '..');

/** The runtimes of the functions of an assembly, as JSON text, because a runtime can be an intrinsic function of CloudFormation. */
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
  await run([await installNode(version), '--import', 'tsx', 'bin/rehearse.ts', assembly], { cwd: ROOT });
}

async function main(): Promise<void> {
  const assembly = await synthesize('bin/app.ts', {}, join(useTemporaryDirectory(), 'assembly'));
  const outcomes: Outcome[] = runtimesIn(assembly)
    .filter((runtime) => !(JSON.parse(runtime) in NODE_VERSIONS))
    .map((name) => ({
      name,
      result: 'FAILED',
      problem: 'the runtime of a template is unknown: add its Node.js version to bin/node-versions.ts',
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

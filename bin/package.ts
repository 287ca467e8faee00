import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { notInstalled, run } from './commands';
import { runCheck, NotAvailable, report } from './outcomes';

/*
 * Builds the packages of all languages in dist/, with the code samples of the README translated to each language.
 *
 * npm run package                    all languages
 * npm run package -- js python       the named languages
 */

const ROOT = join(__dirname, '..');

/** The commands that must be installed to build the package of a language. */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  js: [],
  python: ['python3'],
  java: ['javac', 'mvn'],
  go: ['go'],
  dotnet: ['dotnet'],
};

/** Without scripts, because npm pack would build the library again for each language. */
const ENVIRONMENT = { JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20', npm_config_ignore_scripts: 'true' };

/** Generates the package of a language, and builds it if the tools are installed. */
async function buildPackage(target: string): Promise<void> {
  const missingTools = notInstalled(TOOLS[target] ?? []);
  const pacmak = ['jsii-pacmak', '--target', target, '--rosetta-tablet', '.jsii.tabl.json', '--no-npmignore'];
  await run(['npx', ...pacmak, ...(missingTools.length > 0 ? ['--code-only'] : [])], { cwd: ROOT, env: ENVIRONMENT });
  if (missingTools.length > 0) {
    throw new NotAvailable(`generated, but not built: install ${missingTools.join(' and ')}`);
  }
}

async function main(): Promise<void> {
  const { jsii } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly jsii: { readonly outdir: string; readonly targets: Readonly<Record<string, object>> };
  };
  rmSync(join(ROOT, jsii.outdir), { recursive: true, force: true });
  const outcomes = [
    await runCheck('code samples', () =>
      run(['npx', 'jsii-rosetta', 'extract', '--strict', '.'], { cwd: ROOT, env: ENVIRONMENT }),
    ),
  ];
  for (const target of process.argv.length > 2 ? process.argv.slice(2) : ['js', ...Object.keys(jsii.targets)]) {
    outcomes.push(await runCheck(target, () => buildPackage(target)));
  }
  report('package', outcomes);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { commandsNotInstalled, run } from './commands';
import { NotAvailableError, report, runCheck } from './outcomes';

/*
 * Builds the packages for all languages in dist/, and translates the code samples of the README for each language.
 *
 * npm run package                    all languages
 * npm run package -- js python       only these
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

/** Without `ignore_scripts`, npm pack would build the library once more for each language. */
const ENVIRONMENT = { JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20', npm_config_ignore_scripts: 'true' };

/** Generates the package of a language, and builds it if the tools are installed. */
async function buildPackage(target: string): Promise<void> {
  const missingTools = commandsNotInstalled(TOOLS[target] ?? []);
  const pacmak = ['jsii-pacmak', '--target', target, '--rosetta-tablet', '.jsii.tabl.json', '--no-npmignore'];
  await run(['npx', ...pacmak, ...(missingTools.length > 0 ? ['--code-only'] : [])], { cwd: ROOT, env: ENVIRONMENT });
  if (missingTools.length > 0) {
    throw new NotAvailableError(`generated, but not built: install ${missingTools.join(' and ')}`);
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

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandsNotInstalled, run } from './commands';
import { NotAvailableError, report, runCheck } from './outcomes';
import type { Outcome } from './outcomes';
import useTemporaryDirectory from './temporary-directory';

/*
 * Installs the packages of dist/ in empty folders, as users do, and synthesizes the apps of test/consumers/. Uses the oldest CDK that the
 * library supports, and the newest CDK that it is tested with. Each app must synthesize the same templates as the app in TypeScript.
 *
 * npm run test:consumers                     all languages
 * npm run test:consumers -- python go        the languages of these folders of dist/, and TypeScript
 */

const ROOT = join(__dirname, '..');
const APPS = join(ROOT, 'test', 'consumers');
const DIST = join(ROOT, 'dist');
/** The path of the Maven artifact in dist/. */
const MAVEN_PATH = ['java', 'io', 'github', 'cdk-gamelift-vpc-peering', 'cdk-gamelift-vpc-peering'];
const PNPM = 'pnpm@10.34.8';
const MYPY = 'mypy==2.4.1';

const { version: LIBRARY_VERSION, devDependencies: DEV_DEPENDENCIES } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
) as {
  readonly version: string;
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** The version of a dev dependency. For an alias such as `npm:aws-cdk-lib@2.300.0`, only the version after the @. */
function versionOf(dependency: string): string {
  return (DEV_DEPENDENCIES[dependency] ?? '').replace(/^npm:.*@/, '');
}

interface CdkVersions {
  /** The version of aws-cdk-lib. */
  readonly lib: string;
  /** The version of constructs. */
  readonly constructs: string;
}

const CDK_VERSIONS: readonly CdkVersions[] = [
  { lib: versionOf('aws-cdk-lib'), constructs: versionOf('constructs') },
  { lib: versionOf('aws-cdk-lib-newest'), constructs: versionOf('constructs-newest') },
];

/** An app in one language, and how to install it. */
interface Consumer {
  readonly name: string;
  /** The folder of dist/ with the package for this language. */
  readonly dist: string;
  /** The commands that must be installed. */
  readonly tools: readonly string[];
  /**
   * Installs the app and the packages in an empty folder.
   *
   * @returns the command that synthesizes the app
   */
  readonly install: (folder: string, cdk: CdkVersions) => Promise<readonly [string, ...string[]]>;
}

/** Finds the package in a folder of dist/ by its file name extension. */
function packageIn(dist: string, extension: string): string {
  const [file] = readdirSync(join(DIST, dist)).filter((name) => name.endsWith(extension));
  if (file === undefined) {
    throw new Error(`dist/${dist} contains no file *${extension}: run npm run package`);
  }
  return join(DIST, dist, file);
}

/**
 * Runs an install command.
 *
 * @param notFound matches the output of the command if the registry does not have a package
 * @throws NotAvailableError if the registry does not have a package
 */
async function runInstallCommand(command: readonly [string, ...string[]], cwd: string, notFound: RegExp): Promise<void> {
  try {
    await run(command, { cwd });
  } catch (error) {
    const [line] = notFound.exec(error instanceof Error ? error.message : '') ?? [];
    throw line === undefined ? error : new NotAvailableError(line);
  }
}

/** Writes an npm package with the app and its dependencies. */
function writeNpmApp(folder: string, type: 'commonjs' | 'module', { lib, constructs }: CdkVersions): void {
  mkdirSync(folder, { recursive: true });
  cpSync(join(APPS, 'typescript', 'app.ts'), join(folder, 'app.ts'));
  const dependencies = {
    'cdk-gamelift-vpc-peering': `file:${packageIn('js', '.tgz')}`,
    'aws-cdk-lib': lib,
    constructs,
    typescript: versionOf('typescript'),
    '@types/node': versionOf('@types/node'),
  };
  const compilerOptions = { strict: true, skipLibCheck: false, module: 'node20', types: ['node'] };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type, dependencies }));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
}

async function compile(folder: string): Promise<readonly [string, ...string[]]> {
  await run([process.execPath, join(folder, 'node_modules', 'typescript', 'bin', 'tsc')], { cwd: folder });
  return [process.execPath, join(folder, 'app.js')];
}

async function installWithNpm(
  folder: string,
  type: 'commonjs' | 'module',
  cdk: CdkVersions,
): Promise<readonly [string, ...string[]]> {
  writeNpmApp(folder, type, cdk);
  await run(['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder });
  return compile(folder);
}

const TYPESCRIPT: Consumer = {
  name: 'TypeScript, CommonJS, npm',
  dist: 'js',
  tools: [],
  install: (folder, cdk) => installWithNpm(folder, 'commonjs', cdk),
};

const OTHER_CONSUMERS: readonly Consumer[] = [
  {
    name: 'TypeScript, modules, npm',
    dist: 'js',
    tools: [],
    install: (folder, cdk) => installWithNpm(folder, 'module', cdk),
  },
  {
    name: 'TypeScript, CommonJS, pnpm workspace',
    dist: 'js',
    tools: [],
    install: async (folder, cdk) => {
      const app = join(folder, 'apps', 'game');
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }));
      writeFileSync(join(folder, 'pnpm-workspace.yaml'), 'packages: [apps/*]\nstrictPeerDependencies: true\n');
      writeNpmApp(app, 'commonjs', cdk);
      const pnpm = ['exec', '--yes', '--prefer-offline', `--package=${PNPM}`, '--', 'pnpm', 'install', '--prefer-offline'];
      await run(['npm', ...pnpm], { cwd: folder });
      return compile(app);
    },
  },
  {
    name: 'Python',
    dist: 'python',
    tools: ['python3'],
    install: async (folder, { lib }) => {
      cpSync(join(APPS, 'python', 'app.py'), join(folder, 'app.py'));
      const python = join(folder, 'venv', 'bin', 'python');
      await run(['python3', '-m', 'venv', 'venv'], { cwd: folder });
      // with the oldest version of constructs, mypy rejects every argument for an IConstruct, even the CDK's own classes
      const constructs = `constructs==${versionOf('constructs-newest')}`;
      const packages = [packageIn('python', '.whl'), `aws-cdk-lib==${lib}`, constructs, MYPY];
      await runInstallCommand(
        [python, '-m', 'pip', 'install', '--quiet', ...packages],
        folder,
        /No matching distribution found for .*/,
      );
      await run([python, '-m', 'mypy', '--strict', 'app.py'], { cwd: folder });
      return [python, 'app.py'];
    },
  },
  {
    name: 'Java',
    dist: 'java',
    tools: ['javac', 'mvn'],
    install: async (folder, { lib, constructs }) => {
      cpSync(join(APPS, 'java'), folder, { recursive: true });
      const versions = [`-Dcdk=${lib}`, `-Dconstructs=${constructs}`, `-Dlibrary=${LIBRARY_VERSION}`];
      const maven = ['--batch-mode', '--quiet', ...versions] as const;
      const artifact = join(DIST, ...MAVEN_PATH, LIBRARY_VERSION, `cdk-gamelift-vpc-peering-${LIBRARY_VERSION}`);
      const files = [`-Dfile=${artifact}.jar`, `-DpomFile=${artifact}.pom`];
      // replaces an earlier build of the same version in the local repository of Maven
      await run(['mvn', ...maven, 'install:install-file', ...files], { cwd: folder });
      const notFound = /Could not find artifact software\.amazon\S+|software\.amazon\S+ was not found/;
      await runInstallCommand(['mvn', ...maven, 'compile'], folder, notFound);
      return ['mvn', ...maven, 'exec:java'];
    },
  },
  {
    name: 'Go',
    dist: 'go',
    tools: ['go'],
    install: async (folder, { lib, constructs }) => {
      cpSync(join(APPS, 'go'), folder, { recursive: true });
      const module = 'github.com/cdk-gamelift-vpc-peering/cdk-gamelift-vpc-peering-go/cdkgameliftvpcpeering';
      const requires = [
        `github.com/aws/aws-cdk-go/awscdk/v2@v${lib}`,
        `github.com/aws/constructs-go/constructs/v10@v${constructs}`,
      ];
      await run(['go', 'mod', 'init', 'consumer'], { cwd: folder });
      const edits = [`-replace=${module}=${join(DIST, 'go', 'cdkgameliftvpcpeering')}`, `-require=${module}@v${LIBRARY_VERSION}`];
      await run(['go', 'mod', 'edit', ...edits, ...requires.map((require) => `-require=${require}`)], { cwd: folder });
      await runInstallCommand(['go', 'mod', 'tidy'], folder, /.*(not found|unknown revision).*/);
      await run(['go', 'vet', '.'], { cwd: folder });
      return ['go', 'run', '.'];
    },
  },
];

type Templates = Readonly<Record<string, string>>;

async function synthesize(consumer: Consumer, cdk: CdkVersions, temporaryDirectory: string): Promise<Templates> {
  const folder = join(temporaryDirectory, `${consumer.name} ${cdk.lib}`.replaceAll(/[^\w.]+/g, '-'));
  const missingTools = commandsNotInstalled(consumer.tools);
  if (missingTools.length > 0) {
    throw new NotAvailableError(`install ${missingTools.join(' and ')}`);
  }
  if (!existsSync(join(DIST, consumer.dist))) {
    throw new Error(`dist/${consumer.dist} not found: run npm run package`);
  }
  mkdirSync(folder, { recursive: true });
  const command = await consumer.install(folder, cdk);
  const assembly = join(folder, 'assembly');
  await run(command, {
    cwd: folder,
    env: { CDK_OUTDIR: assembly, JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20' },
  });
  const files = readdirSync(assembly).filter((file) => file.endsWith('.template.json'));
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(assembly, file), 'utf8')]));
}

/** @throws Error that shows the first line that differs */
function requireEqualTemplates(actual: Templates, expected: Templates): void {
  for (const file of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const [actualLines, expectedLines] = [actual, expected].map((templates) => (templates[file] ?? '').split('\n'));
    // -1 if the templates are equal, or the actual template only has additional lines at its end
    const firstDifferentLine = expectedLines?.findIndex((expectedLine, index) => expectedLine !== actualLines?.[index]) ?? 0;
    if (actual[file] !== expected[file]) {
      const line = firstDifferentLine < 0 ? (expectedLines?.length ?? 0) : firstDifferentLine;
      throw new Error(`${file} line ${line + 1}: ${actualLines?.[line]}, but in TypeScript ${expectedLines?.[line]}`);
    }
  }
}

/** Checks with one version of the CDK that all consumers synthesize the same templates. */
async function checkConsumers(cdk: CdkVersions, others: readonly Consumer[], temporaryDirectory: string): Promise<Outcome[]> {
  const nameOf = (consumer: Consumer): string => `${consumer.name}, CDK ${cdk.lib}`;
  let expected: Templates = {};
  const outcomes = [
    await runCheck(nameOf(TYPESCRIPT), async () => {
      expected = await synthesize(TYPESCRIPT, cdk, temporaryDirectory);
      const names = Object.keys(expected).sort().join(', ');
      if (names !== 'Data.template.json, Game.template.json') {
        throw new Error(`synthesized ${names || 'nothing'} instead of the templates of Data and Game`);
      }
    }),
  ];
  for (const other of others) {
    outcomes.push(
      await runCheck(nameOf(other), async () => {
        requireEqualTemplates(await synthesize(other, cdk, temporaryDirectory), expected);
      }),
    );
  }
  return outcomes;
}

async function main(): Promise<void> {
  const dists = process.argv.slice(2);
  const unknownDists = dists.filter((name) => !OTHER_CONSUMERS.some(({ dist }) => dist === name));
  if (unknownDists.length > 0) {
    const names = [...new Set(OTHER_CONSUMERS.map(({ dist }) => dist))].join(', ');
    throw new Error(`expected folders of dist/ (${names}), got ${unknownDists.join(', ')}`);
  }
  const others = OTHER_CONSUMERS.filter(({ dist }) => dists.length === 0 || dists.includes(dist));
  const temporaryDirectory = useTemporaryDirectory();
  const outcomes: Outcome[] = [];
  for (const cdk of CDK_VERSIONS) {
    outcomes.push(...(await checkConsumers(cdk, others, temporaryDirectory)));
  }
  report('consumer', outcomes);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

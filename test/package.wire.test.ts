import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/*
 * Tests the package for npm. It is packed in a copy of the repository without build output, as in a new clone.
 */

const ROOT = join(__dirname, '..');
const MAX_TARBALL_BYTES = 600_000;
const run = promisify(execFile);

let repositoryCopy: string;
let tarball: string;
let packageFiles: readonly string[];

beforeAll(async () => {
  repositoryCopy = mkdtempSync(join(tmpdir(), 'clone-'));
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: ROOT });
  for (const file of stdout.split('\0').filter((name) => name !== '' && existsSync(join(ROOT, name)))) {
    mkdirSync(dirname(join(repositoryCopy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(repositoryCopy, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(repositoryCopy, 'node_modules'));
  // the output that an earlier build left of sources that no longer exist
  mkdirSync(join(repositoryCopy, 'lambda', 'bundle'));
  for (const staleFile of ['lib/removed.js', 'lib/removed.d.ts', 'lambda/bundle/removed.mjs']) {
    writeFileSync(join(repositoryCopy, staleFile), '');
  }
  tarball = join(
    repositoryCopy,
    (await run('npm', ['pack', '--silent'], { cwd: repositoryCopy })).stdout.trim().split('\n').at(-1) ?? '',
  );
  await run('tar', ['-xzf', tarball], { cwd: repositoryCopy });
  packageFiles = readdirSync(join(repositoryCopy, 'package'), { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(join(repositoryCopy, 'package', '/').length));
}, 300_000);

afterAll(() => {
  rmSync(repositoryCopy, { recursive: true, force: true });
});

function readPackageFile(file: string): string {
  return readFileSync(join(repositoryCopy, 'package', file), 'utf8');
}

const isBundled = (file: string): boolean => file.startsWith('lambda/bundle/');

test('the package contains the constructs with their types, the bundled handler and the documents, and nothing else', () => {
  const modules = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /^[\w/-]+\.ts$/.test(file))
    .map((file) => file.replace(/\.ts$/, ''));
  expect(packageFiles.filter((file) => !isBundled(file)).sort()).toEqual(
    [
      ...['.jsii', 'LICENSE', 'NOTICE', 'README.md', 'THIRD-PARTY-NOTICES', 'package.json'],
      ...['API.md', 'CHANGELOG.md'].filter((file) => existsSync(join(ROOT, file))),
      ...modules.flatMap((module) => [`lib/${module}.d.ts`, `lib/${module}.js`]),
    ].sort(),
  );
});

test('the bundle contains all files that its entry point loads, and no file of an earlier build', () => {
  const loadedFiles = new Set(['lambda/bundle/index.mjs']);
  for (const file of loadedFiles) {
    for (const [, name = ''] of readPackageFile(file).matchAll(/["']\.\/([\w-]+\.mjs)["']/g)) {
      loadedFiles.add(`lambda/bundle/${name}`);
    }
  }
  expect(loadedFiles.size).toBeGreaterThan(1);
  expect([...loadedFiles].filter((file) => !packageFiles.includes(file))).toEqual([]);
  expect(packageFiles).not.toContain('lambda/bundle/removed.mjs');
});

test('no file of the package refers to a source map', () => {
  const code = packageFiles.filter((file) => /\.(js|mjs|ts)$/.test(file));
  expect(code.length).toBeGreaterThan(0);
  expect(code.filter((file) => readPackageFile(file).includes('sourceMappingURL'))).toEqual([]);
});

test(`the package has at most ${MAX_TARBALL_BYTES} bytes`, () => {
  expect(readFileSync(tarball).length).toBeLessThanOrEqual(MAX_TARBALL_BYTES);
});

test('the third-party notices list the bundled packages with version and license, and each license text once', () => {
  // bowser is a package that the AWS SDK uses
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules', 'bowser', 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const license = readFileSync(join(ROOT, 'node_modules', 'bowser', 'LICENSE'), 'utf8').trim();
  const notices = readPackageFile('THIRD-PARTY-NOTICES');
  expect(notices).toContain(`\nbowser ${version} (MIT)\n\n${license}\n`);
  expect(notices).toMatch(/^@aws-sdk\/client-gamelift [\d.]+ \(Apache-2\.0\)$/m);
  expect(notices).toMatch(/^@smithy\/core [\d.]+ \(Apache-2\.0\)$/m);
  const [, ...sections] = notices.split(`\n${'-'.repeat(80)}\n\n`);
  const texts = sections.map((section) => section.slice(section.indexOf('\n\n')));
  expect(new Set(texts).size).toBe(texts.length);
});

test('the package meets the requirements of Construct Hub: public, built with jsii, with a permissive license, keywords and all languages', () => {
  const manifest = JSON.parse(readPackageFile('package.json')) as {
    readonly name: string;
    readonly license: string;
    readonly private?: boolean;
    readonly keywords: readonly string[];
    readonly peerDependencies: Readonly<Record<string, string>>;
  };
  const assembly = JSON.parse(readPackageFile('.jsii')) as {
    readonly schema: string;
    readonly name: string;
    readonly license: string;
    readonly targets: Readonly<Record<string, object>>;
  };
  expect(manifest).toMatchObject({ license: 'Apache-2.0', publishConfig: { access: 'public' } });
  expect(manifest).not.toHaveProperty('private');
  expect(manifest.keywords).toEqual(expect.arrayContaining(['cdk', 'aws-cdk', 'awscdk', 'constructs']));
  expect(Object.keys(manifest.peerDependencies).sort()).toEqual(['aws-cdk-lib', 'constructs']);
  expect(assembly).toMatchObject({ schema: 'jsii/0.10.0', name: manifest.name, license: manifest.license });
  expect(Object.keys(assembly.targets).sort()).toEqual(['dotnet', 'go', 'java', 'js', 'python']);
});

test.each([
  ['publint', ['run', '--strict']],
  ['attw', []],
])('%s finds no problem in the package', async (command, parameters) => {
  const executable = join(ROOT, 'node_modules', '.bin', command);
  const { stdout } = await run(executable, [...parameters, tarball], { cwd: repositoryCopy });
  expect(stdout).toMatch(/All good|No problems found/);
});

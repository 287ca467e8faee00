import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(__dirname, '..');
const run = promisify(execFile);

let clone: string;

/** What git has, as it stands here, without what a build makes of it. */
beforeAll(async () => {
  clone = mkdtempSync(join(tmpdir(), 'clone-'));
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: ROOT });
  for (const file of stdout.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(ROOT, file), join(clone, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
});

afterAll(() => {
  rmSync(clone, { recursive: true, force: true });
});

test('npm pack in a clean clone builds the package first, and leaves out what earlier builds made of sources that are gone', async () => {
  writeFileSync(join(clone, 'lib', 'removed.js'), '');
  writeFileSync(join(clone, 'lib', 'removed.d.ts'), '');
  await run('npm', ['pack', '--silent'], { cwd: clone });
  const tarball = readdirSync(clone).find((file) => file.endsWith('.tgz')) ?? '';
  const { stdout } = await run('tar', ['-tzf', tarball], { cwd: clone });
  const packed = stdout
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''));
  const modules = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /^[\w/-]+\.ts$/.test(file))
    .map((file) => file.replace(/\.ts$/, ''));
  const bundle = packed.filter((file) => file.startsWith('lambda/bundle/'));
  expect(bundle).toContain('lambda/bundle/index.mjs');
  expect(packed.filter((file) => !bundle.includes(file)).sort()).toEqual(
    [
      ...['.jsii', 'LICENSE', 'NOTICE', 'README.md', 'package.json'],
      ...modules.flatMap((module) => [`lib/${module}.d.ts`, `lib/${module}.js`]),
    ].sort(),
  );
}, 180_000);

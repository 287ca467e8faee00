import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { thirdPartyNotices } from '../bin/third-party-notices';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'notices-'));
  writeFileSync(join(root, 'LICENSE'), 'The text of Apache-2.0\n');
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function addPackage(directory: string, manifest: object, texts: Readonly<Record<string, string>>): void {
  mkdirSync(join(root, directory), { recursive: true });
  for (const [file, text] of Object.entries({ 'package.json': JSON.stringify(manifest), ...texts })) {
    writeFileSync(join(root, directory, file), text);
  }
}

/** Returns a metafile as esbuild writes it. `inputs` maps each source to the number of its bytes in the bundle. */
function metafileOf(inputs: Readonly<Record<string, number>>): Metafile {
  const entries = Object.entries(inputs).map(([source, bytesInOutput]) => [source, { bytesInOutput }] as const);
  return { inputs: {}, outputs: { 'index.mjs': { bytes: 1, inputs: Object.fromEntries(entries), imports: [], exports: [] } } };
}

test('the notices list each version of each bundled package, and a shared license text once', () => {
  addPackage('node_modules/a', { name: 'a', version: '1.0.0', license: 'MIT' }, { 'LICENSE.md': 'Do what you like\r\n' });
  addPackage('node_modules/@x/b', { name: '@x/b', version: '2.0.0', license: 'MIT' }, { LICENCE: 'Do what you like' });
  addPackage(
    'node_modules/@x/b/node_modules/a',
    { name: 'a', version: '0.9.0', license: 'MIT' },
    { LICENSE: 'Do what you like' },
  );
  const metafile = metafileOf({
    'lambda/index.ts': 5,
    'node_modules/a/index.js': 1,
    'node_modules/a/other.js': 1,
    'node_modules/@x/b/index.js': 1,
    'node_modules/@x/b/node_modules/a/index.js': 1,
  });
  expect(thirdPartyNotices(metafile, root)).toBe(
    [
      'lambda/bundle contains code of these packages.\n',
      '-'.repeat(80) + '\n',
      '@x/b 2.0.0 (MIT)',
      'a 0.9.0 (MIT)',
      'a 1.0.0 (MIT)\n',
      'Do what you like\n',
    ].join('\n'),
  );
});

test('the notices omit packages without code in the bundle', () => {
  addPackage('node_modules/unused', { name: 'unused', version: '1.0.0', license: 'MIT' }, { LICENSE: 'Do what you like' });
  expect(thirdPartyNotices(metafileOf({ 'node_modules/unused/index.js': 0 }), root)).not.toContain('unused');
});

test('the notices contain the NOTICE of a package, and the text of Apache-2.0 if a package of that license has no license text', () => {
  addPackage('node_modules/n', { name: 'n', version: '1.0.0', license: 'MIT' }, { LICENSE: 'Do what you like', NOTICE: 'By N' });
  addPackage('node_modules/p', { name: 'p', version: '1.0.0', license: 'Apache-2.0' }, {});
  const notices = thirdPartyNotices(metafileOf({ 'node_modules/n/index.js': 1, 'node_modules/p/index.js': 1 }), root);
  expect(notices).toContain('n 1.0.0 (MIT)\n\nDo what you like\n\nBy N\n');
  expect(notices).toContain('p 1.0.0 (Apache-2.0)\n\nThe text of Apache-2.0\n');
});

test.each([
  [{}, 'p 1.0.0 is bundled, but its package.json has no license: do not use this package'],
  [{ license: 'MIT' }, 'p 1.0.0 (MIT) is bundled, but contains no license text: do not use this package'],
])('thirdPartyNotices fails if package.json has %j, and there is no license text', (license, message) => {
  addPackage('node_modules/p', { name: 'p', version: '1.0.0', ...license }, {});
  expect(() => thirdPartyNotices(metafileOf({ 'node_modules/p/index.js': 1 }), root)).toThrow(new Error(message));
});

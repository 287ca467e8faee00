import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Deletes all .js and .d.ts files in a directory. Otherwise, output of source files that no longer exist would be published. */
export function clean(directory: string): void {
  for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (/\.(js|d\.ts)$/.test(file)) {
      rmSync(join(directory, file));
    }
  }
}

if (require.main === module) {
  const root = join(__dirname, '..');
  clean(join(root, 'lib'));
  rmSync(join(root, 'lambda', 'bundle'), { recursive: true, force: true });
  for (const file of ['.jsii', '.jsii.tabl.json', 'THIRD-PARTY-NOTICES']) {
    rmSync(join(root, file), { force: true });
  }
}

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type * as library from '../../lib';

/*
 * The upgrade tests create stacks with the released packages in this folder, and update the stacks with the current version.
 *
 * Each release adds its package: `npm pack --pack-destination test/released`. Until 0.1.0 is released, the command replaces the package of
 * that version.
 */

/** The exports of one version of this library. */
export type Library = typeof library;

const ROOT = join(__dirname, '..', '..');

/** The file names of the packages. */
export const RELEASES: readonly string[] = readdirSync(__dirname).filter((file) => file.endsWith('.tgz'));

/** A released package that is unpacked inside node_modules, so that it can import the CDK. */
export class UnpackedRelease {
  private readonly directory: string;

  constructor(release: string) {
    const cache = join(ROOT, 'node_modules', '.cache');
    mkdirSync(cache, { recursive: true });
    this.directory = mkdtempSync(join(cache, `${basename(release, '.tgz')}-`));
    execFileSync('tar', ['-xzf', join(__dirname, release), '-C', this.directory]);
  }

  get exports(): Library {
    return jest.requireActual<Library>(join(this.directory, 'package'));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

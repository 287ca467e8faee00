import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type * as library from '../../lib';

/*
 * The packages in this folder are what was released, as `npm pack` made them: the constructs, and the handler's bundle that they deploy.
 * They stand for the stacks that users have when they upgrade.
 *
 * A release adds its own: `npm pack --pack-destination test/released`. Until 0.1.0 is released, that replaces the candidate.
 */

/** The public names of this library, in one of its versions. */
export type Library = typeof library;

const ROOT = join(__dirname, '..', '..');

/** The file names of the packages. */
export const RELEASES: readonly string[] = readdirSync(__dirname).filter((file) => file.endsWith('.tgz'));

/** A package that was unpacked within node_modules, where it finds the CDK. */
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

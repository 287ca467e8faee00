import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * An app may contain several copies of this library: pnpm makes one for each aws-cdk-lib in a workspace, and a construct package may
 * bring its own. Copies of one version work together, as they share what they remember.
 */

interface Copy {
  readonly version: string;
  readonly folder: string;
}

const NAME = 'cdk-gamelift-vpc-peering';
const folder = join(__dirname, '..');
const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly version: string };

const MADE_BY = Symbol.for(`${NAME}.madeBy`);

/** Notes on a construct which copy made it. */
export function markAsOurs(construct: object): void {
  Object.defineProperty(construct, MADE_BY, { value: { version, folder } satisfies Copy });
}

/**
 * Whether a copy of this library made a construct.
 *
 * @throws Error if it is a copy of another version
 */
export function isOurs(construct: object): boolean {
  refuseOtherVersion(construct);
  return MADE_BY in construct;
}

/** @throws Error if a copy of this library of another version made the construct */
export function refuseOtherVersion(construct: object): void {
  const { [MADE_BY]: other } = construct as { readonly [MADE_BY]?: Copy };
  if (other !== undefined && other.version !== version) {
    throw new Error(
      `the app contains two versions of ${NAME}: ${version} in ${folder}, and ${other.version} in ${other.folder}: ` +
        `keep one of them. Make ${NAME} a peerDependency of the package that brings the other, or set one version for all packages ` +
        '(overrides in npm and pnpm, resolutions in yarn), then install again',
    );
  }
}

/** A map that all copies of this version share. */
export function sharedMap<K extends object, V>(name: string): WeakMap<K, V> {
  const key = Symbol.for(`${NAME}@${version}.${name}`);
  const holder = globalThis as { [key]?: WeakMap<K, V> };
  return (holder[key] ??= new WeakMap<K, V>());
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * An app can contain several copies of this library: pnpm installs one for each aws-cdk-lib in a workspace, and a construct library
 * can depend on its own copy. Copies of the same version share their state. Two versions in one stack are an error.
 */

interface LibraryCopy {
  readonly version: string;
  readonly directory: string;
}

const LIBRARY = 'cdk-gamelift-vpc-peering';
const directory = join(__dirname, '..', '..');
const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { readonly version: string };

const CREATED_BY = Symbol.for(`${LIBRARY}.createdBy`);

/** Marks a construct as created by this copy of the library. */
export function markAsCreatedByThisLibrary(construct: object): void {
  Object.defineProperty(construct, CREATED_BY, { value: { version, directory } satisfies LibraryCopy });
}

/**
 * Whether a copy of this library created a construct.
 *
 * @throws Error if that copy has another version
 */
export function isCreatedByThisLibrary(construct: object): boolean {
  validateLibraryVersion(construct);
  return CREATED_BY in construct;
}

/** @throws Error if another version of this library created the construct */
export function validateLibraryVersion(construct: object): void {
  const { [CREATED_BY]: creator } = construct as { readonly [CREATED_BY]?: LibraryCopy };
  if (creator !== undefined && creator.version !== version) {
    throw new Error(
      `the app contains two versions of ${LIBRARY}: ${version} in ${directory}, and ${creator.version} in ${creator.directory}. ` +
        `Use one version: make ${LIBRARY} a peerDependency of the package that brings the other version, or set one version for all ` +
        'packages (overrides in npm and pnpm, resolutions in yarn), then install again',
    );
  }
}

/** A map that all copies of this version of the library share. */
export function sharedMap<K extends object, V>(name: string): WeakMap<K, V> {
  const key = Symbol.for(`${LIBRARY}@${version}.${name}`);
  const globals = globalThis as { [key]?: WeakMap<K, V> };
  return (globals[key] ??= new WeakMap<K, V>());
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** License texts and notices. Empty if the package contains none. */
  readonly texts: readonly string[];
}

/** The directories of the bundled packages, relative to the working directory of the build. */
function directoriesOf({ outputs }: Metafile): string[] {
  const sources = Object.values(outputs).flatMap(({ inputs }) =>
    Object.keys(inputs).filter((source) => (inputs[source]?.bytesInOutput ?? 0) > 0),
  );
  return [...new Set(sources.flatMap((source) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(source) ?? []))];
}

function readPackage(directory: string): Package {
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly license?: unknown;
  };
  if (typeof manifest.license !== 'string') {
    throw new Error(
      `${manifest.name} ${manifest.version} is bundled, but its package.json has no license: do not use this package`,
    );
  }
  const files = readdirSync(directory).filter((file) => /^(licen[cs]e|notice|copying)\b/i.test(file));
  const texts = files.sort().map((file) => readFileSync(join(directory, file), 'utf8').replaceAll('\r\n', '\n').trim());
  return { name: manifest.name, version: manifest.version, license: manifest.license, texts };
}

/**
 * Lists the bundled packages with their licenses. Packages with the same license text share one section.
 *
 * @param metafile - esbuild's description of the bundle
 * @param root - the working directory of the build. Its LICENSE contains the text of Apache-2.0
 * @throws Error if the license of a package, or its text, is unknown
 */
export function thirdPartyNotices(metafile: Metafile, root: string): string {
  const packages = directoriesOf(metafile).map((directory) => readPackage(join(root, directory)));
  const sections = new Map<string, string[]>();
  for (const { name, version, license, texts } of packages) {
    if (texts.length === 0 && license !== 'Apache-2.0') {
      throw new Error(`${name} ${version} (${license}) is bundled, but contains no license text: do not use this package`);
    }
    const text = texts.length > 0 ? texts.join('\n\n') : readFileSync(join(root, 'LICENSE'), 'utf8').trim();
    sections.set(text, [...(sections.get(text) ?? []), `${name} ${version} (${license})`]);
  }
  const bodies = [...sections].map(([text, names]) => `${[...new Set(names)].sort().join('\n')}\n\n${text}\n`).sort();
  return ['lambda/bundle contains code of these packages.\n', ...bodies].join(`\n${'-'.repeat(80)}\n\n`);
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from '../bin/commands';
import type { Measurement, Table } from './result';
import { AWS_CUSTOM_RESOURCE_HANDLER, LIBRARY_HANDLER, SCRIPT_WITHOUT_SDK, SilentGameLift } from './starts';
import { medianOf } from './statistics';

const ROOT = join(__dirname, '..');
const BUNDLE = join(ROOT, 'lambda', 'bundle');
/** How often the memory of each handler is measured. */
const MEMORY_MEASUREMENTS = 5;

function bundleSizes(): Table {
  const files = readdirSync(BUNDLE).filter((file) => file.endsWith('.mjs'));
  const contents = files.map((file) => ({ file, content: readFileSync(join(BUNDLE, file)) }));
  /** The cells with the total size in bytes: as the files are, and compressed. */
  const sizesOf = (parts: typeof contents): string[] => [
    String(parts.reduce((bytes, { content }) => bytes + content.length, 0)),
    String(parts.reduce((bytes, { content }) => bytes + gzipSync(content).length, 0)),
  ];
  const filesLoadedAtStart = findStaticImports('index.mjs');
  const awsCustomResource = readFileSync(AWS_CUSTOM_RESOURCE_HANDLER.file);
  return {
    head: ['handler', 'bytes', 'bytes, gzip'],
    rows: [
      ['this library, loaded at the start', ...sizesOf(contents.filter(({ file }) => filesLoadedAtStart.has(file)))],
      [
        'this library, loaded when needed (EC2, other credentials)',
        ...sizesOf(contents.filter(({ file }) => !filesLoadedAtStart.has(file))),
      ],
      [
        'AwsCustomResource, without the SDK, which Lambda has',
        String(awsCustomResource.length),
        String(gzipSync(awsCustomResource).length),
      ],
    ],
  };
}

/** Adds a file of the bundle and its static imports to `found`. Dynamic imports are loaded only when they are needed. */
function findStaticImports(file: string, found = new Set<string>()): Set<string> {
  if (!found.has(file)) {
    found.add(file);
    for (const [, imported] of readFileSync(join(BUNDLE, file), 'utf8').matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) {
      if (imported !== undefined) {
        findStaticImports(imported, found);
      }
    }
  }
  return found;
}

/** Measures the memory of each handler's process at its first request to GameLift. */
async function memorySizes(): Promise<Table> {
  const gameLift = await SilentGameLift.start();
  const rows: string[][] = [];
  for (const candidate of [LIBRARY_HANDLER, AWS_CUSTOM_RESOURCE_HANDLER, SCRIPT_WITHOUT_SDK]) {
    const megabytes: number[] = [];
    for (let measurement = 0; measurement < MEMORY_MEASUREMENTS; measurement += 1) {
      megabytes.push((await gameLift.measure(candidate)).megabytes);
    }
    rows.push([candidate.name, medianOf(megabytes).toFixed(0)]);
  }
  await gameLift.close();
  return { head: ['memory at the first request', 'MB'], rows };
}

async function packageSizes(): Promise<Table> {
  const packed = await run(['npm', 'pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT });
  const [{ size, unpackedSize, entryCount } = { size: NaN, unpackedSize: NaN, entryCount: NaN }] = JSON.parse(packed) as {
    readonly size: number;
    readonly unpackedSize: number;
    readonly entryCount: number;
  }[];
  const { dependencies = {} } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly dependencies?: object;
  };
  return {
    head: ['npm package', 'this library', 'AwsCustomResource, Provider'],
    rows: [
      ['bytes of the tarball', String(size), '0: part of aws-cdk-lib'],
      ['bytes installed', String(unpackedSize), '0'],
      ['files', String(entryCount), '0'],
      ['packages that a CDK app installs', String(1 + Object.keys(dependencies).length), '0'],
    ],
  };
}

export const SIZES: Measurement = {
  name: 'sizes',
  measure: async () => ({
    title: 'Sizes',
    method: 'What is shipped, installed and loaded, in addition to what the CDK already contains.',
    tables: [bundleSizes(), await memorySizes(), await packageSizes()],
    targets: [],
  }),
};

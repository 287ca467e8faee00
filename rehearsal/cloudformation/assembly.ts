import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Template } from './template';

/** A stack as `cdk synth` wrote it into a cloud assembly. */
export interface StackArtifact {
  readonly stackName: string;
  readonly account: string;
  readonly region: string;
  readonly template: Template;
  readonly parameters: Readonly<Record<string, string>>;
  /** The directory that was packed for an object key of the staging bucket. */
  assetDirectory(objectKey: string): string;
}

interface Artifact {
  readonly type: string;
  readonly environment?: string;
  readonly dependencies?: readonly string[];
  readonly properties?: {
    readonly templateFile?: string;
    readonly stackName?: string;
    readonly parameters?: Readonly<Record<string, string>>;
    readonly file?: string;
    readonly directoryName?: string;
  };
}

interface AssetManifest {
  readonly files?: Readonly<
    Record<
      string,
      {
        readonly source: { readonly path?: string; readonly packaging?: string };
        readonly destinations: Readonly<Record<string, { readonly objectKey: string }>>;
      }
    >
  >;
}

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

/** Finds a stack by its name or its artifact id, in an assembly or in those nested in it. */
export function readStack(directory: string, stackName: string, defaults: { account: string; region: string }): StackArtifact {
  const known: string[] = [];
  const found = findStack(directory, stackName, known);
  if (!found) {
    throw new Error(`no stack ${stackName} in the cloud assembly ${directory}: it has ${known.join(', ') || 'none'}`);
  }
  const { artifact, artifacts, name } = found;
  const [account, region] = (artifact.environment ?? '').replace('aws://', '').split('/');
  const manifests = (artifact.dependencies ?? [])
    .map((id) => artifacts[id])
    .filter((dependency) => dependency?.type === 'cdk:asset-manifest')
    .map((dependency) => readJson(path.join(found.directory, dependency?.properties?.file ?? '')) as AssetManifest);
  return {
    stackName: name,
    account: !account || account === 'unknown-account' ? defaults.account : account,
    region: !region || region === 'unknown-region' ? defaults.region : region,
    template: readJson(path.join(found.directory, artifact.properties?.templateFile ?? '')) as Template,
    parameters: artifact.properties?.parameters ?? {},
    assetDirectory: (objectKey) => findAsset(found.directory, manifests, objectKey),
  };
}

interface Found {
  readonly directory: string;
  readonly name: string;
  readonly artifact: Artifact;
  readonly artifacts: Readonly<Record<string, Artifact>>;
}

function findStack(directory: string, stackName: string, known: string[]): Found | undefined {
  const file = path.join(directory, 'manifest.json');
  if (!existsSync(file)) {
    throw new Error(`${directory} is no cloud assembly: it has no manifest.json; run cdk synth first`);
  }
  const { artifacts = {} } = readJson(file) as { artifacts?: Readonly<Record<string, Artifact>> };
  for (const [id, artifact] of Object.entries(artifacts)) {
    if (artifact.type === 'aws:cloudformation:stack') {
      const name = artifact.properties?.stackName ?? id;
      known.push(name);
      if (name === stackName || id === stackName) {
        return { directory, name, artifact, artifacts };
      }
    } else if (artifact.type === 'cdk:cloud-assembly') {
      const nested = findStack(path.join(directory, artifact.properties?.directoryName ?? ''), stackName, known);
      if (nested) {
        return nested;
      }
    }
  }
  return undefined;
}

function findAsset(directory: string, manifests: readonly AssetManifest[], objectKey: string): string {
  const assets = manifests.flatMap((manifest) => Object.values(manifest.files ?? {}));
  const asset = assets.find(({ destinations }) =>
    Object.values(destinations).some((destination) => destination.objectKey === objectKey),
  );
  if (asset?.source.path === undefined) {
    throw new Error(`no file asset of the stack is published as ${objectKey}`);
  }
  if (asset.source.packaging !== 'zip') {
    throw new Error(`the asset ${asset.source.path} is not a directory: only directories can be run as a function's code`);
  }
  return path.join(directory, asset.source.path);
}

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isObject, type Template } from './template';

/** What files a stack's assets are. */
export interface Assets {
  /** The directory that was packed for an object key of the staging bucket. */
  assetDirectory(objectKey: string): string;
  /** The template of a nested stack that was published under an object key. */
  assetTemplate(objectKey: string): Template;
}

/** A stack as `cdk synth` wrote it into a cloud assembly. */
export interface StackArtifact extends Assets {
  readonly stackName: string;
  readonly account: string;
  readonly region: string;
  readonly template: Template;
  readonly parameters: Readonly<Record<string, string>>;
  /** The role that CloudFormation works with. */
  readonly executionRoleArn?: string;
}

/** For stacks that are not bound to an environment. */
export interface Defaults {
  readonly account: string;
  readonly region: string;
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
    readonly cloudFormationExecutionRoleArn?: string;
  };
}

type Artifacts = Readonly<Record<string, Artifact>>;

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

/** A stack and where it stands. */
interface Located {
  readonly id: string;
  readonly name: string;
  readonly directory: string;
  readonly artifact: Artifact;
  readonly artifacts: Artifacts;
}

function requireFile(file: string): void {
  if (!existsSync(file)) {
    throw new Error(`${file} does not exist: run cdk synth again`);
  }
}

/** @throws Error that names the file, if it does not exist or has no JSON object */
function readObject(file: string): object {
  requireFile(file);
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isObject(content)) {
      return content;
    }
  } catch (error) {
    throw new Error(`${file} can not be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  throw new Error(`${file} must have a JSON object: run cdk synth again`);
}

/** A template in an assembly, of a stack or of one that is nested in it. */
export interface TemplateFile {
  /** Of the stack, or what the CDK calls the nested one. */
  readonly name: string;
  readonly template: Template;
}

const NESTED = '.nested.template.json';

/**
 * Every template of an assembly and of those nested in it.
 *
 * @throws Error that names the file, if one of the templates can't be read or an asset does not exist
 */
export function readTemplates(directory: string): TemplateFile[] {
  return locate(directory).flatMap((located) => {
    const template = { name: located.name, template: templateOf(located) };
    const files = manifestsOf(located)
      .flatMap((manifest) => Object.values(manifest.files ?? {}))
      .flatMap(({ source }) => (source.path === undefined ? [] : [path.join(located.directory, source.path)]));
    files.forEach(requireFile);
    const nested = files
      .filter((file) => file.endsWith(NESTED))
      .map((file) => ({ name: path.basename(file, NESTED), template: readObject(file) }));
    return [template, ...nested];
  });
}

/** Every stack of an assembly and of those nested in it, each after those that it depends on. */
export function readStacks(directory: string, defaults: Defaults): StackArtifact[] {
  return locate(directory).map((located) => artifactOf(located, defaults));
}

/** Finds a stack by its name or its artifact id, in an assembly or in those nested in it. */
export function readStack(directory: string, stackName: string, defaults: Defaults): StackArtifact {
  const all = locate(directory);
  const found = all.find(({ id, name }) => name === stackName || id === stackName);
  if (!found) {
    const known = all.map(({ name }) => name).join(', ');
    throw new Error(`no stack ${stackName} in the cloud assembly ${directory}: it has ${known || 'none'}`);
  }
  return artifactOf(found, defaults);
}

/** A nested assembly is deployed as a whole: what depends on it, or it on, is in the assembly around it. */
function locate(directory: string): Located[] {
  const file = path.join(directory, 'manifest.json');
  if (!existsSync(file)) {
    throw new Error(`${directory} is no cloud assembly: it has no manifest.json; run cdk synth first`);
  }
  const { artifacts = {} } = readObject(file) as { artifacts?: Artifacts };
  const located: Located[] = [];
  const visited = new Set<string>();
  const visit = (id: string, dependents: readonly string[]): void => {
    const artifact = artifacts[id];
    if (dependents.includes(id)) {
      throw new Error(`artifacts of ${directory} depend on each other: ${[...dependents, id].join(' on ')}`);
    }
    if (artifact === undefined || visited.has(id)) {
      return;
    }
    (artifact.dependencies ?? []).forEach((dependency) => {
      visit(dependency, [...dependents, id]);
    });
    visited.add(id);
    if (artifact.type === 'aws:cloudformation:stack') {
      located.push({ id, name: artifact.properties?.stackName ?? id, directory, artifact, artifacts });
    } else if (artifact.type === 'cdk:cloud-assembly') {
      located.push(...locate(path.join(directory, artifact.properties?.directoryName ?? '')));
    }
  };
  Object.keys(artifacts).forEach((id) => {
    visit(id, []);
  });
  return located;
}

const templateOf = ({ directory, artifact }: Located): Template =>
  readObject(path.join(directory, artifact.properties?.templateFile ?? ''));

const manifestsOf = ({ directory, artifact, artifacts }: Located): AssetManifest[] =>
  (artifact.dependencies ?? [])
    .map((id) => artifacts[id])
    .filter((dependency) => dependency?.type === 'cdk:asset-manifest')
    .map((dependency) => readObject(path.join(directory, dependency?.properties?.file ?? '')));

function artifactOf(located: Located, defaults: Defaults): StackArtifact {
  const { name, directory, artifact } = located;
  const [account, region] = (artifact.environment ?? '').replace('aws://', '').split('/');
  const manifests = manifestsOf(located);
  const executionRoleArn = artifact.properties?.cloudFormationExecutionRoleArn;
  return {
    stackName: name,
    account: !account || account === 'unknown-account' ? defaults.account : account,
    region: !region || region === 'unknown-region' ? defaults.region : region,
    template: templateOf(located),
    parameters: artifact.properties?.parameters ?? {},
    ...(executionRoleArn === undefined ? {} : { executionRoleArn }),
    assetDirectory: (objectKey) => {
      const { packaging, file } = findAsset(directory, manifests, objectKey);
      if (packaging !== 'zip') {
        throw new Error(`the asset ${file} is not a directory: only directories can be run as a function's code`);
      }
      return file;
    },
    assetTemplate: (objectKey) => readObject(findAsset(directory, manifests, objectKey).file),
  };
}

function findAsset(
  directory: string,
  manifests: readonly AssetManifest[],
  objectKey: string,
): { readonly packaging: string | undefined; readonly file: string } {
  const assets = manifests.flatMap((manifest) => Object.values(manifest.files ?? {}));
  const asset = assets.find(({ destinations }) =>
    Object.values(destinations).some((destination) => destination.objectKey === objectKey),
  );
  if (asset?.source.path === undefined) {
    throw new Error(`no file asset of the stack is published as ${objectKey}`);
  }
  return { packaging: asset.source.packaging, file: path.join(directory, asset.source.path) };
}

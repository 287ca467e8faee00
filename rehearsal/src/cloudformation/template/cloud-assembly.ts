import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  AssetManifestArtifact,
  CloudAssembly,
  CloudFormationStackArtifact,
  NestedCloudAssemblyArtifact,
  UNKNOWN_ACCOUNT,
  UNKNOWN_REGION,
} from '@aws-cdk/cloud-assembly-api';
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

type FileAsset = NonNullable<AssetManifestArtifact['contents']['files']>[string];

function requireFile(file: string): void {
  if (!existsSync(file)) {
    throw new Error(`${file} does not exist: run cdk synth again`);
  }
}

/** @throws Error that names the file, if it does not exist or has no JSON object */
function readObject(file: string): object {
  requireFile(file);
  const content = naming(file, (): unknown => JSON.parse(readFileSync(file, 'utf8')));
  if (!isObject(content)) {
    throw new Error(`${file} must have a JSON object: run cdk synth again`);
  }
  return content;
}

/** What `read` gives. @throws Error that names the file */
function naming<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`${file} can not be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
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
  return stacksOf(directory).flatMap((stack) => {
    const template = { name: stack.stackName, template: readObject(stack.templateFullPath) };
    const files = assetsOf(stack).flatMap((asset) => fileOf(stack, asset) ?? []);
    files.forEach(requireFile);
    const nested = files
      .filter((file) => file.endsWith(NESTED))
      .map((file) => ({ name: path.basename(file, NESTED), template: readObject(file) }));
    return [template, ...nested];
  });
}

/** Every stack of an assembly and of those nested in it, each after those that it depends on. */
export function readStacks(directory: string, defaults: Defaults): StackArtifact[] {
  return stacksOf(directory).map((stack) => artifactOf(stack, defaults));
}

/** Finds a stack by its name or its artifact id, in an assembly or in those nested in it. */
export function readStack(directory: string, stackName: string, defaults: Defaults): StackArtifact {
  const all = stacksOf(directory);
  const found = all.find((stack) => stack.stackName === stackName || stack.id === stackName);
  if (!found) {
    const known = all.map((stack) => stack.stackName).join(', ');
    throw new Error(`no stack ${stackName} in the cloud assembly ${directory}: it has ${known || 'none'}`);
  }
  return artifactOf(found, defaults);
}

/** A nested assembly is deployed as a whole: what depends on it, or it on, is in the assembly around it. */
function stacksOf(directory: string): CloudFormationStackArtifact[] {
  const file = path.join(directory, 'manifest.json');
  if (!existsSync(file)) {
    throw new Error(`${directory} is no cloud assembly: it has no manifest.json; run cdk synth first`);
  }
  // the CDK's reader would quote the whole of a file that is not JSON
  readObject(file);
  const { artifacts } = naming(file, () => new CloudAssembly(directory, { skipVersionCheck: true }));
  return artifacts.flatMap((artifact) => {
    if (NestedCloudAssemblyArtifact.isNestedCloudAssemblyArtifact(artifact)) {
      return stacksOf(artifact.fullPath);
    }
    return CloudFormationStackArtifact.isCloudFormationStackArtifact(artifact) ? [artifact] : [];
  });
}

const assetsOf = (stack: CloudFormationStackArtifact): FileAsset[] =>
  stack.dependencies
    .filter((dependency) => AssetManifestArtifact.isAssetManifestArtifact(dependency))
    .flatMap(({ file }) => Object.values((readObject(file) as AssetManifestArtifact['contents']).files ?? {}));

/** Undefined where the asset is made by a command. */
const fileOf = ({ assembly }: CloudFormationStackArtifact, { source }: FileAsset): string | undefined =>
  source.path === undefined ? undefined : path.join(assembly.directory, source.path);

function artifactOf(stack: CloudFormationStackArtifact, defaults: Defaults): StackArtifact {
  const { account, region } = stack.environment;
  const { cloudFormationExecutionRoleArn: executionRoleArn } = stack;
  const assets = assetsOf(stack);
  const find = (objectKey: string): { readonly file: string; readonly packaging: string | undefined } => {
    const asset = assets.find(({ destinations }) =>
      Object.values(destinations).some((destination) => destination.objectKey === objectKey),
    );
    const file = asset && fileOf(stack, asset);
    if (file === undefined) {
      throw new Error(`no file asset of the stack is published as ${objectKey}`);
    }
    return { file, packaging: asset?.source.packaging };
  };
  return {
    stackName: stack.stackName,
    account: account === UNKNOWN_ACCOUNT ? defaults.account : account,
    region: region === UNKNOWN_REGION ? defaults.region : region,
    template: readObject(stack.templateFullPath),
    parameters: stack.parameters,
    ...(executionRoleArn === undefined ? {} : { executionRoleArn }),
    assetDirectory: (objectKey) => {
      const { packaging, file } = find(objectKey);
      if (packaging !== 'zip') {
        throw new Error(`the asset ${file} is not a directory: only directories can be run as a function's code`);
      }
      return file;
    },
    assetTemplate: (objectKey) => readObject(find(objectKey).file),
  };
}

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

/** Finds the files of a stack's assets. */
export interface Assets {
  /** The directory whose zip file has this object key in the staging bucket. */
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
  /** The role that CloudFormation assumes for the stack. */
  readonly executionRoleArn?: string;
}

/** The environment of stacks that do not specify one. */
export interface DefaultEnvironment {
  readonly account: string;
  readonly region: string;
}

type FileAsset = NonNullable<AssetManifestArtifact['contents']['files']>[string];

function requireFile(file: string): void {
  if (!existsSync(file)) {
    throw new Error(`${file} does not exist: run cdk synth again`);
  }
}

/** @throws Error that names the file, if it does not exist or does not contain a JSON object */
function readObject(file: string): object {
  requireFile(file);
  const content = withFileName(file, (): unknown => JSON.parse(readFileSync(file, 'utf8')));
  if (!isObject(content)) {
    throw new Error(`${file} is not a JSON object: run cdk synth again`);
  }
  return content;
}

/** Returns the result of `read`. Adds the name of the file to its errors. */
function withFileName<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** The template of a stack or of a nested stack. */
export interface TemplateFile {
  /** The name of the stack. For a nested stack, the name that the CDK gives its template file. */
  readonly name: string;
  readonly template: Template;
}

const NESTED_TEMPLATE_SUFFIX = '.nested.template.json';

/**
 * Reads all templates of an assembly and its nested assemblies.
 *
 * @throws Error that names the file, if a template can't be read or an asset does not exist
 */
export function readTemplates(directory: string): TemplateFile[] {
  return stacksOf(directory).flatMap((stack) => {
    const template = { name: stack.stackName, template: readObject(stack.templateFullPath) };
    const files = assetsOf(stack).flatMap((asset) => fileOf(stack, asset) ?? []);
    files.forEach(requireFile);
    const nestedTemplates = files
      .filter((file) => file.endsWith(NESTED_TEMPLATE_SUFFIX))
      .map((file) => ({ name: path.basename(file, NESTED_TEMPLATE_SUFFIX), template: readObject(file) }));
    return [template, ...nestedTemplates];
  });
}

/** Reads all stacks of an assembly and its nested assemblies. Each stack follows the stacks that it depends on. */
export function readStacks(directory: string, defaults: DefaultEnvironment): StackArtifact[] {
  return stacksOf(directory).map((stack) => artifactOf(stack, defaults));
}

/** Finds a stack by its name or artifact id, in an assembly or its nested assemblies. */
export function readStack(directory: string, stackName: string, defaults: DefaultEnvironment): StackArtifact {
  const stacks = stacksOf(directory);
  const stack = stacks.find((stack) => stack.stackName === stackName || stack.id === stackName);
  if (!stack) {
    const names = stacks.map((stack) => stack.stackName).join(', ');
    throw new Error(`no stack ${stackName} in the cloud assembly ${directory}: it has ${names || 'no stacks'}`);
  }
  return artifactOf(stack, defaults);
}

/**
 * Lists the stacks of an assembly and its nested assemblies in the order of deployment. A nested assembly is one artifact of its
 * parent assembly: all its stacks are deployed after the artifacts that it depends on.
 */
function stacksOf(directory: string): CloudFormationStackArtifact[] {
  const file = path.join(directory, 'manifest.json');
  if (!existsSync(file)) {
    throw new Error(`${directory} is not a cloud assembly: manifest.json not found; run cdk synth first`);
  }
  // report invalid JSON here: the error of the CDK's reader contains the whole file
  readObject(file);
  const { artifacts } = withFileName(file, () => new CloudAssembly(directory, { skipVersionCheck: true }));
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

/** The file or directory of an asset. Undefined if a command creates the asset. */
const fileOf = ({ assembly }: CloudFormationStackArtifact, { source }: FileAsset): string | undefined =>
  source.path === undefined ? undefined : path.join(assembly.directory, source.path);

function artifactOf(stack: CloudFormationStackArtifact, defaults: DefaultEnvironment): StackArtifact {
  const { account, region } = stack.environment;
  const { cloudFormationExecutionRoleArn: executionRoleArn } = stack;
  const assets = assetsOf(stack);
  const findAsset = (objectKey: string): { readonly file: string; readonly packaging: string | undefined } => {
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
      const { packaging, file } = findAsset(objectKey);
      if (packaging !== 'zip') {
        throw new Error(`the asset ${file} is not a directory: only directories can be run as a function's code`);
      }
      return file;
    },
    assetTemplate: (objectKey) => readObject(findAsset(objectKey).file),
  };
}

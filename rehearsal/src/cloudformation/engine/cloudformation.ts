import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { InventoryPart } from '../../aws/inventory';
import { arnOf } from '../../aws/partitions';
import type { AccountAndRegion } from '../../aws/service';
import type { Journal } from '../../journal';
import type { RehearsalClock } from '../../time/clock';
import { readStack, readStacks, type DefaultEnvironment, type StackArtifact } from '../template/cloud-assembly';
import { resolveDynamicReferences } from '../template/dynamic-references';
import { parametersOf } from '../template/parameters';
import { isObject, type Template } from '../template/template';
import { transformsOf, validateTemplate } from '../template/validation';
import { ResourceTypes, type TypeOptions } from '../types/index';
import { nestedStackType, type NestedStacks } from '../types/nested-stack';
import type { ResourceRequest } from '../types/resource-type';
import { Deletion } from './deletion';
import { Deployment, type OnFailure, type DeploymentTarget } from './deployment';
import { Plan } from './plan';
import { Stack, type NamedStackResult, type Resource, type StackDescription, type StackResult } from './stack';
import { StackOperation, type NextDeletion, type Services } from './stack-operation';
import { StackOutputs } from './stack-outputs';
import { Stacks } from './stacks';

export type { OnFailure } from './deployment';
export type { NextDeletion } from './stack-operation';
export type { NamedStackResult, Resource, StackDescription, StackResult } from './stack';
export { ResourceFailure, type ResourceType } from '../types/resource-type';

interface CloudFormationOptions extends TypeOptions {
  readonly clock: RehearsalClock;
  readonly journal: Journal;
  readonly defaults: DefaultEnvironment;
  /** Chooses the order in which resources are deleted, one at a time. @default - independent resources are deleted in parallel */
  readonly nextDeletion?: NextDeletion | undefined;
}

interface DeployOptions {
  /** @default 'roll back' */
  readonly onFailure?: OnFailure;
}

/** The options for creating a stack. `canceled` and `onPhysicalId` are for nested stacks. */
interface CreateOptions extends Partial<Pick<ResourceRequest, 'canceled' | 'onPhysicalId'>> {
  readonly onFailure?: OnFailure | undefined;
}

/** The statuses after a successful deployment. */
const DEPLOYED_STATUSES = ['CREATE_COMPLETE', 'UPDATE_COMPLETE'];
/** The statuses after a failed deployment without rollback. The next deployment continues where the failed one stopped. */
const FAILED_WITHOUT_ROLLBACK_STATUSES = ['CREATE_FAILED', 'UPDATE_FAILED'];
const UPDATABLE_STATUSES = [...DEPLOYED_STATUSES, ...FAILED_WITHOUT_ROLLBACK_STATUSES, 'UPDATE_ROLLBACK_COMPLETE'];

/** CloudFormation: creates, updates and deletes the stacks of cloud assemblies. */
export class CloudFormation implements NestedStacks {
  readonly types: ResourceTypes;
  private readonly stacks = new Stacks();
  /** The last update of each stack, for `continueUpdateRollback`. */
  private readonly lastUpdates = new WeakMap<Stack, Deployment>();
  private readonly services: Services;

  constructor(private readonly options: CloudFormationOptions) {
    this.types = new ResourceTypes(options);
    this.types.register('AWS::CloudFormation::Stack', nestedStackType(this));
    const { clock, journal, notUnderstood, nextDeletion } = options;
    this.services = { clock, journal, notUnderstood, types: this.types, nameCounts: new Map(), nextDeletion };
  }

  /** Creates or updates the stack. Throws before changing anything if the template is invalid or the stack can't be updated. */
  async deploy(assemblyDirectory: string, stackName: string, options: DeployOptions = {}): Promise<StackResult> {
    return (await this.deployArtifact(readStack(assemblyDirectory, stackName, this.options.defaults), options)).result();
  }

  /**
   * Deploys all stacks of an assembly and its nested assemblies, in the order of their dependencies. Stops at the first failure.
   *
   * @returns the result of each stack that was deployed
   */
  async deployAll(assemblyDirectory: string): Promise<NamedStackResult[]> {
    const results: NamedStackResult[] = [];
    for (const artifact of readStacks(assemblyDirectory, this.options.defaults)) {
      const stack = await this.deployArtifact(artifact);
      results.push({ ...stack.identity, ...stack.result() });
      if (!DEPLOYED_STATUSES.includes(stack.status)) {
        break;
      }
    }
    return results;
  }

  /** Continues a rollback. Throws unless the stack is in UPDATE_ROLLBACK_FAILED. */
  async continueUpdateRollback(stackName: string): Promise<StackResult> {
    const stack = this.stacks.get(stackName);
    const deployment = this.lastUpdates.get(stack);
    if (!deployment || stack.status !== 'UPDATE_ROLLBACK_FAILED') {
      throw new Error(`Stack ${stack.identity.id} is not in UPDATE_ROLLBACK_FAILED state: it is in ${stack.status}`);
    }
    await runExclusively(stack, () => deployment.continueRollback());
    return stack.result();
  }

  /** Deletes the stack. If the deletion fails, the remaining resources can be deleted with another call. */
  async delete(stackName: string): Promise<StackResult> {
    const stack = this.stacks.get(stackName);
    await runExclusively(stack, () => new Deletion(this.services, stack, this.stacks).run());
    return stack.result();
  }

  /** Deletes the existing stacks of an assembly, each before the stacks that it depends on. Stops at the first failure. */
  async deleteAll(assemblyDirectory: string): Promise<NamedStackResult[]> {
    const results: NamedStackResult[] = [];
    for (const artifact of readStacks(assemblyDirectory, this.options.defaults).reverse()) {
      const identity = this.stacks.findExisting(artifact)?.identity;
      if (identity) {
        const result = await this.delete(identity.id);
        results.push({ ...identity, ...result });
        if (result.status !== 'DELETE_COMPLETE') {
          break;
        }
      }
    }
    return results;
  }

  /** Describes the stack, also after its deletion. */
  describe(stackName: string): StackDescription {
    return this.stacks.get(stackName).describe();
  }

  /** Finds an existing stack of an account and Region by name or id. */
  find(stackName: string, place: AccountAndRegion): Stack | undefined {
    return this.stacks.findExisting({ stackName, account: place.account, region: place.region });
  }

  /** All stacks of an account and Region, including deleted ones. */
  list(place: AccountAndRegion): Stack[] {
    return this.stacks.list(place);
  }

  /** Existing stacks, their exports, and their resources that are accepted but not simulated. */
  inventory(): Pick<InventoryPart, 'stacks' | 'exports' | 'otherResources'> {
    return { ...this.stacks.inventory(), otherResources: this.types.otherResources() };
  }

  createNested(
    artifact: StackArtifact,
    { canceled, onPhysicalId }: Pick<ResourceRequest, 'canceled' | 'onPhysicalId'>,
  ): Promise<Stack> {
    return this.create(artifact, { canceled, onPhysicalId });
  }

  async beginUpdate(stackId: string, artifact: StackArtifact, canceled: Promise<void>): Promise<Deployment | undefined> {
    const stack = this.stacks.get(stackId);
    const deployment = this.prepareUpdate(stack, artifact);
    await deployment?.beginUpdate(canceled);
    return deployment;
  }

  private async deployArtifact(artifact: StackArtifact, { onFailure }: DeployOptions = {}): Promise<Stack> {
    const existingStack = this.stacks.findExisting(artifact);
    if (!existingStack) {
      return this.create(artifact, { onFailure });
    }
    if (!UPDATABLE_STATUSES.includes(existingStack.status)) {
      throw new Error(`Stack:${existingStack.identity.id} is in ${existingStack.status} state and can not be updated.`);
    }
    await runExclusively(existingStack, async () => {
      const deployment = this.prepareUpdate(existingStack, artifact);
      await deployment?.beginUpdate();
      await deployment?.finishUpdate();
      if (deployment) {
        this.lastUpdates.set(existingStack, deployment);
      }
    });
    return existingStack;
  }

  private async create(artifact: StackArtifact, { canceled, onPhysicalId, onFailure }: CreateOptions): Promise<Stack> {
    const { stackName: name, account, region } = artifact;
    const hash = createHash('sha256').update(`${account}/${region}/${name}/${this.stacks.count}`).digest('hex');
    const guid = [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20, 32)].join('-');
    const id = arnOf({ account, region }, 'cloudformation', `stack/${name}/${guid}`);
    const stack = new Stack({ name, id, account, region }, artifact, this.options.clock.now());
    const deployment = this.prepareDeployment(stack, artifact, onFailure);
    this.stacks.add(stack);
    onPhysicalId?.(id);
    await runExclusively(stack, () => deployment.create(canceled));
    return stack;
  }

  /** @returns undefined if nothing changes */
  private prepareUpdate(stack: Stack, artifact: StackArtifact): Deployment | undefined {
    const values = parametersOf(artifact, this.options.parameterStore);
    const isUnchanged = isDeepStrictEqual([stack.artifact.template, stack.parameters], [artifact.template, values]);
    if (isUnchanged && !FAILED_WITHOUT_ROLLBACK_STATUSES.includes(stack.status)) {
      this.options.journal.write('cloudformation', stack.identity.name, 'No updates are to be performed.');
      return undefined;
    }
    const resourcesWithChangedType = [...stack.resources.values()].filter(
      ({ logicalId, type }) => type !== (artifact.template.Resources?.[logicalId]?.Type ?? type),
    );
    if (resourcesWithChangedType.length > 0) {
      const names = resourcesWithChangedType.map(({ logicalId }) => logicalId).join(', ');
      throw new Error(
        `Update of resource type is not permitted. The new template modifies resource type of the following resources: [${names}]`,
      );
    }
    return this.prepareDeployment(stack, artifact);
  }

  private prepareDeployment(stack: Stack, artifact: StackArtifact, onFailure?: OnFailure): Deployment {
    const { clock, iam, parameterStore: store } = this.options;
    this.validate(artifact.template);
    const parameters = parametersOf(artifact, store);
    const outputs = new StackOutputs(this.stacks, iam, stack.identity, artifact.executionRoleArn);
    const plan = new Plan({
      artifact,
      parameters,
      stack: stack.identity,
      resources: stack.resources,
      exportsOf: (account, region) => this.stacks.exports(account, region),
      readStackOutput: (reference) => outputs.read(reference),
      resolveDynamicReferences: (value) => resolveDynamicReferences(value, stack.identity, store),
      missingAttributeValue: (resource, attribute) => this.missingAttributeValue(stack, resource, attribute),
    });
    const target: DeploymentTarget = {
      artifact,
      parameters,
      checkOutputPermissions: () => clock.work(() => outputs.checkPermissions(plan.outputReferences())),
      requireNoExportConflict: (values) => {
        this.stacks.requireNoExportConflict(stack, values);
      },
    };
    return new Deployment(this.services, stack, plan, target, onFailure);
  }

  private validate(template: Template): void {
    const { notUnderstood } = this.options;
    const transforms = transformsOf(template);
    if (transforms.length > 0) {
      transforms.forEach((name) => {
        notUnderstood.note(`the transform ${name}: templates with transforms are refused`);
      });
      throw new Error(`template transforms are not simulated: got ${transforms.join(', ')}`);
    }
    Object.keys(template.Rules ?? {})
      // the simulated bootstrap stack is always recent enough
      .filter((name) => name !== 'CheckBootstrapVersion')
      .forEach((name) => {
        notUnderstood.note(`the rule ${name}: rules of templates are not evaluated`);
      });
    this.noteUnknownTypes(template);
    validateTemplate(template, this.types);
    this.noteIgnoredFeatures(template);
  }

  /** Notes unknown AWS resource types: they may be newer than the rehearsal. Before the validation, a resource may be no object. */
  private noteUnknownTypes({ Resources = {} }: Template): void {
    for (const resource of Object.values<unknown>(Resources)) {
      const type = isObject(resource) ? resource.Type : undefined;
      if (typeof type === 'string' && type.startsWith('AWS::') && !this.types.recognizes(type)) {
        this.options.notUnderstood.note(`${type}: unknown resource type, so templates with it are refused`);
      }
    }
  }

  /** Notes the template features that are ignored. */
  private noteIgnoredFeatures({ Hooks = {}, Parameters = {}, Resources = {} }: Template): void {
    const { notUnderstood } = this.options;
    for (const { Type } of Object.values(Parameters)) {
      // also finds the type in `List<…>` and `AWS::SSM::Parameter::Value<…>`
      const [type] = /AWS::(?!SSM::Parameter::Value)[\w:]+/.exec(Type) ?? [];
      if (type !== undefined) {
        notUnderstood.note(`parameters of the type ${type}: the existence of the named resources is not checked`);
      }
    }
    Object.keys(Hooks).forEach((name) => {
      notUnderstood.note(`the hook ${name}: hooks of templates are not invoked`);
    });
    for (const { Type, CreationPolicy, UpdatePolicy, DeletionPolicy, UpdateReplacePolicy } of Object.values(Resources)) {
      if (CreationPolicy !== undefined) {
        notUnderstood.note(`CreationPolicy of ${Type}: ignored, no signals are awaited`);
      }
      if (UpdatePolicy !== undefined) {
        notUnderstood.note(`UpdatePolicy of ${Type}: ignored during updates`);
      }
      if ([DeletionPolicy, UpdateReplacePolicy].includes('Snapshot')) {
        notUnderstood.note(`snapshots of ${Type}: not created`);
      }
    }
  }

  /** The value of `Fn::GetAtt` for an attribute that the resource did not return. */
  private missingAttributeValue(stack: Stack, resource: Resource, attribute: string): unknown {
    const type = this.types.find(resource.type);
    if (!type.missingAttributeValue) {
      throw new Error(`Requested attribute ${attribute} does not exist in schema for ${resource.type}`);
    }
    return type.missingAttributeValue(new StackOperation(this.services, stack).existingResource(resource), attribute);
  }
}

/** Runs `operation` on a stack. Throws if another operation on the stack is in progress. */
async function runExclusively(stack: Stack, operation: () => Promise<void>): Promise<void> {
  if (stack.isBusy) {
    throw new Error(`Stack:${stack.identity.id} is in ${stack.status} state and can not be updated.`);
  }
  stack.isBusy = true;
  try {
    await operation();
  } finally {
    stack.isBusy = false;
  }
}

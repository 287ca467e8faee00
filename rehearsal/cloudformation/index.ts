import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { RehearsalClock } from '../clock';
import type { Journal } from '../journal';
import { readStack, type StackArtifact } from './assembly';
import { Deployment } from './deployment';
import { runInOrder } from './graph';
import { textOf } from './intrinsics';
import { dependents, Operator, type Services } from './operator';
import { Plan } from './plan';
import { Stack, type Outputs, type Resource, type StackDescription, type StackResult } from './stack';
import { ResourceTypes, type TypeOptions } from './types/index';

export type { Resource, StackDescription, StackResult } from './stack';
export { ResourceFailure, type ResourceType } from './resource-type';

export interface CloudFormationOptions extends TypeOptions {
  readonly clock: RehearsalClock;
  readonly journal: Journal;
  /** For stacks that are not bound to an environment. */
  readonly defaults: { readonly account: string; readonly region: string };
}

const UPDATABLE = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'];

/** CloudFormation: takes the stacks of a cloud assembly through their life. */
export class CloudFormation {
  readonly types: ResourceTypes;
  private readonly stacks: Stack[] = [];
  private readonly services: Services;

  constructor(private readonly options: CloudFormationOptions) {
    this.types = new ResourceTypes(options);
    this.services = { clock: options.clock, journal: options.journal, types: this.types, generated: new Map() };
  }

  /** Creates the stack, or updates it. Throws, before anything happens, where the template or the state of the stack forbids it. */
  async deploy(assemblyDirectory: string, stackName: string): Promise<StackResult> {
    const artifact = readStack(assemblyDirectory, stackName, this.options.defaults);
    const existing = this.stacks.find(
      ({ identity, status }) =>
        identity.name === artifact.stackName &&
        identity.account === artifact.account &&
        identity.region === artifact.region &&
        status !== 'DELETE_COMPLETE',
    );
    return existing ? this.update(existing, artifact) : this.create(artifact);
  }

  /** Deletes the stack; what could not be deleted stays, and can be deleted again. */
  async delete(stackName: string): Promise<StackResult> {
    const stack = this.find(stackName);
    const operator = new Operator(this.services, stack);
    await exclusively(stack, async () => {
      const user = Object.keys(stack.outputs.exports).flatMap((name) =>
        this.importers(stack, name).map((other) => ({ name, other })),
      )[0];
      if (user) {
        operator.stackStatus(
          'DELETE_FAILED',
          `Export ${user.name} cannot be deleted as it is in use by ${user.other.identity.name}`,
        );
        return;
      }
      operator.stackStatus('DELETE_IN_PROGRESS');
      const failed: string[] = [];
      const all = [...stack.resources.values()];
      await runInOrder(
        all,
        (resource) => dependents(resource, all),
        async (resource) => {
          const deleted = await operator.delete(resource, resource.deletionPolicy.startsWith('Retain'));
          if (deleted) {
            stack.resources.delete(resource.logicalId);
          } else {
            stack.resources.set(resource.logicalId, { ...resource, status: 'DELETE_FAILED' });
            failed.push(resource.logicalId);
          }
          return deleted;
        },
      );
      if (failed.length > 0) {
        operator.stackStatus('DELETE_FAILED', `The following resource(s) failed to delete: [${failed.join(', ')}].`);
      } else {
        stack.outputs = { values: {}, exports: {} };
        stack.imports = new Set();
        operator.stackStatus('DELETE_COMPLETE');
      }
    });
    return stack.result();
  }

  /** The stack as it stands, also after it was deleted. */
  describe(stackName: string): StackDescription {
    return this.find(stackName).describe();
  }

  private async create(artifact: StackArtifact): Promise<StackResult> {
    const { stackName: name, account, region } = artifact;
    const hash = createHash('sha256').update(`${account}/${region}/${name}/${this.stacks.length}`).digest('hex');
    const guid = [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20, 32)].join('-');
    const id = `arn:aws:cloudformation:${region}:${account}:stack/${name}/${guid}`;
    const stack = new Stack({ name, id, account, region }, artifact);
    const deployment = this.plan(stack, artifact);
    this.stacks.push(stack);
    await exclusively(stack, () => deployment.create());
    return stack.result();
  }

  private async update(stack: Stack, artifact: StackArtifact): Promise<StackResult> {
    if (!stack.busy && !UPDATABLE.includes(stack.status)) {
      throw new Error(`Stack:${stack.identity.id} is in ${stack.status} state and can not be updated.`);
    }
    await exclusively(stack, async () => {
      const { template, parameters } = stack.artifact;
      if (isDeepStrictEqual([template, parameters], [artifact.template, artifact.parameters])) {
        this.options.journal.write('cloudformation', stack.identity.name, 'No updates are to be performed.');
        return;
      }
      const retyped = [...stack.resources.values()].filter(
        ({ logicalId, type }) => type !== (artifact.template.Resources?.[logicalId]?.Type ?? type),
      );
      if (retyped.length > 0) {
        const names = retyped.map(({ logicalId }) => logicalId).join(', ');
        throw new Error(
          `Update of resource type is not permitted. The new template modifies resource type of the following resources: [${names}]`,
        );
      }
      const deployment = this.plan(stack, artifact);
      const previous = stack.artifact;
      stack.artifact = artifact;
      await deployment.update();
      if (stack.status !== 'UPDATE_COMPLETE') {
        stack.artifact = previous;
      }
    });
    return stack.result();
  }

  private plan(stack: Stack, artifact: StackArtifact): Deployment {
    const plan = new Plan({
      artifact,
      stack: stack.identity,
      resources: stack.resources,
      exportsOf: (account, region) => this.exports(account, region),
      missingAttribute: (resource, attribute) => this.missingAttribute(stack, resource, attribute),
    });
    return new Deployment(this.services, stack, plan, (outputs) => {
      this.checkExports(stack, outputs);
    });
  }

  private missingAttribute(stack: Stack, resource: Resource, attribute: string): unknown {
    const type = this.types.find(resource.type);
    if (!type.missingAttribute) {
      throw new Error(`Requested attribute ${attribute} does not exist in schema for ${resource.type}`);
    }
    return type.missingAttribute(new Operator(this.services, stack).existing(resource), attribute);
  }

  private find(stackName: string): Stack {
    const found = this.stacks.filter(({ identity }) => identity.name === stackName || identity.id === stackName);
    const alive = found.filter(({ status }) => status !== 'DELETE_COMPLETE');
    const stack = alive[0] ?? found.at(-1);
    if (!stack) {
      throw new Error(`Stack with id ${stackName} does not exist`);
    }
    if (alive.length > 1) {
      throw new Error(
        `${stackName} exists in several environments: give the id, one of ${alive.map(({ identity }) => identity.id).join(', ')}`,
      );
    }
    return stack;
  }

  private neighbours({ identity }: Stack): Stack[] {
    return this.stacks.filter(
      (other) =>
        other.identity !== identity && other.identity.account === identity.account && other.identity.region === identity.region,
    );
  }

  private exports(account: string, region: string): ReadonlyMap<string, unknown> {
    const stacks = this.stacks.filter(({ identity }) => identity.account === account && identity.region === region);
    return new Map(stacks.flatMap(({ outputs }) => Object.entries(outputs.exports)));
  }

  private importers(stack: Stack, name: string): Stack[] {
    return this.neighbours(stack).filter(({ imports }) => imports.has(name));
  }

  private checkExports(stack: Stack, { exports }: Outputs): void {
    for (const [name, value] of Object.entries(stack.outputs.exports)) {
      const [user] = this.importers(stack, name);
      if (user && textOf(exports[name]) !== textOf(value)) {
        const change = name in exports ? 'updated' : 'deleted';
        throw new Error(`Export ${name} cannot be ${change} as it is in use by ${user.identity.name}`);
      }
    }
    for (const name of Object.keys(exports)) {
      const owner = this.neighbours(stack).find(({ outputs }) => name in outputs.exports);
      if (owner) {
        throw new Error(`Export with name ${name} is already exported by stack ${owner.identity.name}.`);
      }
    }
  }
}

/** One operation at a time on a stack. */
async function exclusively(stack: Stack, operation: () => Promise<void>): Promise<void> {
  if (stack.busy) {
    throw new Error(`Stack:${stack.identity.id} is in ${stack.status} state and can not be updated.`);
  }
  stack.busy = true;
  try {
    await operation();
  } finally {
    stack.busy = false;
  }
}

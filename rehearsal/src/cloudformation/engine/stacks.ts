import type { InventoryPart } from '../../aws/inventory';
import type { Place } from '../../aws/service';
import type { StackArtifact } from '../template/cloud-assembly';
import { textOf } from '../template/intrinsics';
import type { Outputs, Stack } from './stack';

/** All stacks, including deleted ones, and their exports. */
export class Stacks {
  private readonly all: Stack[] = [];

  get count(): number {
    return this.all.length;
  }

  add(stack: Stack): void {
    this.all.push(stack);
  }

  /** Finds a stack by name or id. If all stacks of that name are deleted, returns the last one. */
  get(stackName: string): Stack {
    const found = this.all.filter(({ identity }) => identity.name === stackName || identity.id === stackName);
    const existing = found.filter(exists);
    const stack = existing[0] ?? found.at(-1);
    if (!stack) {
      throw new Error(`Stack with id ${stackName} does not exist`);
    }
    if (existing.length > 1) {
      throw new Error(
        `${stackName} exists in several environments: use one of the ids ${existing.map(({ identity }) => identity.id).join(', ')}`,
      );
    }
    return stack;
  }

  /** The existing stack of an artifact. */
  findExisting({ stackName, account, region }: Pick<StackArtifact, 'stackName' | 'account' | 'region'>): Stack | undefined {
    return this.all.find(
      (stack) =>
        (stack.identity.name === stackName || stack.identity.id === stackName) &&
        stack.identity.account === account &&
        stack.identity.region === region &&
        exists(stack),
    );
  }

  /** All stacks of an account and Region, including deleted ones. */
  list({ account, region }: Place): Stack[] {
    return this.all.filter(({ identity }) => identity.account === account && identity.region === region);
  }

  exports(account: string, region: string): ReadonlyMap<string, unknown> {
    return new Map(this.list({ account, region }).flatMap(({ outputs }) => Object.entries(outputs.exports)));
  }

  /** Existing stacks and their exports. */
  inventory(): Pick<InventoryPart, 'stacks' | 'exports'> {
    const existing = this.all.filter(exists);
    return {
      stacks: existing.map(({ identity: { account, region, name, id }, status }) => ({ account, region, name, id, status })),
      exports: existing.flatMap(({ identity: { account, region, name: stack }, outputs }) =>
        Object.entries(outputs.exports).map(([name, value]) => ({ account, region, stack, name, value })),
      ),
    };
  }

  importersOf(stack: Stack, name: string): Stack[] {
    return this.othersInEnvironment(stack).filter(({ imports }) => imports.has(name));
  }

  /** Throws if the new exports conflict with another stack, or another stack imports an export that changes. */
  checkExports(stack: Stack, { exports }: Outputs): void {
    for (const [name, value] of Object.entries(stack.outputs.exports)) {
      const [importer] = this.importersOf(stack, name);
      if (importer && textOf(exports[name]) !== textOf(value)) {
        const change = name in exports ? 'updated' : 'deleted';
        throw new Error(`Export ${name} cannot be ${change} as it is in use by ${importer.identity.name}`);
      }
    }
    for (const name of Object.keys(exports)) {
      const exporter = this.othersInEnvironment(stack).find(({ outputs }) => name in outputs.exports);
      if (exporter) {
        throw new Error(`Export with name ${name} is already exported by stack ${exporter.identity.name}.`);
      }
    }
  }

  private othersInEnvironment({ identity }: Stack): Stack[] {
    return this.all.filter(
      (other) =>
        other.identity !== identity && other.identity.account === identity.account && other.identity.region === identity.region,
    );
  }
}

const exists = ({ status }: Stack) => status !== 'DELETE_COMPLETE';

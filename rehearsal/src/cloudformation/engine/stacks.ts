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
  find(stackName: string): Stack {
    const found = this.all.filter(({ identity }) => identity.name === stackName || identity.id === stackName);
    const alive = found.filter(isAlive);
    const stack = alive[0] ?? found.at(-1);
    if (!stack) {
      throw new Error(`Stack with id ${stackName} does not exist`);
    }
    if (alive.length > 1) {
      throw new Error(
        `${stackName} exists in several environments: use one of the ids ${alive.map(({ identity }) => identity.id).join(', ')}`,
      );
    }
    return stack;
  }

  /** The existing stack of an artifact. */
  deployed({ stackName, account, region }: Pick<StackArtifact, 'stackName' | 'account' | 'region'>): Stack | undefined {
    return this.all.find(
      (stack) =>
        (stack.identity.name === stackName || stack.identity.id === stackName) &&
        stack.identity.account === account &&
        stack.identity.region === region &&
        isAlive(stack),
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
    const alive = this.all.filter(isAlive);
    return {
      stacks: alive.map(({ identity: { account, region, name, id }, status }) => ({ account, region, name, id, status })),
      exports: alive.flatMap(({ identity: { account, region, name: stack }, outputs }) =>
        Object.entries(outputs.exports).map(([name, value]) => ({ account, region, stack, name, value })),
      ),
    };
  }

  importers(stack: Stack, name: string): Stack[] {
    return this.neighbours(stack).filter(({ imports }) => imports.has(name));
  }

  /** Throws if the new exports conflict with another stack, or another stack imports an export that changes. */
  checkExports(stack: Stack, { exports }: Outputs): void {
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

  private neighbours({ identity }: Stack): Stack[] {
    return this.all.filter(
      (other) =>
        other.identity !== identity && other.identity.account === identity.account && other.identity.region === identity.region,
    );
  }
}

const isAlive = ({ status }: Stack) => status !== 'DELETE_COMPLETE';

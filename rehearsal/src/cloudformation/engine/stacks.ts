import type { InventoryPart } from '../../aws/inventory';
import type { AccountAndRegion } from '../../aws/service';
import type { StackArtifact } from '../template/cloud-assembly';
import { textOf } from '../template/intrinsics';
import type { Outputs, Stack } from './stack';

/** All stacks, including deleted ones, and their exports. */
export class Stacks {
  private readonly stacks: Stack[] = [];

  get count(): number {
    return this.stacks.length;
  }

  add(stack: Stack): void {
    this.stacks.push(stack);
  }

  /** Finds a stack by name or id. If all stacks of that name are deleted, returns the last one. */
  get(stackName: string): Stack {
    const matches = this.stacks.filter(({ identity }) => identity.name === stackName || identity.id === stackName);
    const existingMatches = matches.filter(exists);
    const stack = existingMatches[0] ?? matches.at(-1);
    if (!stack) {
      throw new Error(`Stack with id ${stackName} does not exist`);
    }
    if (existingMatches.length > 1) {
      throw new Error(
        `${stackName} exists in several environments: use one of the ids ${existingMatches.map(({ identity }) => identity.id).join(', ')}`,
      );
    }
    return stack;
  }

  /** Finds the existing stack with this name or id in an account and Region. */
  findExisting({ stackName, account, region }: Pick<StackArtifact, 'stackName' | 'account' | 'region'>): Stack | undefined {
    return this.stacks.find(
      (stack) =>
        (stack.identity.name === stackName || stack.identity.id === stackName) &&
        stack.identity.account === account &&
        stack.identity.region === region &&
        exists(stack),
    );
  }

  /** All stacks of an account and Region, including deleted ones. */
  list({ account, region }: AccountAndRegion): Stack[] {
    return this.stacks.filter(({ identity }) => identity.account === account && identity.region === region);
  }

  exports(account: string, region: string): ReadonlyMap<string, unknown> {
    return new Map(this.list({ account, region }).flatMap(({ outputs }) => Object.entries(outputs.exports)));
  }

  /** Existing stacks and their exports. */
  inventory(): Pick<InventoryPart, 'stacks' | 'exports'> {
    const existing = this.stacks.filter(exists);
    return {
      stacks: existing.map(({ identity: { account, region, name, id }, status }) => ({ account, region, name, id, status })),
      exports: existing.flatMap(({ identity: { account, region, name: stack }, outputs }) =>
        Object.entries(outputs.exports).map(([name, value]) => ({ account, region, stack, name, value })),
      ),
    };
  }

  /** Lists the stacks that import the export `name` of a stack. */
  importersOf(stack: Stack, name: string): Stack[] {
    return this.otherStacksInEnvironment(stack).filter(({ imports }) => imports.has(name));
  }

  /** Throws if another stack imports an export that changes or disappears, or already exports one of the new names. */
  requireNoExportConflict(stack: Stack, { exports }: Outputs): void {
    for (const [name, value] of Object.entries(stack.outputs.exports)) {
      const [importer] = this.importersOf(stack, name);
      if (importer && textOf(exports[name]) !== textOf(value)) {
        const change = name in exports ? 'updated' : 'deleted';
        throw new Error(`Export ${name} cannot be ${change} as it is in use by ${importer.identity.name}`);
      }
    }
    for (const name of Object.keys(exports)) {
      const exporter = this.otherStacksInEnvironment(stack).find(({ outputs }) => name in outputs.exports);
      if (exporter) {
        throw new Error(`Export with name ${name} is already exported by stack ${exporter.identity.name}.`);
      }
    }
  }

  private otherStacksInEnvironment({ identity }: Stack): Stack[] {
    return this.stacks.filter(
      (other) =>
        other.identity !== identity && other.identity.account === identity.account && other.identity.region === identity.region,
    );
  }
}

const exists = ({ status }: Stack) => status !== 'DELETE_COMPLETE';

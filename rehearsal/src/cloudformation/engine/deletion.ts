import type { Stack } from './stack';
import { StackOperation, type Services } from './stack-operation';
import type { Stacks } from './stacks';

/** The deletion of a stack. */
export class Deletion extends StackOperation {
  constructor(
    services: Services,
    stack: Stack,
    private readonly stacks: Stacks,
  ) {
    super(services, stack);
  }

  async run(): Promise<void> {
    const { stack } = this;
    const usedExport = Object.keys(stack.outputs.exports).flatMap((name) =>
      this.stacks.importersOf(stack, name).map((other) => ({ name, importer: other.identity.name })),
    )[0];
    if (usedExport) {
      const reason = `Export ${usedExport.name} cannot be deleted as it is in use by ${usedExport.importer}`;
      this.setStackStatus('DELETE_FAILED', reason);
      return;
    }
    this.setStackStatus('DELETE_IN_PROGRESS');
    const failed = await this.deleteResources();
    if (failed.length > 0) {
      this.setStackStatus('DELETE_FAILED', `The following resource(s) failed to delete: [${failed.join(', ')}].`);
    } else {
      stack.outputs = { values: {}, exports: {} };
      stack.imports = new Set();
      this.setStackStatus('DELETE_COMPLETE');
    }
  }

  /** @returns the logical ids of the resources that could not be deleted */
  private async deleteResources(): Promise<string[]> {
    const { resources } = this.stack;
    const failed: string[] = [];
    const all = [...resources.values()].map((resource) => ({ resource }));
    await this.deleteAll(all, async ({ resource }) => {
      const deleted = await this.delete(resource, resource.deletionPolicy.startsWith('Retain'));
      if (deleted) {
        resources.delete(resource.logicalId);
      } else {
        resources.set(resource.logicalId, { ...resource, status: 'DELETE_FAILED' });
        failed.push(resource.logicalId);
      }
      return deleted;
    });
    return failed;
  }
}

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
    const importedExport = Object.keys(stack.outputs.exports).flatMap((name) =>
      this.stacks.importersOf(stack, name).map((other) => ({ name, importer: other.identity.name })),
    )[0];
    if (importedExport) {
      const reason = `Export ${importedExport.name} cannot be deleted as it is in use by ${importedExport.importer}`;
      this.setStackStatus('DELETE_FAILED', reason);
      return;
    }
    this.setStackStatus('DELETE_IN_PROGRESS');
    const failedIds = await this.deleteResources();
    if (failedIds.length > 0) {
      this.setStackStatus('DELETE_FAILED', `The following resource(s) failed to delete: [${failedIds.join(', ')}].`);
    } else {
      stack.outputs = { values: {}, exports: {} };
      stack.imports = new Set();
      this.setStackStatus('DELETE_COMPLETE');
    }
  }

  /** @returns the logical ids of the resources that could not be deleted */
  private async deleteResources(): Promise<string[]> {
    const { resources } = this.stack;
    const failedIds: string[] = [];
    const items = [...resources.values()].map((resource) => ({ resource }));
    await this.deleteAll(items, async ({ resource }) => {
      // the deletion of a stack keeps resources with Retain and with RetainExceptOnCreate
      const isDeleted = await this.delete(resource, resource.deletionPolicy.startsWith('Retain'));
      if (isDeleted) {
        resources.delete(resource.logicalId);
      } else {
        resources.set(resource.logicalId, { ...resource, status: 'DELETE_FAILED' });
        failedIds.push(resource.logicalId);
      }
      return isDeleted;
    });
    return failedIds;
  }
}

import type { Deployment } from '../engine/deployment';
import type { Stack, StackResult } from '../engine/stack';
import type { StackArtifact } from '../template/cloud-assembly';
import { textOf } from '../template/intrinsics';
import { nestedProperties, requiredText } from './properties';
import { ResourceFailure, type ResourceOutcome, type ResourceRequest, type ResourceType } from './resource-type';

/** CloudFormation's operations on nested stacks. */
export interface NestedStacks {
  createNested(artifact: StackArtifact, request: Pick<ResourceRequest, 'canceled' | 'onPhysicalId'>): Promise<Stack>;
  /** Starts an update. The parent stack finishes it or rolls it back. @returns undefined if nothing changes */
  beginUpdate(stackId: string, artifact: StackArtifact, canceled: Promise<void>): Promise<Deployment | undefined>;
  delete(stackId: string): Promise<StackResult>;
}

/** The type of nested stacks. A nested stack is created, updated, rolled back and deleted with its parent stack. */
export function nestedStackType(stacks: NestedStacks): ResourceType {
  /** Updates that the parent stack has neither finished nor rolled back. */
  const pendingUpdates = new Map<string, Deployment>();
  return {
    create: async (request) => {
      const stack = await stacks.createNested(artifactOf(request, request.generateName()), request);
      const { id } = stack.identity;
      if (stack.status !== 'CREATE_COMPLETE') {
        throw new ResourceFailure(`Embedded stack ${id} was not successfully created: ${stack.reason ?? stack.status}`, id);
      }
      return outcomeOf(stack);
    },
    update: async (request) => {
      const { physicalId } = request;
      const pendingUpdate = pendingUpdates.get(physicalId);
      // if an update is still pending, the parent stack is rolling back, and this call must undo the pending update
      if (pendingUpdate) {
        await rollBack(pendingUpdate, physicalId);
        return outcomeOf(pendingUpdate.stack);
      }
      const deployment = await stacks.beginUpdate(physicalId, artifactOf(request, stackNameOf(physicalId)), request.canceled);
      if (!deployment) {
        return { physicalId, attributes: request.attributes };
      }
      pendingUpdates.set(physicalId, deployment);
      const { status, reason } = deployment.stack;
      if (status !== 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS') {
        throw new ResourceFailure(`Embedded stack ${physicalId} was not successfully updated: ${reason ?? status}`);
      }
      return outcomeOf(deployment.stack);
    },
    delete: async ({ physicalId }) => {
      pendingUpdates.delete(physicalId);
      const { status, reason } = await stacks.delete(physicalId);
      if (status !== 'DELETE_COMPLETE') {
        throw new ResourceFailure(`Embedded stack ${physicalId} was not successfully deleted: ${reason ?? status}`);
      }
    },
    finishUpdate: async ({ physicalId }) => {
      const deployment = pendingUpdates.get(physicalId);
      pendingUpdates.delete(physicalId);
      await deployment?.finishUpdate();
    },
  };
}

/** Rolls back an update of a nested stack, unless the nested stack has already rolled back. */
async function rollBack(update: Deployment, stackId: string): Promise<void> {
  if (update.stack.status === 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS') {
    await update.rollBack('The update of the parent stack failed.');
  }
  if (update.stack.status === 'UPDATE_ROLLBACK_FAILED') {
    throw new ResourceFailure(`Embedded stack ${stackId} could not be rolled back.`);
  }
}

function outcomeOf({ identity, outputs }: Stack): ResourceOutcome {
  const attributes = Object.entries(outputs.values).map(([name, value]) => [`Outputs.${name}`, value]);
  return { physicalId: identity.id, attributes: Object.fromEntries(attributes) as ResourceOutcome['attributes'] };
}

/** The name of a stack in its id, which is an ARN. */
const stackNameOf = (stackId: string) => stackId.split('/')[1] ?? stackId;

function artifactOf({ stack, properties, assets }: ResourceRequest, stackName: string): StackArtifact {
  const { account, region } = stack;
  const parameters = Object.entries(nestedProperties(properties, 'Parameters')).map(([name, value]) => [name, textOf(value)]);
  return {
    stackName,
    account,
    region,
    template: assets.assetTemplate(objectKeyOf(requiredText(properties, 'TemplateURL'))),
    parameters: Object.fromEntries(parameters) as Record<string, string>,
    assetDirectory: (objectKey) => assets.assetDirectory(objectKey),
    assetTemplate: (objectKey) => assets.assetTemplate(objectKey),
  };
}

/** The object key in a template URL. The first path segment is the bucket. */
function objectKeyOf(templateUrl: string): string {
  return decodeURIComponent(new URL(templateUrl).pathname.split('/').slice(2).join('/'));
}

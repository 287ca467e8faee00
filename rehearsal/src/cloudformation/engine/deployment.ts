import { isDeepStrictEqual } from 'node:util';
import { NotSimulated } from '../../not-understood';
import type { StackArtifact } from '../template/cloud-assembly';
import { requiresReplacement } from '../template/schema/properties';
import { ResourceFailure, type ResourceOutcome, type ResourceType } from '../types/resource-type';
import { runInOrder } from './graph';
import type { Plan, PlannedResource } from './plan';
import type { Outputs, Resource, Stack } from './stack';
import { messageOf, StackOperation, type Services } from './stack-operation';

type Verb = 'CREATE' | 'UPDATE';

/** A physical resource that no longer belongs to the stack. The cleanup deletes it. */
interface ObsoleteResource {
  readonly resource: Resource;
  readonly shouldRetain: boolean;
}

/** The template and parameters to deploy. */
export interface DeploymentTarget {
  readonly artifact: StackArtifact;
  readonly parameters: Stack['parameters'];
  /** Checks the permissions to read the outputs of other stacks. */
  readonly checkOutputPermissions: () => Promise<void>;
  /** Throws if the exports conflict with the exports or imports of other stacks. */
  readonly requireNoExportConflict: (outputs: Outputs) => void;
}

/** What to do if a deployment fails. `keep` is `cdk deploy --no-rollback`, CloudFormation's DisableRollback. */
export type OnFailure = 'roll back' | 'keep';

const CLEANUP_TRIES = 3;
const CANCELED_REASONS = { CREATE: 'Resource creation cancelled', UPDATE: 'Resource update cancelled' } as const;

/** A creation or update of a stack, with its rollback and cleanup. */
export class Deployment extends StackOperation {
  /** The resources of the stack before the deployment. */
  private readonly resourcesBefore: Map<string, Resource>;
  /** The resources that the deployment has started to change. A rollback restores them. */
  private readonly changes = new Map<string, 'created' | 'updated' | 'replaced'>();
  private readonly operationsInProgress = new Map<string, Verb>();
  private readonly failedIds: Record<Verb, string[]> = { CREATE: [], UPDATE: [] };
  private readonly artifactBefore: StackArtifact;
  private readonly parametersBefore: Stack['parameters'];
  private readonly outputsBefore: Outputs;
  private readonly importsBefore: ReadonlySet<string>;
  /** The logical ids of the resources that a rollback has restored. */
  private readonly restoredIds = new Set<string>();
  /** The resources that a rollback failed to restore, in their state before the attempt. The next attempt starts from this state. */
  private readonly failedRestores = new Map<string, Resource>();
  private obsoleteResources: ObsoleteResource[] = [];
  /** Whether a failure in this stack or its parent stack has canceled the deployment. It then starts no more operations. */
  private isCanceled = false;
  /** Whether the update has succeeded and is not rolled back. */
  private hasSucceeded = false;
  private cancel: () => void = () => undefined;
  private readonly canceled = new Promise<void>((resolve) => (this.cancel = resolve));

  constructor(
    services: Services,
    stack: Stack,
    private readonly plan: Plan,
    private readonly target: DeploymentTarget,
    private readonly onFailure: OnFailure = 'roll back',
  ) {
    super(services, stack);
    this.artifactBefore = stack.artifact;
    this.parametersBefore = stack.parameters;
    this.resourcesBefore = new Map(stack.resources);
    this.outputsBefore = stack.outputs;
    this.importsBefore = stack.imports;
  }

  /** @param canceled resolves when the parent stack has failed */
  async create(canceled?: Promise<void>): Promise<void> {
    this.setStackStatus('CREATE_IN_PROGRESS');
    const reason = await this.applyChanges(canceled);
    if (reason === undefined) {
      this.setStackStatus('CREATE_COMPLETE');
      return;
    }
    if (this.onFailure === 'keep') {
      this.setStackStatus('CREATE_FAILED', reason);
      return;
    }
    this.setStackStatus('ROLLBACK_IN_PROGRESS', `${reason} Rollback requested by user.`);
    const createdResources = [...this.stack.resources.values()].map((resource) => ({ resource }));
    const areAllDeleted = await this.deleteAll(createdResources, async ({ resource }) => {
      // the rollback of a creation deletes resources with RetainExceptOnCreate
      const isDeleted = await this.delete(resource, resource.deletionPolicy === 'Retain');
      if (isDeleted) {
        this.stack.resources.delete(resource.logicalId);
      }
      return isDeleted;
    });
    this.setStackStatus(areAllDeleted ? 'ROLLBACK_COMPLETE' : 'ROLLBACK_FAILED', this.stack.reason);
  }

  /**
   * Updates the stack, up to the cleanup. Rolls back if the update fails.
   *
   * @param canceled resolves when the parent stack has failed
   */
  async beginUpdate(canceled?: Promise<void>): Promise<void> {
    this.setStackStatus('UPDATE_IN_PROGRESS');
    if (!(await this.deleteFailedCreations())) {
      this.setStackStatus('UPDATE_FAILED', 'Resources that failed to be created could not be deleted.');
      return;
    }
    const reason = await this.applyChanges(canceled);
    if (reason === undefined) {
      this.hasSucceeded = true;
      this.setStackStatus('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    } else {
      await this.rollBack(reason);
    }
  }

  /** Rolls back an update. A nested stack rolls back even a successful update if the update of its parent stack fails. */
  async rollBack(reason: string): Promise<void> {
    this.hasSucceeded = false;
    this.stack.artifact = this.artifactBefore;
    this.stack.parameters = this.parametersBefore;
    this.stack.outputs = this.outputsBefore;
    this.stack.imports = this.importsBefore;
    this.setStackStatus('UPDATE_ROLLBACK_IN_PROGRESS', reason);
    for (const logicalId of [...this.stack.resources.keys()]) {
      this.discardNewResource(logicalId);
    }
    await this.restoreAll(reason);
  }

  /** Retries the failed part of a rollback, and finishes it. */
  async continueRollback(): Promise<void> {
    const { reason = '' } = this.stack;
    this.setStackStatus('UPDATE_ROLLBACK_IN_PROGRESS', reason);
    await this.restoreAll(reason);
    await this.finishUpdate();
  }

  private async restoreAll(reason: string): Promise<void> {
    const previousResources = [...this.resourcesBefore.values()];
    const predecessorsOf = ({ dependencies }: Resource) =>
      previousResources.filter(({ logicalId }) => dependencies.includes(logicalId));
    const areAllRestored = await runInOrder(previousResources, predecessorsOf, (resource) => this.restoreResource(resource));
    this.setStackStatus(areAllRestored ? 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS' : 'UPDATE_ROLLBACK_FAILED', reason);
  }

  /** Finishes the updates of nested stacks, and deletes obsolete resources. Does nothing if the update or its rollback failed. */
  async finishUpdate(): Promise<void> {
    if (['UPDATE_FAILED', 'UPDATE_ROLLBACK_FAILED'].includes(this.stack.status)) {
      return;
    }
    for (const resource of [...this.stack.resources.values()]) {
      await this.services.types.find(resource.type).finishUpdate?.(this.existingResource(resource));
      if (this.hasSucceeded && !this.plan.resources.has(resource.logicalId)) {
        this.stack.resources.delete(resource.logicalId);
        this.obsoleteResources.push({ resource, shouldRetain: resource.deletionPolicy.startsWith('Retain') });
      }
    }
    await this.cleanUp();
    if (this.hasSucceeded) {
      this.setStackStatus('UPDATE_COMPLETE');
    } else {
      this.setStackStatus('UPDATE_ROLLBACK_COMPLETE', this.stack.reason);
    }
  }

  /** Deletes resources that an earlier deployment without rollback left in CREATE_FAILED. This deployment creates them again. */
  private deleteFailedCreations(): Promise<boolean> {
    const failedResources = [...this.resourcesBefore.values()]
      .filter(({ status }) => status === 'CREATE_FAILED')
      .map((resource) => ({ resource }));
    return this.deleteAll(failedResources, async ({ resource }) => {
      const isDeleted = await this.delete(resource, false);
      if (isDeleted) {
        this.resourcesBefore.delete(resource.logicalId);
        this.stack.resources.delete(resource.logicalId);
      }
      return isDeleted;
    });
  }

  /** Creates and updates all resources. @returns the reason if this failed */
  private async applyChanges(canceled?: Promise<void>): Promise<string | undefined> {
    this.stack.artifact = this.target.artifact;
    this.stack.parameters = this.target.parameters;
    void canceled?.then(() => {
      this.cancelAll();
    });
    try {
      await this.target.checkOutputPermissions();
    } catch (error) {
      return messageOf(error);
    }
    const plannedResources = [...this.plan.resources.values()];
    const predecessorsOf = ({ dependencies }: PlannedResource) =>
      plannedResources.filter(({ logicalId }) => dependencies.includes(logicalId));
    await runInOrder(plannedResources, predecessorsOf, (resource) => this.applyResource(resource));
    if (this.isCanceled || this.failedIds.CREATE.length + this.failedIds.UPDATE.length > 0) {
      const createReasons =
        this.failedIds.CREATE.length > 0
          ? [`The following resource(s) failed to create: [${this.failedIds.CREATE.join(', ')}].`]
          : [];
      const updateReasons =
        this.failedIds.UPDATE.length > 0
          ? [`The following resource(s) failed to update: [${this.failedIds.UPDATE.join(', ')}].`]
          : [];
      return [...createReasons, ...updateReasons].join(' ');
    }
    try {
      const outputs = this.plan.resolveOutputs();
      this.target.requireNoExportConflict(outputs);
      this.stack.outputs = outputs;
      this.stack.imports = this.plan.imports;
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  private async applyResource(plannedResource: PlannedResource): Promise<boolean> {
    if (this.isCanceled) {
      return false;
    }
    const { logicalId } = plannedResource;
    const previousResource = this.resourcesBefore.get(logicalId);
    const verb = previousResource ? 'UPDATE' : 'CREATE';
    const description = descriptionOf(plannedResource);
    try {
      const resource: Resource = {
        ...description,
        properties: this.plan.resolveProperties(logicalId),
        physicalId: undefined,
        attributes: {},
        status: '',
      };
      return await (previousResource ? this.updateResource(previousResource, resource) : this.createResource(resource, 'CREATE'));
    } catch (error) {
      const failedResource = previousResource ?? {
        ...description,
        properties: {},
        physicalId: undefined,
        attributes: {},
        status: '',
      };
      this.recordFailure(failedResource, verb, this.reasonOf(error));
      return false;
    }
  }

  /** Throws if the properties violate the schema of their type. */
  private validate({ logicalId, type, properties }: Resource): void {
    this.services.types.noteIgnoredProperties(type, properties);
    const violations = this.services.types.violations(type, properties);
    if (violations.length > 0) {
      throw new ResourceFailure(`Properties validation failed for resource ${logicalId} with message:\n${violations.join('\n')}`);
    }
  }

  private createResource(resource: Resource, verb: Verb, reason?: string): Promise<boolean> {
    this.changes.set(resource.logicalId, verb === 'CREATE' ? 'created' : 'replaced');
    return this.perform(resource, verb, (type) => this.createPhysicalResource(type, resource, verb), reason);
  }

  /** Creates the physical resource. Stores its physical id as soon as it is known, so that a rollback can delete it. */
  private async createPhysicalResource(type: ResourceType, resource: Resource, verb: Verb): Promise<ResourceOutcome> {
    const { logicalId } = resource;
    let isInitiated = false;
    const onPhysicalId = (physicalId: string): void => {
      this.storeOutcome(logicalId, { physicalId });
      if (!isInitiated && this.operationsInProgress.has(logicalId)) {
        this.writeResourceEvent(resource, `${verb}_IN_PROGRESS`, 'Resource creation Initiated');
      }
      isInitiated = true;
    };
    const outcome = await type.create({ ...this.requestOf(resource, this.canceled), onPhysicalId });
    onPhysicalId(outcome.physicalId);
    return outcome;
  }

  private async updateResource(previous: Resource, resource: Resource): Promise<boolean> {
    const { status, physicalId, attributes } = previous;
    const current: Resource = { ...resource, status, physicalId, attributes };
    if (isDeepStrictEqual(previous.properties, resource.properties)) {
      this.stack.resources.set(current.logicalId, current);
      return true;
    }
    const type = this.services.types.find(resource.type);
    const schema = this.services.types.schemaOf(resource.type);
    if (schema !== undefined && requiresReplacement(schema, previous.properties, resource.properties)) {
      const explanation = 'Requested update requires the creation of a new physical resource; hence creating one.';
      const isCreated = await this.createResource(resource, 'UPDATE', explanation);
      this.obsoleteResources.push({ resource: previous, shouldRetain: resource.updateReplacePolicy === 'Retain' });
      return isCreated;
    }
    const request = { ...this.existingResource(current, this.canceled), previousProperties: previous.properties };
    const refusal = type.reasonToRefuse?.(request);
    if (refusal !== undefined) {
      throw new ResourceFailure(refusal);
    }
    this.changes.set(current.logicalId, 'updated');
    const isUpdated = await this.perform(current, 'UPDATE', () => type.update(request));
    // an update that returns another physical id has replaced the resource
    if (this.stack.resources.get(current.logicalId)?.physicalId !== physicalId) {
      this.obsoleteResources.push({ resource: previous, shouldRetain: resource.updateReplacePolicy === 'Retain' });
    }
    return isUpdated;
  }

  /** Creates or updates a resource with `action`, and records the statuses. @returns whether this succeeded */
  private async perform(
    resource: Resource,
    verb: Verb,
    action: (type: ResourceType) => Promise<ResourceOutcome> | ResourceOutcome,
    reason?: string,
  ): Promise<boolean> {
    const { logicalId } = resource;
    this.operationsInProgress.set(logicalId, verb);
    this.record({ ...resource, status: `${verb}_IN_PROGRESS`, ...(reason === undefined ? {} : { reason }) });
    try {
      this.validate(resource);
      const outcome = await action(this.services.types.find(resource.type));
      // store the outcome even if the deployment was canceled in the meantime: the resource exists
      this.storeOutcome(logicalId, outcome);
      await this.waitForDuration(resource.type);
      // if the operation was canceled in the meantime, cancelAll has already recorded the failure
      if (!this.operationsInProgress.delete(logicalId)) {
        return false;
      }
      this.record({ ...resource, ...outcome, status: `${verb}_COMPLETE` });
      return true;
    } catch (error) {
      if (error instanceof ResourceFailure && error.physicalId !== undefined) {
        this.storeOutcome(logicalId, { physicalId: error.physicalId });
      }
      if (this.operationsInProgress.delete(logicalId)) {
        this.recordFailure(this.stack.resources.get(logicalId) ?? resource, verb, this.reasonOf(error));
      }
      return false;
    }
  }

  /** Returns the reason of a failure. Lists a feature that is not simulated as not understood. */
  private reasonOf(error: unknown): string {
    if (error instanceof NotSimulated) {
      this.services.notUnderstood.note(error.message);
    }
    return messageOf(error);
  }

  private storeOutcome(logicalId: string, outcome: Partial<ResourceOutcome>): void {
    const resource = this.stack.resources.get(logicalId);
    if (resource) {
      this.stack.resources.set(logicalId, { ...resource, ...outcome });
    }
  }

  /** Records a failure. Cancels all resources in progress, unless rollback is disabled. */
  private recordFailure(resource: Resource, verb: Verb, reason: string): void {
    this.failedIds[verb].push(resource.logicalId);
    this.record({ ...resource, status: `${verb}_FAILED`, reason });
    if (this.onFailure === 'roll back') {
      this.cancelAll();
    }
  }

  private cancelAll(): void {
    this.isCanceled = true;
    const operations = [...this.operationsInProgress];
    this.operationsInProgress.clear();
    for (const [logicalId, verb] of operations) {
      const resource = this.stack.resources.get(logicalId);
      if (resource) {
        this.failedIds[verb].push(logicalId);
        this.record({ ...resource, status: `${verb}_FAILED`, reason: CANCELED_REASONS[verb] });
      }
    }
    this.cancel();
  }

  /** If the update created the resource, marks it as obsolete. If it replaced another resource, puts that one back into the stack. */
  private discardNewResource(logicalId: string): void {
    const change = this.changes.get(logicalId);
    const current = this.stack.resources.get(logicalId);
    const previous = this.resourcesBefore.get(logicalId);
    if (current && change !== 'updated' && current !== previous) {
      this.stack.resources.delete(logicalId);
      if (change !== undefined) {
        this.obsoleteResources = this.obsoleteResources.filter(({ resource }) => resource !== previous);
        this.obsoleteResources.push({
          resource: current,
          shouldRetain: change === 'created' && current.deletionPolicy === 'Retain',
        });
      }
      if (previous) {
        this.stack.resources.set(logicalId, previous);
      }
    }
  }

  private async restoreResource(previous: Resource): Promise<boolean> {
    const { logicalId } = previous;
    if (this.restoredIds.has(logicalId)) {
      return true;
    }
    const current = this.failedRestores.get(logicalId) ?? this.stack.resources.get(logicalId);
    if (!current || this.changes.get(logicalId) === undefined) {
      this.stack.resources.set(logicalId, previous);
      return true;
    }
    // discardNewResource has put the previous resource back: only record its status
    if (current === previous) {
      this.record({ ...previous, status: 'UPDATE_COMPLETE' });
      return true;
    }
    const resourceToRestore: Resource = { ...previous, physicalId: current.physicalId, attributes: current.attributes };
    this.record({ ...resourceToRestore, status: 'UPDATE_IN_PROGRESS' });
    try {
      const request = { ...this.existingResource(resourceToRestore), previousProperties: current.properties };
      const outcome = await this.services.types.find(previous.type).update(request);
      await this.waitForDuration(previous.type);
      // the restored physical resource may be one that the update had replaced: the cleanup must not delete it
      this.obsoleteResources = this.obsoleteResources.filter(
        ({ resource }) => resource.logicalId !== logicalId || resource.physicalId !== outcome.physicalId,
      );
      if (outcome.physicalId !== current.physicalId) {
        this.obsoleteResources.push({ resource: current, shouldRetain: false });
      }
      this.record({ ...resourceToRestore, ...outcome, status: 'UPDATE_COMPLETE' });
      this.restoredIds.add(logicalId);
      return true;
    } catch (error) {
      this.failedRestores.set(logicalId, current);
      this.record({ ...resourceToRestore, status: 'UPDATE_FAILED', reason: messageOf(error) });
      return false;
    }
  }

  /** Deletes obsolete resources. Retries failed deletes, then skips them: they do not fail the stack. */
  private async cleanUp(): Promise<void> {
    await this.deleteAll(this.obsoleteResources, async ({ resource, shouldRetain }) => {
      for (let attempt = 1; attempt <= CLEANUP_TRIES; attempt++) {
        if (await this.delete(resource, shouldRetain)) {
          break;
        }
      }
      return true;
    });
  }
}

function descriptionOf({
  logicalId,
  definition,
  dependencies,
}: PlannedResource): Omit<Resource, 'properties' | 'physicalId' | 'attributes' | 'status'> {
  const { Type, DeletionPolicy = 'Delete', UpdateReplacePolicy = 'Delete' } = definition;
  return { logicalId, type: Type, dependencies, deletionPolicy: DeletionPolicy, updateReplacePolicy: UpdateReplacePolicy };
}

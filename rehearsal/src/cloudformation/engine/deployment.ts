import { isDeepStrictEqual } from 'node:util';
import { NotSimulated } from '../../not-understood';
import type { StackArtifact } from '../template/cloud-assembly';
import { isReplacement } from '../template/schema/properties';
import { ResourceFailure, type ResourceOutcome, type ResourceType } from '../types/resource-type';
import { runInOrder } from './graph';
import type { Plan, Planned } from './plan';
import type { Outputs, Resource, Stack } from './stack';
import { messageOf, StackOperation, type Services } from './stack-operation';

type Verb = 'CREATE' | 'UPDATE';

/** A physical resource that no longer belongs to the stack. The cleanup deletes it. */
interface Obsolete {
  readonly resource: Resource;
  readonly keep: boolean;
}

/** The template and parameters to deploy. */
export interface Target {
  readonly artifact: StackArtifact;
  readonly parameters: Stack['parameters'];
  /** Checks the permissions to read the outputs of other stacks. */
  readonly authorizeOutputs: () => Promise<void>;
  /** Throws if the exports conflict with other stacks. */
  readonly checkOutputs: (outputs: Outputs) => void;
}

/** What to do if a deployment fails. `keep` is `cdk deploy --no-rollback`, CloudFormation's DisableRollback. */
export type OnFailure = 'roll back' | 'keep';

const CLEANUP_TRIES = 3;
const CANCELED = { CREATE: 'Resource creation cancelled', UPDATE: 'Resource update cancelled' } as const;

/** A creation or update of a stack, with its rollback and cleanup. */
export class Deployment extends StackOperation {
  /** The resources before the deployment. */
  private readonly before: Map<string, Resource>;
  /** The resources that the deployment has started to change. A rollback restores them. */
  private readonly touched = new Map<string, 'created' | 'updated' | 'replaced'>();
  private readonly inProgress = new Map<string, Verb>();
  private readonly failed: Record<Verb, string[]> = { CREATE: [], UPDATE: [] };
  private readonly artifactBefore: StackArtifact;
  private readonly parametersBefore: Stack['parameters'];
  private readonly outputsBefore: Outputs;
  private readonly importsBefore: ReadonlySet<string>;
  /** Resources whose rollback succeeded, and resources whose rollback failed in their state before the attempt. */
  private readonly restored = new Set<string>();
  private readonly unrestored = new Map<string, Resource>();
  private obsolete: Obsolete[] = [];
  private failing = false;
  private succeeded = false;
  private cancel: () => void = () => undefined;
  private readonly canceled = new Promise<void>((resolve) => (this.cancel = resolve));

  constructor(
    services: Services,
    stack: Stack,
    private readonly plan: Plan,
    private readonly target: Target,
    private readonly onFailure: OnFailure = 'roll back',
  ) {
    super(services, stack);
    this.artifactBefore = stack.artifact;
    this.parametersBefore = stack.parameters;
    this.before = new Map(stack.resources);
    this.outputsBefore = stack.outputs;
    this.importsBefore = stack.imports;
  }

  /** @param canceled resolves when the parent stack has failed */
  async create(canceled?: Promise<void>): Promise<void> {
    this.stackStatus('CREATE_IN_PROGRESS');
    const reason = await this.apply(canceled);
    if (reason === undefined) {
      this.stackStatus('CREATE_COMPLETE');
      return;
    }
    if (this.onFailure === 'keep') {
      this.stackStatus('CREATE_FAILED', reason);
      return;
    }
    this.stackStatus('ROLLBACK_IN_PROGRESS', `${reason} Rollback requested by user.`);
    const created = [...this.stack.resources.values()].map((resource) => ({ resource }));
    const complete = await this.deleteAll(created, async ({ resource }) => {
      const deleted = await this.delete(resource, resource.deletionPolicy === 'Retain');
      if (deleted) {
        this.stack.resources.delete(resource.logicalId);
      }
      return deleted;
    });
    this.stackStatus(complete ? 'ROLLBACK_COMPLETE' : 'ROLLBACK_FAILED', this.stack.reason);
  }

  /**
   * Updates the stack, up to the cleanup. Rolls back if the update fails.
   *
   * @param canceled resolves when the parent stack has failed
   */
  async begin(canceled?: Promise<void>): Promise<void> {
    this.stackStatus('UPDATE_IN_PROGRESS');
    if (!(await this.deleteFailed())) {
      this.stackStatus('UPDATE_FAILED', 'Resources that failed to be created could not be deleted.');
      return;
    }
    const reason = await this.apply(canceled);
    if (reason === undefined) {
      this.succeeded = true;
      this.stackStatus('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    } else {
      await this.rollBack(reason);
    }
  }

  /** Rolls an update back. A nested stack's successful update is rolled back, too, if the parent's update fails. */
  async rollBack(reason: string): Promise<void> {
    this.succeeded = false;
    this.stack.artifact = this.artifactBefore;
    this.stack.parameters = this.parametersBefore;
    this.stack.outputs = this.outputsBefore;
    this.stack.imports = this.importsBefore;
    this.stackStatus('UPDATE_ROLLBACK_IN_PROGRESS', reason);
    for (const logicalId of [...this.stack.resources.keys()]) {
      this.moveAside(logicalId);
    }
    await this.restoreAll(reason);
  }

  /** Retries the failed part of a rollback, and finishes it. */
  async continueRollback(): Promise<void> {
    const { reason = '' } = this.stack;
    this.stackStatus('UPDATE_ROLLBACK_IN_PROGRESS', reason);
    await this.restoreAll(reason);
    await this.finish();
  }

  private async restoreAll(reason: string): Promise<void> {
    const old = [...this.before.values()];
    const before = ({ dependencies }: Resource) => old.filter(({ logicalId }) => dependencies.includes(logicalId));
    const restored = await runInOrder(old, before, (resource) => this.restore(resource));
    this.stackStatus(restored ? 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS' : 'UPDATE_ROLLBACK_FAILED', reason);
  }

  /** Cleans up. Resources are deleted only here, after the update or its rollback is complete. */
  async finish(): Promise<void> {
    if (['UPDATE_FAILED', 'UPDATE_ROLLBACK_FAILED'].includes(this.stack.status)) {
      return;
    }
    for (const resource of [...this.stack.resources.values()]) {
      await this.services.types.find(resource.type).finish?.(this.existing(resource));
      if (this.succeeded && !this.plan.resources.has(resource.logicalId)) {
        this.stack.resources.delete(resource.logicalId);
        this.obsolete.push({ resource, keep: resource.deletionPolicy.startsWith('Retain') });
      }
    }
    await this.cleanUp();
    if (this.succeeded) {
      this.stackStatus('UPDATE_COMPLETE');
    } else {
      this.stackStatus('UPDATE_ROLLBACK_COMPLETE', this.stack.reason);
    }
  }

  /** Deletes resources that an earlier deployment without rollback left in CREATE_FAILED. They are created again. */
  private deleteFailed(): Promise<boolean> {
    const failed = [...this.before.values()].filter(({ status }) => status === 'CREATE_FAILED').map((resource) => ({ resource }));
    return this.deleteAll(failed, async ({ resource }) => {
      const deleted = await this.delete(resource, false);
      if (deleted) {
        this.before.delete(resource.logicalId);
        this.stack.resources.delete(resource.logicalId);
      }
      return deleted;
    });
  }

  /** Creates and updates all resources. @returns the reason if it failed */
  private async apply(canceled?: Promise<void>): Promise<string | undefined> {
    this.stack.artifact = this.target.artifact;
    this.stack.parameters = this.target.parameters;
    void canceled?.then(() => {
      this.failing = true;
      this.cancelAll();
    });
    try {
      await this.target.authorizeOutputs();
    } catch (error) {
      return messageOf(error);
    }
    const planned = [...this.plan.resources.values()];
    const before = ({ dependencies }: Planned) => planned.filter(({ logicalId }) => dependencies.includes(logicalId));
    await runInOrder(planned, before, (resource) => this.applyOne(resource));
    if (this.failing || this.failed.CREATE.length + this.failed.UPDATE.length > 0) {
      const created =
        this.failed.CREATE.length > 0 ? [`The following resource(s) failed to create: [${this.failed.CREATE.join(', ')}].`] : [];
      const updated =
        this.failed.UPDATE.length > 0 ? [`The following resource(s) failed to update: [${this.failed.UPDATE.join(', ')}].`] : [];
      return [...created, ...updated].join(' ');
    }
    try {
      const outputs = this.plan.outputs();
      this.target.checkOutputs(outputs);
      this.stack.outputs = outputs;
      this.stack.imports = this.plan.imports;
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  private async applyOne(planned: Planned): Promise<boolean> {
    if (this.failing) {
      return false;
    }
    const { logicalId } = planned;
    const old = this.before.get(logicalId);
    const verb = old ? 'UPDATE' : 'CREATE';
    const wanted = describePlanned(planned);
    try {
      const resource: Resource = {
        ...wanted,
        properties: this.plan.properties(logicalId),
        physicalId: undefined,
        attributes: {},
        status: '',
      };
      return await (old ? this.updateOne(old, resource) : this.createOne(resource, 'CREATE'));
    } catch (error) {
      const unchanged = old ?? { ...wanted, properties: {}, physicalId: undefined, attributes: {}, status: '' };
      this.fail(unchanged, verb, this.reasonOf(error));
      return false;
    }
  }

  /** Throws if the properties violate the schema of their type. */
  private validate({ logicalId, type, properties }: Resource): void {
    this.services.types.noteIgnored(type, properties);
    const found = this.services.types.violations(type, properties);
    if (found.length > 0) {
      throw new ResourceFailure(`Properties validation failed for resource ${logicalId} with message:\n${found.join('\n')}`);
    }
  }

  private createOne(resource: Resource, verb: Verb, reason?: string): Promise<boolean> {
    this.touched.set(resource.logicalId, verb === 'CREATE' ? 'created' : 'replaced');
    return this.perform(resource, verb, (type) => this.makeOne(type, resource, verb), reason);
  }

  /** Creates the physical resource. Stores its physical id as soon as it is known, so that a rollback can delete it. */
  private async makeOne(type: ResourceType, resource: Resource, verb: Verb): Promise<ResourceOutcome> {
    const { logicalId } = resource;
    let known = false;
    const initiated = (physicalId: string): void => {
      this.keep(logicalId, { physicalId });
      if (!known && this.inProgress.has(logicalId)) {
        this.resourceEvent(resource, `${verb}_IN_PROGRESS`, 'Resource creation Initiated');
      }
      known = true;
    };
    const outcome = await type.create({ ...this.request(resource, this.canceled), initiated });
    initiated(outcome.physicalId);
    return outcome;
  }

  private async updateOne(old: Resource, resource: Resource): Promise<boolean> {
    const { status, physicalId, attributes } = old;
    const current: Resource = { ...resource, status, physicalId, attributes };
    if (isDeepStrictEqual(old.properties, resource.properties)) {
      this.stack.resources.set(current.logicalId, current);
      return true;
    }
    const type = this.services.types.find(resource.type);
    const schema = this.services.types.schema(resource.type);
    if (schema !== undefined && isReplacement(schema, old.properties, resource.properties)) {
      const explanation = 'Requested update requires the creation of a new physical resource; hence creating one.';
      const created = await this.createOne(resource, 'UPDATE', explanation);
      this.obsolete.push({ resource: old, keep: resource.updateReplacePolicy === 'Retain' });
      return created;
    }
    const request = { ...this.existing(current, this.canceled), previous: old.properties };
    const refusal = type.refusal?.(request);
    if (refusal !== undefined) {
      throw new ResourceFailure(refusal);
    }
    this.touched.set(current.logicalId, 'updated');
    const updated = await this.perform(current, 'UPDATE', () => type.update(request));
    if (this.stack.resources.get(current.logicalId)?.physicalId !== physicalId) {
      this.obsolete.push({ resource: old, keep: resource.updateReplacePolicy === 'Retain' });
    }
    return updated;
  }

  private async perform(
    resource: Resource,
    verb: Verb,
    action: (type: ResourceType) => Promise<ResourceOutcome> | ResourceOutcome,
    reason?: string,
  ): Promise<boolean> {
    const { logicalId } = resource;
    this.inProgress.set(logicalId, verb);
    this.record({ ...resource, status: `${verb}_IN_PROGRESS`, ...(reason === undefined ? {} : { reason }) });
    try {
      this.validate(resource);
      const outcome = await action(this.services.types.find(resource.type));
      // Store the outcome even if the deployment was canceled in the meantime: the resource exists.
      this.keep(logicalId, outcome);
      await this.takeTime(resource.type);
      if (!this.inProgress.delete(logicalId)) {
        return false;
      }
      this.record({ ...resource, ...outcome, status: `${verb}_COMPLETE` });
      return true;
    } catch (error) {
      if (error instanceof ResourceFailure && error.physicalId !== undefined) {
        this.keep(logicalId, { physicalId: error.physicalId });
      }
      if (this.inProgress.delete(logicalId)) {
        this.fail(this.stack.resources.get(logicalId) ?? resource, verb, this.reasonOf(error));
      }
      return false;
    }
  }

  private reasonOf(error: unknown): string {
    if (error instanceof NotSimulated) {
      this.services.notUnderstood.note(error.message);
    }
    return messageOf(error);
  }

  private keep(logicalId: string, outcome: Partial<ResourceOutcome>): void {
    const resource = this.stack.resources.get(logicalId);
    if (resource) {
      this.stack.resources.set(logicalId, { ...resource, ...outcome });
    }
  }

  /** Records a failure. Cancels all resources in progress, unless rollback is disabled. */
  private fail(resource: Resource, verb: Verb, reason: string): void {
    this.failed[verb].push(resource.logicalId);
    this.record({ ...resource, status: `${verb}_FAILED`, reason });
    if (this.onFailure === 'roll back') {
      this.failing = true;
      this.cancelAll();
    }
  }

  private cancelAll(): void {
    const others = [...this.inProgress];
    this.inProgress.clear();
    for (const [logicalId, verb] of others) {
      const other = this.stack.resources.get(logicalId);
      if (other) {
        this.failed[verb].push(logicalId);
        this.record({ ...other, status: `${verb}_FAILED`, reason: CANCELED[verb] });
      }
    }
    this.cancel();
  }

  /** Restores the old resource, and marks the one that the update created as obsolete. */
  private moveAside(logicalId: string): void {
    const how = this.touched.get(logicalId);
    const current = this.stack.resources.get(logicalId);
    const before = this.before.get(logicalId);
    if (current && how !== 'updated' && current !== before) {
      this.stack.resources.delete(logicalId);
      if (how !== undefined) {
        this.obsolete = this.obsolete.filter(({ resource }) => resource !== before);
        this.obsolete.push({ resource: current, keep: how === 'created' && current.deletionPolicy === 'Retain' });
      }
      if (before) {
        this.stack.resources.set(logicalId, before);
      }
    }
  }

  private async restore(before: Resource): Promise<boolean> {
    const { logicalId } = before;
    if (this.restored.has(logicalId)) {
      return true;
    }
    const current = this.unrestored.get(logicalId) ?? this.stack.resources.get(logicalId);
    if (!current || this.touched.get(logicalId) === undefined) {
      this.stack.resources.set(logicalId, before);
      return true;
    }
    if (current === before) {
      this.record({ ...before, status: 'UPDATE_COMPLETE' });
      return true;
    }
    const target: Resource = { ...before, physicalId: current.physicalId, attributes: current.attributes };
    this.record({ ...target, status: 'UPDATE_IN_PROGRESS' });
    try {
      const request = { ...this.existing(target), previous: current.properties };
      const outcome = await this.services.types.find(before.type).update(request);
      await this.takeTime(before.type);
      this.obsolete = this.obsolete.filter(
        ({ resource }) => resource.logicalId !== logicalId || resource.physicalId !== outcome.physicalId,
      );
      if (outcome.physicalId !== current.physicalId) {
        this.obsolete.push({ resource: current, keep: false });
      }
      this.record({ ...target, ...outcome, status: 'UPDATE_COMPLETE' });
      this.restored.add(logicalId);
      return true;
    } catch (error) {
      this.unrestored.set(logicalId, current);
      this.record({ ...target, status: 'UPDATE_FAILED', reason: messageOf(error) });
      return false;
    }
  }

  /** Deletes obsolete resources. Retries failed deletes, then skips them: they do not fail the stack. */
  private async cleanUp(): Promise<void> {
    await this.deleteAll(this.obsolete, async ({ resource, keep }) => {
      for (let attempt = 1; attempt <= CLEANUP_TRIES; attempt++) {
        if (await this.delete(resource, keep)) {
          break;
        }
      }
      return true;
    });
  }
}

function describePlanned({
  logicalId,
  definition,
  dependencies,
}: Planned): Omit<Resource, 'properties' | 'physicalId' | 'attributes' | 'status'> {
  const { Type, DeletionPolicy = 'Delete', UpdateReplacePolicy = 'Delete' } = definition;
  return { logicalId, type: Type, dependencies, deletionPolicy: DeletionPolicy, updateReplacePolicy: UpdateReplacePolicy };
}

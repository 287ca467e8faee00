import { createHash } from 'node:crypto';
import type { Detail, Journal } from '../../journal';
import type { NotUnderstood } from '../../not-understood';
import type { RehearsalClock } from '../../time/clock';
import type { ResourceTypes } from '../types/index';
import type { ExistingResource, ResourceRequest } from '../types/resource-type';
import { runInOrder, runOneByOne } from './graph';
import type { Resource, Stack } from './stack';

export interface Services {
  readonly clock: RehearsalClock;
  readonly journal: Journal;
  readonly types: ResourceTypes;
  readonly notUnderstood: NotUnderstood;
  /** How many names were generated for each resource. Makes generated names unique, and the same in every run. */
  readonly nameCounts: Map<string, number>;
  readonly nextDeletion?: NextDeletion | undefined;
}

/** Chooses the resource to delete next, among those without remaining dependents. */
export type NextDeletion = (ready: readonly Resource[]) => Resource;

/** Creates a new promise for each caller: a shared promise would keep all its waiting callers in memory. */
const neverSettles = (): Promise<void> => new Promise(() => undefined);

/** The common parts of creating, updating and deleting a stack: events, resource requests and deletes. */
export class StackOperation {
  constructor(
    readonly services: Services,
    readonly stack: Stack,
  ) {}

  setStackStatus(status: string, reason?: string): void {
    this.stack.status = status;
    this.stack.reason = reason;
    const { name: stack } = this.stack.identity;
    this.writeEvent(stack, 'AWS::CloudFormation::Stack', { kind: 'stack', stack, status, reason });
  }

  /** Stores the current state of a resource, and writes an event. */
  record(resource: Resource): void {
    this.stack.resources.set(resource.logicalId, resource);
    this.writeResourceEvent(resource, resource.status, resource.reason);
  }

  writeResourceEvent({ logicalId, type, physicalId }: Resource, status: string, reason?: string): void {
    const { name: stack } = this.stack.identity;
    const detail = { kind: 'resource', stack, logicalId, resourceType: type, physicalId, status, reason } as const;
    this.writeEvent(`${stack}/${logicalId}`, type, detail);
  }

  requestOf({ logicalId, type, properties }: Resource, canceled: Promise<void> = neverSettles()): ResourceRequest {
    const { identity, artifact } = this.stack;
    return {
      stack: identity,
      logicalId,
      type,
      properties,
      canceled,
      onPhysicalId: () => undefined,
      generateName: (maximum = 128) => this.generateName(logicalId, maximum),
      assets: artifact,
    };
  }

  existingResource(resource: Resource, canceled?: Promise<void>): ExistingResource {
    return { ...this.requestOf(resource, canceled), physicalId: resource.physicalId ?? '', attributes: resource.attributes };
  }

  /** Waits as long as an operation on a resource of this type takes. */
  async waitForDuration(type: string): Promise<void> {
    await this.services.clock.sleep((this.services.types.find(type).durationSeconds ?? 1) * 1000);
  }

  /** Deletes a resource, or only writes an event if it is retained. @returns whether this succeeded */
  async delete(resource: Resource, shouldRetain: boolean): Promise<boolean> {
    if (shouldRetain) {
      this.writeResourceEvent(resource, 'DELETE_SKIPPED');
      return true;
    }
    if (resource.physicalId !== undefined) {
      this.writeResourceEvent(resource, 'DELETE_IN_PROGRESS');
      try {
        await this.services.types.find(resource.type).delete(this.existingResource(resource));
        await this.waitForDuration(resource.type);
      } catch (error) {
        this.writeResourceEvent(resource, 'DELETE_FAILED', messageOf(error));
        return false;
      }
    }
    this.writeResourceEvent(resource, 'DELETE_COMPLETE');
    return true;
  }

  /**
   * Calls `task`, which deletes a resource, for each item, after the items whose resources depend on this resource. Runs the tasks in
   * parallel, or one by one in the order that `nextDeletion` chooses.
   *
   * @returns whether all tasks returned true
   */
  async deleteAll<T extends { readonly resource: Resource }>(
    items: readonly T[],
    task: (item: T) => Promise<boolean>,
  ): Promise<boolean> {
    const allResources = items.map(({ resource }) => resource);
    const predecessorsOf = ({ resource }: T) => {
      const dependentResources = dependentsOf(resource, allResources);
      return items.filter((other) => dependentResources.includes(other.resource));
    };
    const { nextDeletion } = this.services;
    if (nextDeletion === undefined) {
      return runInOrder(items, predecessorsOf, task);
    }
    const choose = (ready: readonly T[]): T => {
      const chosenResource = nextDeletion(ready.map(({ resource }) => resource));
      const item = ready.find(({ resource }) => resource === chosenResource);
      if (item === undefined) {
        throw new Error(
          `${chosenResource.logicalId} cannot be deleted next: nextDeletion must return one of the resources in its argument`,
        );
      }
      return item;
    };
    return runOneByOne(items, predecessorsOf, task, choose);
  }

  private writeEvent(subject: string, type: string, detail: Extract<Detail, { readonly kind: 'stack' | 'resource' }>): void {
    const { status, reason } = detail;
    const message = `${status} ${type}${reason === undefined ? '' : `: ${reason}`}`;
    this.services.journal.write('cloudformation', subject, message, detail);
  }

  private generateName(logicalId: string, maximum: number): string {
    const { name, id } = this.stack.identity;
    const serial = (this.services.nameCounts.get(`${id}/${logicalId}`) ?? 0) + 1;
    this.services.nameCounts.set(`${id}/${logicalId}`, serial);
    // the suffix and its hyphen have 13 characters
    const suffix = createHash('sha256').update(`${id}/${logicalId}/${serial}`).digest('hex').slice(0, 12).toUpperCase();
    return `${`${name}-${logicalId}`.slice(0, maximum - 13)}-${suffix}`;
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The resources that depend on `resource`. They must be deleted before `resource`. */
const dependentsOf = (resource: Resource, all: readonly Resource[]): Resource[] =>
  all.filter((other) => other.dependencies.includes(resource.logicalId));

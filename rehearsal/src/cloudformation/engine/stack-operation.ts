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
  /** How often each name was generated. Makes generated names unique, and the same in every run. */
  readonly generated: Map<string, number>;
  readonly nextDeletion?: NextDeletion | undefined;
}

/** Chooses the resource to delete next, among those without remaining dependents. */
export type NextDeletion = (ready: readonly Resource[]) => Resource;

/** Creates a new promise each time: a shared one would keep everything that waits for it in memory. */
const never = (): Promise<void> => new Promise(() => undefined);

/** The common parts of creating, updating and deleting a stack: events, resource requests and deletes. */
export class StackOperation {
  constructor(
    readonly services: Services,
    readonly stack: Stack,
  ) {}

  stackStatus(status: string, reason?: string): void {
    this.stack.status = status;
    this.stack.reason = reason;
    const { name: stack } = this.stack.identity;
    this.event(stack, 'AWS::CloudFormation::Stack', { kind: 'stack', stack, status, reason });
  }

  /** Stores the current state of a resource, and writes an event. */
  record(resource: Resource): void {
    this.stack.resources.set(resource.logicalId, resource);
    this.resourceEvent(resource, resource.status, resource.reason);
  }

  resourceEvent({ logicalId, type, physicalId }: Resource, status: string, reason?: string): void {
    const { name: stack } = this.stack.identity;
    const detail = { kind: 'resource', stack, logicalId, resourceType: type, physicalId, status, reason } as const;
    this.event(`${stack}/${logicalId}`, type, detail);
  }

  request({ logicalId, type, properties }: Resource, canceled: Promise<void> = never()): ResourceRequest {
    const { identity, artifact } = this.stack;
    return {
      stack: identity,
      logicalId,
      type,
      properties,
      canceled,
      initiated: () => undefined,
      generateName: (maximum = 128) => this.generateName(logicalId, maximum),
      assets: artifact,
    };
  }

  existing(resource: Resource, canceled?: Promise<void>): ExistingResource {
    return { ...this.request(resource, canceled), physicalId: resource.physicalId ?? '', attributes: resource.attributes };
  }

  async takeTime(type: string): Promise<void> {
    await this.services.clock.sleep((this.services.types.find(type).seconds ?? 1) * 1000);
  }

  /** Deletes a resource, or skips it if it is to be kept. */
  async delete(resource: Resource, keep: boolean): Promise<boolean> {
    if (keep) {
      this.resourceEvent(resource, 'DELETE_SKIPPED');
      return true;
    }
    if (resource.physicalId !== undefined) {
      this.resourceEvent(resource, 'DELETE_IN_PROGRESS');
      try {
        await this.services.types.find(resource.type).delete(this.existing(resource));
        await this.takeTime(resource.type);
      } catch (error) {
        this.resourceEvent(resource, 'DELETE_FAILED', messageOf(error));
        return false;
      }
    }
    this.resourceEvent(resource, 'DELETE_COMPLETE');
    return true;
  }

  /** Deletes resources after their dependents: in parallel, or in the order that `nextDeletion` chooses. */
  async deleteAll<T extends { readonly resource: Resource }>(
    items: readonly T[],
    task: (item: T) => Promise<boolean>,
  ): Promise<boolean> {
    const all = items.map(({ resource }) => resource);
    const before = ({ resource }: T) => {
      const first = dependents(resource, all);
      return items.filter((other) => first.includes(other.resource));
    };
    const { nextDeletion } = this.services;
    if (nextDeletion === undefined) {
      return runInOrder(items, before, task);
    }
    const choose = (ready: readonly T[]): T => {
      const chosen = nextDeletion(ready.map(({ resource }) => resource));
      const item = ready.find(({ resource }) => resource === chosen);
      if (item === undefined) {
        throw new Error(
          `${chosen.logicalId} can not be deleted next: nextDeletion must return one of the resources it was given`,
        );
      }
      return item;
    };
    return runOneByOne(items, before, task, choose);
  }

  private event(subject: string, type: string, detail: Extract<Detail, { readonly kind: 'stack' | 'resource' }>): void {
    const { status, reason } = detail;
    const message = `${status} ${type}${reason === undefined ? '' : `: ${reason}`}`;
    this.services.journal.write('cloudformation', subject, message, detail);
  }

  private generateName(logicalId: string, maximum: number): string {
    const { name, id } = this.stack.identity;
    const serial = (this.services.generated.get(`${id}/${logicalId}`) ?? 0) + 1;
    this.services.generated.set(`${id}/${logicalId}`, serial);
    const suffix = createHash('sha256').update(`${id}/${logicalId}/${serial}`).digest('hex').slice(0, 12).toUpperCase();
    return `${`${name}-${logicalId}`.slice(0, maximum - 13)}-${suffix}`;
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The resources that depend on `resource`. They must be deleted before it. */
const dependents = (resource: Resource, all: readonly Resource[]): Resource[] =>
  all.filter((other) => other.dependencies.includes(resource.logicalId));

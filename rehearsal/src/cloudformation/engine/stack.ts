import type { StackArtifact } from '../template/cloud-assembly';
import type { Properties } from '../template/template';
import type { StackIdentity } from '../types/resource-type';

/** The latest state of a stack's resource. */
export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  /** Set as soon as the physical resource exists or may exist. Undefined if there is nothing to delete. */
  readonly physicalId: string | undefined;
  readonly status: string;
  readonly reason?: string;
  readonly properties: Properties;
  readonly attributes: Properties;
  readonly dependencies: readonly string[];
  readonly deletionPolicy: string;
  readonly updateReplacePolicy: string;
}

/** The current state of a stack. */
export interface StackDescription {
  readonly name: string;
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly status: string;
  readonly reason?: string;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly resources: readonly Resource[];
  readonly template: StackArtifact['template'];
}

/** The result of an operation on one of several stacks. */
export interface NamedStackResult extends StackResult, StackIdentity {}

export interface StackResult {
  readonly status: string;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly reason?: string;
}

export interface Outputs {
  readonly values: Readonly<Record<string, unknown>>;
  readonly exports: Readonly<Record<string, unknown>>;
}

/** A stack, with everything that the next operation needs. */
export class Stack {
  status = 'REVIEW_IN_PROGRESS';
  reason: string | undefined;
  isBusy = false;
  outputs: Outputs = { values: {}, exports: {} };
  /** Names of the exports that this stack imports. */
  imports: ReadonlySet<string> = new Set();
  /** The parameter values. */
  parameters: Readonly<Record<string, unknown>> = {};
  readonly resources = new Map<string, Resource>();

  constructor(
    readonly identity: StackIdentity,
    /** The artifact that was last deployed. */
    public artifact: StackArtifact,
    readonly createdAt: number,
  ) {}

  result(): StackResult {
    const result = { status: this.status, outputs: this.outputs.values };
    return this.reason === undefined ? result : { ...result, reason: this.reason };
  }

  describe(): StackDescription {
    return { ...this.identity, ...this.result(), resources: [...this.resources.values()], template: this.artifact.template };
  }
}

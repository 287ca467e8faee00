import type { StackArtifact } from '../template/cloud-assembly';
import type { Properties } from '../template/template';
import type { StackIdentity } from '../types/resource-type';

/** A resource of a stack: what there is, as CloudFormation last knew it. */
export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  /** Undefined until there is anything that a delete could be about. */
  readonly physicalId: string | undefined;
  readonly status: string;
  readonly reason?: string;
  readonly properties: Properties;
  readonly attributes: Properties;
  readonly dependencies: readonly string[];
  readonly deletionPolicy: string;
  readonly updateReplacePolicy: string;
}

/** A stack as it stands. */
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

/** What became of one of several stacks. */
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

/** A stack, with what the next operation on it needs to know. */
export class Stack {
  status = 'REVIEW_IN_PROGRESS';
  reason: string | undefined;
  busy = false;
  outputs: Outputs = { values: {}, exports: {} };
  /** Names of exports of other stacks that this one uses. */
  imports: ReadonlySet<string> = new Set();
  /** The values of its parameters. */
  parameters: Readonly<Record<string, unknown>> = {};
  readonly resources = new Map<string, Resource>();

  constructor(
    readonly identity: StackIdentity,
    /** What the stack was last deployed from. */
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

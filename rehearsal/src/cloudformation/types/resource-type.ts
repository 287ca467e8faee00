import type { ServiceError } from '../../aws/service';
import type { Assets } from '../template/cloud-assembly';
import type { Properties } from '../template/template';

export interface StackIdentity {
  readonly name: string;
  readonly id: string;
  readonly account: string;
  readonly region: string;
}

/** A request to create, update or delete a resource. */
export interface ResourceRequest {
  readonly stack: StackIdentity;
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Properties;
  /** Resolves when the stack operation has failed. A long-running create should stop when this happens. */
  readonly canceled: Promise<void>;
  /** Long-running creates call this as soon as they know the physical id. */
  readonly onPhysicalId: (physicalId: string) => void;
  /** Generates a name with at most `maximum` characters. */
  readonly generateName: (maximum?: number) => string;
  readonly assets: Assets;
}

export interface ExistingResource extends ResourceRequest {
  readonly physicalId: string;
  readonly attributes: Properties;
}

export interface ResourceUpdate extends ExistingResource {
  /** The properties before the update. */
  readonly previousProperties: Properties;
}

export interface ResourceOutcome {
  /** The value of `Ref`. An update that returns a new id has replaced the resource, and CloudFormation deletes the old one later. */
  readonly physicalId: string;
  readonly attributes: Properties;
}

/** Why CloudFormation could not create, update or delete a resource. */
export class ResourceFailure extends Error {
  constructor(
    reason: string,
    /** The physical id, if the resource exists in spite of the failure. */
    readonly physicalId?: string,
  ) {
    super(reason);
  }
}

/** CloudFormation's message for a service's error. */
export const resourceFailureOf = (service: string, { message, status, code }: ServiceError): ResourceFailure =>
  new ResourceFailure(
    `Resource handler returned message: "${message} (Service: ${service}, Status Code: ${status}, Error Code: ${code})"`,
  );

/** A resource type: how CloudFormation creates, updates and deletes its resources. */
export interface ResourceType {
  /** How long each operation takes, in rehearsed seconds. @default 1 */
  readonly durationSeconds?: number;
  create(request: ResourceRequest): Promise<ResourceOutcome> | ResourceOutcome;
  update(request: ResourceUpdate): Promise<ResourceOutcome> | ResourceOutcome;
  delete(request: ExistingResource): Promise<void> | void;
  /** Finishes an update of this resource when the update of the whole stack is complete. @default - nothing */
  finishUpdate?(resource: ExistingResource): Promise<void> | void;
  /** Returns the reason if CloudFormation refuses this update. @default - all updates are allowed */
  reasonToRefuse?(update: ResourceUpdate): string | undefined;
  /** The value of `Fn::GetAtt` for an attribute that is not in `attributes`. @default - an error */
  missingAttributeValue?(resource: ExistingResource, attribute: string): unknown;
}

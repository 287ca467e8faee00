import type { ServiceError } from '../../aws/service';
import type { Assets } from '../template/cloud-assembly';
import type { Properties } from '../template/template';

export interface StackIdentity {
  readonly name: string;
  readonly id: string;
  readonly account: string;
  readonly region: string;
}

/** A resource, as its type gets to know it. */
export interface ResourceRequest {
  readonly stack: StackIdentity;
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Properties;
  /** Settles when the rest of the operation has failed; who can stop at once does. */
  readonly cancelled: Promise<void>;
  /** To be called as soon as a create knows the physical id, where it goes on for long after that. */
  readonly initiated: (physicalId: string) => void;
  /** A name of CloudFormation's making, of no more than `maximum` characters. */
  readonly generateName: (maximum?: number) => string;
  readonly assets: Assets;
}

export interface ExistingResource extends ResourceRequest {
  readonly physicalId: string;
  readonly attributes: Properties;
}

export interface ResourceUpdate extends ExistingResource {
  /** The properties as they were before. */
  readonly previous: Properties;
}

export interface ResourceOutcome {
  /** What `Ref` gives. An update that returns another one has replaced the resource: the old one is deleted later. */
  readonly physicalId: string;
  readonly attributes: Properties;
}

/** Why CloudFormation could not create, update or delete a resource. */
export class ResourceFailure extends Error {
  constructor(
    reason: string,
    /** What there is of the resource none the less. */
    readonly physicalId?: string,
  ) {
    super(reason);
  }
}

/** How CloudFormation passes on why a service refused what it asked for. */
export const handlerFailure = (service: string, { message, status, code }: ServiceError): ResourceFailure =>
  new ResourceFailure(
    `Resource handler returned message: "${message} (Service: ${service}, Status Code: ${status}, Error Code: ${code})"`,
  );

/** A type of resource: what CloudFormation does for it. */
export interface ResourceType {
  /** How long it takes to create, update or delete one, in rehearsed seconds. @default 1 */
  readonly seconds?: number;
  create(request: ResourceRequest): Promise<ResourceOutcome> | ResourceOutcome;
  update(request: ResourceUpdate): Promise<ResourceOutcome> | ResourceOutcome;
  delete(request: ExistingResource): Promise<void> | void;
  /** What an update of this resource has left to do until that of the whole stack is settled. @default - nothing */
  finish?(resource: ExistingResource): Promise<void> | void;
  /** Why CloudFormation does not even try an update. @default - it tries every one */
  refusal?(update: ResourceUpdate): string | undefined;
  /** What `Fn::GetAtt` gives for what is not among the attributes. @default - an error */
  missingAttribute?(resource: ExistingResource, attribute: string): unknown;
}

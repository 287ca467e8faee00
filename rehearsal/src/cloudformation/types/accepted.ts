import type { ResourceOutcome, ResourceRequest, ResourceType } from './resource-type';

/** A resource that is accepted but not simulated. */
export interface AcceptedResource {
  readonly account: string;
  readonly region: string;
  readonly type: string;
  readonly physicalId: string;
  /** The name of the stack that created the resource. */
  readonly stack: string;
}

/** The resources that are accepted but not simulated. */
export class AcceptedResources {
  private readonly resources = new Set<AcceptedResource>();

  /** @param identify returns the values of `Ref` and `Fn::GetAtt` for a new resource */
  createType(identify: (request: ResourceRequest) => ResourceOutcome): ResourceType {
    return {
      create: (request) => {
        const outcome = identify(request);
        const { account, region, name } = request.stack;
        this.resources.add({ account, region, type: request.type, physicalId: outcome.physicalId, stack: name });
        return outcome;
      },
      update: ({ physicalId, attributes }) => ({ physicalId, attributes }),
      delete: ({ stack, type, physicalId }) => {
        const deletedResource = this.list().find(
          (resource) =>
            resource.physicalId === physicalId &&
            resource.type === type &&
            resource.account === stack.account &&
            resource.region === stack.region,
        );
        if (deletedResource) {
          this.resources.delete(deletedResource);
        }
      },
    };
  }

  list(): AcceptedResource[] {
    return [...this.resources];
  }
}

/** Returns a generated physical id, and no attributes. */
export const generatedIdentity = ({ generateName }: ResourceRequest): ResourceOutcome => ({
  physicalId: generateName(),
  attributes: {},
});

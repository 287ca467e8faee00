import type { ResourceOutcome, ResourceRequest, ResourceType } from './resource-type';

/** A resource that is accepted but not simulated. */
export interface AcceptedResource {
  readonly account: string;
  readonly region: string;
  readonly type: string;
  readonly physicalId: string;
  /** The name of the stack that created it. */
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
        const found = this.list().find(
          (one) =>
            one.physicalId === physicalId && one.type === type && one.account === stack.account && one.region === stack.region,
        );
        if (found) {
          this.resources.delete(found);
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

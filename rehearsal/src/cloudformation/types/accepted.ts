import type { ResourceOutcome, ResourceRequest, ResourceType } from './resource-type';

/** A resource that is only accepted: nothing in the rehearsal behaves differently because of it. */
export interface AcceptedResource {
  readonly account: string;
  readonly region: string;
  readonly type: string;
  readonly physicalId: string;
  /** The name of the stack that created it. */
  readonly stack: string;
}

/** Resources that are accepted and kept, without any other effect on the rehearsal. */
export class AcceptedResources {
  private readonly resources = new Set<AcceptedResource>();

  /** @param identify what `Ref` and `Fn::GetAtt` give for a new resource */
  type(identify: (request: ResourceRequest) => ResourceOutcome): ResourceType {
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

/** With a name of CloudFormation's making, and without attributes. */
export const named = ({ generateName }: ResourceRequest): ResourceOutcome => ({ physicalId: generateName(), attributes: {} });

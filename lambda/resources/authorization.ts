import { PhysicalId } from '../cloudformation/physical-id';
import type { CustomResourceRequest } from '../cloudformation/request';
import { isSamePair } from '../model/pair';
import { readPair, tryRead } from './properties';
import type { RequestContext, Resource } from './resource';

/** Custom::GameLiftVpcPeeringAuthorization */
export function authorizationResource(request: CustomResourceRequest, context: RequestContext): Resource {
  const pair = readPair(request.properties);
  const authorizer = context.authorizer(pair);
  return {
    // the id stays the same for another VPC: a delete for the former VPC would cancel the authorization that the cleanup needs
    physicalId: PhysicalId.fixed(request),
    create: () => authorizer.authorizeForCreate(),
    update: () => {
      const former = tryRead(readPair, request.oldProperties);
      const isOther = former !== undefined && !isSamePair(former, pair);
      return authorizer.authorizeForUpdate(isOther ? context.authorizer(former) : undefined);
    },
    delete: () => authorizer.cancel(),
  };
}

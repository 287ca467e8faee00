import { PhysicalId } from '../cloudformation/physical-id';
import type { CustomResourceRequest } from '../cloudformation/request';
import { isSamePair } from '../model/pair';
import { readPair, tryRead } from './properties';
import type { RequestContext, Resource } from './resource';

/** Custom::GameLiftVpcPeeringAuthorization */
export function authorizationResource(request: CustomResourceRequest, context: RequestContext): Resource {
  const pair = readPair(request.properties);
  const authorizer = context.authorizerFor(pair);
  return {
    // if the id depended on the VPC, CloudFormation would send a delete for the previous VPC, which would cancel the authorization that the
    // cleanup needs
    physicalId: PhysicalId.ofPermanentResource(request),
    create: () => authorizer.authorizeForCreate(),
    update: () => {
      const previous = tryRead(readPair, request.oldProperties);
      const hasChanged = previous !== undefined && !isSamePair(previous, pair);
      return authorizer.authorizeForUpdate(hasChanged ? context.authorizerFor(previous) : undefined);
    },
    delete: () => authorizer.cancel(),
  };
}

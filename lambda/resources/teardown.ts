import type { Authorizer } from '../authorization/authorizer';
import { isPeeredWithFleet } from '../authorization/peered';
import { PhysicalId } from '../cloudformation/physical-id';
import type { CustomResourceRequest } from '../cloudformation/request';
import { isSamePair } from '../model/pair';
import type { Pair } from '../model/pair';
import { readPair, tryRead } from './properties';
import type { RequestContext, Resource } from './resource';

/**
 * Custom::GameLiftVpcPeeringTeardown: provides the authorization for what CloudFormation deletes next.
 *
 * CloudFormation deletes this resource before all fleets and connections of its stack, and updates it after it has created new fleets
 * and before it deletes the replaced ones.
 */
export function teardownResource(request: CustomResourceRequest, context: RequestContext): Resource {
  const pair = readPair(request.properties);
  return {
    physicalId: PhysicalId.fixed(request),
    create: () => Promise.resolve({}),
    update: async () => {
      await authorizeCleanup(context.authorizer(pair));
      // CloudFormation deletes next whatever is peered with the VPC that was declared before
      const former = tryRead(readPair, request.oldProperties);
      if (former !== undefined && !isSamePair(former, pair)) {
        await unlessNothingIsPeered(former, context, () => authorizeCleanup(context.authorizer(former)));
      }
      return {};
    },
    delete: () => unlessNothingIsPeered(pair, context, () => context.authorizer(pair).authorize()),
  };
}

/**
 * Authorizes, if the handler can. If it can't, the update of the authorization has checked for one before anything changed. It may have
 * been used since then, and AWS does not document whether an authorization is still listed after that.
 */
async function authorizeCleanup(authorizer: Authorizer): Promise<void> {
  if (authorizer.canAuthorize) {
    await authorizer.authorize();
  }
}

/** Authorizes. An error does not matter if nothing is peered anymore. */
async function unlessNothingIsPeered(
  pair: Pair,
  { calls, dependencies }: RequestContext,
  authorize: () => Promise<unknown>,
): Promise<void> {
  try {
    await authorize();
  } catch (error) {
    const isStillPeered = async (): Promise<boolean> => {
      await calls.untilEarlierIsReadable();
      return await isPeeredWithFleet(pair, dependencies.api, calls);
    };
    // if this can't be determined, the error of the authorization is the useful one
    if (await isStillPeered().catch(() => true)) {
      throw error;
    }
  }
}

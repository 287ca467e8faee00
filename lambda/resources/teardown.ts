import { isPeeredWithFleet } from '../authorization/peered';
import { PhysicalId } from '../cloudformation/physical-id';
import type { CustomResourceRequest } from '../cloudformation/request';
import { isSamePair, readPair, tryRead } from './properties';
import type { Pair } from './properties';
import type { RequestContext, Resource } from './resource';

/**
 * Custom::GameLiftVpcPeeringTeardown
 *
 * CloudFormation deletes it before all fleets and connections of its stack, and updates it between a change of fleets and the
 * deletion of the old ones. Both times it authorizes what comes next.
 */
export function teardownResource(request: CustomResourceRequest, context: RequestContext): Resource {
  const pair = readPair(request.properties);
  return {
    physicalId: PhysicalId.fixed(request),
    create: () => Promise.resolve({}),
    update: async () => {
      await context.authorizer(pair).authorizeCleanup();
      // whatever is peered with the VPC that was declared before is deleted next
      const former = tryRead(readPair, request.oldProperties);
      if (former !== undefined && !isSamePair(former, pair)) {
        await unlessNothingIsPeered(former, context, () => context.authorizer(former).authorizeCleanup());
      }
      return {};
    },
    delete: () => unlessNothingIsPeered(pair, context, () => context.authorizer(pair).authorize()),
  };
}

/** Authorizes. A failure does not matter if nothing is peered any more. */
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
    // if that can't be determined, the error of the authorization is the useful one
    if (await isStillPeered().catch(() => true)) {
      throw error;
    }
  }
}

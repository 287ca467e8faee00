import type { Authorizer } from '../authorization/authorizer';
import { isPeeredWithFleet } from '../authorization/peered';
import { PhysicalId } from '../cloudformation/physical-id';
import type { CustomResourceRequest } from '../cloudformation/request';
import { isSamePair } from '../model/pair';
import type { Pair } from '../model/pair';
import { readPair, tryRead } from './properties';
import type { RequestContext, Resource } from './resource';

/**
 * Custom::GameLiftVpcPeeringTeardown: authorizes the deletions that CloudFormation makes next.
 *
 * CloudFormation deletes the teardown before the peered fleets and the connections of its stack. When fleets are replaced, CloudFormation
 * updates the teardown after the new fleets are created, and before the old ones are deleted.
 */
export function teardownResource(request: CustomResourceRequest, context: RequestContext): Resource {
  const pair = readPair(request.properties);
  return {
    physicalId: PhysicalId.ofPermanentResource(request),
    // a new teardown has no deletion to authorize yet
    create: () => Promise.resolve({}),
    update: async () => {
      await authorizeCleanup(context.authorizerFor(pair));
      // next, CloudFormation deletes the fleets and connections that are peered with the previous VPC
      const previous = tryRead(readPair, request.oldProperties);
      if (previous !== undefined && !isSamePair(previous, pair)) {
        await ignoreErrorUnlessPeered(previous, context, () => authorizeCleanup(context.authorizerFor(previous)));
      }
      return {};
    },
    delete: () => ignoreErrorUnlessPeered(pair, context, () => context.authorizerFor(pair).authorize()),
  };
}

/**
 * Authorizes if the handler can. Otherwise, does not check for an authorization: CloudFormation updated the authorization resource before
 * anything changed, and that update checked. The authorization may have been used since then, and AWS does not document whether GameLift still
 * lists a used one, so another check could fail.
 */
async function authorizeCleanup(authorizer: Authorizer): Promise<void> {
  if (authorizer.canAuthorize) {
    await authorizer.authorize();
  }
}

/** Authorizes. Ignores an error if nothing is peered with the VPC anymore. */
async function ignoreErrorUnlessPeered(
  pair: Pair,
  { calls, dependencies }: RequestContext,
  authorize: () => Promise<unknown>,
): Promise<void> {
  try {
    await authorize();
  } catch (error) {
    const isStillPeered = async (): Promise<boolean> => {
      await calls.waitUntilEarlierWritesAreReadable();
      return await isPeeredWithFleet(pair, dependencies.api, calls);
    };
    // if this check fails, too, the error of the authorization is the useful one
    if (await isStillPeered().catch(() => true)) {
      throw error;
    }
  }
}

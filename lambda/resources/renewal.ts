import { AUTHORIZATION_BUDGET_SECONDS, AUTHORIZATION_TYPE } from '../../lib/contract';
import { readError } from '../aws/errors';
import { withTimeLimit } from '../cloudformation/deadline';
import { readRequester } from '../cloudformation/request';
import type { RawProperties } from '../cloudformation/values';
import { schemaVersionError, readPair, readSeconds } from './properties';
import { RequestContext } from './resource';
import type { Dependencies } from './resource';

/**
 * Renews an authorization on a schedule.
 *
 * @param availableMilliseconds how long the invocation can spend on the renewal
 * @throws Error if the renewal fails. Lambda retries it, and finally sends the event to the function's failure destination.
 */
export async function renew(properties: RawProperties, availableMilliseconds: number, dependencies: Dependencies): Promise<void> {
  const versionError = schemaVersionError(properties);
  if (versionError !== undefined) {
    throw new Error(versionError);
  }
  const pair = readPair(properties);
  const minimumValiditySeconds = readSeconds(properties, 'MinimumValiditySeconds', { min: 0, max: 24 * 3600 });
  const requester = readRequester(properties);
  const { log, time } = dependencies;
  const milliseconds = Math.min(availableMilliseconds, AUTHORIZATION_BUDGET_SECONDS * 1000);
  await withTimeLimit(milliseconds, time, async (signal) => {
    const context = new RequestContext(requester, dependencies, signal);
    const authorizer = context.authorizerFor(pair, minimumValiditySeconds * 1000);
    if (!authorizer.canAuthorize) {
      throw new Error(
        `only account ${pair.peerVpcAccount}, which owns VPC ${pair.peerVpcId}, can authorize its peering: schedule the renewal there`,
      );
    }
    try {
      const { ExpirationTime } = await authorizer.authorize();
      log.info({ message: `renewed until ${ExpirationTime}`, ...requester });
    } catch (error) {
      log.failedRequest({
        message: readError(error).message,
        resourceType: AUTHORIZATION_TYPE,
        requestType: 'Renewal',
        ...requester,
      });
      throw error;
    }
  });
}

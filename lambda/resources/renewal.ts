import { AUTHORIZATION_BUDGET_SECONDS, AUTHORIZATION_TYPE } from '../../lib/contract';
import { withTimeLimit } from '../cloudformation/deadline';
import { readRequester } from '../cloudformation/request';
import type { RawProperties } from '../cloudformation/values';
import { unsupportedVersion, readPair, readSeconds } from './properties';
import { RequestContext } from './resource';
import type { Dependencies } from './resource';

/**
 * Renews an authorization when a schedule asks for it.
 *
 * @param availableMilliseconds what the invocation has
 * @throws Error if that fails. Lambda retries, and sends what fails for good to the function's destination for failures.
 */
export async function renew(properties: RawProperties, availableMilliseconds: number, dependencies: Dependencies): Promise<void> {
  const later = unsupportedVersion(properties);
  if (later !== undefined) {
    throw new Error(later);
  }
  const pair = readPair(properties);
  const minimumValiditySeconds = readSeconds(properties, 'MinimumValiditySeconds', 0, 24 * 3600);
  const requester = readRequester(properties);
  const { log, time } = dependencies;
  const milliseconds = Math.min(availableMilliseconds, AUTHORIZATION_BUDGET_SECONDS * 1000);
  await withTimeLimit(milliseconds, time, async (signal) => {
    const context = new RequestContext(requester, dependencies, signal);
    if (context.vpcApi(pair) === undefined) {
      throw new Error(`only account ${pair.peerVpcAccount} can authorize VPC ${pair.peerVpcId}: schedule the renewal there`);
    }
    const authorizer = context.authorizer(pair, minimumValiditySeconds * 1000);
    try {
      const { ExpirationTime } = await authorizer.authorize();
      log.info({ message: `renewed until ${ExpirationTime}`, ...requester });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      log.failedRequest({ message, resourceType: AUTHORIZATION_TYPE, requestType: 'Renewal', ...requester });
      throw error;
    }
  });
}

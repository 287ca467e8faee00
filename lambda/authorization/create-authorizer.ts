import type { AwsApi } from '../aws/api';
import type { Calls } from '../aws/calls';
import type { Log } from '../log';
import type { Pair } from '../model/pair';
import type { Authorizer } from './authorizer';
import { OtherAccountAuthorizer } from './other-account';
import { isPeeredWithFleet, isPeeredWithVpcOfAnotherAccount } from './peered';
import { VpcOwnerAuthorizer } from './vpc-owner';

export interface AuthorizerOptions {
  readonly pair: Pair;
  /** The account of the stack, and of the function. */
  readonly ownAccount: string | undefined;
  readonly stackId: string;
  readonly region: string;
  readonly api: AwsApi;
  /** Makes calls in the account that owns the VPC; undefined if the handler has no access to it. */
  readonly vpcApi: AwsApi | undefined;
  readonly calls: Calls;
  readonly log: Log;
  /** An authorization that is valid for a shorter time is replaced. Default: 12 hours */
  readonly minimumValidityMilliseconds?: number | undefined;
}

/**
 * Creates an authorizer. If the handler has access to the account of the VPC, the authorizer creates authorizations. Otherwise, it only
 * checks whether somebody in that account has created one.
 */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const { pair, ownAccount, stackId, region, api, vpcApi, calls, log, minimumValidityMilliseconds } = options;
  if (vpcApi === undefined) {
    return new OtherAccountAuthorizer({ pair, region, api, calls, stackId });
  }
  const isPeered = (): Promise<boolean> =>
    pair.gameLiftAccount === ownAccount
      ? isPeeredWithFleet(pair, api, calls)
      : isPeeredWithVpcOfAnotherAccount(pair, vpcApi, calls);
  return new VpcOwnerAuthorizer({ pair, region, api: vpcApi, calls, log, isPeered, minimumValidityMilliseconds });
}

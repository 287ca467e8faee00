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
  /** Calls in the account that owns the VPC; undefined if the handler can't act there. */
  readonly vpcApi: AwsApi | undefined;
  readonly calls: Calls;
  readonly log: Log;
  /** How long an authorization must still be valid so that it is kept. Default: 12 hours */
  readonly minimumValidityMilliseconds?: number | undefined;
}

/** Chooses who authorizes: the handler, where it can act in the account that owns the VPC, or somebody else there. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const { pair, ownAccount, stackId, region, api, vpcApi, calls, log, minimumValidityMilliseconds } = options;
  if (vpcApi === undefined) {
    return new OtherAccountAuthorizer(pair, region, api, calls, stackId);
  }
  const isPeered = (): Promise<boolean> =>
    pair.gameLiftAccount === ownAccount
      ? isPeeredWithFleet(pair, api, calls)
      : isPeeredWithVpcOfAnotherAccount(pair, vpcApi, calls);
  return new VpcOwnerAuthorizer({ pair, region, api: vpcApi, calls, log, isPeered, minimumValidityMilliseconds });
}

import type { AuthorizationAttributes } from '../../lib/contract';
import type { AuthorizationRecord, GameLiftApi } from '../aws/api';
import type { Calls } from '../aws/calls';
import type { Pair } from '../model/pair';

/**
 * Provides the authorization that GameLift requires to create and delete the connections of a pair.
 *
 * There are two implementations: `VpcOwnerAuthorizer` creates authorizations. `OtherAccountAuthorizer` has no access to the account of
 * the VPC, so it can only check whether somebody there has created one.
 */
export interface Authorizer {
  /** Whether `authorize` can create an authorization. Otherwise, it only checks that there is one. */
  readonly canAuthorize: boolean;
  /** What to do if GameLift still refuses a call after `authorize`; empty if nothing is known to help. */
  readonly advice: string;

  /** Authorizes when an authorization resource is created. */
  authorizeForCreate(): Promise<AuthorizationAttributes>;
  /**
   * Authorizes when an authorization resource is updated.
   *
   * @param previous the authorizer of the pair before the update, if the pair has changed
   */
  authorizeForUpdate(previous: Authorizer | undefined): Promise<AuthorizationAttributes>;
  /**
   * Cancels the authorization when an authorization resource is deleted. If something may still be peered with the VPC, does nothing:
   * the authorization expires later.
   */
  cancel(): Promise<void>;

  /** Authorizes a call that GameLift has refused, or one that the handler or CloudFormation makes next. */
  authorize(): Promise<AuthorizationAttributes>;
  /** Whether GameLift lists a valid authorization. AWS does not document whether GameLift still lists a used authorization. */
  isAuthorizationListed(): Promise<boolean>;
  /**
   * Called on the authorizer of the previous pair if an update changes the pair: CloudFormation then deletes the connections of that pair.
   *
   * @throws Problem if a fleet is peered with the VPC, and the authorization to delete the connection is missing and can't be created.
   */
  requireAuthorizationForCleanup(): Promise<void>;
}

export type ValidAuthorization = AuthorizationRecord & { readonly ExpirationTime: Date };

export function hasExpirationTime(record: AuthorizationRecord | undefined): record is ValidAuthorization {
  return record?.ExpirationTime !== undefined;
}

/** Finds the valid authorization of a pair. Both the account that created it and the account that it was created for can list it. */
export async function findValidAuthorization(
  pair: Pair,
  api: Pick<GameLiftApi, 'describeVpcPeeringAuthorizations'>,
  calls: Calls,
): Promise<ValidAuthorization | undefined> {
  const records = await calls.make('DescribeVpcPeeringAuthorizations', (signal) => api.describeVpcPeeringAuthorizations(signal));
  return records.filter(hasExpirationTime).find(
    (record) =>
      record.PeerVpcId === pair.peerVpcId &&
      record.GameLiftAwsAccountId === pair.gameLiftAccount &&
      // if the record has no PeerVpcAwsAccountId, the account that lists the record owns the VPC
      (record.PeerVpcAwsAccountId ?? pair.peerVpcAccount) === pair.peerVpcAccount &&
      record.ExpirationTime.getTime() > calls.now(),
  );
}

/** GameLift's authorizations are valid for 24 hours. */
const VALIDITY_MILLISECONDS = 24 * 3600 * 1000;

export function attributesOf(record: ValidAuthorization, pair: Pair): AuthorizationAttributes {
  const expiration = record.ExpirationTime.getTime();
  return {
    ExpirationTime: record.ExpirationTime.toISOString(),
    CreationTime: (record.CreationTime ?? new Date(expiration - VALIDITY_MILLISECONDS)).toISOString(),
    ExpirationEpochSeconds: Math.floor(expiration / 1000),
    PeerVpcId: pair.peerVpcId,
    PeerVpcAwsAccountId: record.PeerVpcAwsAccountId ?? pair.peerVpcAccount,
    GameLiftAwsAccountId: pair.gameLiftAccount,
  };
}

/** Names the VPC, accounts and Region in an error message. If there is only one account, its id is left out. */
export function describePair({ peerVpcId, peerVpcAccount, gameLiftAccount }: Pair, region: string): string {
  return peerVpcAccount === gameLiftAccount
    ? `for VPC ${peerVpcId} in ${region}`
    : `between VPC ${peerVpcId} of account ${peerVpcAccount} and GameLift account ${gameLiftAccount} in ${region}`;
}

import type { AuthorizationAttributes } from '../../lib/contract';
import type { AuthorizationRecord, GameLiftApi } from '../aws/api';
import type { Calls } from '../aws/calls';
import type { Pair } from '../resources/properties';

/** Makes GameLift allow the VPCs of a pair to be connected and disconnected. */
export interface Authorizer {
  /** Before anything that needs the authorization is created. */
  authorizeForCreate(): Promise<AuthorizationAttributes>;
  /**
   * Before anything that needs the authorization is changed.
   *
   * @param former of the pair that was declared before, if it is another
   */
  authorizeForUpdate(former: Authorizer | undefined): Promise<AuthorizationAttributes>;
  /** Before a deployment that will delete everything that is peered with the VPC of this pair. */
  checkBeforeCleanup(): Promise<void>;
  /** After a stack has changed, and before CloudFormation deletes what it no longer declares. */
  authorizeCleanup(): Promise<void>;
  /** When GameLift has refused something, or is about to be asked to delete. */
  authorize(): Promise<AuthorizationAttributes>;
  /** Whether GameLift lists a valid authorization. It may not list one that was used. */
  isListed(): Promise<boolean>;
  /** Cancels the authorization, unless something may still be peered with the VPC: then it expires by itself. */
  cancel(): Promise<void>;
  /** What to do if GameLift refuses all the same; empty if nothing is known to help. */
  readonly advice: string;
}

export type ValidAuthorization = AuthorizationRecord & { readonly ExpirationTime: Date };

export function isValid(record: AuthorizationRecord | undefined): record is ValidAuthorization {
  return record?.ExpirationTime !== undefined;
}

/** The valid authorization of a pair, in the list of the account that gave it or was given it. */
export async function findValid(
  pair: Pair,
  api: Pick<GameLiftApi, 'describeVpcPeeringAuthorizations'>,
  calls: Calls,
): Promise<ValidAuthorization | undefined> {
  const records = await calls.make('DescribeVpcPeeringAuthorizations', (signal) => api.describeVpcPeeringAuthorizations(signal));
  return records.filter(isValid).find(
    (record) =>
      record.PeerVpcId === pair.peerVpcId &&
      record.GameLiftAwsAccountId === pair.gameLiftAccount &&
      // absent, it is the account that asks
      (record.PeerVpcAwsAccountId ?? pair.peerVpcAccount) === pair.peerVpcAccount &&
      record.ExpirationTime.getTime() > calls.now(),
  );
}

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

/** The beginning of an error: what failed, and for which VPC and accounts. */
export function failed(task: string, { peerVpcId, peerVpcAccount, gameLiftAccount }: Pair, region: string): string {
  return `could not ${task} between VPC ${peerVpcId} of account ${peerVpcAccount} and GameLift account ${gameLiftAccount} in ${region}`;
}

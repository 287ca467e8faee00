import type { History } from '../../time/history';
import type { Behaviours } from '../behaviours';
import type { Principal } from '../iam/iam';
import { ServiceError } from '../service';

/** Identifies an authorization, which has no id. Authorizations are regional. */
export interface AuthorizationKey {
  readonly peerVpcAccount: string;
  readonly peerVpcId: string;
  readonly gameLiftAccount: string;
  readonly region: string;
}

export interface Authorization extends AuthorizationKey {
  readonly creationTime: Date;
  readonly expirationTime: Date;
  /** Whether a connection was created or deleted with this authorization. */
  readonly isUsed: boolean;
  /** GameLift acts in the peer VPC with this identity. */
  readonly authorizer: Principal;
}

/** A change of an authorization, or a failed attempt to use one. An expiry is not a change. */
export type AuthorizationChange = AuthorizationKey & { readonly time: number } & (
    | { readonly kind: 'authorized'; readonly expirationTime: number }
    /** `consumed`: the authorization was used, and each use consumes it. */
    | { readonly kind: 'used' | 'consumed' | 'canceled' }
    /** An operation needed a valid authorization, but there was none. */
    | { readonly kind: 'missing' }
  );

const VALIDITY_MS = 24 * 3600 * 1000;

/** The authorizations of every account. Expired authorizations count as deleted. */
export class Authorizations {
  /** All changes so far, in order. */
  readonly changes: AuthorizationChange[] = [];
  private readonly byKey: Map<string, Authorization>;

  constructor(
    private readonly history: History,
    private readonly behaviours: Behaviours,
  ) {
    this.byKey = history.map();
  }

  authorize(key: AuthorizationKey, authorizer: Principal): Authorization {
    const existing = this.findValid(key);
    if (existing !== undefined) {
      const reading = this.behaviours.get('authorizingAgain');
      if (reading === 'keeps expiry') {
        return existing;
      }
      if (reading === 'InvalidRequestException') {
        throw new ServiceError(reading, `A VPC peering authorization for ${key.peerVpcId} already exists.`);
      }
    }
    const now = this.history.now();
    const times = { creationTime: new Date(now), expirationTime: new Date(now + VALIDITY_MS) };
    const authorization = { ...key, ...times, isUsed: false, authorizer };
    this.byKey.set(mapKeyOf(key), authorization);
    this.changes.push({ ...key, time: now, kind: 'authorized', expirationTime: now + VALIDITY_MS });
    return authorization;
  }

  cancel(key: AuthorizationKey): void {
    const reading = this.behaviours.get('deletingAbsentAuthorization');
    if (this.findValid(key) === undefined && reading === 'NotFoundException') {
      throw new ServiceError(reading, `No VPC peering authorization found for ${key.peerVpcId}.`);
    }
    if (this.byKey.delete(mapKeyOf(key))) {
      this.recordChange(key, 'canceled');
    }
  }

  /** Lists the valid authorizations that the account created or received. */
  visibleTo(account: string, region: string): Authorization[] {
    const hidesUsed = this.behaviours.get('usedAuthorizations') === 'not listed';
    return [...this.byKey.values()].filter(
      (authorization) =>
        authorization.region === region &&
        [authorization.peerVpcAccount, authorization.gameLiftAccount].includes(account) &&
        this.findValid(authorization) !== undefined &&
        !(hidesUsed && authorization.isUsed),
    );
  }

  /** Lists the valid authorizations of all accounts. */
  all(): Authorization[] {
    return [...this.byKey.values()].filter((authorization) => this.findValid(authorization) !== undefined);
  }

  /**
   * Returns the valid authorization. Creating or deleting a connection needs one, and so does deleting a peered fleet. Throws if there is
   * none, except under the reading `accepted, then fails` of `missingAuthorization`.
   *
   * @returns undefined if there is none, under that reading: GameLift accepts the call, and the operation fails later
   */
  requireValid(key: AuthorizationKey): Authorization | undefined {
    const authorization = this.findValid(key);
    if (authorization === undefined) {
      this.recordChange(key, 'missing');
    }
    const reading = this.behaviours.get('missingAuthorization');
    if (authorization === undefined && reading !== 'accepted, then fails') {
      throw new ServiceError(reading, `There is no valid VPC peering authorization for ${key.peerVpcId}.`);
    }
    return authorization;
  }

  /**
   * Marks the valid authorization as used, or removes it if each use consumes it. Throws like `requireValid`.
   *
   * @returns whether there was a valid authorization
   */
  use(key: AuthorizationKey): boolean {
    const authorization = this.requireValid(key);
    if (authorization === undefined) {
      return false;
    }
    if (this.behaviours.get('useOfAuthorization') === 'consumed') {
      this.byKey.delete(mapKeyOf(key));
      this.recordChange(key, 'consumed');
    } else {
      this.byKey.set(mapKeyOf(key), { ...authorization, isUsed: true });
      this.recordChange(key, 'used');
    }
    return true;
  }

  private recordChange(
    { peerVpcAccount, peerVpcId, gameLiftAccount, region }: AuthorizationKey,
    kind: 'used' | 'consumed' | 'canceled' | 'missing',
  ): void {
    this.changes.push({ peerVpcAccount, peerVpcId, gameLiftAccount, region, time: this.history.now(), kind });
  }

  private findValid(key: AuthorizationKey): Authorization | undefined {
    const authorization = this.byKey.get(mapKeyOf(key));
    return authorization !== undefined && authorization.expirationTime.getTime() > this.history.now() ? authorization : undefined;
  }
}

function mapKeyOf({ peerVpcAccount, peerVpcId, gameLiftAccount, region }: AuthorizationKey): string {
  return [peerVpcAccount, peerVpcId, gameLiftAccount, region].join(' ');
}

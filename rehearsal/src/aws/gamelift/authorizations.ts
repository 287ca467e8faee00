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
  readonly used: boolean;
  /** The identity that GameLift uses in the peer VPC. */
  readonly authorizer: Principal;
}

/** A change of an authorization. Expiring is not recorded as a change. */
export type AuthorizationChange = AuthorizationKey & { readonly time: number } & (
    | { readonly kind: 'authorized'; readonly expirationTime: number }
    | { readonly kind: 'used' | 'used up' | 'canceled' }
    /** An operation needed a valid authorization, and there was none. */
    | { readonly kind: 'missing' }
  );

const VALIDITY = 24 * 3600 * 1000;

/** The authorizations of every account. Expired ones are treated as deleted. */
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
    const valid = this.valid(key);
    if (valid !== undefined) {
      const reading = this.behaviours.get('authorizingAgain');
      if (reading === 'keeps expiry') {
        return valid;
      }
      if (reading === 'InvalidRequestException') {
        throw new ServiceError(reading, `A VPC peering authorization for ${key.peerVpcId} already exists.`);
      }
    }
    const now = this.history.now();
    const times = { creationTime: new Date(now), expirationTime: new Date(now + VALIDITY) };
    const authorization = { ...key, ...times, used: false, authorizer };
    this.byKey.set(nameOf(key), authorization);
    this.changes.push({ ...key, time: now, kind: 'authorized', expirationTime: now + VALIDITY });
    return authorization;
  }

  cancel(key: AuthorizationKey): void {
    const reading = this.behaviours.get('deletingAbsentAuthorization');
    if (this.valid(key) === undefined && reading === 'NotFoundException') {
      throw new ServiceError(reading, `No VPC peering authorization found for ${key.peerVpcId}.`);
    }
    if (this.byKey.delete(nameOf(key))) {
      this.note(key, 'canceled');
    }
  }

  /** The authorizations that the account created or received. */
  visibleTo(account: string, region: string): Authorization[] {
    const unused = this.behaviours.get('usedAuthorizations') === 'not listed';
    return [...this.byKey.values()].filter(
      (authorization) =>
        authorization.region === region &&
        [authorization.peerVpcAccount, authorization.gameLiftAccount].includes(account) &&
        this.valid(authorization) !== undefined &&
        !(unused && authorization.used),
    );
  }

  /** All valid authorizations. */
  all(): Authorization[] {
    return [...this.byKey.values()].filter((authorization) => this.valid(authorization) !== undefined);
  }

  /**
   * The authorization for creating or deleting a connection, or for deleting a peered fleet.
   *
   * @returns undefined if GameLift accepts the call without an authorization, and the operation fails later
   */
  required(key: AuthorizationKey): Authorization | undefined {
    const valid = this.valid(key);
    if (valid === undefined) {
      this.note(key, 'missing');
    }
    const reading = this.behaviours.get('missingAuthorization');
    if (valid === undefined && reading !== 'failed') {
      throw new ServiceError(reading, `There is no valid VPC peering authorization for ${key.peerVpcId}.`);
    }
    return valid;
  }

  /** Marks the authorization as used, or removes it if each use consumes it. Throws like `required`. @returns whether there was one */
  use(key: AuthorizationKey): boolean {
    const valid = this.required(key);
    if (valid === undefined) {
      return false;
    }
    if (this.behaviours.get('useOfAuthorization') === 'consumed') {
      this.byKey.delete(nameOf(key));
      this.note(key, 'used up');
    } else {
      this.byKey.set(nameOf(key), { ...valid, used: true });
      this.note(key, 'used');
    }
    return true;
  }

  private note(
    { peerVpcAccount, peerVpcId, gameLiftAccount, region }: AuthorizationKey,
    kind: 'used' | 'used up' | 'canceled' | 'missing',
  ): void {
    this.changes.push({ peerVpcAccount, peerVpcId, gameLiftAccount, region, time: this.history.now(), kind });
  }

  private valid(key: AuthorizationKey): Authorization | undefined {
    const authorization = this.byKey.get(nameOf(key));
    return authorization !== undefined && authorization.expirationTime.getTime() > this.history.now() ? authorization : undefined;
  }
}

function nameOf({ peerVpcAccount, peerVpcId, gameLiftAccount, region }: AuthorizationKey): string {
  return [peerVpcAccount, peerVpcId, gameLiftAccount, region].join(' ');
}

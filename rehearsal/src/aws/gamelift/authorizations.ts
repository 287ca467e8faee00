import type { History } from '../../time/history';
import type { Behaviours } from '../behaviours';
import type { Principal } from '../iam/iam';
import { ServiceError } from '../service';

/** Which authorization: it has no id. It is regional, as the VPC is. */
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
  /** With whose identity GameLift acts in the peer VPC. */
  readonly authorizer: Principal;
}

/** What happened to an authorization. Those that expire do so without a change. */
export type AuthorizationChange = AuthorizationKey & { readonly time: number } & (
    | { readonly kind: 'authorized'; readonly expirationTime: number }
    | { readonly kind: 'used' | 'used up' | 'canceled' }
    /** It was needed, and there was none. */
    | { readonly kind: 'missing' }
  );

const VALIDITY = 24 * 3600 * 1000;

/** The authorizations of every account; those that have expired are as good as gone. */
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

  /** Initiated or received by the account. */
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

  /** All that are valid. */
  all(): Authorization[] {
    return [...this.byKey.values()].filter((authorization) => this.valid(authorization) !== undefined);
  }

  /**
   * What creating or deleting a connection, and deleting a peered fleet, needs.
   *
   * @returns undefined where the request is accepted without an authorization, and what it began has to fail.
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

  /** Uses it, or uses it up. @returns whether there was one, as `required` */
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

import type { AuthorizationAttributes } from '../lib/contract';
import { DENIED, faultOf, isDenied, isRefusal, RateLimitError, READ_DELAY_MILLISECONDS, TimeUpError } from './calls';
import type { Calls } from './calls';
import { NothingDoneError } from './cloudformation';
import type { Pair } from './properties';

/*
 * Custom::GameLiftVpcPeeringAuthorization
 * https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringAuthorization.html
 */

/** `VpcPeeringAuthorization` of GameLift's API, as far as it is read. */
export interface AuthorizationRecord {
  readonly GameLiftAwsAccountId?: string | undefined;
  readonly PeerVpcAwsAccountId?: string | undefined;
  readonly PeerVpcId?: string | undefined;
  readonly CreationTime?: Date | undefined;
  readonly ExpirationTime?: Date | undefined;
}

interface AuthorizationInput {
  readonly GameLiftAwsAccountId: string;
  readonly PeerVpcId: string;
}

export interface ListApi {
  describeVpcPeeringAuthorizations(signal: AbortSignal): Promise<readonly AuthorizationRecord[]>;
}

/** The calls that an authorization needs, made in the account that owns the VPC. */
export interface AuthorizationApi extends ListApi {
  createVpcPeeringAuthorization(input: AuthorizationInput, signal: AbortSignal): Promise<AuthorizationRecord | undefined>;
  deleteVpcPeeringAuthorization(input: AuthorizationInput, signal: AbortSignal): Promise<void>;
  /** True or false where EC2 says so; rejects where it can't be asked. */
  vpcExists(vpcId: string, signal: AbortSignal): Promise<boolean>;
}

/** An authorization with less than this left was not renewed: half of the 24 hours that AWS gives. */
const RENEWED_MILLISECONDS = 12 * 3600 * 1000;

/** How often one is cancelled for another: who contends for it may be faster. */
const REPLACE_ATTEMPTS = 3;

export type Valid = AuthorizationRecord & { readonly ExpirationTime: Date };

/** Sees to it that GameLift lets the VPCs of a pair be connected and disconnected. */
export interface Authority {
  /** Before anything that needs it is created. */
  authorizeFirst(): Promise<AuthorizationAttributes>;
  /**
   * Before anything that needs it is changed.
   *
   * @param before of the pair that was declared before, if that is another
   */
  authorizeAgain(before: Authority | undefined): Promise<AuthorizationAttributes>;
  /** Before anything is changed in a deployment that will delete all that is peered with this pair's VPC. */
  lookAhead(): Promise<void>;
  /** Once GameLift has refused something, or is about to be asked to delete. */
  authorize(): Promise<AuthorizationAttributes>;
  /** Whether GameLift lists one that is valid; one that was used may not be listed. */
  isListed(): Promise<boolean>;
  /** After a stack has changed, before it cleans up what it no longer declares. */
  authorizeCleanUp(): Promise<void>;
  cancel(): Promise<void>;
  /** What helps where GameLift refuses all the same; empty where nothing is known to. */
  readonly advice: string;
}

/** The authorization of one pair, as the account that owns the VPC gives it. */
export class Authorizations implements Authority {
  readonly advice = '';
  private readonly input: AuthorizationInput;
  private changed = false;

  /** @param renewedMilliseconds what an authorization must have left to be good enough */
  constructor(
    private readonly pair: Pair,
    private readonly region: string,
    private readonly api: AuthorizationApi,
    private readonly calls: Calls,
    private readonly renewedMilliseconds = RENEWED_MILLISECONDS,
  ) {
    this.input = { GameLiftAwsAccountId: pair.gameLiftAccount, PeerVpcId: pair.peerVpcId };
  }

  /**
   * Sees to it that the pair is authorized for long enough from now, and for 24 hours where GameLift renews.
   *
   * AWS does not say what authorizing does while an earlier authorization is valid: it may renew it, keep its expiry,
   * or refuse. Where it does not renew, and too little is left, the earlier one is cancelled and made anew.
   */
  async authorize(): Promise<AuthorizationAttributes> {
    try {
      const first = await this.create();
      return attributesOf(this.isFresh(first) ? first : await this.createAnew(), this.pair);
    } catch (error) {
      throw await this.explain('authorize VPC peering', error);
    }
  }

  /**
   * Authorizes a pair that this resource did not authorize before.
   *
   * @throws NothingDoneError if all that was asked for was refused: there may be an authorization, but it is another's.
   */
  async authorizeFirst(): Promise<AuthorizationAttributes> {
    try {
      return await this.authorize();
    } catch (error) {
      const nothingDone = !this.changed && this.calls.uncertain === 0 && error instanceof Error && isRefusal(error.cause);
      throw nothingDone ? new NothingDoneError(error.message) : error;
    }
  }

  async authorizeAgain(before: Authority | undefined): Promise<AuthorizationAttributes> {
    await before?.lookAhead();
    return await this.authorize();
  }

  async lookAhead(): Promise<void> {
    // it can be had at any time
  }

  async authorizeCleanUp(): Promise<void> {
    await this.authorize();
  }

  async isListed(): Promise<boolean> {
    return (await this.find()) !== undefined;
  }

  /** Cancels what is there; nothing there is fine, but is not believed where one is listed: it may be seconds old. */
  async cancel(): Promise<void> {
    try {
      if (!(await this.remove()) && (await this.isListed().catch(() => false))) {
        await this.remove();
      }
    } catch (error) {
      throw await this.explain('cancel the VPC peering authorization', error);
    }
  }

  private async create(): Promise<Valid> {
    try {
      return await this.request();
    } catch (error) {
      if (faultOf(error).name !== 'InvalidRequestException') {
        throw error;
      }
      // refused because one is valid already, or because the request is wrong
      const existing = await this.find();
      if (existing !== undefined) {
        return existing;
      }
      if (await this.isMissing()) {
        throw error;
      }
      // one that was used may be valid and no longer listed: if there is any, cancelling makes room
      return await this.createAnew();
    }
  }

  private async createAnew(): Promise<Valid> {
    const anew = await this.replace();
    if (!this.isFresh(anew)) {
      throw new Error(
        `GameLift answered with an authorization that expires at ${anew.ExpirationTime.toISOString()}, ` +
          `less than ${Math.round(this.renewedMilliseconds / 3_600_000)} hours from now, although the earlier one had been cancelled; deploy again`,
      );
    }
    return anew;
  }

  /** Cancels what is valid and requests another, again where one is there all the same. */
  private async replace(): Promise<Valid> {
    for (let attempt = 1; ; attempt += 1) {
      const certain = this.calls.uncertain;
      const removed = await this.remove();
      try {
        return await this.request();
      } catch (error) {
        if (faultOf(error).name !== 'InvalidRequestException') {
          throw error;
        }
        // somebody else was faster, or the answer to a request that took effect was lost
        const existing = await this.find();
        if (existing !== undefined && this.isFresh(existing)) {
          return existing;
        }
        if ((!removed && this.calls.uncertain === certain) || attempt === REPLACE_ATTEMPTS) {
          throw error;
        }
      }
    }
  }

  private async request(): Promise<Valid> {
    const record = await this.calls.make(
      'CreateVpcPeeringAuthorization',
      (signal) => this.api.createVpcPeeringAuthorization(this.input, signal),
      DENIED,
    );
    this.changed = true;
    if (!isValid(record)) {
      throw new Error(
        'GameLift accepted CreateVpcPeeringAuthorization but did not say when the authorization expires; deploy again',
      );
    }
    return record;
  }

  /** Gives whether there was one to cancel, as far as GameLift says. */
  private async remove(): Promise<boolean> {
    try {
      await this.calls.make('DeleteVpcPeeringAuthorization', (signal) =>
        this.api.deleteVpcPeeringAuthorization(this.input, signal),
      );
      return true;
    } catch (error) {
      const { name } = faultOf(error);
      if (name === 'NotFoundException') {
        return false;
      }
      if (name === 'InvalidRequestException') {
        const listed = await this.calls.readUntil(
          () => this.find(),
          (found) => found === undefined,
          READ_DELAY_MILLISECONDS,
        );
        if (listed === undefined) {
          return false;
        }
      }
      throw error;
    }
  }

  private find(): Promise<Valid | undefined> {
    return findValid(this.pair, this.api, this.calls);
  }

  private isFresh(record: Valid): boolean {
    return record.ExpirationTime.getTime() - this.calls.now() >= this.renewedMilliseconds;
  }

  /** Says what could not be done, why, and what to do about it. */
  private async explain(task: string, error: unknown): Promise<Error> {
    return explained(`could not ${task}`, this.pair, this.region, error, await this.adviceOn(error));
  }

  private async adviceOn(error: unknown): Promise<string> {
    const { peerVpcId, peerVpcAccount, gameLiftAccount, peerRole } = this.pair;
    const { name } = faultOf(error);
    if (error instanceof RateLimitError) {
      return 'Other callers in this account use the same operation: deploy again when they are done.';
    }
    if (error instanceof TimeUpError) {
      return 'Deploy again.';
    }
    if (isDenied(error)) {
      const role = peerRole === undefined ? "the handler's role" : `the role ${peerRole.arn}`;
      const trust = peerRole === undefined ? '' : 'that the role trusts this account, under the external id that is passed, and ';
      return (
        `Check ${trust}that no service control policy and no permissions boundary keeps ${role} in account ${peerVpcAccount} from ` +
        'gamelift:CreateVpcPeeringAuthorization, gamelift:DeleteVpcPeeringAuthorization, gamelift:DescribeVpcPeeringAuthorizations, ' +
        `and from the EC2 actions on VPC ${peerVpcId} that CreateVpcPeeringAuthorization asks of its caller, then deploy again.`
      );
    }
    if (name === 'InvalidRequestException' || name === 'NotFoundException') {
      if (await this.isMissing()) {
        return `EC2 knows no VPC ${peerVpcId} in account ${peerVpcAccount} and ${this.region}: correct the VPC, then deploy again.`;
      }
      return (
        `Check that VPC ${peerVpcId} belongs to account ${peerVpcAccount} and lies in ${this.region}, ` +
        `and that ${gameLiftAccount} is the account that manages the fleet, then deploy again.`
      );
    }
    return 'Nothing of the template needs a change for this: deploy again.';
  }

  /** Whether EC2 says outright that the VPC is not there. Only makes a better message: no answer is no reason to fail. */
  private async isMissing(): Promise<boolean> {
    try {
      return !(await this.api.vpcExists(this.pair.peerVpcId, this.calls.signal));
    } catch {
      return false;
    }
  }
}

function isValid(record: AuthorizationRecord | undefined): record is Valid {
  return record?.ExpirationTime !== undefined;
}

/** The authorization of a pair that an account gave, or was given, and that is valid. */
export async function findValid(pair: Pair, api: ListApi, calls: Calls): Promise<Valid | undefined> {
  const records = await calls.make('DescribeVpcPeeringAuthorizations', (signal) => api.describeVpcPeeringAuthorizations(signal));
  return records.filter(isValid).find(
    (record) =>
      record.PeerVpcId === pair.peerVpcId &&
      record.GameLiftAwsAccountId === pair.gameLiftAccount &&
      // absent, it is the caller's own: the list holds what this account gave and what it was given
      (record.PeerVpcAwsAccountId ?? pair.peerVpcAccount) === pair.peerVpcAccount &&
      record.ExpirationTime.getTime() > calls.now(),
  );
}

export function attributesOf(record: Valid, pair: Pair): AuthorizationAttributes {
  const expiration = record.ExpirationTime.getTime();
  return {
    ExpirationTime: record.ExpirationTime.toISOString(),
    CreationTime: (record.CreationTime ?? new Date(expiration - 24 * 3600 * 1000)).toISOString(),
    ExpirationEpochSeconds: Math.floor(expiration / 1000),
    PeerVpcId: pair.peerVpcId,
    PeerVpcAwsAccountId: record.PeerVpcAwsAccountId ?? pair.peerVpcAccount,
    GameLiftAwsAccountId: pair.gameLiftAccount,
  };
}

/** What failed, between whom, why, and what to do. */
export function explained(what: string, pair: Pair, region: string, error: unknown, advice: string): Error {
  const { name, message } = faultOf(error);
  const cause =
    error instanceof RateLimitError || error instanceof TimeUpError || name === 'Error' ? message : `${name}: ${message}`;
  return new Error(
    `${what} between VPC ${pair.peerVpcId} of account ${pair.peerVpcAccount} and GameLift account ${pair.gameLiftAccount} in ${region}: ` +
      `${cause}${/[.!?]$/.test(cause) ? '' : '.'} ${advice}`,
    { cause: error },
  );
}

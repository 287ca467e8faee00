import type { AuthorizationAttributes } from '../../lib/contract';
import type { AuthorizationInput, Ec2Api, GameLiftApi } from '../aws/api';
import { isRefusal, RateLimitError, READ_DELAY_MILLISECONDS, TimeUpError } from '../aws/calls';
import type { Calls } from '../aws/calls';
import { isDenial, readError } from '../aws/errors';
import { NothingDoneError } from '../cloudformation/physical-id';
import type { Pair } from '../resources/properties';
import { attributesOf, authorizationError, findValid, isValid } from './authorizer';
import type { Authorizer, ValidAuthorization } from './authorizer';

type AuthorizationApi = Pick<
  GameLiftApi,
  'createVpcPeeringAuthorization' | 'deleteVpcPeeringAuthorization' | 'describeVpcPeeringAuthorizations'
> &
  Pick<Ec2Api, 'vpcExists'>;

/** An authorization that is valid for less than this was not renewed: AWS gives 24 hours. */
const RENEWED_MILLISECONDS = 12 * 3600 * 1000;

/** How often an authorization is canceled to make room for a new one: another caller may be faster. */
const REPLACE_ATTEMPTS = 3;

/** Authorizes in the account that owns the VPC, whether that is the handler's own or it assumes a role there. */
export class OwnAccountAuthorizer implements Authorizer {
  readonly advice = '';
  private readonly input: AuthorizationInput;
  private changed = false;

  /** @param renewedMilliseconds for how long an authorization must be valid to be good enough */
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
   * Authorizes the pair for 24 hours, or for long enough from now.
   *
   * AWS does not document what CreateVpcPeeringAuthorization does while an earlier authorization is valid: it may renew it, keep
   * its expiration time, or refuse. If it does not renew it, and too little time is left, the earlier one is canceled first.
   */
  async authorize(): Promise<AuthorizationAttributes> {
    try {
      const first = await this.create();
      return attributesOf(this.isFresh(first) ? first : await this.cancelAndCreate(), this.pair);
    } catch (error) {
      throw await this.explain('authorize VPC peering', error);
    }
  }

  /**
   * Authorizes a pair that this resource did not authorize before.
   *
   * @throws NothingDoneError if every call was refused: there may be an authorization, but this resource did not make it.
   */
  async authorizeForCreate(): Promise<AuthorizationAttributes> {
    try {
      return await this.authorize();
    } catch (error) {
      const nothingDone = !this.changed && this.calls.unanswered === 0 && error instanceof Error && isRefusal(error.cause);
      throw nothingDone ? new NothingDoneError(error.message) : error;
    }
  }

  async authorizeForUpdate(former: Authorizer | undefined): Promise<AuthorizationAttributes> {
    await former?.checkBeforeCleanup();
    return await this.authorize();
  }

  async checkBeforeCleanup(): Promise<void> {
    // an authorization can be had at any time
  }

  async authorizeCleanup(): Promise<void> {
    await this.authorize();
  }

  async isListed(): Promise<boolean> {
    return (await this.find()) !== undefined;
  }

  /** Cancels the authorization. That there is none is fine, but not believed if one is listed: it may be seconds old. */
  async cancel(): Promise<void> {
    try {
      if (!(await this.remove()) && (await this.isListed().catch(() => false))) {
        await this.remove();
      }
    } catch (error) {
      throw await this.explain('cancel the VPC peering authorization', error);
    }
  }

  private async create(): Promise<ValidAuthorization> {
    try {
      return await this.request();
    } catch (error) {
      if (readError(error).name !== 'InvalidRequestException') {
        throw error;
      }
      // either an authorization is valid already, or the request is wrong
      const existing = await this.find();
      if (existing !== undefined) {
        return existing;
      }
      if (await this.isMissing()) {
        throw error;
      }
      // one that was used may be valid although it is not listed: canceling it makes room
      return await this.cancelAndCreate();
    }
  }

  private async cancelAndCreate(): Promise<ValidAuthorization> {
    const created = await this.replace();
    if (!this.isFresh(created)) {
      throw new Error(
        `GameLift answered with an authorization that expires at ${created.ExpirationTime.toISOString()}, ` +
          `less than ${Math.round(this.renewedMilliseconds / 3_600_000)} hours from now, although the earlier one had been canceled; deploy again`,
      );
    }
    return created;
  }

  /** Cancels the valid authorization and requests another, again if there is one all the same. */
  private async replace(): Promise<ValidAuthorization> {
    for (let attempt = 1; ; attempt += 1) {
      const unanswered = this.calls.unanswered;
      const removed = await this.remove();
      try {
        return await this.request();
      } catch (error) {
        if (readError(error).name !== 'InvalidRequestException') {
          throw error;
        }
        // another caller was faster, or the answer to a request that took effect was lost
        const existing = await this.find();
        if (existing !== undefined && this.isFresh(existing)) {
          return existing;
        }
        if ((!removed && this.calls.unanswered === unanswered) || attempt === REPLACE_ATTEMPTS) {
          throw error;
        }
      }
    }
  }

  private async request(): Promise<ValidAuthorization> {
    const record = await this.calls.make(
      'CreateVpcPeeringAuthorization',
      (signal) => this.api.createVpcPeeringAuthorization(this.input, signal),
      isDenial,
    );
    this.changed = true;
    if (!isValid(record)) {
      throw new Error(
        'GameLift accepted CreateVpcPeeringAuthorization but did not say when the authorization expires; deploy again',
      );
    }
    return record;
  }

  /** Returns whether there was an authorization to cancel, as far as GameLift says. */
  private async remove(): Promise<boolean> {
    try {
      await this.calls.make('DeleteVpcPeeringAuthorization', (signal) =>
        this.api.deleteVpcPeeringAuthorization(this.input, signal),
      );
      return true;
    } catch (error) {
      const { name } = readError(error);
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

  private find(): Promise<ValidAuthorization | undefined> {
    return findValid(this.pair, this.api, this.calls);
  }

  private isFresh(record: ValidAuthorization): boolean {
    return record.ExpirationTime.getTime() - this.calls.now() >= this.renewedMilliseconds;
  }

  private async explain(task: string, error: unknown): Promise<Error> {
    return authorizationError(`could not ${task}`, this.pair, this.region, error, await this.adviceOn(error));
  }

  private async adviceOn(error: unknown): Promise<string> {
    const { peerVpcId, peerVpcAccount, gameLiftAccount, peerRole } = this.pair;
    const { name } = readError(error);
    if (error instanceof RateLimitError) {
      return 'Other callers in this account use the same operation: deploy again when they are done.';
    }
    if (error instanceof TimeUpError) {
      return 'Deploy again.';
    }
    if (isDenial(error)) {
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
    return 'Nothing in the template needs to change: deploy again.';
  }

  /** Whether EC2 says that there is no such VPC. This only improves an error message, so EC2 may fail to answer. */
  private async isMissing(): Promise<boolean> {
    try {
      return !(await this.api.vpcExists(this.pair.peerVpcId, this.calls.signal));
    } catch {
      return false;
    }
  }
}

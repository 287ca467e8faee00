import type { AuthorizationAttributes } from '../../lib/contract';
import type { AuthorizationInput, Ec2Api, GameLiftApi } from '../aws/api';
import { isRefusal, READ_DELAY_MILLISECONDS } from '../aws/calls';
import type { Calls } from '../aws/calls';
import { isDenial, problemOf, readError } from '../aws/errors';
import type { Log } from '../log';
import { NothingDoneProblem, Problem, rootCauseOf } from '../problem';
import type { Pair } from '../resources/properties';
import { attributesOf, failed, findValid, isValid } from './authorizer';
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

interface RequestResult {
  readonly record?: ValidAuthorization;
  readonly refusal?: unknown;
  readonly existing?: ValidAuthorization | undefined;
}

export interface VpcOwner {
  readonly pair: Pair;
  readonly region: string;
  /** Calls in the account that owns the VPC. */
  readonly api: AuthorizationApi;
  readonly calls: Calls;
  readonly log: Log;
  /** Whether anything is peered with the VPC, as far as can be told from the account that the handler is in. */
  readonly isPeered: () => Promise<boolean>;
  /** For how long an authorization must be valid to be good enough. Default: 12 hours */
  readonly renewedMilliseconds?: number;
}

/** Authorizes in the account that owns the VPC, whether that is the handler's own or it assumes a role there. */
export class VpcOwnerAuthorizer implements Authorizer {
  readonly advice = '';
  private readonly pair: Pair;
  private readonly api: AuthorizationApi;
  private readonly calls: Calls;
  private readonly input: AuthorizationInput;
  private readonly renewedMilliseconds: number;
  private hasAuthorized = false;

  constructor(private readonly owner: VpcOwner) {
    const { pair, api, calls, renewedMilliseconds = RENEWED_MILLISECONDS } = owner;
    this.pair = pair;
    this.api = api;
    this.calls = calls;
    this.renewedMilliseconds = renewedMilliseconds;
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
   * @throws NothingDoneProblem if every call was refused: there may be an authorization, but this resource did not make it.
   */
  async authorizeForCreate(): Promise<AuthorizationAttributes> {
    try {
      return await this.authorize();
    } catch (error) {
      const saysNothingDone = !this.hasAuthorized && this.calls.unanswered === 0 && isRefusal(rootCauseOf(error));
      throw saysNothingDone && error instanceof Problem
        ? new NothingDoneProblem(error.what, error.remedy, { cause: error })
        : error;
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

  /** That there is no authorization is fine, but not believed if one is listed: it may be seconds old. */
  async cancel(): Promise<void> {
    if (await this.mayBePeered()) {
      await this.logExpiration();
      return;
    }
    try {
      if (!(await this.remove()) && (await this.isListed().catch(() => false)) && !(await this.mayBePeered())) {
        await this.remove();
      }
    } catch (error) {
      throw await this.explain('cancel the VPC peering authorization', error);
    }
  }

  /** Whether something is peered with the VPC, or that can't be determined. A connection that was just deleted may still be listed. */
  private async mayBePeered(): Promise<boolean> {
    const { calls, isPeered, log } = this.owner;
    try {
      return await calls.readUntil(isPeered, (found) => !found, READ_DELAY_MILLISECONDS);
    } catch (error) {
      log.info({ message: 'could not determine whether anything is peered with the VPC', reason: problemOf(error).what });
      return true;
    }
  }

  private async logExpiration(): Promise<void> {
    const { log } = this.owner;
    const { peerVpcId } = this.pair;
    const valid = await this.find().catch(() => undefined);
    const expires = valid === undefined ? 'within 24 hours' : `at ${valid.ExpirationTime.toISOString()}`;
    log.info({
      message: `the authorization is not canceled, since something may be peered with the VPC: it expires ${expires}`,
      peerVpcId,
    });
  }

  private async create(): Promise<ValidAuthorization> {
    const { record, refusal, existing } = await this.tryRequest();
    const valid = record ?? existing;
    if (valid !== undefined) {
      return valid;
    }
    if (await this.isMissing()) {
      throw refusal;
    }
    // one that was used may be valid although it is not listed: canceling it makes room
    return await this.cancelAndCreate();
  }

  private async cancelAndCreate(): Promise<ValidAuthorization> {
    const created = await this.replace();
    if (!this.isFresh(created)) {
      throw new Problem(
        `GameLift answered with an authorization that expires at ${created.ExpirationTime.toISOString()}, ` +
          `less than ${Math.round(this.renewedMilliseconds / 3_600_000)} hours from now, although the earlier one had been canceled`,
        'deploy again',
      );
    }
    return created;
  }

  /** Cancels the valid authorization and requests another, again if there is one all the same. */
  private async replace(): Promise<ValidAuthorization> {
    for (let attempt = 1; ; attempt += 1) {
      const unanswered = this.calls.unanswered;
      const removed = await this.remove();
      const { record, refusal, existing } = await this.tryRequest();
      if (record !== undefined) {
        return record;
      }
      // another caller was faster, or the answer to a request that took effect was lost
      if (existing !== undefined && this.isFresh(existing)) {
        return existing;
      }
      if ((!removed && this.calls.unanswered === unanswered) || attempt === REPLACE_ATTEMPTS) {
        throw refusal;
      }
    }
  }

  /** Requests an authorization. GameLift refuses the request if it is wrong, or because one is valid already: `existing`, if listed. */
  private async tryRequest(): Promise<RequestResult> {
    try {
      return { record: await this.request() };
    } catch (refusal) {
      if (readError(refusal).name !== 'InvalidRequestException') {
        throw refusal;
      }
      return { refusal, existing: await this.find() };
    }
  }

  private async request(): Promise<ValidAuthorization> {
    const record = await this.calls.make(
      'CreateVpcPeeringAuthorization',
      (signal) => this.api.createVpcPeeringAuthorization(this.input, signal),
      isDenial,
    );
    this.hasAuthorized = true;
    if (!isValid(record)) {
      throw new Problem(
        'GameLift accepted CreateVpcPeeringAuthorization but did not say when the authorization expires',
        'deploy again',
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

  private async explain(task: string, error: unknown): Promise<Problem> {
    const { what, remedy } = problemOf(error);
    return new Problem(what, (await this.remedyOf(error)) ?? remedy, { cause: error }).about(
      failed(task, this.pair, this.owner.region),
    );
  }

  /** What to do about an error of AWS; undefined if the error says so itself. */
  private async remedyOf(error: unknown): Promise<string | undefined> {
    const { peerVpcId, peerVpcAccount, gameLiftAccount, peerRole } = this.pair;
    const { name } = readError(error);
    if (isDenial(error)) {
      const role = peerRole === undefined ? "the handler's role" : `the role ${peerRole.arn}`;
      const trust = peerRole === undefined ? '' : 'that the role trusts this account, under the external id that is passed, and ';
      return (
        `check ${trust}that no service control policy and no permissions boundary keeps ${role} in account ${peerVpcAccount} from ` +
        'gamelift:CreateVpcPeeringAuthorization, gamelift:DeleteVpcPeeringAuthorization, gamelift:DescribeVpcPeeringAuthorizations, ' +
        `and from the EC2 actions on VPC ${peerVpcId} that CreateVpcPeeringAuthorization asks of its caller, then deploy again`
      );
    }
    if (name === 'InvalidRequestException' || name === 'NotFoundException') {
      return (await this.isMissing())
        ? `EC2 knows no VPC ${peerVpcId} in account ${peerVpcAccount} and ${this.owner.region}: correct the VPC, then deploy again`
        : `check that VPC ${peerVpcId} belongs to account ${peerVpcAccount} and lies in ${this.owner.region}, ` +
            `and that ${gameLiftAccount} is the account that manages the fleet, then deploy again`;
    }
    return error instanceof Problem ? undefined : 'nothing in the template needs to change: deploy again';
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

import type { AuthorizationAttributes } from '../../lib/contract';
import type { AuthorizationInput, Ec2Api, GameLiftApi } from '../aws/api';
import { hadNoEffect, READ_DELAY_MILLISECONDS } from '../aws/calls';
import type { Calls } from '../aws/calls';
import { isDenial, problemOf, readError } from '../aws/errors';
import type { Log } from '../log';
import { NothingDoneProblem, Problem, rootCauseOf } from '../problem';
import type { Pair } from '../model/pair';
import { attributesOf, describePair, findValidAuthorization, hasExpirationTime } from './authorizer';
import type { Authorizer, ValidAuthorization } from './authorizer';

type AuthorizationApi = Pick<
  GameLiftApi,
  'createVpcPeeringAuthorization' | 'deleteVpcPeeringAuthorization' | 'describeVpcPeeringAuthorizations'
> &
  Pick<Ec2Api, 'vpcExists'>;

/** If GameLift returns an authorization that expires sooner than this, it is an earlier one: a new one is valid for 24 hours. */
const MINIMUM_VALIDITY_MILLISECONDS = 12 * 3600 * 1000;

/** How often the handler cancels the authorization and requests a new one before it gives up. Another caller may request one in between. */
const REPLACE_ATTEMPTS = 3;

/** The result of one CreateVpcPeeringAuthorization. */
interface AuthorizeResult {
  /** The authorization that GameLift returned: a new one, or one that it kept or renewed. */
  readonly returned?: ValidAuthorization;
  /** The error with which GameLift refused the request. */
  readonly refusal?: unknown;
  /** After a refusal: the valid authorization that GameLift lists. */
  readonly existing?: ValidAuthorization | undefined;
}

export interface VpcOwnerOptions {
  readonly pair: Pair;
  readonly region: string;
  /** Makes calls in the account that owns the VPC. */
  readonly api: AuthorizationApi;
  readonly calls: Calls;
  readonly log: Log;
  /** Whether anything is peered with the VPC, as far as the handler can find out in its own account. */
  readonly isPeered: () => Promise<boolean>;
  /** An authorization that is valid for a shorter time is replaced. Default: 12 hours */
  readonly minimumValidityMilliseconds?: number | undefined;
}

/** Authorizes in the account that owns the VPC: the handler's own account, or one in which it assumes a role. */
export class VpcOwnerAuthorizer implements Authorizer {
  readonly canAuthorize = true;
  readonly advice = '';
  private readonly pair: Pair;
  private readonly api: AuthorizationApi;
  private readonly calls: Calls;
  private readonly input: AuthorizationInput;
  private readonly minimumValidityMilliseconds: number;
  /** Whether GameLift has accepted a CreateVpcPeeringAuthorization of this request. */
  private hasAuthorized = false;

  constructor(private readonly options: VpcOwnerOptions) {
    const { pair, api, calls, minimumValidityMilliseconds = MINIMUM_VALIDITY_MILLISECONDS } = options;
    this.pair = pair;
    this.api = api;
    this.calls = calls;
    this.minimumValidityMilliseconds = minimumValidityMilliseconds;
    this.input = { GameLiftAwsAccountId: pair.gameLiftAccount, PeerVpcId: pair.peerVpcId };
  }

  /**
   * Authorizes the pair for 24 hours, or keeps an authorization that is valid for long enough.
   *
   * AWS does not document what CreateVpcPeeringAuthorization does while an earlier authorization is valid:
   *
   *   GameLift's output or error                                              what the handler does
   *   an authorization that is valid for long enough                          use it: it is new, or was renewed
   *   an authorization that expires too early                                 it was not renewed: cancel it and authorize again
   *   InvalidRequestException; GameLift lists one that is valid long enough   use the listed one
   *   InvalidRequestException; GameLift lists one that expires too early      cancel it and authorize again
   *   InvalidRequestException; GameLift lists none, and the VPC exists        GameLift may not list a used one: cancel it and authorize again
   *   InvalidRequestException; GameLift lists none, and there is no VPC       fail
   *   any other error                                                         fail
   */
  async authorize(): Promise<AuthorizationAttributes> {
    try {
      const authorization = await this.createOrFind();
      return attributesOf(this.isValidLongEnough(authorization) ? authorization : await this.cancelAndCreate(), this.pair);
    } catch (error) {
      throw await this.problemWithRemedy('authorize VPC peering', error);
    }
  }

  /** @throws NothingDoneProblem if no call had an effect, so that the following delete does not cancel somebody else's authorization. */
  async authorizeForCreate(): Promise<AuthorizationAttributes> {
    try {
      return await this.authorize();
    } catch (error) {
      const isNothingDone = !this.hasAuthorized && this.calls.attemptsWithUnknownEffect === 0 && hadNoEffect(rootCauseOf(error));
      throw isNothingDone && error instanceof Problem
        ? new NothingDoneProblem(error.what, error.remedy, { cause: error })
        : error;
    }
  }

  async authorizeForUpdate(previous: Authorizer | undefined): Promise<AuthorizationAttributes> {
    await previous?.requireAuthorizationForCleanup();
    return await this.authorize();
  }

  async isAuthorizationListed(): Promise<boolean> {
    return (await this.findAuthorization()) !== undefined;
  }

  async requireAuthorizationForCleanup(): Promise<void> {
    // no check needed: the handler authorizes when the cleanup needs it
  }

  /**
   * Cancels the authorization. Succeeds if there is none. If GameLift finds none to delete, but then lists one, another caller has just
   * created it: cancels that one, too.
   */
  async cancel(): Promise<void> {
    if (await this.mayBePeered()) {
      await this.logExpiration();
      return;
    }
    try {
      if (!(await this.delete()) && (await this.isAuthorizationListed().catch(() => false)) && !(await this.mayBePeered())) {
        await this.delete();
      }
    } catch (error) {
      throw await this.problemWithRemedy('cancel the VPC peering authorization', error);
    }
  }

  /**
   * Whether something is peered with the VPC, or the handler can't find that out. Reads twice, because a connection that was just deleted may
   * still be listed.
   */
  private async mayBePeered(): Promise<boolean> {
    const { calls, isPeered, log } = this.options;
    try {
      return await calls.readUntil(isPeered, (isStillPeered) => !isStillPeered, READ_DELAY_MILLISECONDS);
    } catch (error) {
      log.info({ message: 'could not determine whether anything is peered with the VPC', reason: problemOf(error).what });
      return true;
    }
  }

  private async logExpiration(): Promise<void> {
    const { log } = this.options;
    const { peerVpcId } = this.pair;
    const authorization = await this.findAuthorization().catch(() => undefined);
    const expiration = authorization === undefined ? 'within 24 hours' : `at ${authorization.ExpirationTime.toISOString()}`;
    log.info({
      message: `the authorization is not canceled, since something may be peered with the VPC: it expires ${expiration}`,
      peerVpcId,
    });
  }

  private async createOrFind(): Promise<ValidAuthorization> {
    const { returned, refusal, existing } = await this.tryCreate();
    const authorization = returned ?? existing;
    if (authorization !== undefined) {
      return authorization;
    }
    if (await this.isVpcMissing()) {
      throw refusal;
    }
    // GameLift may refuse because of a used authorization that it does not list
    return await this.cancelAndCreate();
  }

  /** @throws Problem if the new authorization expires too early as well. */
  private async cancelAndCreate(): Promise<ValidAuthorization> {
    const created = await this.replace();
    if (!this.isValidLongEnough(created)) {
      throw new Problem(
        `GameLift returned an authorization that expires at ${created.ExpirationTime.toISOString()}, ` +
          `less than ${Math.round(this.minimumValidityMilliseconds / 3_600_000)} hours from now, although the earlier one had been canceled`,
        'deploy again',
      );
    }
    return created;
  }

  /** Cancels the authorization and creates a new one. Repeats both if another caller has created one in between. */
  private async replace(): Promise<ValidAuthorization> {
    for (let attempt = 1; ; attempt += 1) {
      const unknownEffectsBefore = this.calls.attemptsWithUnknownEffect;
      const wasDeleted = await this.delete();
      const { returned, refusal, existing } = await this.tryCreate();
      if (returned !== undefined) {
        return returned;
      }
      // another caller created it, or this call took effect although its HTTP response was lost
      if (existing !== undefined && this.isValidLongEnough(existing)) {
        return existing;
      }
      // if nothing was deleted, and each call had a response, no authorization explains the refusal: GameLift would refuse again
      const isRefusalFinal = !wasDeleted && this.calls.attemptsWithUnknownEffect === unknownEffectsBefore;
      if (isRefusalFinal || attempt === REPLACE_ATTEMPTS) {
        throw refusal;
      }
    }
  }

  /** Returns an InvalidRequestException instead of throwing it: the input may be wrong, or an authorization may exist already. */
  private async tryCreate(): Promise<AuthorizeResult> {
    try {
      return { returned: await this.create() };
    } catch (refusal) {
      if (readError(refusal).name !== 'InvalidRequestException') {
        throw refusal;
      }
      return { refusal, existing: await this.findAuthorization() };
    }
  }

  private async create(): Promise<ValidAuthorization> {
    const record = await this.calls.make(
      'CreateVpcPeeringAuthorization',
      (signal) => this.api.createVpcPeeringAuthorization(this.input, signal),
      { isTemporary: isDenial },
    );
    this.hasAuthorized = true;
    if (!hasExpirationTime(record)) {
      throw new Problem('GameLift accepted CreateVpcPeeringAuthorization but returned no expiration time', 'deploy again');
    }
    return record;
  }

  /** Returns false if GameLift reports that there was no authorization to delete. */
  private async delete(): Promise<boolean> {
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
      // AWS does not document whether GameLift returns this error if there is no authorization
      if (name === 'InvalidRequestException') {
        const listed = await this.calls.readUntil(
          () => this.findAuthorization(),
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

  private findAuthorization(): Promise<ValidAuthorization | undefined> {
    return findValidAuthorization(this.pair, this.api, this.calls);
  }

  private isValidLongEnough(record: ValidAuthorization): boolean {
    return record.ExpirationTime.getTime() - this.calls.now() >= this.minimumValidityMilliseconds;
  }

  /** @param failedTask such as "cancel the VPC peering authorization" */
  private async problemWithRemedy(failedTask: string, error: unknown): Promise<Problem> {
    const { what, remedy } = problemOf(error);
    return new Problem(what, (await this.remedyOf(error)) ?? remedy, { cause: error }).withContext(
      `could not ${failedTask} ${describePair(this.pair, this.options.region)}`,
    );
  }

  /** What to do about an error of AWS; undefined if the error already contains a remedy. */
  private async remedyOf(error: unknown): Promise<string | undefined> {
    const { peerVpcId, peerVpcAccount, gameLiftAccount, peerRole } = this.pair;
    const { region } = this.options;
    const { name } = readError(error);
    if (isDenial(error)) {
      const [roleName, trustCheck] =
        peerRole === undefined
          ? ["the handler's role", '']
          : [
              `role ${peerRole.arn}`,
              'that the role trusts this account, with the externalId of the VpcPeeringAuthorization if it has one, and ',
            ];
      return (
        `check ${trustCheck}that ${roleName} in account ${peerVpcAccount} is allowed to call gamelift:CreateVpcPeeringAuthorization, ` +
        'gamelift:DeleteVpcPeeringAuthorization, gamelift:DescribeVpcPeeringAuthorizations and the EC2 actions that GameLift requires ' +
        `for VPC ${peerVpcId}, and that no service control policy or permissions boundary denies them, then try again`
      );
    }
    if (name === 'InvalidRequestException' || name === 'NotFoundException') {
      return (await this.isVpcMissing())
        ? `there is no VPC ${peerVpcId} in account ${peerVpcAccount} and ${region}: correct the vpc of the VpcPeeringAuthorization, then ` +
            'deploy again'
        : `check that VPC ${peerVpcId} belongs to account ${peerVpcAccount} and is in ${region}, and that the gameLiftAccount of the ` +
            `VpcPeeringAuthorization, ${gameLiftAccount}, is the account of the fleet, then try again`;
    }
    return error instanceof Problem ? undefined : 'the template is not the cause: try again';
  }

  /** Whether EC2 reports that the VPC does not exist. Ignores other errors of EC2, because this only improves an error message. */
  private async isVpcMissing(): Promise<boolean> {
    try {
      return !(await this.api.vpcExists(this.pair.peerVpcId, this.calls.signal));
    } catch {
      return false;
    }
  }
}

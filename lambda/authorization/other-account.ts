import type { AuthorizationAttributes } from '../../lib/contract';
import type { CloudFormationApi, GameLiftApi } from '../aws/api';
import { isRefusal, READ_DELAY_MILLISECONDS } from '../aws/calls';
import type { Calls } from '../aws/calls';
import { problemOf } from '../aws/errors';
import { NothingDoneProblem, Problem, rootCauseOf } from '../problem';
import type { Pair } from '../resources/properties';
import { attributesOf, failed, findValid } from './authorizer';
import type { Authorizer, ValidAuthorization } from './authorizer';
import { isPeeredWithFleet } from './peered';

type OtherAccountApi = CloudFormationApi &
  Pick<GameLiftApi, 'describeVpcPeeringAuthorizations' | 'describeVpcPeeringConnections'>;

/** How long a deployment may take after it has checked for an authorization: a fleet alone takes half an hour. */
const AHEAD_MILLISECONDS = 3_600_000;

/**
 * Only the account that owns the VPC can authorize, and the handler has no role there: checks for an authorization, and its errors
 * say what to run in the other account.
 */
export class OtherAccountAuthorizer implements Authorizer {
  constructor(
    private readonly pair: Pair,
    private readonly region: string,
    private readonly api: OtherAccountApi,
    private readonly calls: Calls,
    private readonly stackId: string,
  ) {}

  get advice(): string {
    const { peerVpcId, peerVpcAccount, gameLiftAccount } = this.pair;
    const command = (verb: string): string =>
      `aws gamelift ${verb}-vpc-peering-authorization --game-lift-aws-account-id ${gameLiftAccount} ` +
      `--peer-vpc-id ${peerVpcId} --region ${this.region}`;
    return (
      `only account ${peerVpcAccount} can authorize this. Run there: ${command('create')} and then repeat here what failed. ` +
      `If that does not help, an authorization that was used up is in the way. Run there first: ${command('delete')}`
    );
  }

  async authorizeForCreate(): Promise<AuthorizationAttributes> {
    try {
      return await this.validFor(AHEAD_MILLISECONDS);
    } catch (error) {
      // a check changes nothing
      throw error instanceof Problem && (error.cause === undefined || isRefusal(rootCauseOf(error)))
        ? new NothingDoneProblem(error.what, error.remedy, { cause: error })
        : error;
    }
  }

  async authorizeForUpdate(former: Authorizer | undefined): Promise<AuthorizationAttributes> {
    try {
      await former?.checkBeforeCleanup();
      return await this.validFor(AHEAD_MILLISECONDS);
    } catch (error) {
      // the deployment failed already, perhaps for this very reason, and another failure would leave the stack stuck
      if (await this.isRolledBack()) {
        const now = new Date(this.calls.now());
        return attributesOf((await this.find()) ?? { CreationTime: now, ExpirationTime: now }, this.pair);
      }
      throw error;
    }
  }

  async checkBeforeCleanup(): Promise<void> {
    await this.calls.untilEarlierIsReadable();
    if (await isPeeredWithFleet(this.pair, this.api, this.calls)) {
      await this.validFor(AHEAD_MILLISECONDS);
    }
  }

  authorize(): Promise<AuthorizationAttributes> {
    return this.validFor(0);
  }

  async isListed(): Promise<boolean> {
    return (await this.find()) !== undefined;
  }

  async authorizeCleanup(): Promise<void> {
    // checked before anything was changed; it was used since, and AWS does not document whether it is listed after that
  }

  async cancel(): Promise<void> {
    // the account that owns the VPC cancels it
  }

  private async validFor(milliseconds: number): Promise<AuthorizationAttributes> {
    const isEnough = (found: ValidAuthorization | undefined): boolean =>
      found !== undefined && found.ExpirationTime.getTime() - this.calls.now() >= milliseconds;
    const record = await this.explained(() => this.calls.readUntil(() => this.list(), isEnough, READ_DELAY_MILLISECONDS));
    if (record === undefined || !isEnough(record)) {
      const got =
        record === undefined ? 'GameLift lists none that is valid' : `it expires at ${record.ExpirationTime.toISOString()}`;
      const { peerVpcId, peerVpcAccount, gameLiftAccount } = this.pair;
      throw new Problem(
        `an authorization is missing between VPC ${peerVpcId} of account ${peerVpcAccount} and GameLift account ${gameLiftAccount} ` +
          `in ${this.region}: ${got}`,
        this.advice,
      );
    }
    return attributesOf(record, this.pair);
  }

  /** False if CloudFormation can't be asked: the error before is more useful than that one. */
  private async isRolledBack(): Promise<boolean> {
    try {
      const status = await this.calls.make('DescribeStacks', (signal) => this.api.describeStackStatus(this.stackId, signal));
      return status.includes('ROLLBACK');
    } catch {
      return false;
    }
  }

  private list(): Promise<ValidAuthorization | undefined> {
    return findValid(this.pair, this.api, this.calls);
  }

  private find(): Promise<ValidAuthorization | undefined> {
    return this.explained(() => this.list());
  }

  private async explained<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw problemOf(error).about(failed('look for an authorization', this.pair, this.region));
    }
  }
}

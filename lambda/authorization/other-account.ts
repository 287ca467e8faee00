import type { AuthorizationAttributes } from '../../lib/contract';
import type { CloudFormationApi, GameLiftApi } from '../aws/api';
import { hadNoEffect, READ_DELAY_MILLISECONDS } from '../aws/calls';
import type { Calls } from '../aws/calls';
import { problemOf } from '../aws/errors';
import { NothingDoneProblem, Problem, rootCauseOf } from '../problem';
import type { Pair } from '../model/pair';
import { attributesOf, describePair, findValidAuthorization } from './authorizer';
import type { Authorizer, ValidAuthorization } from './authorizer';
import { isPeeredWithFleet } from './peered';

type OtherAccountApi = CloudFormationApi &
  Pick<GameLiftApi, 'describeVpcPeeringAuthorizations' | 'describeVpcPeeringConnections'>;

/** How long the authorization must still be valid when a deployment begins: an hour, because the creation of a fleet takes half an hour. */
const DEPLOYMENT_MILLISECONDS = 3_600_000;

export interface OtherAccountOptions {
  readonly pair: Pair;
  readonly region: string;
  /** Makes calls in the account of the stack. */
  readonly api: OtherAccountApi;
  readonly calls: Calls;
  readonly stackId: string;
}

/**
 * Checks for an authorization of a VPC in another account, to which the handler has no access. Only the account that owns the VPC can
 * authorize, so the errors of this class contain the command to run in that account.
 */
export class OtherAccountAuthorizer implements Authorizer {
  readonly canAuthorize = false;
  private readonly pair: Pair;
  private readonly region: string;
  private readonly api: OtherAccountApi;
  private readonly calls: Calls;
  private readonly stackId: string;

  constructor({ pair, region, api, calls, stackId }: OtherAccountOptions) {
    this.pair = pair;
    this.region = region;
    this.api = api;
    this.calls = calls;
    this.stackId = stackId;
  }

  get advice(): string {
    const { peerVpcId, peerVpcAccount, gameLiftAccount } = this.pair;
    const command = (verb: string): string =>
      `aws gamelift ${verb}-vpc-peering-authorization --game-lift-aws-account-id ${gameLiftAccount} ` +
      `--peer-vpc-id ${peerVpcId} --region ${this.region}`;
    return (
      `only account ${peerVpcAccount}, which owns the VPC, can authorize this. Run there: ${command('create')} and then try again ` +
      'here. If GameLift refuses again, it still has an authorization that was already used. In that case, run this there first: ' +
      command('delete')
    );
  }

  async authorizeForCreate(): Promise<AuthorizationAttributes> {
    try {
      return await this.requireAuthorization(DEPLOYMENT_MILLISECONDS);
    } catch (error) {
      // if the authorization is missing, or AWS rejected a read, nothing was done, so the following delete has nothing to do
      throw error instanceof Problem && (error.cause === undefined || hadNoEffect(rootCauseOf(error)))
        ? new NothingDoneProblem(error.what, error.remedy, { cause: error })
        : error;
    }
  }

  async authorizeForUpdate(previous: Authorizer | undefined): Promise<AuthorizationAttributes> {
    try {
      await previous?.requireAuthorizationForCleanup();
      return await this.requireAuthorization(DEPLOYMENT_MILLISECONDS);
    } catch (error) {
      // a rollback must succeed, or the stack is blocked. The deployment may have failed because of the same missing authorization
      if (await this.isRollingBack()) {
        // without an authorization, return the attributes of one that expires now
        const now = new Date(this.calls.now());
        return attributesOf((await this.findAuthorization()) ?? { CreationTime: now, ExpirationTime: now }, this.pair);
      }
      throw error;
    }
  }

  async cancel(): Promise<void> {
    // does nothing: only the account that owns the VPC can cancel an authorization
  }

  authorize(): Promise<AuthorizationAttributes> {
    return this.requireAuthorization(0);
  }

  async isAuthorizationListed(): Promise<boolean> {
    return (await this.findAuthorization()) !== undefined;
  }

  async requireAuthorizationForCleanup(): Promise<void> {
    await this.calls.waitUntilEarlierWritesAreReadable();
    if (await isPeeredWithFleet(this.pair, this.api, this.calls)) {
      await this.requireAuthorization(DEPLOYMENT_MILLISECONDS);
    }
  }

  /** @throws Problem if GameLift lists no authorization that is valid for at least the given milliseconds. */
  private async requireAuthorization(minimumMilliseconds: number): Promise<AuthorizationAttributes> {
    const isValidLongEnough = (found: ValidAuthorization | undefined): boolean =>
      found !== undefined && found.ExpirationTime.getTime() - this.calls.now() >= minimumMilliseconds;
    const record = await this.explainErrors(() =>
      this.calls.readUntil(() => this.readAuthorization(), isValidLongEnough, READ_DELAY_MILLISECONDS),
    );
    if (record === undefined || !isValidLongEnough(record)) {
      // GameLift lists only valid authorizations, so `record` is valid, but expires within the hour that a deployment requires
      const reason =
        record === undefined
          ? 'GameLift lists none that is valid'
          : `the one that GameLift lists expires at ${record.ExpirationTime.toISOString()}, less than an hour from now`;
      throw new Problem(`an authorization is missing ${describePair(this.pair, this.region)}: ${reason}`, this.advice);
    }
    return attributesOf(record, this.pair);
  }

  /** Whether the stack is rolling back. Ignores an error of CloudFormation, because the error of the authorization is more useful. */
  private async isRollingBack(): Promise<boolean> {
    try {
      const status = await this.calls.make('DescribeStacks', (signal) => this.api.describeStackStatus(this.stackId, signal));
      return status.includes('ROLLBACK');
    } catch {
      return false;
    }
  }

  private readAuthorization(): Promise<ValidAuthorization | undefined> {
    return findValidAuthorization(this.pair, this.api, this.calls);
  }

  private findAuthorization(): Promise<ValidAuthorization | undefined> {
    return this.explainErrors(() => this.readAuthorization());
  }

  private async explainErrors<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw problemOf(error).withContext(`could not look for an authorization ${describePair(this.pair, this.region)}`);
    }
  }
}

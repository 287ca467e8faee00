import type { AuthorizationAttributes } from '../lib/contract';
import { attributesOf, explained, findValid } from './authorization';
import type { Authority, ListApi, Valid } from './authorization';
import { isRefusal, READ_DELAY_MILLISECONDS } from './calls';
import type { Calls } from './calls';
import { NothingDoneError } from './cloudformation';
import { isPeered } from './peering';
import type { PeeredApi } from './peering';
import type { Pair } from './properties';

/** The calls that looking takes, in the handler's own account. */
export interface ReceivedApi extends ListApi, PeeredApi {
  /** CloudFormation's, such as `UPDATE_ROLLBACK_IN_PROGRESS`. */
  describeStackStatus(stackId: string, signal: AbortSignal): Promise<string>;
}

/** What a deployment may take after it has looked for an authorization: fleets alone take half an hour. */
const AHEAD_MILLISECONDS = 3_600_000;

/**
 * An authorization that only another account can give, and that account does not let the handler in: it is looked for, and
 * who can give it is told how.
 */
export class ReceivedAuthorization implements Authority {
  constructor(
    private readonly pair: Pair,
    private readonly region: string,
    private readonly api: ReceivedApi,
    private readonly calls: Calls,
    private readonly stackId: string,
  ) {}

  get advice(): string {
    const { peerVpcId, peerVpcAccount, gameLiftAccount } = this.pair;
    const command = (verb: string): string =>
      `aws gamelift ${verb}-vpc-peering-authorization --game-lift-aws-account-id ${gameLiftAccount} ` +
      `--peer-vpc-id ${peerVpcId} --region ${this.region}`;
    return (
      `Only account ${peerVpcAccount} can authorize this. Run there: ${command('create')} and then do here again what failed. ` +
      `If that does not help, an authorization that was used up stands in its way. Run there first: ${command('delete')}`
    );
  }

  async authorizeFirst(): Promise<AuthorizationAttributes> {
    try {
      return await this.validFor(AHEAD_MILLISECONDS);
    } catch (error) {
      // nothing can have been changed by looking
      throw error instanceof Error && (error.cause === undefined || isRefusal(error.cause))
        ? new NothingDoneError(error.message)
        : error;
    }
  }

  async authorizeAgain(before: Authority | undefined): Promise<AuthorizationAttributes> {
    try {
      await before?.lookAhead();
      return await this.validFor(AHEAD_MILLISECONDS);
    } catch (error) {
      // the deployment has failed already, perhaps for this very reason: to fail once more would leave the stack stuck
      if (await this.isRolledBack()) {
        const now = new Date(this.calls.now());
        return attributesOf((await this.find()) ?? { CreationTime: now, ExpirationTime: now }, this.pair);
      }
      throw error;
    }
  }

  async lookAhead(): Promise<void> {
    await this.calls.untilEarlierIsReadable();
    if (await isPeered(this.pair, this.api, this.calls)) {
      await this.validFor(AHEAD_MILLISECONDS);
    }
  }

  authorize(): Promise<AuthorizationAttributes> {
    return this.validFor(0);
  }

  async isListed(): Promise<boolean> {
    return (await this.find()) !== undefined;
  }

  async authorizeCleanUp(): Promise<void> {
    // looked for before anything was changed; meanwhile it was used, and AWS does not say whether it is listed then
  }

  async cancel(): Promise<void> {
    // whoever gave it cancels it
  }

  private async validFor(milliseconds: number): Promise<AuthorizationAttributes> {
    const isEnough = (found: Valid | undefined): boolean =>
      found !== undefined && found.ExpirationTime.getTime() - this.calls.now() >= milliseconds;
    const record = await this.calls.readUntil(() => this.find(), isEnough, READ_DELAY_MILLISECONDS);
    if (record === undefined || !isEnough(record)) {
      const got =
        record === undefined ? 'GameLift lists none that is valid' : `it expires at ${record.ExpirationTime.toISOString()}`;
      const { peerVpcId, peerVpcAccount, gameLiftAccount } = this.pair;
      throw new Error(
        `an authorization is missing between VPC ${peerVpcId} of account ${peerVpcAccount} and GameLift account ${gameLiftAccount} ` +
          `in ${this.region}: ${got}. ${this.advice}`,
      );
    }
    return attributesOf(record, this.pair);
  }

  /** False where CloudFormation can't be asked: what failed before says more than that it can't. */
  private async isRolledBack(): Promise<boolean> {
    try {
      const status = await this.calls.make('DescribeStacks', (signal) => this.api.describeStackStatus(this.stackId, signal));
      return status.includes('ROLLBACK');
    } catch {
      return false;
    }
  }

  private async find(): Promise<Valid | undefined> {
    try {
      return await findValid(this.pair, this.api, this.calls);
    } catch (error) {
      throw explained('could not look for an authorization', this.pair, this.region, error, 'Deploy again.');
    }
  }
}

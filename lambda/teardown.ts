import type { Authority } from './authorization';
import type { Calls } from './calls';
import { isPeered } from './peering';
import type { PeeredApi } from './peering';
import { isSamePair } from './properties';
import type { Pair } from './properties';

/*
 * Custom::GameLiftVpcPeeringTeardown: deleted before all fleets and connections of its stack, and updated between a change
 * of fleets and the deletion of the old ones. Both times it authorizes, so that what comes next is allowed to.
 */

export class Teardown {
  constructor(
    private readonly pair: Pair,
    private readonly authorityOf: (pair: Pair) => Authority,
    private readonly api: PeeredApi,
    private readonly calls: Calls,
  ) {}

  /** @param before the pair that was declared before: what is peered with that VPC is deleted next */
  async update(before: Pair | undefined): Promise<void> {
    await this.authorityOf(this.pair).authorizeCleanUp();
    if (before !== undefined && !isSamePair(before, this.pair)) {
      await this.unlessNothingIsPeered(before, () => this.authorityOf(before).authorizeCleanUp());
    }
  }

  async delete(): Promise<void> {
    await this.unlessNothingIsPeered(this.pair, () => this.authorityOf(this.pair).authorize());
  }

  /** Where authorizing fails, nothing being peered any more is fine. */
  private async unlessNothingIsPeered(pair: Pair, authorize: () => Promise<unknown>): Promise<void> {
    try {
      await authorize();
    } catch (error) {
      // where nobody can tell, it is why authorizing failed that needs to be known
      if (await this.isStillPeered(pair).catch(() => true)) {
        throw error;
      }
    }
  }

  private async isStillPeered(pair: Pair): Promise<boolean> {
    await this.calls.untilEarlierIsReadable();
    return await isPeered(pair, this.api, this.calls);
  }
}

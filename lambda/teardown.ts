import { Authorizations } from './authorization';
import type { AuthorizationApi } from './authorization';
import type { Calls } from './calls';
import { isDead } from './peering';
import type { ConnectionRecord } from './peering';
import type { Pair } from './properties';

/*
 * Custom::GameLiftVpcPeeringTeardown: deleted before all fleets and connections of its stack, and updated between a change
 * of fleets and the deletion of the old ones. Both times it authorizes, so that what comes next is allowed to.
 */

export interface TeardownApi extends AuthorizationApi {
  describeVpcPeeringConnections(fleetId: undefined, signal: AbortSignal): Promise<readonly ConnectionRecord[]>;
}

export class Teardown {
  constructor(
    private readonly pair: Pair,
    private readonly region: string,
    private readonly api: TeardownApi,
    private readonly calls: Calls,
  ) {}

  /** @param before the pair that was declared before: what is peered with that VPC is deleted next */
  async update(before: Pair | undefined): Promise<void> {
    await this.authorizations(this.pair).authorize();
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(this.pair)) {
      await this.prepare(before);
    }
  }

  async delete(): Promise<void> {
    await this.prepare(this.pair);
  }

  /** Authorizes; where that fails, nothing being peered any more is fine. */
  private async prepare(pair: Pair): Promise<void> {
    try {
      await this.authorizations(pair).authorize();
    } catch (error) {
      if (await this.isPeered(pair)) {
        throw error;
      }
    }
  }

  private async isPeered({ peerVpcId }: Pair): Promise<boolean> {
    const records = await this.calls.make('DescribeVpcPeeringConnections', (signal) =>
      this.api.describeVpcPeeringConnections(undefined, signal),
    );
    return records.some((record) => record.PeerVpcId === peerVpcId && !isDead(record.Status?.Code ?? ''));
  }

  private authorizations(pair: Pair): Authorizations {
    return new Authorizations(pair, this.region, this.api, this.calls);
  }
}

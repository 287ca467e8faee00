import { MAX_CHECK_AGE_MILLISECONDS, READ_DELAY_MILLISECONDS } from '../aws/calls';
import type { PhysicalIdState } from '../cloudformation/physical-id';
import type { PeerNetwork } from '../network/peer-vpc';
import { Problem } from '../problem';
import { describeOwner } from './claim';
import type { ConnectionContext } from './context';
import { decideDelete } from './decide';
import type { DeletableConnection, DeleteSituation } from './decide';
import type { Observer } from './observer';
import type { Claims } from './claims';
import type { Requests } from './requests';

/**
 * How long a create that is at work may go on after its claim was removed: for 15 seconds it may still read the claim, then it may
 * request the connection a few seconds later, and the connection is listed 15 seconds after that.
 */
const UNTIL_CREATE_HAS_NOTICED_MILLISECONDS = 2 * READ_DELAY_MILLISECONDS + MAX_CHECK_AGE_MILLISECONDS;

/** Removes what a resource made of a connection: the loop that takes the steps that `decideDelete` names. */
export class Disconnect {
  constructor(
    private readonly context: ConnectionContext,
    private readonly observer: Observer,
    private readonly requests: Requests,
    private readonly claims: Claims,
    private readonly network: PeerNetwork,
  ) {}

  /** @param physicalId by what CloudFormation knows the resource */
  async run(physicalId: PhysicalIdState): Promise<void> {
    const { calls, spec } = this.context;
    const { adoptExisting, peerOnCreate } = spec;
    let situation: DeleteSituation = {
      adoptExisting,
      peerOnCreate,
      physicalId,
      claim: await this.claims.read(),
      hasReleased: false,
      view: undefined,
      tagged: undefined,
      listed: undefined,
    };
    for (;;) {
      const step = decideDelete(situation);
      switch (step.kind) {
        case 'release the claim':
          await this.claims.release();
          await calls.sleep(UNTIL_CREATE_HAS_NOTICED_MILLISECONDS);
          situation = { ...situation, hasReleased: true, claim: await this.claims.read() };
          break;
        case 'ask EC2': {
          const view = await this.observer.ec2();
          situation = { ...situation, view, tagged: this.observer.tags.connectionIn(view) };
          break;
        }
        case 'read the list':
          situation = { ...situation, listed: await this.observer.list() };
          break;
        case 'leave it':
          this.log(`${step.why}: it is left as it is`);
          return;
        case 'undo changes':
          this.log('the peering connection was adopted: it is left in place, and the changes to it are undone');
          await calls.untilEarlierIsReadable();
          await this.network.undoChanges();
          await this.claims.remove(situation.claim, undefined);
          return;
        case 'disconnect':
          await this.disconnect(situation, step.connection);
          return;
      }
    }
  }

  /** Deletes the connection, then the routes to it. If GameLift deletes it only with its fleet, removes only its routes, DNS resolution and tags. */
  async remove(connection: DeletableConnection | undefined): Promise<void> {
    const { calls } = this.context;
    const outcome =
      connection === undefined ? 'deleted' : await this.requests.delete(connection, () => this.checkDeletable(connection.id));
    // GameLift, or a create that is at work, may have written a route until just now
    await calls.untilAllIsReadable();
    if (outcome === 'deleted') {
      await this.network.clean(connection?.gameLiftVpcId);
      return;
    }
    this.log('GameLift does not delete the peering connection, although it is authorized: the connection ends with its fleet');
    await this.network.detach(connection?.gameLiftVpcId);
  }

  private async disconnect({ hasReleased, claim }: DeleteSituation, connection: DeletableConnection | undefined): Promise<void> {
    if (!hasReleased) {
      await this.claims.release();
    }
    if (claim.connection === undefined && connection?.gameLiftVpcId !== undefined) {
      // GameLift and EC2 forget it. A retry of a deletion that failed midway needs to know whose routes to remove
      const { id, gameLiftVpcId, cidrBlock = '' } = connection;
      await this.claims.noteConnection({ id, gameLiftVpcId, cidrBlock, adopted: false });
    }
    await this.remove(connection);
    await this.claims.remove(claim, connection?.id);
  }

  private log(message: string): void {
    this.context.log.info({ message, fleetId: this.context.spec.fleetId });
  }

  /** @throws Problem if another resource has adopted the connection by now. */
  private async checkDeletable(connectionId: string): Promise<void> {
    const { otherClaims } = await this.claims.read();
    const adopter = otherClaims.find((other) => other.connection?.id === connectionId && other.connection.adopted);
    if (adopter !== undefined) {
      throw new Problem(`the peering connection ${connectionId} was adopted by ${describeOwner(adopter.owner)}`, 'delete again');
    }
  }
}

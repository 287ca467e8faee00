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
 * How long after the removal of its claim a running create can still make a connection appear. For 15 seconds, it may still read the claim.
 * A few seconds later, it requests the connection. GameLift's list shows the connection 15 seconds after that.
 */
const RUNNING_CREATE_MILLISECONDS = 2 * READ_DELAY_MILLISECONDS + MAX_CHECK_AGE_MILLISECONDS;

export interface DisconnectLoopOptions {
  readonly context: ConnectionContext;
  readonly observer: Observer;
  readonly requests: Requests;
  readonly claims: Claims;
  readonly network: PeerNetwork;
}

/** Deletes the connection of a resource, or undoes its changes, in a loop that performs the steps that `decideDelete` returns. */
export class DisconnectLoop {
  private readonly context: ConnectionContext;
  private readonly observer: Observer;
  private readonly requests: Requests;
  private readonly claims: Claims;
  private readonly network: PeerNetwork;

  constructor({ context, observer, requests, claims, network }: DisconnectLoopOptions) {
    this.context = context;
    this.observer = observer;
    this.requests = requests;
    this.claims = claims;
    this.network = network;
  }

  /** @param physicalId what the physical id in the request says about the resource */
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
          await calls.sleep(RUNNING_CREATE_MILLISECONDS);
          situation = { ...situation, hasReleased: true, claim: await this.claims.read() };
          break;
        case 'read EC2': {
          const view = await this.observer.readEc2();
          situation = { ...situation, view, tagged: this.observer.tags.findOwnConnection(view) };
          break;
        }
        case 'read the list':
          situation = { ...situation, listed: await this.observer.listConnections() };
          break;
        case 'leave it':
          this.log(`${step.why}: nothing is deleted`);
          return;
        case 'undo changes':
          this.log('the peering connection was adopted: it is left in place, and the changes to it are undone');
          await calls.waitUntilEarlierWritesAreReadable();
          await this.network.undoChanges();
          await this.claims.remove(situation.claim);
          return;
        case 'disconnect':
          await this.disconnect(situation, step.connection);
          return;
      }
    }
  }

  /**
   * Deletes the connection, then the routes to it. If GameLift keeps the connection until its fleet is deleted, removes only its routes, DNS
   * resolution and tags.
   */
  async deleteConnection(connection: DeletableConnection | undefined): Promise<void> {
    const { calls } = this.context;
    const outcome =
      connection === undefined ? 'deleted' : await this.requests.delete(connection, () => this.throwIfAdopted(connection.id));
    // GameLift or a running create may have written a route just now
    await calls.waitUntilWritesAreReadable();
    if (outcome === 'deleted') {
      await this.network.removeRoutes(connection?.gameLiftVpcId);
      return;
    }
    this.log(
      'GameLift does not delete the peering connection, although the deletion is authorized: the connection exists until its fleet is deleted',
    );
    await this.network.removeConfiguration(connection?.gameLiftVpcId);
  }

  private async disconnect({ hasReleased, claim }: DeleteSituation, connection: DeletableConnection | undefined): Promise<void> {
    if (!hasReleased) {
      await this.claims.release();
    }
    if (claim.connection === undefined && connection?.gameLiftVpcId !== undefined) {
      // GameLift and EC2 no longer show a deleted connection. If this delete fails midway, a retry needs the note to find the routes
      const { id, gameLiftVpcId, cidrBlock = '' } = connection;
      await this.claims.noteConnection({ id, gameLiftVpcId, cidrBlock, isAdopted: false });
    }
    await this.deleteConnection(connection);
    await this.claims.remove(claim, connection?.id);
  }

  private log(message: string): void {
    this.context.log.info({ message, fleetId: this.context.spec.fleetId });
  }

  /** @throws Problem if another resource has adopted the connection in the meantime. */
  private async throwIfAdopted(connectionId: string): Promise<void> {
    const { otherClaims } = await this.claims.read();
    const adopter = otherClaims.find((other) => other.connection?.id === connectionId && other.connection.isAdopted);
    if (adopter !== undefined) {
      throw new Problem(`the peering connection ${connectionId} was adopted by ${describeOwner(adopter.owner)}`, 'delete again');
    }
  }
}

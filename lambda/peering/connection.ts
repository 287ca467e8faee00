import type { ConnectionAttributes } from '../../lib/contract';
import { READ_DELAY_MILLISECONDS } from '../aws/calls';
import type { ListedConnection } from '../aws/connections';
import { isGameLiftRefusal, problemOf } from '../aws/errors';
import type { PhysicalIdState } from '../cloudformation/physical-id';
import { logIfFails } from '../log';
import type { ClaimedConnection, DeclaredRoutes } from '../model/connection';
import { peeringsIn } from '../network/ec2-view';
import { PeerNetwork } from '../network/peer-vpc';
import { NothingDoneProblem, Problem } from '../problem';
import type { Claim } from './claim';
import { Claims } from './claims';
import { ConnectLoop } from './connect';
import type { InitialState } from './connect';
import type { ConnectionContext } from './context';
import { conflictOf } from './decide';
import { DisconnectLoop } from './disconnect';
import { EndedProblem } from './ended';
import { waitForActiveFleet } from './fleet';
import { Observer } from './observer';
import { Requests } from './requests';
import { findConnectionToDelete } from './watch';

export interface ConnectionUpdate {
  /** The routes that were declared before the update. */
  readonly previousRoutes: DeclaredRoutes;
  readonly state: PhysicalIdState;
  /** The digest of the properties before and after the update. */
  readonly digest: string;
  /** The digest of the reverse update, from the new properties to the old ones. If that update has failed, this one is its rollback. */
  readonly reverseDigest: string;
}

/** Handles the requests for the connection of one resource. */
export class Connection {
  private readonly observer: Observer;
  private readonly requests: Requests;
  private readonly network: PeerNetwork;

  constructor(private readonly context: ConnectionContext) {
    this.observer = new Observer(context);
    this.requests = new Requests(context, this.observer);
    this.network = new PeerNetwork(context, this.observer);
  }

  /** Creates or adopts the connection, or waits until GameLift has created it with the fleet. Sets its tags, routes and DNS. */
  async create(): Promise<ConnectionAttributes> {
    const { calls, spec } = this.context;
    return await this.explainErrors('peer', async () => {
      const claims = await this.claimsOnActiveFleet();
      const earlierClaim = await calls.readUntil(
        () => claims.read(),
        (claim) => conflictOf(claim, spec.adoptExisting) === undefined,
      );
      this.throwIfOwnedByOther(earlierClaim);
      if (!earlierClaim.isClaimed) {
        // Lambda may run a copy of this request while the stack is deleted. CloudFormation deletes the permissions for EC2 first, so the
        // copy waits here until the permission to write claims is deleted, too. Nothing would remove a claim that the copy writes
        await this.observer.waitWhileDenied();
      }
      const claimedAt = await claims.claim();
      // a connection that EC2 shows now and 15 seconds later existed before this request: if a copy of this request had created it, the
      // note of that copy would be readable by then
      const view = await this.observer.readEc2();
      await calls.waitUntilReadable(claimedAt);
      const before = await this.observer.stateBeforeRequest(view);
      return await this.connect(claims, { before, claim: await claims.read(), hasLostTags: false }, undefined);
    });
  }

  /**
   * Changes the connection as declared, and creates it again if it is gone. With `peerOnCreate`, only GameLift can create it, so the
   * update fails. The rollback of that update succeeds: if it failed as well, the stack would be blocked.
   */
  async update({ previousRoutes, state, digest, reverseDigest }: ConnectionUpdate): Promise<ConnectionAttributes> {
    return await this.explainErrors('update the peering of', async () => {
      const claims = await this.claimsOnActiveFleet();
      await this.context.calls.waitUntilEarlierWritesAreReadable();
      const ec2Ids = new Set(peeringsIn(await this.observer.readEc2()).map(({ id }) => id));
      const existing = await this.observer.findExistingConnection();
      const claim = await claims.read();
      this.throwIfOwnedByOther(claim);
      if (!claim.isClaimed) {
        await claims.claim();
      }
      const hasTags = claim.isClaimed || claim.connection !== undefined || claim.peeredBefore !== undefined;
      const initial: InitialState = {
        // an empty list may be a late read
        before: { existing: existing.kind === 'none' ? { kind: 'unknown' } : existing, peeredBefore: [], ec2Ids },
        claim: { ...claim, isClaimed: true },
        hasLostTags: !hasTags && state.kind === 'created',
      };
      try {
        return await this.connect(claims, initial, previousRoutes);
      } catch (error) {
        const { connection: lostConnection, failedUpdate } = claim;
        if (!(error instanceof EndedProblem) || !this.context.spec.peerOnCreate || lostConnection === undefined) {
          throw error;
        }
        if (failedUpdate === reverseDigest) {
          this.context.log.error({
            message: `rolled back, although the peering connection ${lostConnection.id} is gone: ${error.message}`,
          });
          return attributesOf(lostConnection);
        }
        // without the note, the rollback will fail, too
        await logIfFails(this.context.log, 'note that the update failed', () => claims.noteFailedUpdate(lostConnection, digest));
        throw error;
      }
    });
  }

  /**
   * Reads the attributes from EC2's tags or from the note, because reading GameLift's list takes ten seconds. Used by an update without a
   * relevant change. Returns undefined if neither has the attributes, or if the connection is gone.
   */
  async attributesFromTags(): Promise<ConnectionAttributes | undefined> {
    const view = await this.observer.readEc2();
    const taggedConnection = this.observer.tags.findOwnConnection(view);
    if (taggedConnection?.status === 'active' && taggedConnection.cidrBlock !== '') {
      return attributesOf(taggedConnection);
    }
    // EC2's tags show each connection that this resource created, but no connection that it adopted
    const areTagsConclusive = view.kind === 'shown' && !this.context.spec.adoptExisting;
    const fleet = areTagsConclusive ? undefined : await this.observer.readFleet();
    const notedConnection = fleet === undefined ? undefined : (await this.claimsOn(fleet.arn).read()).connection;
    const isActive =
      view.kind === 'unavailable' ||
      view.peerings.some((side) => side.status === 'active' && side.requesterVpcId === notedConnection?.gameLiftVpcId);
    return notedConnection !== undefined && isActive ? attributesOf(notedConnection) : undefined;
  }

  /** Deletes what this resource created, and nothing else. Succeeds if that no longer exists. */
  async delete(state: PhysicalIdState): Promise<void> {
    await this.explainErrors('remove the peering of', async () => {
      // one read is enough if nothing may have been created: `throwIfListed` notices if that read was late
      const fleet = await (state.kind === 'created' ? this.observer.findFleet() : this.observer.readFleet());
      if (fleet !== undefined) {
        await this.createDisconnectLoop(this.claimsOn(fleet.arn)).run(state);
        return;
      }
      if (state.kind !== 'created') {
        await this.throwIfListed();
      }
      await this.network.removeRoutes(undefined);
    });
  }

  private async claimsOnActiveFleet(): Promise<Claims> {
    this.network.throwIfNoAccess();
    return this.claimsOn((await waitForActiveFleet(this.context, this.observer)).arn);
  }

  /** @throws Problem if GameLift lists a connection of the fleet, but not the fleet: a create may be running. */
  private async throwIfListed(): Promise<void> {
    const connection = await this.context.calls.readUntil(
      async () => findConnectionToDelete(await this.observer.listConnections(), await this.observer.readEc2()),
      (found) => found !== undefined,
      READ_DELAY_MILLISECONDS,
    );
    if (connection !== undefined) {
      const { spec, region } = this.context;
      throw new Problem(
        `GameLift says that there is no fleet ${spec.fleetId}, but still lists its peering connection ${connection.id}`,
        'delete again in a minute; if this error comes back, run aws gamelift delete-vpc-peering-connection ' +
          `--fleet-id ${spec.fleetId} --vpc-peering-connection-id ${connection.id} --region ${region}, then delete again`,
      );
    }
  }

  private claimsOn(fleetArn: string): Claims {
    const { spec, owner, requestId, api, calls } = this.context;
    return new Claims({ fleetArn, peerVpcId: spec.pair.peerVpcId, owner, requestId }, api, calls);
  }

  private createDisconnectLoop(claims: Claims): DisconnectLoop {
    const { context, observer, requests, network } = this;
    return new DisconnectLoop({ context, observer, requests, claims, network });
  }

  /** @throws NothingDoneProblem if the connection belongs to another resource. */
  private throwIfOwnedByOther(claim: Claim): void {
    const conflict = conflictOf(claim, this.context.spec.adoptExisting);
    if (conflict !== undefined) {
      throw new NothingDoneProblem(conflict.what, conflict.remedy);
    }
  }

  /** @param previousRoutes the routes that were declared before, if this is an update */
  private async connect(
    claims: Claims,
    initial: InitialState,
    previousRoutes: DeclaredRoutes | undefined,
  ): Promise<ConnectionAttributes> {
    const { context, observer, requests } = this;
    const undo = (created: ListedConnection): Promise<void> => this.createDisconnectLoop(claims).deleteConnection(created);
    const { peering, origin } = await new ConnectLoop({ context, observer, requests, claims, initial, undo }).run();
    const { id, gameLiftVpcId, cidrBlock } = peering;
    if (gameLiftVpcId === undefined || cidrBlock === undefined) {
      throw new Problem(`GameLift does not say which VPC and CIDR block the active connection ${id} leads to`, 'deploy again');
    }
    const connection = { id, gameLiftVpcId, cidrBlock, isAdopted: origin === 'adopted' };
    await claims.noteConnection(connection);
    await this.network.configure(connection, previousRoutes);
    return attributesOf(connection);
  }

  private async explainErrors<T>(task: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { spec, authorizer, region } = this.context;
      const { fleetId, pair } = spec;
      const problem = problemOf(error);
      const explained =
        isGameLiftRefusal(error) && authorizer.advice !== '' ? new Problem(problem.what, authorizer.advice) : problem;
      const [ofFleetAccount, ofVpcAccount] =
        pair.gameLiftAccount === pair.peerVpcAccount
          ? ['', '']
          : [` of account ${pair.gameLiftAccount}`, ` of account ${pair.peerVpcAccount}`];
      throw explained.withContext(
        `could not ${task} fleet ${fleetId}${ofFleetAccount} with VPC ${pair.peerVpcId}${ofVpcAccount} in ${region}`,
      );
    }
  }
}

function attributesOf({ id, gameLiftVpcId, cidrBlock }: ClaimedConnection): ConnectionAttributes {
  return { VpcPeeringConnectionId: id, GameLiftVpcId: gameLiftVpcId, GameLiftCidrBlock: cidrBlock };
}

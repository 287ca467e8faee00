import type { ConnectionAttributes } from '../../lib/contract';
import { READ_DELAY_MILLISECONDS } from '../aws/calls';
import { isGameLiftRefusal, problemOf } from '../aws/errors';
import type { PhysicalIdState } from '../cloudformation/physical-id';
import type { ClaimedConnection, DeclaredRoutes } from '../model/connection';
import { shownBy } from '../network/ec2-view';
import { PeerNetwork } from '../network/peer-vpc';
import { NothingDoneProblem, Problem } from '../problem';
import type { Claim } from './claim';
import { Claims } from './claims';
import { Connect } from './connect';
import type { Seen } from './connect';
import type { ConnectionContext } from './context';
import { conflictOf } from './decide';
import { Disconnect } from './disconnect';
import { EndedProblem } from './ended';
import { activeFleet } from './fleet';
import { Observer } from './observer';
import { Requests } from './requests';
import { findToDelete } from './watch';

export interface ConnectionUpdate {
  /** What was declared until now. */
  readonly formerRoutes: DeclaredRoutes;
  readonly state: PhysicalIdState;
  /** Of the properties before and after the update. */
  readonly digest: string;
  /** The digest of the update whose rollback this one may be: from the present properties to the former ones. */
  readonly reverseDigest: string;
}

/** The connection of one resource, with the properties of one request. */
export class Connection {
  private readonly observer: Observer;
  private readonly requests: Requests;
  private readonly network: PeerNetwork;

  constructor(private readonly context: ConnectionContext) {
    this.observer = new Observer(context);
    this.requests = new Requests(context, this.observer);
    this.network = new PeerNetwork(context, this.observer);
  }

  /** Makes or adopts the connection, or waits for the one that GameLift makes with the fleet, and sets its tags, routes and DNS. */
  async create(): Promise<ConnectionAttributes> {
    const { calls, spec } = this.context;
    return await this.explain('peer', async () => {
      const claims = await this.claimsOnActiveFleet();
      const first = await calls.readUntil(
        () => claims.read(),
        (claim) => conflictOf(claim, spec.adoptExisting) === undefined,
      );
      this.checkOwner(first);
      if (!first.isClaimed) {
        // while CloudFormation deletes the permissions, those for EC2 go first. A copy of this request that Lambda runs then must not
        // write a claim, because the permission to remove it goes next
        await this.observer.waitWhileDenied();
      }
      const claimedAt = await claims.claim();
      // a peering that EC2 shows now and 15 seconds later is not one that a copy of this request has made, unless that is noted by then
      const view = await this.observer.ec2();
      await calls.untilReadable(claimedAt);
      const before = await this.observer.before(view);
      return await this.connect(claims, { before, claim: await claims.read(), isStripped: false }, undefined);
    });
  }

  /**
   * Brings the connection to what is declared, and makes it again if it is gone. With `peerOnCreate`, only GameLift can make it, so the
   * update fails. The rollback of that update succeeds: if it failed as well, the stack would be stuck.
   */
  async update({ formerRoutes, state, digest, reverseDigest }: ConnectionUpdate): Promise<ConnectionAttributes> {
    return await this.explain('update the peering of', async () => {
      const claims = await this.claimsOnActiveFleet();
      await this.context.calls.untilEarlierIsReadable();
      const ec2Ids = new Set(shownBy(await this.observer.ec2()).map(({ id }) => id));
      const existing = await this.observer.existing();
      const claim = await claims.read();
      this.checkOwner(claim);
      if (!claim.isClaimed) {
        await claims.claim();
      }
      const hasTags = claim.isClaimed || claim.connection !== undefined || claim.peeredBefore !== undefined;
      const seen: Seen = {
        // a list that shows nothing may be old
        before: { existing: existing.kind === 'none' ? { kind: 'unknown' } : existing, peeredBefore: [], ec2Ids },
        claim: { ...claim, isClaimed: true },
        isStripped: !hasTags && state.kind === 'made',
      };
      try {
        return await this.connect(claims, seen, formerRoutes);
      } catch (error) {
        const { connection: gone, failedUpdate } = claim;
        if (!(error instanceof EndedProblem) || !this.context.spec.peerOnCreate || gone === undefined) {
          throw error;
        }
        if (failedUpdate === reverseDigest) {
          this.context.log.error({
            message: `rolled back, although the peering connection ${gone.id} is gone: ${error.message}`,
          });
          return attributesOf(gone);
        }
        try {
          await claims.noteFailedUpdate(gone, digest);
        } catch (noteError) {
          // the rollback will fail, too. The first error is the useful one
          this.context.log.error({ message: `could not note that the update failed: ${problemOf(noteError).message}` });
        }
        throw error;
      }
    });
  }

  /**
   * The attributes of a connection that is as declared, without a call to GameLift's list where EC2 can be asked; undefined if nobody
   * noted them, or the connection is gone.
   */
  async knownAttributes(): Promise<ConnectionAttributes | undefined> {
    const view = await this.observer.ec2();
    const tagged = this.observer.tags.connectionIn(view);
    if (tagged?.status === 'active' && tagged.cidrBlock !== '') {
      return attributesOf(tagged);
    }
    // EC2's tags would show a connection that this resource made
    const doTagsTell = view.kind === 'shown' && !this.context.spec.adoptExisting;
    const fleet = doTagsTell ? undefined : await this.observer.fleet();
    const noted = fleet === undefined ? undefined : (await this.claims(fleet.arn).read()).connection;
    const isActive =
      view.kind === 'unavailable' ||
      view.peerings.some((side) => side.status === 'active' && side.requesterVpcId === noted?.gameLiftVpcId);
    return noted !== undefined && isActive ? attributesOf(noted) : undefined;
  }

  /** Removes what this resource made, and nothing of anyone else's. It is fine if it is gone already. */
  async delete(state: PhysicalIdState): Promise<void> {
    await this.explain('remove the peering of', async () => {
      const fleet = await (state.kind === 'made' ? this.observer.findFleet() : this.observer.fleet());
      if (fleet !== undefined) {
        await this.disconnect(this.claims(fleet.arn)).run(state);
        return;
      }
      if (state.kind !== 'made') {
        await this.checkNotListed();
      }
      await this.network.clean(undefined);
    });
  }

  private async claimsOnActiveFleet(): Promise<Claims> {
    this.network.checkReach();
    return this.claims((await activeFleet(this.context, this.observer)).arn);
  }

  /** @throws Problem if there is a connection of the fleet, although GameLift says that there is no fleet: a create may be at work. */
  private async checkNotListed(): Promise<void> {
    const connection = await this.context.calls.readUntil(
      async () => findToDelete(await this.observer.list(), await this.observer.ec2()),
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

  private claims(fleetArn: string): Claims {
    const { spec, owner, requestId, api, calls } = this.context;
    return new Claims({ fleetArn, peerVpcId: spec.pair.peerVpcId, owner, requestId }, api, calls);
  }

  private disconnect(claims: Claims): Disconnect {
    return new Disconnect(this.context, this.observer, this.requests, claims, this.network);
  }

  /** @throws NothingDoneProblem if the connection is another resource's. */
  private checkOwner(claim: Claim): void {
    const conflict = conflictOf(claim, this.context.spec.adoptExisting);
    if (conflict !== undefined) {
      throw new NothingDoneProblem(conflict.what, conflict.remedy);
    }
  }

  /** @param formerRoutes what was declared until now, if this is an update */
  private async connect(claims: Claims, seen: Seen, formerRoutes: DeclaredRoutes | undefined): Promise<ConnectionAttributes> {
    const connect = new Connect(this.context, this.observer, this.requests, claims, seen, (made) =>
      this.disconnect(claims).remove(made),
    );
    const { peering, origin } = await connect.run();
    const { id, gameLiftVpcId, cidrBlock } = peering;
    if (gameLiftVpcId === undefined || cidrBlock === undefined) {
      throw new Problem(`GameLift does not say which VPC and CIDR block the active connection ${id} leads to`, 'deploy again');
    }
    const connection = { id, gameLiftVpcId, cidrBlock, adopted: origin === 'adopted' };
    await claims.noteConnection(connection);
    await this.network.configure(connection, formerRoutes);
    return attributesOf(connection);
  }

  private async explain<T>(task: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      const { spec, authorizer, region } = this.context;
      const { fleetId, pair } = spec;
      const problem = problemOf(error);
      const known = isGameLiftRefusal(error) && authorizer.advice !== '' ? new Problem(problem.what, authorizer.advice) : problem;
      const [ofFleet, ofVpc] =
        pair.gameLiftAccount === pair.peerVpcAccount
          ? ['', '']
          : [` of account ${pair.gameLiftAccount}`, ` of account ${pair.peerVpcAccount}`];
      throw known.about(`could not ${task} fleet ${fleetId}${ofFleet} with VPC ${pair.peerVpcId}${ofVpc} in ${region}`);
    }
  }
}

function attributesOf({ id, gameLiftVpcId, cidrBlock }: ClaimedConnection): ConnectionAttributes {
  return { VpcPeeringConnectionId: id, GameLiftVpcId: gameLiftVpcId, GameLiftCidrBlock: cidrBlock };
}

import type { Ec2Peering, FleetEvent, FleetRecord } from '../aws/api';
import { isAlive, listedConnectionOf } from '../aws/connections';
import type { ListedConnection } from '../aws/connections';
import { isDenial, readError } from '../aws/errors';
import { Ec2Tags } from '../network/ec2-tags';
import { peeringsIn } from '../network/ec2-view';
import type { Ec2View, VpcBlocks } from '../network/ec2-view';
import type { Ec2Source } from '../network/peer-vpc';
import { MAX_PEERED_BEFORE } from './claim';
import type { ConnectionContext } from './context';
import type { ExistingConnection, FoundConnection } from './decide';

/** What exists before this run requests the connection. */
export interface StateBeforeRequest {
  readonly existing: ExistingConnection;
  /** The VPCs that EC2 showed as peered with the peer VPC. Empty if they do not fit into a note; in that case, GameLift's list was read. */
  readonly peeredBefore: readonly string[];
  /** EC2's ids of all peering connections of the peer VPC. */
  readonly ec2Ids: ReadonlySet<string>;
}

/** Reads the connection between a fleet and the peer VPC from GameLift and EC2. */
export class Observer implements Ec2Source {
  readonly tags: Ec2Tags;
  /** When GameLift's list was last read, in milliseconds since the epoch. */
  listedAt = 0;
  /** The CIDR block of the fleet's VPC, once GameLift has listed it. */
  private fleetCidrBlock: string | undefined;
  private unavailableView: (Ec2View & { readonly kind: 'unavailable' }) | undefined;

  constructor(private readonly context: ConnectionContext) {
    this.tags = new Ec2Tags(context.owner, context.spec.fleetId);
  }

  /** Reads the fleet once. Returns undefined if GameLift finds no such fleet, or does not return a new fleet yet: see `findFleet`. */
  readFleet(): Promise<FleetRecord | undefined> {
    const { api, calls, spec } = this.context;
    return calls.make('DescribeFleetAttributes', (signal) => api.describeFleet(spec.fleetId, signal));
  }

  /** Reads the fleet for up to 15 seconds, until GameLift finds it. Returns undefined if the fleet does not exist. */
  findFleet(): Promise<FleetRecord | undefined> {
    return this.context.calls.readUntil(
      () => this.readFleet(),
      (found) => found !== undefined,
    );
  }

  /** Reads GameLift's list of the connections between the fleet and the peer VPC. The rate limit allows one read in ten seconds. */
  async listConnections(): Promise<readonly ListedConnection[]> {
    const { api, calls, spec } = this.context;
    try {
      const records = await calls.make('DescribeVpcPeeringConnections', (signal) =>
        api.describeVpcPeeringConnections(spec.fleetId, signal),
      );
      this.fleetCidrBlock ??= records.find(({ IpV4CidrBlock }) => IpV4CidrBlock !== undefined)?.IpV4CidrBlock;
      return records.filter(({ PeerVpcId }) => PeerVpcId === spec.pair.peerVpcId).map(listedConnectionOf);
    } catch (error) {
      if (readError(error).name === 'NotFoundException' && (await this.readFleet()) === undefined) {
        return [];
      }
      throw error;
    } finally {
      this.listedAt = calls.now();
    }
  }

  /** Finds a connection in GameLift's list that has not ended. */
  async findExistingConnection(): Promise<ExistingConnection> {
    const peering = (await this.listConnections()).find(isAlive);
    return peering === undefined ? { kind: 'none' } : this.withOwner(peering);
  }

  /** Adds the owner of a connection in GameLift's list, according to EC2's tags. */
  async withOwner(peering: ListedConnection): Promise<FoundConnection> {
    return { kind: 'found', peering, owner: this.tags.taggedOwnerOf(peering, await this.readEc2()) };
  }

  /** Reads the peering connections of the peer VPC from EC2. After an error, EC2 is not called again. */
  async readEc2(): Promise<Ec2View> {
    const { vpcApi, calls, log, spec } = this.context;
    const { peerVpcId, peerVpcAccount } = spec.pair;
    if (vpcApi === undefined) {
      return { kind: 'unavailable', reason: `the handler has no access to account ${peerVpcAccount}` };
    }
    if (this.unavailableView !== undefined) {
      return this.unavailableView;
    }
    try {
      const peerings = await calls.make('DescribeVpcPeeringConnections of EC2', (signal) =>
        vpcApi.describePeerings(peerVpcId, signal),
      );
      return { kind: 'shown', peerings };
    } catch (error) {
      if (calls.signal.aborted) {
        throw error;
      }
      const { name, message } = readError(error);
      this.unavailableView = { kind: 'unavailable', reason: `${name}: ${message}` };
      log.info({
        message: 'could not read the peering connections of the peer VPC from EC2',
        reason: this.unavailableView.reason,
      });
      return this.unavailableView;
    }
  }

  /**
   * Waits while EC2 denies access to the peering connections of the VPC, as long as the denial may be temporary. Does not retry after
   * other errors: that would delay the claim, which the caller writes next, and which a delete that runs at the same time must find.
   */
  async waitWhileDenied(): Promise<void> {
    const { vpcApi, calls, spec } = this.context;
    try {
      await vpcApi?.describePeerings(spec.pair.peerVpcId, calls.signal);
    } catch (error) {
      if (isDenial(error)) {
        await this.readEc2();
      }
    }
  }

  /**
   * Determines what exists before the connection is requested. Reads GameLift's list only if EC2 and the fleet's events are not enough.
   *
   * @param earlierView what EC2 showed at least 15 seconds ago. A connection that EC2 showed then and shows now existed before this request.
   *   If EC2 no longer shows it, it may have been deleted. If EC2 shows it only now, another run of the same request may have created it
   */
  async stateBeforeRequest(earlierView: Ec2View): Promise<StateBeforeRequest> {
    const currentView = await this.readEc2();
    const ec2Ids = new Set([...peeringsIn(earlierView), ...peeringsIn(currentView)].map(({ id }) => id));
    const aliveIdsBefore = new Set(
      peeringsIn(earlierView)
        .filter(isAlive)
        .map(({ id }) => id),
    );
    const isCandidate = (side: Ec2Peering): boolean =>
      isAlive(side) && aliveIdsBefore.has(side.id) && !this.tags.isOfOtherFleet(side);
    const candidates = peeringsIn(currentView).filter(isCandidate);
    const hasTooManyCandidates = candidates.length > MAX_PEERED_BEFORE;
    const mustReadList = currentView.kind === 'unavailable' || hasTooManyCandidates || (await this.wasPeeredBefore());
    return {
      existing: mustReadList ? await this.existingOrUnknown() : { kind: 'unknown' },
      peeredBefore: hasTooManyCandidates ? [] : candidates.map(({ requesterVpcId }) => requesterVpcId),
      ec2Ids,
    };
  }

  /**
   * Reads the fleet's events about peering since a point in time, oldest first. These are the events of all connections of the fleet, because
   * an event does not name the peer VPC.
   */
  async peeringEvents(since: Date): Promise<readonly FleetEvent[]> {
    const { api, calls, spec } = this.context;
    const events = await calls.make('DescribeFleetEvents', (signal) => api.describeFleetEvents(spec.fleetId, since, signal));
    return events.filter(({ code, time }) => code.startsWith('FLEET_VPC_PEERING_') && time >= since);
  }

  /** The CIDR block of the fleet's VPC; undefined if neither GameLift nor EC2 shows it. */
  async fleetCidrBlockOf({ cidrBlock, gameLiftVpcId }: ListedConnection): Promise<string | undefined> {
    const side = peeringsIn(await this.readEc2()).find(({ requesterVpcId }) => requesterVpcId === gameLiftVpcId);
    return cidrBlock ?? this.fleetCidrBlock ?? side?.cidrBlock;
  }

  /** Reads the CIDR blocks of the peer VPC. Ignores errors of EC2, because this only improves an error message. */
  async readVpcBlocks(): Promise<VpcBlocks> {
    const { vpcApi, calls, spec } = this.context;
    if (vpcApi === undefined) {
      return { kind: 'unavailable' };
    }
    try {
      return { kind: 'shown', blocks: await vpcApi.describeVpcCidrBlocks(spec.pair.peerVpcId, calls.signal) };
    } catch (error) {
      return readError(error).name === 'InvalidVpcID.NotFound' ? { kind: 'no such VPC' } : { kind: 'unavailable' };
    }
  }

  /** Like `findExistingConnection`, but returns `unknown` for an empty list, because a read may be late. */
  private async existingOrUnknown(): Promise<ExistingConnection> {
    const existing = await this.findExistingConnection();
    return existing.kind === 'none' ? { kind: 'unknown' } : existing;
  }

  /** Whether the latest event about peering says that the fleet was peered. */
  private async wasPeeredBefore(): Promise<boolean> {
    const beginning = new Date(0);
    return (await this.peeringEvents(beginning)).at(-1)?.code === 'FLEET_VPC_PEERING_SUCCEEDED';
  }
}

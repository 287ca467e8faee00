import type { Api, FleetAndVpc } from './api';
import type { Calls } from './calls';
import { CONSISTENCY_DELAY } from './clock';
import type { ReadBack } from './read-back';
import type { Redaction } from './redact';

/** A peering connection, as GameLift lists it or as EC2 describes it. */
export interface Connection {
  readonly id: string;
  readonly vpcId: string;
  readonly status: string;
  readonly message: string;
}

/** The connections at one time. */
export interface Observation {
  readonly time: number;
  /** Undefined if the rate limit did not allow a read of GameLift's list. */
  readonly gameLiftConnections?: readonly Connection[];
  readonly ec2Peerings: readonly Connection[];
}

/** The statuses of a connection that has not ended, in the order in which a connection goes through them. */
const STAGES = ['initiating-request', 'pending-acceptance', 'provisioning', 'active', 'deleting'];
const ENDED_STATUSES = ['failed', 'rejected', 'expired', 'deleted'];

export function isEnded({ status }: Connection): boolean {
  return ENDED_STATUSES.includes(status);
}

export function isLive(connection: Connection): boolean {
  return !isEnded(connection);
}

/** Reads the connections of the fleet and of the VPC. It also notes late reads, and remembers which connections have ended. */
export class Observer {
  /** By source and id of the connection: the latest stage, and when it was first seen. */
  private readonly latestStages = new Map<string, { readonly stage: number; readonly at: number }>();
  private readonly endTimes = new Map<string, number>();

  constructor(
    private readonly calls: Calls,
    private readonly api: Api,
    private readonly pair: FleetAndVpc,
    private readonly redaction: Redaction,
    private readonly readBack: ReadBack,
  ) {}

  /** The connections of the fleet with any VPC, as GameLift lists them. */
  async gameLiftConnections(): Promise<readonly Connection[]> {
    const { VpcPeeringConnections: connections = [] } = await this.calls.callOrThrow(this.api.connections(this.pair.fleetId));
    return this.record(
      'GameLift’s list of connections',
      connections.map(({ VpcPeeringConnectionId, PeerVpcId, Status }) => ({
        id: VpcPeeringConnectionId ?? '',
        vpcId: PeerVpcId ?? '',
        status: Status?.Code ?? '',
        message: Status?.Message ?? '',
      })),
    );
  }

  /** The peerings of the VPC, as EC2 shows them. */
  async ec2Peerings(role: 'accepter' | 'requester' = 'accepter'): Promise<readonly Connection[]> {
    const { vpcId } = this.pair;
    const { VpcPeeringConnections: peerings = [] } = await this.calls.callOrThrow(this.api.peerings(vpcId, role));
    return this.record(
      'EC2’s peerings',
      peerings.map(({ VpcPeeringConnectionId, Status }) => ({
        id: VpcPeeringConnectionId ?? '',
        vpcId,
        status: Status?.Code ?? '',
        message: Status?.Message ?? '',
      })),
    );
  }

  /** Reads GameLift's list, if the rate limit allows it, and EC2's peerings. */
  async observe(): Promise<Observation> {
    if (!this.calls.isAllowed(this.api.connections(this.pair.fleetId))) {
      return { ec2Peerings: await this.ec2Peerings(), time: this.calls.now() };
    }
    const gameLiftConnections = (await this.gameLiftConnections()).filter(({ vpcId }) => vpcId === this.pair.vpcId);
    return { gameLiftConnections, ec2Peerings: await this.ec2Peerings(), time: this.calls.now() };
  }

  /** Observes repeatedly until `decide` returns an outcome. Returns undefined after the timeout. */
  async poll<Outcome>(
    timeout: number,
    interval: number,
    decide: (observation: Observation) => Outcome | undefined,
  ): Promise<Outcome | undefined> {
    const deadline = this.calls.now() + timeout;
    for (;;) {
      const observation = await this.observe();
      const outcome = decide(observation);
      if (outcome !== undefined || observation.time >= deadline) {
        return outcome;
      }
      await this.calls.sleep(interval);
    }
  }

  /** Notes that a connection has ended. Needed only for a connection that GameLift no longer lists: the reads note the end of all others. */
  noteEnd(id: string): void {
    if (!this.endTimes.has(id)) {
      this.endTimes.set(id, this.calls.now());
    }
  }

  /**
   * Returns a filter for connections that are created after this call. GameLift may reuse the id of an ended connection: such a connection is
   * new if it is live at a time when reads can no longer show the old one.
   */
  newConnectionFilter(): (connection: Connection) => boolean {
    const earlierEnds = new Map(this.endTimes);
    return (connection) => {
      const endTime = earlierEnds.get(connection.id);
      return endTime === undefined || (isLive(connection) && this.calls.now() - endTime > CONSISTENCY_DELAY);
    };
  }

  /** Notes what the read shows of each connection, and returns the connections. */
  private record(source: string, connections: readonly Connection[]): readonly Connection[] {
    const at = this.calls.now();
    for (const connection of connections) {
      this.redaction.hide(connection.id, connection.id.startsWith('pcx-') ? 'pcx-…' : '(id of GameLift)');
      this.noteStage(source, connection, at);
      if (isEnded(connection)) {
        this.noteEnd(connection.id);
      }
    }
    return connections;
  }

  /** A connection never returns to an earlier stage, so a read that shows an earlier stage is late. */
  private noteStage(source: string, connection: Connection, at: number): void {
    const key = `${source} ${connection.id}`;
    const stage = isEnded(connection) ? STAGES.length : STAGES.indexOf(connection.status);
    const previous = this.latestStages.get(key);
    if (previous !== undefined && stage < previous.stage && at - previous.at <= CONSISTENCY_DELAY) {
      this.readBack.noteLate(source, at - previous.at);
    } else {
      this.latestStages.set(key, { stage, at: previous?.stage === stage ? previous.at : at });
    }
  }
}

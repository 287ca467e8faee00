import type { Api, Pair } from './api';
import type { Calls } from './calls';
import { VISIBLE } from './clock';
import type { ReadBack } from './read-back';
import type { Redaction } from './redact';

/** A peering connection, as GameLift lists it or as EC2 describes it. */
export interface Connection {
  readonly id: string;
  readonly vpcId: string;
  readonly status: string;
  readonly message: string;
}

/** What can be seen at one time. GameLift's list is there when the rate limit allowed to read it. */
export interface Look {
  readonly at: number;
  readonly listed?: readonly Connection[];
  readonly peerings: readonly Connection[];
}

const STAGES = ['initiating-request', 'pending-acceptance', 'provisioning', 'active', 'deleting'];
const ENDED = ['failed', 'rejected', 'expired', 'deleted'];

export function isEnded({ status }: Connection): boolean {
  return ENDED.includes(status);
}

export function isLive(connection: Connection): boolean {
  return !isEnded(connection);
}

/** Looks at the peerings of the VPC and the fleet. Notices reads that are late, and remembers which connections have ended. */
export class Observer {
  private readonly latest = new Map<string, { readonly stage: number; readonly at: number }>();
  private readonly ended = new Map<string, number>();

  constructor(
    private readonly calls: Calls,
    private readonly api: Api,
    private readonly pair: Pair,
    private readonly redaction: Redaction,
    private readonly readBack: ReadBack,
  ) {}

  /** What GameLift lists of the fleet, for all VPCs. */
  async listed(): Promise<readonly Connection[]> {
    const { VpcPeeringConnections: connections = [] } = await this.calls.read(this.api.connections(this.pair.fleetId));
    return this.noted(
      'GameLift’s list of connections',
      connections.map(({ VpcPeeringConnectionId, PeerVpcId, Status }) => ({
        id: VpcPeeringConnectionId ?? '',
        vpcId: PeerVpcId ?? '',
        status: Status?.Code ?? '',
        message: Status?.Message ?? '',
      })),
    );
  }

  /** The peerings that EC2 shows of the VPC. */
  async peerings(role: 'accepter' | 'requester' = 'accepter'): Promise<readonly Connection[]> {
    const { vpcId } = this.pair;
    const { VpcPeeringConnections: peerings = [] } = await this.calls.read(this.api.peerings(vpcId, role));
    return this.noted(
      'EC2’s peerings',
      peerings.map(({ VpcPeeringConnectionId, Status }) => ({
        id: VpcPeeringConnectionId ?? '',
        vpcId,
        status: Status?.Code ?? '',
        message: Status?.Message ?? '',
      })),
    );
  }

  async look(): Promise<Look> {
    if (!this.calls.isAllowed(this.api.connections(this.pair.fleetId))) {
      return { peerings: await this.peerings(), at: this.calls.now() };
    }
    const listed = (await this.listed()).filter(({ vpcId }) => vpcId === this.pair.vpcId);
    return { listed, peerings: await this.peerings(), at: this.calls.now() };
  }

  /** Looks until the judgement is made, for so long at most. */
  async watch<Judgement>(
    atMost: number,
    every: number,
    judge: (look: Look) => Judgement | undefined,
  ): Promise<Judgement | undefined> {
    const deadline = this.calls.now() + atMost;
    for (;;) {
      const look = await this.look();
      const judgement = judge(look);
      if (judgement !== undefined || look.at >= deadline) {
        return judgement;
      }
      await this.calls.sleep(every);
    }
  }

  /** Notes that a connection has ended, also if nothing lists it any more. */
  noteEnd(id: string): void {
    if (!this.ended.has(id)) {
      this.ended.set(id, this.calls.now());
    }
  }

  /** Tells connections that are new from those that have ended by now. GameLift may use an id again. */
  newConnections(): (connection: Connection) => boolean {
    const ended = new Map(this.ended);
    return (connection) => {
      const end = ended.get(connection.id);
      return end === undefined || (isLive(connection) && this.calls.now() - end > VISIBLE);
    };
  }

  private noted(where: string, connections: readonly Connection[]): readonly Connection[] {
    const at = this.calls.now();
    for (const connection of connections) {
      this.redaction.hide(connection.id, connection.id.startsWith('pcx-') ? 'pcx-…' : '(id of GameLift)');
      this.noteStage(where, connection, at);
      if (isEnded(connection)) {
        this.noteEnd(connection.id);
      }
    }
    return connections;
  }

  private noteStage(where: string, connection: Connection, at: number): void {
    const key = `${where} ${connection.id}`;
    const stage = isEnded(connection) ? STAGES.length : STAGES.indexOf(connection.status);
    const before = this.latest.get(key);
    if (before !== undefined && stage < before.stage && at - before.at <= VISIBLE) {
      this.readBack.noteLate(where, at - before.at);
    } else {
      this.latest.set(key, { stage, at: before?.stage === stage ? before.at : at });
    }
  }
}

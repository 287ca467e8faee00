import type { History, HistoricValue } from '../../time/history';
import type { Ids } from '../ids';
import { ServiceError, type AccountAndRegion } from '../service';
import type { Tags } from '../tags';
import { notFound } from './errors';

type PeeringStatusCode =
  | 'initiating-request'
  | 'pending-acceptance'
  | 'provisioning'
  | 'active'
  | 'failed'
  | 'rejected'
  | 'expired'
  | 'deleting'
  | 'deleted';

export interface PeeringStatus {
  readonly code: PeeringStatusCode;
  readonly message: string;
}

export interface PeeringSide {
  readonly vpcId: string;
  readonly account: string;
  readonly cidrBlocks: readonly string[];
}

/** Whether each side allows DNS resolution from the other VPC. */
interface DnsResolution {
  readonly requester: boolean;
  readonly accepter: boolean;
}

const LIVE_CODES: readonly PeeringStatusCode[] = [
  'initiating-request',
  'pending-acceptance',
  'provisioning',
  'active',
  'deleting',
];
const STATUS_MESSAGES: Readonly<Record<PeeringStatusCode, string>> = {
  'initiating-request': 'Initiating Request',
  'pending-acceptance': 'Pending Acceptance',
  provisioning: 'Provisioning',
  active: 'Active',
  failed: 'Failed',
  rejected: 'Rejected',
  expired: 'Expired',
  deleting: 'Deleting',
  deleted: 'Deleted',
};
/** How long EC2 lists a connection after its end. EC2 documents longer times for some states. */
const LISTED_AFTER_END_MS = 2 * 3600 * 1000;

/** A VPC peering connection in EC2. */
export class Peering {
  private readonly statusValue: HistoricValue<PeeringStatus>;
  private readonly dnsResolutionValue: HistoricValue<DnsResolution>;
  /** `Infinity` while the connection is live. */
  private endedAt = Infinity;

  readonly id: string;
  readonly region: string;
  readonly requester: PeeringSide;
  readonly accepter: PeeringSide;

  constructor(
    private readonly history: History,
    { id, region, requester, accepter }: Pick<Peering, 'id' | 'region' | 'requester' | 'accepter'>,
  ) {
    this.id = id;
    this.region = region;
    this.requester = requester;
    this.accepter = accepter;
    const code = 'initiating-request';
    this.statusValue = history.value<PeeringStatus>({ code, message: STATUS_MESSAGES[code] });
    this.dnsResolutionValue = history.value<DnsResolution>({ requester: false, accepter: false });
  }

  get status(): PeeringStatus {
    return this.statusValue.current;
  }

  get dnsResolution(): DnsResolution {
    return this.dnsResolutionValue.current;
  }

  set dnsResolution(allowed: DnsResolution) {
    this.dnsResolutionValue.current = allowed;
  }

  /** Whether the connection has not ended: it is not deleted, failed, rejected or expired. */
  get isLive(): boolean {
    return LIVE_CODES.includes(this.status.code);
  }

  /** Whether DescribeVpcPeeringConnections still lists the connection. */
  get isListed(): boolean {
    return this.isLive || this.history.now() < this.endedAt + LISTED_AFTER_END_MS;
  }

  setStatus(code: PeeringStatusCode, message = STATUS_MESSAGES[code]): void {
    this.statusValue.current = { code, message };
    if (!this.isLive) {
      this.endedAt = this.history.now();
    }
  }
}

/** The peering connections between VPCs. */
export class Peerings {
  /** Whether EC2 shows failed connections to the account of the accepter. */
  isFailedShownToAccepter: () => boolean = () => false;
  private readonly byId: Map<string, Peering>;

  constructor(
    private readonly history: History,
    private readonly ids: Ids,
    private readonly tags: Tags,
  ) {
    this.byId = history.map();
  }

  /** Creates a connection with the status `initiating-request`. */
  request(region: string, requester: PeeringSide, accepter: PeeringSide): Peering {
    const peering = new Peering(this.history, { id: this.ids.ec2Id('pcx'), region, requester, accepter });
    this.byId.set(peering.id, peering);
    return peering;
  }

  all(): Peering[] {
    return [...this.byId.values()];
  }

  find(id: string): Peering | undefined {
    return this.byId.get(id);
  }

  findLive(requesterVpcId: string, accepterVpcId: string): Peering | undefined {
    return this.all().find(
      ({ requester, accepter, isLive }) => isLive && requester.vpcId === requesterVpcId && accepter.vpcId === accepterVpcId,
    );
  }

  /**
   * The connections that EC2 shows to an account. The accepter sees a connection from `pending-acceptance` on. According to EC2's
   * documents, only the requester sees a failed connection.
   */
  visibleTo({ account, region }: AccountAndRegion): Peering[] {
    return this.all().filter((peering) => {
      const { requester, accepter, status, isListed } = peering;
      if (!isListed || peering.region !== region) {
        return false;
      }
      const isHiddenFromAccepter =
        status.code === 'initiating-request' || (status.code === 'failed' && !this.isFailedShownToAccepter());
      return requester.account === account || (accepter.account === account && !isHiddenFromAccepter);
    });
  }

  getVisible(place: AccountAndRegion, id: string): Peering {
    const peering = this.visibleTo(place).find((visible) => visible.id === id);
    if (peering === undefined) {
      throw notFound('vpcPeeringConnection', [id]);
    }
    return peering;
  }

  /** Throws `InvalidStateTransition` unless the account may delete the connection in its current state. */
  delete(peering: Peering, account: string): void {
    const { code } = peering.status;
    if (code !== 'active' && !(code === 'pending-acceptance' && peering.requester.account === account)) {
      const message = `Invalid state transition for ${peering.id}, attempted to transition from ${code} to deleting`;
      throw new ServiceError('InvalidStateTransition', message);
    }
    this.markDeleted(peering, `Deleted by ${account}`);
  }

  markDeleted(peering: Peering, message: string): void {
    peering.setStatus('deleted', message);
    this.tags.clear(peering.requester.account, peering.id);
    this.tags.clear(peering.accepter.account, peering.id);
  }
}

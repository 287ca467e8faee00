import { runInBackground } from '../../time/background';
import type { History, HistoricValue } from '../../time/history';
import { overlap } from '../ec2/cidr';
import type { Vpc } from '../ec2/network';
import type { Peering, PeeringStatus } from '../ec2/peerings';
import type { Principal } from '../iam/iam';
import { Ids } from '../ids';
import { ServiceError } from '../service';
import type { AuthorizationKey, Authorizations } from './authorizations';
import type { GameLiftContext } from './context';
import { GAMELIFT_OWN_ACCOUNT, type Fleet, type Fleets } from './fleets';
import { PeerActions, type WrittenRoutesAndRules } from './peer-actions';
import type { ConnectionOutcome } from './scripted-outcomes';

/** EC2's message for three different causes. */
const CANNOT_CONNECT_MESSAGE = 'Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range';
const UNAUTHORIZED_MESSAGE = 'VPC actions are not authorized';
/** EC2's default quota of active peering connections for each VPC. */
const MAX_ACTIVE_PER_VPC = 50;

/** A connection as GameLift knows it. `peering` is the same connection in EC2. */
export class Connection {
  readonly id: string;
  readonly fleet: Fleet;
  readonly peering: Peering;
  readonly key: AuthorizationKey;
  readonly createdBy: 'CreateFleet' | 'CreateVpcPeeringConnection';
  /** What GameLift has written in the peer VPC. */
  peerVpcWrites?: { readonly routesAndRules: WrittenRoutesAndRules; readonly vpc: Vpc };
  /** GameLift's status, if it differs from EC2's. */
  private readonly ownStatus: HistoricValue<PeeringStatus | undefined>;

  constructor(
    history: History,
    { id, fleet, peering, key, createdBy }: Pick<Connection, 'id' | 'fleet' | 'peering' | 'key' | 'createdBy'>,
  ) {
    this.id = id;
    this.fleet = fleet;
    this.peering = peering;
    this.key = key;
    this.createdBy = createdBy;
    this.ownStatus = history.value<PeeringStatus | undefined>(undefined);
  }

  /** The status as GameLift returns it. */
  get status(): PeeringStatus {
    return this.ownStatus.current ?? this.peering.status;
  }

  /** Makes GameLift return this status instead of EC2's status. @param status undefined to return EC2's status again */
  overrideStatus(status: PeeringStatus | undefined): void {
    this.ownStatus.current = status;
  }
}

/** The peering connections of all fleets. */
export class Connections {
  private readonly byId: Map<string, Connection>;
  private readonly ids = new Ids();
  private readonly peerActions: PeerActions;
  /** Callbacks that resume the connections whose scripted outcome is `pending`. */
  private readonly pendingResumes = new Set<() => void>();

  constructor(
    private readonly context: GameLiftContext,
    private readonly fleets: Fleets,
    private readonly authorizations: Authorizations,
  ) {
    this.peerActions = new PeerActions(context);
    this.byId = context.history.map();
  }

  /** Performs `CreateVpcPeeringConnection`. */
  async connect(fleet: Fleet, peerVpcAccount: string, peerVpcId: string, caller: Principal): Promise<void> {
    const { behaviours, ec2 } = this.context;
    const peerVpc = ec2.findVpc(peerVpcAccount, fleet.place.region, peerVpcId);
    if (peerVpc !== undefined && behaviours.get('connectingPermissions') === 'checked at the call') {
      await this.peerActions.requirePermissions(peerVpc, caller);
    }
    if (fleet.vpc === undefined) {
      throw new ServiceError('InvalidRequestException', `Fleet ${fleet.id} is not an EC2 fleet: it has no VPC to peer.`);
    }
    const isFailedOrDeleting = fleet.status === 'ERROR' || fleet.status === 'DELETING';
    const isTooEarly = fleet.status !== 'ACTIVE' && behaviours.get('connectingInactiveFleet') === 'InvalidRequestException';
    if (isFailedOrDeleting || isTooEarly) {
      throw new ServiceError('InvalidRequestException', `Fleet ${fleet.id} is not ACTIVE: it is ${fleet.status}.`);
    }
    const key = authorizationKeyOf(fleet, peerVpcAccount, peerVpcId);
    const authorizer = this.authorizations.requireValid(key)?.authorizer;
    if (ec2.peerings.findLive(fleet.vpc.vpcId, peerVpcId) !== undefined) {
      if (behaviours.get('existingConnection') === 'accepted') {
        return;
      }
      const message = `A VPC peering connection between fleet ${fleet.id} and VPC ${peerVpcId} already exists.`;
      throw new ServiceError('InvalidRequestException', message);
    }
    this.authorizations.use(key);
    const connection = this.requestPeering(fleet, fleet.vpc, key, 'CreateVpcPeeringConnection');
    runInBackground(async () => {
      await fleet.whenSettled;
      await this.establish(connection, authorizer, caller);
    });
  }

  /**
   * Returns the authorizer for a fleet that is created with a peer VPC. Without a valid authorization, throws, or returns undefined under the
   * reading `accepted, then fails` of `missingAuthorization`.
   */
  requireAuthorization(key: AuthorizationKey): Principal | undefined {
    return this.authorizations.requireValid(key)?.authorizer;
  }

  /**
   * Connects a fleet that is created with a peer VPC, when the fleet becomes ACTIVATING.
   *
   * @returns the reason why the connection is not active; undefined if it is active
   */
  connectNewFleet(fleet: Fleet, key: AuthorizationKey, authorizer: Principal | undefined): Promise<string | undefined> {
    // fleets without EC2 instances have no VPC to connect
    if (fleet.vpc === undefined) {
      return Promise.resolve(undefined);
    }
    this.authorizations.use(key);
    const connection = this.requestPeering(fleet, fleet.vpc, key, 'CreateFleet');
    return new Promise((resolve) => {
      runInBackground(async () => {
        await fleet.whenActivating;
        await this.establish(connection, authorizer);
        const { code, message } = connection.peering.status;
        resolve(code === 'active' ? undefined : message);
      });
    });
  }

  /** Performs `DeleteVpcPeeringConnection`. */
  async disconnect(fleet: Fleet, id: string): Promise<void> {
    const connection = this.byId.get(id);
    if (connection?.fleet !== fleet || !connection.peering.isLive) {
      throw new ServiceError('NotFoundException', `VPC peering connection ${id} of fleet ${fleet.id} not found.`);
    }
    const { behaviours, clock, scriptedOutcomes } = this.context;
    const refusesConnectionsOfCreateFleet = behaviours.get('disconnectingPeeredFleet') === 'InvalidRequestException';
    if (refusesConnectionsOfCreateFleet && connection.createdBy === 'CreateFleet') {
      const message = `VPC peering connection ${id} was created with fleet ${fleet.id}, and ends with it.`;
      throw new ServiceError('InvalidRequestException', message);
    }
    const authorizer = this.authorizations.requireValid(connection.key)?.authorizer;
    this.authorizations.use(connection.key);
    // under the reading `accepted, then fails` of `missingAuthorization`, GameLift accepts the call, and the deletion fails
    if (authorizer === undefined) {
      connection.overrideStatus({ code: 'failed', message: UNAUTHORIZED_MESSAGE });
      this.report(connection, 'FAILED', UNAUTHORIZED_MESSAGE);
      return;
    }
    if (behaviours.get('deletingConnections') === 'done on return') {
      await this.endConnection(connection, authorizer);
      return;
    }
    connection.overrideStatus(undefined);
    connection.peering.setStatus('deleting');
    runInBackground(async () => {
      await clock.sleep(scriptedOutcomes.connectionDeletionSeconds * 1000);
      await clock.work(() => this.endConnection(connection, authorizer));
    });
  }

  /**
   * Deletes all connections of a fleet that is being deleted.
   *
   * @returns the reason why the deletion of the fleet will fail; undefined if it will succeed
   */
  async disconnectAll(fleet: Fleet): Promise<string | undefined> {
    const connections = [...this.byId.values()].filter((connection) => connection.fleet === fleet && connection.peering.isLive);
    // if an authorization is missing, throw before a connection is deleted
    const authorizers = connections.map(({ key }) => this.authorizations.requireValid(key)?.authorizer);
    for (const [index, connection] of connections.entries()) {
      const authorizer = authorizers[index];
      // if each use consumes the authorization, a second connection to the same VPC needs a second authorization
      if (authorizer === undefined || !this.authorizations.use(connection.key)) {
        return UNAUTHORIZED_MESSAGE;
      }
      await this.endConnection(connection, authorizer);
    }
    return undefined;
  }

  /** The connections that DescribeVpcPeeringConnections lists. */
  list(): Connection[] {
    const hidesEnded = this.context.behaviours.get('endedConnections') === 'not listed';
    return [...this.byId.values()].filter(({ status, peering }) => {
      // after a failed deletion, the status is `failed`, but the connection is still live
      const hasEnded = ['deleted', 'failed'].includes(status.code) && !peering.isLive;
      return peering.isListed && !(hidesEnded && hasEnded);
    });
  }

  /** Resumes the connections whose scripted outcome is `pending`. */
  resumePendingConnections(): void {
    this.pendingResumes.forEach((resume) => {
      resume();
    });
    this.pendingResumes.clear();
  }

  /** Creates the connection in EC2 and in GameLift. */
  private requestPeering(
    fleet: Fleet,
    { vpcId, account, cidrBlock }: Vpc,
    key: AuthorizationKey,
    createdBy: Connection['createdBy'],
  ): Connection {
    const { behaviours, ec2, history } = this.context;
    const peerVpc = ec2.findVpc(key.peerVpcAccount, key.region, key.peerVpcId);
    const peering = ec2.peerings.request(
      key.region,
      { vpcId, account, cidrBlocks: [cidrBlock] },
      { vpcId: key.peerVpcId, account: key.peerVpcAccount, cidrBlocks: [...(peerVpc?.cidrBlocks.values() ?? [])] },
    );
    const id = behaviours.get('connectionIds') === 'id of EC2' ? peering.id : `vpc-peering-${this.ids.uuid('vpc-peering')}`;
    const connection = new Connection(history, { id, fleet, peering, key, createdBy });
    this.byId.set(id, connection);
    return connection;
  }

  /**
   * Takes a requested connection to its final status: active, rejected or failed.
   *
   * @param caller the caller of CreateVpcPeeringConnection. Undefined for a fleet that is created with a peer VPC
   */
  private async establish(connection: Connection, authorizer: Principal | undefined, caller?: Principal): Promise<void> {
    const { clock, ec2, scriptedOutcomes } = this.context;
    const { peering, key, fleet } = connection;
    const outcome = scriptedOutcomes.connection({ fleetId: fleet.id, peerVpcId: key.peerVpcId });
    const milliseconds = scriptedOutcomes.connectionSeconds * 1000;
    // 10 % of the time until pending-acceptance, 10 % until provisioning, 80 % until active
    await clock.sleep(0.1 * milliseconds);
    // check the status after each wait: the connection may have been deleted
    const { code } = peering.status;
    if (code !== 'initiating-request') {
      return;
    }
    const peerVpc = ec2.findVpc(key.peerVpcAccount, key.region, key.peerVpcId);
    const problem =
      fleet.status === 'ERROR' ? 'The fleet failed.' : this.connectionProblem(peering, peerVpc, authorizer, outcome);
    if (problem !== undefined || peerVpc === undefined || authorizer === undefined) {
      this.fail(connection, problem ?? CANNOT_CONNECT_MESSAGE);
      return;
    }
    peering.setStatus('pending-acceptance', `Pending Acceptance by ${key.peerVpcAccount}`);
    if (outcome.end === 'pending') {
      await new Promise<void>((resume) => this.pendingResumes.add(resume));
    }
    await clock.sleep(0.1 * milliseconds);
    if (outcome.end === 'rejected' && peering.status.code === 'pending-acceptance') {
      peering.setStatus('rejected', `Rejected by ${key.peerVpcAccount}`);
      this.report(connection, 'FAILED', peering.status.message);
      return;
    }
    await clock.work(() => this.accept(connection, peerVpc, authorizer, caller));
    await clock.sleep(0.8 * milliseconds);
    if (peering.status.code === 'provisioning') {
      peering.setStatus('active');
      this.report(connection, 'SUCCEEDED', `VPC peering connection ${connection.id} is active.`);
    }
  }

  /** @returns the reason why EC2 can't establish the connection */
  private connectionProblem(
    peering: Peering,
    peerVpc: Vpc | undefined,
    authorizer: Principal | undefined,
    outcome: ConnectionOutcome,
  ): string | undefined {
    if (authorizer === undefined) {
      return UNAUTHORIZED_MESSAGE;
    }
    if (outcome.end === 'failed') {
      return outcome.message ?? 'Failed';
    }
    const activePeerings = this.context.ec2.peerings.all().filter(({ accepter, status }) => {
      return accepter.vpcId === peerVpc?.vpcId && status.code === 'active';
    });
    if (activePeerings.length >= MAX_ACTIVE_PER_VPC) {
      return `The limit of ${MAX_ACTIVE_PER_VPC} active VPC peering connections per VPC has been reached`;
    }
    const fleetBlocks = peering.requester.cidrBlocks;
    const isOverlapping = [...(peerVpc?.cidrBlocks.values() ?? [])].some((block) =>
      fleetBlocks.some((other) => overlap(block, other)),
    );
    return peerVpc === undefined || isOverlapping ? CANNOT_CONNECT_MESSAGE : undefined;
  }

  /** Accepts the connection and writes routes and rules, with the permissions of the authorizer. */
  private async accept(connection: Connection, vpc: Vpc, authorizer: Principal, caller?: Principal): Promise<void> {
    const { behaviours } = this.context;
    const { peering } = connection;
    if (peering.status.code !== 'pending-acceptance') {
      return;
    }
    try {
      if (caller !== undefined && behaviours.get('connectingPermissions') === 'checked when GameLift acts') {
        await this.peerActions.requirePermissions(vpc, caller);
      }
      await this.peerActions.requirePermissionToAccept(peering, vpc, authorizer);
      peering.setStatus('provisioning');
      const routesAndRules = await this.peerActions.writeRoutesAndRules(peering, vpc, authorizer);
      connection.peerVpcWrites = { routesAndRules, vpc };
      // the connection may have been deleted during the permission checks
      if (!peering.isLive) {
        await this.peerActions.removeRoutesAndRules(routesAndRules, vpc, authorizer);
      }
    } catch (error) {
      if (!(error instanceof ServiceError)) {
        throw error;
      }
      this.fail(connection, error.message);
    }
  }

  private async endConnection(connection: Connection, authorizer: Principal): Promise<void> {
    const { behaviours, ec2 } = this.context;
    connection.overrideStatus(undefined);
    ec2.peerings.markDeleted(connection.peering, `Deleted by ${GAMELIFT_OWN_ACCOUNT}`);
    if (connection.peerVpcWrites !== undefined && behaviours.get('peerVpcWritesOnDelete') === 'removed') {
      await this.peerActions.removeRoutesAndRules(
        connection.peerVpcWrites.routesAndRules,
        connection.peerVpcWrites.vpc,
        authorizer,
      );
    }
    this.report(connection, 'DELETED', `VPC peering connection ${connection.id} was deleted.`);
  }

  private fail(connection: Connection, message: string): void {
    connection.peering.setStatus('failed', message);
    this.report(connection, 'FAILED', message);
  }

  /** Records the outcome in the fleet's events and in the journal. */
  private report({ fleet, id, key }: Connection, outcome: 'SUCCEEDED' | 'FAILED' | 'DELETED', message: string): void {
    this.fleets.recordPeering(fleet, outcome, `${id} to ${key.peerVpcId}: ${message}`);
    const text = `peering of ${fleet.id} with ${key.peerVpcId} ${outcome}: ${message}`;
    this.context.journal.write('gamelift', id, text, { kind: 'peering', outcome });
  }
}

export function authorizationKeyOf({ place }: Pick<Fleet, 'place'>, peerVpcAccount: string, peerVpcId: string): AuthorizationKey {
  return { peerVpcAccount, peerVpcId, gameLiftAccount: place.account, region: place.region };
}

import { MAX_CONNECTION_TIMEOUT_SECONDS, ROUTES_KINDS } from '../../lib/contract';
import type { ConnectionAttributes } from '../../lib/contract';
import type { Ec2Api, Ec2Peering, FleetRecord, GameLiftApi } from '../aws/api';
import { RateLimitError, READ_DELAY_MILLISECONDS, TimeUpError } from '../aws/calls';
import type { Calls } from '../aws/calls';
import { isDenial, isGameLiftRefusal, readError } from '../aws/errors';
import { NothingDoneError, PhysicalId } from '../cloudformation/physical-id';
import type { PhysicalIdState } from '../cloudformation/physical-id';
import type { CustomResourceRequest } from '../cloudformation/request';
import type { RawProperties } from '../cloudformation/values';
import type { Log } from '../log';
import { PeerNetwork } from '../network/peer-vpc';
import type { NetworkSpec } from '../network/peer-vpc';
import type { DeclaredRoutes } from '../network/routes';
import { Claims, ownerOf } from '../peering/ownership';
import type { Claim } from '../peering/ownership';
import { ExistsError, idsOf, isDead, Peerings } from '../peering/peering';
import type { Before, LivePeering } from '../peering/peering';
import { readBoolean, readFleetId, readOneOf, readPair, readRouteTableIds, readSeconds, tryRead } from './properties';
import type { RequestContext, Resource } from './resource';

/*
 * Custom::GameLiftVpcPeeringConnection
 */

/** What is declared of a connection. */
export interface ConnectionSpec extends NetworkSpec {
  readonly timeoutSeconds: number;
}

/** @throws Error that names the property, what it was and what it has to be. */
export function readConnection(properties: RawProperties): ConnectionSpec {
  return {
    fleetId: readFleetId(properties),
    pair: readPair(properties),
    timeoutSeconds: readSeconds(properties, 'TimeoutSeconds', 1, MAX_CONNECTION_TIMEOUT_SECONDS),
    routes: { kind: readOneOf(properties, 'Routes', ROUTES_KINDS), routeTableIds: readRouteTableIds(properties) },
    dnsResolution: readBoolean(properties, 'DnsResolution'),
    adoptExisting: readBoolean(properties, 'AdoptExisting'),
  };
}

/** The key of a connection: what its physical id is made of. */
export function connectionKey({ fleetId, pair }: ConnectionSpec): string {
  return `${fleetId}/${pair.peerVpcId}`;
}

/** A fleet that is on its way to be ready, or ready. */
const COMING: ReadonlySet<string> = new Set(['NEW', 'DOWNLOADING', 'VALIDATING', 'BUILDING', 'ACTIVATING']);

const FLEET_POLL = 10_000;

/** How long another run of the same request is waited for: one that was killed is run again by Lambda a minute later. */
const NOTE_PATIENCE = 120_000;

const NOTE_POLL = 5_000;

/** Errors of the handler, which say themselves what to do. */
const OWN_ERRORS: ReadonlySet<string> = new Set(['Error', 'NothingDoneError', 'RouteConflictError']);

/** What to do about an error that does not say so itself. */
function advice(error: unknown): string {
  if (error instanceof RateLimitError) {
    return '; other callers in this account use the same operation: try again when they are done';
  }
  if (error instanceof TimeUpError) {
    return '; try again';
  }
  if (isDenial(error)) {
    return "; see that no service control policy and no permissions boundary keeps the handler's role from it, then try again";
  }
  return OWN_ERRORS.has(readError(error).name) ? '' : '; fix the problem above, then try again';
}

/** How this resource came by a connection: an adopted one was there before. */
type Origin = 'created' | 'adopted';

/** Whether this resource has claimed the connection, and was not refused it. */
function isOwn({ isClaimed, connection, others }: Claim): boolean {
  return isClaimed || connection !== undefined || others !== undefined;
}

/** Whether what is claimed is another request's than the one whose failure the physical id tells of. */
function isOfLaterRequest({ requestId }: Claim, state: PhysicalIdState): boolean {
  return state.kind === 'unfinished' && requestId !== undefined && requestId !== state.requestId;
}

/** Whose the connection is, if another resource has adopted it, or this one has noted nothing. */
function otherOwner({ connection, others, otherClaims }: Claim): string | undefined {
  const isNoted = connection !== undefined || others !== undefined;
  return otherClaims.find((other) => !isNoted || (other.connection?.adopted === true && connection?.adopted !== true))?.owner;
}

function originOf({ connection }: Claim): Origin {
  return connection?.adopted === true ? 'adopted' : 'created';
}

function existsAlready({ id }: LivePeering): string {
  return (
    `a peering connection ${id} between them exists already, which this stack did not make: ` +
    'delete it, or pass adoptExisting to use it and leave it in place'
  );
}

export class Connection {
  private readonly network: PeerNetwork;
  /** The routes that were declared before this update; undefined if this is not an update. */
  private formerRoutes: DeclaredRoutes | undefined;

  constructor(
    private readonly spec: ConnectionSpec,
    private readonly owner: string,
    private readonly requestId: string,
    private readonly peerings: Peerings,
    private readonly api: GameLiftApi,
    /** Undefined where the handler can't act in the account of the VPC. */
    networkApi: Ec2Api | undefined,
    private readonly calls: Calls,
    private readonly log: Log,
    private readonly region: string,
    /** What to do where GameLift refuses for want of an authorization. */
    private readonly advice: string,
  ) {
    this.network = new PeerNetwork(spec, owner, peerings, networkApi, calls);
  }

  /** Requests the connection, unless this very resource did so before, and brings it to what is declared. */
  async create(): Promise<ConnectionAttributes> {
    return this.explained('peer', async () => {
      this.network.refuseUnreachable();
      const claims = this.claims(await this.activeFleet());
      const first = await this.calls.readUntil(
        () => claims.read(),
        (claim) => this.refusalOf(claim) === undefined,
      );
      this.refuseOthers(first);
      if (!first.isClaimed) {
        // while CloudFormation deletes the permissions, those for EC2 go first: a copy of this request that Lambda runs then must
        // not write a claim, because the permission to remove it goes next
        await this.peerings.waitWhileDenied();
      }
      await claims.claim();
      const claimedAt = this.calls.now();
      // of what EC2 shows now and later, nothing was made by a copy of this request that is not noted by then
      const sides = await this.peerings.ec2Side();
      await this.calls.untilReadable(claimedAt);
      const before = await this.peerings.look(sides, (side) => this.network.isOthers(side));
      const claim = await claims.read();
      const refusal = this.refusalOf(claim);
      if (refusal !== undefined) {
        await this.giveUp(claims);
        throw new Error(refusal);
      }
      if (!claim.isClaimed) {
        throw new Error(
          before.listed === undefined
            ? 'the claim on it was removed before it was requested: deploy again'
            : existsAlready(before.listed),
        );
      }
      return await this.connect(claims, claim, before);
    });
  }

  /**
   * Brings the connection to what is declared; makes it again if it is gone.
   *
   * @param formerRoutes what was declared until now
   * @param state what CloudFormation knows the connection by
   */
  async update(formerRoutes: DeclaredRoutes, state: PhysicalIdState): Promise<ConnectionAttributes> {
    this.formerRoutes = formerRoutes;
    return this.explained('update the peering of', async () => {
      this.network.refuseUnreachable();
      const claims = this.claims(await this.activeFleet());
      await this.calls.untilEarlierIsReadable();
      const sides = await this.peerings.ec2Side();
      const listed = await this.peerings.find();
      const claim = await claims.read();
      this.refuseOthers(claim);
      if (!claim.isClaimed) {
        await claims.claim();
      }
      if (listed?.status !== 'active' || !this.isDeclared(listed, claim, state, sides ?? [])) {
        return await this.connect(claims, claim, { seen: idsOf(sides), listed, others: [] });
      }
      const lent = this.spec.adoptExisting && !this.isTagged(listed, sides ?? []);
      const origin = isOwn(claim) ? originOf(claim) : lent ? 'adopted' : 'created';
      return await this.settle(claims, listed, origin);
    });
  }

  /**
   * The attributes as they were noted when the connection became active, without a call to GameLift where EC2 can be
   * asked; undefined if nobody noted them, or if the connection is gone.
   */
  async noted(): Promise<ConnectionAttributes | undefined> {
    const sides = await this.peerings.ec2Side();
    const made = sides?.find((side) => side.status === 'active' && this.network.isOwn(side));
    const id = made === undefined ? undefined : this.network.connectionIdOf(made);
    if (made?.cidrBlock !== undefined && id !== undefined) {
      return { VpcPeeringConnectionId: id, GameLiftVpcId: made.requesterVpcId, GameLiftCidrBlock: made.cidrBlock };
    }
    const fleet = sides === undefined || this.spec.adoptExisting ? await this.fleet() : undefined;
    const connection = fleet === undefined ? undefined : (await this.claims(fleet).read()).connection;
    if (connection === undefined) {
      return undefined;
    }
    const gone =
      sides !== undefined &&
      !sides.some(({ status, requesterVpcId }) => status === 'active' && requesterVpcId === connection.gameLiftVpcId);
    return gone
      ? undefined
      : {
          VpcPeeringConnectionId: connection.id,
          GameLiftVpcId: connection.gameLiftVpcId,
          GameLiftCidrBlock: connection.cidrBlock,
        };
  }

  /**
   * Removes what this resource made, and nothing of anyone else's. What is gone already is fine.
   *
   * @param state what CloudFormation knows the connection by
   */
  async delete(state: PhysicalIdState): Promise<void> {
    await this.explained('remove the peering of', async () => {
      // a connection was made, so one late answer that there is no fleet is not believed
      const fleet = await this.calls.readUntil(
        () => this.fleet(),
        (found) => found !== undefined || state.kind !== 'made',
      );
      if (fleet === undefined) {
        await this.network.clean(undefined);
        return;
      }
      const claims = this.claims(fleet);
      let claim = await claims.read();
      if (claim.connection === undefined && !isOfLaterRequest(claim, state)) {
        // a create may be at work, or may have noted what can't be read yet: it finds that its claim is gone, or its note is read
        await claims.release();
        // a create requests the connection only while it reads its claim: for 15 seconds, and what it requests is listed 15 seconds later
        await this.calls.sleep(2 * READ_DELAY_MILLISECONDS);
        claim = await claims.read();
      }
      if (isOfLaterRequest(claim, state)) {
        this.log.info({ message: 'the peering connection is that of a later request and stays', fleetId: this.spec.fleetId });
        return;
      }
      const other = otherOwner(claim);
      if (other !== undefined) {
        this.log.info({ message: `the peering connection is ${other}'s and is left alone`, fleetId: this.spec.fleetId });
        return;
      }
      if (claim.connection === undefined && claim.others === undefined) {
        await this.deleteUnclaimed(claims, claim, state);
        return;
      }
      if (this.spec.adoptExisting && claim.connection?.adopted === true) {
        await this.giveBack(claims, claim);
        return;
      }
      await claims.release();
      const made = claim.connection ?? (await this.unnoted(claim));
      if (claim.connection === undefined && made?.gameLiftVpcId !== undefined) {
        // GameLift forgets it, and a deletion that fails after that needs to know whose routes to remove when it is retried
        const { id, gameLiftVpcId, cidrBlock = '' } = made;
        await claims.noteConnection({ id, gameLiftVpcId, cidrBlock, adopted: false });
      }
      await this.remove(claims, made);
      await claims.remove(claim, made?.id);
    });
  }

  /** The same where nothing is noted: nothing was requested, or CloudFormation stripped the fleet of tags that it does not know. */
  private async deleteUnclaimed(claims: Claims, claim: Claim, state: PhysicalIdState): Promise<void> {
    const sides = await this.peerings.ec2Side();
    const side = sides?.find((candidate) => !isDead(candidate.status) && this.network.isOwn(candidate));
    const id = side === undefined ? undefined : this.network.connectionIdOf(side);
    if (side !== undefined && id !== undefined) {
      const { requesterVpcId: gameLiftVpcId, cidrBlock = '' } = side;
      // once the peering is gone its tags are too: a deletion that fails half way has to know of it when it is tried again
      await claims.noteConnection({ id, gameLiftVpcId, cidrBlock, adopted: false });
      await this.remove(claims, { id, gameLiftVpcId });
      await claims.remove(claim, id);
    } else if (state.kind === 'made' && this.spec.adoptExisting) {
      await this.giveBack(claims, claim);
    } else if (state.kind === 'made') {
      // only where EC2 can't be asked it has to be believed that what is there is what was made
      await this.remove(claims, sides === undefined ? await this.peerings.findToDelete() : undefined);
    }
  }

  private async remove(claims: Claims, made: Pick<LivePeering, 'id' | 'gameLiftVpcId'> | undefined): Promise<void> {
    if (made !== undefined) {
      const requireDeletable = async (): Promise<void> => {
        const { otherClaims, connection } = await claims.read();
        const adopter = otherClaims.find((other) => other.connection?.id === made.id && other.connection.adopted);
        if (adopter !== undefined && connection?.adopted !== true) {
          throw new Error(`the peering connection ${made.id} is ${adopter.owner}'s by now, which adopted it: delete again`);
        }
      };
      await this.peerings.disconnect(made.id, made.gameLiftVpcId, requireDeletable);
    }
    // what led to it was written before it was gone: by GameLift, or by a create that is at work, even during this request
    await this.calls.untilReadable(this.calls.now());
    await this.network.clean(made?.gameLiftVpcId);
  }

  /** A connection of which nothing is noted: this resource's, unless it was there before. */
  private async unnoted({ others = [] }: Claim): Promise<LivePeering | undefined> {
    const found = await this.peerings.findToDelete();
    return others.includes(found?.gameLiftVpcId ?? '') ? undefined : found;
  }

  /** Whether a connection is what this resource made, or is to use. */
  private isDeclared(listed: LivePeering, claim: Claim, state: PhysicalIdState, sides: readonly Ec2Peering[]): boolean {
    if (!isOwn(claim)) {
      return this.spec.adoptExisting || state.kind === 'made' || this.isTagged(listed, sides);
    }
    // of what was claimed, one that somebody made anew by hand is used on
    return claim.connection !== undefined || claim.others?.includes(listed.gameLiftVpcId ?? '') === false;
  }

  private claims(fleet: FleetRecord): Claims {
    return new Claims(fleet.arn, this.spec.pair.peerVpcId, this.owner, this.requestId, this.api, this.calls);
  }

  private fleet(): Promise<FleetRecord | undefined> {
    return this.calls.make('DescribeFleetAttributes', (signal) => this.api.describeFleet(this.spec.fleetId, signal));
  }

  /** @throws NothingDoneError if it is not there, is of another kind, or will not become active. */
  private async activeFleet(): Promise<FleetRecord> {
    const { fleetId, timeoutSeconds } = this.spec;
    const started = this.calls.now();
    for (;;) {
      const fleet = await this.calls.readUntil(
        () => this.fleet(),
        (found) => found !== undefined,
      );
      if (fleet === undefined) {
        throw new NothingDoneError(
          `there is no fleet ${fleetId} in this account and ${this.region}: correct the fleet, then deploy again`,
        );
      }
      if (fleet.computeType !== 'EC2') {
        throw new NothingDoneError(
          `GameLift peers EC2 fleets only, and fleet ${fleetId} is of compute type ${fleet.computeType}: connect another fleet`,
        );
      }
      if (fleet.status === 'ACTIVE') {
        return fleet;
      }
      if (!COMING.has(fleet.status)) {
        throw new NothingDoneError(
          `fleet ${fleetId} is in status ${fleet.status} and will not become ACTIVE: look at its events, replace it, then deploy again`,
        );
      }
      if (this.calls.now() - started >= timeoutSeconds * 1000) {
        throw new NothingDoneError(
          `fleet ${fleetId} was still in status ${fleet.status} after ${timeoutSeconds} seconds: look at its events, ` +
            'raise the timeout of the VpcPeeringConnection, then deploy again',
        );
      }
      await this.calls.sleep(FLEET_POLL);
    }
  }

  /** Why the connection is another's to make; undefined if it is not. */
  private refusalOf({ connection, otherClaims }: Claim): string | undefined {
    const other = otherClaims.find((claim) => claim.connection?.adopted === true) ?? otherClaims[0];
    if (other === undefined || connection !== undefined) {
      return undefined;
    }
    const whose = `${other.owner} (stack, logical id, stack's own id)`;
    if (!this.spec.adoptExisting) {
      return `the peering connection belongs to ${whose}: remove it there, or pass adoptExisting to use it`;
    }
    // each would take back what the other needs
    return other.connection?.adopted === true
      ? `the peering connection is adopted by ${whose} already: remove it there first`
      : undefined;
  }

  /** @throws NothingDoneError if another resource has claimed the connection. */
  private refuseOthers(claim: Claim): void {
    const refusal = this.refusalOf(claim);
    if (refusal !== undefined) {
      throw new NothingDoneError(refusal);
    }
  }

  private async connect(claims: Claims, claim: Claim, before: Before): Promise<ConnectionAttributes> {
    const noted = claim.connection;
    const listed =
      before.listed ??
      (noted === undefined
        ? undefined
        : await this.calls.readUntil(
            () => this.peerings.find(),
            (found) => found !== undefined,
            READ_DELAY_MILLISECONDS,
          ));
    if (listed !== undefined && noted !== undefined) {
      return await this.settle(claims, await this.peerings.activeOf(listed), originOf(claim));
    }
    const earlier = claim.others === undefined ? undefined : new Set(claim.others);
    const requesting = claim.otherClaims.length === 0 && (listed === undefined || earlier !== undefined);
    if (requesting) {
      await claims.noteRequest(claim.others ?? (noted === undefined ? before.others : []));
    }
    const certain = this.calls.unanswered;
    try {
      const requireClaim = requesting ? (): Promise<void> => this.requireClaim(claims) : (): Promise<void> => Promise.resolve();
      const peering = await this.peerings.connect({ ...before, listed }, earlier, requireClaim);
      if (requesting) {
        await this.holdOn(claims, peering);
      }
      return await this.settle(claims, peering, 'created');
    } catch (error) {
      if (error instanceof ExistsError) {
        return await this.settleExisting(claims, error, requesting);
      }
      // GameLift refused every request: give the claim back. The deletion that follows checks again whose it is.
      if (requesting && earlier === undefined && !this.peerings.requested && this.calls.unanswered === certain) {
        await this.giveUp(claims);
      }
      throw error;
    }
  }

  /**
   * What becomes of a connection that is there, and that this run did not make.
   *
   * @param hasNoted whether this run has noted a request of its own: if not, what is noted was noted by another run
   */
  private async settleExisting(
    claims: Claims,
    { existing, since }: ExistsError,
    hasNoted: boolean,
  ): Promise<ConnectionAttributes> {
    if (this.isTagged(existing, (await this.peerings.ec2Side()) ?? [])) {
      // the claim on the fleet is gone: CloudFormation may strip tags that a template does not know
      return await this.settle(claims, await this.peerings.activeOf(existing), 'created');
    }
    const other = since === 'meanwhile' || !hasNoted ? await this.notedByAnother(claims, existing, since) : undefined;
    if (other !== undefined) {
      return await this.settle(claims, await this.peerings.activeOf(existing), originOf(other));
    }
    if (this.spec.adoptExisting) {
      const active = await this.peerings.activeOf(existing);
      this.refuseOthers(await claims.read());
      return await this.settle(claims, active, 'adopted');
    }
    await this.giveUp(claims);
    // no NothingDoneError: a copy of this request may have made the claim anew, and the deletion has to remove it
    throw new Error(existsAlready(existing));
  }

  /** Takes the claim back, unless another run has made something of it. */
  private async giveUp(claims: Claims): Promise<void> {
    const claim = await claims.read();
    const isLater = claim.requestId !== undefined && claim.requestId !== this.requestId;
    if (claim.connection === undefined && !isLater) {
      await claims.remove(claim, undefined);
    }
  }

  /**
   * What another run of the same request noted of a connection; undefined if none did. Lambda may deliver an event twice: of
   * two runs that both found nothing claimed, the slower one finds what the faster one made.
   */
  private async notedByAnother(claims: Claims, existing: LivePeering, since: ExistsError['since']): Promise<Claim | undefined> {
    const started = this.calls.now();
    if (since === 'before') {
      // there when this run looked for the first time: a run that made it has noted its request before
      const { connection, others } = await this.calls.readUntil(
        () => claims.read(),
        (claim) => claim.connection !== undefined || claim.others !== undefined,
      );
      if (connection === undefined && others === undefined) {
        return undefined;
      }
    }
    const { id } = await this.peerings.activeOf(existing);
    for (;;) {
      const claim = await claims.read();
      if (claim.connection?.id === id) {
        return claim;
      }
      if ((!claim.isClaimed && this.calls.isReadable(started)) || this.calls.now() - started >= NOTE_PATIENCE) {
        return undefined;
      }
      await this.calls.sleep(NOTE_POLL);
    }
  }

  private async requireClaim(claims: Claims): Promise<void> {
    if (!claims.isWanted(await claims.read())) {
      throw new Error('the claim on it was removed while it was being made: deploy again');
    }
  }

  /** @throws Error if the claim is gone, or the connection another's, by the time that there is a connection. */
  private async holdOn(claims: Claims, { id, gameLiftVpcId }: LivePeering): Promise<void> {
    const claim = await claims.read();
    const adopter = claim.otherClaims.find(({ connection }) => connection?.id === id);
    if (adopter !== undefined) {
      await claims.remove(claim, undefined);
      throw new Error(
        `the peering connection ${id} is ${adopter.owner}'s by now, which adopted it: remove it there, then deploy again`,
      );
    }
    if (!claims.isWanted(claim)) {
      // another request has deleted it before it was there
      await this.remove(claims, { id, gameLiftVpcId });
      await claims.remove(claim, id);
      throw new Error(
        `the claim on it was removed while it was being made, and so was the peering connection ${id}: deploy again`,
      );
    }
  }

  /** Whether EC2's side says that this resource made it. */
  private isTagged({ gameLiftVpcId }: LivePeering, sides: readonly Ec2Peering[]): boolean {
    return sides.some((side) => side.requesterVpcId === gameLiftVpcId && !isDead(side.status) && this.network.isOwn(side));
  }

  /** Notes whose the connection is, and brings tags, routes and DNS to what is declared. */
  private async settle(
    claims: Claims,
    { id, gameLiftVpcId, cidrBlock }: LivePeering,
    origin: Origin,
  ): Promise<ConnectionAttributes> {
    if (gameLiftVpcId === undefined || cidrBlock === undefined) {
      throw new Error(`GameLift does not say which VPC and CIDR block the active connection ${id} leads to; deploy again`);
    }
    const connection = { id, gameLiftVpcId, cidrBlock, adopted: origin === 'adopted' };
    await claims.noteConnection(connection);
    await this.network.settle(connection, this.formerRoutes);
    return { VpcPeeringConnectionId: id, GameLiftVpcId: gameLiftVpcId, GameLiftCidrBlock: cidrBlock };
  }

  /** Leaves an adopted connection as it was before it was adopted. */
  private async giveBack(claims: Claims, claim: Claim): Promise<void> {
    this.log.info({ message: 'the peering connection was adopted and stays', fleetId: this.spec.fleetId });
    await this.calls.untilEarlierIsReadable();
    await this.network.takeBack();
    await claims.remove(claim, undefined);
  }

  private async explained<T>(task: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      const { fleetId, pair } = this.spec;
      const { name, message } = readError(error);
      const own = OWN_ERRORS.has(name) || error instanceof TimeUpError || error instanceof RateLimitError;
      const text =
        `could not ${task} fleet ${fleetId} of account ${pair.gameLiftAccount} with VPC ${pair.peerVpcId} of account ` +
        `${pair.peerVpcAccount} in ${this.region}: ${own ? message : `${name}: ${message}`}${this.adviceOn(error)}`;
      throw error instanceof NothingDoneError ? new NothingDoneError(text) : new Error(text, { cause: error });
    }
  }

  private adviceOn(error: unknown): string {
    return this.advice !== '' && isGameLiftRefusal(error) ? `. ${this.advice}` : advice(error);
  }
}

/** Custom::GameLiftVpcPeeringConnection */
export function connectionResource(request: CustomResourceRequest, context: RequestContext): Resource {
  const { calls, dependencies } = context;
  const { api, log, region } = dependencies;
  const owner = ownerOf(request);
  const open = (spec: ConnectionSpec, requestId = request.requestId): Connection => {
    const vpcApi = context.vpcApi(spec.pair);
    const authorizer = context.authorizer(spec.pair);
    const peerings = new Peerings(spec, api, vpcApi, authorizer, calls, log);
    return new Connection(spec, owner, requestId, peerings, api, vpcApi, calls, log, region, authorizer.advice);
  };
  const idOf = (spec: ConnectionSpec): PhysicalId => PhysicalId.of(request, connectionKey(spec));

  const spec = readConnection(request.properties);
  const physicalId = idOf(spec);
  const state = physicalId.stateOf(request.physicalResourceId);
  const connection = open(spec, state.kind === 'unfinished' ? state.requestId : undefined);
  return {
    physicalId,
    create: () => connection.create(),
    update: async () => {
      const former = tryRead(readConnection, request.oldProperties);
      if (former === undefined || idOf(former).made === physicalId.made) {
        const isUnchanged = former !== undefined && JSON.stringify(former) === JSON.stringify(spec);
        return (
          (isUnchanged ? await connection.noted() : undefined) ?? (await connection.update(former?.routes ?? spec.routes, state))
        );
      }
      const attributes = await connection.create();
      const formerState = idOf(former).stateOf(request.physicalResourceId);
      if (formerState.kind !== 'made' && formerState.kind !== 'unfinished') {
        // this rolls back an update that was never answered, or whose answer was not kept: CloudFormation knows nothing of
        // what that update made, and sends no delete for it
        await open(former).delete({ kind: 'unknown' });
      }
      return attributes;
    },
    delete: () => connection.delete(state),
  };
}

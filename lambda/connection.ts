import { MAX_CONNECTION_TIMEOUT_SECONDS, ROUTES_KINDS } from '../lib/contract';
import type { ConnectionAttributes } from '../lib/contract';
import { fleetOfChanges, keysOfChanges, readChanges, tagsOfChanges } from './adoption';
import type { Changes } from './adoption';
import { faultOf, isDenied, RateLimitError, TimeUpError } from './calls';
import type { Calls } from './calls';
import { Claims } from './claim';
import type { Claim, TagApi } from './claim';
import { NothingDoneError } from './cloudformation';
import type { RawProperties } from './cloudformation';
import type { Log } from './log';
import { ExistsError, isDead, REFUSED } from './peering';
import type { Before, Ec2Peering, FleetRecord, LivePeering, PeeringApi, PeerVpcApi, Peerings } from './peering';
import { readBoolean, readFleetId, readOneOf, readPair, readRouteTableIds, readSeconds } from './properties';
import type { Pair } from './properties';
import { applyRoutes, planRemoval, planRoutes } from './routes';
import type { DeclaredRoutes, RouteApi, RouteChange, RouteTable } from './routes';

/*
 * Custom::GameLiftVpcPeeringConnection
 */

/** The calls that a connection needs in the account that manages the fleet. */
export interface ConnectionApi extends PeeringApi, TagApi {}

/** The calls that a connection needs in the account that owns the VPC. */
export interface NetworkApi extends PeerVpcApi, RouteApi {
  setDnsResolution(peeringId: string, allowed: boolean, signal: AbortSignal): Promise<void>;
  tagPeering(peeringId: string, tags: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>;
  untagPeering(peeringId: string, keys: readonly string[], signal: AbortSignal): Promise<void>;
}

/** What is declared of a connection. */
export interface ConnectionSpec {
  readonly fleetId: string;
  readonly pair: Pair;
  readonly timeoutSeconds: number;
  readonly routes: DeclaredRoutes;
  readonly dnsResolution: boolean;
  readonly adoptExisting: boolean;
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

const OWNER_TAG = 'cdk-gamelift-vpc-peering:owner';
const FLEET_TAG = 'cdk-gamelift-vpc-peering:fleet';
const CONNECTION_TAG = 'cdk-gamelift-vpc-peering:connection';
const OWN_TAGS = ['Name', OWNER_TAG, FLEET_TAG, CONNECTION_TAG];

/** GameLift writes routes of its own at about the same time. */
const ROUTE_ATTEMPTS = 5;

/** How EC2 says that a route is no longer as it was when the change was planned. */
const RACED: ReadonlySet<string> = new Set(['RouteAlreadyExists', 'InvalidRoute.NotFound', 'InvalidParameterValue']);

/** What to do about an error that does not say so itself. */
function advice(error: unknown): string {
  if (error instanceof RateLimitError) {
    return '; other callers in this account use the same operation: try again when they are done';
  }
  if (error instanceof TimeUpError) {
    return '; try again';
  }
  if (isDenied(error)) {
    return "; see that no service control policy and no permissions boundary keeps the handler's role from it, then try again";
  }
  return ['Error', 'NothingDoneError'].includes(faultOf(error).name) ? '' : '; see to what it names, if anything, then try again';
}

/** What a physical id says of a connection: that it was made, which request failed to make all of it, or nothing. */
export type Origin = 'made' | 'unknown' | { readonly failedRequestId: string };

function originOf({ connection }: Claim): 'created' | 'adopted' {
  return connection?.adopted === true ? 'adopted' : 'created';
}

/** What was changed of one adopted peering. */
class ChangesOf {
  private known: Changes;

  constructor(
    private readonly side: Ec2Peering,
    private readonly fleetId: string,
    private readonly api: NetworkApi,
    private readonly calls: Calls,
  ) {
    this.known = readChanges(side);
  }

  get noted(): Changes {
    return this.known;
  }

  /** Whether this library gave the table its route. */
  covers(routeTableId: string): boolean {
    return this.known.routeTableIds.includes(routeTableId);
  }

  /** Notes more changes, before they are made. */
  async note(more: Changes): Promise<void> {
    const all: Changes = {
      dnsResolution: this.known.dnsResolution ?? more.dnsResolution,
      routeTableIds: [...new Set([...this.known.routeTableIds, ...more.routeTableIds])],
    };
    if (JSON.stringify(all) !== JSON.stringify(this.known)) {
      this.known = all;
      const tags = tagsOfChanges(this.fleetId, all);
      await this.calls.make('CreateTags', (signal) => this.api.tagPeering(this.side.id, tags, signal));
    }
  }
}

export class Connection {
  constructor(
    private readonly spec: ConnectionSpec,
    private readonly owner: string,
    private readonly requestId: string,
    private readonly peerings: Peerings,
    private readonly api: ConnectionApi,
    /** Undefined where the handler can't act in the account of the VPC. */
    private readonly network: NetworkApi | undefined,
    private readonly calls: Calls,
    private readonly log: Log,
    private readonly region: string,
    /** What to do where GameLift refuses for want of an authorization. */
    private readonly advice: string,
  ) {}

  /** Requests the connection, unless this very resource did so before, and brings it to what is declared. */
  async create(): Promise<ConnectionAttributes> {
    return this.explained('peer', async () => {
      this.refuseUnreachable();
      const claims = this.claims(await this.activeFleet());
      const first = await claims.read();
      this.refuseOthers(first);
      if (first.owner === undefined) {
        await claims.look(this.owner);
      }
      const before = await this.peerings.look((side) => this.isOthers(side));
      const claim = await claims.read();
      this.refuseOthers(claim);
      if (claim.owner === undefined) {
        throw new Error('the claim on it was removed before it was requested: deploy again');
      }
      return await this.connect(claims, claim, before);
    });
  }

  /**
   * Brings the connection to what is declared; makes it again if it is gone.
   *
   * @param declared the routes that were declared before
   * @param origin what CloudFormation knows the connection by
   */
  async update(declared: DeclaredRoutes, origin: Origin): Promise<ConnectionAttributes> {
    return this.explained('update the peering of', async () => {
      this.refuseUnreachable();
      const claims = this.claims(await this.activeFleet());
      const before: Before = { sides: await this.peerings.ec2Side(), listed: await this.peerings.find(), others: [] };
      const claim = await claims.read();
      this.refuseOthers(claim);
      const { listed, sides = [] } = before;
      if (listed?.status !== 'active' || !this.isDeclared(listed, claim, origin, sides)) {
        return await this.connect(claims, claim, before);
      }
      const lent = this.spec.adoptExisting && !this.isTagged(listed, sides);
      const how = claim.owner === this.owner ? originOf(claim) : lent ? 'adopted' : 'created';
      return await this.settle(claims, claim, listed, how, declared);
    });
  }

  /**
   * The attributes as they were noted when the connection became active, without a call to GameLift where EC2 can be
   * asked; undefined if nobody noted them, or if the connection is gone.
   */
  async noted(): Promise<ConnectionAttributes | undefined> {
    const sides = await this.peerings.ec2Side();
    const tagged = sides?.find((side) => side.status === 'active' && this.hasTagged(side));
    const id = tagged?.tags[CONNECTION_TAG];
    if (tagged?.cidrBlock !== undefined && id !== undefined) {
      return { VpcPeeringConnectionId: id, GameLiftVpcId: tagged.requesterVpcId, GameLiftCidrBlock: tagged.cidrBlock };
    }
    const fleet = sides === undefined || this.spec.adoptExisting ? await this.fleet() : undefined;
    const { connection, owner } = fleet === undefined ? {} : await this.claims(fleet).read();
    if (connection === undefined || owner !== this.owner) {
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
   * @param origin what CloudFormation knows the connection by
   */
  async delete(origin: Origin): Promise<void> {
    await this.explained('remove the peering of', async () => {
      const fleet = await this.fleet();
      if (fleet === undefined) {
        await this.cleanNetwork(undefined);
        return;
      }
      const claims = this.claims(fleet);
      const claim = await claims.read();
      if (claim.owner !== undefined && claim.owner !== this.owner) {
        this.log.info({ message: `the peering connection is ${claim.owner}'s and is left alone`, fleetId: this.spec.fleetId });
        return;
      }
      if (claim.owner === undefined) {
        await this.deleteUnclaimed(claims, claim, origin);
        return;
      }
      if (typeof origin === 'object' && claim.requestId !== origin.failedRequestId) {
        this.log.info({ message: 'the peering connection is that of a later request and stays', fleetId: this.spec.fleetId });
        return;
      }
      if (claim.connection === undefined && claim.others === undefined) {
        // nothing was requested yet
        await claims.remove();
        return;
      }
      if (this.spec.adoptExisting && claim.connection?.adopted === true) {
        await this.giveBack(claims, claim);
        return;
      }
      await this.remove(claim.connection ?? (await this.unnoted(claim)));
      await claims.remove();
    });
  }

  /** The same where nobody has claimed it: never claimed, or CloudFormation stripped the fleet of tags that it does not know. */
  private async deleteUnclaimed(claims: Claims, claim: Claim, origin: Origin): Promise<void> {
    const sides = await this.peerings.ec2Side();
    const side = sides?.find((candidate) => !isDead(candidate.status) && this.hasTagged(candidate));
    const id = side?.tags[CONNECTION_TAG];
    if (side !== undefined && id !== undefined) {
      const { requesterVpcId: gameLiftVpcId, cidrBlock = '' } = side;
      // once the peering is gone its tags are too: a deletion that fails half way has to know of it when it is tried again
      await claims.adopt(this.owner, { id, gameLiftVpcId, cidrBlock, adopted: false }, claim);
      await this.remove({ id, gameLiftVpcId });
      await claims.remove();
    } else if (origin === 'made' && this.spec.adoptExisting) {
      await this.giveBack(claims, claim);
    } else if (origin === 'made') {
      // only where EC2 can't be asked it has to be believed that what is there is what was made
      await this.remove(sides === undefined ? await this.peerings.find() : undefined);
    }
  }

  private async remove(made: Pick<LivePeering, 'id' | 'gameLiftVpcId'> | undefined): Promise<void> {
    if (made !== undefined) {
      await this.peerings.disconnect(made.id, made.gameLiftVpcId);
    }
    await this.cleanNetwork(made?.gameLiftVpcId);
  }

  /** A connection of which nothing is noted: this resource's, unless it was there before. */
  private async unnoted({ others = [] }: Claim): Promise<LivePeering | undefined> {
    const found = await this.peerings.find();
    return others.includes(found?.gameLiftVpcId ?? '') ? undefined : found;
  }

  /** Whether a connection is what this resource made, or is to use. */
  private isDeclared(listed: LivePeering, claim: Claim, origin: Origin, sides: readonly Ec2Peering[]): boolean {
    if (claim.owner !== this.owner) {
      return this.spec.adoptExisting || origin === 'made' || this.isTagged(listed, sides);
    }
    // of what was claimed, one that somebody made anew by hand is used on
    return claim.connection !== undefined || claim.others?.includes(listed.gameLiftVpcId ?? '') === false;
  }

  /** Whether a peering is known to be another fleet's. */
  private isOthers({ tags }: Ec2Peering): boolean {
    return tags[FLEET_TAG] !== undefined && tags[FLEET_TAG] !== this.spec.fleetId;
  }

  private claims(fleet: FleetRecord): Claims {
    return new Claims(fleet.arn, this.spec.pair.peerVpcId, this.requestId, this.api, this.calls);
  }

  private fleet(): Promise<FleetRecord | undefined> {
    return this.calls.make('DescribeFleetAttributes', (signal) => this.api.describeFleet(this.spec.fleetId, signal));
  }

  /** @throws NothingDoneError if it is not there, is of another kind, or will not become active. */
  private async activeFleet(): Promise<FleetRecord> {
    const { fleetId, timeoutSeconds } = this.spec;
    const started = this.calls.now();
    for (;;) {
      const fleet = await this.fleet();
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

  /** Of use only where EC2 has shown a peering, or routes are declared: where the handler can act. */
  private get vpc(): NetworkApi {
    if (this.network === undefined) {
      throw new Error(`the handler can not act in account ${this.spec.pair.peerVpcAccount}`);
    }
    return this.network;
  }

  private refuseUnreachable(): void {
    const { routes, dnsResolution, pair } = this.spec;
    if (this.network === undefined && (routes.kind !== 'None' || dnsResolution)) {
      throw new NothingDoneError(
        `routes and DNS of the VPC can't be set from another account: pass PeeringRoutes.none() and no dnsResolution, and set them in ` +
          `account ${pair.peerVpcAccount}, or give the authorization a peerRole of that account`,
      );
    }
  }

  private refuseOthers({ owner, connection }: Claim): void {
    if (owner === undefined || owner === this.owner) {
      return;
    }
    const whose = `${owner} (stack, logical id, stack's own id)`;
    if (!this.spec.adoptExisting) {
      throw new NothingDoneError(`the peering connection belongs to ${whose}: remove it there, or pass adoptExisting to use it`);
    }
    if (connection?.adopted === true) {
      // each would take back what the other needs
      throw new NothingDoneError(`the peering connection is adopted by ${whose} already: remove it there first`);
    }
  }

  private async connect(claims: Claims, claim: Claim, before: Before): Promise<ConnectionAttributes> {
    const mine = claim.owner === this.owner;
    const noted = mine ? claim.connection : undefined;
    const listed = before.listed ?? (noted === undefined ? undefined : await this.peerings.find());
    if (listed !== undefined && noted !== undefined) {
      return await this.settle(claims, claim, await this.peerings.activeOf(listed), originOf(claim), undefined);
    }
    const earlier = mine && claim.others !== undefined ? new Set(claim.others) : undefined;
    const claiming = (mine || claim.owner === undefined) && (listed === undefined || earlier !== undefined);
    if (claiming) {
      await claims.request(this.owner, claim.others ?? (noted === undefined ? before.others : []));
    }
    const certain = this.calls.uncertain;
    try {
      const peering = await this.peerings.connect({ ...before, listed }, earlier);
      if (claiming) {
        await this.holdOn(claims, peering);
      }
      return await this.settle(claims, claim, peering, 'created', undefined);
    } catch (error) {
      if (error instanceof ExistsError) {
        return await this.settleExisting(claims, claim, error);
      }
      // where all was refused there is nothing to clean up, and what comes later is somebody else's
      if (claiming && earlier === undefined && !this.peerings.requested && this.calls.uncertain === certain) {
        await this.giveUp(claims);
        throw new NothingDoneError(faultOf(error).message);
      }
      throw error;
    }
  }

  /** What becomes of a connection that is there, and that this run did not make. */
  private async settleExisting(claims: Claims, claim: Claim, { existing, since }: ExistsError): Promise<ConnectionAttributes> {
    if (this.isTagged(existing, (await this.peerings.ec2Side()) ?? [])) {
      // the claim on the fleet is gone: CloudFormation may strip tags that a template does not know
      return await this.settle(claims, claim, await this.peerings.activeOf(existing), 'created', undefined);
    }
    const other = since === 'meanwhile' ? await this.notedByAnother(claims, existing) : undefined;
    if (other !== undefined) {
      return await this.settle(claims, other, await this.peerings.activeOf(existing), originOf(other), undefined);
    }
    if (this.spec.adoptExisting) {
      const active = await this.peerings.activeOf(existing);
      const now = await claims.read();
      this.refuseOthers(now);
      return await this.settle(claims, now, active, 'adopted', undefined);
    }
    await this.giveUp(claims);
    throw new NothingDoneError(
      `a peering connection ${existing.id} between them exists already, which this stack did not make: ` +
        'delete it, or pass adoptExisting to use it and leave it in place',
    );
  }

  /** Takes the claim back, unless another run has made something of it, or it is another's by now. */
  private async giveUp(claims: Claims): Promise<void> {
    const { owner, connection, requestId } = await claims.read();
    if (owner === this.owner && connection === undefined && requestId === this.requestId) {
      await claims.remove();
    }
  }

  /**
   * What another run of the same request noted of a connection; undefined if none did. Lambda may deliver an event twice: of
   * two runs that both found nothing claimed, the slower one finds what the faster one made.
   */
  private async notedByAnother(claims: Claims, existing: LivePeering): Promise<Claim | undefined> {
    const { id } = await this.peerings.activeOf(existing);
    const started = this.calls.now();
    for (;;) {
      const claim = await claims.read();
      if (claim.owner === this.owner && claim.connection?.id === id) {
        return claim;
      }
      if (claim.owner !== this.owner || this.calls.now() - started >= NOTE_PATIENCE) {
        return undefined;
      }
      await this.calls.sleep(NOTE_POLL);
    }
  }

  /** @throws Error if the claim is gone, or another's, by the time that there is a connection. */
  private async holdOn(claims: Claims, { id, gameLiftVpcId }: LivePeering): Promise<void> {
    const { owner } = await claims.read();
    if (owner === undefined) {
      // another request has deleted it before it was there
      await this.remove({ id, gameLiftVpcId });
      throw new Error(
        `the claim on it was removed while it was being made, and so was the peering connection ${id}: deploy again`,
      );
    }
    if (owner !== this.owner) {
      throw new Error(`the peering connection ${id} is ${owner}'s by now, which adopted it: remove it there, then deploy again`);
    }
  }

  /** Whether EC2's side says that this resource made it. */
  private isTagged({ gameLiftVpcId }: LivePeering, sides: readonly Ec2Peering[]): boolean {
    return sides.some((side) => side.requesterVpcId === gameLiftVpcId && !isDead(side.status) && this.hasTagged(side));
  }

  /** Notes whose the connection is, and brings tags, routes and DNS to what is declared. */
  private async settle(
    claims: Claims,
    claim: Claim,
    peering: LivePeering,
    origin: 'created' | 'adopted',
    before: DeclaredRoutes | undefined,
  ): Promise<ConnectionAttributes> {
    const { id, gameLiftVpcId, cidrBlock } = peering;
    if (gameLiftVpcId === undefined || cidrBlock === undefined) {
      throw new Error(`GameLift does not say which VPC and CIDR block the active connection ${id} leads to; deploy again`);
    }
    await claims.adopt(this.owner, { id, gameLiftVpcId, cidrBlock, adopted: origin === 'adopted' }, claim);
    const sides = await this.peerings.ec2Side();
    const side = sides?.find((candidate) => candidate.requesterVpcId === gameLiftVpcId && !isDead(candidate.status));
    if (side !== undefined) {
      const lent = origin === 'adopted' && this.spec.adoptExisting;
      if (!lent) {
        await this.tag(side, id);
      } else if (this.hasTagged(side)) {
        // it was this resource's for a while
        await this.untag(side, OWN_TAGS);
      }
      // what was lent is given back as it was: it is noted what is changed of it, and only that is changed back
      const changes = origin === 'adopted' ? new ChangesOf(side, this.spec.fleetId, this.vpc, this.calls) : undefined;
      await this.route({ id: side.id, cidrBlock }, before, this.own(sides ?? []), changes);
      const { dnsResolution } = this.spec;
      if (side.dnsResolution !== dnsResolution && (dnsResolution || !lent || changes?.noted.dnsResolution !== undefined)) {
        await changes?.note({ dnsResolution: side.dnsResolution, routeTableIds: [] });
        await this.resolveNames(side, dnsResolution);
      }
    } else if (this.spec.routes.kind !== 'None' || this.spec.dnsResolution) {
      const { unreachable } = this.peerings;
      throw new Error(
        unreachable === undefined
          ? `EC2 shows no peering of VPC ${this.spec.pair.peerVpcId} with ${gameLiftVpcId}, so its routes and DNS can not be set: deploy again`
          : `EC2 can not be asked about the peering, so its routes and DNS can not be set (${unreachable}): see that the handler's ` +
              'role may call ec2:DescribeVpcPeeringConnections, then deploy again',
      );
    }
    return { VpcPeeringConnectionId: id, GameLiftVpcId: gameLiftVpcId, GameLiftCidrBlock: cidrBlock };
  }

  private async resolveNames({ id }: Ec2Peering, dnsResolution: boolean): Promise<void> {
    const { pair } = this.spec;
    try {
      await this.calls.make('ModifyVpcPeeringConnectionOptions', (signal) =>
        this.vpc.setDnsResolution(id, dnsResolution, signal),
      );
    } catch (error) {
      const { name, message } = faultOf(error);
      throw new Error(
        `EC2 refused to ${dnsResolution ? 'set' : 'take back'} DNS resolution on ${id} (${name}: ${message}): see that VPC ` +
          `${pair.peerVpcId} has DNS hostnames and DNS support enabled, or leave dnsResolution out, then deploy again`,
        { cause: error },
      );
    }
  }

  private own(sides: readonly Ec2Peering[]): ReadonlySet<string> {
    return new Set(sides.filter(({ tags }) => tags[OWNER_TAG] === this.owner).map(({ id }) => id));
  }

  private async tag({ id }: Ec2Peering, connectionId: string): Promise<void> {
    const { fleetId } = this.spec;
    const tags = { Name: `GameLift ${fleetId}`, [OWNER_TAG]: this.owner, [FLEET_TAG]: fleetId, [CONNECTION_TAG]: connectionId };
    await this.calls.make('CreateTags', (signal) => this.vpc.tagPeering(id, tags, signal));
  }

  private async untag({ id }: Ec2Peering, keys: readonly string[]): Promise<void> {
    await this.calls.make('DeleteTags', (signal) => this.vpc.untagPeering(id, keys, signal));
  }

  private async route(
    peering: { readonly id: string; readonly cidrBlock: string },
    before: DeclaredRoutes | undefined,
    mine: ReadonlySet<string>,
    changes: ChangesOf | undefined,
  ): Promise<void> {
    if (this.spec.routes.kind === 'None' && before === undefined) {
      return;
    }
    await this.change(peering.id, async (tables) => {
      const planned = planRoutes(tables, this.spec.routes, before, peering, mine);
      const made = planned.filter(({ action }) => action !== 'delete').map(({ routeTableId }) => routeTableId);
      await changes?.note({ routeTableIds: made });
      return planned.filter(({ action, routeTableId }) => action !== 'delete' || (changes?.covers(routeTableId) ?? true));
    });
  }

  /** Changes routes as planned, and plans again where somebody else was faster. */
  private async change(
    peeringId: string,
    plan: (tables: readonly RouteTable[]) => Promise<readonly RouteChange[]>,
  ): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const tables = await this.routeTables();
      try {
        await applyRoutes(await plan(tables), peeringId, this.vpc, this.calls);
        return;
      } catch (error) {
        if (!RACED.has(faultOf(error).name) || attempt === ROUTE_ATTEMPTS) {
          throw error;
        }
      }
    }
  }

  /** Leaves an adopted connection as it was before it was adopted. */
  private async giveBack(claims: Claims, claim: Claim): Promise<void> {
    this.log.info({ message: 'the peering connection was adopted and stays', fleetId: this.spec.fleetId });
    const sides = await this.peerings.ec2Side();
    if (sides === undefined && (this.spec.routes.kind !== 'None' || this.spec.dnsResolution)) {
      throw new Error(
        `EC2 can not be asked what was changed of it, so that can not be taken back${this.unreachable}: delete again`,
      );
    }
    const touched = (sides ?? []).find((side) => !isDead(side.status) && this.isTouched(side));
    if (touched !== undefined) {
      await this.takeBack(touched);
    }
    if (claim.owner !== undefined) {
      await claims.giveBack(claim);
    }
  }

  /** Takes back what was changed of an adopted peering. */
  private async takeBack(side: Ec2Peering): Promise<void> {
    const { dnsResolution, routeTableIds } = readChanges(side);
    if (routeTableIds.length > 0) {
      await this.change(side.id, (tables) => {
        const routes = planRemoval(tables, new Set([side.id]));
        return Promise.resolve(routes.filter(({ routeTableId }) => routeTableIds.includes(routeTableId)));
      });
    }
    if (dnsResolution !== undefined && dnsResolution !== side.dnsResolution) {
      await this.resolveNames(side, dnsResolution);
    }
    await this.untag(side, [...keysOfChanges(side), ...(this.hasTagged(side) ? OWN_TAGS : [])]);
  }

  private get unreachable(): string {
    const { unreachable } = this.peerings;
    return unreachable === undefined ? '' : ` (${unreachable})`;
  }

  /** Whether EC2's side says that it is the fleet's, and that something of it was made or changed here. */
  private isTouched(side: Ec2Peering): boolean {
    return this.hasTagged(side) || fleetOfChanges(side) === this.spec.fleetId;
  }

  private hasTagged({ tags }: Ec2Peering): boolean {
    return tags[OWNER_TAG] === this.owner && tags[FLEET_TAG] === this.spec.fleetId;
  }

  private routeTables(): Promise<readonly RouteTable[]> {
    return this.calls.make('DescribeRouteTables', (signal) => this.vpc.describeRouteTables(this.spec.pair.peerVpcId, signal));
  }

  /** Removes the routes to what this resource made, or GameLift left to it: all of them lead nowhere now. */
  private async cleanNetwork(gameLiftVpcId: string | undefined): Promise<void> {
    const sides = await this.peerings.ec2Side();
    if (sides === undefined && this.spec.routes.kind !== 'None') {
      throw new Error(
        `EC2 can not be asked which routes lead to it, so they can not be removed${this.unreachable}: delete again`,
      );
    }
    const isOwn = (side: Ec2Peering): boolean => (this.spec.adoptExisting ? this.isTouched(side) : this.hasTagged(side));
    const alive = (sides ?? []).find((side) => isOwn(side) && !isDead(side.status));
    if (alive !== undefined) {
      throw new Error(`GameLift says that it is gone, but EC2 shows ${alive.id} in status ${alive.status}: delete again`);
    }
    const gone = (sides ?? []).filter(
      (side) => isDead(side.status) && (side.requesterVpcId === gameLiftVpcId || this.hasTagged(side)),
    );
    if (gone.length > 0) {
      await this.change('', (tables) => Promise.resolve(planRemoval(tables, new Set(gone.map(({ id }) => id)))));
    }
  }

  private async explained<T>(task: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      const { fleetId, pair } = this.spec;
      const { name, message } = faultOf(error);
      const own = ['Error', 'NothingDoneError'].includes(name) || error instanceof TimeUpError || error instanceof RateLimitError;
      const text =
        `could not ${task} fleet ${fleetId} of account ${pair.gameLiftAccount} with VPC ${pair.peerVpcId} of account ` +
        `${pair.peerVpcAccount} in ${this.region}: ${own ? message : `${name}: ${message}`}${this.adviceOn(error)}`;
      throw error instanceof NothingDoneError ? new NothingDoneError(text) : new Error(text, { cause: error });
    }
  }

  private adviceOn(error: unknown): string {
    return this.advice !== '' && REFUSED.has(faultOf(error).name) ? `. ${this.advice}` : advice(error);
  }
}

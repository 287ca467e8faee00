import { MAX_CONNECTION_TIMEOUT_SECONDS, ROUTES_KINDS } from '../lib/contract';
import type { ConnectionAttributes } from '../lib/contract';
import { faultOf, isDenied, RateLimitError, TimeUpError } from './calls';
import type { Calls } from './calls';
import { Claims } from './claim';
import type { Claim, TagApi } from './claim';
import { NothingDoneError } from './cloudformation';
import type { RawProperties } from './cloudformation';
import type { Log } from './log';
import { PeerNetwork } from './network';
import type { NetworkApi, NetworkSpec } from './network';
import { ExistsError, isDead, REFUSED } from './peering';
import type { Before, Ec2Peering, FleetRecord, LivePeering, PeeringApi, Peerings } from './peering';
import { readBoolean, readFleetId, readOneOf, readPair, readRouteTableIds, readSeconds } from './properties';
import type { DeclaredRoutes } from './routes';

/*
 * Custom::GameLiftVpcPeeringConnection
 */

/** The calls that a connection needs in the account that manages the fleet. */
export interface ConnectionApi extends PeeringApi, TagApi {}

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
  return ['Error', 'NothingDoneError'].includes(faultOf(error).name) ? '' : '; fix the problem above, then try again';
}

/** What a physical id says of a connection: that it was made, which request failed to make all of it, or nothing. */
export type Standing = 'made' | 'unknown' | { readonly failedRequestId: string };

/** How this resource came by a connection: an adopted one was there before. */
type Origin = 'created' | 'adopted';

function originOf({ connection }: Claim): Origin {
  return connection?.adopted === true ? 'adopted' : 'created';
}

export class Connection {
  private readonly network: PeerNetwork;

  constructor(
    private readonly spec: ConnectionSpec,
    private readonly owner: string,
    private readonly requestId: string,
    private readonly peerings: Peerings,
    private readonly api: ConnectionApi,
    /** Undefined where the handler can't act in the account of the VPC. */
    networkApi: NetworkApi | undefined,
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
      const first = await claims.read();
      this.refuseOthers(first);
      if (first.owner === undefined) {
        // while CloudFormation deletes the permissions, those for EC2 go first: a copy of this request that Lambda runs then must
        // not write a claim, because the permission to remove it goes next
        await this.peerings.waitWhileDenied();
        await claims.look(this.owner);
      }
      const before = await this.peerings.look((side) => this.network.isOthers(side));
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
   * @param formerRoutes what was declared until now
   * @param standing what CloudFormation knows the connection by
   */
  async update(formerRoutes: DeclaredRoutes, standing: Standing): Promise<ConnectionAttributes> {
    return this.explained('update the peering of', async () => {
      this.network.refuseUnreachable();
      const claims = this.claims(await this.activeFleet());
      const before: Before = { sides: await this.peerings.ec2Side(), listed: await this.peerings.find(), others: [] };
      const claim = await claims.read();
      this.refuseOthers(claim);
      const { listed, sides = [] } = before;
      if (listed?.status !== 'active' || !this.isDeclared(listed, claim, standing, sides)) {
        return await this.connect(claims, claim, before);
      }
      const lent = this.spec.adoptExisting && !this.isTagged(listed, sides);
      const origin = claim.owner === this.owner ? originOf(claim) : lent ? 'adopted' : 'created';
      return await this.settle(claims, claim, listed, origin, formerRoutes);
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
   * @param standing what CloudFormation knows the connection by
   */
  async delete(standing: Standing): Promise<void> {
    await this.explained('remove the peering of', async () => {
      const fleet = await this.fleet();
      if (fleet === undefined) {
        await this.network.clean(undefined);
        return;
      }
      const claims = this.claims(fleet);
      const claim = await claims.read();
      if (claim.owner !== undefined && claim.owner !== this.owner) {
        this.log.info({ message: `the peering connection is ${claim.owner}'s and is left alone`, fleetId: this.spec.fleetId });
        return;
      }
      if (claim.owner === undefined) {
        await this.deleteUnclaimed(claims, claim, standing);
        return;
      }
      if (typeof standing === 'object' && claim.requestId !== standing.failedRequestId) {
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
  private async deleteUnclaimed(claims: Claims, claim: Claim, standing: Standing): Promise<void> {
    const sides = await this.peerings.ec2Side();
    const side = sides?.find((candidate) => !isDead(candidate.status) && this.network.isOwn(candidate));
    const id = side === undefined ? undefined : this.network.connectionIdOf(side);
    if (side !== undefined && id !== undefined) {
      const { requesterVpcId: gameLiftVpcId, cidrBlock = '' } = side;
      // once the peering is gone its tags are too: a deletion that fails half way has to know of it when it is tried again
      await claims.adopt(this.owner, { id, gameLiftVpcId, cidrBlock, adopted: false }, claim);
      await this.remove({ id, gameLiftVpcId });
      await claims.remove();
    } else if (standing === 'made' && this.spec.adoptExisting) {
      await this.giveBack(claims, claim);
    } else if (standing === 'made') {
      // only where EC2 can't be asked it has to be believed that what is there is what was made
      await this.remove(sides === undefined ? await this.peerings.find() : undefined);
    }
  }

  private async remove(made: Pick<LivePeering, 'id' | 'gameLiftVpcId'> | undefined): Promise<void> {
    if (made !== undefined) {
      await this.peerings.disconnect(made.id, made.gameLiftVpcId);
    }
    await this.network.clean(made?.gameLiftVpcId);
  }

  /** A connection of which nothing is noted: this resource's, unless it was there before. */
  private async unnoted({ others = [] }: Claim): Promise<LivePeering | undefined> {
    const found = await this.peerings.find();
    return others.includes(found?.gameLiftVpcId ?? '') ? undefined : found;
  }

  /** Whether a connection is what this resource made, or is to use. */
  private isDeclared(listed: LivePeering, claim: Claim, standing: Standing, sides: readonly Ec2Peering[]): boolean {
    if (claim.owner !== this.owner) {
      return this.spec.adoptExisting || standing === 'made' || this.isTagged(listed, sides);
    }
    // of what was claimed, one that somebody made anew by hand is used on
    return claim.connection !== undefined || claim.others?.includes(listed.gameLiftVpcId ?? '') === false;
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
      const requireClaim = claiming ? (): Promise<void> => this.requireClaim(claims) : (): Promise<void> => Promise.resolve();
      const peering = await this.peerings.connect({ ...before, listed }, earlier, requireClaim);
      if (claiming) {
        await this.holdOn(claims, peering);
      }
      return await this.settle(claims, claim, peering, 'created', undefined);
    } catch (error) {
      if (error instanceof ExistsError) {
        return await this.settleExisting(claims, claim, error);
      }
      // GameLift refused every request: give the claim back. The deletion that follows checks again whose it is.
      if (claiming && earlier === undefined && !this.peerings.requested && this.calls.uncertain === certain) {
        await this.giveUp(claims);
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
    // no NothingDoneError: a copy of this request may have made the claim anew, and the deletion has to remove it
    throw new Error(
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

  private async requireClaim(claims: Claims): Promise<void> {
    const { owner } = await claims.read();
    if (owner !== this.owner) {
      throw new Error('the claim on it was removed while it was being made: deploy again');
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
    return sides.some((side) => side.requesterVpcId === gameLiftVpcId && !isDead(side.status) && this.network.isOwn(side));
  }

  /** Notes whose the connection is, and brings tags, routes and DNS to what is declared. */
  private async settle(
    claims: Claims,
    claim: Claim,
    { id, gameLiftVpcId, cidrBlock }: LivePeering,
    origin: Origin,
    formerRoutes: DeclaredRoutes | undefined,
  ): Promise<ConnectionAttributes> {
    if (gameLiftVpcId === undefined || cidrBlock === undefined) {
      throw new Error(`GameLift does not say which VPC and CIDR block the active connection ${id} leads to; deploy again`);
    }
    const connection = { id, gameLiftVpcId, cidrBlock, adopted: origin === 'adopted' };
    await claims.adopt(this.owner, connection, claim);
    await this.network.settle(connection, formerRoutes);
    return { VpcPeeringConnectionId: id, GameLiftVpcId: gameLiftVpcId, GameLiftCidrBlock: cidrBlock };
  }

  /** Leaves an adopted connection as it was before it was adopted. */
  private async giveBack(claims: Claims, claim: Claim): Promise<void> {
    this.log.info({ message: 'the peering connection was adopted and stays', fleetId: this.spec.fleetId });
    await this.network.takeBack();
    if (claim.owner !== undefined) {
      await claims.giveBack(claim);
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

import { OWNER_TAG, TAG_PREFIX } from '../../lib/contract';
import type { Ec2Api, Ec2Peering, RouteTable } from '../aws/api';
import type { Calls } from '../aws/calls';
import { isDenial, readError } from '../aws/errors';
import { NothingDoneError } from '../cloudformation/physical-id';
import type { ClaimedConnection } from '../peering/ownership';
import { isDead } from '../peering/peering';
import type { Peerings } from '../peering/peering';
import type { Pair } from '../resources/properties';
import { fleetOfChanges, keysOfChanges, readChanges, tagsOfChanges } from './adopted-changes';
import type { Changes } from './adopted-changes';
import { applyRoutes, planRemoval, planRoutes } from './routes';
import type { DeclaredRoutes, RouteChange } from './routes';

/*
 * The peer VPC's side of a connection: whose it is by EC2's tags, its routes and its DNS.
 */

/** What is declared of the peer VPC's side. */
export interface NetworkSpec {
  readonly fleetId: string;
  readonly pair: Pair;
  readonly routes: DeclaredRoutes;
  readonly dnsResolution: boolean;
  /** Whether a connection that was there before may be used; it is left in place. */
  readonly adoptExisting: boolean;
}

const FLEET_TAG = `${TAG_PREFIX}fleet`;
const CONNECTION_TAG = `${TAG_PREFIX}connection`;
const OWN_TAGS = ['Name', OWNER_TAG, FLEET_TAG, CONNECTION_TAG];

/** GameLift writes routes of its own at about the same time, and what was read may be old: more than 15 seconds in all. */
const ROUTE_ATTEMPTS = 6;

/** Until GameLift has written its routes, and until a read shows what was written before it. */
const ROUTE_PAUSE_MILLISECONDS = 5_000;

/** What says that tables may no longer be as they were read when the change was planned. */
const RACED: ReadonlySet<string> = new Set(['RouteAlreadyExists', 'InvalidRoute.NotFound', 'RouteConflictError']);

/** What was changed of one adopted peering. */
class ChangesOf {
  private known: Changes;

  constructor(
    side: Ec2Peering,
    private readonly write: (more: Changes) => Promise<void>,
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
    const { known } = this;
    const added: Changes = {
      dnsResolution: known.dnsResolution === undefined ? more.dnsResolution : undefined,
      routeTableIds: more.routeTableIds.filter((id) => !known.routeTableIds.includes(id)),
    };
    if (added.dnsResolution !== undefined || added.routeTableIds.length > 0) {
      await this.write(added);
      this.known = {
        dnsResolution: known.dnsResolution ?? added.dnsResolution,
        routeTableIds: [...known.routeTableIds, ...added.routeTableIds],
      };
    }
  }
}

export class PeerNetwork {
  constructor(
    private readonly spec: NetworkSpec,
    private readonly owner: string,
    private readonly peerings: Pick<Peerings, 'ec2Side' | 'unreachable'>,
    /** Undefined where the handler can't act in the account of the VPC. */
    private readonly api: Ec2Api | undefined,
    private readonly calls: Calls,
  ) {}

  /** @throws NothingDoneError if something is declared of a VPC in whose account the handler can't act. */
  refuseUnreachable(): void {
    const { routes, dnsResolution, pair } = this.spec;
    if (this.api === undefined && (routes.kind !== 'None' || dnsResolution)) {
      throw new NothingDoneError(
        `routes and DNS of the VPC can't be set from another account: pass PeeringRoutes.none() and no dnsResolution, and set them in ` +
          `account ${pair.peerVpcAccount}, or give the authorization a peerRole of that account`,
      );
    }
  }

  /** Whether a peering is known to be another fleet's. */
  isOthers({ tags }: Ec2Peering): boolean {
    return tags[FLEET_TAG] !== undefined && tags[FLEET_TAG] !== this.spec.fleetId;
  }

  /** Whether its tags say that this resource made it. */
  isOwn({ tags }: Ec2Peering): boolean {
    return tags[OWNER_TAG] === this.owner && tags[FLEET_TAG] === this.spec.fleetId;
  }

  /** GameLift's id of what this resource made; undefined of anything else. */
  connectionIdOf(side: Ec2Peering): string | undefined {
    return this.isOwn(side) ? side.tags[CONNECTION_TAG] : undefined;
  }

  /**
   * Brings tags, routes and DNS to what is declared.
   *
   * @param formerRoutes what was declared until now: tables that are declared no longer lose their route
   */
  async settle(connection: ClaimedConnection, formerRoutes: DeclaredRoutes | undefined): Promise<void> {
    const { gameLiftVpcId, adopted, cidrBlock } = connection;
    const isSide = (candidate: Ec2Peering): boolean => candidate.requesterVpcId === gameLiftVpcId && !isDead(candidate.status);
    const sides = await this.calls.readUntil(
      () => this.peerings.ec2Side(),
      (found) => found?.some(isSide) ?? true,
    );
    const side = sides?.find(isSide);
    if (sides === undefined || side === undefined) {
      this.refuseUnseen(gameLiftVpcId);
      return;
    }
    const lent = adopted && this.spec.adoptExisting;
    if (!lent) {
      await this.tag(side, connection.id);
    } else if (this.isOwn(side)) {
      // it was this resource's for a while
      await this.untag(side, OWN_TAGS);
    }
    // what was lent is given back as it was: it is noted what is changed of it, and only that is changed back
    const changes = adopted ? new ChangesOf(side, (more) => this.tagChanges(side, more)) : undefined;
    const mine = new Set(sides.filter(({ tags }) => tags[OWNER_TAG] === this.owner).map(({ id }) => id));
    await this.route({ id: side.id, cidrBlock }, formerRoutes, mine, changes);
    const { dnsResolution } = this.spec;
    if (side.dnsResolution !== dnsResolution && (dnsResolution || !lent || changes?.noted.dnsResolution !== undefined)) {
      await changes?.note({ dnsResolution: side.dnsResolution, routeTableIds: [] });
      await this.resolveNames(side, dnsResolution);
    }
  }

  /**
   * Takes back what was changed of an adopted peering.
   *
   * @throws Error if something may have been changed and EC2 can't be asked.
   */
  async takeBack(): Promise<void> {
    const sides = await this.peerings.ec2Side();
    if (sides === undefined && (this.spec.routes.kind !== 'None' || this.spec.dnsResolution)) {
      throw new Error(`EC2 can not be asked what was changed of it, so that can not be taken back${this.why}: delete again`);
    }
    const side = (sides ?? []).find((candidate) => !isDead(candidate.status) && this.isTouched(candidate));
    if (side === undefined) {
      return;
    }
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
    await this.untag(side, [...keysOfChanges(side), ...(this.isOwn(side) ? OWN_TAGS : [])]);
  }

  /**
   * Removes the routes to what this resource made, or GameLift left to it: all of them lead nowhere now.
   *
   * @param gameLiftVpcId where the connection led to, if that is known
   * @throws Error if EC2 can't be asked, or shows that the peering is still there.
   */
  async clean(gameLiftVpcId: string | undefined): Promise<void> {
    const isHeld = (side: Ec2Peering): boolean =>
      side.requesterVpcId === gameLiftVpcId || (this.spec.adoptExisting ? this.isTouched(side) : this.isOwn(side));
    const isAlive = (side: Ec2Peering): boolean => isHeld(side) && !isDead(side.status);
    const sides = await this.calls.readUntil(
      () => this.peerings.ec2Side(),
      (found) => !(found?.some(isAlive) ?? false),
    );
    if (sides === undefined && this.spec.routes.kind !== 'None') {
      throw new Error(`EC2 can not be asked which routes lead to it, so they can not be removed${this.why}: delete again`);
    }
    const alive = (sides ?? []).find(isAlive);
    if (alive !== undefined) {
      throw new Error(`GameLift says that it is gone, but EC2 shows ${alive.id} in status ${alive.status}: delete again`);
    }
    const gone = (sides ?? []).filter(
      (side) => isDead(side.status) && (side.requesterVpcId === gameLiftVpcId || this.isOwn(side)),
    );
    if (gone.length > 0) {
      await this.change('', (tables) => Promise.resolve(planRemoval(tables, new Set(gone.map(({ id }) => id)))));
    }
  }

  /** Of use only where EC2 has shown a peering, or routes are declared: where the handler can act. */
  private get vpc(): Ec2Api {
    if (this.api === undefined) {
      throw new Error(`the handler can not act in account ${this.spec.pair.peerVpcAccount}`);
    }
    return this.api;
  }

  /** Why EC2 did not answer. */
  private get why(): string {
    const { unreachable } = this.peerings;
    return unreachable === undefined ? '' : ` (${unreachable})`;
  }

  /** Whether EC2's side says that it is the fleet's, and that something of it was made or changed here. */
  private isTouched(side: Ec2Peering): boolean {
    return this.isOwn(side) || fleetOfChanges(side) === this.spec.fleetId;
  }

  private refuseUnseen(gameLiftVpcId: string): void {
    const { pair, routes, dnsResolution } = this.spec;
    if (routes.kind === 'None' && !dnsResolution) {
      return;
    }
    throw new Error(
      this.peerings.unreachable === undefined
        ? `EC2 shows no peering of VPC ${pair.peerVpcId} with ${gameLiftVpcId}, so its routes and DNS can not be set: deploy again`
        : `EC2 can not be asked about the peering, so its routes and DNS can not be set${this.why}: see that the handler's ` +
            'role may call ec2:DescribeVpcPeeringConnections, then deploy again',
    );
  }

  private async tag({ id }: Ec2Peering, connectionId: string): Promise<void> {
    const { fleetId } = this.spec;
    const tags = { Name: `GameLift ${fleetId}`, [OWNER_TAG]: this.owner, [FLEET_TAG]: fleetId, [CONNECTION_TAG]: connectionId };
    await this.calls.make('CreateTags', (signal) => this.vpc.tagPeering(id, tags, signal));
  }

  private async tagChanges({ id }: Ec2Peering, more: Changes): Promise<void> {
    const tags = tagsOfChanges(this.spec.fleetId, more);
    await this.calls.make('CreateTags', (signal) => this.vpc.tagPeering(id, tags, signal));
  }

  private async untag({ id }: Ec2Peering, keys: readonly string[]): Promise<void> {
    await this.calls.make('DeleteTags', async (signal) => {
      try {
        await this.vpc.untagPeering(id, keys, signal);
      } catch (error) {
        // only peerings with tags of this library may be untagged: once the tags are gone, another call is denied
        if (!isDenial(error) || (await this.hasTags(id, keys, signal))) {
          throw error;
        }
      }
    });
  }

  /**
   * Asks once, and does not wait while EC2 denies it: a copy of a deletion whose permissions are being removed must not go on after a
   * later request has made them again.
   */
  private async hasTags(peeringId: string, keys: readonly string[], signal: AbortSignal): Promise<boolean> {
    let sides: readonly Ec2Peering[];
    try {
      sides = await this.vpc.describePeerings(this.spec.pair.peerVpcId, signal);
    } catch (error) {
      const { name, message } = readError(error);
      throw new Error(
        `its tags could not be removed, and EC2 does not say whether they are gone (${name}: ${message}): delete again`,
        {
          cause: error,
        },
      );
    }
    return sides.some(({ id, tags }) => id === peeringId && keys.some((key) => key in tags));
  }

  private async resolveNames({ id }: Ec2Peering, dnsResolution: boolean): Promise<void> {
    const { pair } = this.spec;
    try {
      await this.calls.make('ModifyVpcPeeringConnectionOptions', (signal) =>
        this.vpc.setDnsResolution(id, dnsResolution, signal),
      );
    } catch (error) {
      const { name, message } = readError(error);
      throw new Error(
        `EC2 refused to ${dnsResolution ? 'set' : 'take back'} DNS resolution on ${id} (${name}: ${message}): see that VPC ` +
          `${pair.peerVpcId} has DNS hostnames and DNS support enabled, or leave dnsResolution out, then deploy again`,
        { cause: error },
      );
    }
  }

  private async route(
    peering: { readonly id: string; readonly cidrBlock: string },
    formerRoutes: DeclaredRoutes | undefined,
    mine: ReadonlySet<string>,
    changes: ChangesOf | undefined,
  ): Promise<void> {
    if (this.spec.routes.kind === 'None' && formerRoutes === undefined) {
      return;
    }
    await this.change(peering.id, async (tables) => {
      const planned = planRoutes(tables, this.spec.routes, formerRoutes, peering, mine);
      const made = planned.filter(({ action }) => action !== 'delete').map(({ routeTableId }) => routeTableId);
      await changes?.note({ routeTableIds: made });
      return planned.filter(({ action, routeTableId }) => action !== 'delete' || (changes?.covers(routeTableId) ?? true));
    });
  }

  /** Changes routes as planned, and plans again where somebody else was faster, or the tables were read late. */
  private async change(
    peeringId: string,
    plan: (tables: readonly RouteTable[]) => Promise<readonly RouteChange[]>,
  ): Promise<void> {
    const { peerVpcId } = this.spec.pair;
    for (let attempt = 1; ; attempt += 1) {
      const tables = await this.calls.make('DescribeRouteTables', (signal) => this.vpc.describeRouteTables(peerVpcId, signal));
      try {
        await applyRoutes(await plan(tables), peeringId, this.vpc, this.calls);
        return;
      } catch (error) {
        const { name } = readError(error);
        if (!RACED.has(name) || attempt === ROUTE_ATTEMPTS) {
          throw error;
        }
        if (name !== 'InvalidRoute.NotFound' || attempt > 1) {
          await this.calls.sleep(ROUTE_PAUSE_MILLISECONDS);
        }
      }
    }
  }
}

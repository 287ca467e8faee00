import type { Ec2Api, Ec2Peering, RouteTable, Tags } from '../aws/api';
import { isDenial, problemOf, readError } from '../aws/errors';
import type { ClaimedConnection } from '../peering/claim';
import type { ConnectionContext } from '../peering/context';
import { Ec2Tags } from '../peering/ec2-tags';
import type { Observer } from '../peering/observer';
import { isAlive, shownBy } from '../peering/watch';
import type { Ec2View } from '../peering/watch';
import { NothingDoneProblem, Problem } from '../problem';
import { AdoptedChanges, fleetOfChanges, keysOfChanges, readChanges, tagsOfChanges } from './adopted-changes';
import { applyRoutes, planRemoval, planRoutes } from './routes';
import type { DeclaredRoutes, RouteChange } from './routes';

/** GameLift writes routes of its own at about the same time, and what was read may be old: more than 15 seconds in all. */
const ROUTE_ATTEMPTS = 6;

/** Until GameLift has written its routes, and until a read shows what was written before it. */
const ROUTE_PAUSE_MILLISECONDS = 5_000;

/** What to do where EC2 does not show the peerings of the VPC. */
const ALLOW_DESCRIBE = "see that the handler's role may call ec2:DescribeVpcPeeringConnections";

/** What says that tables may no longer be as they were read when the change was planned. */
const RACED: ReadonlySet<string> = new Set(['RouteAlreadyExists', 'InvalidRoute.NotFound', 'RouteConflictProblem']);

/** The peer VPC's side of a connection: its tags, its routes and its DNS. */
export class PeerNetwork {
  constructor(
    private readonly context: ConnectionContext,
    private readonly observer: Observer,
  ) {}

  /** @throws NothingDoneProblem if something is declared of a VPC in whose account the handler can't act. */
  checkReach(): void {
    const { spec, vpcApi } = this.context;
    if (vpcApi === undefined && this.isDeclared) {
      throw new NothingDoneProblem(
        "routes and DNS of the VPC can't be set from another account",
        `pass PeeringRoutes.none() and no dnsResolution, and set them in account ${spec.pair.peerVpcAccount}, or give the ` +
          'authorization a peerRole of that account',
      );
    }
  }

  /**
   * Brings tags, routes and DNS to what is declared.
   *
   * @param formerRoutes what was declared until now: tables that are no longer declared lose their route
   */
  async settle(connection: ClaimedConnection, formerRoutes: DeclaredRoutes | undefined): Promise<void> {
    const { spec, calls } = this.context;
    const { gameLiftVpcId, cidrBlock } = connection;
    const isSide = (candidate: Ec2Peering): boolean => candidate.requesterVpcId === gameLiftVpcId && isAlive(candidate);
    const view = await calls.readUntil(
      () => this.observer.ec2(),
      (found) => found.kind === 'unavailable' || found.peerings.some(isSide),
    );
    const side = shownBy(view).find(isSide);
    if (side === undefined) {
      this.checkUnseen(gameLiftVpcId, view);
      return;
    }
    const isAdopted = connection.adopted && spec.adoptExisting;
    if (!isAdopted) {
      await this.tag(side, this.observer.tags.for(connection.id));
    } else if (this.observer.tags.isOwn(side)) {
      // this resource was its owner before adoptExisting was set
      await this.untag(side, Ec2Tags.keys);
    }
    // changes to a connection that was there before are noted before they are made, so that they can be undone
    const changes = connection.adopted
      ? new AdoptedChanges(side, (more) => this.tag(side, tagsOfChanges(spec.fleetId, more)))
      : undefined;
    const ownIds = new Set(
      shownBy(view)
        .filter((candidate) => this.observer.tags.isOfOwner(candidate))
        .map(({ id }) => id),
    );
    await this.route({ id: side.id, cidrBlock }, formerRoutes, ownIds, changes);
    await this.settleDns(side, isAdopted, changes);
  }

  /**
   * Undoes what was changed of an adopted peering.
   *
   * @throws Problem if something may have been changed and EC2 can't be asked.
   */
  async undoChanges(): Promise<void> {
    const side = (await this.changedSides()).find((candidate) => isAlive(candidate) && this.isTouched(candidate));
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
      await this.setDns(side, dnsResolution);
    }
    await this.untag(side, [...keysOfChanges(side), ...(this.observer.tags.isOwn(side) ? Ec2Tags.keys : [])]);
  }

  /**
   * Removes the routes, DNS and tags of a peering that this resource owns, and that stays until its fleet is deleted.
   *
   * @throws Problem if something may have been set and EC2 can't be asked.
   */
  async detach(gameLiftVpcId: string | undefined): Promise<void> {
    const { spec } = this.context;
    const sides = (await this.changedSides()).filter((side) => side.requesterVpcId === gameLiftVpcId);
    if (sides.length > 0) {
      await this.change('', (tables) => Promise.resolve(planRemoval(tables, new Set(sides.map(({ id }) => id)))));
    }
    for (const side of sides.filter(isAlive)) {
      if (side.dnsResolution && spec.dnsResolution) {
        await this.setDns(side, false);
      }
      if (this.observer.tags.isOwn(side)) {
        await this.untag(side, Ec2Tags.keys);
      }
    }
  }

  /**
   * Removes the routes to what this resource made, or GameLift left for it: the peering they lead to is gone.
   *
   * @param gameLiftVpcId the VPC at the other end of the connection, if that is known
   * @throws Problem if EC2 can't be asked, or shows that the peering is still there.
   */
  async clean(gameLiftVpcId: string | undefined): Promise<void> {
    const { spec, calls } = this.context;
    const isAliveHere = (side: Ec2Peering): boolean =>
      isAlive(side) &&
      (side.requesterVpcId === gameLiftVpcId || (spec.adoptExisting ? this.isTouched(side) : this.observer.tags.isOwn(side)));
    const view = await calls.readUntil(
      () => this.observer.ec2(),
      (found) => !shownBy(found).some(isAliveHere),
    );
    if (view.kind === 'unavailable' && spec.routes.kind !== 'None') {
      throw new Problem(
        `EC2 can not be asked which routes lead to it, so they can not be removed (${view.reason})`,
        `${ALLOW_DESCRIBE}, then delete again`,
      );
    }
    const alive = shownBy(view).find(isAliveHere);
    if (alive !== undefined) {
      throw new Problem(`GameLift says that it is gone, but EC2 shows ${alive.id} in status ${alive.status}`, 'delete again');
    }
    const gone = shownBy(view).filter(
      (side) => !isAlive(side) && (side.requesterVpcId === gameLiftVpcId || this.observer.tags.isOwn(side)),
    );
    if (gone.length > 0) {
      await this.change('', (tables) => Promise.resolve(planRemoval(tables, new Set(gone.map(({ id }) => id)))));
    }
  }

  /**
   * The peerings of the VPC.
   *
   * @throws Problem if this resource may have changed one and EC2 can't be asked.
   */
  private async changedSides(): Promise<readonly Ec2Peering[]> {
    const view = await this.observer.ec2();
    if (view.kind === 'unavailable' && this.isDeclared) {
      throw new Problem(
        `EC2 can not be asked what was changed of it, so that can not be undone (${view.reason})`,
        `${ALLOW_DESCRIBE}, then delete again`,
      );
    }
    return shownBy(view);
  }

  /** Whether the handler has to set anything in the peer VPC. */
  private get isDeclared(): boolean {
    const { routes, dnsResolution } = this.context.spec;
    return routes.kind !== 'None' || dnsResolution;
  }

  /** Only called after EC2 has shown a peering, or `checkReach`. */
  private get vpcApi(): Ec2Api {
    const { vpcApi, spec } = this.context;
    if (vpcApi === undefined) {
      throw new Error(`the handler can not act in account ${spec.pair.peerVpcAccount}`);
    }
    return vpcApi;
  }

  /** Whether this resource made the fleet's peering, or changed it after it had adopted it. */
  private isTouched(side: Ec2Peering): boolean {
    return this.observer.tags.isOwn(side) || fleetOfChanges(side) === this.context.spec.fleetId;
  }

  /** @throws Problem if something is declared of a peering that EC2 does not show. */
  private checkUnseen(gameLiftVpcId: string, view: Ec2View): void {
    if (!this.isDeclared) {
      return;
    }
    throw view.kind === 'shown'
      ? new Problem(
          `EC2 shows no peering of VPC ${this.context.spec.pair.peerVpcId} with ${gameLiftVpcId}, so its routes and DNS can not be set`,
          'deploy again',
        )
      : new Problem(
          `EC2 can not be asked about the peering, so its routes and DNS can not be set (${view.reason})`,
          `${ALLOW_DESCRIBE}, then deploy again`,
        );
  }

  private async tag({ id }: Ec2Peering, tags: Tags): Promise<void> {
    await this.context.calls.make('CreateTags', (signal) => this.vpcApi.tagPeering(id, tags, signal));
  }

  private async untag({ id }: Ec2Peering, keys: readonly string[]): Promise<void> {
    await this.context.calls.make('DeleteTags', async (signal) => {
      try {
        await this.vpcApi.untagPeering(id, keys, signal);
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
      sides = await this.vpcApi.describePeerings(this.context.spec.pair.peerVpcId, signal);
    } catch (error) {
      throw new Problem(
        `its tags could not be removed, and EC2 does not say whether they are gone (${problemOf(error).what})`,
        'delete again',
        { cause: error },
      );
    }
    return sides.some(({ id, tags }) => id === peeringId && keys.some((key) => key in tags));
  }

  /** DNS resolution of an adopted peering is turned off only if it was this library that turned it on. */
  private async settleDns(side: Ec2Peering, isAdopted: boolean, changes: AdoptedChanges | undefined): Promise<void> {
    const { dnsResolution } = this.context.spec;
    const isDue = dnsResolution || !isAdopted || changes?.noted.dnsResolution !== undefined;
    if (side.dnsResolution !== dnsResolution && isDue) {
      await changes?.note({ dnsResolution: side.dnsResolution, routeTableIds: [] });
      await this.setDns(side, dnsResolution);
    }
  }

  private async setDns({ id }: Ec2Peering, dnsResolution: boolean): Promise<void> {
    const { calls, spec } = this.context;
    try {
      await calls.make('ModifyVpcPeeringConnectionOptions', (signal) => this.vpcApi.setDnsResolution(id, dnsResolution, signal));
    } catch (error) {
      throw new Problem(
        `EC2 refused to turn DNS resolution ${dnsResolution ? 'on' : 'off'} for ${id} (${problemOf(error).what})`,
        `see that VPC ${spec.pair.peerVpcId} has DNS hostnames and DNS support enabled, or leave dnsResolution out, then deploy again`,
        { cause: error },
      );
    }
  }

  private async route(
    peering: { readonly id: string; readonly cidrBlock: string },
    formerRoutes: DeclaredRoutes | undefined,
    ownIds: ReadonlySet<string>,
    changes: AdoptedChanges | undefined,
  ): Promise<void> {
    const { routes } = this.context.spec;
    if (routes.kind === 'None' && formerRoutes === undefined) {
      return;
    }
    await this.change(peering.id, async (tables) => {
      const planned = planRoutes(tables, routes, formerRoutes, peering, ownIds);
      const made = planned.filter(({ action }) => action !== 'delete').map(({ routeTableId }) => routeTableId);
      await changes?.note({ routeTableIds: made });
      return planned.filter(({ action, routeTableId }) => action !== 'delete' || (changes?.covers(routeTableId) ?? true));
    });
  }

  /** Changes routes as planned, and plans again if the tables have changed since they were read. */
  private async change(
    peeringId: string,
    plan: (tables: readonly RouteTable[]) => Promise<readonly RouteChange[]>,
  ): Promise<void> {
    const { calls, spec } = this.context;
    const { peerVpcId } = spec.pair;
    for (let attempt = 1; ; attempt += 1) {
      const tables = await calls.make('DescribeRouteTables', (signal) => this.vpcApi.describeRouteTables(peerVpcId, signal));
      try {
        await applyRoutes(await plan(tables), peeringId, this.vpcApi, calls);
        return;
      } catch (error) {
        const { name } = readError(error);
        if (!RACED.has(name) || attempt === ROUTE_ATTEMPTS) {
          throw error;
        }
        if (name !== 'InvalidRoute.NotFound' || attempt > 1) {
          await calls.sleep(ROUTE_PAUSE_MILLISECONDS);
        }
      }
    }
  }
}

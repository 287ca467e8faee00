import type { Ec2Api, Ec2Peering, RouteTable, Tags } from '../aws/api';
import { isDenial, hasUnknownEffect, problemOf, readError } from '../aws/errors';
import type { Calls } from '../aws/calls';
import { isAlive } from '../aws/connections';
import type { ClaimedConnection, ConnectionSpec, DeclaredRoutes } from '../model/connection';
import { NothingDoneProblem, Problem } from '../problem';
import { AdoptedChanges, fleetOfChanges, tagKeysOfChanges, readChanges, tagsOfChanges } from './adopted-changes';
import { Ec2Tags } from './ec2-tags';
import { peeringsIn } from './ec2-view';
import type { Ec2View } from './ec2-view';
import { applyRoutes, planRemoval, planRoutes, RouteConflictProblem } from './routes';
import type { RouteChange } from './routes';

/** How often the handler plans the routes and changes them. Together, the attempts exceed 15 seconds, because reads may be that late. */
const ROUTE_ATTEMPTS = 6;

/** The wait between two attempts. GameLift may be writing routes at the same time, and reads may be late. */
const ROUTE_PAUSE_MILLISECONDS = 5_000;

/** The remedy in error messages if the handler can't read the peering connections of the VPC. */
const ALLOW_DESCRIBE = 'allow ec2:DescribeVpcPeeringConnections to the role that the handler uses in the account of the VPC';

const CANNOT_READ_EC2 = "the handler can't read the VPC's peering connections from EC2";

/** After these errors of EC2, the changes are planned again: the route tables may have changed since they were read. */
const OUTDATED_PLAN_ERRORS: ReadonlySet<string> = new Set(['RouteAlreadyExists', 'InvalidRoute.NotFound']);

/** What this folder needs to know about the request for a connection. */
export interface NetworkContext {
  readonly spec: ConnectionSpec;
  /** Undefined if the handler has no access to the account of the VPC. */
  readonly vpcApi: Ec2Api | undefined;
  readonly calls: Calls;
}

/** Reads the peering connections from EC2. `Observer` in `peering/` implements it. */
export interface Ec2Source {
  readonly tags: Ec2Tags;
  readEc2(): Promise<Ec2View>;
}

/** Sets and removes tags, routes and DNS resolution on the peer VPC's side of a connection. */
export class PeerNetwork {
  constructor(
    private readonly context: NetworkContext,
    private readonly source: Ec2Source,
  ) {}

  /** @throws NothingDoneProblem if routes or DNS resolution are declared, but the handler has no access to the account of the VPC. */
  throwIfNoAccess(): void {
    const { spec, vpcApi } = this.context;
    if (vpcApi === undefined && this.needsVpcAccess) {
      throw new NothingDoneProblem(
        "routes and DNS of the VPC can't be set from another account",
        `pass PeeringRoutes.none() and no dnsResolution to the VpcPeeringConnection, and set them in account ${spec.pair.peerVpcAccount}, ` +
          'or pass a peerRole of that account to the VpcPeeringAuthorization',
      );
    }
  }

  /**
   * Sets tags, routes and DNS resolution as declared.
   *
   * @param previousRoutes the routes that were declared before, if this is an update. The handler deletes a route that is no longer declared
   */
  async configure(connection: ClaimedConnection, previousRoutes: DeclaredRoutes | undefined): Promise<void> {
    const { spec, calls } = this.context;
    const { gameLiftVpcId, cidrBlock } = connection;
    const isSideOfConnection = (candidate: Ec2Peering): boolean =>
      candidate.requesterVpcId === gameLiftVpcId && isAlive(candidate);
    const view = await calls.readUntil(
      () => this.source.readEc2(),
      (found) => found.kind === 'unavailable' || found.peerings.some(isSideOfConnection),
    );
    const side = peeringsIn(view).find(isSideOfConnection);
    if (side === undefined) {
      this.throwIfRoutesOrDnsDeclared(gameLiftVpcId, view);
      return;
    }
    // if adoptExisting is no longer declared, the resource becomes the owner of the connection that it adopted
    const isStillAdopted = connection.isAdopted && spec.adoptExisting;
    if (!isStillAdopted) {
      await this.tag(side, this.source.tags.tagsFor(connection.id));
    } else if (this.source.tags.isOwn(side)) {
      // this resource owned the connection before adoptExisting was set
      await this.untag(side, Ec2Tags.keys);
    }
    // changes to an adopted connection are recorded, so that the delete can undo them
    const changes = connection.isAdopted
      ? new AdoptedChanges(side, (newChanges) => this.tag(side, tagsOfChanges(spec.fleetId, newChanges)))
      : undefined;
    const ownPeeringIds = new Set(
      peeringsIn(view)
        .filter((candidate) => this.source.tags.isOwnOfAnyFleet(candidate))
        .map(({ id }) => id),
    );
    await this.configureRoutes({ id: side.id, cidrBlock }, previousRoutes, ownPeeringIds, changes);
    await this.configureDns(side, isStillAdopted, changes);
  }

  /**
   * Undoes the changes of this resource to an adopted connection.
   *
   * @throws Problem if the resource may have changed something, and EC2 can't be read.
   */
  async undoChanges(): Promise<void> {
    const side = (await this.readSides()).find((candidate) => isAlive(candidate) && this.isCreatedOrChanged(candidate));
    if (side === undefined) {
      return;
    }
    const { dnsResolutionBefore, routeTableIds } = readChanges(side);
    if (routeTableIds.length > 0) {
      await this.changeRoutes((tables) => {
        const routes = planRemoval(tables, new Set([side.id]));
        return Promise.resolve(routes.filter(({ routeTableId }) => routeTableIds.includes(routeTableId)));
      });
    }
    if (dnsResolutionBefore !== undefined && dnsResolutionBefore !== side.dnsResolution) {
      await this.setDns(side, dnsResolutionBefore);
    }
    await this.untag(side, [...tagKeysOfChanges(side), ...(this.source.tags.isOwn(side) ? Ec2Tags.keys : [])]);
  }

  /**
   * Removes the routes, DNS resolution and tags of a connection of this resource that GameLift keeps until the fleet is deleted.
   *
   * @throws Problem if the resource may have set something, and EC2 can't be read.
   */
  async removeConfiguration(gameLiftVpcId: string | undefined): Promise<void> {
    const { spec } = this.context;
    const sides = (await this.readSides()).filter((side) => side.requesterVpcId === gameLiftVpcId);
    if (sides.length > 0) {
      await this.changeRoutes((tables) => Promise.resolve(planRemoval(tables, new Set(sides.map(({ id }) => id)))));
    }
    for (const side of sides.filter(isAlive)) {
      if (side.dnsResolution && spec.dnsResolution) {
        await this.setDns(side, false);
      }
      if (this.source.tags.isOwn(side)) {
        await this.untag(side, Ec2Tags.keys);
      }
    }
  }

  /**
   * Removes the routes to deleted peering connections with the fleet, including routes that GameLift created.
   *
   * @param gameLiftVpcId the fleet's VPC, if it is known
   * @throws Problem if EC2 can't be read, or still shows the peering connection.
   */
  async removeRoutes(gameLiftVpcId: string | undefined): Promise<void> {
    const { spec, calls } = this.context;
    const isStillAlive = (side: Ec2Peering): boolean =>
      isAlive(side) &&
      (side.requesterVpcId === gameLiftVpcId ||
        (spec.adoptExisting ? this.isCreatedOrChanged(side) : this.source.tags.isOwn(side)));
    const view = await calls.readUntil(
      () => this.source.readEc2(),
      (found) => !peeringsIn(found).some(isStillAlive),
    );
    if (view.kind === 'unavailable' && spec.routes.kind !== 'None') {
      throw new Problem(
        `${CANNOT_READ_EC2}, so routes to the deleted connection may be left (${view.reason})`,
        `${ALLOW_DESCRIBE}, then delete again`,
      );
    }
    const aliveSide = peeringsIn(view).find(isStillAlive);
    if (aliveSide !== undefined) {
      throw new Problem(
        `GameLift says that the connection is gone, but EC2 shows ${aliveSide.id} in status ${aliveSide.status}, so the routes to it are left`,
        'delete again',
      );
    }
    const endedSides = peeringsIn(view).filter(
      (side) => !isAlive(side) && (side.requesterVpcId === gameLiftVpcId || this.source.tags.isOwn(side)),
    );
    if (endedSides.length > 0) {
      await this.changeRoutes((tables) => Promise.resolve(planRemoval(tables, new Set(endedSides.map(({ id }) => id)))));
    }
  }

  /**
   * Reads the peering connections of the peer VPC.
   *
   * @throws Problem if EC2 can't be read, although this resource may have set routes or DNS resolution.
   */
  private async readSides(): Promise<readonly Ec2Peering[]> {
    const view = await this.source.readEc2();
    if (view.kind === 'unavailable' && this.needsVpcAccess) {
      throw new Problem(
        `${CANNOT_READ_EC2}, so its routes and DNS resolution for the connection are left as they are (${view.reason})`,
        `${ALLOW_DESCRIBE}, then delete again`,
      );
    }
    return peeringsIn(view);
  }

  /** Whether routes or DNS resolution are declared. Both require access to EC2 in the account of the VPC. */
  private get needsVpcAccess(): boolean {
    const { routes, dnsResolution } = this.context.spec;
    return routes.kind !== 'None' || dnsResolution;
  }

  /** Use it only after `throwIfNoAccess`, or after EC2 has shown a peering connection. */
  private get vpcApi(): Ec2Api {
    const { vpcApi, spec } = this.context;
    if (vpcApi === undefined) {
      throw new Error(`the handler has no access to account ${spec.pair.peerVpcAccount}`);
    }
    return vpcApi;
  }

  /** Whether this resource created the connection of the fleet, or adopted and changed it. */
  private isCreatedOrChanged(side: Ec2Peering): boolean {
    return this.source.tags.isOwn(side) || fleetOfChanges(side) === this.context.spec.fleetId;
  }

  /** @throws Problem if routes or DNS resolution are declared: without the peering connection in EC2, the handler can't set them. */
  private throwIfRoutesOrDnsDeclared(gameLiftVpcId: string, view: Ec2View): void {
    if (!this.needsVpcAccess) {
      return;
    }
    throw view.kind === 'shown'
      ? new Problem(
          `EC2 shows no peering connection of VPC ${this.context.spec.pair.peerVpcId} with ${gameLiftVpcId}, so its routes and DNS ` +
            'resolution are not set',
          'deploy again',
        )
      : new Problem(
          `${CANNOT_READ_EC2}, so its routes and DNS resolution are not set (${view.reason})`,
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
        // IAM allows the handler to untag only peering connections that have this library's tags. After the tags are gone, IAM denies the call
        if (!isDenial(error) || (await this.hasTags(id, keys, signal))) {
          throw error;
        }
      }
    });
  }

  /**
   * Whether the peering connection still has one of the tags. Calls EC2 once, without retries: Lambda may run a delete a second time while
   * CloudFormation removes the permissions. With retries, that run would continue as soon as a later deployment restores the permissions.
   */
  private async hasTags(peeringId: string, keys: readonly string[], signal: AbortSignal): Promise<boolean> {
    let sides: readonly Ec2Peering[];
    try {
      sides = await this.vpcApi.describePeerings(this.context.spec.pair.peerVpcId, signal);
    } catch (error) {
      throw new Problem(
        `could not remove the tags of ${peeringId}, or find out whether they are gone (${problemOf(error).what})`,
        'delete again',
        { cause: error },
      );
    }
    return sides.some(({ id, tags }) => id === peeringId && keys.some((key) => key in tags));
  }

  /** Sets DNS resolution as declared. For an adopted connection, turns it off only if this library has turned it on. */
  private async configureDns(side: Ec2Peering, isStillAdopted: boolean, changes: AdoptedChanges | undefined): Promise<void> {
    const { dnsResolution } = this.context.spec;
    const mayChange = dnsResolution || !isStillAdopted || changes?.recordedChanges.dnsResolutionBefore !== undefined;
    if (side.dnsResolution !== dnsResolution && mayChange) {
      await changes?.record({ dnsResolutionBefore: side.dnsResolution, routeTableIds: [] });
      await this.setDns(side, dnsResolution);
    }
  }

  private async setDns({ id }: Ec2Peering, dnsResolution: boolean): Promise<void> {
    const { calls, spec } = this.context;
    try {
      await calls.make('ModifyVpcPeeringConnectionOptions', (signal) => this.vpcApi.setDnsResolution(id, dnsResolution, signal));
    } catch (error) {
      const { what, remedy } = problemOf(error);
      throw new Problem(
        `could not turn DNS resolution ${dnsResolution ? 'on' : 'off'} for ${id} (${what})`,
        // denials, server errors and problems have other causes than the DNS settings of the VPC
        isDenial(error) || hasUnknownEffect(error) || error instanceof Problem
          ? remedy
          : `enable DNS hostnames and DNS support for VPC ${spec.pair.peerVpcId}, or remove dnsResolution from the VpcPeeringConnection, then try again`,
        { cause: error },
      );
    }
  }

  private async configureRoutes(
    peering: { readonly id: string; readonly cidrBlock: string },
    previousRoutes: DeclaredRoutes | undefined,
    ownPeeringIds: ReadonlySet<string>,
    changes: AdoptedChanges | undefined,
  ): Promise<void> {
    const { routes } = this.context.spec;
    if (routes.kind === 'None' && previousRoutes === undefined) {
      return;
    }
    await this.changeRoutes(async (tables) => {
      const plannedChanges = planRoutes({ tables, declared: routes, previousRoutes, peering, ownPeeringIds });
      const routeTableIds = plannedChanges.filter(({ action }) => action !== 'delete').map(({ routeTableId }) => routeTableId);
      await changes?.record({ routeTableIds });
      // from an adopted connection, remove only the routes that this library created
      return plannedChanges.filter(
        ({ action, routeTableId }) => action !== 'delete' || (changes?.hasCreatedRoute(routeTableId) ?? true),
      );
    });
  }

  /** Plans changes and makes them. Repeats both if the route tables have changed since they were read. */
  private async changeRoutes(plan: (tables: readonly RouteTable[]) => Promise<readonly RouteChange[]>): Promise<void> {
    const { calls, spec } = this.context;
    const { peerVpcId } = spec.pair;
    for (let attempt = 1; ; attempt += 1) {
      const tables = await calls.make('DescribeRouteTables', (signal) => this.vpcApi.describeRouteTables(peerVpcId, signal));
      try {
        await applyRoutes(await plan(tables), this.vpcApi, calls);
        return;
      } catch (error) {
        const { name } = readError(error);
        const isOutdated = error instanceof RouteConflictProblem || OUTDATED_PLAN_ERRORS.has(name);
        if (!isOutdated || attempt === ROUTE_ATTEMPTS) {
          throw error;
        }
        // if a route to delete is already gone, plan again at once. If that plan fails in the same way, the read was late: wait
        if (name !== 'InvalidRoute.NotFound' || attempt > 1) {
          await calls.sleep(ROUTE_PAUSE_MILLISECONDS);
        }
      }
    }
  }
}

import type { Ec2Api, RouteTable } from '../aws/api';
import type { Calls } from '../aws/calls';
import { readError } from '../aws/errors';
import type { DeclaredRoutes } from '../model/connection';
import { Problem } from '../problem';

/*
 * Routes from the peer VPC to the fleet's VPC. All changes are planned first, so that a conflict is reported before anything is changed.
 */

type RouteApi = Pick<Ec2Api, 'createRoute' | 'replaceRoute' | 'deleteRoute'>;

export type RouteChange =
  | {
      readonly action: 'create' | 'replace';
      readonly routeTableId: string;
      readonly cidrBlock: string;
      readonly peeringId: string;
    }
  | { readonly action: 'delete'; readonly routeTableId: string; readonly cidrBlock: string };

export interface PlanRoutesOptions {
  readonly tables: readonly RouteTable[];
  /** The routes that the resource declares now. */
  readonly declared: DeclaredRoutes;
  /** The routes that were declared before, if this is an update. A route that is no longer declared is deleted. */
  readonly previousRoutes: DeclaredRoutes | undefined;
  readonly peering: { readonly id: string; readonly cidrBlock: string };
  /** Other peering connections that this resource created. Routes to them may be replaced. */
  readonly ownPeeringIds: ReadonlySet<string>;
}

/** The declared routes conflict with the route tables, which may have changed since they were read. */
export class RouteConflictProblem extends Problem {}

/** The ids of the route tables that need a route according to the declaration. */
function declaredTableIds(declared: DeclaredRoutes, tables: readonly RouteTable[]): readonly string[] {
  switch (declared.kind) {
    case 'None':
      return [];
    case 'RouteTables':
      return [...new Set(declared.routeTableIds)];
    case 'EveryRouteTable':
      return tables.filter(({ gatewayId }) => gatewayId === undefined).map(({ id }) => id);
  }
}

/**
 * Plans the changes after which every declared route table has a route to the peering connection.
 *
 * @throws RouteConflictProblem if a declared route table does not exist, or already routes the CIDR block to another target that exists.
 * @throws Problem if a declared route table belongs to a gateway.
 */
export function planRoutes({
  tables,
  declared,
  previousRoutes,
  peering,
  ownPeeringIds,
}: PlanRoutesOptions): readonly RouteChange[] {
  const { id: peeringId, cidrBlock } = peering;
  const tableIds = declaredTableIds(declared, tables);
  const changes = tableIds.flatMap((routeTableId): RouteChange[] => {
    const table = tables.find(({ id }) => id === routeTableId);
    if (table === undefined) {
      throw new RouteConflictProblem(
        `the VPC has no route table ${routeTableId}`,
        'correct the routes of the VpcPeeringConnection, then deploy again',
      );
    }
    if (table.gatewayId !== undefined) {
      throw new Problem(
        `route table ${routeTableId} belongs to gateway ${table.gatewayId}, and EC2 allows no route to a peering connection in such a table`,
        'leave the table out with PeeringRoutes.forSubnets, then deploy again',
      );
    }
    const route = table.routes.find((candidate) => candidate.cidrBlock === cidrBlock);
    if (route === undefined) {
      return [{ action: 'create', routeTableId, cidrBlock, peeringId }];
    }
    if (route.target === peeringId) {
      return [];
    }
    if (route.blackhole || ownPeeringIds.has(route.target)) {
      return [{ action: 'replace', routeTableId, cidrBlock, peeringId }];
    }
    throw new RouteConflictProblem(
      `route table ${routeTableId} has a route for ${cidrBlock} to ${route.target}, but the fleet's VPC needs one to ${peeringId}`,
      'remove that route, or leave the table out with PeeringRoutes.forSubnets, then deploy again',
    );
  });
  const undeclaredTableIds = (previousRoutes === undefined ? [] : declaredTableIds(previousRoutes, tables)).filter(
    (id) => !tableIds.includes(id),
  );
  return [
    ...changes,
    ...tables
      .filter(({ id }) => undeclaredTableIds.includes(id))
      .filter(({ routes }) => routes.some((route) => route.target === peeringId && route.cidrBlock === cidrBlock))
      .map(({ id }): RouteChange => ({ action: 'delete', routeTableId: id, cidrBlock })),
  ];
}

/** Plans the deletion of every route to one of the peering connections, including routes that GameLift created. */
export function planRemoval(tables: readonly RouteTable[], peeringIds: ReadonlySet<string>): readonly RouteChange[] {
  return tables.flatMap(({ id, routes }) =>
    routes
      .filter(({ target }) => peeringIds.has(target))
      .map(({ cidrBlock }): RouteChange => ({ action: 'delete', routeTableId: id, cidrBlock })),
  );
}

/** EC2's errors if the route to replace does not exist. */
const NO_ROUTE_ERRORS: ReadonlySet<string> = new Set(['InvalidRoute.NotFound', 'InvalidParameterValue']);

/**
 * Makes the changes. If a route to replace no longer exists, creates it.
 *
 * @throws the error of EC2. For example, the route tables may have changed since the changes were planned.
 */
export async function applyRoutes(changes: readonly RouteChange[], api: RouteApi, calls: Calls): Promise<void> {
  for (const change of changes) {
    const { routeTableId, cidrBlock } = change;
    if (change.action === 'delete') {
      await calls.make('DeleteRoute', (signal) => api.deleteRoute(routeTableId, cidrBlock, signal));
      continue;
    }
    const { action, peeringId } = change;
    const create = (): Promise<void> =>
      calls.make('CreateRoute', (signal) => api.createRoute(routeTableId, cidrBlock, peeringId, signal));
    if (action === 'create') {
      await create();
      continue;
    }
    try {
      await calls.make('ReplaceRoute', (signal) => api.replaceRoute(routeTableId, cidrBlock, peeringId, signal));
    } catch (error) {
      if (!NO_ROUTE_ERRORS.has(readError(error).name)) {
        throw error;
      }
      await create();
    }
  }
}

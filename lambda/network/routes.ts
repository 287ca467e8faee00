import type { Ec2Api, RouteTable } from '../aws/api';
import type { Calls } from '../aws/calls';
import { readError } from '../aws/errors';
import type { DeclaredRoutes } from '../model/connection';
import { Problem } from '../problem';

/*
 * Routes from the peer VPC to the fleet's VPC. All changes are planned first, so that a conflict is found before anything is changed.
 */

type RouteApi = Pick<Ec2Api, 'createRoute' | 'replaceRoute' | 'deleteRoute'>;

export interface RouteChange {
  readonly action: 'create' | 'replace' | 'delete';
  readonly routeTableId: string;
  readonly cidrBlock: string;
}

/** The declared routes conflict with the route tables, which may have changed since they were read. */
export class RouteConflictProblem extends Problem {}

/** The route tables that have a route according to the declaration. */
function declaredTables(declared: DeclaredRoutes, tables: readonly RouteTable[]): readonly string[] {
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
 * The changes after which every declared route table has a route to the peering connection.
 *
 * @param formerRoutes the previous declaration: route tables that are no longer declared lose their route
 * @param ownIds other peering connections that this resource created: their routes may be replaced
 * @throws RouteConflictProblem if a declared route table does not exist, or its route leads to another target that exists.
 * @throws Problem if a declared route table belongs to a gateway.
 */
export function planRoutes(
  tables: readonly RouteTable[],
  declared: DeclaredRoutes,
  formerRoutes: DeclaredRoutes | undefined,
  peering: { readonly id: string; readonly cidrBlock: string },
  ownIds: ReadonlySet<string>,
): readonly RouteChange[] {
  const { cidrBlock } = peering;
  const wanted = declaredTables(declared, tables);
  const changes = wanted.flatMap((routeTableId): RouteChange[] => {
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
      return [{ action: 'create', routeTableId, cidrBlock }];
    }
    if (route.target === peering.id) {
      return [];
    }
    if (route.blackhole || ownIds.has(route.target)) {
      return [{ action: 'replace', routeTableId, cidrBlock }];
    }
    throw new RouteConflictProblem(
      `route table ${routeTableId} has a route for ${cidrBlock} to ${route.target}, where the fleet's VPC needs one to ${peering.id}`,
      'remove that route, or leave the table out with PeeringRoutes.forSubnets, then deploy again',
    );
  });
  const dropped = (formerRoutes === undefined ? [] : declaredTables(formerRoutes, tables)).filter((id) => !wanted.includes(id));
  return [
    ...changes,
    ...dropped
      .filter((id) => tables.find((table) => table.id === id)?.routes.some((route) => route.target === peering.id))
      .map((routeTableId): RouteChange => ({ action: 'delete', routeTableId, cidrBlock })),
  ];
}

/** Deletes every route to one of the peering connections, no matter who created the route. */
export function planRemoval(tables: readonly RouteTable[], peerings: ReadonlySet<string>): readonly RouteChange[] {
  return tables.flatMap(({ id, routes }) =>
    routes
      .filter(({ target }) => peerings.has(target))
      .map(({ cidrBlock }): RouteChange => ({ action: 'delete', routeTableId: id, cidrBlock })),
  );
}

/** The errors with which EC2 says that there is no route to replace. */
const NO_ROUTE: ReadonlySet<string> = new Set(['InvalidRoute.NotFound', 'InvalidParameterValue']);

/**
 * Makes the changes. Creates a route that should be replaced but no longer exists.
 *
 * @throws the error of EC2. For example, the route tables may have changed since the changes were planned.
 */
export async function applyRoutes(
  changes: readonly RouteChange[],
  peeringId: string,
  api: RouteApi,
  calls: Calls,
): Promise<void> {
  const create = ({ routeTableId, cidrBlock }: RouteChange): Promise<void> =>
    calls.make('CreateRoute', (signal) => api.createRoute(routeTableId, cidrBlock, peeringId, signal));
  for (const change of changes) {
    const { action, routeTableId, cidrBlock } = change;
    switch (action) {
      case 'create':
        await create(change);
        break;
      case 'replace':
        try {
          await calls.make('ReplaceRoute', (signal) => api.replaceRoute(routeTableId, cidrBlock, peeringId, signal));
        } catch (error) {
          if (!NO_ROUTE.has(readError(error).name)) {
            throw error;
          }
          await create(change);
        }
        break;
      case 'delete':
        await calls.make('DeleteRoute', (signal) => api.deleteRoute(routeTableId, cidrBlock, signal));
        break;
    }
  }
}

import { rehearsedTime } from 'rehearsal/in-process';
import type { RouteTable } from '../../lambda/aws/api';
import { Calls } from '../../lambda/aws/calls';
import type { DeclaredRoutes } from '../../lambda/model/connection';
import { applyRoutes, planRoutes } from '../../lambda/network/routes';
import type { RouteChange } from '../../lambda/network/routes';
import { awsError, recordingLog } from './world';

/*
 * Tests how the handler plans and changes routes to a peering connection, and how it handles EC2's errors.
 */

const PEERING = { id: 'pcx-1', cidrBlock: '172.16.0.0/24' };
const VPC_TABLE: RouteTable = { id: 'rtb-1', routes: [] };
const GATEWAY_TABLE: RouteTable = { id: 'rtb-2', gatewayId: 'igw-1', routes: [] };

const plan = (declared: DeclaredRoutes): readonly RouteChange[] =>
  planRoutes({
    tables: [VPC_TABLE, GATEWAY_TABLE],
    declared,
    previousRoutes: undefined,
    peering: PEERING,
    ownPeeringIds: new Set(),
  });

describe('the route table of a gateway', () => {
  test('gets no route if every route table is declared', () => {
    const declared = { kind: 'EveryRouteTable', routeTableIds: [] } as const;
    expect(plan(declared)).toEqual([
      { action: 'create', routeTableId: VPC_TABLE.id, cidrBlock: PEERING.cidrBlock, peeringId: PEERING.id },
    ]);
  });

  test('is an error if it is declared by its id', () => {
    const declared = { kind: 'RouteTables', routeTableIds: [VPC_TABLE.id, GATEWAY_TABLE.id] } as const;
    expect(() => plan(declared)).toThrow(
      'route table rtb-2 belongs to gateway igw-1, and EC2 allows no route to a peering connection in such a table. ' +
        'Leave the table out with PeeringRoutes.forSubnets, then deploy again',
    );
  });
});

describe('a route table that is no longer declared', () => {
  const planWith = (...routes: { readonly cidrBlock: string; readonly target: string }[]): readonly RouteChange[] =>
    planRoutes({
      tables: [{ ...VPC_TABLE, routes: routes.map((route) => ({ ...route, blackhole: false })) }],
      declared: { kind: 'None', routeTableIds: [] },
      previousRoutes: { kind: 'RouteTables', routeTableIds: [VPC_TABLE.id] },
      peering: PEERING,
      ownPeeringIds: new Set(),
    });

  test('loses its route to the connection', () => {
    expect(planWith({ cidrBlock: PEERING.cidrBlock, target: PEERING.id })).toEqual([
      { action: 'delete', routeTableId: VPC_TABLE.id, cidrBlock: PEERING.cidrBlock },
    ]);
  });

  test("keeps a route of the user to a part of the fleet's CIDR block, and another route for the block", () => {
    expect(
      planWith({ cidrBlock: '172.16.0.0/25', target: PEERING.id }, { cidrBlock: PEERING.cidrBlock, target: 'tgw-1' }),
    ).toEqual([]);
  });
});

type RouteApi = Parameters<typeof applyRoutes>[1];

/** Makes one change to a route. EC2 returns the given errors. Returns the names of the calls. */
async function changeRoute(
  action: 'create' | 'replace' | 'delete',
  errors: Partial<Record<keyof RouteApi, string>>,
): Promise<string[]> {
  const callNames: string[] = [];
  const respond = (call: keyof RouteApi): Promise<void> => {
    callNames.push(call);
    const name = errors[call];
    return name === undefined ? Promise.resolve() : Promise.reject(awsError(name));
  };
  const api: RouteApi = {
    createRoute: () => respond('createRoute'),
    replaceRoute: () => respond('replaceRoute'),
    deleteRoute: () => respond('deleteRoute'),
  };
  const log = recordingLog();
  const calls = new Calls(rehearsedTime(), log, new AbortController().signal);
  const change = { routeTableId: VPC_TABLE.id, cidrBlock: PEERING.cidrBlock };
  await applyRoutes([action === 'delete' ? { ...change, action } : { ...change, action, peeringId: PEERING.id }], api, calls);
  return callNames;
}

test.each(['InvalidParameterValue', 'InvalidRoute.NotFound'])(
  'creates a route if replacing the route fails with %s',
  async (name) => {
    expect(await changeRoute('replace', { replaceRoute: name })).toEqual(['replaceRoute', 'createRoute']);
  },
);

test.each([
  ['create', {}],
  ['replace', { replaceRoute: 'InvalidParameterValue' }],
] as const)('a change that should %s a route fails if CreateRoute returns InvalidParameterValue', async (action, errors) => {
  await expect(changeRoute(action, { ...errors, createRoute: 'InvalidParameterValue' })).rejects.toThrow('InvalidParameterValue');
});

test.each(['replace', 'delete'] as const)('a change that should %s a route fails if EC2 denies the call', async (action) => {
  await expect(changeRoute(action, { [`${action}Route`]: 'UnauthorizedOperation' })).rejects.toThrow('UnauthorizedOperation');
});

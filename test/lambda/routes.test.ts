import { rehearsedTime } from 'rehearsal/in-process';
import type { RouteTable } from '../../lambda/aws/api';
import { Calls } from '../../lambda/aws/calls';
import type { DeclaredRoutes } from '../../lambda/model/connection';
import { applyRoutes, planRoutes } from '../../lambda/network/routes';
import type { RouteChange } from '../../lambda/network/routes';
import { awsError, recordingLog } from './world';

/*
 * Plans routes to a peering connection, and handles EC2's errors.
 */

const PEERING = { id: 'pcx-1', cidrBlock: '172.16.0.0/24' };
const MAIN: RouteTable = { id: 'rtb-1', routes: [] };
const GATEWAY: RouteTable = { id: 'rtb-2', gatewayId: 'igw-1', routes: [] };

const plan = (declared: DeclaredRoutes): readonly RouteChange[] =>
  planRoutes({ tables: [MAIN, GATEWAY], declared, previousRoutes: undefined, peering: PEERING, ownPeeringIds: new Set() });

describe('the route table of a gateway', () => {
  test('gets no route if every route table is declared', () => {
    const declared = { kind: 'EveryRouteTable', routeTableIds: [] } as const;
    expect(plan(declared)).toEqual([
      { action: 'create', routeTableId: MAIN.id, cidrBlock: PEERING.cidrBlock, peeringId: PEERING.id },
    ]);
  });

  test('is an error if it is declared by its id', () => {
    const declared = { kind: 'RouteTables', routeTableIds: [MAIN.id, GATEWAY.id] } as const;
    expect(() => plan(declared)).toThrow(
      'route table rtb-2 belongs to gateway igw-1, and EC2 allows no route to a peering connection in such a table. ' +
        'Leave the table out with PeeringRoutes.forSubnets, then deploy again',
    );
  });
});

type RouteApi = Parameters<typeof applyRoutes>[1];

/** Makes one change while EC2 fails the given calls. Returns the names of the calls. */
async function apply(
  action: 'create' | 'replace' | 'delete',
  errors: Partial<Record<keyof RouteApi, string>>,
): Promise<string[]> {
  const called: string[] = [];
  const respond = (call: keyof RouteApi): Promise<void> => {
    called.push(call);
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
  const change = { routeTableId: MAIN.id, cidrBlock: PEERING.cidrBlock };
  await applyRoutes([action === 'delete' ? { ...change, action } : { ...change, action, peeringId: PEERING.id }], api, calls);
  return called;
}

test.each(['InvalidParameterValue', 'InvalidRoute.NotFound'])('creates the route if replacing it fails with %s', async (name) => {
  expect(await apply('replace', { replaceRoute: name })).toEqual(['replaceRoute', 'createRoute']);
});

test.each([
  ['create', {}],
  ['replace', { replaceRoute: 'InvalidParameterValue' }],
] as const)('fails if EC2 rejects a parameter of a call to %s a route', async (action, errors) => {
  await expect(apply(action, { ...errors, createRoute: 'InvalidParameterValue' })).rejects.toThrow('InvalidParameterValue');
});

test.each(['replace', 'delete'] as const)('fails if EC2 denies the call to %s a route', async (action) => {
  await expect(apply(action, { [`${action}Route`]: 'UnauthorizedOperation' })).rejects.toThrow('UnauthorizedOperation');
});

import { rehearsedTime } from 'rehearsal/in-process';
import type { RouteTable } from '../../lambda/aws/api';
import { Calls } from '../../lambda/aws/calls';
import { applyRoutes, planRoutes } from '../../lambda/network/routes';
import { awsError, recordingLog } from './world';

/*
 * Routes to a peering connection: the plan, and the handling of EC2's errors.
 */

const PEERING = { id: 'pcx-1', cidrBlock: '172.16.0.0/24' };
const MAIN: RouteTable = { id: 'rtb-1', routes: [] };
const GATEWAY: RouteTable = { id: 'rtb-2', gatewayId: 'igw-1', routes: [] };

describe('the route table of a gateway', () => {
  test('gets no route if every route table is declared', () => {
    const declared = { kind: 'EveryRouteTable', routeTableIds: [] } as const;
    expect(planRoutes([MAIN, GATEWAY], declared, undefined, PEERING, new Set())).toEqual([
      { action: 'create', routeTableId: MAIN.id, cidrBlock: PEERING.cidrBlock },
    ]);
  });

  test('is an error if it is declared by its id', () => {
    const declared = { kind: 'RouteTables', routeTableIds: [MAIN.id, GATEWAY.id] } as const;
    expect(() => planRoutes([MAIN, GATEWAY], declared, undefined, PEERING, new Set())).toThrow(
      'route table rtb-2 belongs to gateway igw-1, and EC2 allows no route to a peering connection in such a table. ' +
        'Leave the table out with PeeringRoutes.forSubnets, then deploy again',
    );
  });
});

type RouteApi = Parameters<typeof applyRoutes>[2];

/** Makes one change while EC2 responds to the given calls with errors. Returns the calls. */
async function apply(
  action: 'create' | 'replace' | 'delete',
  errors: Partial<Record<keyof RouteApi, string>>,
): Promise<string[]> {
  const called: string[] = [];
  const answer = (call: keyof RouteApi): Promise<void> => {
    called.push(call);
    const name = errors[call];
    return name === undefined ? Promise.resolve() : Promise.reject(awsError(name));
  };
  const api: RouteApi = {
    createRoute: () => answer('createRoute'),
    replaceRoute: () => answer('replaceRoute'),
    deleteRoute: () => answer('deleteRoute'),
  };
  const log = recordingLog();
  const calls = new Calls(rehearsedTime(), log, new AbortController().signal);
  await applyRoutes([{ action, routeTableId: MAIN.id, cidrBlock: PEERING.cidrBlock }], PEERING.id, api, calls);
  return called;
}

test.each(['InvalidParameterValue', 'InvalidRoute.NotFound'])(
  'creates a route that should be replaced but is gone: %s',
  async (name) => {
    expect(await apply('replace', { replaceRoute: name })).toEqual(['replaceRoute', 'createRoute']);
  },
);

test.each([
  ['create', {}],
  ['replace', { replaceRoute: 'InvalidParameterValue' }],
] as const)('fails if EC2 rejects a parameter: %s', async (action, errors) => {
  await expect(apply(action, { ...errors, createRoute: 'InvalidParameterValue' })).rejects.toThrow('InvalidParameterValue');
});

test.each(['replace', 'delete'] as const)('fails if EC2 denies the call: %s', async (action) => {
  await expect(apply(action, { [`${action}Route`]: 'UnauthorizedOperation' })).rejects.toThrow('UnauthorizedOperation');
});

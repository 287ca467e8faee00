import { Calls } from '../../lambda/aws/calls';
import { applyRoutes, planRoutes } from '../../lambda/network/routes';
import type { RouteTable } from '../../lambda/aws/api';
import { VirtualTime } from './virtual-time';
import { awsError, recordingLog } from './world';

/*
 * Routes to a peering: which are planned, and what errors of EC2 mean.
 */

const PEERING = { id: 'pcx-1', cidrBlock: '172.16.0.0/24' };
const MAIN: RouteTable = { id: 'rtb-1', routes: [] };
const GATEWAY: RouteTable = { id: 'rtb-2', gatewayId: 'igw-1', routes: [] };

describe('a table that belongs to a gateway', () => {
  test('gets no route where every table gets one', () => {
    const declared = { kind: 'EveryRouteTable', routeTableIds: [] } as const;
    expect(planRoutes([MAIN, GATEWAY], declared, undefined, PEERING, new Set())).toEqual([
      { action: 'create', routeTableId: MAIN.id, cidrBlock: PEERING.cidrBlock },
    ]);
  });

  test('is refused where it is named', () => {
    const declared = { kind: 'RouteTables', routeTableIds: [MAIN.id, GATEWAY.id] } as const;
    expect(() => planRoutes([MAIN, GATEWAY], declared, undefined, PEERING, new Set())).toThrow(
      'route table rtb-2 belongs to gateway igw-1, and EC2 allows no route to a peering connection in such a table. ' +
        'Leave the table out with PeeringRoutes.forSubnets, then deploy again',
    );
  });
});

type RouteApi = Parameters<typeof applyRoutes>[2];

/** Makes one change where EC2 answers these calls with errors; gives what was called. */
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
  const calls = new Calls(new VirtualTime(), log, new AbortController().signal);
  await applyRoutes([{ action, routeTableId: MAIN.id, cidrBlock: PEERING.cidrBlock }], PEERING.id, api, calls);
  return called;
}

test.each(['InvalidParameterValue', 'InvalidRoute.NotFound'])(
  'a route that is gone when it is to be replaced is created: %s',
  async (name) => {
    expect(await apply('replace', { replaceRoute: name })).toEqual(['replaceRoute', 'createRoute']);
  },
);

test.each([
  ['create', {}],
  ['replace', { replaceRoute: 'InvalidParameterValue' }],
] as const)('a parameter that EC2 refuses is an error: %s', async (action, errors) => {
  await expect(apply(action, { ...errors, createRoute: 'InvalidParameterValue' })).rejects.toThrow('InvalidParameterValue');
});

test.each(['replace', 'delete'] as const)('a denial is an error: %s', async (action) => {
  await expect(apply(action, { [`${action}Route`]: 'UnauthorizedOperation' })).rejects.toThrow('UnauthorizedOperation');
});

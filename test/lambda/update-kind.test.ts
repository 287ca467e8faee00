import type { PhysicalIdState } from '../../lambda/cloudformation/physical-id';
import type { ConnectionSpec } from '../../lambda/model/connection';
import { kindOfUpdate } from '../../lambda/resources/connection';
import type { UpdateKind } from '../../lambda/resources/connection';
import { GAMELIFT_ACCOUNT, VPC, VPC_ACCOUNT } from './world';

const PAIR = { peerVpcId: VPC, peerVpcAccount: VPC_ACCOUNT, gameLiftAccount: GAMELIFT_ACCOUNT, peerRole: undefined };
const EVERY_ROUTE_TABLE = { kind: 'EveryRouteTable', routeTableIds: [] } as const;
const NO_ROUTES = { kind: 'None', routeTableIds: [] } as const;
const CREATED: PhysicalIdState = { kind: 'created' };
const UNFINISHED: PhysicalIdState = { kind: 'unfinished', requestId: 'request-1' };
const UNKNOWN: PhysicalIdState = { kind: 'unknown' };
const NOTHING_DONE: PhysicalIdState = { kind: 'nothing done' };

function spec(change: Partial<ConnectionSpec> = {}): ConnectionSpec {
  return {
    fleetId: 'fleet-1',
    pair: PAIR,
    timeoutSeconds: 600,
    routes: EVERY_ROUTE_TABLE,
    dnsResolution: false,
    adoptExisting: false,
    peerOnCreate: false,
    ...change,
  };
}

const specOfOtherFleet = spec({ fleetId: 'fleet-2' });
const specOfOtherVpc = spec({ pair: { ...PAIR, peerVpcId: 'vpc-00000000000000002' } });
const changedKind = (previousRoutes = EVERY_ROUTE_TABLE as ConnectionSpec['routes']): UpdateKind => ({
  kind: 'changed',
  previousRoutes,
});
const DIFFERENT_CONNECTION: UpdateKind = { kind: 'different connection' };

test.each<
  readonly [title: string, previous: ConnectionSpec | undefined, previousState: PhysicalIdState | undefined, kind: UpdateKind]
>([
  ['no property has changed', spec(), CREATED, { kind: 'unchanged', previousRoutes: EVERY_ROUTE_TABLE }],
  ['a property has changed', spec({ dnsResolution: true }), CREATED, changedKind()],
  ['the routes have changed', spec({ routes: NO_ROUTES }), CREATED, changedKind(NO_ROUTES)],
  [
    'the peer role has changed',
    spec({ pair: { ...PAIR, peerRole: { arn: 'arn', externalId: undefined } } }),
    CREATED,
    changedKind(),
  ],
  ['the previous properties cannot be read', undefined, undefined, changedKind()],
  ['the fleet has changed', specOfOtherFleet, CREATED, DIFFERENT_CONNECTION],
  ['the VPC has changed', specOfOtherVpc, CREATED, DIFFERENT_CONNECTION],
  ['the fleet has changed, after a create that failed midway', specOfOtherFleet, UNFINISHED, DIFFERENT_CONNECTION],
  [
    'the fleet changes back, because the update to the previous fleet failed before the physical id contained that fleet',
    specOfOtherFleet,
    UNKNOWN,
    { kind: 'rollback to different connection', previous: specOfOtherFleet },
  ],
  [
    'the VPC changes back, because the update to the previous VPC failed before the physical id contained that VPC',
    specOfOtherVpc,
    UNKNOWN,
    { kind: 'rollback to different connection', previous: specOfOtherVpc },
  ],
  [
    'the fleet has changed, after a create that did nothing',
    specOfOtherFleet,
    NOTHING_DONE,
    { kind: 'rollback to different connection', previous: specOfOtherFleet },
  ],
])('kindOfUpdate recognizes an update in which %s', (_, previous, previousState, kind) => {
  expect(kindOfUpdate(previous, spec(), previousState)).toEqual(kind);
});

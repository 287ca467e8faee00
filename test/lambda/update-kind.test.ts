import type { PhysicalIdState } from '../../lambda/cloudformation/physical-id';
import type { ConnectionSpec } from '../../lambda/model/connection';
import { kindOfUpdate } from '../../lambda/resources/connection';
import type { UpdateKind } from '../../lambda/resources/connection';
import { GAMELIFT_ACCOUNT, VPC, VPC_ACCOUNT } from './world';

const PAIR = { peerVpcId: VPC, peerVpcAccount: VPC_ACCOUNT, gameLiftAccount: GAMELIFT_ACCOUNT, peerRole: undefined };
const EVERY = { kind: 'EveryRouteTable', routeTableIds: [] } as const;
const NONE = { kind: 'None', routeTableIds: [] } as const;
const CREATED: PhysicalIdState = { kind: 'created' };
const UNFINISHED: PhysicalIdState = { kind: 'unfinished', requestId: 'request-1' };
const UNKNOWN: PhysicalIdState = { kind: 'unknown' };
const NOTHING_DONE: PhysicalIdState = { kind: 'nothing done' };

function spec(change: Partial<ConnectionSpec> = {}): ConnectionSpec {
  return {
    fleetId: 'fleet-1',
    pair: PAIR,
    timeoutSeconds: 600,
    routes: EVERY,
    dnsResolution: false,
    adoptExisting: false,
    peerOnCreate: false,
    ...change,
  };
}

const otherFleet = spec({ fleetId: 'fleet-2' });
const otherVpc = spec({ pair: { ...PAIR, peerVpcId: 'vpc-00000000000000002' } });
const changed = (previousRoutes = EVERY as ConnectionSpec['routes']): UpdateKind => ({ kind: 'changed', previousRoutes });
const DIFFERENT: UpdateKind = { kind: 'different connection' };

test.each<readonly [string, ConnectionSpec | undefined, PhysicalIdState | undefined, UpdateKind]>([
  ['no relevant property has changed', spec(), CREATED, { kind: 'unchanged', previousRoutes: EVERY }],
  ['a property has changed', spec({ dnsResolution: true }), CREATED, changed()],
  ['the routes have changed', spec({ routes: NONE }), CREATED, changed(NONE)],
  ['the peer role has changed', spec({ pair: { ...PAIR, peerRole: { arn: 'arn', externalId: undefined } } }), CREATED, changed()],
  ['the previous properties are unreadable', undefined, undefined, changed()],
  ['the fleet has changed', otherFleet, CREATED, DIFFERENT],
  ['the VPC has changed', otherVpc, CREATED, DIFFERENT],
  ['the previous connection was never completed', otherFleet, UNFINISHED, DIFFERENT],
  [
    'CloudFormation does not know the previous fleet',
    otherFleet,
    UNKNOWN,
    { kind: 'rollback to different connection', previous: otherFleet },
  ],
  [
    'CloudFormation does not know the previous VPC',
    otherVpc,
    UNKNOWN,
    { kind: 'rollback to different connection', previous: otherVpc },
  ],
  ['nothing was done before', otherFleet, NOTHING_DONE, { kind: 'rollback to different connection', previous: otherFleet }],
])('the kind of an update if %s', (_, previous, previousState, kind) => {
  expect(kindOfUpdate(previous, spec(), previousState)).toEqual(kind);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BEHAVIOURS } from 'rehearsal/aws';
import type { BehaviourName, Reading } from 'rehearsal/aws';
import type { AuthorizationRecord, AwsApi, ConnectionRecord, Ec2Peering } from '../../lambda/aws/api';
import { observedReadings } from '../../lambda/aws/open-questions';
import type { RecordedCall } from '../../lambda/aws/recorder';
import { GAMELIFT_ACCOUNT, HOUR, VPC, VPC_ACCOUNT } from './world';

/*
 * Which reading each rule derives from the calls of a request, and when it must derive none: others act at the same time, reads are
 * late, HTTP responses are lost, or an error has another cause.
 */

const NOW = Date.UTC(2026, 0, 1);
const FLEET = 'fleet-1';
const FLEET_VPC = 'vpc-0aaaaaaaaaaaaaaa0';
const PAIR = { GameLiftAwsAccountId: GAMELIFT_ACCOUNT, PeerVpcId: VPC };
const REQUEST = { FleetId: FLEET, PeerVpcAwsAccountId: VPC_ACCOUNT, PeerVpcId: VPC };

type Operation = keyof AwsApi;
type Input<Name extends Operation> = RecordedCall<Name>['input'];
type Output<Name extends Operation> = Awaited<ReturnType<AwsApi[Name]>>;

/** Builds calls of one operation. Each begins after the given seconds, and takes a tenth of a second. */
function callsOf<Name extends Operation>(
  operation: Name,
  ...input: Input<Name>
): {
  returns: (seconds: number, output: Output<Name>) => RecordedCall<Name>;
  fails: (seconds: number, name: string, message: string) => RecordedCall<Name>;
} {
  const at = (seconds: number): Pick<RecordedCall<Name>, 'operation' | 'input' | 'startedAt' | 'endedAt'> => ({
    operation,
    input,
    startedAt: NOW + seconds * 1000,
    endedAt: NOW + seconds * 1000 + 100,
  });
  return {
    returns: (seconds, output) => ({ ...at(seconds), outcome: { kind: 'succeeded', output } }),
    fails: (seconds, name, message) => ({ ...at(seconds), outcome: { kind: 'failed', name, message } }),
  };
}

const authorize = callsOf('createVpcPeeringAuthorization', PAIR);
const cancel = callsOf('deleteVpcPeeringAuthorization', PAIR);
const listAuthorizations = callsOf('describeVpcPeeringAuthorizations');
const connect = callsOf('createVpcPeeringConnection', REQUEST);
const disconnect = callsOf('deleteVpcPeeringConnection', { FleetId: FLEET, VpcPeeringConnectionId: 'pcx-1' });
const list = callsOf('describeVpcPeeringConnections', FLEET);
const listAll = callsOf('describeVpcPeeringConnections', undefined);
const showPeerings = callsOf('describePeerings', VPC);
const describeFleet = callsOf('describeFleet', FLEET);
const describeEvents = callsOf('describeFleetEvents', FLEET, new Date(NOW));
const vpcExists = callsOf('vpcExists', VPC);

/** An authorization. Both times are in hours from now. */
const authorization = (created: number, expires: number): AuthorizationRecord => ({
  ...PAIR,
  PeerVpcAwsAccountId: VPC_ACCOUNT,
  CreationTime: new Date(NOW + created * HOUR),
  ExpirationTime: new Date(NOW + expires * HOUR),
});
const NEW = authorization(0, 24);

const listed = (status: string, change: Partial<ConnectionRecord> = {}): ConnectionRecord => ({
  VpcPeeringConnectionId: 'pcx-1',
  PeerVpcId: VPC,
  GameLiftVpcId: FLEET_VPC,
  IpV4CidrBlock: '10.192.0.0/20',
  Status: { Code: status },
  ...change,
});

const side = (status: string, change: Partial<Ec2Peering> = {}): Ec2Peering => ({
  id: 'pcx-1',
  status,
  message: '',
  requesterVpcId: FLEET_VPC,
  requesterAccount: '999999999999',
  cidrBlock: '10.192.0.0/20',
  dnsResolution: false,
  tags: {},
  ...change,
});

const NO_AUTHORIZATION = 'There is no valid authorization';
const IS_AUTHORIZED = 'There is a valid authorization already';
const NO_PERMISSION = 'The authorization failed: the caller may not perform ec2:AcceptVpcPeeringConnection';
const EXISTS = 'The fleet is peered with the VPC already';
const UNSPECIFIC = 'The request is invalid';

type Case<Name extends BehaviourName> = readonly [title: string, reading: Reading<Name> | 'none', calls: readonly RecordedCall[]];

/** The questions and readings for which there is a case. */
const covered: string[] = [];

/** Runs one test for each case of a question: checks the reading that the calls show, or that they show none. */
function testCases<Name extends BehaviourName>(question: Name, cases: readonly Case<Name>[]): void {
  covered.push(...cases.filter(([, reading]) => reading !== 'none').map(([, reading]) => `${question}: ${reading}`));
  describe(question, () => {
    test.each(cases)('%s: %s', (_, reading, calls) => {
      const observed = observedReadings(calls).filter((observation) => observation.question === question);
      expect(observed).toEqual(reading === 'none' ? [] : [{ question, reading }]);
    });
  });
}

test('derives nothing if nothing was called', () => {
  expect(observedReadings([])).toEqual([]);
});

testCases('authorizingAgain', [
  ['accepted, with a day left', 'none', [authorize.returns(0, NEW)]],
  ['accepted, with ten hours left', 'keeps expiry', [authorize.returns(0, authorization(-14, 10))]],
  ['accepted by an earlier attempt whose HTTP response was lost', 'none', [authorize.returns(0, authorization(-0.1, 23.9))]],
  ['accepted, and expired by the clock of the handler', 'none', [authorize.returns(0, authorization(-25, -1))]],
  ['accepted, without a record', 'none', [authorize.returns(0, undefined)]],
  ['accepted, and so old that it must have been renewed', 'renews', [authorize.returns(0, authorization(-10, 24))]],
  ['listed, and so old that it must have been renewed', 'renews', [listAuthorizations.returns(0, [authorization(-10, 24)])]],
  ['listed, and fresh', 'none', [listAuthorizations.returns(0, [NEW])]],
  ['listed, without times', 'none', [listAuthorizations.returns(0, [PAIR])]],
  ['accepted twice: another caller may have canceled the first', 'none', [authorize.returns(0, NEW), authorize.returns(60, NEW)]],
  [
    'refused, because there is one already',
    'InvalidRequestException',
    [authorize.fails(0, 'InvalidRequestException', IS_AUTHORIZED)],
  ],
  ['refused with another error', 'none', [authorize.fails(0, 'UnauthorizedException', IS_AUTHORIZED)]],
  [
    'refused, and accepted after it was canceled',
    'InvalidRequestException',
    [
      authorize.fails(0, 'InvalidRequestException', 'The authorization can not be created'),
      cancel.returns(10, undefined),
      authorize.returns(20, NEW),
    ],
  ],
  [
    'refused, and accepted without being canceled',
    'none',
    [authorize.fails(0, 'InvalidRequestException', 'The authorization can not be created'), authorize.returns(20, NEW)],
  ],
  [
    'refused without a specific reason, and accepted after it was canceled',
    'none',
    [authorize.fails(0, 'InvalidRequestException', UNSPECIFIC), cancel.returns(10, undefined), authorize.returns(20, NEW)],
  ],
  [
    'refused because of a permission, and accepted after it was canceled',
    'none',
    [authorize.fails(0, 'InvalidRequestException', NO_PERMISSION), cancel.returns(10, undefined), authorize.returns(20, NEW)],
  ],
  [
    'shows two readings',
    'none',
    [authorize.fails(0, 'InvalidRequestException', IS_AUTHORIZED), authorize.returns(20, authorization(-14, 10))],
  ],
]);

testCases('missingAuthorization', [
  ...(['UnauthorizedException', 'NotFoundException', 'InvalidRequestException'] as const).flatMap(
    (name): readonly Case<'missingAuthorization'>[] => [
      [
        'refused, and accepted after authorizing',
        name,
        [connect.fails(0, name, NO_AUTHORIZATION), authorize.returns(10, NEW), connect.returns(20, undefined)],
      ],
      [
        'a deletion that was refused, and accepted after authorizing',
        name,
        [disconnect.fails(0, name, NO_AUTHORIZATION), authorize.returns(10, NEW), disconnect.returns(20, undefined)],
      ],
    ],
  ),
  ['refused', 'none', [connect.fails(0, 'NotFoundException', NO_AUTHORIZATION)]],
  [
    'refused, and not repeated after authorizing',
    'none',
    [connect.fails(0, 'NotFoundException', NO_AUTHORIZATION), authorize.returns(10, NEW)],
  ],
  [
    'refused, and accepted although the handler did not authorize',
    'none',
    [connect.fails(0, 'NotFoundException', NO_AUTHORIZATION), connect.returns(20, undefined)],
  ],
  [
    'refused, while another connection was accepted',
    'none',
    [disconnect.fails(0, 'NotFoundException', NO_AUTHORIZATION), authorize.returns(10, NEW), connect.returns(20, undefined)],
  ],
  [
    'refused without a specific reason',
    'none',
    [connect.fails(0, 'InvalidRequestException', UNSPECIFIC), authorize.returns(10, NEW), connect.returns(20, undefined)],
  ],
  [
    'refused because a permission had not reached all of AWS yet',
    'none',
    [connect.fails(0, 'UnauthorizedException', NO_PERMISSION), authorize.returns(10, NEW), connect.returns(20, undefined)],
  ],
  [
    'throttled',
    'none',
    [connect.fails(0, 'ThrottlingException', NO_AUTHORIZATION), authorize.returns(10, NEW), connect.returns(20, undefined)],
  ],
]);

testCases('existingConnection', [
  [
    'refused, because it exists already',
    'InvalidRequestException',
    [connect.fails(0, 'InvalidRequestException', EXISTS), list.returns(10, [listed('active')])],
  ],
  [
    'refused, because it exists already, and not listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', EXISTS), list.returns(10, [])],
  ],
  [
    'refused without a specific reason, and listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', UNSPECIFIC), list.returns(10, [listed('active')])],
  ],
  [
    'refused because something else is already the case, and listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', 'The fleet is already being deleted'), list.returns(10, [listed('active')])],
  ],
  [
    'refused, because an authorization was used already, and listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', 'The authorization was used already'), list.returns(10, [listed('active')])],
  ],
  [
    'accepted, and listed before and after',
    'accepted',
    [list.returns(0, [listed('active')]), connect.returns(10, undefined), list.returns(26, [listed('active')])],
  ],
  [
    'accepted, and shown by EC2 before and after',
    'accepted',
    [
      showPeerings.returns(0, [side('active')]),
      connect.returns(10, undefined),
      list.returns(15, [listed('active', { VpcPeeringConnectionId: 'own-1' })]),
      showPeerings.returns(26, [side('active')]),
    ],
  ],
  [
    'accepted, and read too early to exclude an earlier deletion',
    'none',
    [list.returns(0, [listed('active')]), connect.returns(10, undefined), list.returns(20, [listed('active')])],
  ],
  [
    'accepted, after another caller had deleted it',
    'none',
    [
      list.returns(0, [listed('active')]),
      connect.returns(10, undefined),
      list.returns(40, [listed('active', { VpcPeeringConnectionId: 'pcx-2' })]),
    ],
  ],
  [
    'accepted, while the fleet is peered with another VPC',
    'none',
    [
      list.returns(0, [listed('active', { PeerVpcId: 'vpc-1' })]),
      connect.returns(10, undefined),
      list.returns(40, [listed('active', { PeerVpcId: 'vpc-1' })]),
    ],
  ],
  [
    'accepted, while another fleet is peered with the VPC',
    'none',
    [
      showPeerings.returns(0, [side('active', { requesterVpcId: 'vpc-2' })]),
      connect.returns(10, undefined),
      list.returns(30, [listed('provisioning', { VpcPeeringConnectionId: 'pcx-2' })]),
      showPeerings.returns(40, [side('active', { requesterVpcId: 'vpc-2' })]),
    ],
  ],
  [
    'accepted, after an earlier attempt whose HTTP response was lost',
    'none',
    [
      connect.fails(0, 'ECONNRESET', 'socket hang up'),
      connect.returns(1, undefined),
      list.returns(20, [listed('active')]),
      list.returns(60, [listed('active')]),
    ],
  ],
]);

testCases('deletingConnections', [
  [
    'listed as deleting when every read shows the deletion',
    'deleting for a while',
    [disconnect.returns(0, undefined), list.returns(16, [listed('deleting')])],
  ],
  [
    'shown by EC2 as deleting when every read shows the deletion',
    'deleting for a while',
    [disconnect.returns(0, undefined), showPeerings.returns(2, [side('active')]), showPeerings.returns(16, [side('deleting')])],
  ],
  [
    'listed as deleting so soon that the read may show the state during the call',
    'none',
    [disconnect.returns(0, undefined), list.returns(10, [listed('deleting')])],
  ],
  [
    'listed as deleting after it was still active: the deletion of its fleet',
    'none',
    [disconnect.returns(0, undefined), showPeerings.returns(16, [side('active')]), showPeerings.returns(40, [side('deleting')])],
  ],
  [
    'another connection is listed as deleting',
    'none',
    [disconnect.returns(0, undefined), list.returns(16, [listed('deleting', { VpcPeeringConnectionId: 'pcx-2' })])],
  ],
  ['gone: another caller may have deleted it before', 'none', [disconnect.returns(0, undefined), list.returns(16, [])]],
  [
    'refused, and listed as deleting',
    'none',
    [disconnect.fails(0, 'InvalidRequestException', UNSPECIFIC), list.returns(16, [listed('deleting')])],
  ],
]);

testCases('endedConnections', [
  ['listed as deleted', 'listed for hours', [list.returns(0, [listed('deleted')])]],
  ['listed as failed, perhaps because its deletion failed', 'none', [list.returns(0, [listed('failed')])]],
  ['not listed: the fleet may be gone', 'none', [disconnect.returns(0, undefined), list.returns(30, [])]],
]);

testCases('connectionIds', [
  ['listed with the id of EC2', 'id of EC2', [list.returns(0, [listed('active')]), showPeerings.returns(1, [side('active')])]],
  ['listed with another id', 'id of GameLift', [list.returns(0, [listed('active', { VpcPeeringConnectionId: 'own-1' })])]],
  ['listed, and EC2 not read', 'none', [list.returns(0, [listed('active')])]],
  [
    'listed with an id in the format of EC2, which EC2 does not show: the read may be late',
    'none',
    [list.returns(0, [listed('active')]), showPeerings.returns(1, [side('deleted', { id: 'pcx-0' })])],
  ],
  ['listed without an id', 'none', [list.returns(0, [listed('active', { VpcPeeringConnectionId: undefined })])]],
]);

testCases('deletingAbsentAuthorization', [
  ['not found', 'NotFoundException', [cancel.fails(0, 'NotFoundException', NO_AUTHORIZATION)]],
  ['not found, without saying what', 'none', [cancel.fails(0, 'NotFoundException', 'Not found')]],
  ['refused with another error', 'none', [cancel.fails(0, 'InvalidRequestException', NO_AUTHORIZATION)]],
  [
    'accepted twice: another caller may have authorized in between',
    'none',
    [cancel.returns(0, undefined), cancel.returns(10, undefined)],
  ],
]);

testCases('fleetEvents', [
  [
    'an event about peering',
    'written',
    [describeEvents.returns(0, [{ code: 'FLEET_VPC_PEERING_SUCCEEDED', time: new Date(NOW), message: '' }])],
  ],
  ['another event', 'none', [describeEvents.returns(0, [{ code: 'FLEET_CREATED', time: new Date(NOW), message: '' }])]],
  [
    'none after the connection was active: it may come later',
    'none',
    [connect.returns(0, undefined), list.returns(20, [listed('active')]), describeEvents.returns(60, [])],
  ],
]);

testCases('throttlingError', [
  ...(['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded'] as const).map(
    (name): Case<'throttlingError'> => [
      'the rate of a peering operation is exceeded',
      name,
      [list.fails(0, name, 'Rate exceeded')],
    ],
  ),
  ['EC2 throttles', 'none', [showPeerings.fails(0, 'RequestLimitExceeded', 'Request limit exceeded: rate')]],
  ['another operation of GameLift throttles', 'none', [describeFleet.fails(0, 'ThrottlingException', 'Rate exceeded')]],
  ['another reason', 'none', [list.fails(0, 'ThrottlingException', 'Try again later')]],
  ['another error', 'none', [list.fails(0, 'LimitExceededException', 'Rate exceeded')]],
  [
    'two errors',
    'none',
    [list.fails(0, 'ThrottlingException', 'Rate exceeded'), connect.fails(0, 'TooManyRequestsException', 'Rate exceeded')],
  ],
]);

const OF_FLEET = { tags: { 'cdk-gamelift-vpc-peering:fleet': FLEET } };

testCases('fleetCidrBlocks', [
  [
    'two fleets are listed with the same block',
    'may be equal',
    [listAll.returns(0, [listed('active'), listed('active', { GameLiftVpcId: 'vpc-2' })])],
  ],
  [
    'EC2 shows two fleets with the same block',
    'may be equal',
    [showPeerings.returns(0, [side('active', OF_FLEET), side('active', { ...OF_FLEET, requesterVpcId: 'vpc-2' })])],
  ],
  ['two connections of one fleet', 'none', [listAll.returns(0, [listed('active'), listed('active', { PeerVpcId: 'vpc-1' })])]],
  [
    'one of them is deleted: its block may have been reused for the other one',
    'none',
    [listAll.returns(0, [listed('deleted'), listed('active', { GameLiftVpcId: 'vpc-2' })])],
  ],
  [
    'in the output of two calls: the first may be deleted by then',
    'none',
    [listAll.returns(0, [listed('active')]), listAll.returns(10, [listed('active', { GameLiftVpcId: 'vpc-2' })])],
  ],
  [
    'EC2 shows the same block for a VPC that somebody else has peered',
    'none',
    [showPeerings.returns(0, [side('active', OF_FLEET), side('active', { requesterVpcId: 'vpc-2' })])],
  ],
  [
    'no blocks',
    'none',
    [
      listAll.returns(0, [
        listed('active', { IpV4CidrBlock: undefined }),
        listed('active', { GameLiftVpcId: 'vpc-2', IpV4CidrBlock: undefined }),
      ]),
    ],
  ],
]);

testCases('failedSeenByAccepter', [
  ['a connection of a fleet', 'shown', [list.returns(0, [listed('failed')]), showPeerings.returns(1, [side('failed')])]],
  ['not shown: it may be shown later', 'none', [list.returns(0, [listed('failed')]), showPeerings.returns(1, [])]],
  [
    "a peering that is not a fleet's",
    'none',
    [list.returns(0, [listed('active')]), showPeerings.returns(1, [side('failed', { requesterVpcId: 'vpc-2' })])],
  ],
]);

testCases('readBack', [
  [
    'pending again after it was active',
    'up to 15 seconds late',
    [showPeerings.returns(0, [side('active')]), showPeerings.returns(2, [side('provisioning')])],
  ],
  [
    'shown again after it was gone',
    'up to 15 seconds late',
    [showPeerings.returns(0, [side('active')]), showPeerings.returns(2, []), showPeerings.returns(4, [side('active')])],
  ],
  [
    'active after it was pending',
    'none',
    [showPeerings.returns(0, [side('provisioning')]), showPeerings.returns(2, [side('active')])],
  ],
  ['gone', 'none', [showPeerings.returns(0, [side('deleted')]), showPeerings.returns(2, []), showPeerings.returns(4, [])]],
  [
    'another connection of the same fleet',
    'none',
    [
      showPeerings.returns(0, [side('active')]),
      showPeerings.returns(2, []),
      showPeerings.returns(4, [side('provisioning', { id: 'pcx-2' })]),
    ],
  ],
  [
    'two reads overlap in time',
    'none',
    [showPeerings.returns(0, [side('active')]), showPeerings.returns(0.05, [side('provisioning')])],
  ],
  [
    'another VPC is read',
    'none',
    [
      showPeerings.returns(0, [side('active')]),
      callsOf('describePeerings', 'vpc-1').returns(2, []),
      showPeerings.returns(4, [side('active')]),
    ],
  ],
]);

testCases('endedCidrBlocks', [
  ['failed, without a block', 'not returned', [list.returns(0, [listed('failed', { IpV4CidrBlock: undefined })])]],
  ['failed, with a block, perhaps because its deletion failed', 'none', [list.returns(0, [listed('failed')])]],
  ['pending, without a block', 'none', [list.returns(0, [listed('provisioning', { IpV4CidrBlock: undefined })])]],
]);

testCases('fleetArns', [
  [
    'without account',
    'without account',
    [describeFleet.returns(0, { arn: 'arn:aws:gamelift:us-east-1::fleet/fleet-1', status: 'ACTIVE', computeType: 'EC2' })],
  ],
  [
    'with account',
    'with account',
    [
      describeFleet.returns(0, {
        arn: 'arn:aws:gamelift:us-east-1:111111111111:fleet/fleet-1',
        status: 'ACTIVE',
        computeType: 'EC2',
      }),
    ],
  ],
  ['no ARN', 'none', [describeFleet.returns(0, { arn: '', status: 'ACTIVE', computeType: 'EC2' })]],
  ['no fleet', 'none', [describeFleet.returns(0, undefined)]],
]);

const NO_VPC = `The VPC ${VPC} does not exist`;

testCases('absentVpc', [
  ...(['InvalidRequestException', 'NotFoundException'] as const).map((name): Case<'absentVpc'> => [
    'refused, and EC2 does not find it either',
    name,
    [authorize.fails(0, name, NO_VPC), vpcExists.returns(1, false)],
  ]),
  ['refused, and EC2 shows it', 'none', [authorize.fails(0, 'NotFoundException', NO_VPC), vpcExists.returns(1, true)]],
  ['refused, and EC2 is not read', 'none', [authorize.fails(0, 'NotFoundException', NO_VPC)]],
  [
    'refused without a specific reason: EC2 may not show a new VPC yet',
    'none',
    [authorize.fails(0, 'InvalidRequestException', UNSPECIFIC), vpcExists.returns(1, false)],
  ],
  [
    'refused, because it is authorized',
    'none',
    [authorize.fails(0, 'InvalidRequestException', `${VPC} has an authorization`), vpcExists.returns(1, false)],
  ],
  ['refused with another error', 'none', [authorize.fails(0, 'UnauthorizedException', NO_VPC), vpcExists.returns(1, false)]],
]);

testCases('peerPermissions', [
  ['refused because of a permission in EC2', 'checked', [authorize.fails(0, 'UnauthorizedException', NO_PERMISSION)]],
  [
    'denied by IAM',
    'none',
    [authorize.fails(0, 'AccessDeniedException', 'not authorized to perform: gamelift:CreateVpcPeeringAuthorization')],
  ],
  ['refused without a specific reason', 'none', [authorize.fails(0, 'UnauthorizedException', 'No')]],
  ['accepted: the caller may have the permissions', 'none', [authorize.returns(0, NEW)]],
]);

describe('docs/observations.md', () => {
  const [observable = '', notObservable = ''] = readFileSync(join(__dirname, '..', '..', 'docs', 'observations.md'), 'utf8')
    .split('\n## ')
    .slice(2)
    .map((section) => section.slice(section.indexOf('| ---')));
  const rowsOf = (section: string): readonly string[][] =>
    [...section.matchAll(/^\| `.*$/gm)].map(([row]) => row.split('|').map((cell) => cell.trim()));

  test('lists each reading that a rule recognizes', () => {
    const listedReadings = rowsOf(observable).flatMap(([, question = '', readings = '']) =>
      [...readings.matchAll(/`([^`]+)`/g)].map(([, reading = '']) => `${question.replaceAll('`', '')}: ${reading}`),
    );
    expect(listedReadings.sort()).toEqual([...new Set(covered)].sort());
  });

  test('lists each question without a rule as not observable', () => {
    const others = Object.keys(BEHAVIOURS).filter((name) => !covered.some((each) => each.startsWith(`${name}: `)));
    expect(
      rowsOf(notObservable)
        .map(([, question]) => question?.replaceAll('`', ''))
        .sort(),
    ).toEqual(others.sort());
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BEHAVIOURS } from 'rehearsal/aws';
import type { BehaviourName, Reading } from 'rehearsal/aws';
import type { AuthorizationRecord, AwsApi, ConnectionRecord, Ec2Peering } from '../../lambda/aws/api';
import { observedReadings } from '../../lambda/aws/open-questions';
import type { RecordedCall } from '../../lambda/aws/recorder';
import { GAMELIFT_ACCOUNT, HOUR, VPC, VPC_ACCOUNT } from './world';

/*
 * Each rule derives a reading from the calls of one request. It must derive none if the calls may have another explanation: others act at
 * the same time, reads are late, HTTP responses are lost, or an error has another cause.
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

type Case<Name extends BehaviourName> = readonly [
  situation: string,
  reading: Reading<Name> | 'none',
  calls: readonly RecordedCall[],
];

/** The questions and readings for which there is a case. */
const covered: string[] = [];

/** Runs one test for each case of a question: checks the reading that the calls show, or that they show none. */
function testCases<Name extends BehaviourName>(question: Name, cases: readonly Case<Name>[]): void {
  covered.push(...cases.filter(([, reading]) => reading !== 'none').map(([, reading]) => `${question}: ${reading}`));
  describe(`the rule for ${question}`, () => {
    const titled = cases.map(([situation, reading, calls]) => ({
      title: `derives ${reading === 'none' ? 'no reading' : `"${reading}"`} if ${situation}`,
      reading,
      calls,
    }));
    test.each(titled)('$title', ({ reading, calls }) => {
      const observed = observedReadings(calls).filter((observation) => observation.question === question);
      expect(observed).toEqual(reading === 'none' ? [] : [{ question, reading }]);
    });
  });
}

test('derives nothing if nothing was called', () => {
  expect(observedReadings([])).toEqual([]);
});

testCases('authorizingAgain', [
  ['the authorization is accepted, and valid for another day', 'none', [authorize.returns(0, NEW)]],
  [
    'the authorization is accepted, and valid for another ten hours',
    'keeps expiry',
    [authorize.returns(0, authorization(-14, 10))],
  ],
  [
    'an earlier attempt created the authorization, but its HTTP response was lost',
    'none',
    [authorize.returns(0, authorization(-0.1, 23.9))],
  ],
  [
    'the authorization is accepted, and expired by the clock of the handler',
    'none',
    [authorize.returns(0, authorization(-25, -1))],
  ],
  ['the authorization is accepted, without a record', 'none', [authorize.returns(0, undefined)]],
  [
    'the authorization is accepted, and so old that it must have been renewed',
    'renews',
    [authorize.returns(0, authorization(-10, 24))],
  ],
  [
    'the authorization is listed, and so old that it must have been renewed',
    'renews',
    [listAuthorizations.returns(0, [authorization(-10, 24)])],
  ],
  ['the authorization is listed, and new', 'none', [listAuthorizations.returns(0, [NEW])]],
  ['the authorization is listed, without times', 'none', [listAuthorizations.returns(0, [PAIR])]],
  [
    'the authorization is accepted twice: another caller may have canceled the first',
    'none',
    [authorize.returns(0, NEW), authorize.returns(60, NEW)],
  ],
  [
    'the authorization is refused, because there is one already',
    'InvalidRequestException',
    [authorize.fails(0, 'InvalidRequestException', IS_AUTHORIZED)],
  ],
  ['the authorization is refused with another error', 'none', [authorize.fails(0, 'UnauthorizedException', IS_AUTHORIZED)]],
  [
    'the authorization is refused, and accepted after it was canceled',
    'InvalidRequestException',
    [
      authorize.fails(0, 'InvalidRequestException', 'The authorization can not be created'),
      cancel.returns(10, undefined),
      authorize.returns(20, NEW),
    ],
  ],
  [
    'the authorization is refused, and accepted without being canceled',
    'none',
    [authorize.fails(0, 'InvalidRequestException', 'The authorization can not be created'), authorize.returns(20, NEW)],
  ],
  [
    'the authorization is refused without a specific reason, and accepted after it was canceled',
    'none',
    [authorize.fails(0, 'InvalidRequestException', UNSPECIFIC), cancel.returns(10, undefined), authorize.returns(20, NEW)],
  ],
  [
    'the authorization is refused because of a permission, and accepted after it was canceled',
    'none',
    [authorize.fails(0, 'InvalidRequestException', NO_PERMISSION), cancel.returns(10, undefined), authorize.returns(20, NEW)],
  ],
  [
    'the calls show two readings',
    'none',
    [authorize.fails(0, 'InvalidRequestException', IS_AUTHORIZED), authorize.returns(20, authorization(-14, 10))],
  ],
]);

testCases('missingAuthorization', [
  ...(['UnauthorizedException', 'NotFoundException', 'InvalidRequestException'] as const).flatMap(
    (name): readonly Case<'missingAuthorization'>[] => [
      [
        'the call is refused, and accepted after authorizing',
        name,
        [connect.fails(0, name, NO_AUTHORIZATION), authorize.returns(10, NEW), connect.returns(20, undefined)],
      ],
      [
        'a deletion is refused, and accepted after authorizing',
        name,
        [disconnect.fails(0, name, NO_AUTHORIZATION), authorize.returns(10, NEW), disconnect.returns(20, undefined)],
      ],
    ],
  ),
  ['the call is refused', 'none', [connect.fails(0, 'NotFoundException', NO_AUTHORIZATION)]],
  [
    'the call is refused, and not repeated after authorizing',
    'none',
    [connect.fails(0, 'NotFoundException', NO_AUTHORIZATION), authorize.returns(10, NEW)],
  ],
  [
    'the call is refused, and accepted although the handler did not authorize',
    'none',
    [connect.fails(0, 'NotFoundException', NO_AUTHORIZATION), connect.returns(20, undefined)],
  ],
  [
    'a deletion is refused, and a request for a connection is accepted after authorizing',
    'none',
    [disconnect.fails(0, 'NotFoundException', NO_AUTHORIZATION), authorize.returns(10, NEW), connect.returns(20, undefined)],
  ],
  [
    'the call is refused without a specific reason',
    'none',
    [connect.fails(0, 'InvalidRequestException', UNSPECIFIC), authorize.returns(10, NEW), connect.returns(20, undefined)],
  ],
  [
    'the call is refused because a permission had not reached all of AWS yet',
    'none',
    [connect.fails(0, 'UnauthorizedException', NO_PERMISSION), authorize.returns(10, NEW), connect.returns(20, undefined)],
  ],
  [
    'the call is throttled',
    'none',
    [connect.fails(0, 'ThrottlingException', NO_AUTHORIZATION), authorize.returns(10, NEW), connect.returns(20, undefined)],
  ],
]);

testCases('existingConnection', [
  [
    'the request is refused because the connection exists, and the connection is listed',
    'InvalidRequestException',
    [connect.fails(0, 'InvalidRequestException', EXISTS), list.returns(10, [listed('active')])],
  ],
  [
    'the request is refused because the connection exists, but the connection is not listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', EXISTS), list.returns(10, [])],
  ],
  [
    'the request is refused without a specific reason, and the connection is listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', UNSPECIFIC), list.returns(10, [listed('active')])],
  ],
  [
    'the request is refused because the fleet is already being deleted, and the connection is listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', 'The fleet is already being deleted'), list.returns(10, [listed('active')])],
  ],
  [
    'the request is refused because an authorization was used already, and the connection is listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', 'The authorization was used already'), list.returns(10, [listed('active')])],
  ],
  [
    'the request is accepted, and the connection is listed before and after',
    'accepted',
    [list.returns(0, [listed('active')]), connect.returns(10, undefined), list.returns(26, [listed('active')])],
  ],
  [
    'the request is accepted, and EC2 shows the connection before and after',
    'accepted',
    [
      showPeerings.returns(0, [side('active')]),
      connect.returns(10, undefined),
      list.returns(15, [listed('active', { VpcPeeringConnectionId: 'own-1' })]),
      showPeerings.returns(26, [side('active')]),
    ],
  ],
  [
    'the request is accepted, and the connection is listed too early to exclude that it was deleted before the request',
    'none',
    [list.returns(0, [listed('active')]), connect.returns(10, undefined), list.returns(20, [listed('active')])],
  ],
  [
    'the request is accepted after another caller has deleted the connection',
    'none',
    [
      list.returns(0, [listed('active')]),
      connect.returns(10, undefined),
      list.returns(40, [listed('active', { VpcPeeringConnectionId: 'pcx-2' })]),
    ],
  ],
  [
    'the request is accepted, while the fleet is peered with another VPC',
    'none',
    [
      list.returns(0, [listed('active', { PeerVpcId: 'vpc-1' })]),
      connect.returns(10, undefined),
      list.returns(40, [listed('active', { PeerVpcId: 'vpc-1' })]),
    ],
  ],
  [
    'the request is accepted, while another fleet is peered with the VPC',
    'none',
    [
      showPeerings.returns(0, [side('active', { requesterVpcId: 'vpc-2' })]),
      connect.returns(10, undefined),
      list.returns(30, [listed('provisioning', { VpcPeeringConnectionId: 'pcx-2' })]),
      showPeerings.returns(40, [side('active', { requesterVpcId: 'vpc-2' })]),
    ],
  ],
  [
    'the request is accepted, after an earlier attempt whose HTTP response was lost',
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
    'the connection is listed as deleting so late that every read shows the deletion',
    'deleting for a while',
    [disconnect.returns(0, undefined), list.returns(16, [listed('deleting')])],
  ],
  [
    'EC2 shows the connection as deleting so late that every read shows the deletion',
    'deleting for a while',
    [disconnect.returns(0, undefined), showPeerings.returns(2, [side('active')]), showPeerings.returns(16, [side('deleting')])],
  ],
  [
    'the connection is listed as deleting so soon that the read may show the state during the call',
    'none',
    [disconnect.returns(0, undefined), list.returns(10, [listed('deleting')])],
  ],
  [
    'EC2 shows the connection as deleting after it was still active: somebody may be deleting its fleet',
    'none',
    [disconnect.returns(0, undefined), showPeerings.returns(16, [side('active')]), showPeerings.returns(40, [side('deleting')])],
  ],
  [
    'another connection is listed as deleting',
    'none',
    [disconnect.returns(0, undefined), list.returns(16, [listed('deleting', { VpcPeeringConnectionId: 'pcx-2' })])],
  ],
  [
    'the connection is gone: another caller may have deleted it before',
    'none',
    [disconnect.returns(0, undefined), list.returns(16, [])],
  ],
  [
    'the deletion is refused, and the connection is listed as deleting',
    'none',
    [disconnect.fails(0, 'InvalidRequestException', UNSPECIFIC), list.returns(16, [listed('deleting')])],
  ],
]);

testCases('endedConnections', [
  ['the connection is listed as deleted', 'listed for hours', [list.returns(0, [listed('deleted')])]],
  ['the connection is listed as failed, perhaps because its deletion failed', 'none', [list.returns(0, [listed('failed')])]],
  ['the connection is not listed: the fleet may be gone', 'none', [disconnect.returns(0, undefined), list.returns(30, [])]],
]);

testCases('connectionIds', [
  [
    'the connection is listed with the id of EC2',
    'id of EC2',
    [list.returns(0, [listed('active')]), showPeerings.returns(1, [side('active')])],
  ],
  [
    'the connection is listed with another id',
    'id of GameLift',
    [list.returns(0, [listed('active', { VpcPeeringConnectionId: 'own-1' })])],
  ],
  ['the connection is listed, and EC2 not read', 'none', [list.returns(0, [listed('active')])]],
  [
    'the connection is listed with an id in the format of EC2, which EC2 does not show: the read may be late',
    'none',
    [list.returns(0, [listed('active')]), showPeerings.returns(1, [side('deleted', { id: 'pcx-0' })])],
  ],
  [
    'the connection is listed without an id',
    'none',
    [list.returns(0, [listed('active', { VpcPeeringConnectionId: undefined })])],
  ],
]);

testCases('deletingAbsentAuthorization', [
  [
    'the cancellation fails because there is no authorization',
    'NotFoundException',
    [cancel.fails(0, 'NotFoundException', NO_AUTHORIZATION)],
  ],
  [
    'the cancellation fails with NotFoundException, and the message does not say what was not found',
    'none',
    [cancel.fails(0, 'NotFoundException', 'Not found')],
  ],
  ['the cancellation is refused with another error', 'none', [cancel.fails(0, 'InvalidRequestException', NO_AUTHORIZATION)]],
  [
    'the cancellation is accepted twice: another caller may have authorized in between',
    'none',
    [cancel.returns(0, undefined), cancel.returns(10, undefined)],
  ],
]);

testCases('fleetEvents', [
  [
    'the fleet has an event about peering',
    'written',
    [describeEvents.returns(0, [{ code: 'FLEET_VPC_PEERING_SUCCEEDED', time: new Date(NOW), message: '' }])],
  ],
  [
    'the fleet has only another event',
    'none',
    [describeEvents.returns(0, [{ code: 'FLEET_CREATED', time: new Date(NOW), message: '' }])],
  ],
  [
    'the fleet has no event after the connection became active: it may come later',
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
  ['the message gives another reason', 'none', [list.fails(0, 'ThrottlingException', 'Try again later')]],
  ['the error has another name', 'none', [list.fails(0, 'LimitExceededException', 'Rate exceeded')]],
  [
    'two calls have different errors',
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
  ['one fleet has two connections', 'none', [listAll.returns(0, [listed('active'), listed('active', { PeerVpcId: 'vpc-1' })])]],
  [
    'one of two connections is deleted: its block may have been reused for the other',
    'none',
    [listAll.returns(0, [listed('deleted'), listed('active', { GameLiftVpcId: 'vpc-2' })])],
  ],
  [
    'two calls list one fleet each: the first connection may be deleted by then',
    'none',
    [listAll.returns(0, [listed('active')]), listAll.returns(10, [listed('active', { GameLiftVpcId: 'vpc-2' })])],
  ],
  [
    'EC2 shows the same block for a VPC that somebody else has peered',
    'none',
    [showPeerings.returns(0, [side('active', OF_FLEET), side('active', { requesterVpcId: 'vpc-2' })])],
  ],
  [
    'no block is listed',
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
  [
    'a failed connection of a fleet is shown',
    'shown',
    [list.returns(0, [listed('failed')]), showPeerings.returns(1, [side('failed')])],
  ],
  [
    'the failed connection is not shown: it may be shown later',
    'none',
    [list.returns(0, [listed('failed')]), showPeerings.returns(1, [])],
  ],
  [
    'a failed peering is shown that no fleet requested',
    'none',
    [list.returns(0, [listed('active')]), showPeerings.returns(1, [side('failed', { requesterVpcId: 'vpc-2' })])],
  ],
]);

testCases('readBack', [
  [
    'the connection is pending again after it was active',
    'up to 15 seconds late',
    [showPeerings.returns(0, [side('active')]), showPeerings.returns(2, [side('provisioning')])],
  ],
  [
    'the connection is shown again after it was gone',
    'up to 15 seconds late',
    [showPeerings.returns(0, [side('active')]), showPeerings.returns(2, []), showPeerings.returns(4, [side('active')])],
  ],
  [
    'the connection is active after it was pending',
    'none',
    [showPeerings.returns(0, [side('provisioning')]), showPeerings.returns(2, [side('active')])],
  ],
  [
    'the connection is gone',
    'none',
    [showPeerings.returns(0, [side('deleted')]), showPeerings.returns(2, []), showPeerings.returns(4, [])],
  ],
  [
    'another connection of the same fleet is shown',
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
  [
    'the connection has failed, and has no block',
    'not returned',
    [list.returns(0, [listed('failed', { IpV4CidrBlock: undefined })])],
  ],
  [
    'the connection has failed, and has a block, perhaps because its deletion failed',
    'none',
    [list.returns(0, [listed('failed')])],
  ],
  [
    'the connection is pending, and has no block',
    'none',
    [list.returns(0, [listed('provisioning', { IpV4CidrBlock: undefined })])],
  ],
]);

testCases('fleetArns', [
  [
    'the ARN has no account',
    'without account',
    [describeFleet.returns(0, { arn: 'arn:aws:gamelift:us-east-1::fleet/fleet-1', status: 'ACTIVE', computeType: 'EC2' })],
  ],
  [
    'the ARN has an account',
    'with account',
    [
      describeFleet.returns(0, {
        arn: 'arn:aws:gamelift:us-east-1:111111111111:fleet/fleet-1',
        status: 'ACTIVE',
        computeType: 'EC2',
      }),
    ],
  ],
  ['the fleet has no ARN', 'none', [describeFleet.returns(0, { arn: '', status: 'ACTIVE', computeType: 'EC2' })]],
  ['there is no fleet', 'none', [describeFleet.returns(0, undefined)]],
]);

const NO_VPC = `The VPC ${VPC} does not exist`;

testCases('absentVpc', [
  ...(['InvalidRequestException', 'NotFoundException'] as const).map((name): Case<'absentVpc'> => [
    'the authorization is refused because the VPC does not exist, and EC2 does not find the VPC either',
    name,
    [authorize.fails(0, name, NO_VPC), vpcExists.returns(1, false)],
  ]),
  [
    'the authorization is refused because the VPC does not exist, but EC2 shows the VPC',
    'none',
    [authorize.fails(0, 'NotFoundException', NO_VPC), vpcExists.returns(1, true)],
  ],
  [
    'the authorization is refused because the VPC does not exist, and EC2 is not read',
    'none',
    [authorize.fails(0, 'NotFoundException', NO_VPC)],
  ],
  [
    'the authorization is refused without a specific reason: EC2 may not show a new VPC yet',
    'none',
    [authorize.fails(0, 'InvalidRequestException', UNSPECIFIC), vpcExists.returns(1, false)],
  ],
  [
    'the authorization is refused because the VPC has an authorization already',
    'none',
    [authorize.fails(0, 'InvalidRequestException', `${VPC} has an authorization`), vpcExists.returns(1, false)],
  ],
  [
    'the authorization is refused with another error',
    'none',
    [authorize.fails(0, 'UnauthorizedException', NO_VPC), vpcExists.returns(1, false)],
  ],
]);

testCases('peerPermissions', [
  [
    'the authorization is refused because of a permission in EC2',
    'checked',
    [authorize.fails(0, 'UnauthorizedException', NO_PERMISSION)],
  ],
  [
    'the authorization is denied by IAM',
    'none',
    [authorize.fails(0, 'AccessDeniedException', 'not authorized to perform: gamelift:CreateVpcPeeringAuthorization')],
  ],
  ['the authorization is refused without a specific reason', 'none', [authorize.fails(0, 'UnauthorizedException', 'No')]],
  ['the authorization is accepted: the caller may have the permissions', 'none', [authorize.returns(0, NEW)]],
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

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BEHAVIOURS } from 'rehearsal/aws';
import type { BehaviourName, Reading } from 'rehearsal/aws';
import type { AuthorizationRecord, AwsApi, ConnectionRecord, Ec2Peering } from '../../lambda/aws/api';
import { observedReadings } from '../../lambda/aws/open-questions';
import type { RecordedCall } from '../../lambda/aws/recorder';
import { GAMELIFT_ACCOUNT, HOUR, VPC, VPC_ACCOUNT } from './world';

/*
 * Each rule derives a reading from the calls of one request. A rule must derive no reading if the calls may have another explanation: other
 * callers act at the same time, reads are late, HTTP responses are lost, or an error has another cause.
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

/** An authorization that was created `ageHours` ago, and expires in `remainingHours`. */
const authorization = ({
  ageHours,
  remainingHours,
}: Readonly<Record<'ageHours' | 'remainingHours', number>>): AuthorizationRecord => ({
  ...PAIR,
  PeerVpcAwsAccountId: VPC_ACCOUNT,
  CreationTime: new Date(NOW - ageHours * HOUR),
  ExpirationTime: new Date(NOW + remainingHours * HOUR),
});
const NEW_AUTHORIZATION = authorization({ ageHours: 0, remainingHours: 24 });

const listedConnection = (status: string, change: Partial<ConnectionRecord> = {}): ConnectionRecord => ({
  VpcPeeringConnectionId: 'pcx-1',
  PeerVpcId: VPC,
  GameLiftVpcId: FLEET_VPC,
  IpV4CidrBlock: '10.192.0.0/20',
  Status: { Code: status },
  ...change,
});

const ec2Side = (status: string, change: Partial<Ec2Peering> = {}): Ec2Peering => ({
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

// messages of GameLift's errors
const NO_AUTHORIZATION = 'There is no valid authorization';
const IS_AUTHORIZED = 'There is a valid authorization already';
const NO_PERMISSION = 'The authorization failed: the caller may not perform ec2:AcceptVpcPeeringConnection';
/** Says that the error is about the authorization, but not why GameLift refuses it. */
const CANNOT_AUTHORIZE = 'The authorization can not be created';
const CONNECTION_EXISTS = 'The fleet is peered with the VPC already';
const UNSPECIFIC_MESSAGE = 'The request is invalid';

/** An id that is not in the format of EC2. */
const ID_OF_GAMELIFT = 'own-1';

type Case<Name extends BehaviourName> = readonly [
  situation: string,
  reading: Reading<Name> | 'none',
  calls: readonly RecordedCall[],
];

/** The readings that at least one case derives, as `question: reading`. */
const testedReadings: string[] = [];

/** Defines one test for each case of a question. The test checks which reading the rule derives from the calls. */
function defineTests<Name extends BehaviourName>(question: Name, cases: readonly Case<Name>[]): void {
  testedReadings.push(...cases.filter(([, reading]) => reading !== 'none').map(([, reading]) => `${question}: ${reading}`));
  describe(`the rule for ${question}`, () => {
    const casesWithTitles = cases.map(([situation, reading, calls]) => ({
      title: `derives ${reading === 'none' ? 'no reading' : `"${reading}"`} if ${situation}`,
      reading,
      calls,
    }));
    test.each(casesWithTitles)('$title', ({ reading, calls }) => {
      const observations = observedReadings(calls).filter((observation) => observation.question === question);
      expect(observations).toEqual(reading === 'none' ? [] : [{ question, reading }]);
    });
  });
}

test('observedReadings returns no reading if there are no calls', () => {
  expect(observedReadings([])).toEqual([]);
});

defineTests('authorizingAgain', [
  ['the authorization is accepted, and valid for another day', 'none', [authorize.returns(0, NEW_AUTHORIZATION)]],
  [
    'the authorization is accepted, and valid for another ten hours',
    'keeps expiry',
    [authorize.returns(0, authorization({ ageHours: 14, remainingHours: 10 }))],
  ],
  [
    'an earlier attempt created the authorization, but its HTTP response was lost',
    'none',
    [authorize.returns(0, authorization({ ageHours: 0.1, remainingHours: 23.9 }))],
  ],
  [
    'the authorization is accepted, and expired by the clock of the handler',
    'none',
    [authorize.returns(0, authorization({ ageHours: 25, remainingHours: -1 }))],
  ],
  ['the authorization is accepted, without a record', 'none', [authorize.returns(0, undefined)]],
  [
    'the authorization is accepted, and so old that it must have been renewed',
    'renews',
    [authorize.returns(0, authorization({ ageHours: 10, remainingHours: 24 }))],
  ],
  [
    'the authorization is listed, and so old that it must have been renewed',
    'renews',
    [listAuthorizations.returns(0, [authorization({ ageHours: 10, remainingHours: 24 })])],
  ],
  ['the authorization is listed, and new', 'none', [listAuthorizations.returns(0, [NEW_AUTHORIZATION])]],
  ['the authorization is listed, without times', 'none', [listAuthorizations.returns(0, [PAIR])]],
  [
    'the authorization is accepted twice: another caller may have canceled the first authorization',
    'none',
    [authorize.returns(0, NEW_AUTHORIZATION), authorize.returns(60, NEW_AUTHORIZATION)],
  ],
  [
    'the authorization is refused, because the VPC has an authorization already',
    'InvalidRequestException',
    [authorize.fails(0, 'InvalidRequestException', IS_AUTHORIZED)],
  ],
  ['the authorization is refused with another error', 'none', [authorize.fails(0, 'UnauthorizedException', IS_AUTHORIZED)]],
  [
    'the authorization is refused, and accepted after the existing one was canceled',
    'InvalidRequestException',
    [
      authorize.fails(0, 'InvalidRequestException', CANNOT_AUTHORIZE),
      cancel.returns(10, undefined),
      authorize.returns(20, NEW_AUTHORIZATION),
    ],
  ],
  [
    'the authorization is refused, and accepted later although none was canceled',
    'none',
    [authorize.fails(0, 'InvalidRequestException', CANNOT_AUTHORIZE), authorize.returns(20, NEW_AUTHORIZATION)],
  ],
  [
    'the authorization is refused without a specific reason, and accepted after the existing one was canceled',
    'none',
    [
      authorize.fails(0, 'InvalidRequestException', UNSPECIFIC_MESSAGE),
      cancel.returns(10, undefined),
      authorize.returns(20, NEW_AUTHORIZATION),
    ],
  ],
  [
    'the authorization is refused because of a permission, and accepted after the existing one was canceled',
    'none',
    [
      authorize.fails(0, 'InvalidRequestException', NO_PERMISSION),
      cancel.returns(10, undefined),
      authorize.returns(20, NEW_AUTHORIZATION),
    ],
  ],
  [
    'the calls show two readings',
    'none',
    [
      authorize.fails(0, 'InvalidRequestException', IS_AUTHORIZED),
      authorize.returns(20, authorization({ ageHours: 14, remainingHours: 10 })),
    ],
  ],
]);

defineTests('missingAuthorization', [
  ...(['UnauthorizedException', 'NotFoundException', 'InvalidRequestException'] as const).flatMap(
    (name): readonly Case<'missingAuthorization'>[] => [
      [
        'the request is refused, and accepted after authorizing',
        name,
        [connect.fails(0, name, NO_AUTHORIZATION), authorize.returns(10, NEW_AUTHORIZATION), connect.returns(20, undefined)],
      ],
      [
        'a deletion is refused, and accepted after authorizing',
        name,
        [
          disconnect.fails(0, name, NO_AUTHORIZATION),
          authorize.returns(10, NEW_AUTHORIZATION),
          disconnect.returns(20, undefined),
        ],
      ],
    ],
  ),
  ['the request is refused', 'none', [connect.fails(0, 'NotFoundException', NO_AUTHORIZATION)]],
  [
    'the request is refused, and not repeated after authorizing',
    'none',
    [connect.fails(0, 'NotFoundException', NO_AUTHORIZATION), authorize.returns(10, NEW_AUTHORIZATION)],
  ],
  [
    'the request is refused, and accepted although the handler did not authorize',
    'none',
    [connect.fails(0, 'NotFoundException', NO_AUTHORIZATION), connect.returns(20, undefined)],
  ],
  [
    'a deletion is refused, and a request for a connection is accepted after authorizing',
    'none',
    [
      disconnect.fails(0, 'NotFoundException', NO_AUTHORIZATION),
      authorize.returns(10, NEW_AUTHORIZATION),
      connect.returns(20, undefined),
    ],
  ],
  [
    'the request is refused without a specific reason',
    'none',
    [
      connect.fails(0, 'InvalidRequestException', UNSPECIFIC_MESSAGE),
      authorize.returns(10, NEW_AUTHORIZATION),
      connect.returns(20, undefined),
    ],
  ],
  [
    'the request is refused because a permission had not reached all of AWS yet',
    'none',
    [
      connect.fails(0, 'UnauthorizedException', NO_PERMISSION),
      authorize.returns(10, NEW_AUTHORIZATION),
      connect.returns(20, undefined),
    ],
  ],
  [
    'the request is throttled',
    'none',
    [
      connect.fails(0, 'ThrottlingException', NO_AUTHORIZATION),
      authorize.returns(10, NEW_AUTHORIZATION),
      connect.returns(20, undefined),
    ],
  ],
]);

defineTests('existingConnection', [
  [
    'the request is refused because the connection exists, and the connection is listed',
    'InvalidRequestException',
    [connect.fails(0, 'InvalidRequestException', CONNECTION_EXISTS), list.returns(10, [listedConnection('active')])],
  ],
  [
    'the request is refused because the connection exists, but the connection is not listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', CONNECTION_EXISTS), list.returns(10, [])],
  ],
  [
    'the request is refused without a specific reason, and the connection is listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', UNSPECIFIC_MESSAGE), list.returns(10, [listedConnection('active')])],
  ],
  [
    'the request is refused because the fleet is already being deleted, and the connection is listed',
    'none',
    [
      connect.fails(0, 'InvalidRequestException', 'The fleet is already being deleted'),
      list.returns(10, [listedConnection('active')]),
    ],
  ],
  [
    'the request is refused because an authorization was used already, and the connection is listed',
    'none',
    [
      connect.fails(0, 'InvalidRequestException', 'The authorization was used already'),
      list.returns(10, [listedConnection('active')]),
    ],
  ],
  [
    'the request is accepted, and the connection is listed before and after',
    'accepted',
    [
      list.returns(0, [listedConnection('active')]),
      connect.returns(10, undefined),
      list.returns(26, [listedConnection('active')]),
    ],
  ],
  [
    'the request is accepted, and EC2 shows the connection before and after',
    'accepted',
    [
      showPeerings.returns(0, [ec2Side('active')]),
      connect.returns(10, undefined),
      list.returns(15, [listedConnection('active', { VpcPeeringConnectionId: ID_OF_GAMELIFT })]),
      showPeerings.returns(26, [ec2Side('active')]),
    ],
  ],
  [
    'the request is accepted, and the connection is listed too early to exclude that it was deleted before the request',
    'none',
    [
      list.returns(0, [listedConnection('active')]),
      connect.returns(10, undefined),
      list.returns(20, [listedConnection('active')]),
    ],
  ],
  [
    'the request is accepted after another caller has deleted the connection',
    'none',
    [
      list.returns(0, [listedConnection('active')]),
      connect.returns(10, undefined),
      list.returns(40, [listedConnection('active', { VpcPeeringConnectionId: 'pcx-2' })]),
    ],
  ],
  [
    'the request is accepted, while the fleet is peered with another VPC',
    'none',
    [
      list.returns(0, [listedConnection('active', { PeerVpcId: 'vpc-1' })]),
      connect.returns(10, undefined),
      list.returns(40, [listedConnection('active', { PeerVpcId: 'vpc-1' })]),
    ],
  ],
  [
    'the request is accepted, while another fleet is peered with the VPC',
    'none',
    [
      showPeerings.returns(0, [ec2Side('active', { requesterVpcId: 'vpc-2' })]),
      connect.returns(10, undefined),
      list.returns(30, [listedConnection('provisioning', { VpcPeeringConnectionId: 'pcx-2' })]),
      showPeerings.returns(40, [ec2Side('active', { requesterVpcId: 'vpc-2' })]),
    ],
  ],
  [
    'the request is accepted, after an earlier attempt whose HTTP response was lost',
    'none',
    [
      connect.fails(0, 'ECONNRESET', 'socket hang up'),
      connect.returns(1, undefined),
      list.returns(20, [listedConnection('active')]),
      list.returns(60, [listedConnection('active')]),
    ],
  ],
]);

defineTests('deletingConnections', [
  [
    'the connection is still listed as deleting when reads must show the deletion',
    'deleting for a while',
    [disconnect.returns(0, undefined), list.returns(16, [listedConnection('deleting')])],
  ],
  [
    'EC2 still shows the connection as deleting when reads must show the deletion',
    'deleting for a while',
    [
      disconnect.returns(0, undefined),
      showPeerings.returns(2, [ec2Side('active')]),
      showPeerings.returns(16, [ec2Side('deleting')]),
    ],
  ],
  [
    'the connection is listed as deleting, but the read may show the state before the call returned',
    'none',
    [disconnect.returns(0, undefined), list.returns(10, [listedConnection('deleting')])],
  ],
  [
    'EC2 shows the connection as active when reads must show the deletion, and as deleting later: somebody may be deleting its fleet',
    'none',
    [
      disconnect.returns(0, undefined),
      showPeerings.returns(16, [ec2Side('active')]),
      showPeerings.returns(40, [ec2Side('deleting')]),
    ],
  ],
  [
    'another connection is listed as deleting',
    'none',
    [disconnect.returns(0, undefined), list.returns(16, [listedConnection('deleting', { VpcPeeringConnectionId: 'pcx-2' })])],
  ],
  [
    'the connection is gone: another caller may have deleted it before',
    'none',
    [disconnect.returns(0, undefined), list.returns(16, [])],
  ],
  [
    'the deletion is refused, and the connection is listed as deleting',
    'none',
    [disconnect.fails(0, 'InvalidRequestException', UNSPECIFIC_MESSAGE), list.returns(16, [listedConnection('deleting')])],
  ],
]);

defineTests('endedConnections', [
  ['the connection is listed as deleted', 'listed for hours', [list.returns(0, [listedConnection('deleted')])]],
  [
    'the connection is listed as failed, perhaps because its deletion failed',
    'none',
    [list.returns(0, [listedConnection('failed')])],
  ],
  ['the connection is not listed: the fleet may be gone', 'none', [disconnect.returns(0, undefined), list.returns(30, [])]],
]);

defineTests('connectionIds', [
  [
    'the connection is listed with the id of EC2',
    'id of EC2',
    [list.returns(0, [listedConnection('active')]), showPeerings.returns(1, [ec2Side('active')])],
  ],
  [
    'the connection is listed with another id',
    'id of GameLift',
    [list.returns(0, [listedConnection('active', { VpcPeeringConnectionId: ID_OF_GAMELIFT })])],
  ],
  ['the connection is listed, and EC2 is not read', 'none', [list.returns(0, [listedConnection('active')])]],
  [
    'the connection is listed with an id in the format of EC2, which EC2 does not show: the read may be late',
    'none',
    [list.returns(0, [listedConnection('active')]), showPeerings.returns(1, [ec2Side('deleted', { id: 'pcx-0' })])],
  ],
  [
    'the connection is listed without an id',
    'none',
    [list.returns(0, [listedConnection('active', { VpcPeeringConnectionId: undefined })])],
  ],
]);

defineTests('deletingAbsentAuthorization', [
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

defineTests('fleetEvents', [
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
    [connect.returns(0, undefined), list.returns(20, [listedConnection('active')]), describeEvents.returns(60, [])],
  ],
]);

defineTests('throttlingError', [
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

const WITH_FLEET_TAG = { tags: { 'cdk-gamelift-vpc-peering:fleet': FLEET } };

defineTests('fleetCidrBlocks', [
  [
    'two fleets are listed with the same block',
    'may be equal',
    [listAll.returns(0, [listedConnection('active'), listedConnection('active', { GameLiftVpcId: 'vpc-2' })])],
  ],
  [
    'EC2 shows two fleets with the same block',
    'may be equal',
    [
      showPeerings.returns(0, [
        ec2Side('active', WITH_FLEET_TAG),
        ec2Side('active', { ...WITH_FLEET_TAG, requesterVpcId: 'vpc-2' }),
      ]),
    ],
  ],
  [
    'the two listed connections belong to one fleet',
    'none',
    [listAll.returns(0, [listedConnection('active'), listedConnection('active', { PeerVpcId: 'vpc-1' })])],
  ],
  [
    'one of two connections is listed without its VPC: it may be the VPC of the other',
    'none',
    [listAll.returns(0, [listedConnection('active'), listedConnection('active', { GameLiftVpcId: undefined })])],
  ],
  [
    'one of two connections is deleted: its block may have been reused for the other',
    'none',
    [listAll.returns(0, [listedConnection('deleted'), listedConnection('active', { GameLiftVpcId: 'vpc-2' })])],
  ],
  [
    'the same block is listed for two fleets in two calls: the first connection may have been deleted in between',
    'none',
    [
      listAll.returns(0, [listedConnection('active')]),
      listAll.returns(10, [listedConnection('active', { GameLiftVpcId: 'vpc-2' })]),
    ],
  ],
  [
    'EC2 shows the same block for a VPC that somebody else has peered',
    'none',
    [showPeerings.returns(0, [ec2Side('active', WITH_FLEET_TAG), ec2Side('active', { requesterVpcId: 'vpc-2' })])],
  ],
  [
    'no block is listed',
    'none',
    [
      listAll.returns(0, [
        listedConnection('active', { IpV4CidrBlock: undefined }),
        listedConnection('active', { GameLiftVpcId: 'vpc-2', IpV4CidrBlock: undefined }),
      ]),
    ],
  ],
]);

defineTests('failedSeenByAccepter', [
  [
    'EC2 shows the failed connection',
    'shown',
    [list.returns(0, [listedConnection('failed')]), showPeerings.returns(1, [ec2Side('failed')])],
  ],
  [
    'EC2 does not show the failed connection, but may show it later',
    'none',
    [list.returns(0, [listedConnection('failed')]), showPeerings.returns(1, [])],
  ],
  [
    'EC2 shows a failed peering connection that no fleet requested',
    'none',
    [list.returns(0, [listedConnection('active')]), showPeerings.returns(1, [ec2Side('failed', { requesterVpcId: 'vpc-2' })])],
  ],
]);

defineTests('readBack', [
  [
    'EC2 shows the connection as pending after it was active',
    'up to 15 seconds late',
    [showPeerings.returns(0, [ec2Side('active')]), showPeerings.returns(2, [ec2Side('provisioning')])],
  ],
  [
    'EC2 shows the connection again after it was gone',
    'up to 15 seconds late',
    [showPeerings.returns(0, [ec2Side('active')]), showPeerings.returns(2, []), showPeerings.returns(4, [ec2Side('active')])],
  ],
  [
    'EC2 shows the connection as active after it was pending',
    'none',
    [showPeerings.returns(0, [ec2Side('provisioning')]), showPeerings.returns(2, [ec2Side('active')])],
  ],
  [
    'EC2 no longer shows the connection',
    'none',
    [showPeerings.returns(0, [ec2Side('deleted')]), showPeerings.returns(2, []), showPeerings.returns(4, [])],
  ],
  [
    'EC2 shows another connection of the same fleet',
    'none',
    [
      showPeerings.returns(0, [ec2Side('active')]),
      showPeerings.returns(2, []),
      showPeerings.returns(4, [ec2Side('provisioning', { id: 'pcx-2' })]),
    ],
  ],
  [
    'two reads overlap in time',
    'none',
    [showPeerings.returns(0, [ec2Side('active')]), showPeerings.returns(0.05, [ec2Side('provisioning')])],
  ],
  [
    'one of the reads is for another VPC',
    'none',
    [
      showPeerings.returns(0, [ec2Side('active')]),
      callsOf('describePeerings', 'vpc-1').returns(2, []),
      showPeerings.returns(4, [ec2Side('active')]),
    ],
  ],
]);

defineTests('endedCidrBlocks', [
  [
    'the connection has failed, and has no block',
    'not returned',
    [list.returns(0, [listedConnection('failed', { IpV4CidrBlock: undefined })])],
  ],
  [
    'the connection has failed, and has a block, perhaps because its deletion failed',
    'none',
    [list.returns(0, [listedConnection('failed')])],
  ],
  [
    'the connection is pending, and has no block',
    'none',
    [list.returns(0, [listedConnection('provisioning', { IpV4CidrBlock: undefined })])],
  ],
]);

defineTests('fleetArns', [
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

defineTests('absentVpc', [
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
    [authorize.fails(0, 'InvalidRequestException', UNSPECIFIC_MESSAGE), vpcExists.returns(1, false)],
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

defineTests('peerPermissions', [
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
  ['the authorization is accepted: the caller may have the permissions', 'none', [authorize.returns(0, NEW_AUTHORIZATION)]],
]);

describe('docs/observations.md', () => {
  // the last two sections, each from the line below the header of its table
  const [observableSection = '', notObservableSection = ''] = readFileSync(
    join(__dirname, '..', '..', 'docs', 'observations.md'),
    'utf8',
  )
    .split('\n## ')
    .slice(2)
    .map((section) => section.slice(section.indexOf('| ---')));
  /** The cells of each row that begins with the name of a question. */
  const rowsOf = (section: string): readonly string[][] =>
    [...section.matchAll(/^\| `.*$/gm)].map(([row]) => row.split('|').map((cell) => cell.trim()));

  test('lists each reading that a rule can derive', () => {
    const listedReadings = rowsOf(observableSection).flatMap(([, question = '', readings = '']) =>
      [...readings.matchAll(/`([^`]+)`/g)].map(([, reading = '']) => `${question.replaceAll('`', '')}: ${reading}`),
    );
    expect(listedReadings.sort()).toEqual([...new Set(testedReadings)].sort());
  });

  test('lists each question without a rule as not observable', () => {
    const questionsWithoutRule = Object.keys(BEHAVIOURS).filter(
      (name) => !testedReadings.some((reading) => reading.startsWith(`${name}: `)),
    );
    expect(
      rowsOf(notObservableSection)
        .map(([, question]) => question?.replaceAll('`', ''))
        .sort(),
    ).toEqual(questionsWithoutRule.sort());
  });
});

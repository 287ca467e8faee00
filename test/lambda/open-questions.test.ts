import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BEHAVIOURS } from 'rehearsal/aws';
import type { BehaviourName, Reading } from 'rehearsal/aws';
import type { AuthorizationRecord, AwsApi, ConnectionRecord, Ec2Peering } from '../../lambda/aws/api';
import { answeredQuestions } from '../../lambda/aws/open-questions';
import type { RecordedCall } from '../../lambda/aws/recorder';
import { GAMELIFT_ACCOUNT, HOUR, VPC, VPC_ACCOUNT } from './world';

/*
 * What each rule concludes from the calls of a request, and when it must say nothing: because others act at the same time, reads are
 * late, answers are lost, or an error has another cause.
 */

const NOW = Date.UTC(2026, 0, 1);
const FLEET = 'fleet-1';
const FLEET_VPC = 'vpc-0aaaaaaaaaaaaaaa0';
const PAIR = { GameLiftAwsAccountId: GAMELIFT_ACCOUNT, PeerVpcId: VPC };
const REQUEST = { FleetId: FLEET, PeerVpcAwsAccountId: VPC_ACCOUNT, PeerVpcId: VPC };

type Operation = keyof AwsApi;
type Input<Name extends Operation> = RecordedCall<Name>['input'];
type Answer<Name extends Operation> = Awaited<ReturnType<AwsApi[Name]>>;

/** Calls of one operation, which take a tenth of a second. `seconds` is when the call begins. */
function calling<Name extends Operation>(
  operation: Name,
  ...input: Input<Name>
): {
  answers: (seconds: number, answer: Answer<Name>) => RecordedCall<Name>;
  fails: (seconds: number, name: string, message: string) => RecordedCall<Name>;
} {
  const at = (seconds: number): Pick<RecordedCall<Name>, 'operation' | 'input' | 'startedAt' | 'endedAt'> => ({
    operation,
    input,
    startedAt: NOW + seconds * 1000,
    endedAt: NOW + seconds * 1000 + 100,
  });
  return {
    answers: (seconds, answer) => ({ ...at(seconds), outcome: { kind: 'answered', answer } }),
    fails: (seconds, name, message) => ({ ...at(seconds), outcome: { kind: 'failed', name, message } }),
  };
}

const authorize = calling('createVpcPeeringAuthorization', PAIR);
const cancel = calling('deleteVpcPeeringAuthorization', PAIR);
const authorizations = calling('describeVpcPeeringAuthorizations');
const connect = calling('createVpcPeeringConnection', REQUEST);
const disconnect = calling('deleteVpcPeeringConnection', { FleetId: FLEET, VpcPeeringConnectionId: 'pcx-1' });
const listing = calling('describeVpcPeeringConnections', FLEET);
const listingAll = calling('describeVpcPeeringConnections', undefined);
const showing = calling('describePeerings', VPC);
const fleet = calling('describeFleet', FLEET);
const events = calling('describeFleetEvents', FLEET, new Date(NOW));
const vpc = calling('vpcExists', VPC);

/** An authorization that was created and expires so many hours from now. */
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
const ON_PURPOSE = 'The request is invalid';

type Case<Name extends BehaviourName> = readonly [title: string, reading: Reading<Name> | 'none', calls: readonly RecordedCall[]];

/** The questions and readings for which there is a case. */
const covered: string[] = [];

/** One test for each case of a question: the reading that the calls show, or none. */
function check<Name extends BehaviourName>(question: Name, cases: readonly Case<Name>[]): void {
  covered.push(...cases.filter(([, reading]) => reading !== 'none').map(([, reading]) => `${question}: ${reading}`));
  describe(question, () => {
    test.each(cases)('%s: %s', (_, reading, calls) => {
      const observed = answeredQuestions(calls).filter((observation) => observation.question === question);
      expect(observed).toEqual(reading === 'none' ? [] : [{ question, reading }]);
    });
  });
}

test('nothing was called', () => {
  expect(answeredQuestions([])).toEqual([]);
});

check('authorizingAgain', [
  ['accepted, with a day left', 'none', [authorize.answers(0, NEW)]],
  ['accepted, with ten hours left', 'keeps expiry', [authorize.answers(0, authorization(-14, 10))]],
  ['accepted, as by an earlier attempt whose answer was lost', 'none', [authorize.answers(0, authorization(-0.1, 23.9))]],
  ['accepted, and expired by the clock of the handler', 'none', [authorize.answers(0, authorization(-25, -1))]],
  ['accepted, without a record', 'none', [authorize.answers(0, undefined)]],
  ['accepted, and is older than it can be without a renewal', 'renews', [authorize.answers(0, authorization(-10, 24))]],
  ['listed, and is older than it can be without a renewal', 'renews', [authorizations.answers(0, [authorization(-10, 24)])]],
  ['listed, and fresh', 'none', [authorizations.answers(0, [NEW])]],
  ['listed, without times', 'none', [authorizations.answers(0, [PAIR])]],
  ['accepted twice: another caller may have canceled the first', 'none', [authorize.answers(0, NEW), authorize.answers(60, NEW)]],
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
      cancel.answers(10, undefined),
      authorize.answers(20, NEW),
    ],
  ],
  [
    'refused, and accepted without being canceled',
    'none',
    [authorize.fails(0, 'InvalidRequestException', 'The authorization can not be created'), authorize.answers(20, NEW)],
  ],
  [
    'refused for no stated reason, and accepted after it was canceled',
    'none',
    [authorize.fails(0, 'InvalidRequestException', ON_PURPOSE), cancel.answers(10, undefined), authorize.answers(20, NEW)],
  ],
  [
    'refused for a permission, and accepted after it was canceled',
    'none',
    [authorize.fails(0, 'InvalidRequestException', NO_PERMISSION), cancel.answers(10, undefined), authorize.answers(20, NEW)],
  ],
  [
    'shows two readings',
    'none',
    [authorize.fails(0, 'InvalidRequestException', IS_AUTHORIZED), authorize.answers(20, authorization(-14, 10))],
  ],
]);

check('missingAuthorization', [
  ...(['UnauthorizedException', 'NotFoundException', 'InvalidRequestException'] as const).flatMap(
    (name): readonly Case<'missingAuthorization'>[] => [
      [
        'refused, and accepted after authorizing',
        name,
        [connect.fails(0, name, NO_AUTHORIZATION), authorize.answers(10, NEW), connect.answers(20, undefined)],
      ],
      [
        'a deletion that was refused, and accepted after authorizing',
        name,
        [disconnect.fails(0, name, NO_AUTHORIZATION), authorize.answers(10, NEW), disconnect.answers(20, undefined)],
      ],
    ],
  ),
  ['refused', 'none', [connect.fails(0, 'NotFoundException', NO_AUTHORIZATION)]],
  ['refused, and still so', 'none', [connect.fails(0, 'NotFoundException', NO_AUTHORIZATION), authorize.answers(10, NEW)]],
  [
    'refused, and accepted although nobody here authorized',
    'none',
    [connect.fails(0, 'NotFoundException', NO_AUTHORIZATION), connect.answers(20, undefined)],
  ],
  [
    'refused, while another connection was accepted',
    'none',
    [disconnect.fails(0, 'NotFoundException', NO_AUTHORIZATION), authorize.answers(10, NEW), connect.answers(20, undefined)],
  ],
  [
    'refused for no stated reason',
    'none',
    [connect.fails(0, 'InvalidRequestException', ON_PURPOSE), authorize.answers(10, NEW), connect.answers(20, undefined)],
  ],
  [
    'refused for a permission that was not known everywhere yet',
    'none',
    [connect.fails(0, 'UnauthorizedException', NO_PERMISSION), authorize.answers(10, NEW), connect.answers(20, undefined)],
  ],
  [
    'throttled',
    'none',
    [connect.fails(0, 'ThrottlingException', NO_AUTHORIZATION), authorize.answers(10, NEW), connect.answers(20, undefined)],
  ],
]);

check('existingConnection', [
  [
    'refused, because it exists already',
    'InvalidRequestException',
    [connect.fails(0, 'InvalidRequestException', EXISTS), listing.answers(10, [listed('active')])],
  ],
  [
    'refused, because it exists already, and not listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', EXISTS), listing.answers(10, [])],
  ],
  [
    'refused for no stated reason, and listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', ON_PURPOSE), listing.answers(10, [listed('active')])],
  ],
  [
    'refused, because of something else that is so already, and listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', 'The fleet is already being deleted'), listing.answers(10, [listed('active')])],
  ],
  [
    'refused, because an authorization was used already, and listed',
    'none',
    [connect.fails(0, 'InvalidRequestException', 'The authorization was used already'), listing.answers(10, [listed('active')])],
  ],
  [
    'accepted, and listed before and after',
    'accepted',
    [listing.answers(0, [listed('active')]), connect.answers(10, undefined), listing.answers(26, [listed('active')])],
  ],
  [
    'accepted, and shown by EC2 before and after',
    'accepted',
    [
      showing.answers(0, [side('active')]),
      connect.answers(10, undefined),
      listing.answers(15, [listed('active', { VpcPeeringConnectionId: 'own-1' })]),
      showing.answers(26, [side('active')]),
    ],
  ],
  [
    'accepted, and read too early to be sure that it was not deleted before',
    'none',
    [listing.answers(0, [listed('active')]), connect.answers(10, undefined), listing.answers(20, [listed('active')])],
  ],
  [
    'accepted, after another caller had deleted it',
    'none',
    [
      listing.answers(0, [listed('active')]),
      connect.answers(10, undefined),
      listing.answers(40, [listed('active', { VpcPeeringConnectionId: 'pcx-2' })]),
    ],
  ],
  [
    'accepted, while the fleet is peered with another VPC',
    'none',
    [
      listing.answers(0, [listed('active', { PeerVpcId: 'vpc-1' })]),
      connect.answers(10, undefined),
      listing.answers(40, [listed('active', { PeerVpcId: 'vpc-1' })]),
    ],
  ],
  [
    'accepted, while another fleet is peered with the VPC',
    'none',
    [
      showing.answers(0, [side('active', { requesterVpcId: 'vpc-2' })]),
      connect.answers(10, undefined),
      listing.answers(30, [listed('provisioning', { VpcPeeringConnectionId: 'pcx-2' })]),
      showing.answers(40, [side('active', { requesterVpcId: 'vpc-2' })]),
    ],
  ],
  [
    'accepted, after an earlier attempt whose answer was lost',
    'none',
    [
      connect.fails(0, 'ECONNRESET', 'socket hang up'),
      connect.answers(1, undefined),
      listing.answers(20, [listed('active')]),
      listing.answers(60, [listed('active')]),
    ],
  ],
]);

check('deletingConnections', [
  [
    'listed as deleting when every read shows the deletion',
    'deleting for a while',
    [disconnect.answers(0, undefined), listing.answers(16, [listed('deleting')])],
  ],
  [
    'shown by EC2 as deleting when every read shows the deletion',
    'deleting for a while',
    [disconnect.answers(0, undefined), showing.answers(2, [side('active')]), showing.answers(16, [side('deleting')])],
  ],
  [
    'listed as deleting so soon that it may be what was so during the call',
    'none',
    [disconnect.answers(0, undefined), listing.answers(10, [listed('deleting')])],
  ],
  [
    'listed as deleting after it was still active: the deletion of its fleet',
    'none',
    [disconnect.answers(0, undefined), showing.answers(16, [side('active')]), showing.answers(40, [side('deleting')])],
  ],
  [
    'another connection is listed as deleting',
    'none',
    [disconnect.answers(0, undefined), listing.answers(16, [listed('deleting', { VpcPeeringConnectionId: 'pcx-2' })])],
  ],
  ['gone: another caller may have deleted it before', 'none', [disconnect.answers(0, undefined), listing.answers(16, [])]],
  [
    'refused, and listed as deleting',
    'none',
    [disconnect.fails(0, 'InvalidRequestException', ON_PURPOSE), listing.answers(16, [listed('deleting')])],
  ],
]);

check('endedConnections', [
  ['listed as deleted', 'linger', [listing.answers(0, [listed('deleted')])]],
  ['listed as failed, as one whose deletion failed', 'none', [listing.answers(0, [listed('failed')])]],
  ['not listed: the fleet may be gone', 'none', [disconnect.answers(0, undefined), listing.answers(30, [])]],
]);

check('connectionIds', [
  ['listed with the id of EC2', 'pcx of EC2', [listing.answers(0, [listed('active')]), showing.answers(1, [side('active')])]],
  ['listed with another id', 'own of GameLift', [listing.answers(0, [listed('active', { VpcPeeringConnectionId: 'own-1' })])]],
  ['listed, and EC2 not asked', 'none', [listing.answers(0, [listed('active')])]],
  [
    'listed with an id like those of EC2, which EC2 does not show: it may be late',
    'none',
    [listing.answers(0, [listed('active')]), showing.answers(1, [side('deleted', { id: 'pcx-0' })])],
  ],
  ['listed without an id', 'none', [listing.answers(0, [listed('active', { VpcPeeringConnectionId: undefined })])]],
]);

check('deletingAbsentAuthorization', [
  ['not found', 'NotFoundException', [cancel.fails(0, 'NotFoundException', NO_AUTHORIZATION)]],
  ['not found, and not said what', 'none', [cancel.fails(0, 'NotFoundException', 'Not found')]],
  ['refused with another error', 'none', [cancel.fails(0, 'InvalidRequestException', NO_AUTHORIZATION)]],
  [
    'accepted twice: another caller may have authorized in between',
    'none',
    [cancel.answers(0, undefined), cancel.answers(10, undefined)],
  ],
]);

check('fleetEvents', [
  [
    'an event about peering',
    'written',
    [events.answers(0, [{ code: 'FLEET_VPC_PEERING_SUCCEEDED', time: new Date(NOW), message: '' }])],
  ],
  ['an event about something else', 'none', [events.answers(0, [{ code: 'FLEET_CREATED', time: new Date(NOW), message: '' }])]],
  [
    'none after the connection was active: it may come later',
    'none',
    [connect.answers(0, undefined), listing.answers(20, [listed('active')]), events.answers(60, [])],
  ],
]);

check('throttlingError', [
  ...(['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded'] as const).map(
    (name): Case<'throttlingError'> => [
      'the rate of a peering operation is exceeded',
      name,
      [listing.fails(0, name, 'Rate exceeded')],
    ],
  ),
  ['EC2 throttles', 'none', [showing.fails(0, 'RequestLimitExceeded', 'Request limit exceeded: rate')]],
  ['another operation of GameLift throttles', 'none', [fleet.fails(0, 'ThrottlingException', 'Rate exceeded')]],
  ['another reason', 'none', [listing.fails(0, 'ThrottlingException', 'Try again later')]],
  ['another error', 'none', [listing.fails(0, 'LimitExceededException', 'Rate exceeded')]],
  [
    'two errors',
    'none',
    [listing.fails(0, 'ThrottlingException', 'Rate exceeded'), connect.fails(0, 'TooManyRequestsException', 'Rate exceeded')],
  ],
]);

const OF_FLEET = { tags: { 'cdk-gamelift-vpc-peering:fleet': FLEET } };

check('fleetCidrBlocks', [
  [
    'two fleets are listed with the same block',
    'may coincide',
    [listingAll.answers(0, [listed('active'), listed('active', { GameLiftVpcId: 'vpc-2' })])],
  ],
  [
    'EC2 shows two fleets with the same block',
    'may coincide',
    [showing.answers(0, [side('active', OF_FLEET), side('active', { ...OF_FLEET, requesterVpcId: 'vpc-2' })])],
  ],
  ['two connections of one fleet', 'none', [listingAll.answers(0, [listed('active'), listed('active', { PeerVpcId: 'vpc-1' })])]],
  [
    'one of them is deleted: its block may have been given to the other one',
    'none',
    [listingAll.answers(0, [listed('deleted'), listed('active', { GameLiftVpcId: 'vpc-2' })])],
  ],
  [
    'in two answers: the first may be deleted by then',
    'none',
    [listingAll.answers(0, [listed('active')]), listingAll.answers(10, [listed('active', { GameLiftVpcId: 'vpc-2' })])],
  ],
  [
    'EC2 shows the same block for a VPC that somebody else has peered',
    'none',
    [showing.answers(0, [side('active', OF_FLEET), side('active', { requesterVpcId: 'vpc-2' })])],
  ],
  [
    'no blocks',
    'none',
    [
      listingAll.answers(0, [
        listed('active', { IpV4CidrBlock: undefined }),
        listed('active', { GameLiftVpcId: 'vpc-2', IpV4CidrBlock: undefined }),
      ]),
    ],
  ],
]);

check('failedSeenByAccepter', [
  ['a connection of a fleet', 'seen', [listing.answers(0, [listed('failed')]), showing.answers(1, [side('failed')])]],
  ['not shown: it may be shown later', 'none', [listing.answers(0, [listed('failed')]), showing.answers(1, [])]],
  [
    "a peering that is not a fleet's",
    'none',
    [listing.answers(0, [listed('active')]), showing.answers(1, [side('failed', { requesterVpcId: 'vpc-2' })])],
  ],
]);

check('readBack', [
  [
    'pending again after it was active',
    'up to 15 seconds late',
    [showing.answers(0, [side('active')]), showing.answers(2, [side('provisioning')])],
  ],
  [
    'shown again after it was gone',
    'up to 15 seconds late',
    [showing.answers(0, [side('active')]), showing.answers(2, []), showing.answers(4, [side('active')])],
  ],
  ['active after it was pending', 'none', [showing.answers(0, [side('provisioning')]), showing.answers(2, [side('active')])]],
  ['gone', 'none', [showing.answers(0, [side('deleted')]), showing.answers(2, []), showing.answers(4, [])]],
  [
    'another connection of the same fleet',
    'none',
    [showing.answers(0, [side('active')]), showing.answers(2, []), showing.answers(4, [side('provisioning', { id: 'pcx-2' })])],
  ],
  ['read at the same time', 'none', [showing.answers(0, [side('active')]), showing.answers(0.05, [side('provisioning')])]],
  [
    'of another VPC',
    'none',
    [
      showing.answers(0, [side('active')]),
      calling('describePeerings', 'vpc-1').answers(2, []),
      showing.answers(4, [side('active')]),
    ],
  ],
]);

check('endedCidrBlocks', [
  ['failed, without a block', 'not told', [listing.answers(0, [listed('failed', { IpV4CidrBlock: undefined })])]],
  ['failed, with a block, as one whose deletion failed', 'none', [listing.answers(0, [listed('failed')])]],
  ['pending, without a block', 'none', [listing.answers(0, [listed('provisioning', { IpV4CidrBlock: undefined })])]],
]);

check('fleetArns', [
  [
    'without account',
    'without account',
    [fleet.answers(0, { arn: 'arn:aws:gamelift:us-east-1::fleet/fleet-1', status: 'ACTIVE', computeType: 'EC2' })],
  ],
  [
    'with account',
    'with account',
    [fleet.answers(0, { arn: 'arn:aws:gamelift:us-east-1:111111111111:fleet/fleet-1', status: 'ACTIVE', computeType: 'EC2' })],
  ],
  ['no ARN', 'none', [fleet.answers(0, { arn: '', status: 'ACTIVE', computeType: 'EC2' })]],
  ['no fleet', 'none', [fleet.answers(0, undefined)]],
]);

const NO_VPC = `The VPC ${VPC} does not exist`;

check('absentVpc', [
  ...(['InvalidRequestException', 'NotFoundException'] as const).map((name): Case<'absentVpc'> => [
    'refused, and EC2 says so, too',
    name,
    [authorize.fails(0, name, NO_VPC), vpc.answers(1, false)],
  ]),
  ['refused, and EC2 shows it', 'none', [authorize.fails(0, 'NotFoundException', NO_VPC), vpc.answers(1, true)]],
  ['refused, and EC2 is not asked', 'none', [authorize.fails(0, 'NotFoundException', NO_VPC)]],
  [
    'refused for no stated reason: EC2 may not show a new VPC yet',
    'none',
    [authorize.fails(0, 'InvalidRequestException', ON_PURPOSE), vpc.answers(1, false)],
  ],
  [
    'refused, because it is authorized',
    'none',
    [authorize.fails(0, 'InvalidRequestException', `${VPC} has an authorization`), vpc.answers(1, false)],
  ],
  ['refused with another error', 'none', [authorize.fails(0, 'UnauthorizedException', NO_VPC), vpc.answers(1, false)]],
]);

check('peerPermissions', [
  ['refused for an action of EC2', 'checked', [authorize.fails(0, 'UnauthorizedException', NO_PERMISSION)]],
  [
    'denied by IAM',
    'none',
    [authorize.fails(0, 'AccessDeniedException', 'not authorized to perform: gamelift:CreateVpcPeeringAuthorization')],
  ],
  ['refused for no stated reason', 'none', [authorize.fails(0, 'UnauthorizedException', 'No')]],
  ['accepted: who knows whether the caller has them', 'none', [authorize.answers(0, NEW)]],
]);

describe('docs/observations.md', () => {
  const [observable = '', notObservable = ''] = readFileSync(join(__dirname, '..', '..', 'docs', 'observations.md'), 'utf8')
    .split('\n## ')
    .slice(2)
    .map((section) => section.slice(section.indexOf('| ---')));
  const rowsOf = (section: string): readonly string[][] =>
    [...section.matchAll(/^\| `.*$/gm)].map(([row]) => row.split('|').map((cell) => cell.trim()));

  test('lists each answer that is recognized', () => {
    const listedAnswers = rowsOf(observable).flatMap(([, question = '', answers = '']) =>
      [...answers.matchAll(/`([^`]+)`/g)].map(([, reading = '']) => `${question.replaceAll('`', '')}: ${reading}`),
    );
    expect(listedAnswers.sort()).toEqual([...new Set(covered)].sort());
  });

  test('lists each of the other questions', () => {
    const others = Object.keys(BEHAVIOURS).filter((name) => !covered.some((each) => each.startsWith(`${name}: `)));
    expect(
      rowsOf(notObservable)
        .map(([, question]) => question?.replaceAll('`', ''))
        .sort(),
    ).toEqual(others.sort());
  });
});

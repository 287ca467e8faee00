import { Duration } from 'aws-cdk-lib';
import type { Rehearsal } from '../../rehearsal';
import type { BehaviourName, Fault } from '../../rehearsal/aws';
import { ACCOUNT, existing, join, PLACE, remove, start, withStack } from './scene';
import type { Existing, Joining } from './scene';
import { failures, Stage, told } from './stage';

afterEach(() => Stage.clear());

const REGION = PLACE.region;

const error = (name: string, message: string): Fault => ({ kind: 'error', name, message, status: 400 });

/** What every reason begins with: which fleet, which VPC, and whose they are. */
const could = (task: string, { fleetIds, vpcId }: Existing): string =>
  `could not ${task} fleet ${fleetIds[0] ?? ''} of account ${ACCOUNT} with VPC ${vpcId} of account ${ACCOUNT} in ${REGION}: `;

/** The creation fails for this one reason, and once it is rolled back, all is as it was. */
async function expectFailure(rehearsal: Rehearsal, there: Existing, options: Joining, reason: string): Promise<void> {
  const before = rehearsal.aws.inventory();
  expect(await join(rehearsal, there, options)).toBe('ROLLBACK_COMPLETE');
  expect(failures(rehearsal)).toEqual([could('peer', there) + reason]);
  expect(rehearsal.aws.inventory()).toEqual(withStack(before, 'ROLLBACK_COMPLETE'));
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  expect(rehearsal.aws.inventory()).toEqual(before);
}

describe('connections that do not come to be', () => {
  const failed = 'GameLift ended the peering connection as failed ';
  const unknown =
    "; the VPC has 10.90.0.0/16, and GameLift does not say what the fleet's VPC has. If they overlap, use a VPC with another CIDR block, " +
    'or replace the fleet; otherwise look at the events of the fleet, then deploy again';
  const refused = 'Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range';
  const both =
    "the fleet's VPC has 10.90.4.0/22, which overlaps with 10.90.0.0/16 of VPC VPC, and GameLift can not change the fleet's CIDR block " +
    `(GameLift: ${refused}). Use a VPC with another CIDR block, or replace the fleet`;

  test.each([
    ['GameLift', 'both', both, { endedCidrBlocks: 'told' }],
    ['EC2 alone', 'both', both, { failedSeenByAccepter: 'seen', fleetEvents: 'never seen' }],
    ['nobody', "the VPC's", `${failed}(${refused})${unknown}`, {}],
  ] as const)('CIDR blocks that overlap, the block of the fleet told by %s: names %s', async (_, __, reason, readings) => {
    const rehearsal = await start();
    for (const [name, reading] of Object.entries(readings) as [BehaviourName, never][]) {
      rehearsal.aws.behaviours.set(name, reading);
    }
    rehearsal.aws.fates.fleet = () => ({ cidrBlock: '10.90.4.0/22' });
    const there = await existing(rehearsal);
    await expectFailure(rehearsal, there, {}, reason.replace('VPC VPC', `VPC ${there.vpcId}`));
  });

  test('CIDR blocks that overlap: the block of the fleet is known from a connection with another VPC', async () => {
    const rehearsal = await start();
    rehearsal.aws.fates.fleet = () => ({ cidrBlock: '10.90.4.0/22' });
    const there = await existing(rehearsal);
    const { vpcId } = rehearsal.aws.ec2.createVpc({ ...PLACE, cidrBlock: '10.99.0.0/16' });
    expect(await join(rehearsal, { ...there, vpcId }, { name: 'Other' })).toBe('CREATE_COMPLETE');
    await expectFailure(rehearsal, there, {}, both.replace('VPC VPC', `VPC ${there.vpcId}`));
  });

  test('failed: says what GameLift said', async () => {
    const rehearsal = await start();
    rehearsal.aws.fates.connection = () => ({ end: 'failed', message: 'The moon is in the wrong phase' });
    await expectFailure(rehearsal, await existing(rehearsal), {}, `${failed}(The moon is in the wrong phase)${unknown}`);
  });

  test('rejected', async () => {
    const rehearsal = await start();
    rehearsal.aws.fates.connection = () => ({ end: 'rejected' });
    await expectFailure(
      rehearsal,
      await existing(rehearsal),
      {},
      `GameLift ended the peering connection as rejected (Rejected by ${ACCOUNT}). Look at the events of the fleet, then deploy again`,
    );
  });

  test('pending until the timeout', async () => {
    const rehearsal = await start();
    rehearsal.aws.fates.connection = () => ({ end: 'pending' });
    await expectFailure(
      rehearsal,
      await existing(rehearsal),
      { props: { timeout: Duration.minutes(3) } },
      'the peering connection was still pending after 180 seconds. Look at the events of the fleet, raise the timeout of the ' +
        'VpcPeeringConnection, then deploy again',
    );
  });
});

describe('fleets that can not be peered', () => {
  test('not there', async () => {
    const rehearsal = await start();
    const there = { ...(await existing(rehearsal)), fleetIds: ['fleet-00000000-0000-4000-8000-000000000000'] };
    await expectFailure(
      rehearsal,
      there,
      {},
      'there is no fleet fleet-00000000-0000-4000-8000-000000000000 in this account and us-east-1. Correct the fleet, then deploy again',
    );
  });

  test('stays in ACTIVATING', async () => {
    const rehearsal = await start();
    rehearsal.aws.fates.fleet = () => ({ end: 'hang' });
    const there = await existing(rehearsal);
    await expectFailure(
      rehearsal,
      there,
      { props: { timeout: Duration.minutes(3) } },
      `fleet ${there.fleetIds[0] ?? ''} was still in status ACTIVATING after 180 seconds. Look at its events, raise the timeout of the ` +
        'VpcPeeringConnection, then deploy again',
    );
  });

  test('goes to ERROR meanwhile', async () => {
    const rehearsal = await start();
    rehearsal.aws.fates.fleet = () => ({ end: 'error' });
    const there = await existing(rehearsal, 0);
    rehearsal.aws.fates.fleetActivationSeconds = 300;
    const { fleets } = rehearsal.aws.gameLift;
    const fleet = fleets.create(PLACE, { ComputeType: 'EC2' }, new Map());
    fleets.start(fleet, Promise.resolve(undefined));
    await rehearsal.clock.sleep(200_000);
    expect(fleet.status).toBe('BUILDING');
    const before = rehearsal.aws.inventory();
    expect(await join(rehearsal, { ...there, fleetIds: [fleet.id] })).toBe('ROLLBACK_COMPLETE');
    expect(failures(rehearsal)).toEqual([
      `${could('peer', { ...there, fleetIds: [fleet.id] })}fleet ${fleet.id} is in status ERROR and will not become ACTIVE. Look at its ` +
        'events, replace it, then deploy again',
    ]);
    expect(fleet.tags.size).toBe(0);
    expect(rehearsal.aws.inventory()).toEqual({
      ...withStack(before, 'ROLLBACK_COMPLETE'),
      fleets: before.fleets.map((other) => ({ ...other, status: 'ERROR' })),
    });
  });
});

describe('peer VPCs and permissions', () => {
  test('a VPC that is not there, of which authorizing says nothing', async () => {
    const rehearsal = await start();
    rehearsal.aws.behaviours.set('absentVpc', 'accepted');
    const there = { ...(await existing(rehearsal)), vpcId: 'vpc-0123456789abcdef0' };
    await expectFailure(
      rehearsal,
      there,
      {},
      `GameLift ended the peering connection as failed (Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range), and EC2 knows ` +
        'no VPC vpc-0123456789abcdef0 in this account and Region. Correct the VPC, then deploy again',
    );
  });

  test.each(['InvalidRequestException', 'NotFoundException'] as const)(
    'a VPC that is not there, which is not authorized with %s',
    async (absentVpc) => {
      const rehearsal = await start();
      rehearsal.aws.behaviours.set('absentVpc', absentVpc);
      const there = { ...(await existing(rehearsal)), vpcId: 'vpc-0123456789abcdef0' };
      const before = rehearsal.aws.inventory();
      expect(await join(rehearsal, there)).toBe('ROLLBACK_COMPLETE');
      expect(failures(rehearsal)).toEqual([
        `could not authorize VPC peering between VPC vpc-0123456789abcdef0 of account ${ACCOUNT} and GameLift account ${ACCOUNT} in ` +
          `${REGION}: ${absentVpc}: The VPC vpc-0123456789abcdef0 does not exist in account ${ACCOUNT}. EC2 knows no VPC ` +
          `vpc-0123456789abcdef0 in account ${ACCOUNT} and ${REGION}: correct the VPC, then deploy again`,
      ]);
      expect(rehearsal.aws.inventory()).toEqual(withStack(before, 'ROLLBACK_COMPLETE'));
    },
  );

  /** The authorization of the stack, made first, is the only one that GameLift grants; and it refuses the connection. */
  function refuseAll(rehearsal: Rehearsal, authorizations: number): void {
    let made = 0;
    rehearsal.aws.intercept(({ operation }) => {
      made += operation === 'CreateVpcPeeringAuthorization' ? 1 : 0;
      return operation === 'CreateVpcPeeringConnection' ||
        (operation === 'CreateVpcPeeringAuthorization' && made > authorizations)
        ? error('UnauthorizedException', 'VPC actions are not authorized')
        : undefined;
    });
  }

  test('no authorization, and none to be had', async () => {
    const rehearsal = await start();
    refuseAll(rehearsal, 1);
    const there = await existing(rehearsal);
    await expectFailure(
      rehearsal,
      there,
      {},
      `could not authorize VPC peering between VPC ${there.vpcId} of account ${ACCOUNT} and GameLift account ${ACCOUNT} in ${REGION}: ` +
        'UnauthorizedException: VPC actions are not authorized. Check that no service control policy and no permissions boundary keeps ' +
        `the handler's role in account ${ACCOUNT} from gamelift:CreateVpcPeeringAuthorization, gamelift:DeleteVpcPeeringAuthorization, ` +
        `gamelift:DescribeVpcPeeringAuthorizations, and from the EC2 actions on VPC ${there.vpcId} that CreateVpcPeeringAuthorization ` +
        'asks of its caller, then deploy again',
    );
  });

  test('refused although it was authorized', async () => {
    const rehearsal = await start();
    refuseAll(rehearsal, 9);
    await expectFailure(
      rehearsal,
      await existing(rehearsal),
      {},
      'GameLift refused CreateVpcPeeringConnection although it had just been authorized (UnauthorizedException: VPC actions are not ' +
        'authorized). Look at the events of the fleet, and at the VPC and its account, then deploy again',
    );
  });

  test('DNS resolution that EC2 refuses', async () => {
    const rehearsal = await start();
    const there = await existing(rehearsal);
    rehearsal.aws.intercept(({ operation }) =>
      operation === 'ModifyVpcPeeringConnectionOptions' ? error('OperationNotPermitted', 'Not on this day') : undefined,
    );
    const before = rehearsal.aws.inventory();
    expect(await join(rehearsal, there, { props: { dnsResolution: true } })).toBe('ROLLBACK_COMPLETE');
    const [reason = ''] = failures(rehearsal);
    const [peeringId = ''] = /pcx-\w+/.exec(reason) ?? [];
    expect(failures(rehearsal)).toEqual([
      `${could('peer', there)}EC2 refused to turn DNS resolution on for ${peeringId} (OperationNotPermitted: Not on this day). See that VPC ` +
        `${there.vpcId} has DNS hostnames and DNS support enabled, or leave dnsResolution out, then deploy again`,
    ]);
    expect(rehearsal.aws.inventory()).toEqual(withStack(before, 'ROLLBACK_COMPLETE'));
  });

  test('a route that leads elsewhere: names both targets, and loses nothing', async () => {
    const rehearsal = await start();
    rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
    const there = await existing(rehearsal);
    const { ec2, gameLift } = rehearsal.aws;
    const destination = gameLift.fleets.all()[0]?.vpc?.cidrBlock ?? '';
    const gateway = ec2.createGateway(PLACE, 'igw');
    ec2.attachGateway(PLACE, gateway, there.vpcId);
    // the table that is looked at last: those before it must not have changed when the conflict shows
    const [, routeTableId = ''] = there.routeTableIds;
    ec2.createRoute(PLACE, routeTableId, { destination, kind: 'gatewayId', target: gateway });
    const before = rehearsal.aws.inventory();
    expect(before.routes).toHaveLength(1);
    expect(await join(rehearsal, there)).toBe('ROLLBACK_COMPLETE');
    const [reason = ''] = failures(rehearsal);
    const [peeringId = ''] = /pcx-\w+/.exec(reason) ?? [];
    expect(failures(rehearsal)).toEqual([
      `${could('peer', there)}route table ${routeTableId} has a route for ${destination} to ${gateway}, where the fleet's VPC needs one to ` +
        `${peeringId}. Remove that route, or leave the table out with PeeringRoutes.forSubnets, then deploy again`,
    ]);
    const ofRoutes = told(rehearsal, 'ec2').filter((line) => line.includes('Route'));
    expect(ofRoutes.length).toBeGreaterThan(0);
    expect(ofRoutes.filter((line) => !line.startsWith('DescribeRouteTables '))).toEqual([]);
    expect(rehearsal.aws.inventory()).toEqual(withStack(before, 'ROLLBACK_COMPLETE'));
  });
});

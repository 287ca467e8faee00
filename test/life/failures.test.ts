import { Duration } from 'aws-cdk-lib';
import type { Rehearsal } from 'rehearsal';
import type { BehaviourName, Fault } from 'rehearsal/aws';
import { ACCOUNT, existing, join, PLACE, remove, start, withStack } from './scene';
import type { Existing, Joining } from './scene';
import { failures, Stage, told } from './stage';

afterEach(() => Stage.clear());

const REGION = PLACE.region;

const error = (name: string, message: string): Fault => ({ kind: 'error', name, message, status: 400 });

/** The beginning of every reason: what failed, the fleet and the VPC. */
const could = (task: string, { fleetIds, vpcId }: Existing): string =>
  `could not ${task} fleet ${fleetIds[0] ?? ''} with VPC ${vpcId} in ${REGION}: `;

/** Expects that the create fails with this reason only, and that the rollback restores everything. */
async function expectFailure(rehearsal: Rehearsal, there: Existing, options: Joining, reason: string): Promise<void> {
  const before = rehearsal.aws.inventory();
  expect(await join(rehearsal, there, options)).toBe('ROLLBACK_COMPLETE');
  expect(failures(rehearsal)).toEqual([could('peer', there) + reason]);
  expect(rehearsal.aws.inventory()).toEqual(withStack(before, 'ROLLBACK_COMPLETE'));
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  expect(rehearsal.aws.inventory()).toEqual(before);
}

describe('connections that do not become active', () => {
  const failed = 'GameLift reports the status failed for the peering connection ';
  const otherBlock =
    'se a peer VPC with another CIDR block, or replace the fleet: GameLift may choose another block for a new fleet';
  const unknown =
    `. The peer VPC has 10.90.0.0/16, and GameLift does not say which CIDR block the fleet's VPC has. If the blocks overlap, u${otherBlock}. ` +
    'Otherwise, look at the events of the fleet, then deploy again';
  const refused = 'Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range';
  const both =
    "the CIDR block of the fleet's VPC, 10.90.4.0/22, overlaps with 10.90.0.0/16 of VPC VPC " +
    `(GameLift: ${refused}). U${otherBlock}`;

  test.each([
    ['GameLift', 'both', both, { endedCidrBlocks: 'told' }],
    ['EC2 alone', 'both', both, { failedSeenByAccepter: 'seen', fleetEvents: 'never seen' }],
    ['nobody', "the VPC's", `${failed}(${refused})${unknown}`, {}],
  ] as const)(
    'CIDR blocks overlap, and %s shows the block of the fleet: the reason names %s',
    async (_, __, reason, readings) => {
      const rehearsal = await start();
      for (const [name, reading] of Object.entries(readings) as [BehaviourName, never][]) {
        rehearsal.aws.behaviours.set(name, reading);
      }
      rehearsal.aws.scriptedOutcomes.fleet = () => ({ cidrBlock: '10.90.4.0/22' });
      const there = await existing(rehearsal);
      await expectFailure(rehearsal, there, {}, reason.replace('VPC VPC', `VPC ${there.vpcId}`));
    },
  );

  test('CIDR blocks overlap, and the block of the fleet is known from a connection with another VPC', async () => {
    const rehearsal = await start();
    rehearsal.aws.scriptedOutcomes.fleet = () => ({ cidrBlock: '10.90.4.0/22' });
    const there = await existing(rehearsal);
    const { vpcId } = rehearsal.aws.ec2.createVpc({ ...PLACE, cidrBlock: '10.99.0.0/16' });
    expect(await join(rehearsal, { ...there, vpcId }, { name: 'Other' })).toBe('CREATE_COMPLETE');
    await expectFailure(rehearsal, there, {}, both.replace('VPC VPC', `VPC ${there.vpcId}`));
  });

  test("fails with GameLift's message if the connection fails", async () => {
    const rehearsal = await start();
    rehearsal.aws.scriptedOutcomes.connection = () => ({ end: 'failed', message: 'The moon is in the wrong phase' });
    await expectFailure(rehearsal, await existing(rehearsal), {}, `${failed}(The moon is in the wrong phase)${unknown}`);
  });

  test('fails if the connection is rejected', async () => {
    const rehearsal = await start();
    rehearsal.aws.scriptedOutcomes.connection = () => ({ end: 'rejected' });
    await expectFailure(
      rehearsal,
      await existing(rehearsal),
      {},
      `GameLift reports the status rejected for the peering connection (Rejected by ${ACCOUNT}). Look at the events of the fleet, then deploy again`,
    );
  });

  test('fails if the connection is pending until the timeout', async () => {
    const rehearsal = await start();
    rehearsal.aws.scriptedOutcomes.connection = () => ({ end: 'pending' });
    await expectFailure(
      rehearsal,
      await existing(rehearsal),
      { props: { timeout: Duration.minutes(3) } },
      'the peering connection was still pending after 180 seconds. Look at the events of the fleet, raise the timeout of the ' +
        'VpcPeeringConnection, then deploy again',
    );
  });
});

describe('fleets that cannot be peered', () => {
  test('fails if there is no such fleet', async () => {
    const rehearsal = await start();
    const there = { ...(await existing(rehearsal)), fleetIds: ['fleet-00000000-0000-4000-8000-000000000000'] };
    await expectFailure(
      rehearsal,
      there,
      {},
      'there is no fleet fleet-00000000-0000-4000-8000-000000000000 in this account and us-east-1. Correct the fleet of the ' +
        'VpcPeeringConnection, then deploy again',
    );
  });

  test('fails if the fleet stays in status ACTIVATING', async () => {
    const rehearsal = await start();
    rehearsal.aws.scriptedOutcomes.fleet = () => ({ end: 'hang' });
    const there = await existing(rehearsal);
    await expectFailure(
      rehearsal,
      there,
      { props: { timeout: Duration.minutes(3) } },
      `fleet ${there.fleetIds[0] ?? ''} was still in status ACTIVATING after 180 seconds. Look at its events, raise the timeout of the ` +
        'VpcPeeringConnection, then deploy again',
    );
  });

  test('fails if the fleet goes to status ERROR', async () => {
    const rehearsal = await start();
    rehearsal.aws.scriptedOutcomes.fleet = () => ({ end: 'error' });
    const there = await existing(rehearsal, 0);
    rehearsal.aws.scriptedOutcomes.fleetActivationSeconds = 300;
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
  test('fails if there is no such VPC, and GameLift authorizes it', async () => {
    const rehearsal = await start();
    rehearsal.aws.behaviours.set('absentVpc', 'accepted');
    const there = { ...(await existing(rehearsal)), vpcId: 'vpc-0123456789abcdef0' };
    await expectFailure(
      rehearsal,
      there,
      {},
      'GameLift reports the status failed for the peering connection (Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR ' +
        'range), and EC2 finds no VPC vpc-0123456789abcdef0. Correct the vpc of the VpcPeeringAuthorization, then deploy again',
    );
  });

  test.each(['InvalidRequestException', 'NotFoundException'] as const)(
    'fails if there is no such VPC, and GameLift refuses to authorize it with %s',
    async (absentVpc) => {
      const rehearsal = await start();
      rehearsal.aws.behaviours.set('absentVpc', absentVpc);
      const there = { ...(await existing(rehearsal)), vpcId: 'vpc-0123456789abcdef0' };
      const before = rehearsal.aws.inventory();
      expect(await join(rehearsal, there)).toBe('ROLLBACK_COMPLETE');
      expect(failures(rehearsal)).toEqual([
        `could not authorize VPC peering for VPC vpc-0123456789abcdef0 in ${REGION}: ${absentVpc}: The VPC vpc-0123456789abcdef0 does not ` +
          `exist in account ${ACCOUNT}. There is no VPC vpc-0123456789abcdef0 in account ${ACCOUNT} and ${REGION}: correct the vpc of the ` +
          'VpcPeeringAuthorization, then deploy again',
      ]);
      expect(rehearsal.aws.inventory()).toEqual(withStack(before, 'ROLLBACK_COMPLETE'));
    },
  );

  /** GameLift refuses the connection, and all authorizations after the given number. */
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

  test('fails if GameLift refuses the connection and to authorize it', async () => {
    const rehearsal = await start();
    refuseAll(rehearsal, 1);
    const there = await existing(rehearsal);
    await expectFailure(
      rehearsal,
      there,
      {},
      `could not authorize VPC peering for VPC ${there.vpcId} in ${REGION}: UnauthorizedException: VPC actions are not authorized. Check ` +
        `that the handler's role in account ${ACCOUNT} is allowed to call gamelift:CreateVpcPeeringAuthorization, ` +
        'gamelift:DeleteVpcPeeringAuthorization, gamelift:DescribeVpcPeeringAuthorizations and the EC2 actions that GameLift requires for ' +
        `VPC ${there.vpcId}, and that no service control policy or permissions boundary denies them, then try again`,
    );
  });

  test('fails if GameLift refuses the connection although it is authorized', async () => {
    const rehearsal = await start();
    refuseAll(rehearsal, 9);
    await expectFailure(
      rehearsal,
      await existing(rehearsal),
      {},
      'GameLift refused CreateVpcPeeringConnection although it had just been authorized (UnauthorizedException: VPC actions are not ' +
        'authorized). Look at the events of the fleet, check the vpc and the peerVpcAccount of the VpcPeeringAuthorization, then deploy again',
    );
  });

  test('fails if EC2 does not turn DNS resolution on', async () => {
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
      `${could('peer', there)}could not turn DNS resolution on for ${peeringId} (OperationNotPermitted: Not on this day). Enable DNS ` +
        `hostnames and DNS support for VPC ${there.vpcId}, or remove dnsResolution from the VpcPeeringConnection, then try again`,
    ]);
    expect(rehearsal.aws.inventory()).toEqual(withStack(before, 'ROLLBACK_COMPLETE'));
  });

  test('fails if there is a route to another target, names both targets, and changes no route', async () => {
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

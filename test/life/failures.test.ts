import { Duration } from 'aws-cdk-lib';
import type { Rehearsal } from 'rehearsal';
import type { BehaviourName } from 'rehearsal/aws';
import {
  ACCOUNT,
  NO_PEERING_PROBLEM,
  createExistingResources,
  deployConnections,
  ACCOUNT_AND_REGION,
  deleteStack,
  startFastRehearsal,
  withStackStatus,
} from './common-stacks';
import type { ExistingResources, ConnectionsOptions } from './common-stacks';
import { errorFault, failureReasons, closeRehearsals, journalLinesFrom } from './rehearsals';

afterEach(closeRehearsals);

const REGION = ACCOUNT_AND_REGION.region;

/** The beginning of every message: the task that failed, the fleet and the VPC. */
const failureOf = (task: string, { fleetIds, vpcId }: ExistingResources): string =>
  `could not ${task} fleet ${fleetIds[0] ?? ''} with VPC ${vpcId} in ${REGION}: `;

/** Expects that the create fails with only this message, and that the rollback removes everything that the create made. */
async function expectFailure(
  rehearsal: Rehearsal,
  existing: ExistingResources,
  options: ConnectionsOptions,
  reason: string,
): Promise<void> {
  const before = rehearsal.aws.inventory();
  expect(await deployConnections(rehearsal, existing, options)).toBe('ROLLBACK_COMPLETE');
  expect(failureReasons(rehearsal)).toEqual([failureOf('peer', existing) + reason]);
  expect(rehearsal.aws.inventory()).toEqual(withStackStatus(before, 'ROLLBACK_COMPLETE'));
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  expect(rehearsal.aws.inventory()).toEqual(before);
}

describe('connections that do not become active', () => {
  const failedStatus = 'GameLift reports the status failed for the peering connection ';
  const otherBlockAdvice = (use: 'use' | 'Use'): string =>
    `${use} a peer VPC with another CIDR block, or replace the fleet: GameLift may choose another block for a new fleet`;
  const unknownBlock =
    `. The peer VPC has 10.90.0.0/16, and GameLift does not say which CIDR block the fleet's VPC has. If the blocks overlap, ${otherBlockAdvice('use')}. ` +
    'Otherwise, look at the events of the fleet, then deploy again';
  const gameLiftMessage = 'Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range';
  /** The tests replace VPC_ID. */
  const overlap =
    "the CIDR block of the fleet's VPC, 10.90.4.0/22, overlaps with 10.90.0.0/16 of VPC VPC_ID " +
    `(GameLift: ${gameLiftMessage}). ${otherBlockAdvice('Use')}`;

  test.each([
    ['GameLift shows', 'both blocks', overlap, { endedCidrBlocks: 'returned' }],
    ['only EC2 shows', 'both blocks', overlap, { failedSeenByAccepter: 'shown', fleetEvents: 'never seen' }],
    ['nothing shows', "the VPC's block", `${failedStatus}(${gameLiftMessage})${unknownBlock}`, {}],
  ] as const)(
    'fails if CIDR blocks overlap: if %s the block of the fleet, the message names %s',
    async (_, __, reason, readings) => {
      const rehearsal = await startFastRehearsal();
      for (const [name, reading] of Object.entries(readings) as [BehaviourName, never][]) {
        rehearsal.aws.behaviours.set(name, reading);
      }
      rehearsal.aws.scriptedOutcomes.fleet = () => ({ cidrBlock: '10.90.4.0/22' });
      const existing = await createExistingResources(rehearsal);
      await expectFailure(rehearsal, existing, {}, reason.replace('VPC_ID', existing.vpcId));
    },
  );

  test('fails if CIDR blocks overlap, and names the block of the fleet if a connection with another VPC shows it', async () => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.scriptedOutcomes.fleet = () => ({ cidrBlock: '10.90.4.0/22' });
    const existing = await createExistingResources(rehearsal);
    const { vpcId } = rehearsal.aws.ec2.createVpc({ ...ACCOUNT_AND_REGION, cidrBlock: '10.99.0.0/16' });
    expect(await deployConnections(rehearsal, { ...existing, vpcId }, { name: 'Other' })).toBe('CREATE_COMPLETE');
    await expectFailure(rehearsal, existing, {}, overlap.replace('VPC_ID', existing.vpcId));
  });

  test("fails with GameLift's message if the connection fails", async () => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.scriptedOutcomes.connection = () => ({ end: 'failed', message: 'Internal problem' });
    await expectFailure(
      rehearsal,
      await createExistingResources(rehearsal),
      {},
      `${failedStatus}(Internal problem)${unknownBlock}`,
    );
  });

  test('fails if the connection is rejected', async () => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.scriptedOutcomes.connection = () => ({ end: 'rejected' });
    await expectFailure(
      rehearsal,
      await createExistingResources(rehearsal),
      {},
      `GameLift reports the status rejected for the peering connection (Rejected by ${ACCOUNT}). Look at the events of the fleet, then deploy again`,
    );
  });

  test('fails if the connection is pending until the timeout', async () => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.scriptedOutcomes.connection = () => ({ end: 'pending' });
    await expectFailure(
      rehearsal,
      await createExistingResources(rehearsal),
      { props: { timeout: Duration.minutes(3) } },
      'the peering connection was still pending after 180 seconds. Look at the events of the fleet, raise the timeout of the ' +
        'VpcPeeringConnection, then deploy again',
    );
  });
});

describe('fleets that cannot be peered', () => {
  test('fails if the fleet does not exist', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = { ...(await createExistingResources(rehearsal)), fleetIds: ['fleet-00000000-0000-4000-8000-000000000000'] };
    await expectFailure(
      rehearsal,
      existing,
      {},
      'there is no fleet fleet-00000000-0000-4000-8000-000000000000 in this account and us-east-1. Correct the fleet of the ' +
        'VpcPeeringConnection, then deploy again',
    );
  });

  test('fails if the fleet stays in status ACTIVATING', async () => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.scriptedOutcomes.fleet = () => ({ end: 'hang' });
    const existing = await createExistingResources(rehearsal);
    await expectFailure(
      rehearsal,
      existing,
      { props: { timeout: Duration.minutes(3) } },
      `fleet ${existing.fleetIds[0] ?? ''} was still in status ACTIVATING after 180 seconds. Look at its events, raise the timeout of the ` +
        'VpcPeeringConnection, then deploy again',
    );
  });

  test('fails if the fleet goes to status ERROR', async () => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.scriptedOutcomes.fleet = () => ({ end: 'error' });
    const existing = await createExistingResources(rehearsal, 0);
    rehearsal.aws.scriptedOutcomes.fleetActivationSeconds = 300;
    const { fleets } = rehearsal.aws.gameLift;
    const fleet = fleets.create(ACCOUNT_AND_REGION, { ComputeType: 'EC2' }, new Map());
    fleets.activate(fleet, NO_PEERING_PROBLEM);
    await rehearsal.clock.sleep(200_000);
    expect(fleet.status).toBe('BUILDING');
    const before = rehearsal.aws.inventory();
    expect(await deployConnections(rehearsal, { ...existing, fleetIds: [fleet.id] })).toBe('ROLLBACK_COMPLETE');
    expect(failureReasons(rehearsal)).toEqual([
      `${failureOf('peer', { ...existing, fleetIds: [fleet.id] })}fleet ${fleet.id} is in status ERROR and will not become ACTIVE. Look at its ` +
        'events, replace it, then deploy again',
    ]);
    expect(fleet.tags.size).toBe(0);
    expect(rehearsal.aws.inventory()).toEqual({
      ...withStackStatus(before, 'ROLLBACK_COMPLETE'),
      fleets: before.fleets.map((other) => ({ ...other, status: 'ERROR' })),
    });
  });
});

describe('peer VPCs and permissions', () => {
  test('fails if the VPC does not exist, and GameLift accepts the authorization', async () => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.behaviours.set('absentVpc', 'accepted');
    const existing = { ...(await createExistingResources(rehearsal)), vpcId: 'vpc-0123456789abcdef0' };
    await expectFailure(
      rehearsal,
      existing,
      {},
      'GameLift reports the status failed for the peering connection (Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR ' +
        'range), and EC2 finds no VPC vpc-0123456789abcdef0. Correct the vpc of the VpcPeeringAuthorization, then deploy again',
    );
  });

  test.each(['InvalidRequestException', 'NotFoundException'] as const)(
    'fails if the VPC does not exist, and GameLift refuses the authorization with %s',
    async (absentVpc) => {
      const rehearsal = await startFastRehearsal();
      rehearsal.aws.behaviours.set('absentVpc', absentVpc);
      const existing = { ...(await createExistingResources(rehearsal)), vpcId: 'vpc-0123456789abcdef0' };
      const before = rehearsal.aws.inventory();
      expect(await deployConnections(rehearsal, existing)).toBe('ROLLBACK_COMPLETE');
      expect(failureReasons(rehearsal)).toEqual([
        `could not authorize VPC peering for VPC vpc-0123456789abcdef0 in ${REGION}: ${absentVpc}: The VPC vpc-0123456789abcdef0 does not ` +
          `exist in account ${ACCOUNT}. There is no VPC vpc-0123456789abcdef0 in account ${ACCOUNT} and ${REGION}: correct the vpc of the ` +
          'VpcPeeringAuthorization, then deploy again',
      ]);
      expect(rehearsal.aws.inventory()).toEqual(withStackStatus(before, 'ROLLBACK_COMPLETE'));
    },
  );

  /** Makes GameLift refuse every connection. It accepts this number of authorizations, and refuses all later ones. */
  function refuseConnections(rehearsal: Rehearsal, acceptedAuthorizations: number): void {
    let authorizationCount = 0;
    rehearsal.aws.intercept(({ operation }) => {
      authorizationCount += operation === 'CreateVpcPeeringAuthorization' ? 1 : 0;
      return operation === 'CreateVpcPeeringConnection' ||
        (operation === 'CreateVpcPeeringAuthorization' && authorizationCount > acceptedAuthorizations)
        ? errorFault('UnauthorizedException', 'VPC actions are not authorized')
        : undefined;
    });
  }

  test('fails if GameLift refuses the connection, and then refuses an authorization', async () => {
    const rehearsal = await startFastRehearsal();
    refuseConnections(rehearsal, 1);
    const existing = await createExistingResources(rehearsal);
    await expectFailure(
      rehearsal,
      existing,
      {},
      `could not authorize VPC peering for VPC ${existing.vpcId} in ${REGION}: UnauthorizedException: VPC actions are not authorized. Check ` +
        `that the handler's role in account ${ACCOUNT} is allowed to call gamelift:CreateVpcPeeringAuthorization, ` +
        'gamelift:DeleteVpcPeeringAuthorization, gamelift:DescribeVpcPeeringAuthorizations and the EC2 actions that GameLift requires for ' +
        `VPC ${existing.vpcId}, and that no service control policy or permissions boundary denies them, then try again`,
    );
  });

  test('fails if GameLift refuses the connection although it is authorized', async () => {
    const rehearsal = await startFastRehearsal();
    refuseConnections(rehearsal, Infinity);
    await expectFailure(
      rehearsal,
      await createExistingResources(rehearsal),
      {},
      'GameLift refused CreateVpcPeeringConnection although it had just been authorized (UnauthorizedException: VPC actions are not ' +
        'authorized). Look at the events of the fleet, check the vpc and the peerVpcAccount of the VpcPeeringAuthorization, then deploy again',
    );
  });

  test('fails if EC2 does not turn DNS resolution on', async () => {
    const rehearsal = await startFastRehearsal();
    const existing = await createExistingResources(rehearsal);
    rehearsal.aws.intercept(({ operation }) =>
      operation === 'ModifyVpcPeeringConnectionOptions'
        ? errorFault('OperationNotPermitted', 'DNS hostnames are disabled')
        : undefined,
    );
    const before = rehearsal.aws.inventory();
    expect(await deployConnections(rehearsal, existing, { props: { dnsResolution: true } })).toBe('ROLLBACK_COMPLETE');
    const [reason = ''] = failureReasons(rehearsal);
    const [peeringId = ''] = /pcx-\w+/.exec(reason) ?? [];
    expect(failureReasons(rehearsal)).toEqual([
      `${failureOf('peer', existing)}could not turn DNS resolution on for ${peeringId} (OperationNotPermitted: DNS hostnames are disabled). Enable DNS ` +
        `hostnames and DNS support for VPC ${existing.vpcId}, or remove dnsResolution from the VpcPeeringConnection, then try again`,
    ]);
    expect(rehearsal.aws.inventory()).toEqual(withStackStatus(before, 'ROLLBACK_COMPLETE'));
  });

  test('fails if there is a route to another target, names both targets, and changes no route', async () => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.behaviours.set('peerVpcWrites', 'none');
    const existing = await createExistingResources(rehearsal);
    const { ec2, gameLift } = rehearsal.aws;
    const destination = gameLift.fleets.all()[0]?.vpc?.cidrBlock ?? '';
    const gateway = ec2.createGateway(ACCOUNT_AND_REGION, 'igw');
    ec2.attachGateway(ACCOUNT_AND_REGION, gateway, existing.vpcId);
    // in the table that the handler reads last: it must not change the other tables before it finds the conflict
    const [, routeTableId = ''] = existing.routeTableIds;
    ec2.createRoute(ACCOUNT_AND_REGION, routeTableId, { destination, kind: 'gatewayId', target: gateway });
    const before = rehearsal.aws.inventory();
    expect(before.routes).toHaveLength(1);
    expect(await deployConnections(rehearsal, existing)).toBe('ROLLBACK_COMPLETE');
    const [reason = ''] = failureReasons(rehearsal);
    const [peeringId = ''] = /pcx-\w+/.exec(reason) ?? [];
    expect(failureReasons(rehearsal)).toEqual([
      `${failureOf('peer', existing)}route table ${routeTableId} has a route for ${destination} to ${gateway}, but the fleet's VPC needs one to ` +
        `${peeringId}. Remove that route, or leave the table out with PeeringRoutes.forSubnets, then deploy again`,
    ]);
    const routeCalls = journalLinesFrom(rehearsal, 'ec2').filter((line) => line.includes('Route'));
    expect(routeCalls.length).toBeGreaterThan(0);
    expect(routeCalls.filter((line) => !line.startsWith('DescribeRouteTables '))).toEqual([]);
    expect(rehearsal.aws.inventory()).toEqual(withStackStatus(before, 'ROLLBACK_COMPLETE'));
  });
});

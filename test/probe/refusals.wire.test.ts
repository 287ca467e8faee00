import { Interrupted } from '../../probe/errors';
import type { Outcome } from '../../probe/probe';
import { ACCOUNT, PLACE, ProbeWorld } from './world';
import type { RunOptions } from './world';

/*
 * Tests in which the probe refuses to begin, or stops, with their messages.
 */

let world: ProbeWorld;
afterEach(() => ProbeWorld.clear());

/** Runs the probe, expects that it stops without a change, and returns its error. */
async function errorWithoutChanges(options: RunOptions = {}): Promise<string> {
  const before = world.calls.length;
  const outcome = await world.run(options);
  expect(outcome.kind).toBe('stopped');
  expect(world.calls.slice(before).filter((call) => /:(Create|Delete|Tag|Untag|Revoke)/.test(call))).toEqual([]);
  return errorOrKindOf(outcome);
}

function errorOrKindOf(outcome: Outcome): string {
  return outcome.kind === 'stopped' ? outcome.error : outcome.kind;
}

const REQUIREMENT = 'The probe needs a fleet without connections and an empty VPC that nothing is peered with, but found:';

test('refuses a fleet that does not exist', async () => {
  world = await ProbeWorld.start();
  const fleetId = 'fleet-00000000-0000-4000-8000-000000000000';
  expect(await errorWithoutChanges({ fleetId })).toContain(`${fleetId} was not found`);
});

test('refuses a fleet that is not ACTIVE', async () => {
  world = await ProbeWorld.start();
  const fleetId = await world.createFleet();
  expect(await errorWithoutChanges({ fleetId })).toMatch(`${fleetId} is `);
  expect(await errorWithoutChanges({ fleetId })).toContain('Use a fleet that is ACTIVE.\nNothing was changed.');
});

test('refuses an Anywhere fleet', async () => {
  world = await ProbeWorld.start();
  const fleetId = await world.createFleet({
    ComputeType: 'ANYWHERE',
    BuildId: undefined,
    EC2InstanceType: undefined,
  });
  await world.waitHours(1);
  expect(await errorWithoutChanges({ fleetId })).toBe(
    `${fleetId} has compute type ANYWHERE. GameLift peers EC2 fleets only: use an EC2 fleet.\nNothing was changed.`,
  );
});

test('refuses a VPC that does not exist', async () => {
  world = await ProbeWorld.start();
  expect(await errorWithoutChanges({ vpcId: 'vpc-0123456789abcdef0' })).toContain('vpc-0123456789abcdef0 was not found');
});

test('refuses a VPC of another account', async () => {
  world = await ProbeWorld.start();
  const { vpcId } = world.aws.ec2.createVpc({ account: '222222222222', region: PLACE.region, cidrBlock: '10.91.0.0/16' });
  expect(await errorWithoutChanges({ vpcId })).toContain(`${vpcId} was not found`);
});

test('refuses a VPC that another account shares with the account of the fleet', async () => {
  world = await ProbeWorld.start();
  const shared = { VpcId: world.vpcId, OwnerId: '222222222222' };
  const run = world.start({ replaceOutput: (operation) => (operation === 'DescribeVpcs' ? { Vpcs: [shared] } : undefined) });
  expect(errorOrKindOf(await run.outcome)).toBe(
    `${world.vpcId} belongs to account 222222222222, but your credentials belong to ${ACCOUNT}. Use a VPC of the account of the fleet.\nNothing was changed.`,
  );
});

test('refuses a VPC with a network interface', async () => {
  world = await ProbeWorld.start();
  const { ec2 } = world.aws;
  const subnetId = ec2.createSubnet(PLACE, { vpcId: world.vpcId, cidrBlock: '10.90.0.0/24', availabilityZone: 'us-east-1a' });
  const interfaceId = ec2.createNetworkInterface(PLACE, { subnetId, groupIds: [], description: 'database' });
  expect(await errorWithoutChanges()).toContain(
    `${REQUIREMENT}\n- ${world.vpcId} has network interface ${interfaceId}\nUse another fleet`,
  );
});

test('refuses a VPC with a valid authorization', async () => {
  world = await ProbeWorld.start();
  const input = { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: world.vpcId };
  await world.aws.callGameLift('CreateVpcPeeringAuthorization', input, PLACE);
  await world.waitForGameLift();
  expect(await errorWithoutChanges()).toContain(`- ${world.vpcId} is authorized for account ${ACCOUNT}\n`);
});

test('accepts a VPC whose authorization has expired', async () => {
  world = await ProbeWorld.start();
  const input = { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: world.vpcId };
  await world.aws.callGameLift('CreateVpcPeeringAuthorization', input, PLACE);
  await world.waitHours(25);
  expect((await world.run()).kind).toBe('finished');
});

test('refuses a fleet and a VPC that are peered, and lists their routes and rules', async () => {
  world = await ProbeWorld.start();
  await world.peer();
  const error = await errorWithoutChanges();
  expect(error).toContain(`- ${world.fleetId} has connection pcx-`);
  expect(error).toContain(`to ${world.vpcId}, which is active\n`);
  expect(error).toMatch(new RegExp(`- ${world.vpcId} has peering pcx-\\S+, which is active\n`));
  expect(error).toMatch(new RegExp(`- ${world.vpcId} has a route of rtb-\\S+ to \\S+ through pcx-`));
  expect(error).toMatch(new RegExp(`- ${world.vpcId} has an ingress rule of sg-`));
});

test('accepts a fleet and a VPC whose connection was deleted', async () => {
  world = await ProbeWorld.start();
  await world.peer();
  await world.unpeer();
  const outcome = await world.run();
  expect(errorOrKindOf(outcome)).toBe('finished');
});

test('does nothing if the user does not agree', async () => {
  world = await ProbeWorld.start();
  expect(await errorWithoutChanges({ confirm: () => Promise.resolve(false) })).toBe('You did not agree.\nNothing was changed.');
});

test('says what it will do before it asks', async () => {
  world = await ProbeWorld.start();
  let printed = '';
  const confirm = (): Promise<boolean> => {
    printed = world.lines.join('\n');
    return Promise.resolve(false);
  };
  await errorWithoutChanges({ confirm });
  expect(printed).toContain(`connect ${world.fleetId} with it up to three times, and delete the connections`);
  expect(printed).toMatch(/This takes about \d+ minutes/);
  expect(printed).toContain('During this time, it calls the six peering operations as often as the rate limit allows');
});

test('says that nothing was changed if it is interrupted before it begins', async () => {
  world = await ProbeWorld.start();
  const run = world.start();
  world.atCall(3, () => {
    run.stop.abort(new Interrupted('SIGTERM'));
    return undefined;
  });
  expect(errorOrKindOf(await run.outcome)).toBe('The probe was interrupted by SIGTERM.\nNothing was changed.');
});

test('stops and undoes everything if the CIDR blocks overlap', async () => {
  world = await ProbeWorld.start();
  world.aws.scriptedOutcomes.connection = () => ({ end: 'failed', message: 'Failed due to overlapping CIDR range' });
  const outcome = await world.run();
  expect(errorOrKindOf(outcome)).toBe(
    'The connection failed, although it is authorized: status failed (Failed due to overlapping CIDR range). ' +
      'Use a VPC with another CIDR block: the addresses may overlap with those of the fleet.\nAll changes were undone.',
  );
  expect(world.leftBehind).toEqual([]);
  expect(outcome.findings.find(({ question }) => question === 'throttledCalls')).toMatchObject({ reading: 'free' });
});

test('stops and undoes everything if the connection stays pending', async () => {
  world = await ProbeWorld.start();
  world.aws.scriptedOutcomes.connection = () => ({ end: 'pending' });
  const outcome = await world.run();
  expect(errorOrKindOf(outcome)).toBe(
    'The connection did not become active in ten minutes: it is pending-acceptance. Try again later.\nAll changes were undone.',
  );
  expect(world.leftBehind).toEqual([]);
});

test('prints commands for a change that it can’t undo, and the next run undoes the change', async () => {
  world = await ProbeWorld.start();
  const endFault = world.aws.intercept(({ operation }) =>
    operation === 'DeleteVpcPeeringAuthorization' && world.calls.includes('gamelift:CreateVpcPeeringAuthorization')
      ? { kind: 'error', name: 'InternalServiceException', message: 'try again later', status: 500 }
      : undefined,
  );
  const outcome = await world.run();
  endFault();
  const arn = `arn:aws:gamelift:us-east-1::fleet/${world.fleetId}`;
  expect(errorOrKindOf(outcome)).toBe(
    [
      'This could not be undone:',
      `- perhaps the authorization of ${world.vpcId}: gamelift:DeleteVpcPeeringAuthorization failed: InternalServiceException: try again later Check the network and the Region, then run the probe again.`,
      `    aws gamelift delete-vpc-peering-authorization --game-lift-aws-account-id ${ACCOUNT} --peer-vpc-id ${world.vpcId}`,
      '- tag gamelift-vpc-peering-probe of the fleet: it is kept, so that the next run tries again. If you undo the other changes yourself, remove it last',
      `    aws gamelift untag-resource --resource-arn ${arn} --tag-keys gamelift-vpc-peering-probe`,
      'To try again, run the probe with the same fleet. Or run these commands with the --region of the fleet.',
    ].join('\n'),
  );
  expect(outcome.findings.filter(({ kind }) => kind === 'settled').length).toBeGreaterThan(10);
  expect(errorOrKindOf(await world.run())).toBe('finished');
  expect(world.lines.filter((line) => line.includes('undoing the changes of the run that began at '))).toHaveLength(1);
  expect(world.leftBehind).toEqual([]);
});

test('undoes the changes of an earlier run with another VPC', async () => {
  world = await ProbeWorld.start();
  const killed = world.start({
    onLine: (line) => {
      if (line.startsWith('connectionIds')) {
        killed.kill();
      }
    },
  });
  await Promise.race([killed.outcome, world.waitForGameLift()]);
  expect(world.leftBehind).not.toEqual([]);
  const { vpcId } = world.aws.ec2.createVpc({ ...PLACE, cidrBlock: '10.92.0.0/16' });
  expect(errorOrKindOf(await world.run({ vpcId }))).toBe('finished');
  world.aws.ec2.deleteVpc(ACCOUNT, PLACE.region, vpcId);
  expect(world.leftBehind).toEqual([]);
});

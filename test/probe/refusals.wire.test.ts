import { Interrupted } from '../../probe/errors';
import type { Outcome } from '../../probe/probe';
import { ACCOUNT, ACCOUNT_AND_REGION, ProbeFixture } from './fixture';
import type { RunOptions } from './fixture';

/*
 * Tests in which the probe refuses to begin, or stops early. They check the messages of the probe.
 */

let fixture: ProbeFixture;
afterEach(() => ProbeFixture.closeAll());

/** Runs the probe, expects that it stops without a change, and returns its error. */
async function errorWithoutChanges(options: RunOptions = {}): Promise<string> {
  const before = fixture.calls.length;
  const outcome = await fixture.run(options);
  expect(outcome.kind).toBe('stopped');
  expect(fixture.calls.slice(before).filter((call) => /:(Create|Delete|Tag|Untag|Revoke)/.test(call))).toEqual([]);
  return errorOrKindOf(outcome);
}

function errorOrKindOf(outcome: Outcome): string {
  return outcome.kind === 'stopped' ? outcome.error : outcome.kind;
}

/** The beginning of the error if the fleet or the VPC is in use. */
const REQUIREMENT = 'The probe needs a fleet without connections and an empty VPC that nothing is peered with, but found:';

describe('the probe', () => {
  test('refuses a fleet that does not exist', async () => {
    fixture = await ProbeFixture.create();
    const fleetId = 'fleet-00000000-0000-4000-8000-000000000000';
    expect(await errorWithoutChanges({ fleetId })).toContain(`${fleetId} was not found`);
  });

  test('refuses a fleet that is not ACTIVE', async () => {
    fixture = await ProbeFixture.create();
    const fleetId = await fixture.createFleet();
    expect(await errorWithoutChanges({ fleetId })).toMatch(`${fleetId} is `);
    expect(await errorWithoutChanges({ fleetId })).toContain('Use a fleet that is ACTIVE.\nNothing was changed.');
  });

  test('refuses an Anywhere fleet', async () => {
    fixture = await ProbeFixture.create();
    const fleetId = await fixture.createFleet({
      ComputeType: 'ANYWHERE',
      BuildId: undefined,
      EC2InstanceType: undefined,
    });
    await fixture.waitHours(1);
    expect(await errorWithoutChanges({ fleetId })).toBe(
      `${fleetId} has compute type ANYWHERE. GameLift peers EC2 fleets only: use an EC2 fleet.\nNothing was changed.`,
    );
  });

  test('refuses a VPC that does not exist', async () => {
    fixture = await ProbeFixture.create();
    expect(await errorWithoutChanges({ vpcId: 'vpc-0123456789abcdef0' })).toContain('vpc-0123456789abcdef0 was not found');
  });

  test('refuses a VPC of another account', async () => {
    fixture = await ProbeFixture.create();
    const { vpcId } = fixture.aws.ec2.createVpc({
      account: '222222222222',
      region: ACCOUNT_AND_REGION.region,
      cidrBlock: '10.91.0.0/16',
    });
    expect(await errorWithoutChanges({ vpcId })).toContain(`${vpcId} was not found`);
  });

  test('refuses a VPC that another account shares with the account of the fleet', async () => {
    fixture = await ProbeFixture.create();
    const sharedVpc = { VpcId: fixture.vpcId, OwnerId: '222222222222' };
    const run = fixture.startRun({
      replaceOutput: (operation) => (operation === 'DescribeVpcs' ? { Vpcs: [sharedVpc] } : undefined),
    });
    expect(errorOrKindOf(await run.outcome)).toBe(
      `${fixture.vpcId} belongs to account 222222222222, but your credentials belong to ${ACCOUNT}. Use a VPC of the account of the fleet.\nNothing was changed.`,
    );
  });

  test('refuses a VPC with a network interface', async () => {
    fixture = await ProbeFixture.create();
    const { ec2 } = fixture.aws;
    const subnetId = ec2.createSubnet(ACCOUNT_AND_REGION, {
      vpcId: fixture.vpcId,
      cidrBlock: '10.90.0.0/24',
      availabilityZone: 'us-east-1a',
    });
    const interfaceId = ec2.createNetworkInterface(ACCOUNT_AND_REGION, { subnetId, groupIds: [], description: 'database' });
    expect(await errorWithoutChanges()).toContain(
      `${REQUIREMENT}\n- ${fixture.vpcId} has network interface ${interfaceId}\nUse another fleet`,
    );
  });

  test('refuses a VPC whose peering is authorized', async () => {
    fixture = await ProbeFixture.create();
    const input = { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: fixture.vpcId };
    await fixture.aws.callGameLift('CreateVpcPeeringAuthorization', input, ACCOUNT_AND_REGION);
    await fixture.waitForGameLift();
    expect(await errorWithoutChanges()).toContain(`- ${fixture.vpcId} is authorized for account ${ACCOUNT}\n`);
  });

  test('accepts a VPC whose authorization has expired', async () => {
    fixture = await ProbeFixture.create();
    const input = { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: fixture.vpcId };
    await fixture.aws.callGameLift('CreateVpcPeeringAuthorization', input, ACCOUNT_AND_REGION);
    await fixture.waitHours(25);
    expect((await fixture.run()).kind).toBe('finished');
  });

  test('refuses a fleet and a VPC that are peered, and lists their routes and rules', async () => {
    fixture = await ProbeFixture.create();
    await fixture.peer();
    const error = await errorWithoutChanges();
    expect(error).toContain(`- ${fixture.fleetId} has connection pcx-`);
    expect(error).toContain(`to ${fixture.vpcId}, which is active\n`);
    expect(error).toMatch(new RegExp(`- ${fixture.vpcId} has peering pcx-\\S+, which is active\n`));
    expect(error).toMatch(new RegExp(`- ${fixture.vpcId} has a route of rtb-\\S+ to \\S+ through pcx-`));
    expect(error).toMatch(new RegExp(`- ${fixture.vpcId} has an ingress rule of sg-`));
  });

  test('accepts a fleet and a VPC whose connection was deleted', async () => {
    fixture = await ProbeFixture.create();
    await fixture.peer();
    await fixture.unpeer();
    const outcome = await fixture.run();
    expect(errorOrKindOf(outcome)).toBe('finished');
  });

  test('changes nothing if the user does not agree', async () => {
    fixture = await ProbeFixture.create();
    expect(await errorWithoutChanges({ confirm: () => Promise.resolve(false) })).toBe('You did not agree.\nNothing was changed.');
  });

  test('says what it will do before it asks', async () => {
    fixture = await ProbeFixture.create();
    let printedText = '';
    const confirm = (): Promise<boolean> => {
      printedText = fixture.lines.join('\n');
      return Promise.resolve(false);
    };
    await errorWithoutChanges({ confirm });
    expect(printedText).toContain(`connect ${fixture.fleetId} with it up to three times, and delete the connections`);
    expect(printedText).toMatch(/This takes about \d+ minutes/);
    expect(printedText).toContain('During this time, it calls the six peering operations as often as the rate limit allows');
  });

  test('says that nothing was changed if it is interrupted before it begins', async () => {
    fixture = await ProbeFixture.create();
    const run = fixture.startRun();
    fixture.atCall(3, () => {
      run.stop.abort(new Interrupted('SIGTERM'));
      return undefined;
    });
    expect(errorOrKindOf(await run.outcome)).toBe('The probe was interrupted by SIGTERM.\nNothing was changed.');
  });

  test('stops and undoes everything if the CIDR blocks overlap', async () => {
    fixture = await ProbeFixture.create();
    fixture.aws.scriptedOutcomes.connection = () => ({ end: 'failed', message: 'Failed due to overlapping CIDR range' });
    const outcome = await fixture.run();
    expect(errorOrKindOf(outcome)).toBe(
      'The connection failed, although it is authorized: status failed (Failed due to overlapping CIDR range). ' +
        'Use a VPC with another CIDR block: the addresses may overlap with those of the fleet.\nAll changes were undone.',
    );
    expect(fixture.leftBehind).toEqual([]);
    expect(outcome.findings.find(({ question }) => question === 'throttledCalls')).toMatchObject({ reading: 'not counted' });
  });

  test('stops and undoes everything if the connection stays pending', async () => {
    fixture = await ProbeFixture.create();
    fixture.aws.scriptedOutcomes.connection = () => ({ end: 'pending' });
    const outcome = await fixture.run();
    expect(errorOrKindOf(outcome)).toBe(
      'The connection did not become active in ten minutes: it is pending-acceptance. Try again later.\nAll changes were undone.',
    );
    expect(fixture.leftBehind).toEqual([]);
  });

  test('prints commands for a change that it can’t undo, and the next run undoes the change', async () => {
    fixture = await ProbeFixture.create();
    const endFault = fixture.aws.intercept(({ operation }) =>
      operation === 'DeleteVpcPeeringAuthorization' && fixture.calls.includes('gamelift:CreateVpcPeeringAuthorization')
        ? { kind: 'error', name: 'InternalServiceException', message: 'try again later', status: 500 }
        : undefined,
    );
    const outcome = await fixture.run();
    endFault();
    const arn = `arn:aws:gamelift:us-east-1::fleet/${fixture.fleetId}`;
    expect(errorOrKindOf(outcome)).toBe(
      [
        'This could not be undone:',
        `- the authorization of ${fixture.vpcId}, if it still exists: gamelift:DeleteVpcPeeringAuthorization failed: InternalServiceException: try again later. Check the network and the Region, then run the probe again.`,
        `    aws gamelift delete-vpc-peering-authorization --game-lift-aws-account-id ${ACCOUNT} --peer-vpc-id ${fixture.vpcId}`,
        '- tag gamelift-vpc-peering-probe of the fleet: it is kept, so that the next run tries again. If you undo the other changes yourself, remove it last',
        `    aws gamelift untag-resource --resource-arn ${arn} --tag-keys gamelift-vpc-peering-probe`,
        'To try again, run the probe with the same fleet. Or run these commands with the --region of the fleet.',
      ].join('\n'),
    );
    expect(outcome.findings.filter(({ kind }) => kind === 'settled').length).toBeGreaterThan(10);
    expect(errorOrKindOf(await fixture.run())).toBe('finished');
    expect(fixture.lines.filter((line) => line.includes('undoing the changes of the run that began at '))).toHaveLength(1);
    expect(fixture.leftBehind).toEqual([]);
  });

  test('undoes the changes of an earlier run with another VPC', async () => {
    fixture = await ProbeFixture.create();
    const killedRun = fixture.startRun({
      onLine: (line) => {
        if (line.startsWith('connectionIds')) {
          killedRun.kill();
        }
      },
    });
    await Promise.race([killedRun.outcome, fixture.waitForGameLift()]);
    expect(fixture.leftBehind).not.toEqual([]);
    const { vpcId } = fixture.aws.ec2.createVpc({ ...ACCOUNT_AND_REGION, cidrBlock: '10.92.0.0/16' });
    expect(errorOrKindOf(await fixture.run({ vpcId }))).toBe('finished');
    fixture.aws.ec2.deleteVpc(ACCOUNT, ACCOUNT_AND_REGION.region, vpcId);
    expect(fixture.leftBehind).toEqual([]);
  });
});

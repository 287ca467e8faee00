import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AuthorizationRenewal, VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import {
  expectNothingLeft,
  addFailingResource,
  addFleet,
  expectNoFailedDelete,
  deleteStack,
  startFastRehearsal,
} from './common-stacks';
import { DAY_MS, closeRehearsals, synthesizeApp } from './rehearsals';

afterEach(closeRehearsals);

interface StacksOptions {
  readonly kind: 'connected' | 'peered on creation';
  readonly build: string;
  /** Whether the stack of the fleet has a last resource whose creation fails. */
  readonly hasFailingResource?: boolean;
  readonly renewal?: AuthorizationRenewal;
}

/** Stack Network has a VPC and its authorization, stack Fleets a fleet and its connection. */
function synthesizeStacks({ kind, build, hasFailingResource = false, renewal }: StacksOptions): string {
  return synthesizeApp((app) => {
    const network = new Stack(app, 'Network');
    const vpc = new ec2.Vpc(network, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr('10.90.0.0/16'),
      maxAzs: 1,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Data', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    });
    const authorization = new VpcPeeringAuthorization(network, 'Authorization', {
      vpc,
      ...(renewal === undefined ? {} : { renewal }),
    });
    const fleets = new Stack(app, 'Fleets');
    const fleet = addFleet(fleets, build);
    const connection = new VpcPeeringConnection(fleets, 'Peering', {
      authorization,
      fleet,
      peerOnCreate: kind === 'peered on creation',
    });
    if (hasFailingResource) {
      addFailingResource(fleets, connection);
    }
  });
}

test.each(['connected', 'peered on creation'] as const)(
  'the stack of a fleet that is %s can be deployed, retried and deleted days after the stack of its authorization was deployed',
  async (kind) => {
    const rehearsal = await startFastRehearsal();
    const before = rehearsal.aws.inventory();
    const deploy = async (stack: string, options: Omit<StacksOptions, 'kind'>): Promise<string> =>
      (await rehearsal.cloudFormation.deploy(synthesizeStacks({ kind, ...options }), stack)).status;

    expect(await deploy('Network', { build: '1' })).toBe('CREATE_COMPLETE');
    // a pipeline may wait for an approval between the stacks
    await rehearsal.clock.sleep(2 * DAY_MS);
    expect(await deploy('Fleets', { build: '1', hasFailingResource: true })).toBe('ROLLBACK_COMPLETE');
    await rehearsal.clock.sleep(DAY_MS);
    expect(await deleteStack(rehearsal, 'Fleets')).toBe('DELETE_COMPLETE');
    expect(rehearsal.aws.inventory()).toMatchObject({ fleets: [], connections: [], peerings: [], routes: [] });
    await rehearsal.clock.sleep(2 * DAY_MS);
    expect(await deploy('Fleets', { build: '1' })).toBe('CREATE_COMPLETE');
    const [{ id }] = rehearsal.aws.inventory().fleets as [{ id: string }];

    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deploy('Fleets', { build: '2', hasFailingResource: true })).toBe('UPDATE_ROLLBACK_COMPLETE');
    await rehearsal.clock.sleep(DAY_MS + 60_000);
    expect(rehearsal.aws.inventory()).toMatchObject({ fleets: [{ id }], connections: [{ fleetId: id, status: 'active' }] });
    expect(await deploy('Fleets', { build: '2' })).toBe('UPDATE_COMPLETE');
    // until GameLift has deleted the old fleet
    await rehearsal.clock.sleep(60_000);
    expect(rehearsal.aws.inventory().fleets).toEqual([expect.not.objectContaining({ id })]);

    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deploy('Network', { build: '2', renewal: AuthorizationRenewal.everySynthesis() })).toBe('UPDATE_COMPLETE');
    await rehearsal.clock.sleep(30 * DAY_MS);
    expect(await deleteStack(rehearsal, 'Fleets')).toBe('DELETE_COMPLETE');
    await rehearsal.clock.sleep(DAY_MS);
    expect(await deleteStack(rehearsal, 'Network')).toBe('DELETE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    await expectNothingLeft(rehearsal, before);
  },
);

import { Duration } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { Rehearsal } from 'rehearsal';
import * as current from '../../lib';
import { RELEASES, UnpackedRelease } from '../released';
import type { Library } from '../released';
import {
  expectNoFailedDelete,
  expectNothingLeft,
  comparableInventory,
  deleteStack,
  startFastRehearsal,
  withStackStatus,
} from './common-stacks';
import { DAY, editTemplate, closeRehearsals, STACK, synthesize } from './rehearsals';

/*
 * A stack is created with a release, and updated with this version. If the update fails, the handler of the release gets properties of this
 * version's constructs, and undoes what this version's handler did.
 */

interface StudioOptions {
  readonly library: Library;
  readonly build: string;
  readonly peerOnCreate: boolean;
  /** Whether the stack has a last resource whose creation fails. */
  readonly hasFailingResource: boolean;
}

const FLEETS: readonly (readonly [string, boolean])[] = [
  ['a fleet that is connected', false],
  ['a fleet that is peered on creation', true],
];

function synthesizeStudio({ library, build, peerOnCreate, hasFailingResource }: StudioOptions): string {
  return synthesize((stack) => {
    const vpc = new ec2.Vpc(stack, 'Vpc', {
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Data', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    });
    const database = new ec2.SecurityGroup(stack, 'Database', { vpc });
    const { ref } = new gamelift.CfnBuild(stack, 'Build', {
      storageLocation: { bucket: 'b', key: `server-${build}.zip`, roleArn: 'arn:aws:iam::111111111111:role/r' },
    });
    const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet', buildId: ref, ec2InstanceType: 'c5.large' });
    const authorization = new library.VpcPeeringAuthorization(stack, 'Authorization', {
      vpc,
      renewal: library.AuthorizationRenewal.scheduled(Duration.hours(12)),
    });
    const peering = new library.VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate });
    peering.allowTo(database, ec2.Port.tcp(5432));
    if (hasFailingResource) {
      const late = new ec2.CfnSecurityGroup(stack, 'Late', { groupDescription: 'late', vpcId: 'vpc-0123456789abcdef0' });
      late.node.addDependency(peering);
    }
  });
}

/** Adds a property of a later version to each custom resource. */
function withLaterProperty(assembly: string): string {
  return editTemplate(assembly, ({ Resources }) => {
    for (const { Type, Properties } of Object.values(Resources)) {
      if (Type.startsWith('Custom::GameLift')) {
        Properties.PropertyOfLaterVersion = 'value';
      }
    }
  });
}

/** Generous, since each test synthesizes two apps and runs their bundles. In milliseconds. */
const TIMEOUT = 600_000;

describe.each(RELEASES)('%s', (release) => {
  let unpacked: UnpackedRelease;
  let rehearsal: Rehearsal;

  beforeAll(() => {
    unpacked = new UnpackedRelease(release);
  });
  afterAll(() => {
    unpacked.remove();
  });
  beforeEach(async () => {
    rehearsal = await startFastRehearsal();
  });
  afterEach(closeRehearsals);

  const deploy = async (assembly: string): Promise<string> => (await rehearsal.cloudFormation.deploy(assembly, STACK)).status;

  test.each(FLEETS)(
    'creates a stack with %s, which this version updates with a new fleet and deletes',
    async (_, peerOnCreate) => {
      const before = rehearsal.aws.inventory();
      expect(
        await deploy(synthesizeStudio({ library: unpacked.exports, build: '1', peerOnCreate, hasFailingResource: false })),
      ).toBe('CREATE_COMPLETE');
      await rehearsal.clock.sleep(10 * DAY);
      expect(await deploy(synthesizeStudio({ library: current, build: '2', peerOnCreate, hasFailingResource: false }))).toBe(
        'UPDATE_COMPLETE',
      );
      await rehearsal.clock.sleep(10 * DAY);
      expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
      expectNoFailedDelete(rehearsal);
      await expectNothingLeft(rehearsal, before);
    },
    TIMEOUT,
  );

  test.each(FLEETS)(
    'creates a stack with %s, undoes an update by this version that failed, and deletes it',
    async (_, peerOnCreate) => {
      const before = rehearsal.aws.inventory();
      expect(
        await deploy(synthesizeStudio({ library: unpacked.exports, build: '1', peerOnCreate, hasFailingResource: false })),
      ).toBe('CREATE_COMPLETE');
      const created = comparableInventory(rehearsal);
      await rehearsal.clock.sleep(10 * DAY);
      const update = withLaterProperty(
        synthesizeStudio({ library: current, build: '2', peerOnCreate, hasFailingResource: true }),
      );
      expect(await deploy(update)).toBe('UPDATE_ROLLBACK_COMPLETE');
      expect(comparableInventory(rehearsal)).toEqual(withStackStatus(created, 'UPDATE_ROLLBACK_COMPLETE'));
      await rehearsal.clock.sleep(10 * DAY);
      expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
      expectNoFailedDelete(rehearsal);
      await expectNothingLeft(rehearsal, before);
    },
    TIMEOUT,
  );
});

import { Duration } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Rehearsal } from 'rehearsal';
import * as current from '../../lib';
import { RELEASES, UnpackedRelease } from '../released';
import type { Library } from '../released';
import {
  addFailingResource,
  addFleet,
  expectNoFailedDelete,
  expectNothingLeft,
  comparableInventory,
  deleteStack,
  startFastRehearsal,
  withStackStatus,
} from './common-stacks';
import { DAY_MS, editTemplate, closeRehearsals, STACK, synthesize } from './rehearsals';

/*
 * Creates a stack with an earlier release, and updates it with this version. If the update fails, the handler of the release has to undo what
 * this version's handler did, although it does not know the new properties.
 */

interface FleetStackOptions {
  readonly library: Library;
  readonly build: string;
  readonly peerOnCreate: boolean;
  /** Whether the stack has a last resource whose creation fails. */
  readonly hasFailingResource: boolean;
}

const KINDS_OF_FLEETS: readonly (readonly [string, boolean])[] = [
  ['a fleet that is peered after its creation', false],
  ['a fleet that is peered on creation', true],
];

function synthesizeFleetStack({ library, build, peerOnCreate, hasFailingResource }: FleetStackOptions): string {
  return synthesize((stack) => {
    const vpc = new ec2.Vpc(stack, 'Vpc', {
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Data', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    });
    const database = new ec2.SecurityGroup(stack, 'Database', { vpc });
    const fleet = addFleet(stack, build);
    const authorization = new library.VpcPeeringAuthorization(stack, 'Authorization', {
      vpc,
      renewal: library.AuthorizationRenewal.scheduled(Duration.hours(12)),
    });
    const peering = new library.VpcPeeringConnection(stack, 'Peering', { authorization, fleet, peerOnCreate });
    peering.allowTo(database, ec2.Port.tcp(5432));
    if (hasFailingResource) {
      addFailingResource(stack, peering);
    }
  });
}

/** Adds a property that no release knows to each custom resource. */
function withLaterProperty(assembly: string): string {
  return editTemplate(assembly, ({ Resources }) => {
    for (const { Type, Properties } of Object.values(Resources)) {
      if (Type.startsWith('Custom::GameLift')) {
        Properties.PropertyOfLaterVersion = 'value';
      }
    }
  });
}

/** Each test synthesizes two apps and runs their bundles. */
const TIMEOUT_MS = 600_000;

describe.each(RELEASES)('a stack that was created with release %s', (release) => {
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

  test.each(KINDS_OF_FLEETS)(
    'with %s: this version replaces the fleet and deletes the stack',
    async (_, peerOnCreate) => {
      const before = rehearsal.aws.inventory();
      expect(
        await deploy(synthesizeFleetStack({ library: unpacked.exports, build: '1', peerOnCreate, hasFailingResource: false })),
      ).toBe('CREATE_COMPLETE');
      await rehearsal.clock.sleep(10 * DAY_MS);
      expect(await deploy(synthesizeFleetStack({ library: current, build: '2', peerOnCreate, hasFailingResource: false }))).toBe(
        'UPDATE_COMPLETE',
      );
      await rehearsal.clock.sleep(10 * DAY_MS);
      expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
      expectNoFailedDelete(rehearsal);
      await expectNothingLeft(rehearsal, before);
    },
    TIMEOUT_MS,
  );

  test.each(KINDS_OF_FLEETS)(
    'with %s: after a failed update to this version, the release rolls the update back, and deletes the stack',
    async (_, peerOnCreate) => {
      const before = rehearsal.aws.inventory();
      expect(
        await deploy(synthesizeFleetStack({ library: unpacked.exports, build: '1', peerOnCreate, hasFailingResource: false })),
      ).toBe('CREATE_COMPLETE');
      const created = comparableInventory(rehearsal);
      await rehearsal.clock.sleep(10 * DAY_MS);
      const update = withLaterProperty(
        synthesizeFleetStack({ library: current, build: '2', peerOnCreate, hasFailingResource: true }),
      );
      expect(await deploy(update)).toBe('UPDATE_ROLLBACK_COMPLETE');
      expect(comparableInventory(rehearsal)).toEqual(withStackStatus(created, 'UPDATE_ROLLBACK_COMPLETE'));
      await rehearsal.clock.sleep(10 * DAY_MS);
      expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
      expectNoFailedDelete(rehearsal);
      await expectNothingLeft(rehearsal, before);
    },
    TIMEOUT_MS,
  );
});

import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';
import type { Construct } from 'constructs';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { IVpcPeeringAuthorization } from '../../lib';
import { inEveryOrder } from './orders';
import { createExisting, expectNoFailedDelete, PLACE, remove, start } from './scene';
import { DAY, STACK, Stage, synthesize } from './stage';

/** Two VPCs and an ACTIVE fleet that the stack does not create. */
interface ExistingVpcsAndFleet {
  readonly vpcIds: readonly [string, string];
  readonly fleetId: string;
}

type AddResources = (stack: Stack, existing: ExistingVpcsAndFleet) => void;

const vpcOf = (stack: Stack, vpcId: string, id = 'Vpc'): ec2.IVpc =>
  ec2.Vpc.fromVpcAttributes(stack, id, { vpcId, availabilityZones: ['us-east-1a'] });

const authorize = (stack: Stack, vpcId: string, id = ''): VpcPeeringAuthorization =>
  new VpcPeeringAuthorization(stack, `Authorization${id}`, { vpc: vpcOf(stack, vpcId, `Vpc${id}`) });

const importAuthorization = (stack: Stack, vpcId: string): IVpcPeeringAuthorization =>
  VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Imported', { vpc: vpcOf(stack, vpcId) });

const existingFleet = (stack: Stack, { fleetId }: ExistingVpcsAndFleet): aws_gamelift.IFleetRef =>
  gamelift.CfnFleet.fromFleetId(stack, 'Existing', fleetId);

function fleetWith(stack: Stack, build: string, id = ''): gamelift.CfnFleet {
  const { ref } = new gamelift.CfnBuild(stack, `Build${id}`, {
    storageLocation: { bucket: 'b', key: `server-${build}.zip`, roleArn: 'arn:aws:iam::111111111111:role/r' },
  });
  return new gamelift.CfnFleet(stack, `Fleet${id}`, { name: 'fleet', buildId: ref, ec2InstanceType: 'c5.large' });
}

const connect = (stack: Stack, authorization: IVpcPeeringAuthorization, fleet: aws_gamelift.IFleetRef, id = ''): Construct =>
  new VpcPeeringConnection(stack, `Peering${id}`, { authorization, fleet });

const peerOnCreate = (stack: Stack, authorization: IVpcPeeringAuthorization, fleet: gamelift.CfnFleet): Construct =>
  new VpcPeeringConnection(stack, 'PeeringOnCreate', { authorization, fleet, peerOnCreate: true });

const newBuild =
  (build: string): AddResources =>
  (stack, { vpcIds }) => {
    connect(stack, authorize(stack, vpcIds[0]), fleetWith(stack, build));
  };

const twoBuilds =
  (build: string): AddResources =>
  (stack, { vpcIds }) => {
    const authorization = authorize(stack, vpcIds[0]);
    connect(stack, authorization, fleetWith(stack, build));
    connect(stack, authorization, fleetWith(stack, build, '2'), '2');
  };

const newBuildPeeredOnCreation =
  (build: string, vpc: 0 | 1 = 0): AddResources =>
  (stack, { vpcIds }) => {
    peerOnCreate(stack, authorize(stack, vpcIds[vpc]), fleetWith(stack, build));
  };

const connected =
  (vpc: 0 | 1): AddResources =>
  (stack, existing) => {
    connect(stack, authorize(stack, existing.vpcIds[vpc]), existingFleet(stack, existing));
  };

const authorized: AddResources = (stack, { vpcIds }) => {
  authorize(stack, vpcIds[0]);
};

const onlyFleet: AddResources = (stack) => {
  fleetWith(stack, '1');
};

const onCreationAndConnected: AddResources = (stack, existing) => {
  const authorization = authorize(stack, existing.vpcIds[0]);
  peerOnCreate(stack, authorization, fleetWith(stack, '1'));
  connect(stack, authorization, existingFleet(stack, existing));
};

const onCreationAndConnectedByImport: AddResources = (stack, existing) => {
  const authorization = importAuthorization(stack, existing.vpcIds[0]);
  peerOnCreate(stack, authorization, fleetWith(stack, '1'));
  connect(stack, authorization, existingFleet(stack, existing));
};

const renamed: AddResources = (stack, { vpcIds }) => {
  peerOnCreate(stack, authorize(stack, vpcIds[0], 'Renamed'), fleetWith(stack, '2'));
};

const secondAuthorization =
  (build: string): AddResources =>
  (stack, { vpcIds }) => {
    peerOnCreate(stack, authorize(stack, vpcIds[1], '2'), fleetWith(stack, build));
  };

const twoAuthorizations: AddResources = (stack, existing) => {
  connected(0)(stack, existing);
  secondAuthorization('1')(stack, existing);
};

/** Two deployments, and the number of orders in which the cleanup of the second one can delete the resources. */
export type CleanupCase = readonly [name: string, orders: number, first: AddResources, second: AddResources];

export const CLEANUPS_WITH_FEW_ORDERS: readonly CleanupCase[] = [
  ['a new build of a connected fleet', 1, newBuild('1'), newBuild('2')],
  ['a new build of a fleet that is peered on creation', 1, newBuildPeeredOnCreation('1'), newBuildPeeredOnCreation('2')],
  ['another VPC for a connected fleet', 2, connected(0), connected(1)],
  ['another VPC for a fleet that is peered on creation', 3, newBuildPeeredOnCreation('1'), newBuildPeeredOnCreation('1', 1)],
  ['a connection removed', 1, connected(0), authorized],
  ['the authorization and its connection removed, the fleet kept', 6, newBuild('1'), onlyFleet],
  ['the authorization renamed, and a new build of a fleet that is peered on creation', 4, newBuildPeeredOnCreation('1'), renamed],
  ['the authorization replaced by an imported one', 2, onCreationAndConnected, onCreationAndConnectedByImport],
];

export const CLEANUPS_WITH_MANY_ORDERS: readonly CleanupCase[] = [
  [
    'a connection removed, and a new build of a fleet that is peered on creation',
    1,
    onCreationAndConnected,
    newBuildPeeredOnCreation('2'),
  ],
  ['one of two authorizations removed, with its connection', 3, twoAuthorizations, secondAuthorization('1')],
  ['new builds of two connected fleets with one authorization', 6, twoBuilds('1'), twoBuilds('2')],
  [
    'one of two authorizations removed, with its connection, and a new build of the fleet of the other',
    63,
    twoAuthorizations,
    secondAuthorization('2'),
  ],
];

/** Runs both deployments once for each order of the cleanup. In the end, exactly the resources from before must exist. */
export async function rehearseCleanup(first: AddResources, second: AddResources): Promise<readonly (readonly string[])[]> {
  return await inEveryOrder(async (order) => {
    const rehearsal = await start({ nextDeletion: order.next });
    try {
      const {
        vpcId,
        fleetIds: [fleetId = ''],
      } = await createExisting(rehearsal);
      const other = rehearsal.aws.ec2.createVpc({ ...PLACE, cidrBlock: '10.91.0.0/16' });
      const existing: ExistingVpcsAndFleet = { vpcIds: [vpcId, other.vpcId], fleetId };
      const before = rehearsal.aws.inventory();
      const deploy = async (addResources: AddResources): Promise<string> => {
        const assembly = synthesize((stack) => {
          addResources(stack, existing);
        });
        return (await rehearsal.cloudFormation.deploy(assembly, STACK)).status;
      };
      expect(await deploy(first)).toBe('CREATE_COMPLETE');
      await rehearsal.clock.sleep(10 * DAY);
      expect(await order.during(() => deploy(second))).toBe('UPDATE_COMPLETE');
      await rehearsal.clock.sleep(10 * DAY);
      expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
      expectNoFailedDelete(rehearsal);
      await rehearsal.clock.sleep(2 * DAY);
      expect(rehearsal.aws.inventory()).toEqual(before);
    } finally {
      await Stage.clear();
    }
  });
}

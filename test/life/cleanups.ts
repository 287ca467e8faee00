import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';
import type { Construct } from 'constructs';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { IVpcPeeringAuthorization } from '../../lib';
import { inEveryOrder } from './orders';
import { existing, expectNoFailedDelete, PLACE, remove, start } from './scene';
import { DAY, STACK, Stage, synthesize } from './stage';

/** What was there before: two VPCs, and a fleet that is ready. */
interface There {
  readonly vpcIds: readonly [string, string];
  readonly fleetId: string;
}

type Scene = (stack: Stack, there: There) => void;

const vpcOf = (stack: Stack, vpcId: string, id = 'Vpc'): ec2.IVpc =>
  ec2.Vpc.fromVpcAttributes(stack, id, { vpcId, availabilityZones: ['us-east-1a'] });

const authorize = (stack: Stack, vpcId: string, id = ''): VpcPeeringAuthorization =>
  new VpcPeeringAuthorization(stack, `Authorization${id}`, { vpc: vpcOf(stack, vpcId, `Vpc${id}`) });

const imported = (stack: Stack, vpcId: string): IVpcPeeringAuthorization =>
  VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Imported', { vpc: vpcOf(stack, vpcId) });

const thatFleet = (stack: Stack, { fleetId }: There): aws_gamelift.IFleetRef =>
  gamelift.CfnFleet.fromFleetId(stack, 'That', fleetId);

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
  (build: string): Scene =>
  (stack, { vpcIds }) => {
    connect(stack, authorize(stack, vpcIds[0]), fleetWith(stack, build));
  };

const twoBuilds =
  (build: string): Scene =>
  (stack, { vpcIds }) => {
    const authorization = authorize(stack, vpcIds[0]);
    connect(stack, authorization, fleetWith(stack, build));
    connect(stack, authorization, fleetWith(stack, build, '2'), '2');
  };

const newBuildPeeredOnCreation =
  (build: string, vpc: 0 | 1 = 0): Scene =>
  (stack, { vpcIds }) => {
    peerOnCreate(stack, authorize(stack, vpcIds[vpc]), fleetWith(stack, build));
  };

const connected =
  (vpc: 0 | 1): Scene =>
  (stack, there) => {
    connect(stack, authorize(stack, there.vpcIds[vpc]), thatFleet(stack, there));
  };

const authorized: Scene = (stack, { vpcIds }) => {
  authorize(stack, vpcIds[0]);
};

const onlyFleet: Scene = (stack) => {
  fleetWith(stack, '1');
};

const onCreationAndConnected: Scene = (stack, there) => {
  const authorization = authorize(stack, there.vpcIds[0]);
  peerOnCreate(stack, authorization, fleetWith(stack, '1'));
  connect(stack, authorization, thatFleet(stack, there));
};

const onCreationAndConnectedByImport: Scene = (stack, there) => {
  const authorization = imported(stack, there.vpcIds[0]);
  peerOnCreate(stack, authorization, fleetWith(stack, '1'));
  connect(stack, authorization, thatFleet(stack, there));
};

const renamed: Scene = (stack, { vpcIds }) => {
  peerOnCreate(stack, authorize(stack, vpcIds[0], 'Renamed'), fleetWith(stack, '2'));
};

const secondAuthorization =
  (build: string): Scene =>
  (stack, { vpcIds }) => {
    peerOnCreate(stack, authorize(stack, vpcIds[1], '2'), fleetWith(stack, build));
  };

const twoAuthorizations: Scene = (stack, there) => {
  connected(0)(stack, there);
  secondAuthorization('1')(stack, there);
};

/** What is deployed, and what ten days later: named, with the number of orders that the clean-up can go in. */
export type CleanUp = readonly [name: string, orders: number, first: Scene, second: Scene];

export const FEW_ORDERS: readonly CleanUp[] = [
  ['a new build under a connection', 1, newBuild('1'), newBuild('2')],
  ['a new build under a fleet that is peered on creation', 1, newBuildPeeredOnCreation('1'), newBuildPeeredOnCreation('2')],
  ['another VPC under a connection', 2, connected(0), connected(1)],
  ['another VPC under a fleet that is peered on creation', 3, newBuildPeeredOnCreation('1'), newBuildPeeredOnCreation('1', 1)],
  ['a connection removed', 1, connected(0), authorized],
  ['the authorization and all that relies on it removed, while the fleet stays', 6, newBuild('1'), onlyFleet],
  [
    'the authorization renamed, and a new build under a fleet that is peered on creation',
    4,
    newBuildPeeredOnCreation('1'),
    renamed,
  ],
  ['the authorization exchanged for an imported one', 2, onCreationAndConnected, onCreationAndConnectedByImport],
];

export const MANY_ORDERS: readonly CleanUp[] = [
  [
    'a connection removed, and a new build under a fleet that is peered on creation',
    1,
    onCreationAndConnected,
    newBuildPeeredOnCreation('2'),
  ],
  ['one of two authorizations removed, with its connection', 3, twoAuthorizations, secondAuthorization('1')],
  ['new builds under two connections on one authorization', 6, twoBuilds('1'), twoBuilds('2')],
  [
    'one of two authorizations removed, with its connection, and a new build under the other',
    63,
    twoAuthorizations,
    secondAuthorization('2'),
  ],
];

/** Runs both deployments once for each order of the clean-up; all that was there before is there in the end, and nothing else. */
export async function rehearseCleanUp(first: Scene, second: Scene): Promise<readonly (readonly string[])[]> {
  return await inEveryOrder(async (order) => {
    const rehearsal = await start({ nextDeletion: order.next });
    try {
      const {
        vpcId,
        fleetIds: [fleetId = ''],
      } = await existing(rehearsal);
      const other = rehearsal.aws.ec2.createVpc({ ...PLACE, cidrBlock: '10.91.0.0/16' });
      const there: There = { vpcIds: [vpcId, other.vpcId], fleetId };
      const before = rehearsal.aws.inventory();
      const deploy = async (scene: Scene): Promise<string> => {
        const assembly = synthesize((stack) => {
          scene(stack, there);
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

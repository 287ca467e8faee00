import type { Stack } from 'aws-cdk-lib';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';
import type { Construct } from 'constructs';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { IVpcPeeringAuthorization } from '../../lib';
import { runInEveryOrder } from './deletion-orders';
import {
  expectNothingLeft,
  importVpc,
  addFleet,
  createExistingResources,
  expectNoFailedDelete,
  ACCOUNT_AND_REGION,
  deleteStack,
  startFastRehearsal,
} from './common-stacks';
import { DAY_MS, STACK, closeRehearsals, synthesize } from './rehearsals';

/** Two VPCs and an ACTIVE fleet that the stack does not create. */
interface ExistingVpcsAndFleet {
  readonly vpcIds: readonly [string, string];
  readonly fleetId: string;
}

/** Adds the resources of one deployment to the stack. */
type AddResources = (stack: Stack, existing: ExistingVpcsAndFleet) => void;

const addAuthorization = (stack: Stack, vpcId: string, id = ''): VpcPeeringAuthorization =>
  new VpcPeeringAuthorization(stack, `Authorization${id}`, { vpc: importVpc(stack, vpcId, `Vpc${id}`) });

const importAuthorization = (stack: Stack, vpcId: string): IVpcPeeringAuthorization =>
  VpcPeeringAuthorization.fromVpcPeeringAuthorizationAttributes(stack, 'Imported', { vpc: importVpc(stack, vpcId) });

const importFleet = (stack: Stack, { fleetId }: ExistingVpcsAndFleet): aws_gamelift.IFleetRef =>
  gamelift.CfnFleet.fromFleetId(stack, 'Existing', fleetId);

const addConnection = (
  stack: Stack,
  authorization: IVpcPeeringAuthorization,
  fleet: aws_gamelift.IFleetRef,
  id = '',
): Construct => new VpcPeeringConnection(stack, `Peering${id}`, { authorization, fleet });

const addConnectionOnCreation = (stack: Stack, authorization: IVpcPeeringAuthorization, fleet: gamelift.CfnFleet): Construct =>
  new VpcPeeringConnection(stack, 'PeeringOnCreate', { authorization, fleet, peerOnCreate: true });

const connectFleet =
  (build: string): AddResources =>
  (stack, { vpcIds }) => {
    addConnection(stack, addAuthorization(stack, vpcIds[0]), addFleet(stack, build));
  };

const connectTwoFleets =
  (build: string): AddResources =>
  (stack, { vpcIds }) => {
    const authorization = addAuthorization(stack, vpcIds[0]);
    addConnection(stack, authorization, addFleet(stack, build));
    addConnection(stack, authorization, addFleet(stack, build, '2'), '2');
  };

const peerFleetOnCreation =
  (build: string, vpcIndex: 0 | 1 = 0): AddResources =>
  (stack, { vpcIds }) => {
    addConnectionOnCreation(stack, addAuthorization(stack, vpcIds[vpcIndex]), addFleet(stack, build));
  };

const connectExistingFleet =
  (vpcIndex: 0 | 1): AddResources =>
  (stack, existing) => {
    addConnection(stack, addAuthorization(stack, existing.vpcIds[vpcIndex]), importFleet(stack, existing));
  };

const onlyAuthorize: AddResources = (stack, { vpcIds }) => {
  addAuthorization(stack, vpcIds[0]);
};

const onlyAddFleet: AddResources = (stack) => {
  addFleet(stack, '1');
};

const peerBothKindsOfFleets: AddResources = (stack, existing) => {
  const authorization = addAuthorization(stack, existing.vpcIds[0]);
  addConnectionOnCreation(stack, authorization, addFleet(stack, '1'));
  addConnection(stack, authorization, importFleet(stack, existing));
};

const peerBothKindsWithImportedAuthorization: AddResources = (stack, existing) => {
  const authorization = importAuthorization(stack, existing.vpcIds[0]);
  addConnectionOnCreation(stack, authorization, addFleet(stack, '1'));
  addConnection(stack, authorization, importFleet(stack, existing));
};

const peerWithRenamedAuthorization: AddResources = (stack, { vpcIds }) => {
  addConnectionOnCreation(stack, addAuthorization(stack, vpcIds[0], 'Renamed'), addFleet(stack, '2'));
};

const peerSecondVpcOnCreation =
  (build: string): AddResources =>
  (stack, { vpcIds }) => {
    addConnectionOnCreation(stack, addAuthorization(stack, vpcIds[1], '2'), addFleet(stack, build));
  };

const peerBothVpcs: AddResources = (stack, existing) => {
  connectExistingFleet(0)(stack, existing);
  peerSecondVpcOnCreation('1')(stack, existing);
};

/** Two deployments, and in how many orders the cleanup of the second deployment can delete the resources. */
export type CleanupCase = readonly [name: string, orders: number, first: AddResources, second: AddResources];

export const FAST_CLEANUPS: readonly CleanupCase[] = [
  ['a new build of a connected fleet', 1, connectFleet('1'), connectFleet('2')],
  ['a new build of a fleet that is peered on creation', 1, peerFleetOnCreation('1'), peerFleetOnCreation('2')],
  ['a change of the VPC of a connected fleet', 2, connectExistingFleet(0), connectExistingFleet(1)],
  ['a change of the VPC of a fleet that is peered on creation', 3, peerFleetOnCreation('1'), peerFleetOnCreation('1', 1)],
  ['removing a connection', 1, connectExistingFleet(0), onlyAuthorize],
  ['removing an authorization and its connection, but not the fleet', 6, connectFleet('1'), onlyAddFleet],
  [
    'renaming the authorization, with a new build of a fleet that is peered on creation',
    4,
    peerFleetOnCreation('1'),
    peerWithRenamedAuthorization,
  ],
  ['importing the authorization instead of declaring it', 2, peerBothKindsOfFleets, peerBothKindsWithImportedAuthorization],
];

/** Only test/scale runs these cases: each order takes long, or there are many. */
export const SLOW_CLEANUPS: readonly CleanupCase[] = [
  [
    'removing a connection, with a new build of a fleet that is peered on creation',
    1,
    peerBothKindsOfFleets,
    peerFleetOnCreation('2'),
  ],
  ['removing one of two authorizations and its connection', 3, peerBothVpcs, peerSecondVpcOnCreation('1')],
  ['new builds of two connected fleets with one authorization', 6, connectTwoFleets('1'), connectTwoFleets('2')],
  [
    'removing one of two authorizations and its connection, with a new build of the fleet of the other authorization',
    63,
    peerBothVpcs,
    peerSecondVpcOnCreation('2'),
  ],
];

/**
 * Runs both deployments once for each order of the cleanup, and returns the orders. When the stack is deleted, exactly the resources from before
 * must exist.
 */
export async function rehearseCleanup(first: AddResources, second: AddResources): Promise<readonly (readonly string[])[]> {
  return await runInEveryOrder(async (orders) => {
    const rehearsal = await startFastRehearsal({ nextDeletion: orders.chooseNext });
    try {
      const {
        vpcId,
        fleetIds: [fleetId = ''],
      } = await createExistingResources(rehearsal);
      const otherVpc = rehearsal.aws.ec2.createVpc({ ...ACCOUNT_AND_REGION, cidrBlock: '10.91.0.0/16' });
      const existing: ExistingVpcsAndFleet = { vpcIds: [vpcId, otherVpc.vpcId], fleetId };
      const before = rehearsal.aws.inventory();
      const deploy = async (addResources: AddResources): Promise<string> => {
        const assembly = synthesize((stack) => {
          addResources(stack, existing);
        });
        return (await rehearsal.cloudFormation.deploy(assembly, STACK)).status;
      };
      expect(await deploy(first)).toBe('CREATE_COMPLETE');
      await rehearsal.clock.sleep(10 * DAY_MS);
      expect(await orders.explore(() => deploy(second))).toBe('UPDATE_COMPLETE');
      await rehearsal.clock.sleep(10 * DAY_MS);
      expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
      expectNoFailedDelete(rehearsal);
      await expectNothingLeft(rehearsal, before);
    } finally {
      await closeRehearsals();
    }
  });
}

import { CfnOutput } from 'aws-cdk-lib';
import type { Stack } from 'aws-cdk-lib';
import type { IDependable } from 'constructs';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { Rehearsal, RehearsalOptions } from 'rehearsal';
import type { Inventory } from 'rehearsal/aws';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { VpcPeeringAuthorizationProps, VpcPeeringConnectionProps } from '../../lib';
import { DAY_MS, STACK, startRehearsal, synthesize, journalLinesFrom } from './rehearsals';

/*
 * The stacks of most lives. The fleet stack has a VPC, a database, a fleet and its connection. The connections stack connects existing fleets.
 */

export const ACCOUNT = '111111111111';

export interface FleetStackOptions {
  /** Part of the key of the build in S3. A change replaces the fleet. @default '1' */
  readonly build?: string;
  /** The CIDR block of the VPC. A change replaces the VPC. @default '10.90.0.0/16' */
  readonly cidr?: string;
  /** Whether the stack has a connection. @default true */
  readonly isConnected?: boolean;
  readonly peerOnCreate?: boolean;
  /** The id of the connection's construct. @default 'Peering' */
  readonly id?: string;
  /** More properties of the connection. */
  readonly props?: Partial<VpcPeeringConnectionProps>;
  /** Adds resources after the connection. */
  readonly addResources?: (stack: Stack, fleet: gamelift.CfnFleet, authorization: VpcPeeringAuthorization) => void;
}

export function synthesizeFleetStack({
  build = '1',
  cidr = '10.90.0.0/16',
  isConnected = true,
  peerOnCreate = false,
  id = 'Peering',
  props = {},
  addResources,
}: FleetStackOptions = {}): string {
  return synthesize((stack) => {
    const vpc = new ec2.Vpc(stack, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(cidr),
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Data', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    });
    const database = new ec2.SecurityGroup(stack, 'Database', { vpc });
    const fleet = addFleet(stack, build);
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    if (isConnected && peerOnCreate) {
      new VpcPeeringConnection(stack, id, { authorization, fleet, peerOnCreate: true, ...props });
    } else if (isConnected) {
      const peering = new VpcPeeringConnection(stack, id, { authorization, fleet, ...props });
      peering.allowTo(database, ec2.Port.tcp(5432));
      new CfnOutput(stack, 'Cidr', { value: peering.gameLiftCidrBlock });
      new CfnOutput(stack, 'Connection', { value: peering.vpcPeeringConnectionId });
    }
    addResources?.(stack, fleet, authorization);
  });
}

/** Starts a rehearsal with durations that are shorter than in reality, since each poll of the handler takes real time. */
export async function startFastRehearsal(options: RehearsalOptions = {}): Promise<Rehearsal> {
  const rehearsal = await startRehearsal(options);
  rehearsal.aws.scriptedOutcomes.fleetActivationSeconds = 120;
  rehearsal.aws.scriptedOutcomes.connectionSeconds = 8;
  return rehearsal;
}

/** @returns the status of the stack */
export async function deployFleetStack(rehearsal: Rehearsal, options: FleetStackOptions = {}): Promise<string> {
  return (await rehearsal.cloudFormation.deploy(synthesizeFleetStack(options), STACK)).status;
}

/** @returns the status of the stack */
export async function deleteStack(rehearsal: Rehearsal, stack = STACK): Promise<string> {
  return (await rehearsal.cloudFormation.delete(stack)).status;
}

/** A VPC with two route tables, and ACTIVE fleets. No stack has created them. */
export interface ExistingResources {
  readonly vpcId: string;
  readonly routeTableIds: readonly string[];
  readonly fleetIds: readonly string[];
}

/** The account and Region of all resources that are not in another account. */
export const ACCOUNT_AND_REGION = { account: ACCOUNT, region: 'us-east-1' };

/** For `fleets.activate`, which takes a promise of the reason why peering on creation failed: these fleets are not peered on creation. */
export const NO_PEERING_PROBLEM = Promise.resolve(undefined);

export async function createExistingResources(rehearsal: Rehearsal, fleets = 1): Promise<ExistingResources> {
  const { ec2: network, gameLift } = rehearsal.aws;
  const { vpcId } = network.createVpc({ ...ACCOUNT_AND_REGION, cidrBlock: '10.90.0.0/16' });
  const routeTableIds = [
    network.createRouteTable(ACCOUNT_AND_REGION, vpcId),
    network.createRouteTable(ACCOUNT_AND_REGION, vpcId),
  ];
  const fleetIds = Array.from({ length: fleets }, (_, index) => {
    const attributes = { Name: `fleet-${index}`, BuildId: 'build-1', EC2InstanceType: 'c5.large', ComputeType: 'EC2' };
    const fleet = gameLift.fleets.create(ACCOUNT_AND_REGION, attributes, new Map());
    gameLift.fleets.activate(fleet, NO_PEERING_PROBLEM);
    return fleet.id;
  });
  await rehearsal.clock.sleep(rehearsal.aws.scriptedOutcomes.fleetActivationSeconds * 1000 + 1000);
  return { vpcId, routeTableIds, fleetIds };
}

export interface ConnectionsOptions {
  /** The name of the stack. */
  readonly name?: string;
  /** The id of the first construct. The others have a number as well. */
  readonly id?: string;
  /** More properties of each connection. */
  readonly props?: Partial<VpcPeeringConnectionProps>;
  /** Returns more properties. They may contain constructs in the stack. */
  readonly propsOf?: (stack: Stack) => Partial<VpcPeeringConnectionProps>;
  /** The fleets to connect. @default - all existing fleets */
  readonly fleetIds?: readonly string[];
  /** More properties of the authorization. */
  readonly authorization?: Partial<VpcPeeringAuthorizationProps>;
  /** Adds resources after the connections. */
  readonly addResources?: (
    stack: Stack,
    connections: readonly VpcPeeringConnection[],
    authorization: VpcPeeringAuthorization,
  ) => void;
}

/** Synthesizes a stack that connects existing fleets with the existing VPC. */
export function synthesizeConnections(existing: ExistingResources, options: ConnectionsOptions = {}): string {
  const { name = STACK, id = 'Peering', props = {}, propsOf, fleetIds = existing.fleetIds, addResources } = options;
  return synthesize((stack) => {
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: existing.vpcId, availabilityZones: ['us-east-1a'] });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc, ...options.authorization });
    const connections = fleetIds.map((fleetId, index) => {
      const fleet = gamelift.CfnFleet.fromFleetId(stack, `Fleet${index}`, fleetId);
      return new VpcPeeringConnection(stack, index === 0 ? id : `${id}${index}`, {
        authorization,
        fleet,
        ...props,
        ...propsOf?.(stack),
      });
    });
    addResources?.(stack, connections, authorization);
  }, name);
}

/** @returns the status of the stack */
export async function deployConnections(
  rehearsal: Rehearsal,
  existing: ExistingResources,
  options: ConnectionsOptions = {},
): Promise<string> {
  return (await rehearsal.cloudFormation.deploy(synthesizeConnections(existing, options), options.name ?? STACK)).status;
}

/** The inventory without the expiration times of authorizations, which change when an authorization is renewed. */
export function withoutExpirationTimes(inventory: Inventory): Inventory {
  return { ...inventory, authorizations: inventory.authorizations.map((item) => ({ ...item, expirationTime: '' })) };
}

/** The inventory without the request ids in claims and without expiration times. These change even if an update is rolled back. */
export function comparableInventory({ aws }: Rehearsal): Inventory {
  const text = JSON.stringify(withoutExpirationTimes(aws.inventory()));
  return JSON.parse(text.replaceAll(/ [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/g, '"')) as Inventory;
}

/** The inventory, but with this status of the stack. Adds the stack if the inventory does not contain it. */
export function withStackStatus(inventory: Inventory, status: string, name = STACK): Inventory {
  const hasName = (stack: object): boolean => 'name' in stack && stack.name === name;
  const stack = inventory.stacks.find(hasName) ?? {
    account: ACCOUNT,
    region: ACCOUNT_AND_REGION.region,
    name,
    id: expect.any(String) as string,
  };
  const stackWithStatus = { ...stack, status };
  return { ...inventory, stacks: [...inventory.stacks.filter((other) => !hasName(other)), stackWithStatus] };
}

/** Adds a fleet. A change of the build replaces it. */
export function addFleet(stack: Stack, build: string, idSuffix = ''): gamelift.CfnFleet {
  const { ref } = new gamelift.CfnBuild(stack, `Build${idSuffix}`, {
    storageLocation: { bucket: 'b', key: `server-${build}.zip`, roleArn: 'arn:aws:iam::111111111111:role/r' },
  });
  return new gamelift.CfnFleet(stack, `Fleet${idSuffix}`, { name: 'fleet', buildId: ref, ec2InstanceType: 'c5.large' });
}

/** Imports an existing VPC that has one Availability Zone. */
export function importVpc(stack: Stack, vpcId: string, id = 'Vpc'): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, id, { vpcId, availabilityZones: ['us-east-1a'] });
}

/** Adds a resource whose creation fails, because its VPC does not exist. CloudFormation creates it after the dependencies. */
export function addFailingResource(stack: Stack, ...dependencies: IDependable[]): void {
  const group = new ec2.CfnSecurityGroup(stack, 'Late', { groupDescription: 'late', vpcId: 'vpc-0123456789abcdef0' });
  group.node.addDependency(...dependencies);
}

/** Adds a resource whose creation fails after the connections were created. */
export const failAfterConnections: ConnectionsOptions['addResources'] = (stack, connections) => {
  addFailingResource(stack, ...connections);
};

/** Expects that exactly the resources from before exist two days later, when all authorizations have expired. */
export async function expectNothingLeft(rehearsal: Rehearsal, inventoryBefore: unknown): Promise<void> {
  await rehearsal.clock.sleep(2 * DAY_MS);
  expect(rehearsal.aws.inventory()).toEqual(inventoryBefore);
}

/** Expects that no deletion by CloudFormation failed. CloudFormation skips a resource only after its deletion has failed. */
export function expectNoFailedDelete(rehearsal: Rehearsal): void {
  expect(journalLinesFrom(rehearsal, 'cloudformation').filter((line) => line.includes('DELETE_FAILED'))).toEqual([]);
}

import { CfnOutput } from 'aws-cdk-lib';
import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { Rehearsal } from 'rehearsal';
import type { Inventory } from 'rehearsal/aws';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { VpcPeeringAuthorizationProps, VpcPeeringConnectionProps } from '../../lib';
import { DAY, STACK, Stage, synthesize, journalLines } from './stage';

/*
 * The stacks of most lives: one with a VPC, a database, a fleet and its connection, and one that connects existing fleets.
 */

export const ACCOUNT = '111111111111';

export interface StudioOptions {
  readonly build?: string;
  readonly cidr?: string;
  readonly connected?: boolean;
  readonly peerOnCreate?: boolean;
  readonly id?: string;
  readonly props?: Partial<VpcPeeringConnectionProps>;
  /** Adds resources after the connection. */
  readonly more?: (stack: Stack, fleet: gamelift.CfnFleet, authorization: VpcPeeringAuthorization) => void;
}

export function synthesizeStudio({
  build = '1',
  cidr = '10.90.0.0/16',
  connected = true,
  peerOnCreate = false,
  id = 'Peering',
  props = {},
  more,
}: StudioOptions = {}): string {
  return synthesize((stack) => {
    const vpc = new ec2.Vpc(stack, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(cidr),
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Data', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    });
    const database = new ec2.SecurityGroup(stack, 'Database', { vpc });
    const server = new gamelift.CfnBuild(stack, 'Build', {
      storageLocation: { bucket: 'b', key: `server-${build}.zip`, roleArn: 'arn:aws:iam::111111111111:role/r' },
    });
    const fleet = new gamelift.CfnFleet(stack, 'Fleet', { name: 'fleet', buildId: server.ref, ec2InstanceType: 'c5.large' });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    if (peerOnCreate) {
      new VpcPeeringConnection(stack, id, { authorization, fleet, peerOnCreate: true, ...props });
    } else if (connected) {
      const peering = new VpcPeeringConnection(stack, id, { authorization, fleet, ...props });
      peering.allowTo(database, ec2.Port.tcp(5432));
      new CfnOutput(stack, 'Cidr', { value: peering.gameLiftCidrBlock });
      new CfnOutput(stack, 'Connection', { value: peering.vpcPeeringConnectionId });
    }
    more?.(stack, fleet, authorization);
  });
}

export async function start(options: Parameters<typeof Stage.start>[0] = {}): Promise<Rehearsal> {
  const rehearsal = await Stage.start(options);
  // shorter than in reality, since each poll of the handler takes real time
  rehearsal.aws.scriptedOutcomes.fleetActivationSeconds = 120;
  rehearsal.aws.scriptedOutcomes.connectionSeconds = 8;
  return rehearsal;
}

export async function deploy(rehearsal: Rehearsal, options: StudioOptions = {}): Promise<string> {
  return (await rehearsal.cloudFormation.deploy(synthesizeStudio(options), STACK)).status;
}

export async function remove(rehearsal: Rehearsal, stack = STACK): Promise<string> {
  return (await rehearsal.cloudFormation.delete(stack)).status;
}

/** A VPC with two route tables, and ACTIVE fleets, which no stack creates. */
export interface ExistingResources {
  readonly vpcId: string;
  readonly routeTableIds: readonly string[];
  readonly fleetIds: readonly string[];
}

export const PLACE = { account: ACCOUNT, region: 'us-east-1' };

export async function createExisting(rehearsal: Rehearsal, fleets = 1): Promise<ExistingResources> {
  const { ec2: network, gameLift } = rehearsal.aws;
  const { vpcId } = network.createVpc({ ...PLACE, cidrBlock: '10.90.0.0/16' });
  const routeTableIds = [network.createRouteTable(PLACE, vpcId), network.createRouteTable(PLACE, vpcId)];
  const fleetIds = Array.from({ length: fleets }, (_, index) => {
    const attributes = { Name: `fleet-${index}`, BuildId: 'build-1', EC2InstanceType: 'c5.large', ComputeType: 'EC2' };
    const fleet = gameLift.fleets.create(PLACE, attributes, new Map());
    gameLift.fleets.activate(fleet, Promise.resolve(undefined));
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
  readonly props?: Partial<VpcPeeringConnectionProps>;
  /** More properties, which need the stack. */
  readonly propsOf?: (stack: Stack) => Partial<VpcPeeringConnectionProps>;
  readonly fleetIds?: readonly string[];
  readonly authorization?: Partial<VpcPeeringAuthorizationProps>;
  /** Adds resources after the connections. */
  readonly more?: (stack: Stack, connections: readonly VpcPeeringConnection[], authorization: VpcPeeringAuthorization) => void;
}

/** A stack that connects existing fleets with the existing VPC. */
export function synthesizeConnections(existing: ExistingResources, options: ConnectionsOptions = {}): string {
  const { name = STACK, id = 'Peering', props = {}, propsOf, fleetIds = existing.fleetIds, more } = options;
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
    more?.(stack, connections, authorization);
  }, name);
}

export async function deployConnections(
  rehearsal: Rehearsal,
  existing: ExistingResources,
  options: ConnectionsOptions = {},
): Promise<string> {
  return (await rehearsal.cloudFormation.deploy(synthesizeConnections(existing, options), options.name ?? STACK)).status;
}

/** Authorizations may be renewed between two inventories that a test compares. */
export function withoutExpirationTimes(inventory: Inventory): Inventory {
  return { ...inventory, authorizations: inventory.authorizations.map((item) => ({ ...item, expirationTime: '' })) };
}

/** The inventory without the request ids in claims and without expiration times, which change with each update and its rollback. */
export function inventoryOf({ aws }: Rehearsal): Inventory {
  const text = JSON.stringify(withoutExpirationTimes(aws.inventory()));
  return JSON.parse(text.replaceAll(/ [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/g, '"')) as Inventory;
}

/** The inventory with a stack in this status. */
export function withStack(inventory: Inventory, status: string, name = STACK): Inventory {
  const hasName = (stack: object): boolean => 'name' in stack && stack.name === name;
  const stack = inventory.stacks.find(hasName) ?? {
    account: ACCOUNT,
    region: PLACE.region,
    name,
    id: expect.any(String) as string,
  };
  const changed = { ...stack, status };
  return { ...inventory, stacks: [...inventory.stacks.filter((other) => !hasName(other)), changed] };
}

/** Expects that two days later, exactly the resources from before exist. */
export async function expectNothingLeft(rehearsal: Rehearsal, before: unknown): Promise<void> {
  await rehearsal.clock.sleep(2 * DAY);
  expect(rehearsal.aws.inventory()).toEqual(before);
}

/** Expects that no deletion by CloudFormation failed or was skipped. */
export function expectNoFailedDelete(rehearsal: Rehearsal): void {
  expect(journalLines(rehearsal, 'cloudformation').filter((line) => line.includes('DELETE_FAILED'))).toEqual([]);
}

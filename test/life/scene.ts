import { CfnOutput } from 'aws-cdk-lib';
import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { Rehearsal } from 'rehearsal';
import type { Inventory } from 'rehearsal/aws';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import type { VpcPeeringAuthorizationProps, VpcPeeringConnectionProps } from '../../lib';
import { DAY, STACK, Stage, synthesize, told } from './stage';

/*
 * A studio in one stack: VPC, database, build, fleet, and the peering of the two.
 */

export const ACCOUNT = '111111111111';

export interface Scene {
  readonly build?: string;
  readonly cidr?: string;
  readonly connected?: boolean;
  readonly peerOnCreate?: boolean;
  readonly id?: string;
  readonly props?: Partial<VpcPeeringConnectionProps>;
  /** More of the stack, after the connection. */
  readonly more?: (stack: Stack, fleet: gamelift.CfnFleet, authorization: VpcPeeringAuthorization) => void;
}

export function scene({
  build = '1',
  cidr = '10.90.0.0/16',
  connected = true,
  peerOnCreate = false,
  id = 'Peering',
  props = {},
  more,
}: Scene = {}): string {
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
  // shorter than in reality where it makes no difference: each look at what is pending takes real time
  rehearsal.aws.scriptedOutcomes.fleetActivationSeconds = 120;
  rehearsal.aws.scriptedOutcomes.connectionSeconds = 8;
  return rehearsal;
}

export async function deploy(rehearsal: Rehearsal, options: Scene = {}): Promise<string> {
  return (await rehearsal.cloudFormation.deploy(scene(options), STACK)).status;
}

export async function remove(rehearsal: Rehearsal, stack = STACK): Promise<string> {
  return (await rehearsal.cloudFormation.delete(stack)).status;
}

/** What was there before the stack: a VPC with two route tables, and fleets that are ready. */
export interface Existing {
  readonly vpcId: string;
  readonly routeTableIds: readonly string[];
  readonly fleetIds: readonly string[];
}

export const PLACE = { account: ACCOUNT, region: 'us-east-1' };

export async function existing(rehearsal: Rehearsal, fleets = 1): Promise<Existing> {
  const { ec2: network, gameLift } = rehearsal.aws;
  const { vpcId } = network.createVpc({ ...PLACE, cidrBlock: '10.90.0.0/16' });
  const routeTableIds = [network.createRouteTable(PLACE, vpcId), network.createRouteTable(PLACE, vpcId)];
  const fleetIds = Array.from({ length: fleets }, (_, index) => {
    const attributes = { Name: `fleet-${index}`, BuildId: 'build-1', EC2InstanceType: 'c5.large', ComputeType: 'EC2' };
    const fleet = gameLift.fleets.create(PLACE, attributes, new Map());
    gameLift.fleets.start(fleet, Promise.resolve(undefined));
    return fleet.id;
  });
  await rehearsal.clock.sleep(rehearsal.aws.scriptedOutcomes.fleetActivationSeconds * 1000 + 1000);
  return { vpcId, routeTableIds, fleetIds };
}

export interface Joining {
  /** Of the stack. */
  readonly name?: string;
  /** Of the connections, one to each fleet. */
  readonly id?: string;
  readonly props?: Partial<VpcPeeringConnectionProps>;
  /** More of them, which need the stack. */
  readonly propsOf?: (stack: Stack) => Partial<VpcPeeringConnectionProps>;
  readonly fleetIds?: readonly string[];
  readonly authorization?: Partial<VpcPeeringAuthorizationProps>;
  /** More of the stack, after the connections. */
  readonly more?: (stack: Stack, connections: readonly VpcPeeringConnection[], authorization: VpcPeeringAuthorization) => void;
}

/** A stack that connects what exists, and owns nothing but the connections. */
export function joining(there: Existing, options: Joining = {}): string {
  const { name = STACK, id = 'Peering', props = {}, propsOf, fleetIds = there.fleetIds, more } = options;
  return synthesize((stack) => {
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: there.vpcId, availabilityZones: ['us-east-1a'] });
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

export async function join(rehearsal: Rehearsal, there: Existing, options: Joining = {}): Promise<string> {
  return (await rehearsal.cloudFormation.deploy(joining(there, options), options.name ?? STACK)).status;
}

/** The same inventory, but for when authorizations expire: they are renewed between the moments that are compared. */
export function withoutExpirationTimes(inventory: Inventory): Inventory {
  return { ...inventory, authorizations: inventory.authorizations.map((item) => ({ ...item, expirationTime: '' })) };
}

/**
 * What is there, but for which request last noted a claim, and when authorizations expire: that is another after each update, and
 * after its rollback.
 */
export function inventoryOf({ aws }: Rehearsal): Inventory {
  const text = JSON.stringify(withoutExpirationTimes(aws.inventory()));
  return JSON.parse(text.replaceAll(/ [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/g, '"')) as Inventory;
}

/** The same inventory, but for a stack that is there in this status. */
export function withStack(inventory: Inventory, status: string, name = STACK): Inventory {
  const isIt = (stack: object): boolean => 'name' in stack && stack.name === name;
  const stack = inventory.stacks.find(isIt) ?? { account: ACCOUNT, region: PLACE.region, name, id: expect.any(String) as string };
  const present = { ...stack, status };
  return { ...inventory, stacks: [...inventory.stacks.filter((other) => !isIt(other)), present] };
}

/** Nothing is left two days later that was not there before. */
export async function expectNothingLeft(rehearsal: Rehearsal, before: unknown): Promise<void> {
  await rehearsal.clock.sleep(2 * DAY);
  expect(rehearsal.aws.inventory()).toEqual(before);
}

/** No delete of CloudFormation's failed, nor was one skipped. */
export function expectNoFailedDelete(rehearsal: Rehearsal): void {
  expect(told(rehearsal, 'cloudformation').filter((line) => line.includes('DELETE_FAILED'))).toEqual([]);
}

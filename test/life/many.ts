import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import { CONNECTION_TYPE } from '../../lib/contract';
import type { Rehearsal } from '../../rehearsal';
import type { Inventory } from '../../rehearsal/aws';
import { table } from '../../rehearsal/report';
import { existing, remove, start } from './scene';
import type { Existing } from './scene';
import { failures, STACK, synthesize, told } from './stage';

/** Where the fleets come from that a stack connects with a VPC. */
export interface FleetSource {
  /** Makes the VPC, and what else is there before the stack. */
  readonly prepare: (rehearsal: Rehearsal, fleets: number) => Promise<Existing>;
  readonly fleet: (stack: Stack, id: string, there: Existing, index: number) => aws_gamelift.IFleetRef;
}

/** The fleets are there before the stack, and stay. */
export const IMPORTED: FleetSource = {
  prepare: existing,
  fleet: (stack, id, { fleetIds }, index) => gamelift.CfnFleet.fromFleetId(stack, id, fleetIds[index] ?? ''),
};

/** The stack creates and deletes the fleets. */
export const CREATED: FleetSource = {
  prepare: (rehearsal) => existing(rehearsal, 0),
  fleet: (stack, id) => new gamelift.CfnFleet(stack, id, { name: id, buildId: 'build-1', ec2InstanceType: 'c5.large' }),
};

/** EC2's default quota of active peerings, and of routes in a route table: more connections take another VPC. */
const CONNECTIONS_PER_VPC = 50;

/** What many connections of one stack took. */
export interface Pace {
  readonly statuses: readonly string[];
  readonly connected: number;
  /** Failures of custom resources, and deletes of CloudFormation's. */
  readonly failures: readonly string[];
  readonly before: Inventory;
  readonly after: Inventory;
  /** Rehearsed seconds, from the first request for a connection to the last answer. */
  readonly creating: number;
  readonly deleting: number;
  /** Calls to DescribeVpcPeeringConnections of GameLift that were answered. */
  readonly describing: { readonly creating: number; readonly deleting: number };
  /** Calls that GameLift refused for its rate limit, by operation. */
  readonly throttled: Readonly<Record<string, number>>;
}

/** Connects fleets in one stack, with as many VPCs as EC2's quota takes, and removes the stack a day and more later. */
export async function rehearseMany(
  connections: number,
  source: FleetSource,
  throttledCalls: 'free' | 'counted' = 'free',
): Promise<Pace> {
  const rehearsal = await start();
  rehearsal.aws.behaviours.set('throttledCalls', throttledCalls);
  rehearsal.aws.fates.connectionSeconds = 30;
  const vpcs: { readonly there: Existing; readonly count: number }[] = [];
  for (let rest = connections; rest > 0; rest -= CONNECTIONS_PER_VPC) {
    const count = Math.min(CONNECTIONS_PER_VPC, rest);
    vpcs.push({ there: await source.prepare(rehearsal, count), count });
  }
  const before = rehearsal.aws.inventory();
  const assembly = synthesize((stack) => {
    vpcs.forEach(({ there, count }, number) => {
      const vpc = ec2.Vpc.fromVpcAttributes(stack, `Vpc${number}`, { vpcId: there.vpcId, availabilityZones: ['us-east-1a'] });
      const authorization = new VpcPeeringAuthorization(stack, `Authorization${number}`, { vpc });
      for (let index = 0; index < count; index += 1) {
        const fleet = source.fleet(stack, `Fleet${number}x${index}`, there, index);
        new VpcPeeringConnection(stack, `Peering${number}x${index}`, { authorization, fleet });
      }
    });
  });
  const created = await rehearsal.cloudFormation.deploy(assembly, STACK);
  const connected = rehearsal.aws.inventory().connections.length;
  const described = describedIn(rehearsal);
  await rehearsal.clock.sleep(30 * 3_600_000);
  const deleted = await remove(rehearsal);
  return {
    statuses: [created.status, deleted],
    connected,
    failures: [...failures(rehearsal), ...told(rehearsal, 'cloudformation').filter((line) => line.includes('_FAILED'))],
    before,
    after: rehearsal.aws.inventory(),
    creating: secondsOf(rehearsal, 'CREATE'),
    deleting: secondsOf(rehearsal, 'DELETE'),
    describing: { creating: described, deleting: describedIn(rehearsal) - described },
    throttled: throttledIn(rehearsal),
  };
}

function describedIn(rehearsal: Rehearsal): number {
  const isAnswered = (line: string): boolean => line.startsWith('DescribeVpcPeeringConnections ') && line.includes('succeeded');
  return told(rehearsal, 'gamelift').filter(isAnswered).length;
}

function throttledIn(rehearsal: Rehearsal): Record<string, number> {
  const throttled: Record<string, number> = {};
  for (const line of told(rehearsal, 'gamelift').filter((text) => text.includes(' ThrottlingException '))) {
    const [operation = ''] = line.split(' ');
    throttled[operation] = (throttled[operation] ?? 0) + 1;
  }
  return throttled;
}

function secondsOf({ journal }: Rehearsal, action: 'CREATE' | 'DELETE'): number {
  const times = journal.entries
    .filter(
      ({ source, message }) =>
        source === 'cloudformation' && message.startsWith(`${action}_`) && message.includes(CONNECTION_TYPE),
    )
    .map(({ time }) => time);
  return Math.round((Math.max(...times) - Math.min(...times)) / 1000);
}

/** Each connection takes 30 seconds to become active; one call of an operation is allowed in ten seconds. */
export function printed(title: string, connections: number, pace: Pace): string {
  const { creating, deleting, describing, throttled } = pace;
  const atBest = 10 * connections;
  const row = (what: string, seconds: number, described: number, operation: string): string[] => [
    what,
    String(seconds),
    (seconds / atBest).toFixed(2),
    String(described),
    `${throttled[operation] ?? 0} of ${operation}`,
  ];
  return table(
    [title, 'seconds', `of ${atBest}`, 'DescribeVpcPeeringConnections', 'throttled'],
    [
      row('created', creating, describing.creating, 'CreateVpcPeeringConnection'),
      row('deleted', deleting, describing.deleting, 'DeleteVpcPeeringConnection'),
      ['both', '', '', '', `${throttled.DescribeVpcPeeringConnections ?? 0} of DescribeVpcPeeringConnections`],
    ],
  );
}

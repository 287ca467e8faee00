import type { Stack } from 'aws-cdk-lib';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';
import type { Rehearsal } from 'rehearsal';
import type { Inventory } from 'rehearsal/aws';
import { LIBRARY } from '../../bench/ways/library';
import type { Way } from '../../bench/ways/way';
import { callsOf, type Calls } from './calls';
import { existing, remove } from './scene';
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
  readonly calls: { readonly creating: Calls; readonly deleting: Calls };
}

/** Connects fleets in one stack, with as many VPCs as EC2's quota takes, and removes the stack a day and more later. */
export async function rehearseMany(
  rehearsal: Rehearsal,
  connections: number,
  source: FleetSource,
  way: Way = LIBRARY,
): Promise<Pace> {
  rehearsal.aws.scriptedOutcomes.connectionSeconds = 30;
  const vpcs: { readonly there: Existing; readonly count: number }[] = [];
  for (let rest = connections; rest > 0; rest -= CONNECTIONS_PER_VPC) {
    const count = Math.min(CONNECTIONS_PER_VPC, rest);
    vpcs.push({ there: await source.prepare(rehearsal, count), count });
  }
  const before = rehearsal.aws.inventory();
  const assembly = synthesize((stack) => {
    const networks = vpcs.map(({ there, count }, number) => ({
      vpcId: there.vpcId,
      fleets: Array.from({ length: count }, (_, index) => source.fleet(stack, `Fleet${number}x${index}`, there, index)),
    }));
    way.connect(stack, networks);
  });
  const created = await rehearsal.cloudFormation.deploy(assembly, STACK);
  const connected = rehearsal.aws.inventory().connections.length;
  const described = describedIn(rehearsal);
  const whenCreated = rehearsal.journal.entries.length;
  await rehearsal.clock.sleep(30 * 3_600_000);
  const deleted = await remove(rehearsal);
  return {
    statuses: [created.status, deleted],
    connected,
    failures: [...failures(rehearsal), ...told(rehearsal, 'cloudformation').filter((line) => line.includes('_FAILED'))],
    before,
    after: rehearsal.aws.inventory(),
    creating: secondsOf(rehearsal, way, 'CREATE'),
    deleting: secondsOf(rehearsal, way, 'DELETE'),
    describing: { creating: described, deleting: describedIn(rehearsal) - described },
    calls: {
      creating: callsOf(rehearsal.journal.entries.slice(0, whenCreated)),
      deleting: callsOf(rehearsal.journal.entries.slice(whenCreated)),
    },
  };
}

function describedIn(rehearsal: Rehearsal): number {
  const isAnswered = (line: string): boolean => line.startsWith('DescribeVpcPeeringConnections ') && line.includes('succeeded');
  return told(rehearsal, 'gamelift').filter(isAnswered).length;
}

function secondsOf({ journal }: Rehearsal, { connectionType }: Way, action: 'CREATE' | 'DELETE'): number {
  const times = journal.entries
    .filter(
      ({ source, message }) =>
        source === 'cloudformation' && message.startsWith(`${action}_`) && message.includes(connectionType),
    )
    .map(({ time }) => time);
  return times.length === 0 ? 0 : Math.round((Math.max(...times) - Math.min(...times)) / 1000);
}

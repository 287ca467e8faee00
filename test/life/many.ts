import type { Stack } from 'aws-cdk-lib';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';
import type { Rehearsal } from 'rehearsal';
import type { Inventory } from 'rehearsal/aws';
import { LIBRARY } from '../../bench/ways/library';
import type { Way } from '../../bench/ways/way';
import { callsOf, type Calls } from './calls';
import { createExisting, remove } from './scene';
import type { ExistingResources } from './scene';
import { failureReasons, STACK, synthesize, journalLines } from './stage';

/** How to get the fleets that a stack connects. */
export interface FleetSource {
  /** Creates the VPC and the fleets that the stack does not create. */
  readonly prepare: (rehearsal: Rehearsal, fleets: number) => Promise<ExistingResources>;
  readonly fleet: (stack: Stack, id: string, existing: ExistingResources, index: number) => aws_gamelift.IFleetRef;
}

/** The fleets exist before the stack, and are kept. */
export const IMPORTED: FleetSource = {
  prepare: createExisting,
  fleet: (stack, id, { fleetIds }, index) => gamelift.CfnFleet.fromFleetId(stack, id, fleetIds[index] ?? ''),
};

/** The stack creates and deletes the fleets. */
export const CREATED: FleetSource = {
  prepare: (rehearsal) => createExisting(rehearsal, 0),
  fleet: (stack, id) => new gamelift.CfnFleet(stack, id, { name: id, buildId: 'build-1', ec2InstanceType: 'c5.large' }),
};

/** EC2's default quota of active peerings per VPC, and of routes per route table. More connections use another VPC. */
const CONNECTIONS_PER_VPC = 50;

/** How long many connections of one stack took, and how many calls. */
export interface Pace {
  readonly statuses: readonly string[];
  readonly connected: number;
  /** Failures of custom resources and of CloudFormation. */
  readonly failures: readonly string[];
  readonly before: Inventory;
  readonly after: Inventory;
  /** Simulated seconds from the first request for a connection to the last response. */
  readonly creating: number;
  readonly deleting: number;
  /** Successful calls of GameLift's DescribeVpcPeeringConnections. */
  readonly describing: { readonly creating: number; readonly deleting: number };
  readonly calls: { readonly creating: Calls; readonly deleting: Calls };
}

/** Connects fleets in one stack, with as many VPCs as EC2's quota requires, and deletes the stack 30 hours later. */
export async function rehearseMany(
  rehearsal: Rehearsal,
  connections: number,
  source: FleetSource,
  way: Way = LIBRARY,
): Promise<Pace> {
  rehearsal.aws.scriptedOutcomes.connectionSeconds = 30;
  const vpcs: { readonly existing: ExistingResources; readonly count: number }[] = [];
  for (let remaining = connections; remaining > 0; remaining -= CONNECTIONS_PER_VPC) {
    const count = Math.min(CONNECTIONS_PER_VPC, remaining);
    vpcs.push({ existing: await source.prepare(rehearsal, count), count });
  }
  const before = rehearsal.aws.inventory();
  const assembly = synthesize((stack) => {
    const networks = vpcs.map(({ existing, count }, number) => ({
      vpcId: existing.vpcId,
      fleets: Array.from({ length: count }, (_, index) => source.fleet(stack, `Fleet${number}x${index}`, existing, index)),
    }));
    way.connect(stack, networks);
  });
  const created = await rehearsal.cloudFormation.deploy(assembly, STACK);
  const connected = rehearsal.aws.inventory().connections.length;
  const describesOfCreate = countDescribes(rehearsal);
  const entriesOfCreate = rehearsal.journal.entries.length;
  await rehearsal.clock.sleep(30 * 3_600_000);
  const deleted = await remove(rehearsal);
  return {
    statuses: [created.status, deleted],
    connected,
    failures: [
      ...failureReasons(rehearsal),
      ...journalLines(rehearsal, 'cloudformation').filter((line) => line.includes('_FAILED')),
    ],
    before,
    after: rehearsal.aws.inventory(),
    creating: secondsOf(rehearsal, way, 'CREATE'),
    deleting: secondsOf(rehearsal, way, 'DELETE'),
    describing: { creating: describesOfCreate, deleting: countDescribes(rehearsal) - describesOfCreate },
    calls: {
      creating: callsOf(rehearsal.journal.entries.slice(0, entriesOfCreate)),
      deleting: callsOf(rehearsal.journal.entries.slice(entriesOfCreate)),
    },
  };
}

function countDescribes(rehearsal: Rehearsal): number {
  const isSuccessful = (line: string): boolean => line.startsWith('DescribeVpcPeeringConnections ') && line.includes('succeeded');
  return journalLines(rehearsal, 'gamelift').filter(isSuccessful).length;
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

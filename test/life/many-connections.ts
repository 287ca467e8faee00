import type { Stack } from 'aws-cdk-lib';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';
import type { Rehearsal } from 'rehearsal';
import type { Inventory } from 'rehearsal/aws';
import { LIBRARY } from '../../bench/ways/library';
import type { Way } from '../../bench/ways/way';
import { countHandlerCalls, type HandlerCalls } from './handler-calls';
import { createExistingResources, deleteStack } from './common-stacks';
import type { ExistingResources } from './common-stacks';
import { failureReasons, HOUR_MS, STACK, synthesize, journalLinesFrom } from './rehearsals';

/** Where the fleets that a stack connects come from. */
export interface FleetSource {
  /** Creates the VPC and the fleets that the stack does not create. */
  readonly prepare: (rehearsal: Rehearsal, fleets: number) => Promise<ExistingResources>;
  readonly fleet: (stack: Stack, id: string, existing: ExistingResources, index: number) => aws_gamelift.IFleetRef;
}

/** The fleets exist before the stack is created, and after it is deleted. */
export const IMPORTED_FLEETS: FleetSource = {
  prepare: createExistingResources,
  fleet: (stack, id, { fleetIds }, index) => gamelift.CfnFleet.fromFleetId(stack, id, fleetIds[index] ?? ''),
};

/** The stack creates and deletes the fleets. */
export const CREATED_FLEETS: FleetSource = {
  prepare: (rehearsal) => createExistingResources(rehearsal, 0),
  fleet: (stack, id) => new gamelift.CfnFleet(stack, id, { name: id, buildId: 'build-1', ec2InstanceType: 'c5.large' }),
};

/** EC2's default quota of active peerings per VPC, and of routes per route table. Further connections use another VPC. */
const CONNECTIONS_PER_VPC = 50;

/** What the creation or the deletion of all connections took. */
interface Phase {
  /** Simulated seconds from the first event of a connection in CloudFormation to the last. */
  readonly seconds: number;
  /** Successful calls of GameLift's DescribeVpcPeeringConnections. */
  readonly connectionReads: number;
  readonly calls: HandlerCalls;
}

export interface ManyConnectionsResult {
  /** The status of the stack after its creation, and after its deletion. */
  readonly statuses: readonly string[];
  /** The number of connections after the creation. */
  readonly connected: number;
  /** Failures of custom resources and of CloudFormation. */
  readonly failures: readonly string[];
  readonly before: Inventory;
  readonly after: Inventory;
  readonly creating: Phase;
  readonly deleting: Phase;
}

/** Connects fleets in one stack, with as many VPCs as EC2's quota requires, and deletes the stack 30 hours later. */
export async function rehearseManyConnections(
  rehearsal: Rehearsal,
  connections: number,
  source: FleetSource,
  way: Way = LIBRARY,
): Promise<ManyConnectionsResult> {
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
  const readsOfCreate = countConnectionReads(rehearsal);
  const entriesOfCreate = rehearsal.journal.entries.length;
  await rehearsal.clock.sleep(30 * HOUR_MS);
  const deleted = await deleteStack(rehearsal);
  return {
    statuses: [created.status, deleted],
    connected,
    failures: [
      ...failureReasons(rehearsal),
      ...journalLinesFrom(rehearsal, 'cloudformation').filter((line) => line.includes('_FAILED')),
    ],
    before,
    after: rehearsal.aws.inventory(),
    creating: {
      seconds: secondsOfPhase(rehearsal, way, 'CREATE'),
      connectionReads: readsOfCreate,
      calls: countHandlerCalls(rehearsal.journal.entries.slice(0, entriesOfCreate)),
    },
    deleting: {
      seconds: secondsOfPhase(rehearsal, way, 'DELETE'),
      connectionReads: countConnectionReads(rehearsal) - readsOfCreate,
      calls: countHandlerCalls(rehearsal.journal.entries.slice(entriesOfCreate)),
    },
  };
}

function countConnectionReads(rehearsal: Rehearsal): number {
  const isSuccessful = (line: string): boolean => line.startsWith('DescribeVpcPeeringConnections ') && line.includes('succeeded');
  return journalLinesFrom(rehearsal, 'gamelift').filter(isSuccessful).length;
}

function secondsOfPhase({ journal }: Rehearsal, { connectionType }: Way, action: 'CREATE' | 'DELETE'): number {
  const times = journal.entries
    .filter(
      ({ source, message }) =>
        source === 'cloudformation' && message.startsWith(`${action}_`) && message.includes(connectionType),
    )
    .map(({ time }) => time);
  return times.length === 0 ? 0 : Math.round((Math.max(...times) - Math.min(...times)) / 1000);
}

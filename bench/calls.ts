import type { Stack } from 'aws-cdk-lib';
import { createFleet } from '../examples/shared/studio';
import { PEERING_OPERATIONS } from '../lambda/aws/calls';
import { countHandlerCalls } from '../test/life/handler-calls';
import type { HandlerCalls } from '../test/life/handler-calls';
import { createExistingResources } from '../test/life/common-stacks';
import { DAY_MS, STACK, synthesize } from '../test/life/rehearsals';
import { withRehearsal } from './rehearsals';
import { verdict } from './result';
import type { Measurement, Target } from './result';
import { WAYS } from './ways';
import { LIBRARY } from './ways/library';
import type { Way } from './ways/way';

/** The target: at most this many calls above the minimum. */
const MAX_EXTRA_CALLS = 2;

/**
 * `days` is the time since the previous step. `build` is the build of the fleet; undefined deletes the stack.
 *
 * `minimum` is the lowest possible number of calls of the operations with a rate limit. Creating needs CreateVpcPeeringAuthorization,
 * CreateVpcPeeringConnection, and DescribeVpcPeeringConnections for the id and the CIDR block. A new build needs the same calls, because the
 * authorization has expired and the fleet is replaced. Deleting needs CreateVpcPeeringAuthorization and DeleteVpcPeeringAuthorization. The
 * connection ends with its fleet, without a call.
 */
const STEPS = [
  { name: 'create', days: 0, build: '1', minimum: 3 },
  { name: 'new build, ten days later', days: 10, build: '2', minimum: 3 },
  { name: 'delete, thirty days later', days: 30, build: undefined, minimum: 2 },
] as const;

interface StepResult {
  readonly name: string;
  readonly minimum: number;
  readonly status: string;
  readonly calls: HandlerCalls;
}

/** Runs the life of a stack with a fleet and its connection. */
function runLife(way: Way): Promise<readonly StepResult[]> {
  return withRehearsal(way, async (rehearsal) => {
    const { clock, cloudFormation, journal } = rehearsal;
    // 0: no fleets, because the stack creates its own
    const { vpcId } = await createExistingResources(rehearsal, 0);
    const steps: StepResult[] = [];
    for (const { name, days, build, minimum } of STEPS) {
      await clock.sleep(days * DAY_MS);
      const entriesBefore = journal.entries.length;
      const assembly =
        build === undefined
          ? undefined
          : synthesize((stack: Stack) => {
              way.connect(stack, [{ vpcId, fleets: [createFleet(stack, build)] }]);
            });
      const { status } = await (assembly === undefined ? cloudFormation.delete(STACK) : cloudFormation.deploy(assembly, STACK));
      steps.push({ name, minimum, status, calls: countHandlerCalls(journal.entries.slice(entriesBefore)) });
    }
    return steps;
  });
}

function tableRow(way: string, { name, status, calls }: StepResult): string[] {
  const count = (operation: string): number => {
    const operationCalls = calls.operations.find((counts) => counts.operation === operation);
    return operationCalls === undefined ? 0 : operationCalls.answered + operationCalls.throttled;
  };
  const otherOperations = calls.operations.filter(({ operation }) => !PEERING_OPERATIONS.includes(operation));
  return [
    way,
    name,
    status,
    ...PEERING_OPERATIONS.map((operation) => String(count(operation))),
    otherOperations.map(({ operation }) => `${count(operation)} ${operation}`).join(', '),
  ];
}

function targetFor({ name, minimum, calls }: StepResult): Target {
  const callCount = calls.answered + calls.throttled;
  return {
    what: name,
    target: `at most ${MAX_EXTRA_CALLS} above the minimum of ${minimum}`,
    measured: String(callCount),
    verdict: verdict(callCount <= minimum + MAX_EXTRA_CALLS),
  };
}

export const CALLS: Measurement = {
  name: 'calls',
  measure: async () => {
    const lives: { readonly way: Way; readonly steps: readonly StepResult[] }[] = [];
    for (const way of WAYS) {
      lives.push({ way, steps: await runLife(way) });
    }
    return {
      title: 'Calls of GameLift',
      method:
        'The life of a stack with a VPC that is imported, a fleet with its build, and one connection. What counts for the target are the six ' +
        'operations that GameLift limits to one call in ten seconds. The minimum to create, and for a new build, is to authorize, to request ' +
        'the connection, and to read its id and CIDR block. The minimum to delete is to authorize and to cancel the authorization: the ' +
        'connection ends with its fleet.',
      tables: [
        {
          head: ['way', 'step', 'result', ...PEERING_OPERATIONS, 'other operations'],
          rows: lives.flatMap(({ way, steps }) => steps.map((step) => tableRow(way.name, step))),
        },
      ],
      targets: lives.filter(({ way }) => way === LIBRARY).flatMap(({ steps }) => steps.map(targetFor)),
    };
  },
};

import type { Stack } from 'aws-cdk-lib';
import { createFleet } from '../bin/studio';
import { PEERING_OPERATIONS } from '../lambda/aws/calls';
import { callsOf } from '../test/life/calls';
import type { Calls } from '../test/life/calls';
import { existing } from '../test/life/scene';
import { DAY, STACK, synthesize } from '../test/life/stage';
import { inRehearsal } from './rehearsals';
import { verdict } from './result';
import type { Measurement, Target } from './result';
import { WAYS } from './ways';
import { LIBRARY } from './ways/library';
import type { Way } from './ways/way';

const MAX_EXTRA_CALLS = 2;

/**
 * The steps, and the minimum number of rate-limited calls in each. A creation needs CreateVpcPeeringAuthorization,
 * CreateVpcPeeringConnection, and DescribeVpcPeeringConnections for the id and the CIDR block. A new build needs the same calls, because the
 * authorization has expired; the old connection is deleted with its fleet. A deletion needs CreateVpcPeeringAuthorization and
 * DeleteVpcPeeringAuthorization.
 */
const STEPS = [
  { name: 'create', days: 0, build: '1', minimum: 3 },
  { name: 'new build, ten days later', days: 10, build: '2', minimum: 3 },
  { name: 'delete, thirty days later', days: 30, build: undefined, minimum: 2 },
] as const;

interface Step {
  readonly name: string;
  readonly minimum: number;
  readonly status: string;
  readonly calls: Calls;
}

/** Rehearses the life of a stack with a fleet and its connection. */
function rehearseLife(way: Way): Promise<readonly Step[]> {
  return inRehearsal(way, async (rehearsal) => {
    const { clock, cloudFormation, journal } = rehearsal;
    const { vpcId } = await existing(rehearsal, 0);
    const steps: Step[] = [];
    for (const { name, days, build, minimum } of STEPS) {
      await clock.sleep(days * DAY);
      const firstEntry = journal.entries.length;
      const assembly =
        build === undefined
          ? undefined
          : synthesize((stack: Stack) => {
              way.connect(stack, [{ vpcId, fleets: [createFleet(stack, build)] }]);
            });
      const { status } = await (assembly === undefined ? cloudFormation.delete(STACK) : cloudFormation.deploy(assembly, STACK));
      steps.push({ name, minimum, status, calls: callsOf(journal.entries.slice(firstEntry)) });
    }
    return steps;
  });
}

function row(way: string, { name, status, calls }: Step): string[] {
  const count = (operation: string): number => {
    const counted = calls.operations.find((candidate) => candidate.operation === operation);
    return counted === undefined ? 0 : counted.answered + counted.throttled;
  };
  const others = calls.operations.filter(({ operation }) => !PEERING_OPERATIONS.includes(operation));
  return [
    way,
    name,
    status,
    ...PEERING_OPERATIONS.map((operation) => String(count(operation))),
    others.map(({ operation }) => `${count(operation)} ${operation}`).join(', '),
  ];
}

function target({ name, minimum, calls }: Step): Target {
  const limitedCalls = calls.limited + calls.throttled;
  return {
    what: name,
    target: `at most ${MAX_EXTRA_CALLS} above the minimum of ${minimum}`,
    measured: String(limitedCalls),
    verdict: verdict(limitedCalls <= minimum + MAX_EXTRA_CALLS),
  };
}

export const CALLS: Measurement = {
  name: 'calls',
  measure: async () => {
    const lives: { readonly way: Way; readonly steps: readonly Step[] }[] = [];
    for (const way of WAYS) {
      lives.push({ way, steps: await rehearseLife(way) });
    }
    return {
      title: 'Calls of GameLift',
      method:
        'The life of a stack with an imported VPC, a fleet with its build, and one connection. The target counts calls of the six operations ' +
        'that GameLift limits to one call in ten seconds. For a creation and for a new build, the minimum is three calls: authorize, request ' +
        'the connection, and read its id and CIDR block. For a deletion, it is two: authorize, and cancel the authorization. The connection is ' +
        'deleted with its fleet.',
      tables: [
        {
          head: ['way', 'step', 'result', ...PEERING_OPERATIONS, 'other operations'],
          rows: lives.flatMap(({ way, steps }) => steps.map((step) => row(way.name, step))),
        },
      ],
      targets: lives.filter(({ way }) => way === LIBRARY).flatMap(({ steps }) => steps.map(target)),
    };
  },
};

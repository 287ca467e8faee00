import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { STACK, closeRehearsals, synthesize } from '../test/life/rehearsals';
import { verdict } from './result';
import type { Measurement, Target } from './result';
import { ALTERNATIVES, WAYS } from './ways';
import { LIBRARY } from './ways/library';
import type { Way } from './ways/way';

/** The numbers of connections in the stacks. */
const COUNTS = [1, 10, 50, 100];
/** The target applies to stacks with at least this many connections. */
const MIN_CONNECTIONS_OF_TARGET = 10;
const VPC_ID = 'vpc-0123456789abcdef0';

interface Size {
  readonly connections: number;
  readonly resources: number;
  readonly bytes: number;
  readonly functions: number;
  readonly roles: number;
}

/** The size of the template of a stack that contains only an authorization and connections: the VPC and the fleets are imported. */
function sizeOf({ connect }: Way, connections: number): Size {
  const assembly = synthesize((stack) => {
    const fleets = Array.from({ length: connections }, (_, index) =>
      gamelift.CfnFleet.fromFleetId(
        stack,
        `Fleet${index}`,
        `fleet-${String(index).padStart(8, '0')}-0123-4567-89ab-cdef01234567`,
      ),
    );
    connect(stack, [{ vpcId: VPC_ID, fleets }]);
  });
  const template = readFileSync(join(assembly, `${STACK}.template.json`));
  const { Resources } = JSON.parse(template.toString()) as { Resources: Record<string, { readonly Type: string }> };
  const count = (type: string): number => Object.values(Resources).filter(({ Type }) => Type === type).length;
  return {
    connections,
    resources: Object.keys(Resources).length,
    bytes: template.length,
    functions: count('AWS::Lambda::Function'),
    roles: count('AWS::IAM::Role'),
  };
}

type Sizes = ReadonlyMap<Way, readonly Size[]>;

function targetFor(quantity: 'resources' | 'bytes', sizes: Sizes): Target {
  const librarySizes = sizes.get(LIBRARY) ?? [];
  const alternativesNotLarger = ALTERNATIVES.filter((way) =>
    (sizes.get(way) ?? []).some(
      (size, index) =>
        size.connections >= MIN_CONNECTIONS_OF_TARGET && size[quantity] <= (librarySizes[index]?.[quantity] ?? Infinity),
    ),
  ).map(({ name }) => name);
  return {
    what: quantity,
    target: `fewer than with each alternative from ${MIN_CONNECTIONS_OF_TARGET} connections up`,
    measured:
      alternativesNotLarger.length === 0
        ? 'fewer than with each alternative'
        : `not fewer than with ${alternativesNotLarger.join(', ')}`,
    verdict: verdict(alternativesNotLarger.length === 0),
  };
}

export const TEMPLATE: Measurement = {
  name: 'template',
  measure: async () => {
    const sizes: Sizes = new Map(WAYS.map((way) => [way, COUNTS.map((count) => sizeOf(way, count))]));
    await closeRehearsals();
    return {
      title: 'Template',
      method:
        'Stacks that contain nothing but an authorization and connections: the VPC and the fleets are imported. Each way is written as ' +
        'its users write it: see `bench/ways/`. The code of the handlers is an asset in each of them, and is not counted.',
      tables: [
        {
          head: ['way', 'connections', 'resources', 'bytes', 'functions', 'roles'],
          rows: [...sizes].flatMap(([{ name }, sizesOfWay]) =>
            sizesOfWay.map(({ connections, resources, bytes, functions, roles }) => [
              name,
              ...[connections, resources, bytes, functions, roles].map(String),
            ]),
          ),
        },
      ],
      targets: [targetFor('resources', sizes), targetFor('bytes', sizes)],
    };
  },
};

import type { Sequence } from './sequences';
import { declare, fleet } from './stacks';

/** What random lives once failed with, as short as it could be made. */
export const FOUND: readonly (readonly [string, Sequence])[] = [
  [
    'the answer to an authorization was lost, while those that were used are not listed and no second one is given',
    {
      readings: { authorizingAgain: 'InvalidRequestException', usedAuthorizations: 'not listed', peerVpcWrites: 'none' },
      moves: [
        { kind: 'deploy', declared: declare({ fleets: [fleet({ name: 'Arena' })] }) },
        { kind: 'fault', calls: 28, fault: { kind: 'malformed' } },
        { kind: 'deploy', declared: declare({ vpc: 'B', fleets: [fleet()] }) },
      ],
    },
  ],
  [
    'a deletion that fails half way after the claim was stripped, and is tried again',
    {
      readings: { foreignFleetTags: 'strips them', peerVpcWrites: 'none' },
      moves: [
        { kind: 'deploy', declared: declare() },
        { kind: 'deploy', declared: declare({ fleets: [fleet({ description: 'second' })] }) },
        { kind: 'outage', operation: 'DescribeRouteTables', minutes: 1, fault: { kind: 'malformed' } },
      ],
    },
  ],
  [
    "a connection that fails while the only news is of another fleet's",
    {
      readings: { useOfAuthorization: 'consumed', missingAuthorization: 'failed', fleetEvents: 'never seen' },
      moves: [
        { kind: 'deploy', declared: declare() },
        { kind: 'deploy', declared: declare({ fleets: [fleet({ peering: 'on creation' }), fleet({ name: 'Arena' })] }) },
      ],
    },
  ],
  [
    'a copy of a create that is refused goes on after the deletion',
    {
      readings: { authorizingAgain: 'InvalidRequestException', useOfAuthorization: 'consumed', fleetEvents: 'never seen' },
      moves: [
        { kind: 'echo', seconds: 0 },
        {
          kind: 'deploy',
          declared: declare({
            vpc: 'B',
            fleets: [fleet(), fleet({ name: 'Arena', routes: 'one subnet', dnsResolution: true })],
          }),
        },
        { kind: 'fault', calls: 10, fault: { kind: 'reset', effect: 'before' } },
      ],
    },
  ],
  [
    'two connections, each of whose requests come twice at once',
    {
      readings: {},
      moves: [
        { kind: 'echo', seconds: 0 },
        { kind: 'deploy', declared: declare({ fleets: [fleet(), fleet({ name: 'Arena' })] }) },
        { kind: 'pass', days: 1 },
      ],
    },
  ],
];

/** A sequence once for each call that may be the one that goes wrong: it need not stay the same when the handler changes. */
export function variantsOf({ readings, moves }: Sequence): readonly Sequence[] {
  const last = moves.some(({ kind }) => kind === 'fault') ? 60 : 0;
  return Array.from({ length: last + 1 }, (_, calls) => ({
    readings,
    moves: moves.map((move) => (move.kind === 'fault' ? { ...move, calls } : move)),
  }));
}

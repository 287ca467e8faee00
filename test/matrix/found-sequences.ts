import type { Sequence } from './sequences';
import { declare, fleet } from './stacks';

/** Random sequences that once failed, shortened. */
export const FOUND_SEQUENCES: readonly (readonly [string, Sequence])[] = [
  [
    'the output of an authorization was malformed, used authorizations are not listed, and authorizing again fails',
    {
      readings: { authorizingAgain: 'InvalidRequestException', usedAuthorizations: 'not listed', peerVpcWrites: 'none' },
      actions: [
        { kind: 'deploy', declared: declare({ fleets: [fleet({ name: 'Arena' })] }) },
        { kind: 'fault', calls: 28, fault: { kind: 'malformed' } },
        { kind: 'deploy', declared: declare({ vpc: 'B', fleets: [fleet()] }) },
      ],
    },
  ],
  [
    'a deletion that fails halfway after CloudFormation removed the claim, and is retried',
    {
      readings: { foreignFleetTags: 'removed', peerVpcWrites: 'none' },
      actions: [
        { kind: 'deploy', declared: declare() },
        { kind: 'deploy', declared: declare({ fleets: [fleet({ description: 'second' })] }) },
        { kind: 'outage', operation: 'DescribeRouteTables', minutes: 1, fault: { kind: 'malformed' } },
      ],
    },
  ],
  [
    'a connection that fails while only the connection of another fleet changes',
    {
      readings: { useOfAuthorization: 'consumed', missingAuthorization: 'failed', fleetEvents: 'never seen' },
      actions: [
        { kind: 'deploy', declared: declare() },
        { kind: 'deploy', declared: declare({ fleets: [fleet({ peering: 'on creation' }), fleet({ name: 'Arena' })] }) },
      ],
    },
  ],
  [
    'a duplicate of a failed create runs after the deletion',
    {
      readings: { authorizingAgain: 'InvalidRequestException', useOfAuthorization: 'consumed', fleetEvents: 'never seen' },
      actions: [
        { kind: 'duplicateEvents', seconds: 0 },
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
    'two connections, and each event is delivered twice at the same time',
    {
      readings: {},
      actions: [
        { kind: 'duplicateEvents', seconds: 0 },
        { kind: 'deploy', declared: declare({ fleets: [fleet(), fleet({ name: 'Arena' })] }) },
        { kind: 'wait', days: 1 },
      ],
    },
  ],
];

/** The sequence with the fault at each call: changes of the handler change the number of the call that matters. */
export function variantsOf({ readings, actions }: Sequence): readonly Sequence[] {
  const last = actions.some(({ kind }) => kind === 'fault') ? 60 : 0;
  return Array.from({ length: last + 1 }, (_, calls) => ({
    readings,
    actions: actions.map((action) => (action.kind === 'fault' ? { ...action, calls } : action)),
  }));
}

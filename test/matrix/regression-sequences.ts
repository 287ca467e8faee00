import type { Sequence } from './sequences';
import { declareStack, fleet } from './stacks';

/** Random sequences that failed in the past, in their shortest form. */
export const REGRESSION_SEQUENCES: readonly (readonly [string, Sequence])[] = [
  [
    'a call returns malformed output, used authorizations are not listed, and authorizing again fails',
    {
      readings: { authorizingAgain: 'InvalidRequestException', usedAuthorizations: 'not listed', peerVpcWrites: 'none' },
      actions: [
        { kind: 'deploy', stack: declareStack({ fleets: [fleet({ name: 'Arena' })] }) },
        { kind: 'fault', callsBefore: 28, fault: { kind: 'malformed' } },
        { kind: 'deploy', stack: declareStack({ vpc: 'B', fleets: [fleet()] }) },
      ],
    },
  ],
  [
    'CloudFormation removes the claim, and the deletion fails halfway and is retried',
    {
      readings: { foreignFleetTags: 'removed', peerVpcWrites: 'none' },
      actions: [
        { kind: 'deploy', stack: declareStack() },
        { kind: 'deploy', stack: declareStack({ fleets: [fleet({ description: 'second' })] }) },
        { kind: 'outage', operation: 'DescribeRouteTables', minutes: 1, fault: { kind: 'malformed' } },
      ],
    },
  ],
  [
    'a connection fails, and EC2 shows a change only in the connection of another fleet',
    {
      readings: { useOfAuthorization: 'consumed', missingAuthorization: 'accepted, then fails', fleetEvents: 'never seen' },
      actions: [
        { kind: 'deploy', stack: declareStack() },
        { kind: 'deploy', stack: declareStack({ fleets: [fleet({ peering: 'on creation' }), fleet({ name: 'Arena' })] }) },
      ],
    },
  ],
  [
    'a duplicate of a failed create runs after the resource is deleted',
    {
      readings: { authorizingAgain: 'InvalidRequestException', useOfAuthorization: 'consumed', fleetEvents: 'never seen' },
      actions: [
        { kind: 'duplicateEvents', seconds: 0 },
        {
          kind: 'deploy',
          stack: declareStack({
            vpc: 'B',
            fleets: [fleet(), fleet({ name: 'Arena', routes: 'one subnet', dnsResolution: true })],
          }),
        },
        { kind: 'fault', callsBefore: 10, fault: { kind: 'reset', effect: 'before' } },
      ],
    },
  ],
  [
    'two connections are created, and each event is delivered twice at the same time',
    {
      readings: {},
      actions: [
        { kind: 'duplicateEvents', seconds: 0 },
        { kind: 'deploy', stack: declareStack({ fleets: [fleet(), fleet({ name: 'Arena' })] }) },
        { kind: 'wait', days: 1 },
      ],
    },
  ],
];

/** One sequence for each call in which the fault can occur. After a change of the handler, another call may be the one that has to fail. */
export function variantsOf({ readings, actions }: Sequence): readonly Sequence[] {
  const maxCallsBefore = actions.some(({ kind }) => kind === 'fault') ? 60 : 0;
  return Array.from({ length: maxCallsBefore + 1 }, (_, callsBefore) => ({
    readings,
    actions: actions.map((action) => (action.kind === 'fault' ? { ...action, callsBefore } : action)),
  }));
}

import type { Rehearsal } from 'rehearsal';
import type { ApiCall, Fault } from 'rehearsal/aws';
import { PeeringRoutes } from '../../lib';
import type { VpcPeeringConnectionProps } from '../../lib';
import { createExistingResources, deployConnections, deleteStack, startFastRehearsal } from './common-stacks';
import { countCalls, closeRehearsals } from './rehearsals';

afterEach(closeRehearsals);

/** The simulated seconds from when the last connection became active until the handler responded. */
function secondsUntilResponse({ journal }: Rehearsal): number {
  const activation = journal.entries.findLast(({ source, message }) => source === 'gamelift' && message.includes(' SUCCEEDED: '));
  const response = journal.entries.findLast(({ source, subject }) => source === 's3' && subject.startsWith('Peering'));
  return ((response?.time ?? Infinity) - (activation?.time ?? 0)) / 1000;
}

const denyEc2PeeringReads = ({ service, operation }: ApiCall): Fault | undefined =>
  service === 'ec2' && operation === 'DescribeVpcPeeringConnections'
    ? { kind: 'error', name: 'UnauthorizedOperation', message: 'Not authorized', status: 403 }
    : undefined;

const allowAll = (): undefined => undefined;

/** If the handler can't read the peerings in EC2, it can't set routes either. */
const WITHOUT_ROUTES: Partial<VpcPeeringConnectionProps> = { routes: PeeringRoutes.none() };

test.each([
  // [title, reading of fleetEvents, faults, properties, seconds until the connection is active in each run, maximum seconds until the response]
  ['within 5 seconds if events and EC2 show that it is active', 'written', allowAll, {}, [12, 47], 5],
  ['within 5 seconds if only EC2 shows that it is active', 'never seen', allowAll, {}, [12, 47], 5],
  ['within 5 seconds if only events show that it is active', 'written', denyEc2PeeringReads, WITHOUT_ROUTES, [24], 5],
  // the handler also reads GameLift's list, since events are not guaranteed. After it has read the list, it can read the list again only when
  // the rate limit allows it, even if an event already shows that the connection is active
  [
    'within 15 seconds if only events show that it is active, right after the handler read GameLift’s list',
    'written',
    denyEc2PeeringReads,
    WITHOUT_ROUTES,
    [30, 47],
    15,
  ],
  [
    'within 15 seconds if only GameLift’s list shows that it is active',
    'never seen',
    denyEc2PeeringReads,
    WITHOUT_ROUTES,
    [12, 47],
    15,
  ],
] as const)(
  'responds to the create of a connection %s',
  async (_, fleetEvents, intercept, props, connectionDurations, maxSeconds) => {
    const rehearsal = await startFastRehearsal();
    rehearsal.aws.behaviours.set('fleetEvents', fleetEvents);
    rehearsal.aws.intercept(intercept);
    const delays: number[] = [];
    for (const connectionSeconds of connectionDurations) {
      rehearsal.aws.scriptedOutcomes.connectionSeconds = connectionSeconds;
      const existing = await createExistingResources(rehearsal);
      expect(await deployConnections(rehearsal, existing, { props, name: `Stack${connectionSeconds}` })).toBe('CREATE_COMPLETE');
      delays.push(secondsUntilResponse(rehearsal));
    }
    expect(Math.max(...delays)).toBeLessThan(maxSeconds);
  },
);

test('requests a deletion once, even if the deletion takes minutes', async () => {
  const rehearsal = await startFastRehearsal();
  rehearsal.aws.behaviours.set('deletingConnections', 'deleting for a while');
  rehearsal.aws.scriptedOutcomes.connectionDeletionSeconds = 200;
  const existing = await createExistingResources(rehearsal);
  expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  expect(countCalls(rehearsal, 'DeleteVpcPeeringConnection')).toBe(1);
});

import type { Rehearsal } from 'rehearsal';
import type { ApiCall, Fault } from 'rehearsal/aws';
import { PeeringRoutes } from '../../lib';
import type { VpcPeeringConnectionProps } from '../../lib';
import { createExistingResources, deployConnections, deleteStack, startFastRehearsal } from './common-stacks';
import { countCalls, closeRehearsals } from './rehearsals';

afterEach(closeRehearsals);

/** Simulated seconds from when the connection became active until the handler responded. */
function responseDelay({ journal }: Rehearsal): number {
  const active = journal.entries.findLast(({ source, message }) => source === 'gamelift' && message.includes(' SUCCEEDED: '));
  const response = journal.entries.findLast(({ source, subject }) => source === 's3' && subject.startsWith('Peering'));
  return ((response?.time ?? Infinity) - (active?.time ?? 0)) / 1000;
}

const denied = ({ service, operation }: ApiCall): Fault | undefined =>
  service === 'ec2' && operation === 'DescribeVpcPeeringConnections'
    ? { kind: 'error', name: 'UnauthorizedOperation', message: 'Not authorized', status: 403 }
    : undefined;

const allowed = (): undefined => undefined;

const WITHOUT_ROUTES: Partial<VpcPeeringConnectionProps> = { routes: PeeringRoutes.none() };

test.each([
  ['within 5 seconds if events and EC2 show it', 'written', allowed, {}, [12, 47], 5],
  ['within 5 seconds if only EC2 shows it', 'never seen', allowed, {}, [12, 47], 5],
  ['within 5 seconds if only events show it', 'written', denied, WITHOUT_ROUTES, [24], 5],
  // events are not guaranteed, so the handler also reads GameLift's list, and may wait for its rate limit when an event comes
  [
    'within 15 seconds if only events show it, right after GameLift’s list was read',
    'written',
    denied,
    WITHOUT_ROUTES,
    [30, 47],
    15,
  ],
  ['within 15 seconds if only GameLift’s list shows it', 'never seen', denied, WITHOUT_ROUTES, [12, 47], 15],
] as const)('responds to the create of a connection %s', async (_, fleetEvents, ec2, props, durations, limit) => {
  const rehearsal = await startFastRehearsal();
  rehearsal.aws.behaviours.set('fleetEvents', fleetEvents);
  rehearsal.aws.intercept(ec2);
  const delays: number[] = [];
  for (const connectionSeconds of durations) {
    rehearsal.aws.scriptedOutcomes.connectionSeconds = connectionSeconds;
    const existing = await createExistingResources(rehearsal);
    expect(await deployConnections(rehearsal, existing, { props, name: `Stack${connectionSeconds}` })).toBe('CREATE_COMPLETE');
    delays.push(responseDelay(rehearsal));
  }
  expect(Math.max(...delays)).toBeLessThan(limit);
});

test('requests a deletion once, and waits for it for minutes', async () => {
  const rehearsal = await startFastRehearsal();
  rehearsal.aws.behaviours.set('deletingConnections', 'deleting for a while');
  rehearsal.aws.scriptedOutcomes.connectionDeletionSeconds = 200;
  const existing = await createExistingResources(rehearsal);
  expect(await deployConnections(rehearsal, existing)).toBe('CREATE_COMPLETE');
  expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
  expect(countCalls(rehearsal, 'DeleteVpcPeeringConnection')).toBe(1);
});

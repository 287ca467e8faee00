import type { Rehearsal } from 'rehearsal';
import type { ApiCall, Fault } from 'rehearsal/aws';
import { PeeringRoutes } from '../../lib';
import type { VpcPeeringConnectionProps } from '../../lib';
import { existing, join, remove, start } from './scene';
import { calls, Stage } from './stage';

afterEach(() => Stage.clear());

/** Rehearsed seconds from the moment at which a connection became active to the answer that tells CloudFormation so. */
function seconds({ journal }: Rehearsal): number {
  const active = journal.entries.findLast(({ source, message }) => source === 'gamelift' && message.includes(' SUCCEEDED: '));
  const answered = journal.entries.findLast(({ source, subject }) => source === 's3' && subject.startsWith('Peering'));
  return ((answered?.time ?? Infinity) - (active?.time ?? 0)) / 1000;
}

const denied = ({ service, operation }: ApiCall): Fault | undefined =>
  service === 'ec2' && operation === 'DescribeVpcPeeringConnections'
    ? { kind: 'error', name: 'UnauthorizedOperation', message: 'Not yours', status: 403 }
    : undefined;

const reachable = (): undefined => undefined;

const WITHOUT_ROUTES: Partial<VpcPeeringConnectionProps> = { routes: PeeringRoutes.none() };

test.each([
  ['within 5 seconds where events and EC2 tell', 'written', reachable, {}, [12, 47], 5],
  ['within 5 seconds where only EC2 tells', 'never seen', reachable, {}, [12, 47], 5],
  ['within 5 seconds where only events tell', 'written', denied, WITHOUT_ROUTES, [24], 5],
  // nobody promises the events, so GameLift is asked meanwhile, and may have to be waited for when one comes
  ['within 15 seconds where only events tell, at a bad moment', 'written', denied, WITHOUT_ROUTES, [30, 47], 15],
  ['within 15 seconds where nobody tells', 'never seen', denied, WITHOUT_ROUTES, [12, 47], 15],
] as const)('responds to the create of a connection %s', async (_, fleetEvents, ec2, props, durations, limit) => {
  const rehearsal = await start();
  rehearsal.aws.behaviours.set('fleetEvents', fleetEvents);
  rehearsal.aws.intercept(ec2);
  const took: number[] = [];
  for (const connectionSeconds of durations) {
    rehearsal.aws.scriptedOutcomes.connectionSeconds = connectionSeconds;
    const there = await existing(rehearsal);
    expect(await join(rehearsal, there, { props, name: `Stack${connectionSeconds}` })).toBe('CREATE_COMPLETE');
    took.push(seconds(rehearsal));
  }
  expect(Math.max(...took)).toBeLessThan(limit);
});

test('requests a deletion once, and waits for it for minutes', async () => {
  const rehearsal = await start();
  rehearsal.aws.behaviours.set('deletingConnections', 'deleting for a while');
  rehearsal.aws.scriptedOutcomes.connectionDeletionSeconds = 200;
  const there = await existing(rehearsal);
  expect(await join(rehearsal, there)).toBe('CREATE_COMPLETE');
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  expect(calls(rehearsal, 'DeleteVpcPeeringConnection')).toBe(1);
});

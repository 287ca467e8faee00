import type { Inventory } from '../../rehearsal/aws';
import { table } from '../../rehearsal/report';
import { existing, join, remove, start } from './scene';
import { failures, told } from './stage';

/** What many connections of one stack took. */
export interface Pace {
  readonly statuses: readonly string[];
  readonly connected: number;
  /** Failures of custom resources, and deletes of CloudFormation's. */
  readonly failures: readonly string[];
  readonly before: Inventory;
  readonly after: Inventory;
  /** Rehearsed seconds. */
  readonly creating: number;
  readonly deleting: number;
  /** Calls to DescribeVpcPeeringConnections of GameLift that were answered. */
  readonly describing: { readonly creating: number; readonly deleting: number };
  /** Calls that GameLift refused for its rate limit, by operation. */
  readonly throttled: Readonly<Record<string, number>>;
}

/** Connects fleets that exist with one VPC, in one stack, and removes the stack a day and more later. */
export async function rehearseMany(connections: number): Promise<Pace> {
  const rehearsal = await start();
  rehearsal.aws.fates.connectionSeconds = 30;
  const there = await existing(rehearsal, connections);
  const before = rehearsal.aws.inventory();
  const answered = (): number =>
    told(rehearsal, 'gamelift').filter((line) => line.startsWith('DescribeVpcPeeringConnections ') && line.includes('succeeded'))
      .length;

  const timed = async (act: () => Promise<string>): Promise<{ status: string; seconds: number; described: number }> => {
    const [from, described] = [rehearsal.clock.now(), answered()];
    const status = await act();
    return { status, seconds: Math.round((rehearsal.clock.now() - from) / 1000), described: answered() - described };
  };
  const created = await timed(() => join(rehearsal, there));
  const connected = rehearsal.aws.inventory().connections.length;
  await rehearsal.clock.sleep(30 * 3_600_000);
  const deleted = await timed(() => remove(rehearsal));

  const throttled: Record<string, number> = {};
  for (const line of told(rehearsal, 'gamelift').filter((text) => text.includes(' ThrottlingException '))) {
    const [operation = ''] = line.split(' ');
    throttled[operation] = (throttled[operation] ?? 0) + 1;
  }
  return {
    statuses: [created.status, deleted.status],
    connected,
    failures: [...failures(rehearsal), ...told(rehearsal, 'cloudformation').filter((line) => line.includes('_FAILED'))],
    before,
    after: rehearsal.aws.inventory(),
    creating: created.seconds,
    deleting: deleted.seconds,
    describing: { creating: created.described, deleting: deleted.described },
    throttled,
  };
}

/** Each connection takes 30 seconds to become active; one call of an operation is allowed in ten seconds. */
export function printed(connections: number, pace: Pace): string {
  const { creating, deleting, describing, throttled } = pace;
  const atBest = 10 * connections;
  const row = (what: string, seconds: number, described: number, operation: string): string[] => [
    what,
    String(seconds),
    (seconds / atBest).toFixed(2),
    String(described),
    `${throttled[operation] ?? 0} of ${operation}`,
  ];
  return table(
    [`${connections} connections`, 'seconds', `of ${atBest}`, 'DescribeVpcPeeringConnections', 'throttled'],
    [
      row('created', creating, describing.creating, 'CreateVpcPeeringConnection'),
      row('deleted', deleting, describing.deleting, 'DeleteVpcPeeringConnection'),
      ['both', '', '', '', `${throttled.DescribeVpcPeeringConnections ?? 0} of DescribeVpcPeeringConnections`],
    ],
  );
}

import { BETWEEN_CALLS } from './calls';
import { MINUTE, SECOND, VISIBLE, seconds } from './clock';
import type { Lab } from './lab';
import { readNetwork, routeText, ruleText, union } from './network';
import type { PeeringNetwork } from './network';

/*
 * Which routes and rules GameLift writes in the VPC, and whether it removes them with the connection.
 */

const REMOVED_AT_MOST = MINUTE;

/** The routes and rules that GameLift wrote in the VPC, and what it left of them. */
export interface Writes {
  readonly written: PeeringNetwork;
  readonly left: PeeringNetwork;
}

/** Reads for a while, since GameLift may write later than the connection is active. */
export async function watchWrites({ calls, api, pair, findings }: Lab): Promise<PeeringNetwork> {
  const end = calls.now() + VISIBLE;
  let written = await readNetwork(calls, api, pair.vpcId);
  while (calls.now() < end) {
    await calls.sleep(5 * SECOND);
    written = union(written, await readNetwork(calls, api, pair.vpcId));
  }
  const { tables, routes, rules } = written;
  const withRoute = tables.filter(({ id }) => routes.some(({ tableId }) => tableId === id));
  const wrote = [...routes.map(routeText), ...rules.map(ruleText)].join('; ') || 'nothing';
  const evidence = `${withRoute.length} of ${tables.length} route tables have a route to the peering. GameLift wrote: ${wrote}`;
  if (routes.length === 0 && rules.length === 0) {
    findings.settle('peerVpcWrites', 'none', evidence);
  } else if (tables.length < 2) {
    findings.leaveOpen(
      'peerVpcWrites',
      `${evidence}. With only one route table, main and every can't be told apart: add one to the VPC`,
    );
  } else if (withRoute.length === tables.length) {
    findings.settle('peerVpcWrites', 'every route table', evidence);
  } else if (withRoute.length === 1 && withRoute[0]?.isMain === true) {
    findings.settle('peerVpcWrites', 'main route table', evidence);
  } else {
    findings.leaveOpen('peerVpcWrites', `${evidence}. This fits no reading`);
  }
  return written;
}

/** What is left of it after the connection has ended. GameLift gets a minute to remove it. */
export async function watchRemoval({ calls, api, pair }: Lab): Promise<PeeringNetwork> {
  const end = calls.now() + REMOVED_AT_MOST;
  for (;;) {
    const network = await readNetwork(calls, api, pair.vpcId);
    if ((network.routes.length === 0 && network.rules.length === 0) || calls.now() >= end) {
      return network;
    }
    await calls.sleep(BETWEEN_CALLS);
  }
}

/** After undoing, since GameLift may not be able to remove what the caller has no permission to remove. */
export function settleRemoval({ findings }: Lab, { written, left }: Writes, wasRemoved: boolean): void {
  const count = written.routes.length + written.rules.length;
  const leftCount = left.routes.length + left.rules.length;
  if (count === 0) {
    findings.leaveOpen('peerVpcWritesOnDelete', 'GameLift wrote no routes and rules');
  } else if (leftCount === 0) {
    findings.settle('peerVpcWritesOnDelete', 'removed', `All ${count} routes and rules were gone after the deletion`);
  } else if (wasRemoved) {
    const evidence = `${leftCount} of ${count} routes and rules were left ${seconds(REMOVED_AT_MOST)} after the deletion`;
    findings.settle('peerVpcWritesOnDelete', 'left behind', evidence);
  } else {
    findings.leaveOpen(
      'peerVpcWritesOnDelete',
      `${leftCount} of ${count} routes and rules were left, and the probe could not remove them either: permissions may be missing`,
    );
  }
}

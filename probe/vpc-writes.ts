import { CALL_INTERVAL } from './calls';
import { MINUTE, SECOND, CONSISTENCY_DELAY, secondsText } from './clock';
import type { ExperimentContext } from './experiment-context';
import { mergeNetworks, readNetwork, routeText, ruleText } from './network';
import type { PeeringNetwork } from './network';

/*
 * Finds out which routes and rules GameLift writes in the VPC, and whether it removes them with the connection.
 */

const REMOVAL_TIMEOUT = MINUTE;

/** The routes and rules that GameLift wrote in the VPC, and those that it left behind. */
export interface VpcWrites {
  readonly written: PeeringNetwork;
  readonly leftBehind: PeeringNetwork;
}

/** Reads the VPC for 20 seconds, since GameLift may write after the connection becomes active. */
export async function watchWrites({ calls, api, pair, findings }: ExperimentContext): Promise<PeeringNetwork> {
  const end = calls.now() + CONSISTENCY_DELAY;
  let written = await readNetwork(calls, api, pair.vpcId);
  while (calls.now() < end) {
    await calls.sleep(5 * SECOND);
    written = mergeNetworks(written, await readNetwork(calls, api, pair.vpcId));
  }
  const { tables, routes, rules } = written;
  const tablesWithRoute = tables.filter(({ id }) => routes.some(({ tableId }) => tableId === id));
  const texts = [...routes.map(routeText), ...rules.map(ruleText)].join('; ') || 'nothing';
  const evidence = `${tablesWithRoute.length} of ${tables.length} route tables have a route to the peering. GameLift wrote: ${texts}`;
  if (routes.length === 0 && rules.length === 0) {
    findings.settle('peerVpcWrites', 'none', evidence);
  } else if (tables.length < 2) {
    findings.leaveOpen(
      'peerVpcWrites',
      `${evidence}. The VPC has only one route table, so both readings look the same: add another route table`,
    );
  } else if (tablesWithRoute.length === tables.length) {
    findings.settle('peerVpcWrites', 'every route table', evidence);
  } else if (tablesWithRoute.length === 1 && tablesWithRoute[0]?.isMain === true) {
    findings.settle('peerVpcWrites', 'main route table', evidence);
  } else {
    findings.leaveOpen('peerVpcWrites', `${evidence}. This fits no reading`);
  }
  return written;
}

/** Waits up to a minute after the connection ended, and returns the routes and rules that GameLift has not removed. */
export async function watchRemoval({ calls, api, pair }: ExperimentContext): Promise<PeeringNetwork> {
  const end = calls.now() + REMOVAL_TIMEOUT;
  for (;;) {
    const network = await readNetwork(calls, api, pair.vpcId);
    if ((network.routes.length === 0 && network.rules.length === 0) || calls.now() >= end) {
      return network;
    }
    await calls.sleep(CALL_INTERVAL);
  }
}

/**
 * Call this after the undo. If the undo could not remove the routes and rules either, permissions may be missing. GameLift acts with the
 * same permissions, so the question stays open.
 */
export function settleRemoval({ findings }: ExperimentContext, { written, leftBehind }: VpcWrites, isVpcClean: boolean): void {
  const writtenCount = written.routes.length + written.rules.length;
  const leftBehindCount = leftBehind.routes.length + leftBehind.rules.length;
  if (writtenCount === 0) {
    findings.leaveOpen('peerVpcWritesOnDelete', 'GameLift wrote no routes and rules');
  } else if (leftBehindCount === 0) {
    findings.settle('peerVpcWritesOnDelete', 'removed', `All ${writtenCount} routes and rules were removed after the deletion`);
  } else if (isVpcClean) {
    const evidence = `${leftBehindCount} of ${writtenCount} routes and rules were left behind ${secondsText(REMOVAL_TIMEOUT)} after the deletion`;
    findings.settle('peerVpcWritesOnDelete', 'left behind', evidence);
  } else {
    findings.leaveOpen(
      'peerVpcWritesOnDelete',
      `${leftBehindCount} of ${writtenCount} routes and rules were left behind, and the probe could not remove them either: permissions may be missing`,
    );
  }
}

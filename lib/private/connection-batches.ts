import type { CfnResource, Stack } from 'aws-cdk-lib';
import { MAX_CONCURRENT_CONNECTIONS } from '../contract';
import { AcyclicDependency } from './acyclic-dependency';
import { topLevelStackOf } from './enclosing-stacks';
import { sharedMap } from './library-copies';

/** Connections that CloudFormation creates at the same time, after the previous batch. */
interface Batch {
  readonly connections: CfnResource[];
  readonly afterPreviousBatch: AcyclicDependency;
}

/** Who creates the connections: the custom resources request them, or GameLift peers the fleets on creation. */
type Origin = 'requested' | 'peered on creation';

/** The connections of a deployment. */
interface Batches {
  readonly current: Record<Origin, Batch>;
  /** What the first batch of requested connections waits for. */
  readonly beforeRequested: CfnResource[];
  connectionCount: number;
}

/** The batches of each top-level stack. Its nested stacks are part of the same deployment. */
const batchesOf = sharedMap<Stack, Batches>('connectionBatches');

function noBatches(): Batches {
  const beforeRequested: CfnResource[] = [];
  return {
    current: {
      requested: { connections: [], afterPreviousBatch: new AcyclicDependency(beforeRequested) },
      'peered on creation': { connections: [], afterPreviousBatch: new AcyclicDependency([]) },
    },
    beforeRequested,
    connectionCount: 0,
  };
}

/**
 * Adds a connection to the current batch of its deployment and origin, so that only as many connections share GameLift's rate limit as it
 * can serve in time. Batches do not mix, because connections that are requested wait for those that are peered on creation.
 *
 * Each connection depends on all connections of the previous batch. GameLift serves whichever caller retries first, so if new
 * connections kept starting, one connection could wait for the rate limit until its time is up.
 *
 * If all connections do not fit in one batch, the batches of requested connections come after those that are peered on creation.
 */
export function addToBatch(origin: Origin, connection: CfnResource): void {
  const stack = topLevelStackOf(connection);
  const batches = batchesOf.get(stack) ?? noBatches();
  batchesOf.set(stack, batches);
  const { current, beforeRequested } = batches;
  const { connections } = current[origin];
  if (connections.length >= MAX_CONCURRENT_CONNECTIONS) {
    current[origin] = { connections: [], afterPreviousBatch: new AcyclicDependency(connections) };
  }
  current[origin].connections.push(connection);
  current[origin].afterPreviousBatch.add(connection);
  batches.connectionCount += 1;
  if (batches.connectionCount > MAX_CONCURRENT_CONNECTIONS) {
    beforeRequested.splice(0, beforeRequested.length, ...current['peered on creation'].connections);
  }
}

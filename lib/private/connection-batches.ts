import type { CfnResource, Stack } from 'aws-cdk-lib';
import { MAX_CONCURRENT_CONNECTIONS } from '../contract';
import { AcyclicDependency } from './acyclic-dependency';
import { topLevelStackOf } from './enclosing-stacks';
import { sharedMap } from './library-copies';

/** As many batches are created at the same time, so that GameLift serves the rest of one while another one starts. */
const CONCURRENT_BATCHES = 4;

/** Connections that CloudFormation creates after an earlier batch. */
interface Batch {
  readonly connections: CfnResource[];
  readonly afterEarlierBatch: AcyclicDependency;
}

/** Who creates the connections: the custom resources request them, or GameLift peers the fleets on creation. */
type Origin = 'requested' | 'peered on creation';

/** The connections of a deployment. */
interface Batches {
  readonly of: Record<Origin, Batch[]>;
  /** What the first batches of requested connections wait for. */
  readonly beforeRequested: CfnResource[];
  connectionCount: number;
}

/** The batches of each top-level stack. Its nested stacks are part of the same deployment. */
const batchesOf = sharedMap<Stack, Batches>('connectionBatches');

/**
 * Adds a connection to the last batch of its deployment and origin, so that only as many connections share GameLift's rate limit as it
 * can serve in time. Batches do not mix, because connections that are requested wait for those that are peered on creation.
 *
 * Each connection depends on all connections of an earlier batch. If it depended on a single one, new connections would keep starting,
 * and one connection could wait for the rate limit until its time is up.
 *
 * If there are more connections than that, the batches of requested connections come after those that are peered on creation.
 */
export function addToBatch(origin: Origin, connection: CfnResource): void {
  const stack = topLevelStackOf(connection);
  const batches = batchesOf.get(stack) ?? {
    of: { requested: [], 'peered on creation': [] },
    beforeRequested: [],
    connectionCount: 0,
  };
  batchesOf.set(stack, batches);
  const last = batchWithRoom(batches.of[origin], origin === 'requested' ? batches.beforeRequested : []);
  last.connections.push(connection);
  last.afterEarlierBatch.add(connection);
  batches.connectionCount += 1;
  if (batches.connectionCount > MAX_CONCURRENT_CONNECTIONS) {
    const peeredOnCreation = batches.of['peered on creation'].slice(-CONCURRENT_BATCHES);
    batches.beforeRequested.splice(
      0,
      batches.beforeRequested.length,
      ...peeredOnCreation.flatMap(({ connections }) => connections),
    );
  }
}

/** @param beforeFirst what the first batches wait for */
function batchWithRoom(batches: Batch[], beforeFirst: readonly CfnResource[]): Batch {
  const last = batches.at(-1);
  if (last !== undefined && last.connections.length < MAX_CONCURRENT_CONNECTIONS / CONCURRENT_BATCHES) {
    return last;
  }
  const earlier = batches.at(-CONCURRENT_BATCHES)?.connections ?? beforeFirst;
  const batch = { connections: [], afterEarlierBatch: new AcyclicDependency(earlier) };
  batches.push(batch);
  return batch;
}

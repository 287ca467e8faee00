import type { CfnResource, Stack } from 'aws-cdk-lib';
import { MAX_CONCURRENT_CONNECTIONS } from '../contract';
import { AcyclicDependency } from './acyclic-dependency';
import { topLevelStackOf } from './enclosing-stacks';
import { sharedMap } from './library-copies';

/** How many batches CloudFormation creates at the same time. While the last connections of one batch finish, others can start. */
const CONCURRENT_BATCHES = 8;

/** Connections that all wait for the connections of the same earlier batch. */
interface Batch {
  readonly connections: CfnResource[];
  readonly dependencyOnEarlierBatch: AcyclicDependency;
}

/** Who creates the connections: the custom resources request them, or GameLift peers the fleets on creation. */
type ConnectionOrigin = 'requested' | 'peered on creation';

/** The connections of a deployment. */
interface Batches {
  readonly byOrigin: Record<ConnectionOrigin, Batch[]>;
  /** The connections that the first batches of requested connections wait for. */
  readonly prerequisitesOfRequested: CfnResource[];
  connectionCount: number;
}

/** The batches of each top-level stack. Nested stacks are part of the same deployment. */
const batchesOfStack = sharedMap<Stack, Batches>('connectionBatches');

/**
 * Adds a connection to the last batch of its deployment and origin. Batches limit how many connections share GameLift's rate limit at the
 * same time.
 *
 * Without batches, each connection would wait for the one 40 places before it, and start as soon as that one is complete, while others are
 * being created. If throttled calls count against the rate limit (AWS does not document this), each start would delay the others.
 *
 * A batch has only one origin. If there are more connections than CloudFormation may create at the same time, those that are requested wait
 * for those that are peered on creation.
 */
export function addToBatch(origin: ConnectionOrigin, connection: CfnResource): void {
  const stack = topLevelStackOf(connection);
  const batches = batchesOfStack.get(stack) ?? {
    byOrigin: { requested: [], 'peered on creation': [] },
    prerequisitesOfRequested: [],
    connectionCount: 0,
  };
  batchesOfStack.set(stack, batches);
  const batch = lastOrNewBatch(batches.byOrigin[origin], origin === 'requested' ? batches.prerequisitesOfRequested : []);
  batch.connections.push(connection);
  batch.dependencyOnEarlierBatch.addSource(connection);
  batches.connectionCount += 1;
  if (batches.connectionCount > MAX_CONCURRENT_CONNECTIONS) {
    const peeredOnCreation = batches.byOrigin['peered on creation'].slice(-CONCURRENT_BATCHES);
    // changes the array in place, because the first batches wait for the content of this array
    batches.prerequisitesOfRequested.splice(
      0,
      batches.prerequisitesOfRequested.length,
      ...peeredOnCreation.flatMap(({ connections }) => connections),
    );
  }
}

/**
 * Returns the last batch if it is not full. Otherwise, adds a batch, and returns the new batch.
 *
 * @param createdBeforeFirst the connections that the first batches wait for
 */
function lastOrNewBatch(batches: Batch[], createdBeforeFirst: readonly CfnResource[]): Batch {
  const last = batches.at(-1);
  if (last !== undefined && last.connections.length < MAX_CONCURRENT_CONNECTIONS / CONCURRENT_BATCHES) {
    return last;
  }
  const earlierConnections = batches.at(-CONCURRENT_BATCHES)?.connections ?? createdBeforeFirst;
  const batch = { connections: [], dependencyOnEarlierBatch: new AcyclicDependency(earlierConnections) };
  batches.push(batch);
  return batch;
}

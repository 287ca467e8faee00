import type { CfnResource, Stack } from 'aws-cdk-lib';
import { MAX_CONCURRENT_CONNECTIONS } from '../contract';
import { AcyclicDependency } from './acyclic-dependency';
import { sharedMap } from './library-copies';

/** Connections that CloudFormation creates at the same time, after the previous batch. */
interface Batch {
  readonly connections: CfnResource[];
  readonly afterPreviousBatch: AcyclicDependency;
}

/** Who creates the connections: the custom resources request them, or GameLift peers the fleets on creation. */
type Origin = 'requested' | 'peered on creation';

const currentBatches = {
  requested: sharedMap<Stack, Batch>('requestedBatches'),
  'peered on creation': sharedMap<Stack, Batch>('peeredOnCreationBatches'),
} satisfies Record<Origin, object>;

/**
 * Adds a connection to the current batch of its stack and origin, so that only as many connections share GameLift's rate limit as it can
 * serve in time. Batches do not mix, because connections that are requested wait for all that are peered on creation.
 *
 * Each connection depends on all connections of the previous batch. GameLift serves whichever caller retries first, so if new
 * connections kept starting, one connection could wait for the rate limit until its time is up.
 */
export function addToBatch(stack: Stack, origin: Origin, connection: CfnResource): void {
  const current = currentBatches[origin];
  let batch = current.get(stack) ?? { connections: [], afterPreviousBatch: new AcyclicDependency([]) };
  if (batch.connections.length >= MAX_CONCURRENT_CONNECTIONS) {
    batch = { connections: [], afterPreviousBatch: new AcyclicDependency(batch.connections) };
  }
  current.set(stack, batch);
  batch.connections.push(connection);
  batch.afterPreviousBatch.add(connection);
}

import type { CfnResource, Stack } from 'aws-cdk-lib';
import { MAX_CONCURRENT_CONNECTIONS } from '../contract';
import { AcyclicDependency } from './acyclic-dependency';
import { sharedMap } from './library-copies';

/** Connections that CloudFormation creates at the same time, after the previous batch. */
interface Batch {
  readonly connections: CfnResource[];
  readonly afterPreviousBatch: AcyclicDependency;
}

const currentBatches = sharedMap<Stack, Batch>('currentBatches');

/**
 * Adds a connection to the current batch of its stack, so that only as many connections share GameLift's rate limit as it can
 * serve in time.
 *
 * Each connection depends on all connections of the previous batch. GameLift serves whichever caller retries first, so if new
 * connections kept starting, one connection could wait for the rate limit until its time is up.
 */
export function addToBatch(stack: Stack, connection: CfnResource): void {
  let batch = currentBatches.get(stack) ?? { connections: [], afterPreviousBatch: new AcyclicDependency([]) };
  if (batch.connections.length >= MAX_CONCURRENT_CONNECTIONS) {
    batch = { connections: [], afterPreviousBatch: new AcyclicDependency(batch.connections) };
  }
  currentBatches.set(stack, batch);
  batch.connections.push(connection);
  batch.afterPreviousBatch.add(connection);
}

import { MINUTE, SECOND, CONSISTENCY_DELAY } from './clock';
import type { ExperimentContext } from './experiment-context';
import { isEnded } from './observer';
import type { Connection } from './observer';

/*
 * Connects the fleet with the VPC or disconnects it, and waits for the outcome.
 */

const CONNECT_TIMEOUT = 10 * MINUTE;
const DELETE_TIMEOUT = 10 * MINUTE;

/** If an accepted request leads to no visible connection for this long, it has failed. */
const INVISIBLE_TIMEOUT = MINUTE;

/** If an accepted deletion does not change the connection for this long, it has failed. */
const UNCHANGED_TIMEOUT = 2 * MINUTE;

export type ConnectOutcome =
  | { readonly kind: 'active'; readonly connection: Connection; readonly duration: number }
  | { readonly kind: 'refused'; readonly name: string; readonly message: string }
  /** The request was accepted, but the connection failed or never became visible. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'pending'; readonly status: string };

export async function connect(context: ExperimentContext): Promise<ConnectOutcome> {
  const { calls, api, pair, observer, changes } = context;
  const isNew = observer.newConnectionFilter();
  changes.lastAt = calls.now();
  const result = await calls.call(api.connect(pair));
  changes.lastAt = calls.now();
  if (result.kind === 'refused') {
    return result;
  }
  let status = 'not listed';
  const connected = await observer.poll<ConnectOutcome>(CONNECT_TIMEOUT, 5 * SECOND, (observation) => {
    const found = [...(observation.listed ?? []), ...observation.peerings].filter(isNew);
    const duration = observation.time - result.returnedAt;
    const active = observation.listed?.filter(isNew).find((connection) => connection.status === 'active');
    if (active !== undefined) {
      return { kind: 'active', connection: active, duration };
    }
    const failed = found.find(isEnded);
    if (failed !== undefined) {
      return { kind: 'failed', reason: `status ${failed.status}${failed.message === '' ? '' : ` (${failed.message})`}` };
    }
    status = found.at(-1)?.status ?? status;
    return observation.listed !== undefined && found.length === 0 && duration >= INVISIBLE_TIMEOUT
      ? { kind: 'failed', reason: 'neither GameLift nor EC2 shows a connection any more' }
      : undefined;
  });
  return connected ?? { kind: 'pending', status };
}

/** The observations of a successful deletion. */
export interface Deletion {
  /** Whether the connection was ever observed with the status `deleting`. */
  readonly wasDeletingObserved: boolean;
  /** The time from the return of the call to the first observation that the connection had ended. */
  readonly endedAfter: number;
  readonly endedAtFirstObservation: boolean;
}

export type DisconnectOutcome =
  | { readonly kind: 'ended'; readonly deletion: Deletion }
  | { readonly kind: 'refused'; readonly name: string; readonly message: string }
  /** The deletion was accepted, but the connection did not change. */
  | { readonly kind: 'unchanged' };

export async function disconnect(context: ExperimentContext, { id }: Connection): Promise<DisconnectOutcome> {
  const { calls, api, pair, observer, changes } = context;
  // the rate limit must allow a read of GameLift's list right after the deletion
  await calls.waitFor(api.connections(pair.fleetId));
  const result = await calls.call(api.disconnect(pair.fleetId, id));
  changes.lastAt = calls.now();
  if (result.kind === 'refused') {
    return result;
  }
  let observations = 0;
  let wasDeletingObserved = false;
  const disconnected = await observer.poll<DisconnectOutcome>(DELETE_TIMEOUT, 2 * SECOND, ({ listed, peerings, time }) => {
    observations += 1;
    wasDeletingObserved ||= [...(listed ?? []), ...peerings].some(({ status }) => status === 'deleting');
    const endedAfter = time - result.returnedAt;
    const listedConnection = listed?.find((connection) => connection.id === id);
    // if a deletion lacks the authorization, GameLift may list the connection as failed, while EC2 shows it as active
    const hasEnded =
      listed !== undefined && (listedConnection === undefined || isEnded(listedConnection)) && peerings.every(isEnded);
    if (hasEnded) {
      observer.noteEnd(id);
      return { kind: 'ended', deletion: { wasDeletingObserved, endedAfter, endedAtFirstObservation: observations === 1 } };
    }
    const timeout = listedConnection?.status === 'failed' ? CONSISTENCY_DELAY : UNCHANGED_TIMEOUT;
    return endedAfter >= timeout && !wasDeletingObserved ? { kind: 'unchanged' } : undefined;
  });
  return disconnected ?? { kind: 'unchanged' };
}

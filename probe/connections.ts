import { MINUTE, SECOND, CONSISTENCY_DELAY } from './clock';
import type { ExperimentContext } from './experiment-context';
import { isEnded } from './observer';
import type { Connection } from './observer';

/*
 * Connects the fleet with the VPC or disconnects it, and waits for the outcome.
 */

const CONNECT_TIMEOUT = 10 * MINUTE;
const DELETE_TIMEOUT = 10 * MINUTE;

/** How long after its request a connection may be shown by neither GameLift nor EC2. After that, the request has failed. */
const INVISIBLE_TIMEOUT = MINUTE;

/** How long after GameLift accepted the deletion a connection may stay unchanged. After that, the deletion has failed. */
const UNCHANGED_TIMEOUT = 2 * MINUTE;

export type ConnectOutcome =
  | { readonly kind: 'active'; readonly connection: Connection; readonly duration: number }
  | { readonly kind: 'refused'; readonly name: string; readonly message: string }
  /** The request was accepted, but the connection failed or never became visible. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** The connection was neither active nor failed before the timeout. */
  | { readonly kind: 'pending'; readonly status: string };

export async function connect(context: ExperimentContext): Promise<ConnectOutcome> {
  const { calls, api, pair, observer, changes } = context;
  const isNew = observer.newConnectionFilter();
  // also before the call, because GameLift may create the connection although the call fails
  changes.lastChangeAt = calls.now();
  const result = await calls.call(api.connect(pair));
  changes.lastChangeAt = calls.now();
  if (result.kind === 'refused') {
    return result;
  }
  let status = 'not listed';
  const outcome = await observer.poll<ConnectOutcome>(CONNECT_TIMEOUT, 5 * SECOND, (observation) => {
    const newConnections = [...(observation.gameLiftConnections ?? []), ...observation.ec2Peerings].filter(isNew);
    const duration = observation.time - result.returnedAt;
    const active = observation.gameLiftConnections?.filter(isNew).find((connection) => connection.status === 'active');
    if (active !== undefined) {
      return { kind: 'active', connection: active, duration };
    }
    const ended = newConnections.find(isEnded);
    if (ended !== undefined) {
      return { kind: 'failed', reason: `status ${ended.status}${ended.message === '' ? '' : ` (${ended.message})`}` };
    }
    status = newConnections.at(-1)?.status ?? status;
    return observation.gameLiftConnections !== undefined && newConnections.length === 0 && duration >= INVISIBLE_TIMEOUT
      ? { kind: 'failed', reason: 'neither GameLift nor EC2 shows a connection' }
      : undefined;
  });
  return outcome ?? { kind: 'pending', status };
}

/** The observations of a successful deletion. */
export interface Deletion {
  /** Whether the connection was ever observed with the status `deleting`. */
  readonly wasSeenDeleting: boolean;
  /** The milliseconds from the return of the call to the first observation that showed that the connection had ended. */
  readonly endDelay: number;
  readonly hadEndedAtFirstObservation: boolean;
}

export type DisconnectOutcome =
  | { readonly kind: 'ended'; readonly deletion: Deletion }
  | { readonly kind: 'refused'; readonly name: string; readonly message: string }
  /** The deletion was accepted, but the connection did not change, or did not end before the timeout. */
  | { readonly kind: 'not ended' };

export async function disconnect(context: ExperimentContext, { id }: Connection): Promise<DisconnectOutcome> {
  const { calls, api, pair, observer, changes } = context;
  // the rate limit must allow a read of GameLift's list right after the deletion
  await calls.waitUntilAllowed(api.connections(pair.fleetId));
  const result = await calls.call(api.disconnect(pair.fleetId, id));
  changes.lastChangeAt = calls.now();
  if (result.kind === 'refused') {
    return result;
  }
  let observations = 0;
  let wasSeenDeleting = false;
  const outcome = await observer.poll<DisconnectOutcome>(
    DELETE_TIMEOUT,
    2 * SECOND,
    ({ gameLiftConnections, ec2Peerings, time }) => {
      observations += 1;
      wasSeenDeleting ||= [...(gameLiftConnections ?? []), ...ec2Peerings].some(({ status }) => status === 'deleting');
      const endDelay = time - result.returnedAt;
      const listedConnection = gameLiftConnections?.find((connection) => connection.id === id);
      // if a deletion lacks the authorization, GameLift may list the connection as failed, while EC2 shows it as active
      const hasEnded =
        gameLiftConnections !== undefined &&
        (listedConnection === undefined || isEnded(listedConnection)) &&
        ec2Peerings.every(isEnded);
      if (hasEnded) {
        observer.noteEnd(id);
        return { kind: 'ended', deletion: { wasSeenDeleting, endDelay, hadEndedAtFirstObservation: observations === 1 } };
      }
      // once GameLift lists the connection as failed, wait only until reads show its final state
      const timeout = listedConnection?.status === 'failed' ? CONSISTENCY_DELAY : UNCHANGED_TIMEOUT;
      return endDelay >= timeout && !wasSeenDeleting ? { kind: 'not ended' } : undefined;
    },
  );
  return outcome ?? { kind: 'not ended' };
}

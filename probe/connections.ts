import { MINUTE, SECOND, VISIBLE } from './clock';
import type { Lab } from './lab';
import { isEnded } from './observer';
import type { Connection } from './observer';

/*
 * Connects the fleet with the VPC, or disconnects it, and watches what becomes of the request.
 */

const CONNECTING_AT_MOST = 10 * MINUTE;
const DELETING_AT_MOST = 10 * MINUTE;

/** If nothing is connected so long after a request was accepted, nothing will come of it. */
const WITHOUT_A_TRACE = MINUTE;

/** If nothing is deleted so long after a deletion was accepted, nothing will come of it. */
const WITHOUT_EFFECT = 2 * MINUTE;

export type Connected =
  | { readonly kind: 'active'; readonly connection: Connection; readonly after: number }
  | { readonly kind: 'refused'; readonly name: string; readonly message: string }
  /** Accepted, and then failed, or nothing came of it. */
  | { readonly kind: 'failed'; readonly how: string }
  | { readonly kind: 'pending'; readonly status: string };

export async function connect(lab: Lab): Promise<Connected> {
  const { calls, api, pair, observer, changes } = lab;
  const isNew = observer.newConnections();
  changes.last = calls.now();
  const answer = await calls.ask(api.connect(pair));
  changes.last = calls.now();
  if (answer.kind === 'refused') {
    return answer;
  }
  let status = 'not listed';
  const connected = await observer.watch<Connected>(CONNECTING_AT_MOST, 5 * SECOND, (look) => {
    const seen = [...(look.listed ?? []), ...look.peerings].filter(isNew);
    const after = look.at - answer.at;
    const active = look.listed?.filter(isNew).find((connection) => connection.status === 'active');
    if (active !== undefined) {
      return { kind: 'active', connection: active, after };
    }
    const failed = seen.find(isEnded);
    if (failed !== undefined) {
      return { kind: 'failed', how: `status ${failed.status}${failed.message === '' ? '' : ` (${failed.message})`}` };
    }
    status = seen.at(-1)?.status ?? status;
    return look.listed !== undefined && seen.length === 0 && after >= WITHOUT_A_TRACE
      ? { kind: 'failed', how: 'neither GameLift nor EC2 shows a connection any more' }
      : undefined;
  });
  return connected ?? { kind: 'pending', status };
}

/** What was seen of a deletion. */
export interface Deletion {
  readonly sawDeleting: boolean;
  /** How long after the answer the connection was seen to have ended. */
  readonly endedAfter: number;
  readonly endedAtFirstLook: boolean;
}

export type Disconnected =
  | { readonly kind: 'ended'; readonly deletion: Deletion }
  | { readonly kind: 'refused'; readonly name: string; readonly message: string }
  /** Accepted, and nothing came of it. */
  | { readonly kind: 'unchanged' };

export async function disconnect(lab: Lab, { id }: Connection): Promise<Disconnected> {
  const { calls, api, pair, observer, changes } = lab;
  // so that GameLift's list can be read right after the deletion
  await calls.waitFor(api.connections(pair.fleetId));
  const answer = await calls.ask(api.disconnect(pair.fleetId, id));
  changes.last = calls.now();
  if (answer.kind === 'refused') {
    return answer;
  }
  let looks = 0;
  let sawDeleting = false;
  const disconnected = await observer.watch<Disconnected>(DELETING_AT_MOST, 2 * SECOND, ({ listed, peerings, at }) => {
    looks += 1;
    sawDeleting ||= [...(listed ?? []), ...peerings].some(({ status }) => status === 'deleting');
    const endedAfter = at - answer.at;
    const own = listed?.find((connection) => connection.id === id);
    // a deletion without an authorization may show as a failed connection, which EC2 still shows as active
    const hasEnded = listed !== undefined && (own === undefined || isEnded(own)) && peerings.every(isEnded);
    if (hasEnded) {
      observer.noteEnd(id);
      return { kind: 'ended', deletion: { sawDeleting, endedAfter, endedAtFirstLook: looks === 1 } };
    }
    const patience = own?.status === 'failed' ? VISIBLE : WITHOUT_EFFECT;
    return endedAfter >= patience && !sawDeleting ? { kind: 'unchanged' } : undefined;
  });
  return disconnected ?? { kind: 'unchanged' };
}

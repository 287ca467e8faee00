import type { Api, Pair } from './api';
import type { CallResult, Call, Calls } from './calls';
import { MINUTE, CONSISTENCY_DELAY } from './clock';
import { messageOf } from './errors';
import { refusalText } from './experiment-context';
import type { ConnectionChanges } from './experiment-context';
import { MARKER_KEY } from './marker';
import { readNetwork, removals } from './network';
import { isLive } from './observer';
import type { Connection, Observer } from './observer';
import type { Target } from './target';

/*
 * Undoes a run: deletes the connection, the authorization, GameLift's routes and rules in the VPC, and finally the marker. None of them existed
 * before the run. Each step can be repeated.
 */

const CONNECTION_TIMEOUT = 15 * MINUTE;
const ROUNDS = 3;

/** Something that could not be undone. */
export interface Leftover {
  readonly what: string;
  readonly why: string;
  /** Commands of the AWS CLI. */
  readonly commands: readonly string[];
}

export interface UndoOptions {
  /** These calls ignore interruptions. */
  readonly calls: Calls;
  readonly api: Api;
  readonly target: Target;
  readonly observer: Observer;
  readonly changes: ConnectionChanges;
  readonly print: (line: string) => void;
}

export interface Undone {
  readonly leftovers: readonly Leftover[];
  /** Whether the VPC has no routes and rules of GameLift any more. */
  readonly isVpcClean: boolean;
}

/** Tries several times, since errors may be temporary. */
export async function undo(options: UndoOptions): Promise<Undone> {
  for (let round = 1; ; round += 1) {
    const undone = await undoOnce(options);
    if (undone.leftovers.length === 0 || round === ROUNDS) {
      return undone;
    }
    options.print(`not undone yet: ${undone.leftovers.map(({ what }) => what).join(', ')}. Trying again`);
    await options.calls.sleep(CONSISTENCY_DELAY);
  }
}

async function undoOnce(options: UndoOptions): Promise<Undone> {
  const { target, calls, api, print } = options;
  const connections = await removeConnections(options);
  const authorization = await removeAuthorization(options);
  const writes = await removeWrites(options);
  const leftovers = [...connections, ...authorization, ...writes];
  const isVpcClean = writes.length === 0;
  if (leftovers.length > 0) {
    const why = 'it is kept, so that the next run tries again. If you remove the rest yourself, remove it last';
    return { leftovers: [...leftovers, markerLeftover(target, why)], isVpcClean };
  }
  print('removing the tag of the fleet');
  const untagged = await attempt(calls, api.untag(target.fleetArn, MARKER_KEY));
  return { leftovers: untagged === undefined ? [] : [markerLeftover(target, untagged)], isVpcClean };
}

/** @returns why it failed, or undefined if it succeeded or there was nothing to do */
async function attempt(calls: Calls, call: Call<unknown>): Promise<string | undefined> {
  try {
    const first = await calls.callWithRetries(call);
    // calls twice, since the first NotFoundException may come from a late read
    const result = isAbsent(first) ? await calls.callWithRetries(call) : first;
    return result.kind === 'succeeded' || isAbsent(result) ? undefined : refusalText(result);
  } catch (error) {
    return messageOf(error);
  }
}

function isAbsent(result: CallResult<unknown>): boolean {
  return result.kind === 'refused' && result.name.includes('NotFound');
}

async function removeConnections({ calls, api, target, observer, changes, print }: UndoOptions): Promise<readonly Leftover[]> {
  const { pair } = target;
  const deadline = calls.now() + CONNECTION_TIMEOUT;
  let seen: readonly Connection[] = [];
  let why = 'it did not end before the timeout';
  try {
    for (;;) {
      await calls.waitFor(api.connections(pair.fleetId));
      const { listed = [], peerings, at } = await observer.observe();
      const live = connectionsToDelete(listed, peerings);
      seen = live.length > 0 ? live : peerings.filter(isLive);
      // a new connection may not be listed yet
      if (seen.length === 0 && (changes.lastAt === undefined || at >= changes.lastAt + CONSISTENCY_DELAY)) {
        return [];
      }
      if (at > deadline) {
        return seen.map((connection) => connectionLeftover(pair, connection.id, why));
      }
      for (const { id, status } of live.filter((connection) => connection.status !== 'deleting')) {
        print(`deleting connection ${id}, which is ${status}`);
        await attempt(calls, api.authorize(pair));
        why = (await attempt(calls, api.disconnect(pair.fleetId, id))) ?? why;
        changes.lastAt = calls.now();
      }
    }
  } catch (error) {
    const ids = seen.length > 0 ? seen.map(({ id }) => id) : [undefined];
    return ids.map((id) => connectionLeftover(pair, id, messageOf(error)));
  }
}

/** Includes failed connections if EC2 still shows a peering, since GameLift may list a connection as failed after a failed deletion. */
function connectionsToDelete(listed: readonly Connection[], peerings: readonly Connection[]): readonly Connection[] {
  const live = listed.filter(isLive);
  return live.length === 0 && peerings.some(isLive) ? listed.filter(({ status }) => status === 'failed') : live;
}

async function removeAuthorization({ calls, api, target, print }: UndoOptions): Promise<readonly Leftover[]> {
  print('deleting the authorization');
  const why = await attempt(calls, api.cancelAuthorization(target.pair));
  return why === undefined ? [] : [authorizationLeftover(target.pair, why)];
}

/** Waits until GameLift may have removed its routes and rules, then removes the rest. */
async function removeWrites({ calls, api, target, changes, print }: UndoOptions): Promise<readonly Leftover[]> {
  const { vpcId } = target.pair;
  const leftovers: Leftover[] = [];
  try {
    await calls.sleepUntil(changes.lastAt === undefined ? 0 : changes.lastAt + CONSISTENCY_DELAY);
    for (const { what, call, command } of removals(api, await readNetwork(calls, api, vpcId))) {
      print(`removing a ${what}`);
      const why = await attempt(calls, call);
      if (why !== undefined) {
        leftovers.push({ what, why, commands: [command] });
      }
    }
    return leftovers;
  } catch (error) {
    return [...leftovers, writesLeftover(vpcId, messageOf(error))];
  }
}

/** @param id undefined if GameLift's list could not be read */
function connectionLeftover({ account, vpcId, fleetId }: Pair, id: string | undefined, why: string): Leftover {
  return {
    what: id === undefined ? `perhaps a connection of ${fleetId} with ${vpcId}` : `connection ${id} of ${fleetId}`,
    why,
    commands: [
      ...(id === undefined ? [`aws gamelift describe-vpc-peering-connections --fleet-id ${fleetId}`] : []),
      `aws gamelift create-vpc-peering-authorization --game-lift-aws-account-id ${account} --peer-vpc-id ${vpcId}`,
      `aws gamelift delete-vpc-peering-connection --fleet-id ${fleetId} --vpc-peering-connection-id ${id ?? 'CONNECTION_ID'}`,
    ],
  };
}

function authorizationLeftover({ account, vpcId }: Pair, why: string): Leftover {
  return {
    what: `perhaps the authorization of ${vpcId}`,
    why,
    commands: [`aws gamelift delete-vpc-peering-authorization --game-lift-aws-account-id ${account} --peer-vpc-id ${vpcId}`],
  };
}

function writesLeftover(vpcId: string, why: string): Leftover {
  return {
    what: `perhaps routes and rules in ${vpcId}`,
    why,
    commands: [
      `aws ec2 describe-route-tables --filters Name=vpc-id,Values=${vpcId}`,
      `aws ec2 describe-security-groups --filters Name=vpc-id,Values=${vpcId}`,
    ],
  };
}

function markerLeftover({ fleetArn }: Target, why: string): Leftover {
  return {
    what: `tag ${MARKER_KEY} of the fleet`,
    why,
    commands: [`aws gamelift untag-resource --resource-arn ${fleetArn} --tag-keys ${MARKER_KEY}`],
  };
}

export function leftoversText(leftovers: readonly Leftover[]): string {
  return [
    'This could not be undone:',
    ...leftovers.flatMap(({ what, why, commands }) => [`- ${what}: ${why}`, ...commands.map((command) => `    ${command}`)]),
    'To try again, run the probe with the same fleet. Or run these commands with the --region of the fleet.',
  ].join('\n');
}

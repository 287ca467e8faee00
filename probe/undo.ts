import type { Api, Pair } from './api';
import type { Answer, Call, Calls } from './calls';
import { MINUTE, VISIBLE } from './clock';
import { messageOf } from './errors';
import { refusalText } from './lab';
import type { Changes } from './lab';
import { MARKER_KEY } from './marker';
import { readNetwork, removals } from './network';
import { isLive } from './observer';
import type { Connection, Observer } from './observer';
import type { Target } from './target';

/*
 * Removes what a run made: connection, authorization, what GameLift wrote in the VPC, and the marker in the end. Nothing of it was
 * there before, so all that is there is the probe's. Each step can be repeated.
 */

const CONNECTIONS_AT_MOST = 15 * MINUTE;
const ROUNDS = 3;
const UNKNOWN = 'CONNECTION_ID';

/** Something that could not be removed. */
export interface Leftover {
  readonly what: string;
  readonly why: string;
  /** Commands of the AWS CLI. */
  readonly commands: readonly string[];
}

export interface UndoOptions {
  /** Calls that do not stop at an interruption. */
  readonly calls: Calls;
  readonly api: Api;
  readonly target: Target;
  readonly observer: Observer;
  readonly changes: Changes;
  readonly tell: (line: string) => void;
}

export interface Undone {
  readonly leftovers: readonly Leftover[];
  /** Whether the VPC has no route and no rule of GameLift any more. */
  readonly isVpcClean: boolean;
}

/** Tries again what could not be undone, since a refusal may be temporary. */
export async function undo(options: UndoOptions): Promise<Undone> {
  for (let round = 1; ; round += 1) {
    const undone = await undoOnce(options);
    if (undone.leftovers.length === 0 || round === ROUNDS) {
      return undone;
    }
    options.tell(`not undone yet: ${undone.leftovers.map(({ what }) => what).join(', ')}. Trying again`);
    await options.calls.sleep(VISIBLE);
  }
}

async function undoOnce(options: UndoOptions): Promise<Undone> {
  const { target, calls, api, tell } = options;
  const connections = await removeConnections(options);
  const authorization = await removeAuthorization(options);
  const writes = await removeWrites(options);
  const leftovers = [...connections, ...authorization, ...writes];
  const isVpcClean = writes.length === 0;
  if (leftovers.length > 0) {
    const why = 'it stays, so that the next run tries again. If you remove the rest yourself, remove it last';
    return { leftovers: [...leftovers, markerLeftover(target, why)], isVpcClean };
  }
  tell('removing the tag of the fleet');
  const untagged = await attempt(calls, api.untag(target.fleetArn, MARKER_KEY));
  return { leftovers: untagged === undefined ? [] : [markerLeftover(target, untagged)], isVpcClean };
}

/** @returns why it failed. Undefined if it was done, or if there was nothing to do. */
async function attempt(calls: Calls, call: Call<unknown>): Promise<string | undefined> {
  try {
    const first = await calls.insist(call);
    // asked twice before the probe believes that there is nothing to undo
    const answer = isAbsent(first) ? await calls.insist(call) : first;
    return answer.kind === 'answered' || isAbsent(answer) ? undefined : refusalText(answer);
  } catch (error) {
    return messageOf(error);
  }
}

function isAbsent(answer: Answer<unknown>): boolean {
  return answer.kind === 'refused' && answer.name.includes('NotFound');
}

async function removeConnections({ calls, api, target, observer, changes, tell }: UndoOptions): Promise<readonly Leftover[]> {
  const { pair } = target;
  const deadline = calls.now() + CONNECTIONS_AT_MOST;
  let seen: readonly Connection[] = [];
  let why = 'it did not end in time';
  try {
    for (;;) {
      await calls.waitFor(api.connections(pair.fleetId));
      const { listed = [], peerings, at } = await observer.look();
      const live = toDelete(listed, peerings);
      seen = live.length > 0 ? live : peerings.filter(isLive);
      // a connection that was requested a moment ago may not be listed yet
      if (seen.length === 0 && (changes.last === undefined || at >= changes.last + VISIBLE)) {
        return [];
      }
      if (at > deadline) {
        return seen.map((connection) => connectionLeftover(pair, connection.id, why));
      }
      for (const { id, status } of live.filter((connection) => connection.status !== 'deleting')) {
        tell(`deleting connection ${id}, which is ${status}`);
        await attempt(calls, api.authorize(pair));
        why = (await attempt(calls, api.disconnect(pair.fleetId, id))) ?? why;
        changes.last = calls.now();
      }
    }
  } catch (error) {
    const ids = seen.length > 0 ? seen.map(({ id }) => id) : [UNKNOWN];
    return ids.map((id) => connectionLeftover(pair, id, messageOf(error)));
  }
}

/** GameLift may list a connection as failed if only its deletion has failed. Then EC2 still shows a peering. */
function toDelete(listed: readonly Connection[], peerings: readonly Connection[]): readonly Connection[] {
  const live = listed.filter(isLive);
  return live.length === 0 && peerings.some(isLive) ? listed.filter(({ status }) => status === 'failed') : live;
}

async function removeAuthorization({ calls, api, target, tell }: UndoOptions): Promise<readonly Leftover[]> {
  tell('deleting the authorization');
  const why = await attempt(calls, api.cancelAuthorization(target.pair));
  return why === undefined ? [] : [authorizationLeftover(target.pair, why)];
}

/** Gives GameLift time to remove what it wrote, then removes the rest. */
async function removeWrites({ calls, api, target, changes, tell }: UndoOptions): Promise<readonly Leftover[]> {
  const { vpcId } = target.pair;
  const leftovers: Leftover[] = [];
  try {
    await calls.sleepUntil(changes.last === undefined ? 0 : changes.last + VISIBLE);
    for (const { what, call, command } of removals(api, await readNetwork(calls, api, vpcId))) {
      tell(`removing a ${what}`);
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

function connectionLeftover({ account, vpcId, fleetId }: Pair, id: string, why: string): Leftover {
  return {
    what: id === UNKNOWN ? `perhaps a connection of ${fleetId} with ${vpcId}` : `connection ${id} of ${fleetId}`,
    why,
    commands: [
      ...(id === UNKNOWN ? [`aws gamelift describe-vpc-peering-connections --fleet-id ${fleetId}`] : []),
      `aws gamelift create-vpc-peering-authorization --game-lift-aws-account-id ${account} --peer-vpc-id ${vpcId}`,
      `aws gamelift delete-vpc-peering-connection --fleet-id ${fleetId} --vpc-peering-connection-id ${id}`,
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
    'Run the probe again with the same fleet to try again, or run these commands with --region of the fleet.',
  ].join('\n');
}

import type { Api, FleetAndVpc } from './api';
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
const MAX_ROUNDS = 3;

/** A change that could not be undone. */
export interface Leftover {
  readonly description: string;
  readonly reason: string;
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

export interface UndoResult {
  readonly leftovers: readonly Leftover[];
  /** Whether all of GameLift's routes and rules were removed from the VPC. */
  readonly isVpcClean: boolean;
}

/** Undoes all changes. Tries several times, since errors may be temporary. */
export async function undo(options: UndoOptions): Promise<UndoResult> {
  for (let round = 1; ; round += 1) {
    const result = await undoOnce(options);
    if (result.leftovers.length === 0 || round === MAX_ROUNDS) {
      return result;
    }
    options.print(`not undone yet: ${result.leftovers.map(({ description }) => description).join(', ')}. Trying again`);
    await options.calls.sleep(CONSISTENCY_DELAY);
  }
}

async function undoOnce(options: UndoOptions): Promise<UndoResult> {
  const { target, calls, api, print } = options;
  const connections = await removeConnections(options);
  const authorization = await removeAuthorization(options);
  const routesAndRules = await removeRoutesAndRules(options);
  const leftovers = [...connections, ...authorization, ...routesAndRules];
  const isVpcClean = routesAndRules.length === 0;
  if (leftovers.length > 0) {
    const reason = 'it is kept, so that the next run tries again. If you undo the other changes yourself, remove it last';
    return { leftovers: [...leftovers, markerLeftover(target, reason)], isVpcClean };
  }
  print('removing the tag of the fleet');
  const failure = await callAndReturnFailure(calls, api.untag(target.fleetArn, MARKER_KEY));
  return { leftovers: failure === undefined ? [] : [markerLeftover(target, failure)], isVpcClean };
}

/** @returns the reason of the failure, or undefined if the call succeeded or there was nothing to delete */
async function callAndReturnFailure(calls: Calls, call: Call<unknown>): Promise<string | undefined> {
  try {
    const first = await calls.callWithRetries(call);
    // after a NotFoundException, call once more: GameLift may not have seen the latest write yet
    const result = isNotFound(first) ? await calls.callWithRetries(call) : first;
    return result.kind === 'succeeded' || isNotFound(result) ? undefined : refusalText(result);
  } catch (error) {
    return messageOf(error);
  }
}

function isNotFound(result: CallResult<unknown>): boolean {
  return result.kind === 'refused' && result.name.includes('NotFound');
}

async function removeConnections({ calls, api, target, observer, changes, print }: UndoOptions): Promise<readonly Leftover[]> {
  const { pair } = target;
  const deadline = calls.now() + CONNECTION_TIMEOUT;
  let remaining: readonly Connection[] = [];
  let reason = 'it was not deleted before the timeout';
  try {
    for (;;) {
      // wait until the rate limit allows this call. Otherwise, the observer may skip GameLift's list
      await calls.waitUntilAllowed(api.connections(pair.fleetId));
      const { gameLiftConnections = [], ec2Peerings, time } = await observer.observe();
      const toDelete = connectionsToDelete(gameLiftConnections, ec2Peerings);
      remaining = toDelete.length > 0 ? toDelete : ec2Peerings.filter(isLive);
      // a new connection may not be listed yet
      if (remaining.length === 0 && (changes.lastChangeAt === undefined || time >= changes.lastChangeAt + CONSISTENCY_DELAY)) {
        return [];
      }
      if (time > deadline) {
        return remaining.map((connection) => connectionLeftover(pair, connection.id, reason));
      }
      for (const { id, status } of toDelete.filter((connection) => connection.status !== 'deleting')) {
        print(`deleting connection ${id}, which is ${status}`);
        await callAndReturnFailure(calls, api.authorize(pair));
        reason = (await callAndReturnFailure(calls, api.disconnect(pair.fleetId, id))) ?? reason;
        changes.lastChangeAt = calls.now();
      }
    }
  } catch (error) {
    const ids = remaining.length > 0 ? remaining.map(({ id }) => id) : [undefined];
    return ids.map((id) => connectionLeftover(pair, id, messageOf(error)));
  }
}

/**
 * Returns the live connections of GameLift's list. If there are none, but EC2 still shows a live peering, returns the failed connections,
 * because GameLift may list a connection as failed if its deletion failed.
 */
function connectionsToDelete(
  gameLiftConnections: readonly Connection[],
  ec2Peerings: readonly Connection[],
): readonly Connection[] {
  const live = gameLiftConnections.filter(isLive);
  return live.length === 0 && ec2Peerings.some(isLive) ? gameLiftConnections.filter(({ status }) => status === 'failed') : live;
}

async function removeAuthorization({ calls, api, target, print }: UndoOptions): Promise<readonly Leftover[]> {
  print('deleting the authorization');
  const reason = await callAndReturnFailure(calls, api.cancelAuthorization(target.pair));
  return reason === undefined ? [] : [authorizationLeftover(target.pair, reason)];
}

/** Waits, since GameLift may remove its routes and rules itself. Then removes the ones that still exist. */
async function removeRoutesAndRules({ calls, api, target, changes, print }: UndoOptions): Promise<readonly Leftover[]> {
  const { vpcId } = target.pair;
  const leftovers: Leftover[] = [];
  try {
    await calls.sleepUntil(changes.lastChangeAt === undefined ? 0 : changes.lastChangeAt + CONSISTENCY_DELAY);
    for (const { description, call, command } of removals(api, await readNetwork(calls, api, vpcId))) {
      print(`removing a ${description}`);
      const reason = await callAndReturnFailure(calls, call);
      if (reason !== undefined) {
        leftovers.push({ description, reason, commands: [command] });
      }
    }
    return leftovers;
  } catch (error) {
    return [...leftovers, routesAndRulesLeftover(vpcId, messageOf(error))];
  }
}

/** @param id undefined if GameLift's list could not be read */
function connectionLeftover({ account, vpcId, fleetId }: FleetAndVpc, id: string | undefined, reason: string): Leftover {
  return {
    description:
      id === undefined ? `a connection of ${fleetId} with ${vpcId}, if there is one` : `connection ${id} of ${fleetId}`,
    reason,
    commands: [
      ...(id === undefined ? [`aws gamelift describe-vpc-peering-connections --fleet-id ${fleetId}`] : []),
      `aws gamelift create-vpc-peering-authorization --game-lift-aws-account-id ${account} --peer-vpc-id ${vpcId}`,
      `aws gamelift delete-vpc-peering-connection --fleet-id ${fleetId} --vpc-peering-connection-id ${id ?? 'CONNECTION_ID'}`,
    ],
  };
}

function authorizationLeftover({ account, vpcId }: FleetAndVpc, reason: string): Leftover {
  return {
    description: `the authorization of ${vpcId}, if it still exists`,
    reason,
    commands: [`aws gamelift delete-vpc-peering-authorization --game-lift-aws-account-id ${account} --peer-vpc-id ${vpcId}`],
  };
}

function routesAndRulesLeftover(vpcId: string, reason: string): Leftover {
  return {
    description: `routes and rules in ${vpcId}, if there are any`,
    reason,
    commands: [
      `aws ec2 describe-route-tables --filters Name=vpc-id,Values=${vpcId}`,
      `aws ec2 describe-security-groups --filters Name=vpc-id,Values=${vpcId}`,
    ],
  };
}

function markerLeftover({ fleetArn }: Target, reason: string): Leftover {
  return {
    description: `tag ${MARKER_KEY} of the fleet`,
    reason,
    commands: [`aws gamelift untag-resource --resource-arn ${fleetArn} --tag-keys ${MARKER_KEY}`],
  };
}

export function leftoversText(leftovers: readonly Leftover[]): string {
  return [
    'This could not be undone:',
    ...leftovers.flatMap(({ description, reason, commands }) => [
      `- ${description}: ${reason}`,
      ...commands.map((command) => `    ${command}`),
    ]),
    'To try again, run the probe with the same fleet. Or run these commands with the --region of the fleet.',
  ].join('\n');
}

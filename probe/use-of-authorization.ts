import type { Answer } from './calls';
import { VISIBLE, seconds } from './clock';
import { connect, disconnect } from './connections';
import type { Connected, Deletion, Disconnected } from './connections';
import { ProbeStopped } from './errors';
import { answerText, refusalText } from './lab';
import type { Lab } from './lab';
import type { Connection } from './observer';

/*
 * Whether using an authorization consumes it. The connection was made with one authorization: deleting it, and connecting once
 * more, use the same authorization again. If GameLift refuses, the same call has to succeed after authorizing again. Otherwise the
 * refusal had another reason.
 */

export type Active = Extract<Connected, { kind: 'active' }>;

const ATTEMPTS = 3;

/** Repeats what GameLift refuses, since it may not know yet what was just done. */
async function whileRefused<Outcome extends { readonly kind: string }>(run: () => Promise<Outcome>): Promise<Outcome> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await run();
    if (outcome.kind !== 'refused' || attempt === ATTEMPTS) {
      return outcome;
    }
  }
}

/** Connects with a valid authorization. */
export async function connectAuthorized(lab: Lab): Promise<Active> {
  const connected = await whileRefused(() => connect(lab));
  switch (connected.kind) {
    case 'active':
      return connected;
    case 'refused':
      throw new ProbeStopped(
        `GameLift refuses to connect the fleet with the VPC, although it is authorized: ${refusalText(connected)}. ` +
          'Check that your credentials have the permissions that npm run probe -- --policy prints.',
      );
    case 'failed':
      throw new ProbeStopped(
        `The connection failed, although it is authorized: ${connected.how}. ` +
          'Use a VPC with another CIDR block: the addresses may overlap with those of the fleet.',
      );
    case 'pending':
      throw new ProbeStopped(`The connection did not become active in ten minutes: it is ${connected.status}. Try again later.`);
  }
}

/** The deletions that were seen, and what is known of the authorization. */
export interface Uses {
  readonly last: Connection;
  readonly deletions: readonly Deletion[];
  /** Whether the authorization was still valid after the connection was made with it. */
  readonly validAfterUse: 'yes' | 'no' | 'unknown';
}

export async function useAuthorizationAgain(lab: Lab, first: Connection): Promise<Uses> {
  lab.tell('deleting the connection without authorizing again');
  const deleted = await whileRefused(() => disconnect(lab, first));
  return deleted.kind === 'ended' ? await connectAgain(lab, deleted) : await authorizeToDelete(lab, first, deleted);
}

/** The creation did not consume the authorization. The deletion may have. */
async function connectAgain(lab: Lab, { deletion }: Extract<Disconnected, { kind: 'ended' }>): Promise<Uses> {
  const { calls, api, pair, findings, tell } = lab;
  tell('connecting again without authorizing again');
  const again = await whileRefused(() => connect(lab));
  if (again.kind === 'active') {
    const evidence = 'With one authorization, a connection was created, deleted and created again';
    findings.settle('useOfAuthorization', 'reusable', evidence);
    const last = await requestAgain(lab, again.connection, await calls.ask(api.authorize(pair)));
    return { last: again.connection, deletions: [deletion, last.deletion], validAfterUse: 'yes' };
  }
  const renewal = await calls.ask(api.authorize(pair));
  const { connection } = await connectAuthorized(lab);
  const how = again.kind === 'refused' ? refusalText(again) : again.kind;
  const evidence = `Creating and deleting a connection was accepted with one authorization. Creating it again was not: ${how}`;
  if (renewal.kind === 'answered') {
    findings.settle('useOfAuthorization', 'consumed', `${evidence}. After authorizing again, it was accepted`);
  } else {
    findings.leaveOpen('useOfAuthorization', `${evidence}. But authorizing again answered ${answerText(renewal)}`);
  }
  const last = await requestAgain(lab, connection, await calls.ask(api.authorize(pair)));
  return { last: connection, deletions: [deletion, last.deletion], validAfterUse: 'yes' };
}

/** The creation may have consumed the authorization. */
async function authorizeToDelete(lab: Lab, first: Connection, deleted: Exclude<Disconnected, { kind: 'ended' }>): Promise<Uses> {
  const { calls, api, pair, findings } = lab;
  const how = deleted.kind === 'refused' ? `answered ${refusalText(deleted)}` : 'was accepted, and the connection stayed active';
  const evidence = `Deleting a connection with the authorization that it was created with ${how}`;
  const renewal = await calls.ask(api.authorize(pair));
  const { deletion } = await requestAgain(lab, first, renewal);
  if (renewal.kind === 'answered') {
    findings.settle('useOfAuthorization', 'consumed', `${evidence}. After authorizing again, it was deleted`);
    return { last: first, deletions: [deletion], validAfterUse: 'no' };
  }
  findings.leaveOpen('useOfAuthorization', `${evidence}. But authorizing again answered ${answerText(renewal)}`);
  return { last: first, deletions: [deletion], validAfterUse: 'unknown' };
}

/** Requests a connection that exists, with a valid authorization, then deletes it. */
async function requestAgain(
  lab: Lab,
  connection: Connection,
  renewal: Answer<unknown>,
): Promise<Extract<Disconnected, { kind: 'ended' }>> {
  const { calls, api, pair, findings, changes, tell } = lab;
  tell('requesting the connection that exists, then deleting it');
  await calls.waitFor(api.connect(pair));
  changes.last = calls.now();
  const answer = await calls.ask(api.connect(pair));
  changes.last = calls.now();
  const authorized = renewal.kind === 'answered' ? `${seconds(answer.at - renewal.at)} after authorizing` : 'while authorized';
  const evidence = `Creating an active connection again, ${authorized}, answered ${answerText(answer)}`;
  findings.settleByName('existingConnection', answer.kind === 'answered' ? 'accepted' : answer.name, evidence);
  // an accepted request may show something new before the connection is deleted
  await calls.sleep(answer.kind === 'answered' ? VISIBLE : 0);

  const deleted = await whileRefused(() => disconnect(lab, connection));
  if (deleted.kind === 'ended') {
    return deleted;
  }
  // if each use consumes the authorization, the request has consumed it
  await calls.ask(api.authorize(pair));
  const deletedAgain = await whileRefused(() => disconnect(lab, connection));
  if (deletedAgain.kind === 'ended') {
    return deletedAgain;
  }
  const how = deletedAgain.kind === 'refused' ? refusalText(deletedAgain) : 'accepted, and it is still there';
  throw new ProbeStopped(`GameLift does not delete the connection, although it is authorized: ${how}.`);
}

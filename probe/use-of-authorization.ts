import type { CallResult } from './calls';
import { CONSISTENCY_DELAY, secondsText } from './clock';
import { connect, disconnect } from './connections';
import type { ConnectOutcome, Deletion, DisconnectOutcome } from './connections';
import { ProbeStopped } from './errors';
import { resultText, refusalText } from './experiment-context';
import type { ExperimentContext } from './experiment-context';
import type { Connection } from './observer';

/*
 * Finds out whether each use consumes the authorization. The probe has authorized once and connected. It deletes the connection and connects
 * again, without authorizing again. If GameLift refuses, the probe authorizes and repeats the call. If GameLift refuses that call too, a
 * consumed authorization is not the reason.
 */

export type ActiveConnection = Extract<ConnectOutcome, { kind: 'active' }>;

const MAX_ATTEMPTS = 3;

/** Repeats a request that GameLift refuses: the probe's previous change may not have taken effect everywhere in AWS yet. */
async function retryRefused<Outcome extends { readonly kind: string }>(run: () => Promise<Outcome>): Promise<Outcome> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await run();
    if (outcome.kind !== 'refused' || attempt === MAX_ATTEMPTS) {
      return outcome;
    }
  }
}

/** Connects with a valid authorization. */
export async function connectWithAuthorization(context: ExperimentContext): Promise<ActiveConnection> {
  const outcome = await retryRefused(() => connect(context));
  switch (outcome.kind) {
    case 'active':
      return outcome;
    case 'refused':
      throw new ProbeStopped(
        `GameLift refuses to connect the fleet with the VPC, although it is authorized: ${refusalText(outcome)}. ` +
          'Check that your credentials have the permissions that npm run probe -- --policy prints.',
      );
    case 'failed':
      throw new ProbeStopped(
        `The connection failed, although it is authorized: ${outcome.reason}. ` +
          'Use a VPC with another CIDR block: the addresses may overlap with those of the fleet.',
      );
    case 'pending':
      throw new ProbeStopped(`The connection did not become active in ten minutes: it is ${outcome.status}. Try again later.`);
  }
}

/** The last connection, the observed deletions, and what is known about the authorization. */
export interface ReuseResult {
  readonly lastConnection: Connection;
  readonly deletions: readonly Deletion[];
  /** Whether the authorization was still valid after the first connection was created with it. A deletion may have consumed it later. */
  readonly validAfterCreation: 'yes' | 'no' | 'unknown';
}

export async function useAuthorizationAgain(context: ExperimentContext, first: Connection): Promise<ReuseResult> {
  context.print('deleting the connection without authorizing again');
  const disconnectOutcome = await retryRefused(() => disconnect(context, first));
  return disconnectOutcome.kind === 'ended'
    ? await connectAgain(context, disconnectOutcome)
    : await authorizeToDelete(context, first, disconnectOutcome);
}

/** Continues after the deletion succeeded: so the creation did not consume the authorization. The deletion may have consumed it. */
async function connectAgain(
  context: ExperimentContext,
  { deletion }: Extract<DisconnectOutcome, { kind: 'ended' }>,
): Promise<ReuseResult> {
  const { calls, api, pair, findings, print } = context;
  print('connecting again without authorizing again');
  const secondConnect = await retryRefused(() => connect(context));
  if (secondConnect.kind === 'active') {
    const evidence = 'With one authorization, a connection was created, deleted and created again';
    findings.settle('useOfAuthorization', 'reusable', evidence);
    const lastDelete = await requestExistingAndDelete(context, secondConnect.connection, await calls.call(api.authorize(pair)));
    return { lastConnection: secondConnect.connection, deletions: [deletion, lastDelete.deletion], validAfterCreation: 'yes' };
  }
  const renewal = await calls.call(api.authorize(pair));
  const { connection } = await connectWithAuthorization(context);
  const failure = secondConnect.kind === 'refused' ? refusalText(secondConnect) : secondConnect.kind;
  const evidence = `With one authorization, creating and deleting a connection succeeded, but creating it again did not: ${failure}`;
  if (renewal.kind === 'succeeded') {
    findings.settle('useOfAuthorization', 'consumed', `${evidence}. After authorizing again, it succeeded`);
  } else {
    findings.leaveOpen('useOfAuthorization', `${evidence}. But authorizing again returned ${resultText(renewal)}`);
  }
  const lastDelete = await requestExistingAndDelete(context, connection, await calls.call(api.authorize(pair)));
  return { lastConnection: connection, deletions: [deletion, lastDelete.deletion], validAfterCreation: 'yes' };
}

/** Continues after the deletion did not succeed: the creation may have consumed the authorization. */
async function authorizeToDelete(
  context: ExperimentContext,
  connection: Connection,
  disconnectOutcome: Exclude<DisconnectOutcome, { kind: 'ended' }>,
): Promise<ReuseResult> {
  const { calls, api, pair, findings } = context;
  const failure =
    disconnectOutcome.kind === 'refused'
      ? `returned ${refusalText(disconnectOutcome)}`
      : 'was accepted, but the connection stayed active';
  const evidence = `Deleting a connection with the authorization that it was created with ${failure}`;
  const renewal = await calls.call(api.authorize(pair));
  const { deletion } = await requestExistingAndDelete(context, connection, renewal);
  if (renewal.kind === 'succeeded') {
    findings.settle('useOfAuthorization', 'consumed', `${evidence}. After authorizing again, it was deleted`);
    return { lastConnection: connection, deletions: [deletion], validAfterCreation: 'no' };
  }
  findings.leaveOpen('useOfAuthorization', `${evidence}. But authorizing again returned ${resultText(renewal)}`);
  return { lastConnection: connection, deletions: [deletion], validAfterCreation: 'unknown' };
}

/** With a valid authorization, requests the connection once more while it exists, then deletes it. */
async function requestExistingAndDelete(
  context: ExperimentContext,
  connection: Connection,
  renewal: CallResult<unknown>,
): Promise<Extract<DisconnectOutcome, { kind: 'ended' }>> {
  const { calls, api, pair, findings, changes, print } = context;
  print('requesting the connection that exists, then deleting it');
  await calls.waitUntilAllowed(api.connect(pair));
  changes.lastChangeAt = calls.now();
  const result = await calls.call(api.connect(pair));
  changes.lastChangeAt = calls.now();
  const timing =
    renewal.kind === 'succeeded'
      ? `${secondsText(result.returnedAt - renewal.returnedAt)} after authorizing`
      : 'while authorized';
  const evidence = `Creating an active connection again, ${timing}, returned ${resultText(result)}`;
  findings.settleByName('existingConnection', result.kind === 'succeeded' ? 'accepted' : result.name, evidence);
  // wait until an accepted request is visible
  await calls.sleep(result.kind === 'succeeded' ? CONSISTENCY_DELAY : 0);

  const firstAttempt = await retryRefused(() => disconnect(context, connection));
  if (firstAttempt.kind === 'ended') {
    return firstAttempt;
  }
  // the request may have consumed the authorization
  await calls.call(api.authorize(pair));
  const secondAttempt = await retryRefused(() => disconnect(context, connection));
  if (secondAttempt.kind === 'ended') {
    return secondAttempt;
  }
  const reason =
    secondAttempt.kind === 'refused' ? refusalText(secondAttempt) : 'the deletion was accepted, but the connection still exists';
  throw new ProbeStopped(`GameLift does not delete the connection, although it is authorized: ${reason}.`);
}

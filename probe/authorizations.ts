import type { VpcPeeringAuthorization } from '@aws-sdk/client-gamelift';
import { CALL_INTERVAL } from './calls';
import { SECOND, secondsText } from './clock';
import { ProbeStopped } from './errors';
import { resultText } from './experiment-context';
import type { ExperimentContext } from './experiment-context';

/**
 * Two durations count as equal if they differ by at most this much: GameLift may round ExpirationTime to seconds, and calls take time
 * to return.
 */
const EXPIRY_TOLERANCE = 2 * SECOND;

/** Reads the pair's authorization in GameLift's list. */
export async function findAuthorization({ calls, api, pair }: ExperimentContext): Promise<VpcPeeringAuthorization | undefined> {
  const { VpcPeeringAuthorizations: authorizations = [] } = await calls.callOrThrow(api.authorizations());
  return authorizations.find(
    ({ GameLiftAwsAccountId, PeerVpcId }) => GameLiftAwsAccountId === pair.account && PeerVpcId === pair.vpcId,
  );
}

/** Deletes an authorization that does not exist, and notes how GameLift responds. */
export async function cancelAbsentAuthorization(context: ExperimentContext): Promise<void> {
  const { calls, api, pair, findings } = context;
  const first = await calls.call(api.cancelAuthorization(pair));
  // the first call may delete an authorization that GameLift does not list
  const result = first.kind === 'refused' ? first : await calls.call(api.cancelAuthorization(pair));
  const evidence = `DeleteVpcPeeringAuthorization without an authorization returned ${resultText(result)}`;
  findings.settleByName('deletingAbsentAuthorization', result.kind === 'refused' ? result.name : 'success', evidence);
}

/** Authorizes, and authorizes again while the first authorization is valid. */
export async function authorizeTwice(context: ExperimentContext): Promise<void> {
  const { calls, api, pair, findings, readBack } = context;
  const first = await calls.call(api.authorize(pair));
  if (first.kind === 'refused') {
    throw new ProbeStopped(
      `GameLift refuses to authorize ${pair.vpcId}: ${resultText(first)}. ` +
        'Check that your credentials have the permissions that npm run probe -- --policy prints.',
    );
  }
  const isListed = (await findAuthorization(context)) !== undefined;
  const firstReadAt = calls.now();
  await calls.sleepUntil(first.returnedAt + CALL_INTERVAL);
  const second = await calls.call(api.authorize(pair));
  const laterAuthorization = await findAuthorization(context);
  if (isListed) {
    readBack.noteCurrent();
  } else if (laterAuthorization !== undefined) {
    readBack.noteLate('GameLift’s list of authorizations', firstReadAt - first.returnedAt);
  }

  const firstExpiry = first.output.VpcPeeringAuthorization?.ExpirationTime?.getTime();
  if (second.kind === 'refused') {
    const evidence = `CreateVpcPeeringAuthorization ${secondsText(second.returnedAt - first.returnedAt)} after the first one returned ${resultText(second)}`;
    findings.settleByName('authorizingAgain', second.name, evidence);
    return;
  }
  const secondExpiry = second.output.VpcPeeringAuthorization?.ExpirationTime?.getTime();
  if (firstExpiry === undefined || secondExpiry === undefined) {
    findings.leaveOpen('authorizingAgain', 'The outputs have no ExpirationTime');
    return;
  }
  const difference = secondExpiry - firstExpiry;
  const interval = second.returnedAt - first.returnedAt;
  const evidence = `The second of two authorizations was created ${secondsText(interval)} later, and expires ${difference === 0 ? 'at the same time' : `${secondsText(difference)} later`}`;
  if (Math.abs(difference) <= EXPIRY_TOLERANCE) {
    findings.settle('authorizingAgain', 'keeps expiry', evidence);
  } else if (Math.abs(difference - interval) <= EXPIRY_TOLERANCE) {
    findings.settle('authorizingAgain', 'renews', evidence);
  } else {
    findings.leaveOpen('authorizingAgain', `${evidence}. This fits neither reading`);
  }
}

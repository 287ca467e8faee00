import type { VpcPeeringAuthorization } from '@aws-sdk/client-gamelift';
import { CALL_INTERVAL } from './calls';
import { SECOND, seconds } from './clock';
import { ProbeStopped } from './errors';
import { resultText } from './experiment-context';
import type { ExperimentContext } from './experiment-context';

/** The largest error of the difference between two times that are rounded to seconds. */
const ROUNDING = 2 * SECOND;

/** The pair's authorization in GameLift's list. */
export async function listedAuthorization({ calls, api, pair }: ExperimentContext): Promise<VpcPeeringAuthorization | undefined> {
  const { VpcPeeringAuthorizations: authorizations = [] } = await calls.read(api.authorizations());
  return authorizations.find(
    ({ GameLiftAwsAccountId, PeerVpcId }) => GameLiftAwsAccountId === pair.account && PeerVpcId === pair.vpcId,
  );
}

/** Deletes an authorization that does not exist. */
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
  const isListed = (await listedAuthorization(context)) !== undefined;
  const listedAt = calls.now();
  await calls.sleepUntil(first.at + CALL_INTERVAL);
  const second = await calls.call(api.authorize(pair));
  const later = await listedAuthorization(context);
  if (isListed) {
    readBack.noteCurrent();
  } else if (later !== undefined) {
    readBack.noteLate('GameLift’s list of authorizations', listedAt - first.at);
  }

  const before = first.output.VpcPeeringAuthorization?.ExpirationTime?.getTime();
  if (second.kind === 'refused') {
    const evidence = `CreateVpcPeeringAuthorization ${seconds(second.at - first.at)} after the first one returned ${resultText(second)}`;
    findings.settleByName('authorizingAgain', second.name, evidence);
    return;
  }
  const after = second.output.VpcPeeringAuthorization?.ExpirationTime?.getTime();
  if (before === undefined || after === undefined) {
    findings.leaveOpen('authorizingAgain', 'The outputs have no ExpirationTime');
    return;
  }
  const moved = after - before;
  const between = second.at - first.at;
  const evidence = `The second of two authorizations, ${seconds(between)} later, expires ${moved === 0 ? 'at the same time' : `${seconds(moved)} later`}`;
  if (Math.abs(moved) <= ROUNDING) {
    findings.settle('authorizingAgain', 'keeps expiry', evidence);
  } else if (Math.abs(moved - between) <= ROUNDING) {
    findings.settle('authorizingAgain', 'renews', evidence);
  } else {
    findings.leaveOpen('authorizingAgain', `${evidence}. This fits neither reading`);
  }
}

import type { VpcPeeringAuthorization } from '@aws-sdk/client-gamelift';
import { BETWEEN_CALLS } from './calls';
import { SECOND, seconds } from './clock';
import { ProbeStopped } from './errors';
import { answerText } from './lab';
import type { Lab } from './lab';

/** What is left of the difference between two times if both are rounded to seconds. */
const ROUNDING = 2 * SECOND;

/** What GameLift lists of the pair's authorization. */
export async function listedAuthorization({ calls, api, pair }: Lab): Promise<VpcPeeringAuthorization | undefined> {
  const { VpcPeeringAuthorizations: authorizations = [] } = await calls.read(api.authorizations());
  return authorizations.find(
    ({ GameLiftAwsAccountId, PeerVpcId }) => GameLiftAwsAccountId === pair.account && PeerVpcId === pair.vpcId,
  );
}

/** Cancels an authorization that is not there. */
export async function cancelAbsentAuthorization(lab: Lab): Promise<void> {
  const { calls, api, pair, findings } = lab;
  const first = await calls.ask(api.cancelAuthorization(pair));
  // an authorization may be there that GameLift does not list: the second call is certain
  const answer = first.kind === 'refused' ? first : await calls.ask(api.cancelAuthorization(pair));
  const evidence = `DeleteVpcPeeringAuthorization without an authorization answered ${answerText(answer)}`;
  findings.settleByName('deletingAbsentAuthorization', answer.kind === 'refused' ? answer.name : 'success', evidence);
}

/** Authorizes, and authorizes again while the first authorization is valid. */
export async function authorizeTwice(lab: Lab): Promise<void> {
  const { calls, api, pair, findings, readBack } = lab;
  const first = await calls.ask(api.authorize(pair));
  if (first.kind === 'refused') {
    throw new ProbeStopped(
      `GameLift refuses to authorize ${pair.vpcId}: ${answerText(first)}. ` +
        'Check that your credentials have the permissions that npm run probe -- --policy prints.',
    );
  }
  const isListed = (await listedAuthorization(lab)) !== undefined;
  const looked = calls.now();
  await calls.sleepUntil(first.at + BETWEEN_CALLS);
  const second = await calls.ask(api.authorize(pair));
  const later = await listedAuthorization(lab);
  if (isListed) {
    readBack.noteRead();
  } else if (later !== undefined) {
    readBack.noteLate('GameLift’s list of authorizations', looked - first.at);
  }

  const before = first.output.VpcPeeringAuthorization?.ExpirationTime?.getTime();
  if (second.kind === 'refused') {
    const evidence = `CreateVpcPeeringAuthorization ${seconds(second.at - first.at)} after the first one answered ${answerText(second)}`;
    findings.settleByName('authorizingAgain', second.name, evidence);
    return;
  }
  const after = second.output.VpcPeeringAuthorization?.ExpirationTime?.getTime();
  if (before === undefined || after === undefined) {
    findings.leaveOpen('authorizingAgain', 'The answers have no ExpirationTime');
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

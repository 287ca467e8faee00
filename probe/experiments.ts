import { authorizeTwice, cancelAbsentAuthorization, listedAuthorization } from './authorizations';
import { BETWEEN_CALLS, together } from './calls';
import { VISIBLE, seconds } from './clock';
import { connect } from './connections';
import type { Connected, Deletion } from './connections';
import { ProbeStopped } from './errors';
import { readEvents, settleFleetEvents } from './fleet-events';
import { refusalText } from './lab';
import type { Lab } from './lab';
import { isEnded, isLive } from './observer';
import type { Connection } from './observer';
import { measureRateLimit } from './rate-limit';
import { connectAuthorized, useAuthorizationAgain } from './use-of-authorization';
import type { Active, Uses } from './use-of-authorization';
import { watchRemoval, watchWrites } from './vpc-writes';
import type { Writes } from './vpc-writes';

/*
 * The experiments, in the order in which they need each other. Each of the peering operations has a rate limit of its own, so those
 * that use different operations run at the same time.
 */

/** `beside` is what else runs during the first experiments. */
export async function runExperiments(lab: Lab, stop: AbortController, beside: Promise<void>): Promise<Writes> {
  const { calls, findings, readBack, tell } = lab;
  const started = calls.now();
  tell('measuring the rate limit, and connecting without an authorization');
  const eventsBefore = readEvents(lab, started);
  const unauthorized = connectUnauthorized(lab);
  await together(stop, [eventsBefore, unauthorized, measureRateLimit(lab), beside]);
  tell('authorizing twice');
  await authorizeTwice(lab);
  tell('connecting');
  const first = await connectAuthorized(lab);
  settleMissingAuthorization(lab, await unauthorized);
  const written = watchWrites(lab);
  const isListed = isAuthorizationListed(lab);
  await together(stop, [written, isListed]);
  settleConnectionIds(lab, first, await lab.observer.peerings());
  const uses = await useAuthorizationAgain(lab, first.connection);
  settleUsedAuthorizations(lab, uses, await isListed);
  settleDeletions(lab, uses.deletions);
  tell('looking what is left of the connection');
  await calls.sleep(VISIBLE);
  await settleEndedConnections(lab, uses.last);
  settleFleetEvents(lab, await eventsBefore, await readEvents(lab, started));
  readBack.settle(findings);
  return { written: await written, left: await watchRemoval(lab) };
}

async function connectUnauthorized(lab: Lab): Promise<Connected> {
  await cancelAbsentAuthorization(lab);
  const connected = await connect(lab);
  if (connected.kind === 'active' || connected.kind === 'pending') {
    const status = connected.kind === 'active' ? 'active' : connected.status;
    const found = `Without an authorization, GameLift accepted the connection, which is now ${status}`;
    lab.findings.leaveOpen('missingAuthorization', `${found}. This fits no reading`);
    throw new ProbeStopped(`${found}. The other experiments need a VPC that nothing authorizes.`);
  }
  return connected;
}

/** The refusal was for the missing authorization, since the same request was accepted with one. */
function settleMissingAuthorization({ findings }: Lab, unauthorized: Connected): void {
  const proof = 'The same request succeeded with an authorization';
  if (unauthorized.kind === 'refused') {
    const evidence = `CreateVpcPeeringConnection without an authorization answered ${refusalText(unauthorized)}. ${proof}`;
    findings.settleByName('missingAuthorization', unauthorized.name, evidence);
  } else if (unauthorized.kind === 'failed') {
    const evidence = `CreateVpcPeeringConnection without an authorization was accepted, then: ${unauthorized.how}. ${proof}`;
    findings.settle('missingAuthorization', 'failed', evidence);
  }
}

function settleConnectionIds({ findings }: Lab, { connection, after }: Active, peerings: readonly Connection[]): void {
  const active = peerings.filter(isLive);
  const evidence = `The connection was active after ${seconds(after)}. GameLift lists it as ${connection.id}, EC2 as ${active.map(({ id }) => id).join(', ')}`;
  if (active.some(({ id }) => id === connection.id)) {
    findings.settle('connectionIds', 'pcx of EC2', evidence);
  } else if (active.length === 1) {
    findings.settle('connectionIds', 'own of GameLift', evidence);
  } else {
    findings.leaveOpen('connectionIds', `EC2 shows ${active.length} peerings of the VPC, so the ids can't be compared`);
  }
}

/** Looks twice, since a read may show what was before the use. */
async function isAuthorizationListed(lab: Lab): Promise<boolean> {
  await lab.calls.sleep(VISIBLE - BETWEEN_CALLS);
  await listedAuthorization(lab);
  return (await listedAuthorization(lab)) !== undefined;
}

function settleUsedAuthorizations({ findings }: Lab, { validAfterUse }: Uses, isListed: boolean): void {
  const listed = isListed ? 'listed' : 'not listed';
  const evidence = `After the connection was created with it, DescribeVpcPeeringAuthorizations ${isListed ? 'still lists' : 'no longer lists'} the authorization`;
  switch (validAfterUse) {
    case 'yes':
      findings.settle('usedAuthorizations', listed, `${evidence}, which was still valid`);
      break;
    case 'no':
      findings.leaveOpen(
        'usedAuthorizations',
        `${evidence}. The use had consumed it, so no authorization is both used and valid`,
      );
      break;
    case 'unknown':
      findings.leaveOpen('usedAuthorizations', `${evidence}. Whether it was still valid is not known`);
  }
}

function settleDeletions({ findings }: Lab, deletions: readonly Deletion[]): void {
  const ends = deletions.map(({ endedAfter }) => seconds(endedAfter)).join(' and ');
  const evidence = `The connection was seen to have ended ${ends} after DeleteVpcPeeringConnection had returned`;
  if (deletions.some(({ sawDeleting }) => sawDeleting)) {
    findings.settle('deletingConnections', 'deleting for a while', `${evidence}, and was seen with status deleting before`);
  } else if (deletions.some(({ endedAtFirstLook }) => endedAtFirstLook)) {
    findings.settle('deletingConnections', 'done on return', `${evidence}, at the first look`);
  } else {
    findings.leaveOpen(
      'deletingConnections',
      `${evidence}, and was never seen as deleting. Late reads can't be told from a slow deletion`,
    );
  }
}

async function settleEndedConnections({ findings, observer }: Lab, { id }: Connection): Promise<void> {
  const own = (await observer.listed()).find((connection) => connection.id === id);
  if (own === undefined) {
    findings.settle('endedConnections', 'gone', `GameLift does not list the connection ${seconds(VISIBLE)} after its end`);
  } else if (isEnded(own)) {
    findings.settle(
      'endedConnections',
      'linger',
      `GameLift lists the connection as ${own.status} ${seconds(VISIBLE)} after its end`,
    );
  } else {
    findings.leaveOpen('endedConnections', `GameLift lists the connection as ${own.status} after its end`);
  }
}

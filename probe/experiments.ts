import { authorizeTwice, cancelAbsentAuthorization, findAuthorization } from './authorizations';
import { CALL_INTERVAL, runConcurrently } from './calls';
import { CONSISTENCY_DELAY, secondsText } from './clock';
import { connect } from './connections';
import type { ConnectOutcome, Deletion } from './connections';
import { ProbeStopped } from './errors';
import { readEvents, settleFleetEvents } from './fleet-events';
import { refusalText } from './experiment-context';
import type { ExperimentContext } from './experiment-context';
import { isEnded, isLive } from './observer';
import type { Connection } from './observer';
import { measureRateLimit } from './rate-limit';
import { connectWithAuthorization, useAuthorizationAgain } from './use-of-authorization';
import type { ActiveConnection, ReuseResult } from './use-of-authorization';
import { watchRemoval, watchWrites } from './vpc-writes';
import type { VpcWrites } from './vpc-writes';

/*
 * The experiments. Some need the result of an earlier one. Each peering operation has its own rate limit, so experiments that use different
 * operations run at the same time.
 */

/** @param concurrentTask runs during the first experiments */
export async function runExperiments(
  context: ExperimentContext,
  stop: AbortController,
  concurrentTask: Promise<void>,
): Promise<VpcWrites> {
  const { calls, findings, readBack, print } = context;
  const startedAt = calls.now();
  print('measuring the rate limit, and connecting without an authorization');
  const eventsBefore = readEvents(context, startedAt);
  const unauthorizedOutcome = connectWithoutAuthorization(context);
  await runConcurrently(stop, [eventsBefore, unauthorizedOutcome, measureRateLimit(context), concurrentTask]);
  print('authorizing twice');
  await authorizeTwice(context);
  print('connecting');
  const firstOutcome = await connectWithAuthorization(context);
  settleMissingAuthorization(context, await unauthorizedOutcome);
  const networkChanges = watchWrites(context);
  const isListed = isAuthorizationListed(context);
  await runConcurrently(stop, [networkChanges, isListed]);
  settleConnectionIds(context, firstOutcome, await context.observer.ec2Peerings());
  const reuse = await useAuthorizationAgain(context, firstOutcome.connection);
  settleUsedAuthorizations(context, reuse, await isListed);
  settleDeletions(context, reuse.deletions);
  print('checking what is left of the connection');
  await calls.sleep(CONSISTENCY_DELAY);
  await settleEndedConnections(context, reuse.lastConnection);
  settleFleetEvents(context, await eventsBefore, await readEvents(context, startedAt));
  readBack.settle(findings);
  return { written: await networkChanges, leftBehind: await watchRemoval(context) };
}

async function connectWithoutAuthorization(context: ExperimentContext): Promise<ConnectOutcome> {
  await cancelAbsentAuthorization(context);
  const outcome = await connect(context);
  if (outcome.kind === 'active' || outcome.kind === 'pending') {
    const status = outcome.kind === 'active' ? 'active' : outcome.status;
    const result = `Without an authorization, GameLift accepted the connection, which is now ${status}`;
    context.findings.leaveOpen('missingAuthorization', `${result}. This fits no reading`);
    throw new ProbeStopped(`${result}. The other experiments need a VPC for which only the probe creates authorizations.`);
  }
  return outcome;
}

/** Call it after the same request has succeeded with an authorization: this proves that the first request lacked only the authorization. */
function settleMissingAuthorization({ findings }: ExperimentContext, unauthorized: ConnectOutcome): void {
  const confirmation = 'The same request succeeded with an authorization';
  if (unauthorized.kind === 'refused') {
    const evidence = `CreateVpcPeeringConnection without an authorization returned ${refusalText(unauthorized)}. ${confirmation}`;
    findings.settleByName('missingAuthorization', unauthorized.name, evidence);
  } else if (unauthorized.kind === 'failed') {
    const evidence = `CreateVpcPeeringConnection without an authorization was accepted, then: ${unauthorized.reason}. ${confirmation}`;
    findings.settle('missingAuthorization', 'accepted, then fails', evidence);
  }
}

function settleConnectionIds(
  { findings }: ExperimentContext,
  { connection, duration }: ActiveConnection,
  peerings: readonly Connection[],
): void {
  const livePeerings = peerings.filter(isLive);
  const evidence = `The connection was active after ${secondsText(duration)}. GameLift lists it as ${connection.id}, EC2 as ${livePeerings.map(({ id }) => id).join(', ')}`;
  if (livePeerings.some(({ id }) => id === connection.id)) {
    findings.settle('connectionIds', 'id of EC2', evidence);
  } else if (livePeerings.length === 1) {
    findings.settle('connectionIds', 'id of GameLift', evidence);
  } else {
    findings.leaveOpen('connectionIds', `EC2 shows ${livePeerings.length} peerings of the VPC, so the ids can't be compared`);
  }
}

/**
 * Reads twice, and returns what the second read shows. The first result may be out of date. The second read waits for the rate limit, until 20
 * seconds after the connection became active, so its result is up to date.
 */
async function isAuthorizationListed(context: ExperimentContext): Promise<boolean> {
  await context.calls.sleep(CONSISTENCY_DELAY - CALL_INTERVAL);
  await findAuthorization(context);
  return (await findAuthorization(context)) !== undefined;
}

function settleUsedAuthorizations({ findings }: ExperimentContext, { validAfterCreation }: ReuseResult, isListed: boolean): void {
  const reading = isListed ? 'listed' : 'not listed';
  const evidence = `After a connection was created, DescribeVpcPeeringAuthorizations ${isListed ? 'still lists' : 'no longer lists'} its authorization`;
  switch (validAfterCreation) {
    case 'yes':
      findings.settle('usedAuthorizations', reading, `${evidence}, which was still valid`);
      break;
    case 'no':
      findings.leaveOpen(
        'usedAuthorizations',
        `${evidence}. The use consumed it, so the probe cannot tell whether GameLift lists used authorizations that are still valid`,
      );
      break;
    case 'unknown':
      findings.leaveOpen('usedAuthorizations', `${evidence}. It is unknown whether it was still valid`);
  }
}

function settleDeletions({ findings }: ExperimentContext, deletions: readonly Deletion[]): void {
  const delays = deletions.map(({ endDelay }) => secondsText(endDelay)).join(' and ');
  const evidence = `The deleted connections had ended when the probe looked, ${delays} after DeleteVpcPeeringConnection returned`;
  if (deletions.some(({ wasSeenDeleting }) => wasSeenDeleting)) {
    findings.settle(
      'deletingConnections',
      'deleting for a while',
      `${evidence}. Before that, at least one had the status deleting`,
    );
  } else if (deletions.some(({ hadEndedAtFirstObservation }) => hadEndedAtFirstObservation)) {
    findings.settle('deletingConnections', 'done on return', `${evidence}. At least one had ended when the probe first looked`);
  } else {
    findings.leaveOpen(
      'deletingConnections',
      `${evidence}. None had the status deleting. The deletion may be slow, or the reads were late`,
    );
  }
}

async function settleEndedConnections({ findings, observer }: ExperimentContext, { id }: Connection): Promise<void> {
  const endedConnection = (await observer.gameLiftConnections()).find((connection) => connection.id === id);
  if (endedConnection === undefined) {
    findings.settle(
      'endedConnections',
      'not listed',
      `GameLift does not list the connection ${secondsText(CONSISTENCY_DELAY)} after its end`,
    );
  } else if (isEnded(endedConnection)) {
    findings.settle(
      'endedConnections',
      'listed for hours',
      `GameLift lists the connection as ${endedConnection.status} ${secondsText(CONSISTENCY_DELAY)} after its end`,
    );
  } else {
    findings.leaveOpen('endedConnections', `GameLift lists the connection as ${endedConnection.status} after its end`);
  }
}

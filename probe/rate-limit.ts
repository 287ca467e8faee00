import type { DescribeVpcPeeringAuthorizationsOutput } from '@aws-sdk/client-gamelift';
import type { Attempt } from './calls';
import { SECOND, seconds } from './clock';
import type { ExperimentContext } from './experiment-context';
import { ProbeStopped } from './errors';

/*
 * Finds out what GameLift does with calls above the rate limit. It calls DescribeVpcPeeringAuthorizations, which changes nothing.
 *
 * Ten seconds after an accepted call, the next one is allowed. If throttled calls count against the limit, the ten seconds begin again with a
 * throttled call. So the probe makes three calls: one that is accepted, one 8.5 seconds later, which is throttled, and one 12.5 seconds after
 * the first. If the third call is throttled too, throttled calls count.
 */

const TOO_EARLY = 8.5 * SECOND;
const IN_TIME = 12.5 * SECOND;

const LIMIT = 10 * SECOND;
/** A round counts only if it ends at least this long before the limit. */
const MARGIN = 0.5 * SECOND;

const ROUNDS = 5;

type AuthorizationsAttempt = Attempt<DescribeVpcPeeringAuthorizationsOutput>;

async function callOnce({ calls, api }: ExperimentContext): Promise<AuthorizationsAttempt> {
  const result = await calls.attempt(api.authorizations());
  if (result.kind === 'refused') {
    throw new ProbeStopped(`gamelift:DescribeVpcPeeringAuthorizations failed: ${result.name}: ${result.message}`);
  }
  return result;
}

/** Calls until a call is accepted. Pauses before each call for so long that it is allowed under both readings. */
async function callUntilAccepted(context: ExperimentContext): Promise<AuthorizationsAttempt | undefined> {
  await context.calls.call(context.api.authorizations());
  for (let round = 1; round <= ROUNDS; round += 1) {
    await context.calls.sleep(IN_TIME);
    const result = await callOnce(context);
    if (result.kind === 'succeeded') {
      return result;
    }
  }
  return undefined;
}

export async function measureRateLimit(context: ExperimentContext): Promise<void> {
  await findThrottlingError(context);
  await findCostOfThrottledCalls(context);
}

async function findThrottlingError(context: ExperimentContext): Promise<void> {
  const { calls, api, findings } = context;
  await calls.call(api.authorizations());
  for (let round = 1; round <= ROUNDS; round += 1) {
    const result = await callOnce(context);
    if (result.kind === 'throttled') {
      const pause = seconds(result.returnedAt - result.sentAt);
      const evidence = `The second of two calls in a row of DescribeVpcPeeringAuthorizations returned ${result.name} after ${pause}`;
      findings.settleByName('throttlingError', result.name, evidence);
      return;
    }
  }
  findings.leaveOpen('throttlingError', `${ROUNDS + 1} calls in a row of DescribeVpcPeeringAuthorizations were all accepted`);
}

async function findCostOfThrottledCalls(context: ExperimentContext): Promise<void> {
  const { calls, findings } = context;
  let earlyAccepted = 0;
  let throttledTwice = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const first = await callUntilAccepted(context);
    if (first === undefined) {
      break;
    }
    await calls.sleepUntil(first.returnedAt + TOO_EARLY);
    const second = await callOnce(context);
    if (second.kind === 'succeeded') {
      earlyAccepted += second.returnedAt - first.sentAt < LIMIT - MARGIN ? 1 : 0;
      continue;
    }
    await calls.sleepUntil(first.returnedAt + IN_TIME);
    const third = await callOnce(context);
    const times = `A call ${seconds(second.sentAt - first.returnedAt)} after an accepted one was throttled, and one ${seconds(third.sentAt - first.returnedAt)} after it`;
    if (third.kind === 'succeeded') {
      findings.settle(
        'throttledCalls',
        'free',
        `${times} was accepted (${seconds(third.sentAt - second.sentAt)} after the throttled one)`,
      );
      return;
    }
    throttledTwice += third.returnedAt - second.sentAt < LIMIT - MARGIN ? 1 : 0;
    if (throttledTwice === 2) {
      const evidence = `${times} was throttled too, ${seconds(third.sentAt - second.sentAt)} after the first throttled one. This happened twice`;
      findings.settle(
        'throttledCalls',
        'counted',
        `${evidence}. Calls ${seconds(IN_TIME)} after the last throttled one were accepted`,
      );
      return;
    }
  }
  findings.leaveOpen(
    'throttledCalls',
    earlyAccepted > 0
      ? `A call less than ten seconds after another was accepted, so the limit is not the documented one`
      : `The results fit neither reading: other callers may use the rate limit, or responses were too slow`,
  );
}

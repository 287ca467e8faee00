import type { DescribeVpcPeeringAuthorizationsOutput } from '@aws-sdk/client-gamelift';
import type { Attempt } from './calls';
import { SECOND, secondsText } from './clock';
import type { ExperimentContext } from './experiment-context';
import { ProbeStopped } from './errors';

/*
 * Finds out what GameLift does with calls above the rate limit. It calls DescribeVpcPeeringAuthorizations, which changes nothing.
 *
 * GameLift allows the next call ten seconds after an accepted call. If throttled calls count against the limit, each throttled call makes the
 * ten seconds begin again. So the probe makes three calls. The first is accepted. The second, 8.5 seconds later, is throttled. The third is
 * 12.5 seconds after the first. If the third call is throttled too, throttled calls count.
 */

/** From the first call to the second. */
const TOO_EARLY_DELAY = 8.5 * SECOND;
/** From the first call to the third. */
const ALLOWED_DELAY = 12.5 * SECOND;

/** The documented limit is one call in this time. */
const LIMIT_INTERVAL = 10 * SECOND;
/** A call counts as too early only if its response arrives at least this long before the limit would allow the call. */
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

/** Calls until GameLift accepts a call. Pauses before each call for so long that the limit allows the call under both readings. */
async function callUntilAccepted(context: ExperimentContext): Promise<AuthorizationsAttempt | undefined> {
  await context.calls.call(context.api.authorizations());
  for (let round = 1; round <= ROUNDS; round += 1) {
    await context.calls.sleep(ALLOWED_DELAY);
    const result = await callOnce(context);
    if (result.kind === 'succeeded') {
      return result;
    }
  }
  return undefined;
}

/** Finds the name of the throttling error, and whether throttled calls count against the limit. */
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
      const duration = secondsText(result.returnedAt - result.sentAt);
      const evidence = `The second of two calls in a row of DescribeVpcPeeringAuthorizations returned ${result.name} after ${duration}`;
      findings.settleByName('throttlingError', result.name, evidence);
      return;
    }
  }
  findings.leaveOpen('throttlingError', `${ROUNDS + 1} calls in a row of DescribeVpcPeeringAuthorizations were all accepted`);
}

async function findCostOfThrottledCalls(context: ExperimentContext): Promise<void> {
  const { calls, findings } = context;
  /** In how many rounds the second call was accepted, and certainly sent too early for the documented limit. */
  let acceptedTooEarlyCount = 0;
  /** In how many rounds the third call was throttled too, certainly less than ten seconds after the second. */
  let bothThrottledCount = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const first = await callUntilAccepted(context);
    if (first === undefined) {
      break;
    }
    await calls.sleepUntil(first.returnedAt + TOO_EARLY_DELAY);
    const second = await callOnce(context);
    if (second.kind === 'succeeded') {
      acceptedTooEarlyCount += second.returnedAt - first.sentAt < LIMIT_INTERVAL - MARGIN ? 1 : 0;
      continue;
    }
    await calls.sleepUntil(first.returnedAt + ALLOWED_DELAY);
    const third = await callOnce(context);
    const secondDelay = secondsText(second.sentAt - first.returnedAt);
    const thirdDelay = secondsText(third.sentAt - first.returnedAt);
    const delayAfterThrottling = secondsText(third.sentAt - second.sentAt);
    const times = `A call was accepted. A second one, ${secondDelay} later, was throttled. A third one, ${thirdDelay} after the first,`;
    if (third.kind === 'succeeded') {
      findings.settle('throttledCalls', 'not counted', `${times} was accepted (${delayAfterThrottling} after the throttled one)`);
      return;
    }
    bothThrottledCount += third.returnedAt - second.sentAt < LIMIT_INTERVAL - MARGIN ? 1 : 0;
    // once is not enough, because another caller may have used the rate limit
    if (bothThrottledCount === 2) {
      const evidence = `${times} was throttled too, ${delayAfterThrottling} after the second. This happened twice`;
      findings.settle(
        'throttledCalls',
        'counted',
        `${evidence}. Calls ${secondsText(ALLOWED_DELAY)} after the last throttled one were accepted`,
      );
      return;
    }
  }
  findings.leaveOpen(
    'throttledCalls',
    acceptedTooEarlyCount > 0
      ? `A call less than ten seconds after another was accepted, so the limit is not the documented one`
      : `The results fit neither reading: other callers may use the rate limit, or responses were too slow`,
  );
}

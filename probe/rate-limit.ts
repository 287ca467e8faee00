import type { DescribeVpcPeeringAuthorizationsOutput } from '@aws-sdk/client-gamelift';
import type { Attempt } from './calls';
import { SECOND, seconds } from './clock';
import type { ExperimentContext } from './experiment-context';
import { ProbeStopped } from './errors';

/*
 * Measures what happens above the rate limit, with DescribeVpcPeeringAuthorizations, which changes nothing.
 *
 * A call is allowed ten seconds after the last one. If throttled calls count, it is allowed ten seconds after the throttled call. So the probe
 * calls again 8.5 seconds after a call, which is throttled, and 12.5 seconds after it, which is four seconds after the throttled call.
 */

const TOO_EARLY = 8.5 * SECOND;
const IN_TIME = 12.5 * SECOND;

/** A round with slower responses proves nothing. */
const LIMIT = 10 * SECOND;
const MARGIN = 0.5 * SECOND;

const ROUNDS = 5;

type LimitedCall = Attempt<DescribeVpcPeeringAuthorizationsOutput>;

async function attempt({ calls, api }: ExperimentContext): Promise<LimitedCall> {
  const measured = await calls.attempt(api.authorizations());
  if (measured.kind === 'refused') {
    throw new ProbeStopped(`gamelift:DescribeVpcPeeringAuthorizations failed: ${measured.name}: ${measured.message}`);
  }
  return measured;
}

/** Calls until a call is not throttled, with a pause that is long enough under both readings. */
async function callUntilAccepted(context: ExperimentContext): Promise<LimitedCall | undefined> {
  await context.calls.call(context.api.authorizations());
  for (let round = 1; round <= ROUNDS; round += 1) {
    await context.calls.sleep(IN_TIME);
    const measured = await attempt(context);
    if (measured.kind === 'succeeded') {
      return measured;
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
    const measured = await attempt(context);
    if (measured.kind === 'throttled') {
      const pause = seconds(measured.returnedAt - measured.sentAt);
      const evidence = `The second of two calls in a row of DescribeVpcPeeringAuthorizations returned ${measured.name} after ${pause}`;
      findings.settleByName('throttlingError', measured.name, evidence);
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
    const second = await attempt(context);
    if (second.kind === 'succeeded') {
      earlyAccepted += second.returnedAt - first.sentAt < LIMIT - MARGIN ? 1 : 0;
      continue;
    }
    await calls.sleepUntil(first.returnedAt + IN_TIME);
    const third = await attempt(context);
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
      ? `A call less than ten seconds after another was accepted, so the limit is not what is documented`
      : `The results fit neither reading: other callers may use the rate limit, or responses were too slow`,
  );
}

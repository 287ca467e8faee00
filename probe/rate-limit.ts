import type { DescribeVpcPeeringAuthorizationsOutput } from '@aws-sdk/client-gamelift';
import type { Attempt } from './calls';
import { SECOND, seconds } from './clock';
import type { Lab } from './lab';
import { ProbeStopped } from './errors';

/*
 * What happens above the rate limit, measured with DescribeVpcPeeringAuthorizations, which changes nothing.
 *
 * A token is back ten seconds after it was used. If a throttled call costs a token, the next one is back ten seconds after the
 * throttled call. So the probe calls, is throttled 8.5 seconds later, and calls again 12.5 seconds after the first call: four
 * seconds after the throttled one.
 */

const TOO_EARLY = 8.5 * SECOND;
const IN_TIME = 12.5 * SECOND;

/** If answers take longer than these bounds, a round proves nothing. */
const TOKEN = 10 * SECOND;
const MARGIN = 0.5 * SECOND;

const ROUNDS = 5;

type Measured = Attempt<DescribeVpcPeeringAuthorizationsOutput>;

async function attempt({ calls, api }: Lab): Promise<Measured> {
  const measured = await calls.attempt(api.authorizations());
  if (measured.kind === 'refused') {
    throw new ProbeStopped(`gamelift:DescribeVpcPeeringAuthorizations failed: ${measured.name}: ${measured.message}`);
  }
  return measured;
}

/** Calls until the rate limit allows it, with the pause that is enough under each reading. */
async function accepted(lab: Lab): Promise<Measured | undefined> {
  await lab.calls.ask(lab.api.authorizations());
  for (let round = 1; round <= ROUNDS; round += 1) {
    await lab.calls.sleep(IN_TIME);
    const measured = await attempt(lab);
    if (measured.kind === 'answered') {
      return measured;
    }
  }
  return undefined;
}

export async function measureRateLimit(lab: Lab): Promise<void> {
  await findThrottlingError(lab);
  await findCostOfThrottledCalls(lab);
}

async function findThrottlingError(lab: Lab): Promise<void> {
  const { calls, api, findings } = lab;
  await calls.ask(api.authorizations());
  for (let round = 1; round <= ROUNDS; round += 1) {
    const measured = await attempt(lab);
    if (measured.kind === 'throttled') {
      const pause = seconds(measured.at - measured.sent);
      const evidence = `The second of two calls in a row of DescribeVpcPeeringAuthorizations answered ${measured.name} after ${pause}`;
      findings.settleByName('throttlingError', measured.name, evidence);
      return;
    }
  }
  findings.leaveOpen('throttlingError', `${ROUNDS + 1} calls in a row of DescribeVpcPeeringAuthorizations were all accepted`);
}

async function findCostOfThrottledCalls(lab: Lab): Promise<void> {
  const { calls, findings } = lab;
  let early = 0;
  let throttledTwice = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const first = await accepted(lab);
    if (first === undefined) {
      break;
    }
    await calls.sleepUntil(first.at + TOO_EARLY);
    const second = await attempt(lab);
    if (second.kind === 'answered') {
      early += second.at - first.sent < TOKEN - MARGIN ? 1 : 0;
      continue;
    }
    await calls.sleepUntil(first.at + IN_TIME);
    const third = await attempt(lab);
    const times = `A call ${seconds(second.sent - first.at)} after an accepted one was throttled, and one ${seconds(third.sent - first.at)} after it`;
    if (third.kind === 'answered') {
      findings.settle(
        'throttledCalls',
        'free',
        `${times} was accepted (${seconds(third.sent - second.sent)} after the throttled one)`,
      );
      return;
    }
    throttledTwice += third.at - second.sent < TOKEN - MARGIN ? 1 : 0;
    if (throttledTwice === 2) {
      const evidence = `${times} was throttled too, ${seconds(third.sent - second.sent)} after the first throttled one. So it was twice`;
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
    early > 0
      ? `A call less than ten seconds after another was accepted, so the limit is not what is documented`
      : `The answers did not fit either reading: other callers may use the rate limit, or answers took too long`,
  );
}

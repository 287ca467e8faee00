import { CONNECTION_BUDGET_SECONDS, CONNECTION_LANES } from '../../lib/contract';
import { Calls } from '../../lambda/calls';
import { numbersOf } from './late-aws';
import { VirtualTime } from './virtual-time';
import { awsError } from './world';

const TOKEN = 10_000;

/** Seconds until as many callers as contend in one stack have all been let through. */
async function secondsOfContention(throttlingCosts: boolean, seed: number): Promise<number> {
  const time = new VirtualTime();
  const random = numbersOf(seed);
  const started = time.now();
  let last = 0;
  const call = (): Promise<void> => {
    const isThrottled = time.now() - last < TOKEN;
    if (!isThrottled || throttlingCosts) {
      last = time.now();
    }
    return isThrottled ? Promise.reject(awsError('ThrottlingException')) : Promise.resolve();
  };
  const log = { info: () => undefined, error: () => undefined };
  const ownTime = {
    now: () => time.now(),
    jitter: random,
    sleep: (...args: Parameters<VirtualTime['sleep']>) => time.sleep(...args),
  };
  const callers = Array.from({ length: CONNECTION_LANES }, async () => {
    await time.sleep(1000 * random(), new AbortController().signal);
    await new Calls(ownTime, log, new AbortController().signal).make('CreateVpcPeeringConnection', call);
  });
  await Promise.all(callers);
  return (time.now() - started) / 1000;
}

describe.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('callers that share a rate limit, by seed %i', (seed) => {
  test('are let through as fast as the limit allows', async () => {
    expect(await secondsOfContention(false, seed)).toBeLessThan(CONNECTION_LANES * 12);
  });

  test('are all let through in time where a throttled call makes the wait begin anew', async () => {
    expect(await secondsOfContention(true, seed)).toBeLessThan(CONNECTION_BUDGET_SECONDS - 120);
  });
});

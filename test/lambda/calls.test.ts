import { CONNECTION_BUDGET_SECONDS, MAX_CONCURRENT_CONNECTIONS } from '../../lib/contract';
import { Calls } from '../../lambda/aws/calls';
import { numbersOf } from './late-aws';
import { VirtualTime } from './virtual-time';
import { awsError, recordingLog } from './world';

const TOKEN = 10_000;

/** The number of connections in one stack that all succeed in time even if throttled calls consume rate tokens. */
const CALLERS_WHERE_THROTTLING_COSTS = 10;

/** Seconds until all callers have succeeded. */
async function secondsOfContention(count: number, throttlingCosts: boolean, seed: number): Promise<number> {
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
  const log = recordingLog();
  const ownTime = {
    now: () => time.now(),
    jitter: random,
    sleep: (...args: Parameters<VirtualTime['sleep']>) => time.sleep(...args),
  };
  const callers = Array.from({ length: count }, async () => {
    await time.sleep(1000 * random(), new AbortController().signal);
    await new Calls(ownTime, log, new AbortController().signal).make('CreateVpcPeeringConnection', call);
  });
  await Promise.all(callers);
  return (time.now() - started) / 1000;
}

describe.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('callers that share a rate limit, by seed %i', (seed) => {
  test('all succeed within one and a half times the minimum that the rate limit allows', async () => {
    expect(await secondsOfContention(MAX_CONCURRENT_CONNECTIONS, false, seed)).toBeLessThan(MAX_CONCURRENT_CONNECTIONS * 15);
  });

  test('all succeed in time even if throttled calls consume rate tokens', async () => {
    expect(await secondsOfContention(CALLERS_WHERE_THROTTLING_COSTS, true, seed)).toBeLessThan(CONNECTION_BUDGET_SECONDS - 120);
  });
});

test.each([
  ['CreateVpcPeeringConnection', ' (GameLift allows one call in ten seconds of each peering operation for the whole account)'],
  ['DescribeVpcPeeringConnections of EC2', ''],
  ['DescribeRouteTables', ''],
])('%s that is throttled until the time is up: states the limit of GameLift only if it applies', async (operation, limit) => {
  const time = new VirtualTime();
  const timeUp = new AbortController();
  void time.sleep(60_000, new AbortController().signal).then(() => {
    timeUp.abort(new Error('the time is up'));
  });
  const call = new Calls(time, recordingLog(), timeUp.signal).make(operation, () =>
    Promise.reject(awsError('ThrottlingException')),
  );
  await expect(call).rejects.toThrow(
    `${operation} was still throttled after 60 seconds${limit}. Other callers in this account use the same operation: try again when ` +
      'they have finished',
  );
});

import { randomNumbers } from 'rehearsal';
import { rehearsedTime } from 'rehearsal/in-process';
import { Calls, MAX_CHECK_AGE_MILLISECONDS } from '../../lambda/aws/calls';
import { Problem } from '../../lambda/problem';
import { MAX_CONCURRENT_CONNECTIONS } from '../../lib/contract';
import { awsError, recordingLog } from './world';

const RATE_LIMIT_MILLISECONDS = 10_000;

/** Returns how many seconds it takes until all callers that share a rate limit have succeeded. */
async function secondsUntilAllSucceed(count: number, areThrottledCallsCounted: boolean, seed: number): Promise<number> {
  const random = randomNumbers(seed);
  const time = rehearsedTime(undefined, random);
  const started = time.now();
  let lastCallAt = 0;
  const call = (): Promise<void> => {
    const isThrottled = time.now() - lastCallAt < RATE_LIMIT_MILLISECONDS;
    if (!isThrottled || areThrottledCallsCounted) {
      lastCallAt = time.now();
    }
    return isThrottled ? Promise.reject(awsError('ThrottlingException')) : Promise.resolve();
  };
  const log = recordingLog();
  const callers = Array.from({ length: count }, async () => {
    await time.sleep(1000 * random(), new AbortController().signal);
    await new Calls(time, log, new AbortController().signal).make('CreateVpcPeeringConnection', call);
  });
  await Promise.all(callers);
  return (time.now() - started) / 1000;
}

describe.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('callers that share a rate limit, by seed %i', (seed) => {
  test.each([
    ['throttled calls do not count', false, 1.1],
    ['each throttled call makes GameLift throttle for another ten seconds', true, 1.2],
  ])('all succeed in little more than the shortest possible time if %s', async (_, areThrottledCallsCounted, maxRatio) => {
    const minimumSeconds = 10 * MAX_CONCURRENT_CONNECTIONS;
    expect(await secondsUntilAllSucceed(MAX_CONCURRENT_CONNECTIONS, areThrottledCallsCounted, seed)).toBeLessThan(
      maxRatio * minimumSeconds,
    );
  });
});

describe('a check before each attempt', () => {
  /** Makes a call that is throttled a few times. Returns the times of its checks and attempts, in milliseconds from the start. */
  async function runWithChecks(
    throttles: number,
    checkSeconds: readonly number[] = [],
  ): Promise<{ checks: number[]; attempts: number[] }> {
    const time = rehearsedTime();
    const started = time.now();
    const [checks, attempts]: [number[], number[]] = [[], []];
    const { signal } = new AbortController();
    const call = (): Promise<void> => {
      attempts.push(time.now() - started);
      return attempts.length > throttles ? Promise.resolve() : Promise.reject(awsError('ThrottlingException'));
    };
    const check = async (): Promise<void> => {
      const seconds = checkSeconds[checks.length] ?? 0;
      checks.push(time.now() - started);
      await time.sleep(1000 * seconds, signal);
    };
    await new Calls(time, recordingLog(), signal).make('CreateVpcPeeringConnection', call, { check });
    return { checks, attempts };
  }

  test('is never older than a delete assumes', async () => {
    const { checks, attempts } = await runWithChecks(5);
    expect(attempts).toHaveLength(6);
    expect(checks).toHaveLength(6);
    attempts.forEach((attempt, index) => {
      expect(attempt - (checks[index] ?? 0)).toBeGreaterThanOrEqual(0);
      expect(attempt - (checks[index] ?? 0)).toBeLessThanOrEqual(MAX_CHECK_AGE_MILLISECONDS);
    });
  });

  test('is repeated before the attempt if it took too long', async () => {
    const { checks, attempts } = await runWithChecks(1, [0, 8]);
    expect(checks).toHaveLength(3);
    expect(attempts).toHaveLength(2);
    expect((attempts[1] ?? 0) - (checks[2] ?? 0)).toBeLessThanOrEqual(MAX_CHECK_AGE_MILLISECONDS);
  });

  test('makes no call if it fails', async () => {
    const call = jest.fn();
    const check = (): Promise<void> => Promise.reject(new Problem('the claim was removed', 'deploy again'));
    const calls = new Calls(rehearsedTime(), recordingLog(), new AbortController().signal);
    await expect(calls.make('CreateVpcPeeringConnection', call, { check })).rejects.toThrow('the claim was removed');
    expect(call).not.toHaveBeenCalled();
  });
});

test.each([
  ['CreateVpcPeeringConnection', ' (GameLift allows one call in ten seconds of each peering operation for the whole account)'],
  ['DescribeVpcPeeringConnections of EC2', ''],
  ['ModifyVpcPeeringConnectionOptions', ''],
  ['DescribeRouteTables', ''],
])(
  "a call of %s that is throttled until the time is up fails, and the error names GameLift's rate limit only if it applies",
  async (operation, rateLimit) => {
    const time = rehearsedTime();
    const timeUp = new AbortController();
    void time.sleep(60_000, new AbortController().signal).then(() => {
      timeUp.abort(new Error('the time is up'));
    });
    const call = new Calls(time, recordingLog(), timeUp.signal).make(operation, () =>
      Promise.reject(awsError('ThrottlingException')),
    );
    await expect(call).rejects.toThrow(
      `${operation} was still throttled after 60 seconds${rateLimit}. Other callers in this account use the same operation: try again when ` +
        'they have finished',
    );
  },
);

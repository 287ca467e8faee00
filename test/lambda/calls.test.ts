import { randomNumbers } from 'rehearsal';
import { rehearsedTime } from 'rehearsal/in-process';
import { Calls, MAX_CHECK_AGE_MILLISECONDS } from '../../lambda/aws/calls';
import { Problem } from '../../lambda/problem';
import { MAX_CONCURRENT_CONNECTIONS } from '../../lib/contract';
import { awsError, recordingLog } from './world';

const RATE_LIMIT_MILLISECONDS = 10_000;

/** Returns how many seconds it takes until all callers that share a rate limit have succeeded. */
async function secondsUntilAllSucceed(callerCount: number, areThrottledCallsCounted: boolean, seed: number): Promise<number> {
  const random = randomNumbers(seed);
  const time = rehearsedTime(undefined, random);
  const startedAt = time.now();
  let lastCallAt = 0;
  const call = (): Promise<void> => {
    const isThrottled = time.now() - lastCallAt < RATE_LIMIT_MILLISECONDS;
    if (!isThrottled || areThrottledCallsCounted) {
      lastCallAt = time.now();
    }
    return isThrottled ? Promise.reject(awsError('ThrottlingException')) : Promise.resolve();
  };
  const log = recordingLog();
  const callers = Array.from({ length: callerCount }, async () => {
    await time.sleep(1000 * random(), new AbortController().signal);
    await new Calls(time, log, new AbortController().signal).make('CreateVpcPeeringConnection', call);
  });
  await Promise.all(callers);
  return (time.now() - startedAt) / 1000;
}

describe.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('callers that share a rate limit, with random seed %i', (seed) => {
  test.each([
    ['throttled calls do not count against the rate limit', false, 1.1],
    ['each throttled call makes GameLift throttle for another ten seconds', true, 1.2],
  ])('all succeed in little more than the shortest possible time if %s', async (_, areThrottledCallsCounted, maxRatio) => {
    const minimumSeconds = 10 * MAX_CONCURRENT_CONNECTIONS;
    expect(await secondsUntilAllSucceed(MAX_CONCURRENT_CONNECTIONS, areThrottledCallsCounted, seed)).toBeLessThan(
      maxRatio * minimumSeconds,
    );
  });
});

describe('the check before each attempt of a call', () => {
  /**
   * Makes a call of which AWS throttles the first attempts. Returns when each check and each attempt started, in milliseconds from the start.
   *
   * @param throttledAttempts how many attempts AWS throttles
   * @param checkSeconds how long each check takes; nothing by default
   */
  async function makeCall({
    throttledAttempts,
    checkSeconds = [],
  }: {
    readonly throttledAttempts: number;
    readonly checkSeconds?: readonly number[];
  }): Promise<{ checkTimes: number[]; attemptTimes: number[] }> {
    const time = rehearsedTime();
    const startedAt = time.now();
    const [checkTimes, attemptTimes]: [number[], number[]] = [[], []];
    const { signal } = new AbortController();
    const call = (): Promise<void> => {
      attemptTimes.push(time.now() - startedAt);
      return attemptTimes.length > throttledAttempts ? Promise.resolve() : Promise.reject(awsError('ThrottlingException'));
    };
    const check = async (): Promise<void> => {
      const seconds = checkSeconds[checkTimes.length] ?? 0;
      checkTimes.push(time.now() - startedAt);
      await time.sleep(1000 * seconds, signal);
    };
    await new Calls(time, recordingLog(), signal).make('CreateVpcPeeringConnection', call, { check });
    return { checkTimes, attemptTimes };
  }

  test('starts at most MAX_CHECK_AGE_MILLISECONDS before the attempt', async () => {
    const { checkTimes, attemptTimes } = await makeCall({ throttledAttempts: 5 });
    expect(attemptTimes).toHaveLength(6);
    expect(checkTimes).toHaveLength(6);
    attemptTimes.forEach((attempt, index) => {
      expect(attempt - (checkTimes[index] ?? 0)).toBeGreaterThanOrEqual(0);
      expect(attempt - (checkTimes[index] ?? 0)).toBeLessThanOrEqual(MAX_CHECK_AGE_MILLISECONDS);
    });
  });

  test('runs again before the attempt if it took too long', async () => {
    const { checkTimes, attemptTimes } = await makeCall({ throttledAttempts: 1, checkSeconds: [0, 8] });
    expect(checkTimes).toHaveLength(3);
    expect(attemptTimes).toHaveLength(2);
    expect((attemptTimes[1] ?? 0) - (checkTimes[2] ?? 0)).toBeLessThanOrEqual(MAX_CHECK_AGE_MILLISECONDS);
  });

  test('prevents the call if it fails', async () => {
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
  "a call of %s fails if it is throttled until the time is up, and the error names GameLift's rate limit only for a peering operation of GameLift",
  async (operation, rateLimitText) => {
    const time = rehearsedTime();
    const timeUpController = new AbortController();
    void time.sleep(60_000, new AbortController().signal).then(() => {
      timeUpController.abort(new Error('the time is up'));
    });
    const call = new Calls(time, recordingLog(), timeUpController.signal).make(operation, () =>
      Promise.reject(awsError('ThrottlingException')),
    );
    await expect(call).rejects.toThrow(
      `${operation} was still throttled after 60 seconds${rateLimitText}. Other callers in this account use the same operation: try again when ` +
        'they have finished',
    );
  },
);

import { randomNumbers } from 'rehearsal';
import { rehearsedTime } from 'rehearsal/in-process';
import { Calls, MAX_CHECK_AGE_MILLISECONDS } from '../../lambda/aws/calls';
import { Problem } from '../../lambda/problem';
import type { Time } from '../../lambda/time';
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

test('callers that come later do not delay a caller much', async () => {
  const random = randomNumbers(1);
  const time = rehearsedTime(undefined, random);
  const { signal } = new AbortController();
  let lastSuccessAt = 0;
  let callerCount = 0;
  const waits: number[] = [];
  const runCaller = async (): Promise<void> => {
    callerCount += 1;
    const startedAt = time.now();
    await new Calls(time, recordingLog(), signal).make('CreateVpcPeeringConnection', () => {
      const isThrottled = time.now() - lastSuccessAt < RATE_LIMIT_MILLISECONDS;
      lastSuccessAt = isThrottled ? lastSuccessAt : time.now();
      return isThrottled ? Promise.reject(awsError('ThrottlingException')) : Promise.resolve();
    });
    waits.push((time.now() - startedAt) / 1000);
    if (callerCount < 200) {
      await time.sleep(45_000, signal);
      await runCaller();
    }
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENT_CONNECTIONS }, runCaller));
  expect(waits).toHaveLength(callerCount);
  expect(Math.max(...waits)).toBeLessThan(1.1 * 10 * MAX_CONCURRENT_CONNECTIONS);
});

describe('a call of a peering operation of GameLift', () => {
  /** The time between two rounds of throttled callers. */
  const ROUND_MILLISECONDS = 10_350;

  /**
   * Makes one call after the other. Returns when each attempt was made, in milliseconds after a round.
   *
   * @param startAt milliseconds from a round to the first attempt of the first call
   * @param callsToMake the operation of each call, and how many of its attempts AWS throttles before one succeeds
   */
  async function attemptTimes(
    startAt: number,
    callsToMake: readonly [operation: string, throttledAttempts: number][],
  ): Promise<number[]> {
    const time = rehearsedTime();
    const { signal } = new AbortController();
    await time.sleep(ROUND_MILLISECONDS - (time.now() % ROUND_MILLISECONDS), signal);
    const roundAt = time.now();
    await time.sleep(startAt, signal);
    const calls = new Calls(time, recordingLog(), signal);
    const times: number[] = [];
    for (const [operation, throttledAttempts] of callsToMake) {
      let attempts = 0;
      await calls.make(operation, () => {
        times.push(time.now() - roundAt);
        attempts += 1;
        return attempts > throttledAttempts ? Promise.resolve() : Promise.reject(awsError('ThrottlingException'));
      });
    }
    return times;
  }

  test.each([0, 1, 5_000, 9_999])('is made at once if it starts %i milliseconds after a round', async (startAt) => {
    expect(await attemptTimes(startAt, [['CreateVpcPeeringConnection', 0]])).toEqual([startAt]);
  });

  test.each([10_000, 10_100, 10_349])(
    'waits for the next round if it starts %i milliseconds after a round, so that it does not prevent the call of another caller',
    async (startAt) => {
      expect(await attemptTimes(startAt, [['CreateVpcPeeringConnection', 0]])).toEqual([ROUND_MILLISECONDS + 150]);
    },
  );

  test('waits for a round if GameLift has throttled an earlier call of the same request', async () => {
    const [first, second, ofOtherOperation] = await attemptTimes(5_000, [
      ['CreateVpcPeeringConnection', 1],
      ['DescribeVpcPeeringConnections', 0],
    ]);
    expect([first, second, ofOtherOperation]).toEqual([
      5_000,
      ROUND_MILLISECONDS + 150 - 2 * 2,
      2 * ROUND_MILLISECONDS + 150 - 2,
    ]);
  });

  test('is made at once if AWS has throttled only calls of other operations', async () => {
    const [first, second, ofGameLift] = await attemptTimes(0, [
      ['DescribeRouteTables', 1],
      ['DescribeVpcPeeringConnections', 0],
    ]);
    expect(first).toBe(0);
    expect(ofGameLift).toBe(second);
  });
});

describe('a throttled call of an operation that allows more calls', () => {
  test.each([
    ['smallest', 0, [500, 1_000, 2_000, 4_000, 4_000, 4_000]],
    ['largest', 1, [1_500, 3_000, 6_000, 12_000, 12_000, 12_000]],
  ])('is retried after pauses that double, with the %s random number', async (_, random, expectedPauses) => {
    const time = rehearsedTime(undefined, () => random);
    const times: number[] = [];
    await new Calls(time, recordingLog(), new AbortController().signal).make('ListTagsForResource', () => {
      times.push(time.now());
      return times.length > expectedPauses.length ? Promise.resolve() : Promise.reject(awsError('ThrottlingException'));
    });
    expect(times.slice(1).map((at, index) => at - (times[index] ?? 0))).toEqual(expectedPauses);
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
    // with the largest random number, each check starts as early as possible
    const time = rehearsedTime(undefined, () => 1);
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

  test('runs again before the first attempt if it took too long', async () => {
    const { checkTimes, attemptTimes } = await makeCall({ throttledAttempts: 0, checkSeconds: [18] });
    expect(checkTimes).toEqual([0, 18_000]);
    expect(attemptTimes).toEqual([18_000]);
  });

  test('runs again before a retry if it took too long', async () => {
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

/** The calls of a request whose time is up after a minute. */
function callsForOneMinute(time: Time): Calls {
  const timeUpController = new AbortController();
  void time.sleep(60_000, new AbortController().signal).then(() => {
    timeUpController.abort(new Error('the time is up'));
  });
  return new Calls(time, recordingLog(), timeUpController.signal);
}

test('a call that AWS denies until the time is up does not fail because of the rate limit, even if GameLift has throttled another call', async () => {
  const time = rehearsedTime();
  const calls = callsForOneMinute(time);
  let isThrottled = true;
  await calls.make('DescribeVpcPeeringConnections', () => {
    const result = isThrottled ? Promise.reject(awsError('ThrottlingException')) : Promise.resolve();
    isThrottled = false;
    return result;
  });
  await expect(calls.make('CreateVpcPeeringConnection', () => Promise.reject(awsError('AccessDeniedException')))).rejects.toThrow(
    'CreateVpcPeeringConnection was not finished when the time for this request was up',
  );
});

test('a call that has no response when the time is up may have had an effect, even if AWS throttled its earlier attempts', async () => {
  const time = rehearsedTime();
  const calls = callsForOneMinute(time);
  let attempts = 0;
  const call = calls.make('CreateVpcPeeringConnection', async (signal) => {
    attempts += 1;
    if (attempts === 1) {
      throw awsError('ThrottlingException');
    }
    await time.sleep(3_600_000, signal);
  });
  await expect(call).rejects.toThrow(
    'CreateVpcPeeringConnection was not finished when the time for this request was up, after 60 seconds. Try again',
  );
  expect(calls.attemptsWithUnknownEffect).toBe(1);
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
    const call = callsForOneMinute(time).make(operation, () => Promise.reject(awsError('ThrottlingException')));
    await expect(call).rejects.toThrow(
      `${operation} was still throttled after 60 seconds${rateLimitText}. Other callers in this account use the same operation: try again when ` +
        'they have finished',
    );
  },
);

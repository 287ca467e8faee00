import { setTimeout as realSleep } from 'node:timers/promises';
import { RehearsalClock, type IdleState } from '../src/time/clock';

const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let clock: RehearsalClock;

beforeEach(() => {
  clock = new RehearsalClock(START);
});
afterEach(() => {
  clock.close();
});

test('a month of sleep takes a short real time', async () => {
  await clock.sleep(30 * DAY);
  expect(clock.now() - START).toBe(30 * DAY);
});

test('a month of hourly wake-ups takes a short real time', async () => {
  for (let hour = 0; hour < 30 * 24; hour++) {
    await clock.sleep(HOUR);
  }
  expect(clock.now() - START).toBe(30 * DAY);
});

test('time stands still while work runs', async () => {
  const wakeUpTimes: number[] = [];
  void clock.sleep(1).then(() => wakeUpTimes.push(clock.now()));
  await clock.work(() => realSleep(50));
  expect(wakeUpTimes).toEqual([]);
  expect(clock.now()).toBe(START);
});

test('each read of the clock takes a microsecond of rehearsed time', () => {
  for (let reads = 0; reads < 2000; reads++) {
    clock.read();
  }
  expect(clock.now() - START).toBe(2);
});

test('time leaps while work sleeps, and stands still when the work continues', async () => {
  const times = await clock.work(async () => {
    await clock.sleep(60_000);
    const wakeUpTime = clock.now();
    void clock.sleep(60_000);
    return [wakeUpTime, clock.now()];
  });
  expect(times.map((time) => Math.round((time - START) / 1000))).toEqual([60, 60]);
});

test('time leaps once all nested work sleeps or has ended, even if the outer work does not call `wait`', async () => {
  await clock.work(async () => {
    await Promise.all([clock.work(() => clock.sleep(HOUR)), clock.work(() => realSleep(30))]);
    expect(clock.now() - START).toBe(HOUR);
  });
});

test('time leaps while work waits for other work with `wait`', async () => {
  const otherWork = clock.sleep(HOUR);
  await clock.work(() => clock.wait(otherWork));
  expect(clock.now() - START).toBe(HOUR);
});

test('sleepers with the same wake-up time wake in the order in which they fell asleep, and none is skipped', async () => {
  const order: string[] = [];
  const wakeAfter = (milliseconds: number, name: string) => clock.callAfter(milliseconds, () => order.push(name));
  wakeAfter(9000, 'late');
  wakeAfter(5000, 'first');
  wakeAfter(5000, 'second');
  wakeAfter(1000, 'early');
  await clock.sleep(10_000);
  expect(order).toEqual(['early', 'first', 'second', 'late']);
});

test('sleepers with the same wake-up time wake one at a time: the work of the first finishes before the next wakes', async () => {
  const order: string[] = [];
  const wakeAfterOneSecond = (name: string): void => {
    clock.callAfter(1000, () => {
      void clock.work(async () => {
        order.push(`${name} begins`);
        await realSleep(5);
        order.push(`${name} ends`);
      });
    });
  };
  wakeAfterOneSecond('first');
  wakeAfterOneSecond('second');
  await clock.sleep(2000);
  expect(order).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
});

test('a canceled timer does not fire, and an infinite sleep does not end', async () => {
  const wakeUps: string[] = [];
  const cancel = clock.callAfter(1000, () => wakeUps.push('canceled'));
  void clock.sleep(Infinity).then(() => wakeUps.push('infinite'));
  cancel();
  await clock.sleep(2000);
  expect(wakeUps).toEqual([]);
});

test('time stands still while a request is handled, until its response is sent', async () => {
  let sendResponse: () => void = () => undefined;
  const handling = clock.serve(
    () => Promise.resolve(),
    (onResponseSent) => (sendResponse = onResponseSent),
  );
  let hasWoken = false;
  const sleeper = clock.sleep(1000).then(() => (hasWoken = true));
  await realSleep(20);
  expect(hasWoken).toBe(false);
  sendResponse();
  await handling;
  await sleeper;
});

describe('a participant', () => {
  /** A thread that is idle after the test calls `becomeIdle`, and right after each wake-up unless `shouldWorkWhenWoken` is set. */
  class Thread {
    /** In milliseconds since the start. */
    readonly wakeUpTimes: number[] = [];
    shouldWorkWhenWoken = false;
    readonly firstWakeUp: Promise<void>;
    private resolveFirstWakeUp: () => void = () => undefined;
    private resolveIdle: (state: IdleState) => void = () => undefined;
    private idleState: IdleState | undefined;

    constructor() {
      this.firstWakeUp = new Promise((resolve) => (this.resolveFirstWakeUp = resolve));
    }

    waitUntilIdle(): Promise<IdleState> {
      return new Promise((resolve) => {
        this.resolveIdle = resolve;
        if (this.idleState) {
          resolve(this.idleState);
        }
      });
    }

    wake(): void {
      this.wakeUpTimes.push(clock.now() - START);
      this.resolveFirstWakeUp();
      this.idleState = undefined;
      if (!this.shouldWorkWhenWoken) {
        this.becomeIdle();
      }
    }

    becomeIdle({ nextWakeUp = Infinity, requestsInFlight = 0 }: Partial<IdleState> = {}): void {
      this.idleState = { nextWakeUp, requestsInFlight };
      this.resolveIdle(this.idleState);
    }
  }

  const WAKE_UP_MICROSECONDS = (START + HOUR) * 1000;

  test('lets time leap to its wake-up as soon as it is idle', async () => {
    const thread = new Thread();
    const leave = clock.join(thread);
    const sleeper = clock.sleep(3 * HOUR);
    await realSleep(20);
    expect(clock.now()).toBe(START);
    thread.becomeIdle({ nextWakeUp: WAKE_UP_MICROSECONDS });
    await sleeper;
    expect(thread.wakeUpTimes).toEqual([HOUR]);
    leave();
  });

  test('wakes only after another participant with the same wake-up time is idle again', async () => {
    const [first, second] = [new Thread(), new Thread()];
    const leaveFunctions = [first, second].map((thread) => clock.join(thread));
    first.shouldWorkWhenWoken = true;
    [first, second].forEach((thread) => {
      thread.becomeIdle({ nextWakeUp: WAKE_UP_MICROSECONDS });
    });
    const sleeper = clock.sleep(2 * HOUR);
    await first.firstWakeUp;
    await realSleep(5);
    expect([first.wakeUpTimes, second.wakeUpTimes]).toEqual([[HOUR], []]);
    first.becomeIdle();
    await sleeper;
    expect([first.wakeUpTimes, second.wakeUpTimes]).toEqual([[HOUR], [HOUR]]);
    leaveFunctions.forEach((leave) => {
      leave();
    });
  });

  test('keeps time from leaping while its request is on the way to a server', async () => {
    const thread = new Thread();
    const leave = clock.join(thread);
    thread.becomeIdle({ requestsInFlight: 1 });
    let hasWoken = false;
    const sleeper = clock.sleep(60_000).then(() => (hasWoken = true));
    await realSleep(20);
    expect(hasWoken).toBe(false);
    // the request has arrived, and the server works for two minutes
    let sendResponse: () => void = () => undefined;
    const server = clock.serve(
      () => clock.sleep(120_000),
      (onResponseSent) => (sendResponse = onResponseSent),
    );
    await sleeper;
    sendResponse();
    thread.becomeIdle();
    await server;
    leave();
  });
});

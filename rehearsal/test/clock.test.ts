import { setTimeout as realSleep } from 'node:timers/promises';
import { RehearsalClock, type IdleState } from '../src/time/clock';

const START = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
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
    await clock.sleep(3_600_000);
  }
  expect(clock.now() - START).toBe(30 * DAY);
});

test('time stands still while work runs', async () => {
  const woken: number[] = [];
  void clock.sleep(1).then(() => woken.push(clock.now()));
  await clock.work(() => realSleep(50));
  expect(woken).toEqual([]);
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
    const woken = clock.now();
    void clock.sleep(60_000);
    return [woken, clock.now()];
  });
  expect(times.map((time) => Math.round((time - START) / 1000))).toEqual([60, 60]);
});

test('time stands still for nested work, even if its parent does not wait for it', async () => {
  await clock.work(async () => {
    await Promise.all([clock.work(() => clock.sleep(3_600_000)), clock.work(() => realSleep(30))]);
    expect(clock.now() - START).toBe(3_600_000);
  });
});

test('time leaps even while work waits for other work', async () => {
  const otherWork = clock.sleep(3_600_000);
  await clock.work(() => clock.wait(otherWork));
  expect(clock.now() - START).toBe(3_600_000);
});

test('sleepers with the same wake-up time wake in the order in which they fell asleep, and none is skipped', async () => {
  const order: string[] = [];
  const wake = (name: string, after: number) => clock.callAfter(after, () => order.push(name));
  wake('late', 9000);
  wake('first', 5000);
  wake('second', 5000);
  wake('early', 1000);
  await clock.sleep(10_000);
  expect(order).toEqual(['early', 'first', 'second', 'late']);
});

test('sleepers with the same wake-up time wake one at a time: the work of the first finishes before the next wakes', async () => {
  const order: string[] = [];
  const wake = (name: string): void => {
    clock.callAfter(1000, () => {
      void clock.work(async () => {
        order.push(`${name} begins`);
        await realSleep(5);
        order.push(`${name} ends`);
      });
    });
  };
  wake('first');
  wake('second');
  await clock.sleep(2000);
  expect(order).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
});

test('a canceled timer does not fire, and an infinite sleep does not end', async () => {
  const woken: string[] = [];
  const cancel = clock.callAfter(1000, () => woken.push('canceled'));
  void clock.sleep(Infinity).then(() => woken.push('infinite'));
  cancel();
  await clock.sleep(2000);
  expect(woken).toEqual([]);
});

test('the handling of a request lasts until the response is sent', async () => {
  let sendResponse: () => void = () => undefined;
  const served = clock.serve(
    () => Promise.resolve(),
    (onResponseSent) => (sendResponse = onResponseSent),
  );
  let woken = false;
  const sleeper = clock.sleep(1000).then(() => (woken = true));
  await realSleep(20);
  expect(woken).toBe(false);
  sendResponse();
  await served;
  await sleeper;
});

describe('a participant', () => {
  /** Rests when the test calls `rest`, and again right after each wake-up unless `shouldWorkWhenWoken` is set. */
  class Thread {
    readonly wakeUps: number[] = [];
    shouldWorkWhenWoken = false;
    readonly woken: Promise<void>;
    private resolveWoken: () => void = () => undefined;
    private resolveRest: (rest: IdleState) => void = () => undefined;
    private currentRest: IdleState | undefined;

    constructor() {
      this.woken = new Promise((resolve) => (this.resolveWoken = resolve));
    }

    waitUntilIdle(): Promise<IdleState> {
      return new Promise((resolve) => {
        this.resolveRest = resolve;
        if (this.currentRest) {
          resolve(this.currentRest);
        }
      });
    }

    wake(): void {
      this.wakeUps.push(clock.now() - START);
      this.resolveWoken();
      this.currentRest = undefined;
      if (!this.shouldWorkWhenWoken) {
        this.rest();
      }
    }

    rest({ nextWakeUp = Infinity, requestsInFlight = 0 }: Partial<IdleState> = {}): void {
      this.currentRest = { nextWakeUp, requestsInFlight };
      this.resolveRest(this.currentRest);
    }
  }

  const hour = 3_600_000;

  test('lets time leap to its wake-up as soon as it rests', async () => {
    const thread = new Thread();
    const leave = clock.join(thread);
    const sleeper = clock.sleep(3 * hour);
    await realSleep(20);
    expect(clock.now()).toBe(START);
    thread.rest({ nextWakeUp: (START + hour) * 1000 });
    await sleeper;
    expect(thread.wakeUps).toEqual([hour]);
    leave();
  });

  test('wakes after another participant with the same wake-up time rests again', async () => {
    const [first, second] = [new Thread(), new Thread()];
    const leaveFunctions = [first, second].map((thread) => clock.join(thread));
    first.shouldWorkWhenWoken = true;
    [first, second].forEach((thread) => {
      thread.rest({ nextWakeUp: (START + hour) * 1000 });
    });
    const sleeper = clock.sleep(2 * hour);
    await first.woken;
    await realSleep(5);
    expect([first.wakeUps, second.wakeUps]).toEqual([[hour], []]);
    first.rest();
    await sleeper;
    expect([first.wakeUps, second.wakeUps]).toEqual([[hour], [hour]]);
    leaveFunctions.forEach((leave) => {
      leave();
    });
  });

  test('keeps time from leaping while its request is on the way to a server', async () => {
    const thread = new Thread();
    const leave = clock.join(thread);
    thread.rest({ requestsInFlight: 1 });
    let woken = false;
    const sleeper = clock.sleep(60_000).then(() => (woken = true));
    await realSleep(20);
    expect(woken).toBe(false);
    // the request has arrived, and the server works for two minutes
    let sendResponse: () => void = () => undefined;
    const server = clock.serve(
      () => clock.sleep(120_000),
      (onResponseSent) => (sendResponse = onResponseSent),
    );
    await sleeper;
    sendResponse();
    thread.rest();
    await server;
    leave();
  });
});

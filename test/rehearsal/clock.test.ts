import { setTimeout as realSleep } from 'node:timers/promises';
import { RehearsalClock } from '../../rehearsal/clock';

const START = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
let clock: RehearsalClock;

beforeEach(() => {
  clock = new RehearsalClock(START);
});
afterEach(() => {
  clock.close();
});

test('a month of sleep passes within the time that a test has', async () => {
  await clock.sleep(30 * DAY);
  expect(clock.now() - START).toBeGreaterThanOrEqual(30 * DAY);
  expect(clock.now() - START).toBeLessThan(31 * DAY);
});

test('a month of hourly wake-ups passes within the time that a test has', async () => {
  for (let hour = 0; hour < 30 * 24; hour++) {
    await clock.sleep(3_600_000);
  }
  expect(clock.now() - START).toBeGreaterThanOrEqual(30 * DAY);
});

test('time passes at real speed while work runs', async () => {
  const woken: number[] = [];
  void clock.sleep(60_000).then(() => woken.push(clock.now()));
  await clock.work(() => realSleep(50));
  expect(woken).toEqual([]);
  expect(clock.now() - START).toBeLessThan(60_000);
});

test('time leaps while work sleeps, and stands while it goes on after that', async () => {
  const times = await clock.work(async () => {
    await clock.sleep(60_000);
    const woken = clock.now();
    void clock.sleep(60_000);
    return [woken, clock.now()];
  });
  expect(times.map((time) => Math.round((time - START) / 1000))).toEqual([60, 60]);
});

test('work inside work counts, whether or not its parent waits for it', async () => {
  await clock.work(async () => {
    await Promise.all([clock.work(() => clock.sleep(3_600_000)), clock.work(() => realSleep(30))]);
    expect(clock.now() - START).toBeGreaterThanOrEqual(3_600_000);
  });
});

test('work that waits for what others do does not keep time from leaping', async () => {
  const other = clock.sleep(3_600_000);
  await clock.work(() => clock.wait(other));
  expect(clock.now() - START).toBeGreaterThanOrEqual(3_600_000);
});

test('what wakes at the same time wakes in the order in which it went to sleep, and nothing is leapt over', async () => {
  const order: string[] = [];
  // a moment given in whole milliseconds would round: two that are meant to be the same could be told apart
  const wake = (name: string, after: number) => clock.after(after, () => order.push(name));
  wake('late', 9000);
  wake('first', 5000);
  wake('second', 5000);
  wake('early', 1000);
  await clock.sleep(10_000);
  expect(order).toEqual(['early', 'first', 'second', 'late']);
});

test('what was called off does not wake, and an endless sleep does not end', async () => {
  const woken: string[] = [];
  const callOff = clock.after(1000, () => woken.push('called off'));
  void clock.sleep(Infinity).then(() => woken.push('endless'));
  callOff();
  await clock.sleep(2000);
  expect(woken).toEqual([]);
});

describe('with a participant', () => {
  test('time leaps to its wake-up only while it is idle', async () => {
    const leaps: number[] = [];
    let busy = true;
    let next = START + 3_600_000;
    const leave = clock.join({
      busy: () => busy,
      requestsInFlight: () => 0,
      nextWakeUp: () => next,
      leapt: (now) => {
        leaps.push(Math.round((now - START) / 1000));
        next = Infinity;
      },
      atRest: () => Promise.resolve(true),
    });
    void clock.sleep(2 * 3_600_000);
    await realSleep(30);
    expect(leaps).toEqual([]);
    busy = false;
    await clock.sleep(3 * 3_600_000);
    expect(leaps[0]).toBe(3600);
    leave();
  });

  test('time does not leap while a request of it is on its way to a server', async () => {
    let inFlight = 1;
    const leave = clock.join({
      busy: () => false,
      requestsInFlight: () => inFlight,
      nextWakeUp: () => Infinity,
      leapt: () => undefined,
      atRest: () => Promise.resolve(true),
    });
    let woken = false;
    const sleeper = clock.sleep(60_000).then(() => (woken = true));
    await realSleep(30);
    expect(woken).toBe(false);
    // it arrived, and the server takes its time
    const server = clock.serve(
      () => clock.sleep(120_000),
      () => undefined,
    );
    await sleeper;
    await server;
    inFlight = 0;
    leave();
  });

  test('time does not leap while it says itself that something is under way, however idle it looks', async () => {
    let rests = false;
    const leave = clock.join({
      busy: () => false,
      requestsInFlight: () => 0,
      nextWakeUp: () => Infinity,
      leapt: () => undefined,
      atRest: () => Promise.resolve(rests),
    });
    let woken = false;
    const sleeper = clock.sleep(60_000).then(() => (woken = true));
    await realSleep(30);
    expect(woken).toBe(false);
    rests = true;
    await sleeper;
    leave();
  });
});

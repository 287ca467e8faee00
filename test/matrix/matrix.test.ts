import { covering, IMPOSSIBLE, impossibility, product, QUESTIONS } from './combinations';
import { live, LIFECYCLE_NAMES, LIFECYCLES, worldFor } from './lifecycles';
import { CONTRARY, faults, lives } from './suite';
import type { Case } from './suite';

/*
 * A part of what npm run test:matrix runs: every pair of readings, and some of the faults.
 */

/** The runs that were not as they should be, with what was not. */
async function failuresOf(cases: readonly Case[]): Promise<Readonly<Record<string, readonly string[]>>> {
  const failures: [string, readonly string[]][] = [];
  for (const { name, run } of cases) {
    const { problems } = await run();
    if (problems.length > 0) {
      failures.push([name, problems]);
    }
  }
  return Object.fromEntries(failures);
}

type Choice = readonly [question: string, reading: string];

/** Every choice of so many questions, in all the ways in which they can be answered. */
function choices(strength: number): readonly (readonly Choice[])[] {
  const names = Object.keys(QUESTIONS);
  const extend = (chosen: readonly Choice[], from: number): readonly (readonly Choice[])[] =>
    chosen.length === strength
      ? [chosen]
      : names
          .slice(from)
          .flatMap((name, offset) =>
            (QUESTIONS[name] ?? []).flatMap((reading) => extend([...chosen, [name, reading]], from + offset + 1)),
          );
  return extend([], 0);
}

describe('combinations', () => {
  test.each([
    ['pair', 2],
    ['triple', 3],
  ])('every %s of readings is in one of them', (_, strength) => {
    const rows = covering(strength) as readonly Readonly<Record<string, string>>[];
    const missing = choices(strength).filter(
      (chosen) => !rows.some((row) => chosen.every(([question, reading]) => row[question] === reading)),
    );
    expect(missing).toEqual([]);
  });

  test('the rows that meet in the same calls are crossed in full', () => {
    expect(new Set(product().map((readings) => JSON.stringify(readings))).size).toBe(3 * 2 * 4 * 2 * 2 * 2);
  });

  test('what is declared impossible is met by some of them', () => {
    for (const { lifecycle } of IMPOSSIBLE) {
      expect([...covering(3), ...product()].filter((readings) => impossibility(lifecycle, readings) !== undefined)).not.toEqual(
        [],
      );
    }
  });
});

test.each(LIFECYCLE_NAMES)('%s: under every pair of readings', async (lifecycle) => {
  const cases = lives(covering(2), [lifecycle]);
  expect(cases).toHaveLength(covering(2).length);
  expect(await failuresOf(cases)).toEqual({});
});

test.each([
  ['created and deleted within a day', 'readings as by default', {}, 17],
  ['created and deleted within a day', 'contrary readings', CONTRARY, 13],
  ['update that is rolled back', 'readings as by default', {}, 61],
  ['through a role of another account', 'readings as by default', {}, 61],
  ['without trust', 'readings as by default', {}, 31],
  ['connection that was there before, adopted', 'no routes of GameLift', { peerVpcWrites: 'none' }, 31],
  ['connection that was there before, refused', 'readings as by default', {}, 11],
] as const)('faults, a sample: %s, %s', async (lifecycle, _, readings, every) => {
  const cases = await faults(lifecycle, readings);
  const sample = cases.filter((__, index) => index % every === 0);
  expect(sample.length).toBeGreaterThan(20);
  expect(await failuresOf(sample)).toEqual({});
});

test('a life is the same every time', async () => {
  const calls = async (): Promise<readonly object[]> => {
    const world = await worldFor('update that is rolled back', CONTRARY);
    await live(world, LIFECYCLES['update that is rolled back']);
    world.close();
    return world.functions.calls;
  };
  const first = await calls();
  expect(first.length).toBeGreaterThan(50);
  expect(await calls()).toEqual(first);
});

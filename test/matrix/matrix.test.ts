import { coveringArray, UNAVOIDABLE_FAILURES, unavoidableFailure, crossProduct, QUESTIONS } from './combinations';
import { runLife, LIFECYCLE_NAMES, LIFECYCLES, worldFor } from './lifecycles';
import { casesWithFaults, CONTRARY, lives } from './suite';
import type { Case } from './suite';

/*
 * A part of what npm run test:matrix runs: every pair of readings, and some of the faults.
 */

/** The problems of the cases that failed, by name. */
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

/** All combinations of readings of `strength` questions. */
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
  ])('contain every %s of readings', (_, strength) => {
    const rows = coveringArray(strength) as readonly Readonly<Record<string, string>>[];
    const missing = choices(strength).filter(
      (chosen) => !rows.some((row) => chosen.every(([question, reading]) => row[question] === reading)),
    );
    expect(missing).toEqual([]);
  });

  test('contain the full product of the related questions', () => {
    expect(new Set(crossProduct().map((readings) => JSON.stringify(readings))).size).toBe(3 * 2 * 4 * 2 * 2 * 2);
  });

  test('contain the readings of each unavoidable failure', () => {
    for (const { lifecycle } of UNAVOIDABLE_FAILURES) {
      expect(
        [...coveringArray(3), ...crossProduct()].filter((readings) => unavoidableFailure(lifecycle, readings) !== undefined),
      ).not.toEqual([]);
    }
  });
});

test.each(LIFECYCLE_NAMES)('%s: under every pair of readings', async (lifecycle) => {
  const cases = lives(coveringArray(2), [lifecycle]);
  expect(cases).toHaveLength(coveringArray(2).length);
  expect(await failuresOf(cases)).toEqual({});
});

test.each([
  ['created and deleted within a day', 'default readings', {}, 17],
  ['created and deleted within a day', 'contrary readings', CONTRARY, 13],
  ['update rolled back', 'default readings', {}, 61],
  ['with a peer role in another account', 'default readings', {}, 61],
  ['two accounts without trust', 'default readings', {}, 31],
  ['existing connection, adopted', 'GameLift writes no routes', { peerVpcWrites: 'none' }, 31],
  ['existing connection, not adopted', 'default readings', {}, 11],
] as const)('a sample of the faults: %s, %s', async (lifecycle, _, readings, every) => {
  const cases = await casesWithFaults(lifecycle, readings);
  const sample = cases.filter((__, index) => index % every === 0);
  expect(sample.length).toBeGreaterThan(20);
  expect(await failuresOf(sample)).toEqual({});
});

test('a life makes the same calls every time', async () => {
  const calls = async (): Promise<readonly object[]> => {
    const world = await worldFor('update rolled back', CONTRARY);
    await runLife(world, LIFECYCLES['update rolled back']);
    world.close();
    return world.functions.calls;
  };
  const first = await calls();
  expect(first.length).toBeGreaterThan(50);
  expect(await calls()).toEqual(first);
});

import { coveringArray, UNAVOIDABLE_FAILURES, findUnavoidableFailure, crossProduct, QUESTIONS } from './combinations';
import { runLife, LIFE_NAMES, LIVES, createWorld } from './lives';
import { faultCases, NON_DEFAULT_READINGS, lifeCases } from './cases';
import type { MatrixCase } from './cases';

/*
 * Runs a part of the matrix: the lives under every pair of readings, and a sample of the faults. `npm run test:matrix` runs all cases.
 */

/** The problems of the cases that failed, by name. */
async function failuresOf(cases: readonly MatrixCase[]): Promise<Readonly<Record<string, readonly string[]>>> {
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

/** For each set of `strength` questions, all combinations of their readings. */
function combinationsOf(strength: number): readonly (readonly Choice[])[] {
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

describe('the combinations of readings', () => {
  test.each([
    ['pair', 2],
    ['triple', 3],
  ])('contain every %s of readings', (_, strength) => {
    const rows = coveringArray(strength) as readonly Readonly<Record<string, string>>[];
    const missing = combinationsOf(strength).filter(
      (chosen) => !rows.some((row) => chosen.every(([question, reading]) => row[question] === reading)),
    );
    expect(missing).toEqual([]);
  });

  test('contain all combinations of the readings of the related questions', () => {
    expect(new Set(crossProduct().map((readings) => JSON.stringify(readings))).size).toBe(3 * 2 * 4 * 2 * 2 * 2);
  });

  test('contain a combination for each unavoidable failure', () => {
    for (const { life } of UNAVOIDABLE_FAILURES) {
      expect(
        [...coveringArray(3), ...crossProduct()].filter((readings) => findUnavoidableFailure(life, readings) !== undefined),
      ).not.toEqual([]);
    }
  });
});

test.each(LIFE_NAMES)('ends as declared under every pair of readings: %s', async (life) => {
  const cases = lifeCases(coveringArray(2), [life]);
  expect(cases).toHaveLength(coveringArray(2).length);
  expect(await failuresOf(cases)).toEqual({});
});

test.each([
  ['created and deleted within a day', 'default readings', {}, 17],
  ['created and deleted within a day', 'non-default readings', NON_DEFAULT_READINGS, 13],
  ['update rolled back', 'default readings', {}, 61],
  ['two accounts with a peer role', 'default readings', {}, 61],
  ['two accounts without a peer role', 'default readings', {}, 31],
  ['existing connection is adopted', 'GameLift writes no routes', { peerVpcWrites: 'none' }, 31],
  ['existing connection is not adopted', 'default readings', {}, 11],
] as const)('recovers from a sample of the faults: %s, %s', async (life, _, readings, interval) => {
  const cases = await faultCases(life, readings);
  const sample = cases.filter((__, index) => index % interval === 0);
  expect(sample.length).toBeGreaterThan(20);
  expect(await failuresOf(sample)).toEqual({});
});

test('a life makes the same calls in each run', async () => {
  const calls = async (): Promise<readonly object[]> => {
    const world = await createWorld('update rolled back', NON_DEFAULT_READINGS);
    await runLife(world, LIVES['update rolled back']);
    world.close();
    return world.functions.calls;
  };
  const first = await calls();
  expect(first.length).toBeGreaterThan(50);
  expect(await calls()).toEqual(first);
});

import { coveringArray, UNAVOIDABLE_FAILURES, findUnavoidableFailure, crossProduct, QUESTIONS } from './combinations';
import { runLife, LIFE_NAMES, LIVES, createRehearsal } from './lives';
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

/** A question with one of its readings. */
type Choice = readonly [question: string, reading: string];

/** For each set of `strength` questions, all combinations of their readings. */
function combinationsOf(strength: number): readonly (readonly Choice[])[] {
  const names = Object.keys(QUESTIONS);
  /** Extends the choices to `strength` choices, with the questions from this index on. */
  const extend = (choices: readonly Choice[], from: number): readonly (readonly Choice[])[] =>
    choices.length === strength
      ? [choices]
      : names
          .slice(from)
          .flatMap((name, offset) =>
            (QUESTIONS[name] ?? []).flatMap((reading) => extend([...choices, [name, reading]], from + offset + 1)),
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
      (choices) => !rows.some((row) => choices.every(([question, reading]) => row[question] === reading)),
    );
    expect(missing).toEqual([]);
  });

  test('contain all combinations of the readings of the related questions', () => {
    // the numbers of readings of the six related questions
    const expectedCount = 3 * 2 * 4 * 2 * 2 * 2;
    expect(new Set(crossProduct().map((readings) => JSON.stringify(readings))).size).toBe(expectedCount);
  });

  test('contain a combination for each unavoidable failure', () => {
    for (const { life } of UNAVOIDABLE_FAILURES) {
      expect(
        [...coveringArray(3), ...crossProduct()].filter((readings) => findUnavoidableFailure(life, readings) !== undefined),
      ).not.toEqual([]);
    }
  });
});

test.each(LIFE_NAMES)('this life ends as declared under every pair of readings: %s', async (life) => {
  const cases = lifeCases(coveringArray(2), [life]);
  expect(cases).toHaveLength(coveringArray(2).length);
  expect(await failuresOf(cases)).toEqual({});
});

// the sample contains every case whose index is a multiple of `interval`
test.each([
  { life: 'created and deleted within a day', under: 'default readings', readings: {}, interval: 17 },
  { life: 'created and deleted within a day', under: 'non-default readings', readings: NON_DEFAULT_READINGS, interval: 13 },
  { life: 'update rolled back', under: 'default readings', readings: {}, interval: 61 },
  { life: 'two accounts with a peer role', under: 'default readings', readings: {}, interval: 61 },
  { life: 'two accounts without a peer role', under: 'default readings', readings: {}, interval: 31 },
  {
    life: 'existing connection is adopted',
    under: 'a reading by which GameLift writes no routes',
    readings: { peerVpcWrites: 'none' },
    interval: 31,
  },
  { life: 'existing connection is not adopted', under: 'default readings', readings: {}, interval: 11 },
] as const)('this life recovers from a sample of the faults under $under: $life', async ({ life, readings, interval }) => {
  const cases = await faultCases(life, readings);
  const sample = cases.filter((__, index) => index % interval === 0);
  expect(sample.length).toBeGreaterThan(20);
  expect(await failuresOf(sample)).toEqual({});
});

test('a life makes the same calls in each run', async () => {
  const runAndListCalls = async (): Promise<readonly object[]> => {
    const rehearsal = await createRehearsal('update rolled back', NON_DEFAULT_READINGS);
    await runLife(rehearsal, LIVES['update rolled back']);
    rehearsal.close();
    return rehearsal.functions.calls;
  };
  const callsOfFirstRun = await runAndListCalls();
  expect(callsOfFirstRun.length).toBeGreaterThan(50);
  expect(await runAndListCalls()).toEqual(callsOfFirstRun);
});

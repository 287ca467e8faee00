import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { page, readmeTable, readResults, tableOf } from '../../bench/report';
import type { Results } from '../../bench/report';
import { verdictAtMost } from '../../bench/result';
import { estimate, medianOf } from '../../bench/statistics';

/*
 * The pages that `npm run bench` writes.
 */

const read = (...path: string[]): string => readFileSync(join(__dirname, '..', '..', ...path), 'utf8');

const RESULTS: Results = {
  speed: {
    title: 'Speed',
    method: 'Measured.',
    tables: [{ head: ['way', 'seconds'], rows: [['this library', '1']] }],
    targets: [
      { what: 'creating', target: 'at most 2 s', measured: '1 s', verdict: 'met' },
      { what: 'deleting', target: 'at most 2 s', measured: '3 s', verdict: 'missed' },
      { what: 'updating', target: 'at most 2 s', measured: '1 to 3 s', verdict: 'undecided' },
    ],
  },
  sizes: { title: 'Sizes', method: 'Counted.', tables: [], targets: [] },
};

test('docs/benchmarks.md shows the latest results', () => {
  expect(read('docs', 'benchmarks.md')).toBe(page(readResults()));
});

test('the table in the README shows the latest results', () => {
  expect(tableOf(read('README.md'))).toBe(readmeTable(readResults()));
});

test('the table in the README has each target that was not met, and no benchmark without targets', () => {
  expect(readmeTable(RESULTS).split('\n')).toEqual([
    '| benchmark | targets met | not met                                        |',
    '| --------- | ----------- | ---------------------------------------------- |',
    '| Speed     | 1 of 3      | deleting: 3 s<br>undecided: updating: 1 to 3 s |',
  ]);
});

test('the page has each table and all targets', () => {
  const sections = page(RESULTS).split('\n\n');
  expect(sections.slice(2)).toEqual([
    '## Speed',
    'Measured.',
    '| way          | seconds |\n| ------------ | ------- |\n| this library | 1       |',
    expect.stringContaining('| deleting | at most 2 s | 3 s      | missed    |'),
    '## Sizes',
    'Counted.\n',
  ]);
});

test('finding the table in the README fails without the comments before and after it', () => {
  expect(() => tableOf('# A README')).toThrow(
    'README.md must contain <!-- benchmarks: begin -->, and <!-- benchmarks: end --> after it',
  );
});

describe('an estimate', () => {
  const thirtyValues = Array.from({ length: 30 }, (_, index) => 30 - index);

  test('is a median', () => {
    expect(medianOf([3, 1, 2])).toBe(2);
    expect(medianOf([4, 1, 3, 2])).toBe(2.5);
  });

  test('has the 95% confidence interval that published tables list: ranks 10 to 21 of 30 values, and ranks 1 to 6 of 6 values', () => {
    expect(estimate(thirtyValues)).toEqual({ median: 15.5, low: 10, high: 21 });
    expect(estimate([6, 5, 4, 3, 2, 1])).toEqual({ median: 3.5, low: 1, high: 6 });
  });

  test('fails with fewer than six values', () => {
    expect(() => estimate([1, 2, 3, 4, 5])).toThrow('an interval of 95% needs at least six values, got 5');
  });

  test.each([
    [21, 'met'],
    [20.9, 'undecided'],
    [10, 'undecided'],
    [9.9, 'missed'],
  ])('with an interval from 10 to 21 and a limit of %d has the verdict: %s', (limit, verdict) => {
    expect(verdictAtMost(estimate(thirtyValues), limit)).toBe(verdict);
  });
});

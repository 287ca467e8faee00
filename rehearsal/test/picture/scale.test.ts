import fc from 'fast-check';
import { Scale } from '../../src/picture/scale';
import { DAY, MINUTE, SECOND } from './life-builder';

test('short times are drawn to scale', () => {
  const scale = new Scale([0, 5 * SECOND, 15 * SECOND, 25 * SECOND]);
  expect([0, 5, 10, 15, 20, 25].map((second) => scale.position(second * SECOND))).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(scale.quietTimes).toEqual([]);
  expect(scale.busyTimes).toEqual([{ from: 0, to: 25 * SECOND }]);
});

test('quiet times are drawn shorter: a month is wider than a minute, but less than three times as wide', () => {
  const scale = new Scale([0, MINUTE, MINUTE + 30 * DAY]);
  const minute = scale.position(MINUTE);
  expect(1 - minute).toBeGreaterThan(minute);
  expect(1 - minute).toBeLessThan(3 * minute);
});

test('the scale lists quiet times and busy times', () => {
  const scale = new Scale([0, 10 * SECOND, DAY, DAY + 15 * SECOND, 2 * DAY]);
  expect(scale.quietTimes).toEqual([
    { from: 10 * SECOND, to: DAY },
    { from: DAY + 15 * SECOND, to: 2 * DAY },
  ]);
  expect(scale.busyTimes).toEqual([
    { from: 0, to: 10 * SECOND },
    { from: DAY, to: DAY + 15 * SECOND },
    { from: 2 * DAY, to: 2 * DAY },
  ]);
});

test('the time within a quiet time is drawn to scale', () => {
  const scale = new Scale([0, 10 * DAY]);
  expect([0, 2.5, 5, 10].map((day) => scale.position(day * DAY))).toEqual([0, 0.25, 0.5, 1]);
});

test('times before the first moment or after the last moment are drawn at the edges', () => {
  const scale = new Scale([MINUTE, 2 * MINUTE]);
  expect([0, MINUTE, 2 * MINUTE, DAY].map((time) => scale.position(time))).toEqual([0, 0, 1, 1]);
});

test('the only moment of a life is drawn at the left edge', () => {
  expect(new Scale([MINUTE]).position(MINUTE)).toBe(0);
});

test('a later time is never drawn further left', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 60 * DAY }), { minLength: 1 }),
      fc.array(fc.integer({ min: 0, max: 60 * DAY }), { minLength: 2 }),
      (moments, times) => {
        const scale = new Scale(moments);
        const positions = times.sort((one, other) => one - other).map((time) => scale.position(time));
        expect(positions).toEqual(positions.toSorted((one, other) => one - other));
        expect(positions.every((position) => position >= 0 && position <= 1)).toBe(true);
      },
    ),
  );
});

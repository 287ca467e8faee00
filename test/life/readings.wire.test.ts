import type { BehaviourName } from 'rehearsal/aws';
import { coveringArray, QUESTIONS } from '../matrix/combinations';
import type { Readings } from '../matrix/world';
import { deploy, expectNoFailedDelete, expectNothingLeft, remove, start } from './scene';
import { DAY, Stage } from './stage';

/*
 * Lives over the wire under each reading at least once. In process, test/matrix covers every pair of readings.
 */

afterEach(() => Stage.clear());

function nameOf(readings: Readings): string {
  return Object.entries(readings)
    .map(([question, reading]) => `${question}: ${reading}`)
    .join(', ');
}

test.each(coveringArray(1).map((readings) => [nameOf(readings), readings] as const))('%s', async (_, readings) => {
  const { failedUpdatePhysicalId = 'stored', ...behaviours } = readings;
  const rehearsal = await start({ failedUpdatePhysicalId });
  for (const [name, reading] of Object.entries(behaviours)) {
    rehearsal.aws.behaviours.set(name as BehaviourName, reading);
  }
  const before = rehearsal.aws.inventory();
  expect(await deploy(rehearsal)).toBe('CREATE_COMPLETE');
  await rehearsal.clock.sleep(10 * DAY);
  expect(await deploy(rehearsal, { build: '2' })).toBe('UPDATE_COMPLETE');
  await rehearsal.clock.sleep(30 * DAY);
  expect(await remove(rehearsal)).toBe('DELETE_COMPLETE');
  expectNoFailedDelete(rehearsal);
  await expectNothingLeft(rehearsal, before);
});

test('the combinations contain every reading', () => {
  const chosen = coveringArray(1).flatMap((readings) => Object.entries(readings).map(([name, reading]) => `${name}=${reading}`));
  const all = Object.entries(QUESTIONS).flatMap(([name, readings]) => readings.map((reading) => `${name}=${reading}`));
  expect([...new Set(chosen)].sort()).toEqual(all.sort());
});

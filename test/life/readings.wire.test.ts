import type { BehaviourName } from 'rehearsal/aws';
import { covering, QUESTIONS } from '../matrix/combinations';
import type { Readings } from '../matrix/world';
import { deploy, expectNoFailedDelete, expectNothingLeft, remove, start } from './scene';
import { DAY, Stage } from './stage';

/*
 * What AWS does not say, answered over the wire: every reading once. In process, test/matrix goes through every pair of readings.
 */

afterEach(() => Stage.clear());

function nameOf(readings: Readings): string {
  return Object.entries(readings)
    .map(([question, reading]) => `${question}: ${reading}`)
    .join(', ');
}

test.each(covering(1).map((readings) => [nameOf(readings), readings] as const))('%s', async (_, readings) => {
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

test('these lives contain every reading', () => {
  const chosen = covering(1).flatMap((readings) => Object.entries(readings).map(([name, reading]) => `${name}=${reading}`));
  const all = Object.entries(QUESTIONS).flatMap(([name, readings]) => readings.map((reading) => `${name}=${reading}`));
  expect([...new Set(chosen)].sort()).toEqual(all.sort());
});

import type { BehaviourName } from 'rehearsal/aws';
import { coveringArray, QUESTIONS } from '../matrix/combinations';
import type { Readings } from '../matrix/rehearsal';
import { deployFleetStack, expectNoFailedDelete, expectNothingLeft, deleteStack, startFastRehearsal } from './common-stacks';
import { DAY_MS, closeRehearsals } from './rehearsals';

/*
 * Runs a life over the wire under each reading at least once. In process, test/matrix runs lives under every pair of readings.
 */

afterEach(closeRehearsals);

function describeReadings(readings: Readings): string {
  return Object.entries(readings)
    .map(([question, reading]) => `${question}: ${reading}`)
    .join(', ');
}

test.each(coveringArray(1).map((readings) => [describeReadings(readings), readings] as const))(
  'creates, updates and deletes a stack under %s',
  async (_, readings) => {
    // a reading of CloudFormation, which is an option of the rehearsal. The others are those of GameLift, EC2 and IAM
    const { failedUpdatePhysicalId = 'stored', ...behaviours } = readings;
    const rehearsal = await startFastRehearsal({ failedUpdatePhysicalId });
    for (const [name, reading] of Object.entries(behaviours)) {
      rehearsal.aws.behaviours.set(name as BehaviourName, reading);
    }
    const before = rehearsal.aws.inventory();
    expect(await deployFleetStack(rehearsal)).toBe('CREATE_COMPLETE');
    await rehearsal.clock.sleep(10 * DAY_MS);
    expect(await deployFleetStack(rehearsal, { build: '2' })).toBe('UPDATE_COMPLETE');
    await rehearsal.clock.sleep(30 * DAY_MS);
    expect(await deleteStack(rehearsal)).toBe('DELETE_COMPLETE');
    expectNoFailedDelete(rehearsal);
    await expectNothingLeft(rehearsal, before);
  },
);

test('the combinations contain every reading', () => {
  const chosen = coveringArray(1).flatMap((readings) => Object.entries(readings).map(([name, reading]) => `${name}=${reading}`));
  const all = Object.entries(QUESTIONS).flatMap(([name, readings]) => readings.map((reading) => `${name}=${reading}`));
  expect([...new Set(chosen)].sort()).toEqual(all.sort());
});

import { wrongObservations, runAndClose, countObservations } from './observations';
import { MatrixRehearsal } from './rehearsal';

const observationOf = (question: string, reading: string): { message: string; question: string; reading: string } => ({
  message: 'observed how AWS behaves',
  question,
  reading,
});

/** A rehearsal whose handler has logged these records. */
async function rehearsalWithLog(...records: readonly { readonly message: string }[]): Promise<MatrixRehearsal> {
  const rehearsal = await MatrixRehearsal.populate({ connectionIds: 'id of GameLift' });
  rehearsal.functions.logRecords.push(...records);
  return rehearsal;
}

test('wrongObservations accepts observations of a chosen reading and of a default reading', async () => {
  const rehearsal = await rehearsalWithLog(
    observationOf('connectionIds', 'id of GameLift'),
    observationOf('fleetEvents', 'written'),
  );
  expect(wrongObservations(rehearsal)).toEqual([]);
  rehearsal.close();
});

test.each([
  [
    'a reading that was not chosen',
    observationOf('connectionIds', 'id of EC2'),
    'observed connectionIds: id of EC2, instead of id of GameLift',
  ],
  [
    'a reading that is not the default',
    observationOf('fleetEvents', 'never seen'),
    'observed fleetEvents: never seen, instead of written',
  ],
  // every object inherits a property with the name toString
  ['a question that does not exist', observationOf('toString', 'yes'), 'observed toString: yes, instead of no such question'],
  [
    'an error of the handler while it concludes a reading',
    { message: 'could not determine how AWS behaves: x' },
    'could not determine how AWS behaves: x',
  ],
])('wrongObservations reports %s, but only once', async (_, record, problem) => {
  const rehearsal = await rehearsalWithLog(record, { message: 'done' }, record);
  expect(wrongObservations(rehearsal)).toEqual([problem]);
  rehearsal.close();
});

test('the problems of a life include wrong observations', async () => {
  const rehearsal = await rehearsalWithLog(observationOf('connectionIds', 'id of EC2'));
  expect(await runAndClose(rehearsal, () => Promise.reject(new Error('stuck')))).toEqual({
    problems: ['Error: stuck', 'observed connectionIds: id of EC2, instead of id of GameLift'],
    observed: [{ question: 'connectionIds', reading: 'id of EC2' }],
  });
});

test('countObservations counts each observed reading', () => {
  const idOfEc2 = { question: 'connectionIds', reading: 'id of EC2' };
  const idOfGameLift = { question: 'connectionIds', reading: 'id of GameLift' };
  expect(countObservations([idOfEc2, idOfGameLift, idOfEc2])).toEqual([
    ['connectionIds', 'id of EC2', '2'],
    ['connectionIds', 'id of GameLift', '1'],
  ]);
});

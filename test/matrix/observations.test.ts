import { wrongObservations, runAndClose, countObservations } from './observations';
import { MatrixWorld } from './world';

const observationOf = (question: string, reading: string): { message: string; question: string; reading: string } => ({
  message: 'observed how AWS behaves',
  question,
  reading,
});

async function worldThatLogs(...logged: readonly { readonly message: string }[]): Promise<MatrixWorld> {
  const world = await MatrixWorld.populate({ connectionIds: 'id of GameLift' });
  world.functions.logRecords.push(...logged);
  return world;
}

test('accepts observations of a chosen reading and of a default', async () => {
  const world = await worldThatLogs(observationOf('connectionIds', 'id of GameLift'), observationOf('fleetEvents', 'written'));
  expect(wrongObservations(world)).toEqual([]);
  world.close();
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
  ['a question that does not exist', observationOf('toString', 'yes'), 'observed toString: yes, instead of no such question'],
  [
    'an error of the handler while it concludes a reading',
    { message: 'could not determine how AWS behaves: x' },
    'could not determine how AWS behaves: x',
  ],
])('reports %s, but only once', async (_, logged, problem) => {
  const world = await worldThatLogs(logged, { message: 'done' }, logged);
  expect(wrongObservations(world)).toEqual([problem]);
  world.close();
});

test('the problems of a life include wrong observations', async () => {
  const world = await worldThatLogs(observationOf('connectionIds', 'id of EC2'));
  expect(await runAndClose(world, () => Promise.reject(new Error('stuck')))).toEqual({
    problems: ['Error: stuck', 'observed connectionIds: id of EC2, instead of id of GameLift'],
    observed: [{ question: 'connectionIds', reading: 'id of EC2' }],
  });
});

test('counts each observed reading', () => {
  const one = { question: 'connectionIds', reading: 'id of EC2' };
  const other = { question: 'connectionIds', reading: 'id of GameLift' };
  expect(countObservations([one, other, one])).toEqual([
    ['connectionIds', 'id of EC2', '2'],
    ['connectionIds', 'id of GameLift', '1'],
  ]);
});

import { misreadings, resultOf, tally } from './observations';
import { MatrixWorld } from './world';

const observed = (question: string, reading: string): { message: string; question: string; reading: string } => ({
  message: 'observed how AWS behaves',
  question,
  reading,
});

async function worldThatLogs(...logged: readonly { readonly message: string }[]): Promise<MatrixWorld> {
  const world = await MatrixWorld.populate({ connectionIds: 'id of GameLift' });
  world.functions.logged.push(...logged);
  return world;
}

test('accepts the readings that were chosen, or are the default', async () => {
  const world = await worldThatLogs(observed('connectionIds', 'id of GameLift'), observed('fleetEvents', 'written'));
  expect(misreadings(world)).toEqual([]);
  world.close();
});

test.each([
  [
    'a reading that was not chosen',
    observed('connectionIds', 'id of EC2'),
    'observed connectionIds: id of EC2, instead of id of GameLift',
  ],
  [
    'a reading that is not the default',
    observed('fleetEvents', 'never seen'),
    'observed fleetEvents: never seen, instead of written',
  ],
  ['a question that does not exist', observed('toString', 'yes'), 'observed toString: yes, instead of no such question'],
  ['a rule that throws', { message: 'could not determine how AWS behaves: x' }, 'could not determine how AWS behaves: x'],
])('reports %s once', async (_, logged, problem) => {
  const world = await worldThatLogs(logged, { message: 'done' }, logged);
  expect(misreadings(world)).toEqual([problem]);
  world.close();
});

test('the problems of a life include wrong observations', async () => {
  const world = await worldThatLogs(observed('connectionIds', 'id of EC2'));
  expect(await resultOf(world, () => Promise.reject(new Error('stuck')))).toEqual({
    problems: ['Error: stuck', 'observed connectionIds: id of EC2, instead of id of GameLift'],
    observed: [{ question: 'connectionIds', reading: 'id of EC2' }],
  });
});

test('counts what was observed', () => {
  const one = { question: 'connectionIds', reading: 'id of EC2' };
  const other = { question: 'connectionIds', reading: 'id of GameLift' };
  expect(tally([one, other, one])).toEqual([
    ['connectionIds', 'id of EC2', '2'],
    ['connectionIds', 'id of GameLift', '1'],
  ]);
});

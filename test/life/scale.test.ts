import { IMPORTED, rehearseMany } from './many';
import { start } from './scene';
import { Stage } from './stage';

afterEach(() => Stage.clear());

test('creates and deletes eight connections in one stack within the rate limit, and reads the list once for each', async () => {
  const pace = await rehearseMany(await start(), 8, IMPORTED);
  expect(pace).toMatchObject({
    statuses: ['CREATE_COMPLETE', 'DELETE_COMPLETE'],
    connected: 8,
    failures: [],
    // once to see that nothing is peered any more, before the authorization is canceled
    describing: { creating: 8, deleting: 1 },
  });
  expect(pace.after).toEqual(pace.before);
  // the last one becomes active half a minute after it was requested, which counts for little once there are many
  expect(pace.creating).toBeLessThan(1.5 * 80 + 30);
  expect(pace.deleting).toBeLessThan(1.5 * 80);
});

import { IMPORTED, rehearseMany } from './many';
import { start } from './scene';
import { Stage } from './stage';

afterEach(() => Stage.clear());

test('creates and deletes eight connections in one stack within the rate limit, and reads GameLift’s list once per connection', async () => {
  const pace = await rehearseMany(await start(), 8, IMPORTED);
  expect(pace).toMatchObject({
    statuses: ['CREATE_COMPLETE', 'DELETE_COMPLETE'],
    connected: 8,
    failures: [],
    // deleting: the check that nothing is peered before the authorization is canceled
    describing: { creating: 8, deleting: 1 },
  });
  expect(pace.after).toEqual(pace.before);
  // the last connection becomes active 30 seconds after its request
  expect(pace.creating).toBeLessThan(1.5 * 80 + 30);
  expect(pace.deleting).toBeLessThan(1.5 * 80);
});

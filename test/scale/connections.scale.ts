import { printed, rehearseMany } from '../life/many';
import { Stage } from '../life/stage';

afterEach(() => Stage.clear());

/** As many as EC2 allows a VPC by default. */
const CONNECTIONS = 50;

test('50 connections in one stack: all made and all deleted, within one and a half times what the rate limit allows at best', async () => {
  const pace = await rehearseMany(CONNECTIONS);
  console.log(printed(CONNECTIONS, pace));
  expect(pace).toMatchObject({
    statuses: ['CREATE_COMPLETE', 'DELETE_COMPLETE'],
    connected: CONNECTIONS,
    failures: [],
    describing: { creating: CONNECTIONS },
  });
  expect(pace.after).toEqual(pace.before);
  expect(pace.creating).toBeLessThan(1.5 * 10 * CONNECTIONS);
  expect(pace.deleting).toBeLessThan(1.5 * 10 * CONNECTIONS);
});

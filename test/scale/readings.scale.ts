import { live, MANY_READINGS } from '../life/readings';
import { Stage } from '../life/stage';

afterEach(() => Stage.clear());

test.each(MANY_READINGS)('%s: %s', async (name, reading) => {
  await live(name, reading);
});

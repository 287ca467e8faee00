import { FOUND, variantsOf } from './found-sequences';
import { play } from './sequences';
import { randomSequences } from './suite';

const SOME = randomSequences(1).slice(0, 15);

test.each(SOME)('random lives, a few: $name', async ({ run }) => {
  expect((await run()).problems).toEqual([]);
});

test.each(FOUND)('%s', async (_, sequence) => {
  // every third call; `npm run test:matrix` tries all of them
  for (const variant of variantsOf(sequence).filter((__, index) => index % 3 === 0)) {
    expect((await play(variant)).problems).toEqual([]);
  }
});

import { FOUND_SEQUENCES, variantsOf } from './found-sequences';
import { runSequence } from './sequences';
import { randomSequences } from './suite';

const SAMPLE = randomSequences(1).slice(0, 15);

test.each(SAMPLE)('a sample of the random sequences: $name', async ({ run }) => {
  expect((await run()).problems).toEqual([]);
});

test.each(FOUND_SEQUENCES)('%s', async (_, sequence) => {
  // every third call; `npm run test:matrix` tries all of them
  for (const variant of variantsOf(sequence).filter((__, index) => index % 3 === 0)) {
    expect((await runSequence(variant)).problems).toEqual([]);
  }
});

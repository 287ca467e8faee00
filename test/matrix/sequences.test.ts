import { REGRESSION_SEQUENCES, variantsOf } from './regression-sequences';
import { runSequence } from './sequences';
import { randomSequences } from './cases';

const SAMPLE = randomSequences(1).slice(0, 15);

test.each(SAMPLE)('deploys and deletes as declared in a random sequence: $name', async ({ run }) => {
  expect((await run()).problems).toEqual([]);
});

test.each(REGRESSION_SEQUENCES)('deploys and deletes as declared if %s', async (_, sequence) => {
  // every third call; `npm run test:matrix` tries all of them
  for (const variant of variantsOf(sequence).filter((__, index) => index % 3 === 0)) {
    expect((await runSequence(variant)).problems).toEqual([]);
  }
});

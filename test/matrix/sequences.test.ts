import { REGRESSION_SEQUENCES, variantsOf } from './regression-sequences';
import { runSequence } from './sequences';
import { randomSequences } from './cases';

const SAMPLE = randomSequences(1).slice(0, 15);

test.each(SAMPLE)('the stack is deployed and deleted as declared in a random sequence: $name', async ({ run }) => {
  expect((await run()).problems).toEqual([]);
});

test.each(REGRESSION_SEQUENCES)('the stack is deployed and deleted as declared if %s', async (_, sequence) => {
  // the fault occurs only in every third call; `npm run test:matrix` tries all calls
  for (const variant of variantsOf(sequence).filter((__, index) => index % 3 === 0)) {
    expect((await runSequence(variant)).problems).toEqual([]);
  }
});

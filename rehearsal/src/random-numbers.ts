/**
 * Creates a generator of pseudorandom numbers between 0 and 1. The same seed gives the same numbers in every run. It is the linear
 * congruential generator of "Random number generators: good ones are hard to find" (Park, Miller).
 */
export function randomNumbers(seed: number): () => number {
  // spread the seeds: the first numbers of neighboring seeds would be similar
  let state = ((seed * 1_103_515_245) % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

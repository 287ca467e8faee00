/**
 * Numbers between 0 and 1 that look random and are the same in every run: a linear congruential generator of 31 bits, as in "Random
 * number generators: good ones are hard to find" (Park, Miller).
 */
export function randomNumbers(seed: number): () => number {
  // spread, because the first numbers of neighboring seeds would be much the same
  let state = ((seed * 1_103_515_245) % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

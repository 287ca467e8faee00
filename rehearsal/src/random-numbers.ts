/** From "Random number generators: good ones are hard to find" (Park, Miller). */
const MULTIPLIER = 48_271;
const MODULUS = 2 ** 31 - 1;
/** Without this factor, similar seeds would give similar first numbers. */
const SEED_FACTOR = 1_103_515_245;

/** Creates a linear congruential generator of numbers between 0 and 1. The same seed gives the same numbers in every run. */
export function randomNumbers(seed: number): () => number {
  let state = ((seed * SEED_FACTOR) % (MODULUS - 1)) + 1;
  return () => {
    state = (state * MULTIPLIER) % MODULUS;
    return state / MODULUS;
  };
}

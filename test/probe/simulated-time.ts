import timers from 'node:timers/promises';

/*
 * The test loads this module into the process of the probe. It replaces the clock of the process by that of the rehearsal, which the test
 * serves over HTTP, and makes stdin look like a terminal.
 */

let now = Number(process.env.SIMULATED_NOW);
Date.now = () => now;

async function sleep<Value>(milliseconds?: number, value?: Value, options?: { readonly signal?: AbortSignal }): Promise<Value> {
  const response = await fetch(`${process.env.SIMULATED_CLOCK}/${milliseconds}`, { signal: options?.signal });
  now = Number(await response.text());
  return value as Value;
}

timers.setTimeout = sleep;
process.stdin.isTTY = process.env.SIMULATED_TERMINAL === 'yes';

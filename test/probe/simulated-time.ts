import timers from 'node:timers/promises';

/*
 * Loaded into a process before the probe: its waiting and its clock are those of the rehearsal, which the test answers for. And its
 * input counts as a terminal, so that it asks.
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

import timers from 'node:timers/promises';

/*
 * process.wire.test.ts loads this module into the process of the probe. The module replaces the clock of the process with the clock of the
 * rehearsal, which the test serves over HTTP. It also makes stdin look like a terminal, if the test wants that.
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

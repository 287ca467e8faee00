import useTemporaryDirectory from '../bin/temporary-directory';
import { CALLS } from './calls';
import { COLD_START } from './cold-start';
import { MANY_CONNECTIONS } from './many-connections';
import { ONE_CONNECTION } from './one-connection';
import { REHEARSAL } from './rehearsal';
import { readResults, writeResults } from './report';
import type { Result } from './result';
import { SIZES } from './sizes';
import { SYNTHESIS } from './synthesis';
import { TEMPLATE } from './template';

/*
 * Compares this library with its alternatives, and writes bench/latest.json, docs/benchmarks.md and the table of the README.
 *
 * npm run bench                          all measurements
 * npm run bench -- template synthesis    only these: keeps the latest results of the others
 */

const MEASUREMENTS = [MANY_CONNECTIONS, ONE_CONNECTION, CALLS, TEMPLATE, SYNTHESIS, COLD_START, SIZES, REHEARSAL];

async function main(names: readonly string[]): Promise<void> {
  const allNames = MEASUREMENTS.map(({ name }) => name);
  const unknown = names.filter((name) => !allNames.includes(name));
  if (unknown.length > 0) {
    throw new Error(`unknown measurement ${unknown.join(', ')}: pass one of ${allNames.join(', ')}`);
  }
  useTemporaryDirectory();
  const measured: Record<string, Result> = {};
  for (const { name, measure } of MEASUREMENTS.filter((measurement) => names.length === 0 || names.includes(measurement.name))) {
    const started = Date.now();
    const result = await measure();
    measured[name] = result;
    const verdicts = result.targets.map(({ what, measured: value, verdict }) => `${what} ${value}: ${verdict}`);
    console.log(`${name} (${Math.round((Date.now() - started) / 1000)} s): ${verdicts.join('; ') || 'recorded'}`);
  }
  const merged = { ...(names.length === 0 ? {} : readResults()), ...measured };
  const ordered = allNames.flatMap((name) => (merged[name] === undefined ? [] : [[name, merged[name]] as const]));
  writeResults(Object.fromEntries(ordered));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

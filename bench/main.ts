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
 * npm run bench -- template synthesis    these two: the latest results of the others are kept
 */

const MEASUREMENTS = [MANY_CONNECTIONS, ONE_CONNECTION, CALLS, TEMPLATE, SYNTHESIS, COLD_START, SIZES, REHEARSAL];

async function main(names: readonly string[]): Promise<void> {
  const allNames = MEASUREMENTS.map(({ name }) => name);
  const unknownNames = names.filter((name) => !allNames.includes(name));
  if (unknownNames.length > 0) {
    throw new Error(`unknown measurement ${unknownNames.join(', ')}: pass one of ${allNames.join(', ')}`);
  }
  useTemporaryDirectory();
  const newResults: Record<string, Result> = {};
  for (const { name, measure } of MEASUREMENTS.filter((measurement) => names.length === 0 || names.includes(measurement.name))) {
    const startedAt = Date.now();
    const result = await measure();
    newResults[name] = result;
    const verdicts = result.targets.map(({ what, measured, verdict }) => `${what} ${measured}: ${verdict}`);
    console.log(`${name} (${Math.round((Date.now() - startedAt) / 1000)} s): ${verdicts.join('; ') || 'no targets'}`);
  }
  const merged = { ...(names.length === 0 ? {} : readResults()), ...newResults };
  const orderedResults = allNames.flatMap((name) => (merged[name] === undefined ? [] : [[name, merged[name]] as const]));
  writeResults(Object.fromEntries(orderedResults));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

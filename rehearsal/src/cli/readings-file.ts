import { readFileSync } from 'node:fs';
import { BEHAVIOURS, requireReading } from '../aws';
import type { SimulatedAws, BehaviourName, Reading } from '../aws';
import { isObject } from '../cloudformation/template/template';

/*
 * Reads the file in which `npm run probe` writes the readings of a real account. See docs/probe.md.
 */

/** A reading, and the name of its question in `BEHAVIOURS`. */
export interface ChosenReading {
  readonly name: string;
  readonly reading: string;
}

/**
 * Returns the readings in the file. Skips the questions whose reading the probe could not determine.
 *
 * @throws Error if the file is not one that the probe has written
 */
export function readReadings(file: string): readonly ChosenReading[] {
  return Object.entries(questionsOf(file)).flatMap(([name, result]) => {
    if (!isObject(result) || (typeof result.reading !== 'string' && typeof result.undetermined !== 'string')) {
      throw invalidFile(file, `'${name}' has neither a reading nor a text that says why it is undetermined`);
    }
    if (!Object.hasOwn(BEHAVIOURS, name)) {
      throw invalidFile(file, `unknown question '${name}': choose one of ${Object.keys(BEHAVIOURS).join(', ')}`);
    }
    if (typeof result.reading !== 'string') {
      return [];
    }
    const { reading } = result;
    try {
      requireReading(BEHAVIOURS, name, reading);
    } catch (error) {
      throw invalidFile(file, error instanceof Error ? error.message : String(error));
    }
    return [{ name, reading }];
  });
}

/** Chooses readings in the simulated AWS. Throws if a reading is unknown. */
export function setReadings({ behaviours }: SimulatedAws, readings: readonly ChosenReading[]): void {
  for (const { name, reading } of readings) {
    behaviours.set(name as BehaviourName, reading as Reading<BehaviourName>);
  }
}

function questionsOf(file: string): object {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw invalidFile(file, error instanceof Error ? error.message : String(error));
  }
  if (!isObject(content) || !isObject(content.questions)) {
    throw invalidFile(file, 'it has no object named questions');
  }
  return content.questions;
}

function invalidFile(file: string, problem: string): Error {
  return new Error(`--readings must be a file that npm run probe has written, got ${file}: ${problem}`);
}

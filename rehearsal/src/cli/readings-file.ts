import { readFileSync } from 'node:fs';
import { BEHAVIOURS, checkReading } from '../aws';
import type { SimulatedAws, BehaviourName, Reading } from '../aws';

/*
 * The file that `npm run probe` writes: what a real account answered. See docs/probe.md.
 */

/** One reading of what AWS does not say. */
export interface ChosenReading {
  readonly name: string;
  readonly reading: string;
}

/**
 * The readings in the file. What the probe could not determine is not among them.
 *
 * @throws Error that says what was got and what is allowed
 */
export function readReadings(file: string): readonly ChosenReading[] {
  return Object.entries(questionsOf(file)).flatMap(([name, answer]) => {
    if (!isObject(answer) || (typeof answer.reading !== 'string' && typeof answer.undetermined !== 'string')) {
      throw wrong(file, `'${name}' has neither a reading nor a text that says why it is undetermined`);
    }
    if (!Object.hasOwn(BEHAVIOURS, name)) {
      throw wrong(file, `unknown question '${name}': choose one of ${Object.keys(BEHAVIOURS).join(', ')}`);
    }
    if (typeof answer.reading !== 'string') {
      return [];
    }
    const { reading } = answer;
    try {
      checkReading(BEHAVIOURS, name, reading);
    } catch (error) {
      throw wrong(file, error instanceof Error ? error.message : String(error));
    }
    return [{ name, reading }];
  });
}

/** Sets readings that were checked. */
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
    throw wrong(file, error instanceof Error ? error.message : String(error));
  }
  if (!isObject(content) || !isObject(content.questions)) {
    throw wrong(file, 'it has no object named questions');
  }
  return content.questions;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(file: string, why: string): Error {
  return new Error(`--readings must be a file that npm run probe has written, got ${file}: ${why}`);
}

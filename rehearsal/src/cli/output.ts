import { closeSync, openSync } from 'node:fs';

/** Where what a command says goes. */
export interface Output {
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

export const CONSOLE: Output = { print: console.log, complain: console.error };

/**
 * Checks a file for a result before the work on it begins. Creates it if there is none.
 *
 * @throws Error if it can't be written
 */
export function requireWritable(option: string, file: string): void {
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    throw new Error(`${option} must be a file that can be written, got '${file}': ${(error as Error).message}`, { cause: error });
  }
}

import { closeSync, openSync } from 'node:fs';

/** Where a command prints its results and its errors. */
export interface Output {
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
}

export const CONSOLE: Output = { print: console.log, printError: console.error };

/**
 * Checks that an output file is writable before the work begins. Creates the file if it does not exist.
 *
 * @param option the command-line option that names the file
 * @throws Error if the file can't be written
 */
export function requireWritable(option: string, file: string): void {
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    throw new Error(`${option} must be a file that can be written, got '${file}': ${(error as Error).message}`, { cause: error });
  }
}

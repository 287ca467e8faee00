import { formatTable } from 'rehearsal/report';

/** The result of a check. */
export interface Outcome {
  readonly name: string;
  readonly result: 'ok' | 'FAILED' | 'not available';
  /** Why the check failed or is not available. Empty if it passed. */
  readonly problem: string;
}

/** Thrown if a check cannot run, because a tool or package is not installed or cannot be downloaded. */
export class NotAvailableError extends Error {}

/** Runs a check. It passes unless it throws. */
export async function runCheck(name: string, check: () => Promise<unknown>): Promise<Outcome> {
  try {
    await check();
    return { name, result: 'ok', problem: '' };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { name, result: error instanceof NotAvailableError ? 'not available' : 'FAILED', problem };
  }
}

/**
 * Prints a table of the outcomes, then the problems of failed checks in full, then a line with the number of checks for each result.
 * verify.ts reads this line. Sets the exit code to 1 if a check failed.
 *
 * @param heading the heading of the column with the names of the checks
 */
export function report(heading: string, outcomes: readonly Outcome[]): void {
  const rows = outcomes.map(({ name, result, problem }) => [result, name, problem.trim().split('\n').at(-1) ?? '']);
  console.log(`\n${formatTable(['', heading, 'problem'], rows)}`);
  for (const { name, problem } of outcomes.filter(({ result }) => result === 'FAILED')) {
    console.log(`\n${name}:\n${problem}`);
    process.exitCode = 1;
  }
  const count = (result: Outcome['result']): number => outcomes.filter((outcome) => outcome.result === result).length;
  const notAvailable = count('not available');
  const notAvailableText = notAvailable === 0 ? '' : `, ${notAvailable} not available`;
  console.log(`\n${count('ok')} passed, ${count('FAILED')} failed${notAvailableText}`);
}

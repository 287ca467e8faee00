import { table } from 'rehearsal/report';

/** What a check came to. */
export interface Outcome {
  readonly name: string;
  readonly result: 'ok' | 'FAILED' | 'not available';
  /** What went wrong or is missing; empty if all is well. */
  readonly problem: string;
}

/** A check could not be made, because something that it needs is not installed or can't be downloaded. */
export class NotAvailable extends Error {}

/** Makes a check, which fails if it throws. */
export async function attempt(name: string, check: () => Promise<unknown>): Promise<Outcome> {
  try {
    await check();
    return { name, result: 'ok', problem: '' };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { name, result: error instanceof NotAvailable ? 'not available' : 'FAILED', problem };
  }
}

/** Prints a table of the outcomes, everything about those that failed, and the closing line; fails the process if one failed. */
export function report(kind: string, outcomes: readonly Outcome[]): void {
  const rows = outcomes.map(({ name, result, problem }) => [result, name, problem.trim().split('\n').at(-1) ?? '']);
  console.log(`\n${table(['', kind, 'problem'], rows)}`);
  for (const { name, problem } of outcomes.filter(({ result }) => result === 'FAILED')) {
    console.log(`\n${name}:\n${problem}`);
    process.exitCode = 1;
  }
  const count = (result: Outcome['result']): number => outcomes.filter((outcome) => outcome.result === result).length;
  const notAvailable = count('not available');
  const rest = notAvailable === 0 ? '' : `, ${notAvailable} not available`;
  console.log(`\n${count('ok')} passed, ${count('FAILED')} failed${rest}`);
}

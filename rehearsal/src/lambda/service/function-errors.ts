import type { FunctionError } from '../protocol';

/** The error of an invocation whose environment ended before the function returned. */
export const exitError = (reason: string): FunctionError => ({
  errorType: 'Runtime.ExitError',
  errorMessage: `Error: Runtime exited with error: ${reason}`,
});

export const timeoutError = (seconds: number): FunctionError => ({
  errorType: 'Sandbox.Timedout',
  errorMessage: `Task timed out after ${seconds.toFixed(2)} seconds`,
});

import type { Rest } from '../time/clock';

/** What a sandbox (a worker thread that runs a function's code) and the rehearsal tell each other. */

export interface SandboxSettings {
  /** Of `SharedTime`. */
  readonly time: SharedArrayBuffer;
  /** Chooses the random numbers. */
  readonly seed: number;
  readonly taskRoot: string;
  readonly handler: string;
  /** A module that sees the packages which Lambda's runtime brings along. */
  readonly runtimeModule: string;
  /** Where connections to the response URLs of custom resources are led, and what vouches for them. */
  readonly responseEndpoint: { readonly port: number; readonly certificate: string };
  readonly context: FunctionContext;
}

export interface FunctionContext {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly memoryLimitInMB: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
}

export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

export type ToSandbox =
  | {
      readonly kind: 'invoke';
      readonly requestId: string;
      readonly invokedFunctionArn: string;
      readonly payload: string;
      readonly deadline: number;
    }
  /** The next timer is due. */
  | { readonly kind: 'wake' }
  /** End at once. */
  | { readonly kind: 'exit' }
  /** Answer as soon as there is nothing to do but wait. */
  | { readonly kind: 'atRest'; readonly question: number };

export type FromSandbox =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'atRest'; readonly question: number } & Rest)
  | { readonly kind: 'failedToStart'; readonly error: FunctionError }
  | { readonly kind: 'output'; readonly text: string; readonly fromConsole: boolean }
  | { readonly kind: 'result'; readonly payload: string }
  | { readonly kind: 'error'; readonly error: FunctionError; readonly exits: boolean };

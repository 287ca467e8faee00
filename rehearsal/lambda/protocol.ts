/** What a sandbox (a worker thread that runs a function's code) and the rehearsal tell each other. */

/** Places in the shared counters. Messages are counted on both ends, so that one on its way is seen. */
export const Counter = {
  sentToSandbox: 0,
  takenBySandbox: 1,
  sentBySandbox: 2,
  takenFromSandbox: 3,
  pendingOperations: 4,
  requestsInFlight: 5,
} as const;
export const COUNTERS = 6;

export interface SandboxSettings {
  /** What has to be added to the steady clock of the process to have rehearsed time. */
  readonly clockOffset: Float64Array;
  readonly counters: Int32Array;
  /** When the sandbox wakes by itself; `Infinity` for never. */
  readonly nextWakeUp: Float64Array;
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
  /** Rehearsed time was moved. */
  | { readonly kind: 'leapt' }
  /** End at once. */
  | { readonly kind: 'exit' }
  /** Tell whether nothing is under way. */
  | { readonly kind: 'atRest' };

export type FromSandbox =
  | { readonly kind: 'ready' }
  | { readonly kind: 'atRest'; readonly rests: boolean }
  | { readonly kind: 'failedToStart'; readonly error: FunctionError }
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'result'; readonly payload: string }
  | { readonly kind: 'error'; readonly error: FunctionError; readonly exits: boolean };

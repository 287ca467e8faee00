import type { IdleState } from '../time/clock';

/** The messages between the rehearsal and a sandbox. A sandbox is a worker thread that runs a function's code. */

export interface SandboxSettings {
  /** The memory of `SharedTime`. */
  readonly time: SharedArrayBuffer;
  /** The seed of `Math.random`. */
  readonly seed: number;
  readonly taskRoot: string;
  readonly handler: string;
  /** The module from which the packages of Lambda's runtime are resolved. */
  readonly runtimeModule: string;
  /** The port that serves the response URLs of custom resources, and its certificate. */
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
  /** Exit immediately. */
  | { readonly kind: 'exit' }
  /** Reply with `idle` when the thread only waits. The reply repeats the id. */
  | { readonly kind: 'reportWhenIdle'; readonly queryId: number };

export type FromSandbox =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'idle'; readonly queryId: number } & IdleState)
  | { readonly kind: 'failedToStart'; readonly error: FunctionError }
  | { readonly kind: 'output'; readonly text: string; readonly fromConsole: boolean }
  | { readonly kind: 'result'; readonly payload: string }
  | { readonly kind: 'error'; readonly error: FunctionError; readonly threadExits: boolean };

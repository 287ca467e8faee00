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

export type MessageToSandbox =
  | {
      readonly kind: 'invoke';
      readonly requestId: string;
      readonly invokedFunctionArn: string;
      readonly payload: string;
      /** In milliseconds since the epoch. */
      readonly deadline: number;
    }
  /** The next timer is due. */
  | { readonly kind: 'wake' }
  /** Exit immediately. */
  | { readonly kind: 'exit' }
  /** Asks for the reply `idle`, with the same id, as soon as the thread only waits. */
  | { readonly kind: 'reportWhenIdle'; readonly queryId: number };

export type MessageFromSandbox =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'idle'; readonly queryId: number } & IdleState)
  | { readonly kind: 'failedToStart'; readonly error: FunctionError }
  /** `isFromConsole`: whether the code wrote the text with `console`. */
  | { readonly kind: 'output'; readonly text: string; readonly isFromConsole: boolean }
  | { readonly kind: 'result'; readonly payload: string }
  /** `threadExits`: whether the error ends the thread, and not only the invocation. */
  | { readonly kind: 'error'; readonly error: FunctionError; readonly threadExits: boolean };

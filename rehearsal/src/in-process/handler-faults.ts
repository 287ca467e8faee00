import type { ServiceName } from './handler';

/** A call that the handler is about to make. */
export interface CallPoint {
  /** The number of earlier calls of the handler, in all invocations. */
  readonly index: number;
  readonly service: ServiceName;
  readonly operation: string;
  /** The type and the logical id of the current request, such as `Create Peering`. */
  readonly request: string;
}

/** Whether the fault occurs before or after the call takes effect. */
export type Effect = 'before' | 'after';

/** A fault that is injected into a call. */
export type CallFault =
  /** The call fails without an effect. */
  | { readonly kind: 'error'; readonly name: string; readonly status: number }
  /** There is no output until the client's timeout. */
  | { readonly kind: 'timeout'; readonly effect: Effect }
  /** The connection is reset. */
  | { readonly kind: 'reset'; readonly effect: Effect }
  /** There is no output until the function's timeout. */
  | { readonly kind: 'late'; readonly effect: Effect }
  /** The service performs the call, and its response can't be read. */
  | { readonly kind: 'malformed' }
  /** The process is killed. */
  | { readonly kind: 'killed'; readonly effect: Effect };

/** An attempt to send a response to CloudFormation, with HTTP PUT. */
export interface PutPoint {
  /** The number of earlier attempts, in all invocations. */
  readonly index: number;
  readonly request: string;
}

/** A fault that is injected into an attempt to send a response. */
export type PutFault =
  /** The attempt receives this HTTP status, and CloudFormation does not get the response. */
  | { readonly kind: 'status'; readonly status: number }
  /** The connection is reset. */
  | { readonly kind: 'reset'; readonly effect: Effect }
  /** There is no HTTP response until the client's timeout. */
  | { readonly kind: 'timeout' };

/** An event of CloudFormation or of a schedule, for which the handler is invoked. Copies and retries of an event have the same index. */
export interface InvocationPoint {
  /** The number of earlier events, of all functions. */
  readonly index: number;
  readonly request: string;
}

/**
 * Decides which faults to inject. `call` is asked before each call, `put` before each PUT, `copyDelays` when an event is sent, and
 * `timeoutSeconds` before each invocation.
 */
export interface Faults {
  call?(point: CallPoint): CallFault | undefined;
  put?(point: PutPoint): PutFault | undefined;
  /** The delays in seconds after which Lambda delivers copies of the event. */
  copyDelays?(point: InvocationPoint): readonly number[];
  /** The timeout of the invocation in seconds. @default - the timeout of the function */
  timeoutSeconds?(point: InvocationPoint): number | undefined;
}

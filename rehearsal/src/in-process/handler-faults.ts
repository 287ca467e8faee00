import type { ServiceName } from './handler';

/** A call of the handler, as it is about to be made. */
export interface CallPoint {
  /** From 0, over everything that the handler did in its world. */
  readonly index: number;
  readonly service: ServiceName;
  readonly operation: string;
  /** What CloudFormation had asked for: request type and logical id. */
  readonly request: string;
}

/** Whether the call took effect before it went wrong. */
export type Effect = 'before' | 'after';

/** What becomes of a call instead. */
export type CallFault =
  /** Refused, with nothing done. */
  | { readonly kind: 'error'; readonly name: string; readonly status: number }
  /** No answer comes, until the client gives up. */
  | { readonly kind: 'timeout'; readonly effect: Effect }
  | { readonly kind: 'reset'; readonly effect: Effect }
  /** The same until the time of the request is up. */
  | { readonly kind: 'late'; readonly effect: Effect }
  /** The service performs the call, and its response can't be read. */
  | { readonly kind: 'malformed' }
  /** The process is gone. */
  | { readonly kind: 'killed'; readonly effect: Effect };

/** One try to answer CloudFormation. */
export interface PutPoint {
  readonly index: number;
  readonly request: string;
}

export type PutFault =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'reset'; readonly effect: Effect }
  | { readonly kind: 'timeout' };

/** An invocation that is about to begin, one for each event of CloudFormation. */
export interface EventPoint {
  readonly index: number;
  readonly request: string;
}

/** What goes wrong; asked at each point. */
export interface Faults {
  call?(point: CallPoint): CallFault | undefined;
  put?(point: PutPoint): PutFault | undefined;
  /** Seconds after which each further copy of an event arrives. */
  copies?(point: EventPoint): readonly number[];
  /** Seconds that an invocation is given. @default - what the function is configured with */
  seconds?(point: EventPoint): number | undefined;
}

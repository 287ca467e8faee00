export type ServiceName = 'cloudformation' | 'ec2' | 'gamelift' | 'sts';

/** Makes one call. It rejects with the errors that the AWS SDK throws. */
export type Send = (service: ServiceName, operation: string, input: object, signal: AbortSignal) => Promise<object>;

/** A record that a handler logs. */
export type HandlerLogRecord = Readonly<Record<string, unknown>>;

/** What a handler gets from the rehearsal in place of the AWS SDK, the network and the clock. */
export interface HandlerServices {
  /** Makes calls with the credentials of the function's role. */
  readonly send: Send;
  /** Makes calls with credentials that AssumeRole returned. */
  readonly sendWith: (accessKeyId: string) => Send;
  /** Sends a response to CloudFormation and returns the HTTP status. */
  readonly put: (url: string, body: string, signal: AbortSignal) => Promise<number>;
  readonly time: HandlerTime;
  /** Writes a record to the log of the function. */
  readonly log: (record: HandlerLogRecord) => void;
  readonly region: string;
}

interface HandlerTime {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Rejects with the reason of the signal as soon as it is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** A random number from 0 up to, but not including, 1. */
  jitter(): number;
}

/** The part of Lambda's context that a handler in process can use. */
interface InvocationContext {
  getRemainingTimeInMillis(): number;
}

/** Creates the handler of a function. Called once for each execution environment, because Lambda loads a module once in each. */
export type CreateHandler = (services: HandlerServices) => (event: unknown, context: InvocationContext) => Promise<void>;

import type { Credentials } from '../../aws/iam/iam';
import type { FunctionError } from '../protocol';
import type { FunctionConfiguration } from './function-configuration';

/** One event for a function. */
export interface Request {
  readonly requestId: string;
  /** As it was invoked: with the version or alias, where one was named. */
  readonly arn: string;
  /** JSON. */
  readonly payload: string;
}

export type InvocationResult = { readonly payload: string } | { readonly functionError: FunctionError };

/** Runs invocations of one version of a function, one at a time. */
export interface ExecutionEnvironment {
  /** False once it has ended: it runs nothing any more. */
  readonly usable: boolean;
  /** When its last invocation ended. */
  readonly lastUsed: number;
  /** Resolves once nothing of it is left. */
  readonly exited: Promise<void>;
  invoke(request: Request): Promise<InvocationResult>;
  /** Ends it from outside, at once. */
  kill(): void;
}

/** What Lambda gives an environment. */
export interface EnvironmentSettings {
  readonly configuration: FunctionConfiguration;
  readonly version: string;
  readonly taskRoot: string;
  readonly logStreamName: string;
  readonly credentials: Credentials;
  /** Writes to the function's log. `fromConsole` is false unless told: the runtime may wrap what the console prints. */
  readonly output: (text: string, fromConsole?: boolean) => void;
}

export type StartEnvironment = (settings: EnvironmentSettings) => Promise<ExecutionEnvironment>;

import type { Credentials } from '../../aws/iam/iam';
import type { FunctionError } from '../protocol';
import type { FunctionConfiguration } from './function-configuration';

/** An invocation request. */
export interface InvocationRequest {
  readonly requestId: string;
  /** The invoked ARN, with the version or alias if one was given. */
  readonly arn: string;
  /** JSON. */
  readonly payload: string;
}

export type InvocationResult = { readonly payload: string } | { readonly functionError: FunctionError };

/** Runs invocations of one version of a function, one at a time. */
export interface ExecutionEnvironment {
  /** False after it has ended. */
  readonly isUsable: boolean;
  /** When its last invocation ended. */
  readonly lastUsed: number;
  /** Resolves when the environment is completely gone. */
  readonly exited: Promise<void>;
  invoke(request: InvocationRequest): Promise<InvocationResult>;
  /** Terminates the environment immediately. */
  kill(): void;
}

/** The settings of a new execution environment. */
export interface EnvironmentSettings {
  readonly configuration: FunctionConfiguration;
  readonly version: string;
  readonly taskRoot: string;
  readonly logStreamName: string;
  readonly credentials: Credentials;
  /** Writes to the function's log. With `fromConsole`, the runtime may wrap the text into JSON. @default - not from the console */
  readonly output: (text: string, fromConsole?: boolean) => void;
}

export type StartEnvironment = (settings: EnvironmentSettings) => Promise<ExecutionEnvironment>;

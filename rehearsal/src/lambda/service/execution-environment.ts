import type { Credentials } from '../../aws/iam/iam';
import type { FunctionError } from '../protocol';
import type { FunctionConfiguration } from './function-configuration';

/** A request to invoke a function. */
export interface InvocationRequest {
  readonly requestId: string;
  /** The ARN of the function, with the version or alias if the caller named one. */
  readonly arn: string;
  /** The payload in JSON. */
  readonly payload: string;
}

export type InvocationResult = { readonly payload: string } | { readonly functionError: FunctionError };

/** Runs the invocations of one version of a function, one at a time. */
export interface ExecutionEnvironment {
  /** False after the environment has ended. */
  readonly isUsable: boolean;
  /** The time at which the last invocation ended. */
  readonly lastUsedAt: number;
  /** Resolves when the environment has ended completely. */
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
  /** Writes to the function's log. @param isFromConsole whether the code wrote the text with `console`. Default: false */
  readonly output: (text: string, isFromConsole?: boolean) => void;
}

export type StartEnvironment = (settings: EnvironmentSettings) => Promise<ExecutionEnvironment>;

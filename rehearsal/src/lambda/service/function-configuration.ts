import { arnOf } from '../../aws/partitions';

/** The service principal of Lambda, which assumes the roles of functions. */
export const LAMBDA_PRINCIPAL = 'lambda.amazonaws.com';

/** The configuration of a function. */
export interface FunctionConfiguration {
  readonly functionName: string;
  readonly account: string;
  readonly region: string;
  readonly role: string;
  readonly handler: string;
  readonly runtime: string;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly logGroupName: string;
  /** The format in which the runtime logs the output of the console. The journal shows the unformatted output. @default - Text */
  readonly logFormat?: 'JSON' | 'Text';
  /** The VPC of the function. @default - outside of the account's VPCs */
  readonly vpc?: VpcConfiguration;
  /** The key that encrypts the environment variables. @default - a key that Lambda owns */
  readonly kmsKeyArn?: string;
  readonly code: { readonly directory: string } | { readonly zipFile: string };
}

/** Whether the rehearsal can run functions with this runtime. All functions run on the Node.js version of the rehearsal. */
export const isRunnable = (runtime: string): boolean => runtime.startsWith('nodejs');

export interface VpcConfiguration {
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
}

/** The settings of `AWS::Lambda::EventInvokeConfig`. */
export interface EventInvokeConfiguration {
  readonly maximumRetryAttempts: number;
  readonly maximumEventAgeSeconds: number;
  /** The ARN of the destination for events that succeeded. @default - none */
  readonly onSuccess?: string;
  /** The ARN of the destination for events that were dropped, because they were too old or all attempts failed. @default - none */
  readonly onFailure?: string;
}

/** The description of a function, its versions and its aliases. */
export interface FunctionDescription {
  readonly account: string;
  readonly region: string;
  readonly functionName: string;
  readonly role: string;
  readonly runtime: string;
  readonly logGroupName: string;
  readonly vpc?: VpcConfiguration;
  readonly kmsKeyArn?: string;
  readonly versions: readonly string[];
  /** The version of each alias. */
  readonly aliases: Readonly<Record<string, string>>;
  /** The settings for asynchronous invocations, by version or alias. */
  readonly eventInvoke: Readonly<Record<string, EventInvokeConfiguration>>;
}

export const DEFAULT_EVENT_INVOKE: EventInvokeConfiguration = { maximumRetryAttempts: 2, maximumEventAgeSeconds: 6 * 3600 };

export const LATEST = '$LATEST';

export const functionArn = (account: string, region: string, name: string): string =>
  arnOf({ account, region }, 'lambda', `function:${name}`);

/** Splits an ARN into the ARN of the function and the version or alias. */
export function parseArn(arn: string): {
  readonly unqualifiedArn: string;
  readonly functionName: string;
  readonly qualifier?: string;
} {
  const parts = arn.split(':');
  const [unqualifiedArn, functionName = '', qualifier] = [parts.slice(0, 7).join(':'), parts[6], parts[7]];
  return qualifier === undefined ? { unqualifiedArn, functionName } : { unqualifiedArn, functionName, qualifier };
}

export class FunctionNotFound extends Error {
  constructor(readonly arn: string) {
    super(`Function not found: ${arn}`);
  }
}

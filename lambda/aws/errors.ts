import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import { Problem } from '../problem';

type SdkError = Parameters<typeof isTransientError>[0];

/** What an error of the AWS SDK, or of the network below it, says. */
export interface AwsError {
  readonly name: string;
  readonly message: string;
}

export function readError(error: unknown): AwsError {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error) };
  }
  const { code } = error as Error & { readonly code?: unknown };
  return { name: error.name === 'Error' && typeof code === 'string' ? code : error.name, message: error.message };
}

/** The SDK types `cause` more narrowly than it is. */
function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error;
}

/** How GameLift may say that the authorization is missing; AWS does not document which. */
const REFUSALS: ReadonlySet<string> = new Set(['UnauthorizedException', 'NotFoundException', 'InvalidRequestException']);

export function isGameLiftRefusal(error: unknown): boolean {
  return REFUSALS.has(readError(error).name);
}

/** How IAM denies a call: in JSON services, in query services, in EC2. */
const IAM_DENIALS: ReadonlySet<string> = new Set(['AccessDeniedException', 'AccessDenied', 'UnauthorizedOperation']);

export function isIamDenial(error: unknown): boolean {
  return IAM_DENIALS.has(readError(error).name);
}

/** A denial of IAM, or of GameLift, which may check what its caller may do in the peer VPC. */
export function isDenial(error: unknown): boolean {
  return isIamDenial(error) || readError(error).name === 'UnauthorizedException';
}

/** Whether the call was one too many. GameLift's LimitExceededException is about a quota, and waiting does not help. */
export function isThrottle(error: unknown): boolean {
  return isSdkError(error) && error.name !== 'LimitExceededException' && isThrottlingError(error);
}

/** How Node.js and the SDK report an answer that was cut off, beside what the SDK itself takes for transient. */
const BROKEN_OFF: ReadonlySet<string> = new Set(['SyntaxError', 'ECONNABORTED']);

/** Whether the same call may be made again, and nobody knows whether this one took effect. */
export function isUnanswered(error: unknown): boolean {
  return isSdkError(error) && (isTransientError(error) || isServerError(error) || BROKEN_OFF.has(readError(error).name));
}

/** An error of AWS, or any other, as a problem. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) {
    return error;
  }
  const { name, message } = readError(error);
  const remedy = isDenial(error)
    ? "see that no service control policy and no permissions boundary keeps the handler's role from it, then try again"
    : 'fix the problem above, then try again';
  return new Problem(`${name}: ${message.replace(/\.$/, '')}`, remedy, { cause: error });
}

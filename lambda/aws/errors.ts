import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import { Problem } from '../problem';

type SdkError = Parameters<typeof isTransientError>[0];

/*
 * AWS rejects calls for three reasons, and the handler uses one word for each:
 * - denial: IAM or GameLift reports that the caller lacks a permission. The handler retries, because a new permission may take a minute to
 *   reach all of AWS.
 * - refusal: GameLift does not accept a peering call. One possible reason is a missing authorization.
 * - throttling: the call exceeds the rate limit.
 */

/** The name and message of an error of the AWS SDK or of the network. */
interface AwsError {
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

/** Narrows the type for the functions of the SDK, whose type of an error is narrower than `Error`. */
function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error;
}

/**
 * The errors that GameLift may return if the authorization is missing. AWS does not document which of them it returns. UnauthorizedException
 * can also be a denial: `isDenial`.
 */
const REFUSAL_ERRORS: ReadonlySet<string> = new Set(['UnauthorizedException', 'NotFoundException', 'InvalidRequestException']);

export function isGameLiftRefusal(error: unknown): boolean {
  return REFUSAL_ERRORS.has(readError(error).name);
}

/** The errors with which IAM denies a call: in services with JSON protocols, in services with query protocols, and in EC2. */
const IAM_DENIAL_ERRORS: ReadonlySet<string> = new Set(['AccessDeniedException', 'AccessDenied', 'UnauthorizedOperation']);

export function isIamDenial(error: unknown): boolean {
  return IAM_DENIAL_ERRORS.has(readError(error).name);
}

/** Whether IAM or GameLift denied the call. GameLift may check the caller's permissions in the peer VPC. */
export function isDenial(error: unknown): boolean {
  return isIamDenial(error) || readError(error).name === 'UnauthorizedException';
}

/** Whether the call was throttled. GameLift's LimitExceededException is about a quota, so waiting does not help. */
export function isThrottle(error: unknown): boolean {
  return isSdkError(error) && error.name !== 'LimitExceededException' && isThrottlingError(error);
}

/** The errors of Node.js and the SDK after a truncated HTTP response. The SDK does not count these errors as transient. */
const TRUNCATED_RESPONSE_ERRORS: ReadonlySet<string> = new Set(['SyntaxError', 'ECONNABORTED']);

/** Whether AWS sent no response, or a server error. The call may have taken effect, and can be repeated. */
export function hasUnknownEffect(error: unknown): boolean {
  return (
    isSdkError(error) && (isTransientError(error) || isServerError(error) || TRUNCATED_RESPONSE_ERRORS.has(readError(error).name))
  );
}

/** Converts any error to a problem. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) {
    return error;
  }
  const { name, message } = readError(error);
  const remedy = isDenial(error)
    ? "check that the handler's role is allowed to make this call, and that no service control policy or permissions boundary denies it, then try again"
    : 'fix the problem above, then try again';
  return new Problem(`${name}: ${message.replace(/\.$/, '')}`, remedy, { cause: error });
}

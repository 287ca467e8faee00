/** Names of throttling errors. GameLift does not document the name of its throttling error, so `failureOf` also checks the message. */
const THROTTLING_ERRORS = /^(Throttl|TooManyRequests|RequestLimitExceeded|RequestThrottled|SlowDown|LimitExceededThrottl)/;
/** Names of errors about permissions or credentials, of AWS and of the SDK's own credential providers. */
const DENIAL_ERRORS =
  /AccessDenied|UnauthorizedOperation|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|ExpiredToken|MissingAuthenticationToken|AuthFailure|OptInRequired|CredentialsProvider|TokenProvider/;
const INTERNAL_ERRORS = /^(Internal|ServiceUnavailable|Unavailable)/;

/** A call is `unavailable` if the network or AWS failed, and `refused` if AWS returned any other error than throttling or a denial. */
export type Failure =
  | { readonly kind: 'throttled'; readonly name: string; readonly message: string }
  | { readonly kind: 'denied'; readonly name: string; readonly message: string }
  | { readonly kind: 'unavailable'; readonly name: string; readonly message: string }
  | { readonly kind: 'refused'; readonly name: string; readonly message: string };

export function failureOf(error: unknown): Failure {
  const name = error instanceof Error ? error.name : 'Error';
  const message = messageOf(error);
  const status = statusOf(error);
  if (THROTTLING_ERRORS.test(name) || status === 429 || /rate exceeded|request limit exceeded/i.test(message)) {
    return { kind: 'throttled', name, message };
  }
  if (DENIAL_ERRORS.test(name)) {
    return { kind: 'denied', name, message };
  }
  // an error without a status comes from the network or the client
  if (status === undefined || status >= 500 || INTERNAL_ERRORS.test(name)) {
    return { kind: 'unavailable', name, message };
  }
  return { kind: 'refused', name, message };
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) {
    return undefined;
  }
  const { $metadata: metadata } = error;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) {
    return undefined;
  }
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) {
    return error.errors.map(messageOf).join(', ');
  }
  return error instanceof Error ? error.message || error.name : String(error);
}

const ADVICE = {
  throttled: 'Other callers in this account use the same rate limit: try again later.',
  denied: 'Check the credentials. npm run probe -- --policy prints the permissions that the probe needs.',
  unavailable: 'Check the network and the Region, then run the probe again.',
  refused: '',
} as const;

/** A call failed, and the probe can't continue. */
export class CallFailed extends Error {
  constructor(
    action: string,
    readonly failure: Failure,
  ) {
    const text = `${action} failed: ${failure.name}: ${failure.message}`;
    const advice = ADVICE[failure.kind];
    super(advice === '' ? text : `${text.replace(/\.?$/, '.')} ${advice}`);
  }
}

/** The probe can't continue. The message says what was found and what to do. */
export class ProbeStopped extends Error {}

/** The user stopped the probe. */
export class Interrupted extends Error {
  constructor(signal: string) {
    super(`The probe was interrupted by ${signal}.`);
  }
}

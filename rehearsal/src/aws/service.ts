import type { Source } from '../journal';
import type { ConditionContext, Principal } from './iam/iam';

/** The account and Region of a resource or a call. */
export interface AccountAndRegion {
  readonly account: string;
  readonly region: string;
}

/** A received HTTP request. */
export interface WireRequest {
  readonly method: string;
  /** Percent-encoded, without the query. */
  readonly path: string;
  /** Percent-encoded, without the question mark. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An HTTP response. */
export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** An authenticated API call that a service performs. */
export interface ServiceCall {
  readonly operation: string;
  readonly input: unknown;
  readonly request: WireRequest;
  readonly requestId: string;
  readonly account: string;
  readonly region: string;
  readonly principal: Principal;
  /** Returns what `getState` returns, which must not change anything. If `readBack` is not `at once`, it may see an earlier state. */
  read<T>(getState: () => T): T;
  /** Throws an access-denied error unless the caller may perform `action` on each resource. */
  authorize(action: string, resources: readonly string[], context?: ConditionContext): Promise<void>;
}

/** A simulated service: its protocol and its operations. */
export interface Service {
  readonly source: Source;
  readonly errors: CommonErrors;
  /** Returns the name of the requested operation, even if the service does not have this operation. */
  operationName(request: WireRequest): string;
  /** Decodes the input, which interceptors receive. Throws a `ServiceError` if the body cannot be parsed. */
  parseInput(request: WireRequest): unknown;
  perform(call: ServiceCall): Promise<WireResponse>;
  errorResponse(error: ServiceError, request: WireRequest, requestId: string): WireResponse;
}

/** A service that can also be called in this process, without HTTP. */
export interface LocalService extends Service {
  /** Like `perform`, but returns the output before it is serialized. */
  run(call: ServiceCall): Promise<object>;
}

/** An error that a service returns, with its AWS error code. */
export class ServiceError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
    this.name = code;
  }
}

/** The kinds of errors that every service can return. Each protocol has its own error codes for them. */
type CommonErrorKind = 'missingToken' | 'unknownKey' | 'badSignature' | 'badRegion' | 'expired' | 'accessDenied' | 'internal';

export type CommonErrors = Readonly<
  Record<CommonErrorKind, { readonly code: string; readonly status: number; readonly message: string }>
>;

/** An error that every service can return. `toServiceError` adds the service's error code. */
export class CommonError extends Error {
  constructor(
    readonly kind: CommonErrorKind,
    readonly detail = '',
  ) {
    super(`${kind}: ${detail}`);
    this.name = 'CommonError';
  }

  /** Adds the service's error code, and puts the service's message before the detail. */
  toServiceError(errors: CommonErrors): ServiceError {
    const { code, status, message } = errors[this.kind];
    return new ServiceError(code, [message, this.detail].filter((part) => part !== '').join(' '), status);
  }
}

const SIGNATURE_MISMATCH =
  'The request signature we calculated does not match the signature you provided. ' +
  'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

const BAD_REGION = 'Credential should be scoped to a valid region.';

/** The common errors of services with a JSON or CBOR protocol. */
export const JSON_ERRORS: CommonErrors = {
  missingToken: { code: 'MissingAuthenticationTokenException', status: 400, message: 'Missing Authentication Token' },
  unknownKey: {
    code: 'UnrecognizedClientException',
    status: 400,
    message: 'The security token included in the request is invalid.',
  },
  badSignature: { code: 'InvalidSignatureException', status: 400, message: SIGNATURE_MISMATCH },
  badRegion: { code: 'InvalidSignatureException', status: 400, message: BAD_REGION },
  expired: { code: 'ExpiredTokenException', status: 400, message: 'The security token included in the request is expired' },
  accessDenied: { code: 'AccessDeniedException', status: 400, message: '' },
  internal: { code: 'InternalFailure', status: 500, message: 'The rehearsal failed to handle this request.' },
};

/** The common errors of services with the query protocol, except EC2. */
export const QUERY_ERRORS: CommonErrors = {
  missingToken: { code: 'MissingAuthenticationToken', status: 403, message: 'Request is missing Authentication Token' },
  unknownKey: { code: 'InvalidClientTokenId', status: 403, message: 'The security token included in the request is invalid.' },
  badSignature: { code: 'SignatureDoesNotMatch', status: 403, message: SIGNATURE_MISMATCH },
  badRegion: { code: 'SignatureDoesNotMatch', status: 403, message: BAD_REGION },
  expired: { code: 'ExpiredToken', status: 403, message: 'The security token included in the request is expired' },
  accessDenied: { code: 'AccessDenied', status: 403, message: '' },
  internal: { code: 'InternalFailure', status: 500, message: 'The rehearsal failed to handle this request.' },
};

const EC2_AUTH_FAILURE = {
  code: 'AuthFailure',
  status: 401,
  message: 'AWS was not able to validate the provided access credentials',
};

/** EC2's common errors. EC2 reports expired credentials as an expired request. */
export const EC2_ERRORS: CommonErrors = {
  missingToken: { code: 'MissingAuthenticationToken', status: 403, message: 'Request is missing Authentication Token' },
  unknownKey: EC2_AUTH_FAILURE,
  badSignature: EC2_AUTH_FAILURE,
  badRegion: EC2_AUTH_FAILURE,
  expired: { code: 'RequestExpired', status: 400, message: 'Request has expired.' },
  accessDenied: { code: 'UnauthorizedOperation', status: 403, message: 'You are not authorized to perform this operation.' },
  internal: { code: 'InternalError', status: 500, message: 'The rehearsal failed to handle this request.' },
};

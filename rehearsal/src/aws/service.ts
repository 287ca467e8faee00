import type { Source } from '../journal';
import type { Context, Decision, Principal } from './iam/iam';

/** Where most resources live. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

/** A request as it came over the wire. */
export interface WireRequest {
  readonly method: string;
  /** As sent: percent-encoded, without the query. */
  readonly path: string;
  /** As sent, without the question mark. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What goes back over the wire. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** One authenticated call, as a service gets it. */
export interface ServiceCall {
  readonly operation: string;
  readonly input: unknown;
  readonly request: WireRequest;
  readonly requestId: string;
  readonly account: string;
  readonly region: string;
  readonly principal: Principal;
  /** Gives what the call reads: where reads are late, `look` sees each thing as it was a short while ago. It changes nothing. */
  read<T>(look: () => T): T;
  /** Throws the service's own kind of AccessDenied unless the caller may do `action` on each of the resources. */
  authorize(action: string, resources: readonly string[], context?: Context): Promise<void>;
  /** Whether the caller may, for a service that acts with the caller's credentials. */
  decide(action: string, resource: string, context?: Context): Promise<Decision>;
}

/** A service of the simulated AWS: its wire protocol and its behaviour. */
export interface Service {
  readonly source: Source;
  readonly errors: CommonErrors;
  /** The name of the operation that a request asks for, whether or not there is one. */
  operation(request: WireRequest): string;
  /** Its input, as interceptors see it; throws a `ServiceError` where the body is no valid document. */
  input(request: WireRequest): unknown;
  perform(call: ServiceCall): Promise<Answer>;
  fail(error: ServiceError, request: WireRequest, requestId: string): Answer;
}

/** A service that callers in this process can do without the wire. */
export interface LocalService extends Service {
  /** What `perform` does, its output not yet written as the protocol has it. */
  run(call: ServiceCall): Promise<object>;
}

/** An error as a service names it on the wire. */
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

/** What can go wrong before a service gets to see a call; each protocol has names of its own for it. */
type CommonErrorKind = 'missingToken' | 'unknownKey' | 'badSignature' | 'badRegion' | 'expired' | 'accessDenied' | 'internal';

export type CommonErrors = Readonly<
  Record<CommonErrorKind, { readonly code: string; readonly status: number; readonly message: string }>
>;

/** A common error, before the service has named it. */
export class CommonError extends Error {
  constructor(
    readonly kind: CommonErrorKind,
    readonly detail = '',
  ) {
    super(`${kind}: ${detail}`);
    this.name = 'CommonError';
  }

  /** In the words of a service: its message, then the detail. */
  as(errors: CommonErrors): ServiceError {
    const { code, status, message } = errors[this.kind];
    return new ServiceError(code, [message, this.detail].filter((part) => part !== '').join(' '), status);
  }
}

const SIGNATURE_MISMATCH =
  'The request signature we calculated does not match the signature you provided. ' +
  'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

const BAD_REGION = 'Credential should be scoped to a valid region.';

/** The names of services that speak JSON or CBOR. */
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

/** The names of services that speak the query protocol. */
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

/** EC2's own names; it reports expired credentials as an expired request. */
export const EC2_ERRORS: CommonErrors = {
  missingToken: { code: 'MissingAuthenticationToken', status: 403, message: 'Request is missing Authentication Token' },
  unknownKey: EC2_AUTH_FAILURE,
  badSignature: EC2_AUTH_FAILURE,
  badRegion: EC2_AUTH_FAILURE,
  expired: { code: 'RequestExpired', status: 400, message: 'Request has expired.' },
  accessDenied: { code: 'UnauthorizedOperation', status: 403, message: 'You are not authorized to perform this operation.' },
  internal: { code: 'InternalError', status: 500, message: 'The rehearsal failed to handle this request.' },
};

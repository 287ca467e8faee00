/** An authenticated API call, before IAM permissions and rate limits are checked. */
export interface ApiCall {
  /** As in the credential scope: `gamelift`, `ec2`, `sts`. */
  readonly service: string;
  readonly operation: string;
  readonly account: string;
  readonly region: string;
  readonly input: unknown;
  readonly principalArn: string;
}

/** What the caller gets instead of the service's response. The service does not perform the call. */
export type Fault =
  | { readonly kind: 'error'; readonly name: string; readonly message: string; readonly status: number }
  /** The call never returns. */
  | { readonly kind: 'hang' }
  /** The connection is destroyed. */
  | { readonly kind: 'reset' }
  /** Status 200 with a body that cannot be parsed. */
  | { readonly kind: 'malformed' };

/** Returns the fault to inject into a call; undefined for none. */
export type Interceptor = (call: ApiCall) => Fault | undefined;

/** A connection that is reset before the response, or a response that cannot be parsed. */
export type BrokenResponse = 'reset' | 'malformed';

/** Thrown to a caller in this process instead of a broken response. */
export class BrokenResponseError extends Error {
  constructor(readonly kind: BrokenResponse) {
    super(kind === 'reset' ? 'the connection was reset' : 'the response is malformed');
    this.name = 'BrokenResponseError';
  }
}

/** An API call, as an interceptor sees it: authenticated, but neither authorized nor counted yet. */
export interface ApiCall {
  /** As in the credential scope: `gamelift`, `ec2`, `sts`. */
  readonly service: string;
  readonly operation: string;
  readonly account: string;
  readonly region: string;
  readonly input: unknown;
  readonly principalArn: string;
}

/** What replaces the answer of an intercepted call. */
export type Fault =
  | { readonly kind: 'error'; readonly name: string; readonly message: string; readonly status: number }
  /** Never answered. */
  | { readonly kind: 'hang' }
  /** The connection is destroyed. */
  | { readonly kind: 'reset' }
  /** Status 200 with a body that is no valid document. */
  | { readonly kind: 'malformed' };

export type Interceptor = (call: ApiCall) => Fault | undefined;

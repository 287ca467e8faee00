/** Identifies a request of CloudFormation. */
export interface RequestIdentity {
  readonly region: string;
  readonly stackId: string;
  readonly logicalId: string;
  readonly requestId: string;
}

/** Creates response URLs for custom resources. */
export interface Responses {
  /** Creates a URL for one request. `response` resolves to the first response that is sent there. */
  issueUrl(request: RequestIdentity): { readonly url: string; readonly response: Promise<Buffer> };
}

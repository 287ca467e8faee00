/** Which request of CloudFormation an answer is for. */
export interface Awaited {
  readonly region: string;
  readonly stackId: string;
  readonly logicalId: string;
  readonly requestId: string;
}

/** Where custom resources answer. */
export interface Responses {
  /** A fresh URL for one request, and the first answer that is put there. */
  issue(request: Awaited): { readonly url: string; readonly answer: Promise<Buffer> };
}

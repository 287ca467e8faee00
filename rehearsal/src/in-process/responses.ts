import { S3Error, ResponseUrls } from '../cloudformation/engine/response-urls';
import type { RequestIdentity } from '../cloudformation/engine/responses';

/** The response URLs of custom resources, for handlers that run in this process. */
export class InProcessResponses extends ResponseUrls {
  /** The signatures of the issued URLs, which logs, responses and errors must not contain. */
  readonly secrets: string[] = [];

  override issueUrl(request: RequestIdentity): { readonly url: string; readonly response: Promise<Buffer> } {
    const issuedUrl = super.issueUrl(request);
    this.secrets.push(new URL(issuedUrl.url).searchParams.get('X-Amz-Signature') ?? '');
    return issuedUrl;
  }

  /** Receives a response. @returns the HTTP status, or the injected fault if there is no HTTP response */
  put(url: string, body: string): number | 'hang' | 'reset' {
    const issuedUrl = this.issuedUrls.get(url.slice('https://'.length));
    const fault = issuedUrl && this.startAttempt(issuedUrl);
    if (fault === 'hang' || fault === 'reset') {
      return fault;
    }
    try {
      if (fault !== undefined) {
        throw S3Error.internalError(fault.status);
      }
      if (issuedUrl === undefined) {
        throw S3Error.wrongSignature();
      }
      if (this.isExpired(issuedUrl)) {
        throw S3Error.expired();
      }
      this.recordAccepted(issuedUrl);
      issuedUrl.deliver(Buffer.from(body));
      return 200;
    } catch (error) {
      if (!(error instanceof S3Error)) {
        throw error;
      }
      this.logRejection(issuedUrl, error);
      return error.status;
    }
  }
}

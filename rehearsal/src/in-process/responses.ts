import { S3Error, ResponseUrls } from '../cloudformation/engine/response-urls';
import type { RequestIdentity } from '../cloudformation/engine/responses';

/** The response URLs of custom resources, for handlers that run in this process. */
export class InProcessResponses extends ResponseUrls {
  readonly secrets: string[] = [];

  override issueUrl(request: RequestIdentity): { readonly url: string; readonly response: Promise<Buffer> } {
    const issued = super.issueUrl(request);
    this.secrets.push(new URL(issued.url).searchParams.get('X-Amz-Signature') ?? '');
    return issued;
  }

  /** Receives a response. @returns the HTTP status, or the injected fault if there is no HTTP response */
  put(url: string, body: string): number | 'hang' | 'reset' {
    const issued = this.issuedUrls.get(url.slice('https://'.length));
    const fault = issued && this.startAttempt(issued);
    if (fault === 'hang' || fault === 'reset') {
      return fault;
    }
    try {
      if (fault !== undefined) {
        throw S3Error.internalError(fault.status);
      }
      if (issued === undefined) {
        throw S3Error.wrongSignature();
      }
      if (this.isExpired(issued)) {
        throw S3Error.expired();
      }
      this.recordAccepted(issued);
      issued.deliver(Buffer.from(body));
      return 200;
    } catch (error) {
      if (!(error instanceof S3Error)) {
        throw error;
      }
      this.logRejection(issued, error);
      return error.status;
    }
  }
}

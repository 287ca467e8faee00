import { Ids } from '../../aws/ids';
import type { Journal } from '../../journal';
import type { RehearsalClock } from '../../time/clock';
import type { RequestIdentity, Responses } from './responses';

/** One attempt to send a response to CloudFormation. */
interface ResponseAttempt {
  readonly stackId: string;
  readonly logicalId: string;
  readonly requestId: string;
  /** 1 for the first attempt for this request. */
  readonly attempt: number;
}

/** What the sender gets instead of S3's answer: an HTTP status, no answer, or a reset connection. */
type ResponseFault = { readonly status: number } | 'hang' | 'reset';

type ResponseInterceptor = (attempt: ResponseAttempt) => ResponseFault | undefined;

/** A presigned URL for the response to one request. */
export interface IssuedUrl {
  readonly stackId: string;
  readonly logicalId: string;
  readonly requestId: string;
  readonly expirationTime: number;
  /** Gives the response to CloudFormation, which waits for it. */
  readonly deliver: (body: Buffer) => void;
  attemptCount: number;
  /** How many responses were accepted. */
  acceptedCount: number;
}

/** The error with which S3 rejects a response. */
export class S3Error extends Error {
  static internalError(status: number): S3Error {
    return new S3Error(status, 'InternalError', 'We encountered an internal error. Please try again.');
  }

  static wrongSignature(): S3Error {
    const message =
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.';
    return new S3Error(403, 'SignatureDoesNotMatch', message);
  }

  static expired(): S3Error {
    return new S3Error(403, 'AccessDenied', 'Request has expired');
  }

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const URL_LIFETIME_SECONDS = 7200;

/** The host of the response URLs of a Region. */
export const responseHostOf = (region: string): string => {
  const domain = region === 'us-east-1' ? 's3.amazonaws.com' : `s3.${region}.amazonaws.com`;
  return `cloudformation-custom-resource-response-${region.replaceAll('-', '')}.${domain}`;
};

/** Issues the presigned response URLs of custom resources, and counts the responses. */
export class ResponseUrls implements Responses {
  protected readonly issuedUrls = new Map<string, IssuedUrl>();
  private readonly interceptors = new Set<ResponseInterceptor>();
  private readonly ids = new Ids();

  constructor(
    protected readonly clock: RehearsalClock,
    protected readonly journal: Journal,
  ) {}

  issueUrl(request: RequestIdentity): { readonly url: string; readonly response: Promise<Buffer> } {
    const { region, ...requestIds } = request;
    const now = this.clock.now();
    const date = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
    const key = encodeURIComponent(`${requestIds.stackId}|${requestIds.logicalId}|${this.ids.uuid('key')}`);
    const accessKeyId = `AKIA${this.ids.bytes('access key', 8).toString('hex').toUpperCase()}`;
    const query = new URLSearchParams({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Date': date,
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Expires': String(URL_LIFETIME_SECONDS),
      'X-Amz-Credential': `${accessKeyId}/${date.slice(0, 8)}/${region}/s3/aws4_request`,
      'X-Amz-Signature': this.ids.bytes('signature', 32).toString('hex'),
    });
    const target = `${responseHostOf(region)}/${key}?${query.toString()}`;
    const response = new Promise<Buffer>((deliver) => {
      this.issuedUrls.set(target, {
        ...requestIds,
        expirationTime: now + URL_LIFETIME_SECONDS * 1000,
        deliver,
        attemptCount: 0,
        acceptedCount: 0,
      });
    });
    return { url: `https://${target}`, response };
  }

  /** The number of accepted responses to a request. CloudFormation reads only the first. */
  responseCount(requestId: string): number {
    return [...this.issuedUrls.values()].find((issuedUrl) => issuedUrl.requestId === requestId)?.acceptedCount ?? 0;
  }

  /** Calls `interceptor` before a response is checked. @returns a function that removes the interceptor */
  intercept(interceptor: ResponseInterceptor): () => void {
    this.interceptors.add(interceptor);
    return () => this.interceptors.delete(interceptor);
  }

  /** Stops receiving responses. Does nothing in this class: only `ResponseEndpoint` has a server to stop. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Counts an attempt to send a response. @returns the fault that an interceptor injects, if any */
  protected startAttempt(issuedUrl: IssuedUrl): ResponseFault | undefined {
    const { stackId, logicalId, requestId } = issuedUrl;
    const attempt: ResponseAttempt = { stackId, logicalId, requestId, attempt: ++issuedUrl.attemptCount };
    for (const interceptor of this.interceptors) {
      const fault = interceptor(attempt);
      if (fault !== undefined) {
        return fault;
      }
    }
    return undefined;
  }

  protected isExpired({ expirationTime }: IssuedUrl): boolean {
    return this.clock.now() > expirationTime;
  }

  /** Counts and logs an accepted response. The caller delivers the response to CloudFormation. */
  protected recordAccepted(issuedUrl: IssuedUrl): void {
    issuedUrl.acceptedCount++;
    const description = issuedUrl.acceptedCount === 1 ? 'response' : `response number ${issuedUrl.acceptedCount}, ignored,`;
    this.journal.write('s3', issuedUrl.logicalId, `${description} to request ${issuedUrl.requestId} accepted`);
  }

  protected logRejection(issuedUrl: IssuedUrl | undefined, { status, code, message }: S3Error): void {
    this.journal.write('s3', issuedUrl?.logicalId ?? 'unknown', `response refused: ${status} ${code}: ${message}`);
  }
}

import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';
import type { RehearsalClock } from '../clock';
import type { Journal } from '../journal';
import type { Awaited, Responses } from './responses';

/** One try to deliver an answer to CloudFormation, as an interceptor sees it. */
export interface AnswerAttempt {
  readonly stackId: string;
  readonly logicalId: string;
  readonly requestId: string;
  /** 1 for the first try to answer this request. */
  readonly attempt: number;
}

/** What becomes of an attempt instead: a status, no answer at all, or a connection that breaks. */
export type AnswerFault = { readonly status: number } | 'hang' | 'reset';

export type AnswerInterceptor = (attempt: AnswerAttempt) => AnswerFault | undefined;

interface Issued {
  readonly stackId: string;
  readonly logicalId: string;
  readonly requestId: string;
  readonly expires: number;
  readonly deliver: (body: Buffer) => void;
  attempts: number;
  answers: number;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const URL_SECONDS = 7200;
/** How long S3 waits for the rest of a body. */
const BODY_MS = 20_000;

const hostOf = (region: string) => {
  const domain = region === 'us-east-1' ? 's3.amazonaws.com' : `s3.${region}.amazonaws.com`;
  return `cloudformation-custom-resource-response-${region.replaceAll('-', '')}.${domain}`;
};

/** The end of a custom resource's pre-signed response URL: as strict as S3 is. */
export class ResponseEndpoint implements Responses {
  private readonly server: Server;
  private readonly issued = new Map<string, Issued>();
  private readonly certificates = new Map<string, Promise<string>>();
  private readonly interceptors = new Set<AnswerInterceptor>();

  private constructor(
    private readonly clock: RehearsalClock,
    private readonly journal: Journal,
  ) {
    this.server = createServer((request, response) => {
      void clock.serve(
        () => this.serve(request, response),
        (gone) => response.once('close', gone),
      );
    });
    // what nobody uses stays open: how long that is, in real time, must make no difference
    Object.assign(this.server, { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 });
  }

  static async start(clock: RehearsalClock, journal: Journal): Promise<ResponseEndpoint> {
    const endpoint = new ResponseEndpoint(clock, journal);
    await new Promise<void>((resolve) => endpoint.server.listen(0, '127.0.0.1', resolve));
    return endpoint;
  }

  /** Where connections to the response URLs of a Region are led, and the certificate that vouches for their host. */
  async connection(region: string): Promise<{ readonly port: number; readonly certificate: string }> {
    const certificate = this.certificates.get(region) ?? this.certify(hostOf(region));
    this.certificates.set(region, certificate);
    return { port: (this.server.address() as AddressInfo).port, certificate: await certificate };
  }

  issue(request: Awaited): { readonly url: string; readonly answer: Promise<Buffer> } {
    const { region, ...ids } = request;
    const now = this.clock.now();
    const date = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
    const key = encodeURIComponent(`${ids.stackId}|${ids.logicalId}|${randomUUID()}`);
    const query = new URLSearchParams({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Date': date,
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Expires': String(URL_SECONDS),
      'X-Amz-Credential': `AKIA${randomBytes(8).toString('hex').toUpperCase()}/${date.slice(0, 8)}/${region}/s3/aws4_request`,
      'X-Amz-Signature': randomBytes(32).toString('hex'),
    });
    const target = `${hostOf(region)}/${key}?${query.toString()}`;
    const answer = new Promise<Buffer>((deliver) => {
      this.issued.set(target, { ...ids, expires: now + URL_SECONDS * 1000, deliver, attempts: 0, answers: 0 });
    });
    return { url: `https://${target}`, answer };
  }

  /** How many answers to a request were accepted: CloudFormation reads the first only. */
  answers(requestId: string): number {
    return [...this.issued.values()].find((issued) => issued.requestId === requestId)?.answers ?? 0;
  }

  /** The interceptor is asked before anything is checked. Returns the function that removes it. */
  intercept(interceptor: AnswerInterceptor): () => void {
    this.interceptors.add(interceptor);
    return () => this.interceptors.delete(interceptor);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) =>
      this.server.close(() => {
        resolve();
      }),
    );
    this.server.closeAllConnections();
    await closed;
  }

  private async certify(host: string): Promise<string> {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'amazonaws.com' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      notAfterDate: new Date(Date.now() + 10 * 365 * 86_400_000),
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }],
    });
    this.server.addContext(host, { key, cert });
    return cert;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const issued = this.issued.get(`${request.headers.host ?? ''}${request.url ?? ''}`);
    const fault = issued && this.fault(issued);
    if (fault === 'hang') {
      await this.clock.sleep(Infinity);
      return;
    }
    if (fault === 'reset') {
      request.socket.destroy();
      return;
    }
    const respond = (status: number, body = '') => {
      response
        .writeHead(status, {
          'x-amz-request-id': randomBytes(8).toString('hex').toUpperCase(),
          'content-type': 'application/xml',
          date: new Date(this.clock.now()).toUTCString(),
          // what is left of a body that was not read must not be taken for the next request
          ...(request.complete ? {} : { connection: 'close' }),
        })
        .end(body);
    };
    try {
      if (fault) {
        throw new Refusal(fault.status, 'InternalError', 'We encountered an internal error. Please try again.');
      }
      const accepted = this.check(request, issued);
      const body = await this.read(request);
      accepted.answers++;
      const which = accepted.answers === 1 ? 'answer' : `answer number ${accepted.answers}, ignored,`;
      this.journal.write('s3', accepted.logicalId, `${which} to request ${accepted.requestId} accepted`);
      respond(200);
      accepted.deliver(body);
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
      this.journal.write('s3', issued?.logicalId ?? 'unknown', `answer refused: ${error.status} ${error.code}: ${error.message}`);
      respond(
        error.status,
        `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`,
      );
    }
  }

  private fault(issued: Issued): AnswerFault | undefined {
    const { stackId, logicalId, requestId } = issued;
    const attempt: AnswerAttempt = { stackId, logicalId, requestId, attempt: ++issued.attempts };
    for (const interceptor of this.interceptors) {
      const fault = interceptor(attempt);
      if (fault !== undefined) {
        return fault;
      }
    }
    return undefined;
  }

  /** What was signed: PUT, the host, path and query, and a content type that is empty. */
  private check(request: IncomingMessage, issued: Issued | undefined): Issued {
    const { headers, method } = request;
    if (headers['transfer-encoding'] !== undefined) {
      throw new Refusal(
        501,
        'NotImplemented',
        'A header you provided implies functionality that is not implemented: Transfer-Encoding',
      );
    }
    if (headers['content-length'] === undefined) {
      throw new Refusal(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
    }
    if (!issued || method !== 'PUT' || (headers['content-type'] ?? '') !== '') {
      const message =
        'The request signature we calculated does not match the signature you provided. Check your key and signing method.';
      throw new Refusal(403, 'SignatureDoesNotMatch', message);
    }
    if (Object.keys(headers).some((name) => name.startsWith('x-amz-'))) {
      throw new Refusal(403, 'AccessDenied', 'There were headers present in the request which were not signed');
    }
    if (this.clock.now() > issued.expires) {
      throw new Refusal(403, 'AccessDenied', 'Request has expired');
    }
    return issued;
  }

  private async read(request: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    const body = new Promise<Buffer>((resolve, reject) => {
      const incomplete = () => {
        reject(
          new Refusal(
            400,
            'RequestTimeout',
            'Your socket connection to the server was not read from or written to within the timeout period.',
          ),
        );
      };
      const cancel = this.clock.after(BODY_MS, incomplete);
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', incomplete);
      request.on('end', () => {
        resolve(Buffer.concat(chunks));
      });
      request.on('close', cancel);
    });
    return this.clock.wait(body);
  }
}

import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { generate } from 'selfsigned';
import type { Journal } from '../../journal';
import { LoopbackServer } from '../../loopback';
import type { RehearsalClock } from '../../time/clock';
import { responseHostOf, S3Error, ResponseUrls, type IssuedUrl } from './response-urls';

/** How long S3 waits for the body of a request. */
const BODY_TIMEOUT_MILLISECONDS = 20_000;

/** Receives the responses of custom resources at presigned URLs, and checks them as strictly as S3. */
export class ResponseEndpoint extends ResponseUrls {
  private readonly https = createServer();
  private readonly server: LoopbackServer;
  private readonly certificates = new Map<string, Promise<string>>();

  private constructor(clock: RehearsalClock, journal: Journal) {
    super(clock, journal);
    this.server = new LoopbackServer(this.https, clock, (request, response) => this.serve(request, response));
  }

  static async start(clock: RehearsalClock, journal: Journal): Promise<ResponseEndpoint> {
    const endpoint = new ResponseEndpoint(clock, journal);
    await endpoint.server.listen();
    return endpoint;
  }

  /** The port for the response URLs of a Region, and the certificate for their host. */
  async portAndCertificate(region: string): Promise<{ readonly port: number; readonly certificate: string }> {
    const certificate = this.certificates.get(region) ?? this.createCertificate(responseHostOf(region));
    this.certificates.set(region, certificate);
    return { port: this.server.port ?? 0, certificate: await certificate };
  }

  override close(): Promise<void> {
    return this.server.close();
  }

  private async createCertificate(host: string): Promise<string> {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'amazonaws.com' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      // TLS compares this date with the real time, and not with the rehearsed time
      notAfterDate: new Date(Date.now() + 10 * 365 * 86_400_000),
      // type 2 is a DNS name
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }],
    });
    this.https.addContext(host, { key, cert });
    return cert;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const issuedUrl = this.issuedUrls.get(`${request.headers.host ?? ''}${request.url ?? ''}`);
    const fault = issuedUrl && this.startAttempt(issuedUrl);
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
          // close the connection, because an unread body would be parsed as the next request
          ...(request.complete ? {} : { connection: 'close' }),
        })
        .end(body);
    };
    try {
      if (fault) {
        throw S3Error.internalError(fault.status);
      }
      const validUrl = this.requireValidRequest(request, issuedUrl);
      const body = await this.readBody(request);
      this.recordAccepted(validUrl);
      respond(200);
      validUrl.deliver(body);
    } catch (error) {
      if (!(error instanceof S3Error)) {
        throw error;
      }
      this.logRejection(issuedUrl, error);
      respond(
        error.status,
        `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`,
      );
    }
  }

  /** Throws S3's error if the headers, or the signed parts (method, URL and an empty content type), are invalid. */
  private requireValidRequest(request: IncomingMessage, issuedUrl: IssuedUrl | undefined): IssuedUrl {
    const { headers, method } = request;
    if (headers['transfer-encoding'] !== undefined) {
      throw new S3Error(
        501,
        'NotImplemented',
        'A header you provided implies functionality that is not implemented: Transfer-Encoding',
      );
    }
    if (headers['content-length'] === undefined) {
      throw new S3Error(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
    }
    if (!issuedUrl || method !== 'PUT' || (headers['content-type'] ?? '') !== '') {
      throw S3Error.wrongSignature();
    }
    if (Object.keys(headers).some((name) => name.startsWith('x-amz-'))) {
      throw new S3Error(403, 'AccessDenied', 'There were headers present in the request which were not signed');
    }
    if (this.isExpired(issuedUrl)) {
      throw S3Error.expired();
    }
    return issuedUrl;
  }

  private async readBody(request: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    const body = new Promise<Buffer>((resolve, reject) => {
      const rejectIncompleteBody = () => {
        reject(
          new S3Error(
            400,
            'RequestTimeout',
            'Your socket connection to the server was not read from or written to within the timeout period.',
          ),
        );
      };
      const cancel = this.clock.callAfter(BODY_TIMEOUT_MILLISECONDS, rejectIncompleteBody);
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', rejectIncompleteBody);
      request.on('end', () => {
        resolve(Buffer.concat(chunks));
      });
      request.on('close', cancel);
    });
    return this.clock.wait(body);
  }
}

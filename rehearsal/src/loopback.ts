import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Clock } from './time/clock';

/** A server on loopback. While it handles a request, rehearsed time leaps only if the handling sleeps on the clock. */
export class LoopbackServer {
  constructor(
    private readonly server: HttpServer | HttpsServer,
    clock: Clock,
    serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  ) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void clock.serve(
        () => serve(request, response),
        (onClose) => response.once('close', onClose),
      );
    });
    // Never close idle connections: Node's timeouts run in real time.
    Object.assign(server, { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  /** Undefined if the server is not listening. */
  get port(): number | undefined {
    const address = this.server.address();
    return address === null || typeof address === 'string' ? undefined : address.port;
  }

  async close(): Promise<void> {
    const whenClosed = new Promise<void>((resolve) =>
      this.server.close(() => {
        resolve();
      }),
    );
    this.server.closeAllConnections();
    await whenClosed;
  }
}

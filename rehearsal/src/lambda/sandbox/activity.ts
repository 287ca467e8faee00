import { createHook } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

/** Operations that Node carries out on other threads or in the kernel while the event loop is idle, and that end by themselves. */
const OPERATIONS =
  /^(FSREQ\w+|FILEHANDLECLOSEREQ|GETADDRINFOREQWRAP|GETNAMEINFOREQWRAP|QUERYWRAP|TCPCONNECTWRAP|PIPECONNECTWRAP)$/;
/** Cryptographic jobs, which may also be done at once, and processes, which may fail to start: then nothing tells of their end. */
const JOBS = /^(PROCESSWRAP|(?!HTTP)\w+REQUEST)$/;
/** After so much real time the end of an operation was missed: a connect that fails at once has none. */
const MISSED_MS = 10_000;
/** Between two looks whether what is under way has ended, in real milliseconds. */
const LOOK_AGAIN_MS = 1;
const realSetTimeout = globalThis.setTimeout;
const realSetImmediate = globalThis.setImmediate;
const realClearTimeout = globalThis.clearTimeout;
const realClearImmediate = globalThis.clearImmediate;

/**
 * Whether Node itself waits for an operation that ends by itself: a file, a name, a connection, or the thread that resolves
 * imports, which is the only other end of a message port that keeps an event loop alive here.
 */
function isOperating(): boolean {
  return process.getActiveResourcesInfo().some((type) => /Req|ConnectWrap|WriteWrap|Immediate|MessagePort/.test(type));
}

/** Tracks the pending operations of the function's code, so that time does not leap over them. */
export class Activity {
  private readonly operations = new Set<number>();
  private readonly requests = new Set<object>();
  /** Counts everything that the code starts. */
  private begun = 0;
  private looking: NodeJS.Immediate | NodeJS.Timeout | undefined;

  constructor() {
    this.watchOperations();
    this.watchRequests();
  }

  /** The number of HTTP requests without a response. */
  get requestsInFlight(): number {
    return this.requests.size;
  }

  /** Calls back after a whole turn of the event loop in which nothing started and nothing is pending. */
  whenAtRest(callback: () => void): void {
    const { begun } = this;
    this.stopLooking();
    const look = () => {
      if (this.begun === begun && this.operations.size === 0 && !isOperating()) {
        callback();
      } else {
        this.looking = realSetTimeout(() => {
          this.whenAtRest(callback);
        }, LOOK_AGAIN_MS);
      }
    };
    // from one to the next, the event loop takes up everything that has arrived
    this.looking = realSetImmediate(() => (this.looking = realSetImmediate(look)));
  }

  stopLooking(): void {
    realClearTimeout(this.looking as NodeJS.Timeout);
    realClearImmediate(this.looking as NodeJS.Immediate);
  }

  private watchOperations(): void {
    const started = (id: number) => {
      this.operations.add(id);
      realSetTimeout(() => this.operations.delete(id), MISSED_MS).unref();
    };
    createHook({
      init: (id, type, _trigger, resource: { readonly ondone?: unknown; readonly pid?: unknown }) => {
        // whenAtRest creates these itself
        this.begun += type === 'Immediate' || type === 'Timeout' ? 0 : 1;
        if (type === 'PROMISE') {
          return;
        }
        if (OPERATIONS.test(type)) {
          started(id);
        } else if (JOBS.test(type)) {
          queueMicrotask(() => {
            if (typeof resource.ondone === 'function' || typeof resource.pid === 'number') {
              started(id);
            }
          });
        }
      },
      after: (id) => this.operations.delete(id),
    }).enable();
  }

  /** A response begins with its head; the rest of it has arrived, too, once the server has handed it to the socket. */
  private watchRequests(): void {
    const sent = (request: object) => {
      this.requests.add(request);
    };
    const answered = (request: object) => {
      this.requests.delete(request);
    };
    subscribe('http.client.request.start', (message) => {
      const { request } = message as { request: ClientRequest };
      sent(request);
      request.once('close', () => {
        answered(request);
      });
    });
    for (const [channel, count] of [
      ['http.client.response.finish', answered],
      ['undici:request:create', sent],
      ['undici:request:headers', answered],
      ['undici:request:error', answered],
    ] as const) {
      subscribe(channel, (message) => {
        count((message as { request: object }).request);
      });
    }
  }
}

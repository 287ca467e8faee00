import { createHook } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { Counter } from '../protocol';

/** Operations that Node carries out on other threads or in the kernel while the event loop is idle, and that end by themselves. */
const OPERATIONS =
  /^(FSREQ\w+|FILEHANDLECLOSEREQ|GETADDRINFOREQWRAP|GETNAMEINFOREQWRAP|QUERYWRAP|TCPCONNECTWRAP|PIPECONNECTWRAP)$/;
/** Cryptographic jobs, which may also be done at once, and processes, which may fail to start: then nothing tells of their end. */
const JOBS = /^(PROCESSWRAP|(?!HTTP)\w+REQUEST)$/;
/** After so much real time the end of an operation was missed: a connect that fails at once has none. */
const MISSED_MS = 10_000;
/** So much real time is enough for a body to arrive over loopback. */
const UNREAD_MS = 200;
const realSetTimeout = globalThis.setTimeout;
const realSetImmediate = globalThis.setImmediate;

/** Calls back when the event loop has polled once more. */
export function afterATurn(callback: () => void): void {
  realSetImmediate(() => realSetImmediate(callback));
}

/**
 * Whether Node itself waits for an operation that ends by itself: a file, a name, a connection, or the thread that resolves
 * imports, which is the only other end of a message port that keeps an event loop alive here.
 */
export function isOperating(): boolean {
  return process.getActiveResourcesInfo().some((type) => /Req|ConnectWrap|WriteWrap|Immediate|MessagePort/.test(type));
}

/** Counts what the function's code has under way, so that time does not leap over it. */
export function countActivity(counters: Int32Array): void {
  const operations = new Set<number>();
  const started = (id: number) => {
    operations.add(id);
    Atomics.add(counters, Counter.pendingOperations, 1);
    realSetTimeout(() => {
      ended(id);
    }, MISSED_MS).unref();
  };
  const ended = (id: number) => {
    if (operations.delete(id)) {
      Atomics.sub(counters, Counter.pendingOperations, 1);
    }
  };
  createHook({
    init: (id, type, _trigger, resource: { readonly ondone?: unknown; readonly pid?: unknown }) => {
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
    after: ended,
  }).enable();

  const requests = new WeakSet();
  const sent = (request: object) => {
    requests.add(request);
    Atomics.add(counters, Counter.requestsInFlight, 1);
  };
  const answered = (request: object) => {
    if (requests.delete(request)) {
      Atomics.sub(counters, Counter.requestsInFlight, 1);
    }
  };
  subscribe('http.client.request.start', (message) => {
    const { request } = message as { request: ClientRequest };
    sent(request);
    request.once('close', () => {
      answered(request);
    });
  });
  // a response begins with its head: its body may still be on its way, unless nobody reads it
  const begun = (request: object) => {
    realSetTimeout(() => {
      answered(request);
    }, UNREAD_MS).unref();
  };
  subscribe('http.client.response.finish', (message) => {
    begun((message as { request: object }).request);
  });
  for (const [channel, count] of [
    ['undici:request:create', sent],
    ['undici:request:headers', begun],
    ['undici:request:trailers', answered],
    ['undici:request:error', answered],
  ] as const) {
    subscribe(channel, (message) => {
      count((message as { request: object }).request);
    });
  }
}

import { createHook } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

/** Async resource types of operations that run in other threads or in the kernel while the event loop is idle. */
const OPERATION_TYPES =
  /^(FSREQ\w+|FILEHANDLECLOSEREQ|GETADDRINFOREQWRAP|GETNAMEINFOREQWRAP|QUERYWRAP|TCPCONNECTWRAP|PIPECONNECTWRAP)$/;
/** Async resource types of child processes and cryptographic jobs, such as `PBKDF2REQUEST`. */
const JOB_TYPES = /^(PROCESSWRAP|(?!HTTP)\w+REQUEST)$/;
/** After this real time, an operation counts as ended: no hook reports the end of a connection attempt that fails immediately. */
const OPERATION_TIMEOUT_MS = 10_000;
/** The interval between two checks for pending operations, in real milliseconds. */
const CHECK_INTERVAL_MS = 1;
const realSetTimeout = globalThis.setTimeout;
const realSetImmediate = globalThis.setImmediate;
const realClearTimeout = globalThis.clearTimeout;
const realClearImmediate = globalThis.clearImmediate;

/**
 * Whether Node.js waits for a pending operation: a file, a DNS lookup, a connection, or the thread that resolves imports. A
 * message port in the list belongs to that thread: the port to the rehearsal is not in it, because it is unreferenced (`bootstrap.ts`).
 */
function hasPendingOperations(): boolean {
  return process.getActiveResourcesInfo().some((type) => /Req|ConnectWrap|WriteWrap|Immediate|MessagePort/.test(type));
}

/** Tracks the pending operations of the function's code, so that time does not leap over them. */
export class Activity {
  private readonly operations = new Set<number>();
  private readonly requests = new Set<object>();
  /** The number of operations that the code has started so far. */
  private startedCount = 0;
  private nextCheck: NodeJS.Immediate | NodeJS.Timeout | undefined;

  constructor() {
    this.watchOperations();
    this.watchRequests();
  }

  /** The number of HTTP requests without a response. */
  get requestsInFlight(): number {
    return this.requests.size;
  }

  /** Calls back after a whole turn of the event loop in which no operation started or was pending. */
  whenIdle(callback: () => void): void {
    const { startedCount } = this;
    this.stopChecking();
    const check = () => {
      if (this.startedCount === startedCount && this.operations.size === 0 && !hasPendingOperations()) {
        callback();
      } else {
        this.nextCheck = realSetTimeout(() => {
          this.whenIdle(callback);
        }, CHECK_INTERVAL_MS);
      }
    };
    // between two immediates, the event loop handles everything that has arrived
    this.nextCheck = realSetImmediate(() => (this.nextCheck = realSetImmediate(check)));
  }

  stopChecking(): void {
    realClearTimeout(this.nextCheck as NodeJS.Timeout);
    realClearImmediate(this.nextCheck as NodeJS.Immediate);
  }

  private watchOperations(): void {
    const addOperation = (id: number) => {
      this.operations.add(id);
      realSetTimeout(() => this.operations.delete(id), OPERATION_TIMEOUT_MS).unref();
    };
    createHook({
      init: (id, type, _trigger, resource: { readonly ondone?: unknown; readonly pid?: unknown }) => {
        // `whenIdle` itself creates immediates and timeouts
        this.startedCount += type === 'Immediate' || type === 'Timeout' ? 0 : 1;
        if (type === 'PROMISE') {
          return;
        }
        if (OPERATION_TYPES.test(type)) {
          addOperation(id);
        } else if (JOB_TYPES.test(type)) {
          // No hook reports the end of a synchronous job, which has no `ondone`, or of a process that failed to start, which has no
          // `pid`. Node.js sets both only after this hook.
          queueMicrotask(() => {
            if (typeof resource.ondone === 'function' || typeof resource.pid === 'number') {
              addOperation(id);
            }
          });
        }
      },
      after: (id) => this.operations.delete(id),
    }).enable();
  }

  /** A request counts as answered when the head of the response arrives, because the server sends head and body together. */
  private watchRequests(): void {
    const addRequest = (request: object) => {
      this.requests.add(request);
    };
    const removeRequest = (request: object) => {
      this.requests.delete(request);
    };
    subscribe('http.client.request.start', (message) => {
      const { request } = message as { request: ClientRequest };
      addRequest(request);
      request.once('close', () => {
        removeRequest(request);
      });
    });
    for (const [channel, update] of [
      ['http.client.response.finish', removeRequest],
      ['undici:request:create', addRequest],
      ['undici:request:headers', removeRequest],
      ['undici:request:error', removeRequest],
    ] as const) {
      subscribe(channel, (message) => {
        update((message as { request: object }).request);
      });
    }
  }
}

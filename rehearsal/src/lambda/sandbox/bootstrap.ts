import { syncBuiltinESMExports } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { randomNumbers } from '../../random-numbers';
import { SharedTime } from '../../time/shared-time';
import type { MessageFromSandbox, FunctionError, SandboxSettings, MessageToSandbox } from '../protocol';
import { Activity } from './activity';
import { confineModules, loadHandler, type Handler } from './modules';
import { hideHomeDirectory, redirectToRehearsal, rehearseSocketTimeouts } from './network';
import { installTime } from './time';
import { Timers } from './timers';

/*
 * Lambda's runtime in a worker thread. It prepares the environment, loads the function's code, and runs invocations.
 */

if (!parentPort) {
  throw new Error('bootstrap.ts must run in a worker thread');
}
const port = parentPort;
const settings = workerData as SandboxSettings;
const exit = process.exit.bind(process);
const time = new SharedTime(settings.time);
installTime(time);
// the jitter of retries must be the same in every run
Math.random = randomNumbers(settings.seed);
const timers = new Timers(time);
timers.install();
rehearseSocketTimeouts(timers);
redirectToRehearsal(settings.responseEndpoint);
hideHomeDirectory();
syncBuiltinESMExports();
const activity = new Activity();
confineModules(settings.taskRoot, settings.runtimeModule);

function send(message: MessageFromSandbox): void {
  port.postMessage(message);
}

/** Whether the console writes the current output. Lambda's runtime formats only such output. */
let isFromConsole = false;
for (const method of ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const) {
  const print = console[method].bind(console);
  console[method] = (...values: unknown[]) => {
    isFromConsole = true;
    try {
      print(...values);
    } finally {
      isFromConsole = false;
    }
  };
}

for (const stream of [process.stdout, process.stderr]) {
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    send({ kind: 'output', text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString(), isFromConsole });
    const onWritten = rest.find((argument) => typeof argument === 'function') as (() => void) | undefined;
    onWritten?.();
    return true;
  };
}

function functionErrorOf(error: unknown): FunctionError {
  if (error instanceof Error) {
    return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

// 129 and 128 are the exit codes of Lambda's runtime
process.on('uncaughtException', (error) => {
  send({ kind: 'error', error: functionErrorOf(error), threadExits: true });
  exit(129);
});
process.on('unhandledRejection', (reason) => {
  const { errorMessage, errorType, trace } = functionErrorOf(reason);
  const error = { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: `${errorType}: ${errorMessage}`, trace };
  send({ kind: 'error', error, threadExits: true });
  exit(128);
});

/** Ends the current invocation when the event loop is empty. Set only during an invocation. */
let onEmptyEventLoop: (() => void) | undefined;
process.on('beforeExit', () => {
  onEmptyEventLoop?.();
});

/** The id of the last `reportWhenIdle` message. Undefined after the reply. */
let queryId: number | undefined;

/** Replies as soon as the thread only waits. If the event loop is empty, `beforeExit` ends the invocation instead. */
function replyWhenIdle(): void {
  if (queryId === undefined) {
    return;
  }
  activity.whenIdle(() => {
    if (queryId !== undefined && (!onEmptyEventLoop || process.getActiveResourcesInfo().length > 0)) {
      send({ kind: 'idle', queryId, nextWakeUp: timers.nextWakeUp, requestsInFlight: activity.requestsInFlight });
      queryId = undefined;
    }
  });
}

function invoke(handler: Handler, message: MessageToSandbox & { kind: 'invoke' }): void {
  let hasEnded = false;
  const end = (outcome: MessageFromSandbox) => {
    if (!hasEnded) {
      hasEnded = true;
      onEmptyEventLoop = undefined;
      activity.stopChecking();
      port.ref();
      timers.freeze();
      send(outcome);
    }
  };
  const succeed = (result?: unknown) => {
    end({ kind: 'result', payload: JSON.stringify(result ?? null) });
  };
  const fail = (error: unknown) => {
    end({ kind: 'error', error: functionErrorOf(error), threadExits: false });
  };
  const callback = (error?: unknown, result?: unknown) => {
    const settle = () => {
      if (error === undefined || error === null) {
        succeed(result);
      } else {
        fail(error);
      }
    };
    if (context.callbackWaitsForEmptyEventLoop) {
      endWithCallback ??= settle;
    } else {
      settle();
    }
  };
  /** Ends the invocation with the result that the handler passed to the callback. */
  let endWithCallback: (() => void) | undefined;
  const context = {
    ...settings.context,
    callbackWaitsForEmptyEventLoop: true,
    awsRequestId: message.requestId,
    invokedFunctionArn: message.invokedFunctionArn,
    getRemainingTimeInMillis: () => Math.max(0, message.deadline - Math.floor(time.read() / 1000)),
    // the deprecated methods of Lambda's context
    done: callback,
    succeed: (result?: unknown) => {
      callback(undefined, result);
    },
    fail: (error: unknown) => {
      callback(error ?? new Error('handled'));
    },
  };
  timers.thaw();
  // during an invocation, only the pending operations of the function keep the event loop alive, as in Lambda
  port.unref();
  try {
    const result = handler(JSON.parse(message.payload), context, callback);
    if (isThenable(result)) {
      const error = { errorType: 'Runtime.NodeJsExit', errorMessage: 'the event loop became empty before the handler returned' };
      const failUnsettled = () => {
        end({ kind: 'error', error, threadExits: true });
      };
      onEmptyEventLoop = () => {
        (endWithCallback ?? failUnsettled)();
      };
      result.then(succeed, fail);
    } else {
      onEmptyEventLoop = () => {
        (endWithCallback ?? succeed)();
      };
    }
  } catch (error) {
    fail(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** Undefined until the function's code is loaded. */
let loadedHandler: Handler | undefined;

port.on('message', (message: MessageToSandbox) => {
  switch (message.kind) {
    case 'invoke':
      if (loadedHandler) {
        invoke(loadedHandler, message);
        replyWhenIdle();
      }
      break;
    case 'wake':
      timers.fireDue();
      break;
    case 'exit':
      exit(0);
      break;
    case 'reportWhenIdle':
      queryId = message.queryId;
      // between two invocations, the reply waits until the next invocation is idle
      if (!loadedHandler || onEmptyEventLoop) {
        replyWhenIdle();
      }
      break;
  }
});
// during loading, too, only the pending operations of the code keep the event loop alive
port.unref();

void loadHandler(settings.taskRoot, settings.handler, settings.runtimeModule).then(
  (handler) => {
    loadedHandler = handler;
    port.ref();
    send({ kind: 'ready' });
  },
  (error: unknown) => {
    send({ kind: 'failedToStart', error: functionErrorOf(error) });
  },
);

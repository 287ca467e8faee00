import { syncBuiltinESMExports } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { randomNumbers } from '../../random-numbers';
import { SharedTime } from '../../time/shared-time';
import type { FromSandbox, FunctionError, SandboxSettings, ToSandbox } from '../protocol';
import { Activity } from './activity';
import { confineModules, loadHandler, type Handler } from './modules';
import { hideHost, redirectToRehearsal, rehearseSocketTimeouts } from './network';
import { installTime } from './time';
import { Timers } from './timers';

/** Lambda's runtime in a worker thread: prepares the environment, loads the function's code, and runs invocations. */

if (!parentPort) {
  throw new Error('the bootstrap runs in a worker thread only');
}
const port = parentPort;
const settings = workerData as SandboxSettings;
const exit = process.exit.bind(process);
const time = new SharedTime(settings.time);
installTime(time);
// makes the jitter of retries the same in every run
Math.random = randomNumbers(settings.seed);
const timers = new Timers(time);
timers.install();
rehearseSocketTimeouts(timers);
redirectToRehearsal(settings.responseEndpoint);
hideHost();
syncBuiltinESMExports();
const activity = new Activity();
confineModules(settings.taskRoot, settings.runtimeModule);

function send(message: FromSandbox): void {
  port.postMessage(message);
}

/** Whether the current output comes from the console. Lambda's runtime replaces the methods of the console. */
let fromConsole = false;
for (const method of ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const) {
  const print = console[method].bind(console);
  console[method] = (...values: unknown[]) => {
    fromConsole = true;
    try {
      print(...values);
    } finally {
      fromConsole = false;
    }
  };
}

for (const stream of [process.stdout, process.stderr]) {
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    send({ kind: 'output', text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString(), fromConsole });
    const written = rest.find((argument) => typeof argument === 'function') as (() => void) | undefined;
    written?.();
    return true;
  };
}

function describe(error: unknown): FunctionError {
  if (error instanceof Error) {
    return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

process.on('uncaughtException', (error) => {
  send({ kind: 'error', error: describe(error), exits: true });
  exit(129);
});
process.on('unhandledRejection', (reason) => {
  const { errorMessage, errorType, trace } = describe(reason);
  const error = { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: `${errorType}: ${errorMessage}`, trace };
  send({ kind: 'error', error, exits: true });
  exit(128);
});

/** Ends the current invocation when the event loop is empty. Set only during an invocation. */
let whenNothingIsLeft: (() => void) | undefined;
process.on('beforeExit', () => {
  whenNothingIsLeft?.();
});

/** The number of the last `atRest` message from the rehearsal. Undefined after the reply. */
let question: number | undefined;

/** Replies when the thread only waits. If the event loop is empty, `beforeExit` ends the invocation instead. */
function replyWhenAtRest(): void {
  if (question === undefined) {
    return;
  }
  activity.whenAtRest(() => {
    if (question !== undefined && (!whenNothingIsLeft || process.getActiveResourcesInfo().length > 0)) {
      send({ kind: 'atRest', question, nextWakeUp: timers.nextWakeUp, requestsInFlight: activity.requestsInFlight });
      question = undefined;
    }
  });
}

function invoke(handler: Handler, message: ToSandbox & { kind: 'invoke' }): void {
  let ended = false;
  const end = (message: FromSandbox) => {
    if (!ended) {
      ended = true;
      whenNothingIsLeft = undefined;
      activity.stopChecking();
      port.ref();
      timers.freeze();
      send(message);
    }
  };
  const succeed = (result?: unknown) => {
    end({ kind: 'result', payload: JSON.stringify(result ?? null) });
  };
  const fail = (error: unknown) => {
    end({ kind: 'error', error: describe(error), exits: false });
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
      endWhenIdle ??= settle;
    } else {
      settle();
    }
  };
  let endWhenIdle: (() => void) | undefined;
  const context = {
    ...settings.context,
    callbackWaitsForEmptyEventLoop: true,
    awsRequestId: message.requestId,
    invokedFunctionArn: message.invokedFunctionArn,
    getRemainingTimeInMillis: () => Math.max(0, message.deadline - Math.floor(time.read() / 1000)),
    done: callback,
    succeed: (result?: unknown) => {
      callback(undefined, result);
    },
    fail: (error: unknown) => {
      callback(error ?? new Error('handled'));
    },
  };
  timers.thaw();
  // From here on, only the pending operations of the function keep the event loop alive, as in Lambda.
  port.unref();
  try {
    const result = handler(JSON.parse(message.payload), context, callback);
    if (isThenable(result)) {
      const error = { errorType: 'Runtime.NodeJsExit', errorMessage: 'the event loop ran empty before the handler returned' };
      const neverSettles = () => {
        end({ kind: 'error', error, exits: true });
      };
      whenNothingIsLeft = () => {
        (endWhenIdle ?? neverSettles)();
      };
      result.then(succeed, fail);
    } else {
      whenNothingIsLeft = () => {
        (endWhenIdle ?? succeed)();
      };
    }
  } catch (error) {
    fail(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** Set when the function's code is loaded. */
let loadedHandler: Handler | undefined;

port.on('message', (message: ToSandbox) => {
  switch (message.kind) {
    case 'invoke':
      if (loadedHandler) {
        invoke(loadedHandler, message);
        replyWhenAtRest();
      }
      break;
    case 'wake':
      timers.fireDue();
      break;
    case 'exit':
      exit(0);
      break;
    case 'atRest':
      question = message.question;
      if (!loadedHandler || whenNothingIsLeft) {
        replyWhenAtRest();
      }
      break;
  }
});
// During loading, only the pending operations of the code keep the event loop alive.
port.unref();

void loadHandler(settings.taskRoot, settings.handler, settings.runtimeModule).then(
  (handler) => {
    loadedHandler = handler;
    port.ref();
    send({ kind: 'ready' });
  },
  (error: unknown) => {
    send({ kind: 'failedToStart', error: describe(error) });
  },
);

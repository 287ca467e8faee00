import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import type { Participant, RehearsalClock, Rest } from '../../time/clock';
import type { FromSandbox, FunctionContext, FunctionError, SandboxSettings, ToSandbox } from '../protocol';
import type { EnvironmentSettings, ExecutionEnvironment, InvocationResult, Request } from '../service/execution-environment';
import { exitError, timedOut } from '../service/function-errors';

export interface ThreadEnvironmentOptions {
  readonly clock: RehearsalClock;
  readonly taskRoot: string;
  readonly handler: string;
  readonly runtimeModule: string;
  readonly responseEndpoint: SandboxSettings['responseEndpoint'];
  readonly context: FunctionContext;
  readonly variables: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  /** The seed of the random numbers for the function's code. */
  readonly seed: number;
  readonly output: EnvironmentSettings['output'];
}

/** If code is still busy after this real time, rehearsed time continues without it, and the function times out. */
const STUCK_MS = 60_000;
/** The state of a thread without timers and pending requests. */
const FOREVER_AT_REST: Rest = { nextWakeUp: Infinity, requestsInFlight: 0 };
/** The heap that the runtime itself needs, in addition to the function's memory. */
const RUNTIME_MEGABYTES = 64;

let bootstrap: string | undefined;

/** The bundled code of `bootstrap.ts`. It does not depend on the tool that runs this file (ts-jest, tsx). */
function bootstrapCode(): string {
  bootstrap ??= buildSync({
    entryPoints: [path.join(__dirname, 'bootstrap.ts')],
    bundle: true,
    platform: 'node',
    target: 'node20',
    write: false,
    logLevel: 'silent',
  }).outputFiles[0]?.text;
  return bootstrap ?? '';
}

/** An execution environment of a function. Runs one invocation at a time, and stays warm between them. */
export class ThreadEnvironment implements ExecutionEnvironment, Participant {
  lastUsed = 0;
  /** Resolves when the thread has exited. */
  readonly exited: Promise<void>;
  private readonly worker: Worker;
  private readonly started: Promise<FunctionError | undefined>;
  /** The message that the watchdog waits for. */
  private expected: FromSandbox['kind'] | 'exit' = 'ready';
  private watchdog: NodeJS.Timeout | undefined;
  private stuck = false;
  private failure: FunctionError | undefined;
  private deadline = Infinity;
  private finish: ((result: InvocationResult) => void) | undefined;
  private setStarted: (error?: FunctionError) => void = () => undefined;
  private setExited: () => void = () => undefined;
  private rest: (rest: Rest) => void = () => undefined;
  /** The last reply to `atRest`. Undefined if the thread got work since. */
  private lastRest: Rest | undefined;
  private hasWorkSinceQuestion = false;
  /** Numbers the `atRest` messages. Replies to earlier ones are ignored. */
  private question = 0;

  constructor(private readonly options: ThreadEnvironmentOptions) {
    const { clock, taskRoot, handler, runtimeModule, responseEndpoint, context, variables, seed } = options;
    const settings: SandboxSettings = {
      time: clock.time.memory,
      seed,
      taskRoot,
      handler,
      runtimeModule,
      responseEndpoint,
      context,
    };
    this.started = new Promise((resolve) => (this.setStarted = resolve));
    this.exited = new Promise((resolve) => (this.setExited = resolve));
    this.expect('ready');
    this.worker = new Worker(bootstrapCode(), {
      eval: true,
      workerData: settings,
      env: { ...variables },
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: Number(context.memoryLimitInMB) + RUNTIME_MEGABYTES },
    });
    this.worker.on('message', (message: FromSandbox) => {
      this.receive(message);
    });
    this.worker.on('error', (error: Error & { code?: string }) => {
      this.end(exitError(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'signal: killed' : error.message));
    });
    this.worker.on('exit', (code) => {
      clearTimeout(this.watchdog);
      this.end(exitError(code === 0 ? 'no reason provided' : `exit status ${code}`));
      this.setExited();
    });
  }

  get usable(): boolean {
    return !this.failure;
  }

  async invoke({ requestId, arn, payload }: Request): Promise<InvocationResult> {
    const { clock, timeoutSeconds } = this.options;
    const leave = clock.join(this);
    let cancelTimeout: () => void = () => undefined;
    try {
      const failure = (await this.started) ?? this.failure;
      if (failure) {
        this.end(failure);
        return { functionError: failure };
      }
      this.deadline = clock.now() + timeoutSeconds * 1000;
      const result = new Promise<InvocationResult>((resolve) => (this.finish = resolve));
      cancelTimeout = clock.after(timeoutSeconds * 1000, () => {
        this.timeOut();
      });
      this.setToWork({ kind: 'invoke', requestId, invokedFunctionArn: arn, payload, deadline: this.deadline });
      return await result;
    } finally {
      cancelTimeout();
      if (this.expected === 'atRest') {
        // The invocation has ended: do not wait for the reply.
        clearTimeout(this.watchdog);
      }
      this.question++;
      this.rest(FOREVER_AT_REST);
      leave();
      this.lastUsed = clock.now();
    }
  }

  /** Terminates the environment immediately. */
  kill(): void {
    this.end(exitError('signal: killed'));
  }

  atRest(): Promise<Rest> {
    if (this.failure !== undefined || this.stuck) {
      return Promise.resolve(FOREVER_AT_REST);
    }
    if (this.lastRest?.requestsInFlight === 0) {
      return Promise.resolve(this.lastRest);
    }
    return new Promise((resolve) => {
      this.rest = resolve;
      this.hasWorkSinceQuestion = false;
      this.expect('atRest');
      this.question++;
      this.worker.postMessage({ kind: 'atRest', question: this.question } satisfies ToSandbox);
    });
  }

  wake(): void {
    this.setToWork({ kind: 'wake' });
  }

  private setToWork(message: ToSandbox): void {
    this.lastRest = undefined;
    this.hasWorkSinceQuestion = true;
    this.worker.postMessage(message);
  }

  private expect(message: FromSandbox['kind'] | 'exit'): void {
    this.expected = message;
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      this.handleStuckThread();
    }, STUCK_MS).unref();
  }

  private receive(message: FromSandbox): void {
    this.stuck = false;
    if (message.kind === this.expected && (message.kind !== 'atRest' || message.question === this.question)) {
      clearTimeout(this.watchdog);
    }
    switch (message.kind) {
      case 'ready':
        this.setStarted();
        break;
      case 'atRest':
        if (message.question === this.question) {
          this.lastRest = this.hasWorkSinceQuestion ? undefined : message;
          this.rest(message);
        }
        break;
      case 'failedToStart':
        this.setStarted(message.error);
        break;
      case 'output':
        this.options.output(message.text, message.fromConsole);
        break;
      case 'result':
        this.settle({ payload: message.payload });
        break;
      case 'error':
        this.setStarted(message.error);
        this.settle({ functionError: message.error });
        if (message.exits) {
          this.kill();
        }
        break;
    }
  }

  private settle(result: InvocationResult): void {
    if (this.finish !== undefined && this.options.clock.now() > this.deadline) {
      // the code was busy past its deadline, so that the timeout could not interrupt it
      this.timeOut();
      return;
    }
    this.finish?.(result);
    this.finish = undefined;
  }

  private timeOut(): void {
    this.end(timedOut(this.options.timeoutSeconds));
  }

  /** Handles a thread that has not sent the expected message in time. */
  private handleStuckThread(): void {
    this.stuck = true;
    if (this.failure !== undefined) {
      void this.worker.terminate();
    } else if (this.finish === undefined) {
      this.timeOut();
    } else {
      this.rest(FOREVER_AT_REST);
    }
  }

  /** Ends the environment. A running invocation fails with `failure`. */
  private end(failure: FunctionError): void {
    if (this.failure) {
      return;
    }
    this.failure = failure;
    this.rest(FOREVER_AT_REST);
    this.setStarted(failure);
    this.finish?.({ functionError: failure });
    this.finish = undefined;
    this.stop();
  }

  /** Stops the thread. Rehearsed time waits until the thread has exited, because its connections end only then. */
  private stop(): void {
    const leave = this.options.clock.join({
      atRest: () => this.exited.then(() => FOREVER_AT_REST),
      wake: () => undefined,
    });
    void this.exited.then(leave);
    if (this.stuck) {
      void this.worker.terminate();
    } else {
      // ask the thread to exit: terminating it while it parses socket data would crash the whole process
      this.setToWork({ kind: 'exit' });
      this.expect('exit');
    }
  }
}

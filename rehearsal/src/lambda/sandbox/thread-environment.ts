import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import type { Participant, RehearsalClock, IdleState } from '../../time/clock';
import type { MessageFromSandbox, FunctionContext, FunctionError, SandboxSettings, MessageToSandbox } from '../protocol';
import type {
  EnvironmentSettings,
  ExecutionEnvironment,
  InvocationResult,
  InvocationRequest,
} from '../service/execution-environment';
import { exitError, timeoutError } from '../service/function-errors';

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

/** If the code is still busy after this real time, rehearsed time no longer waits for the code, and the function times out. */
const STUCK_MS = 60_000;
/** The state of a thread without timers and pending requests. */
const IDLE_FOREVER: IdleState = { nextWakeUp: Infinity, requestsInFlight: 0 };
/** The heap that the runtime itself needs, in addition to the function's memory. */
const RUNTIME_MEGABYTES = 64;

let bootstrap: string | undefined;

/** The code of `bootstrap.ts`. It is bundled because a thread can't load TypeScript, neither under ts-jest nor under tsx. */
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

/** An execution environment whose code runs in a thread. It runs one invocation at a time, and stays warm in between. */
export class ThreadEnvironment implements ExecutionEnvironment, Participant {
  lastUsedAt = 0;
  /** Resolves when the thread has exited. */
  readonly exited: Promise<void>;
  private readonly worker: Worker;
  /** Resolves when the code is loaded, or with the error if the code cannot be loaded. */
  private readonly whenStarted: Promise<FunctionError | undefined>;
  /** The message from the thread that the watchdog waits for. */
  private expectedMessage: MessageFromSandbox['kind'] | 'exit' = 'ready';
  /** Reports the thread as stuck if the expected message does not arrive in time. */
  private watchdog: NodeJS.Timeout | undefined;
  private isStuck = false;
  /** Why the environment has ended; undefined before its end. */
  private failure: FunctionError | undefined;
  /** When the running invocation times out, in milliseconds since the epoch. */
  private deadline = Infinity;
  /** Ends the running invocation. Undefined while there is none. */
  private resolveInvocation: ((result: InvocationResult) => void) | undefined;
  private resolveStarted: (error?: FunctionError) => void = () => undefined;
  private resolveExited: () => void = () => undefined;
  private resolveIdle: (state: IdleState) => void = () => undefined;
  /** The last reply to `reportWhenIdle`. Undefined after the thread has received work. */
  private lastIdleState: IdleState | undefined;
  /** Whether the thread has received work since the last `reportWhenIdle` message. */
  private hasWorkSinceQuery = false;
  /** The id of the last `reportWhenIdle` message. Replies to earlier messages are ignored. */
  private queryId = 0;

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
    this.whenStarted = new Promise((resolve) => (this.resolveStarted = resolve));
    this.exited = new Promise((resolve) => (this.resolveExited = resolve));
    this.expectMessage('ready');
    this.worker = new Worker(bootstrapCode(), {
      eval: true,
      workerData: settings,
      env: { ...variables },
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: Number(context.memoryLimitInMB) + RUNTIME_MEGABYTES },
    });
    this.worker.on('message', (message: MessageFromSandbox) => {
      this.receive(message);
    });
    this.worker.on('error', (error: Error & { code?: string }) => {
      this.endWith(exitError(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'signal: killed' : error.message));
    });
    this.worker.on('exit', (code) => {
      clearTimeout(this.watchdog);
      this.endWith(exitError(code === 0 ? 'no reason provided' : `exit status ${code}`));
      this.resolveExited();
    });
  }

  get isUsable(): boolean {
    return !this.failure;
  }

  async invoke({ requestId, arn, payload }: InvocationRequest): Promise<InvocationResult> {
    const { clock, timeoutSeconds } = this.options;
    const leaveClock = clock.join(this);
    let cancelTimeout: () => void = () => undefined;
    try {
      const failure = (await this.whenStarted) ?? this.failure;
      if (failure) {
        this.endWith(failure);
        return { functionError: failure };
      }
      this.deadline = clock.now() + timeoutSeconds * 1000;
      const result = new Promise<InvocationResult>((resolve) => (this.resolveInvocation = resolve));
      cancelTimeout = clock.callAfter(timeoutSeconds * 1000, () => {
        this.timeOut();
      });
      this.sendWork({ kind: 'invoke', requestId, invokedFunctionArn: arn, payload, deadline: this.deadline });
      return await result;
    } finally {
      cancelTimeout();
      if (this.expectedMessage === 'idle') {
        // the invocation has ended: do not wait for the reply
        clearTimeout(this.watchdog);
      }
      this.queryId++;
      this.resolveIdle(IDLE_FOREVER);
      leaveClock();
      this.lastUsedAt = clock.now();
    }
  }

  /** Terminates the environment immediately. */
  kill(): void {
    this.endWith(exitError('signal: killed'));
  }

  waitUntilIdle(): Promise<IdleState> {
    if (this.failure !== undefined || this.isStuck) {
      return Promise.resolve(IDLE_FOREVER);
    }
    // without requests in flight, only new work can change the state
    if (this.lastIdleState?.requestsInFlight === 0) {
      return Promise.resolve(this.lastIdleState);
    }
    return new Promise((resolve) => {
      this.resolveIdle = resolve;
      this.hasWorkSinceQuery = false;
      this.expectMessage('idle');
      this.queryId++;
      this.worker.postMessage({ kind: 'reportWhenIdle', queryId: this.queryId } satisfies MessageToSandbox);
    });
  }

  wake(): void {
    this.sendWork({ kind: 'wake' });
  }

  private sendWork(message: MessageToSandbox): void {
    this.lastIdleState = undefined;
    this.hasWorkSinceQuery = true;
    this.worker.postMessage(message);
  }

  private expectMessage(message: MessageFromSandbox['kind'] | 'exit'): void {
    this.expectedMessage = message;
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      this.handleStuckThread();
    }, STUCK_MS).unref();
  }

  private receive(message: MessageFromSandbox): void {
    this.isStuck = false;
    if (message.kind === this.expectedMessage && (message.kind !== 'idle' || message.queryId === this.queryId)) {
      clearTimeout(this.watchdog);
    }
    switch (message.kind) {
      case 'ready':
        this.resolveStarted();
        break;
      case 'idle':
        if (message.queryId === this.queryId) {
          this.lastIdleState = this.hasWorkSinceQuery ? undefined : message;
          this.resolveIdle(message);
        }
        break;
      case 'failedToStart':
        this.resolveStarted(message.error);
        break;
      case 'output':
        this.options.output(message.text, message.isFromConsole);
        break;
      case 'result':
        this.settle({ payload: message.payload });
        break;
      case 'error':
        this.resolveStarted(message.error);
        this.settle({ functionError: message.error });
        if (message.threadExits) {
          this.kill();
        }
        break;
    }
  }

  private settle(result: InvocationResult): void {
    if (this.resolveInvocation !== undefined && this.options.clock.now() > this.deadline) {
      // the code was busy until after its deadline, so the timeout could not interrupt it
      this.timeOut();
      return;
    }
    this.resolveInvocation?.(result);
    this.resolveInvocation = undefined;
  }

  private timeOut(): void {
    this.endWith(timeoutError(this.options.timeoutSeconds));
  }

  /** Called when the thread has not sent the expected message in time. */
  private handleStuckThread(): void {
    this.isStuck = true;
    if (this.failure !== undefined) {
      // the thread does not exit by itself
      void this.worker.terminate();
    } else if (this.resolveInvocation === undefined) {
      // the code does not finish loading
      this.timeOut();
    } else {
      // time leaps to the timeout of the invocation
      this.resolveIdle(IDLE_FOREVER);
    }
  }

  /** Ends the environment. A running invocation fails with `failure`. */
  private endWith(failure: FunctionError): void {
    if (this.failure) {
      return;
    }
    this.failure = failure;
    this.resolveIdle(IDLE_FOREVER);
    this.resolveStarted(failure);
    this.resolveInvocation?.({ functionError: failure });
    this.resolveInvocation = undefined;
    this.stop();
  }

  /** Stops the thread. Rehearsed time stands still until the thread has exited, because the thread's connections end only then. */
  private stop(): void {
    const leaveClock = this.options.clock.join({
      waitUntilIdle: () => this.exited.then(() => IDLE_FOREVER),
      wake: () => undefined,
    });
    void this.exited.then(leaveClock);
    if (this.isStuck) {
      void this.worker.terminate();
    } else {
      // the thread must exit by itself: terminating it while it parses socket data would crash the whole process
      this.sendWork({ kind: 'exit' });
      this.expectMessage('exit');
    }
  }
}

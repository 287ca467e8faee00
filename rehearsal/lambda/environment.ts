import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import type { Participant, RehearsalClock } from '../clock';
import type { ExecutionEnvironment, InvocationResult } from './execution';
import { exitError, timedOut } from './failures';
import type { Request } from './pool';
import {
  Counter,
  COUNTERS,
  type FromSandbox,
  type FunctionContext,
  type FunctionError,
  type SandboxSettings,
  type ToSandbox,
} from './protocol';

export interface EnvironmentOptions {
  readonly clock: RehearsalClock;
  readonly taskRoot: string;
  readonly handler: string;
  readonly runtimeModule: string;
  readonly responseEndpoint: SandboxSettings['responseEndpoint'];
  readonly context: FunctionContext;
  readonly variables: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly output: (text: string) => void;
}

/** Less active time than this, in milliseconds, is the inaccuracy of measuring it. */
const INACTIVE_MS = 0.05;
/** Real time that a thread which is told to exit has for it. */
const EXIT_MS = 1000;
/** What the runtime itself takes of the heap, beside the function's memory. */
const RUNTIME_MEGABYTES = 64;

let bootstrap: string | undefined;

/** The sandbox's bootstrap as one piece of JavaScript: the same under every way of running this file. */
function bootstrapCode(): string {
  bootstrap ??= buildSync({
    entryPoints: [path.join(__dirname, 'sandbox', 'bootstrap.ts')],
    bundle: true,
    platform: 'node',
    target: 'node20',
    write: false,
    logLevel: 'silent',
  }).outputFiles[0]?.text;
  return bootstrap ?? '';
}

/** One execution environment of a function: runs one invocation at a time, and stays warm in between. */
export class Environment implements ExecutionEnvironment, Participant {
  lastUsed = 0;
  private readonly counters = new Int32Array(new SharedArrayBuffer(4 * COUNTERS));
  private readonly wakeUp = new Float64Array(new SharedArrayBuffer(8));
  private readonly worker: Worker;
  private readonly started: Promise<FunctionError | undefined>;
  private active = 0;
  private ready = false;
  private failure: FunctionError | undefined;
  private finish: ((result: InvocationResult) => void) | undefined;
  private setStarted: (error?: FunctionError) => void = () => undefined;
  private rest: (rests: boolean) => void = () => undefined;

  constructor(private readonly options: EnvironmentOptions) {
    this.wakeUp[0] = Infinity;
    const { clock, taskRoot, handler, runtimeModule, responseEndpoint, context, variables } = options;
    const settings: SandboxSettings = {
      clockOffset: clock.offset,
      counters: this.counters,
      nextWakeUp: this.wakeUp,
      taskRoot,
      handler,
      runtimeModule,
      responseEndpoint,
      context,
    };
    this.started = new Promise((resolve) => (this.setStarted = resolve));
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
      Atomics.add(this.counters, Counter.takenFromSandbox, 1);
      this.receive(message);
    });
    this.worker.on('error', (error: Error & { code?: string }) => {
      this.end(exitError(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'signal: killed' : error.message));
    });
    this.worker.on('exit', (code) => {
      this.end(exitError(code === 0 ? 'no reason provided' : `exit status ${code}`));
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
      this.measureActivity();
      const deadline = clock.now() + timeoutSeconds * 1000;
      const result = new Promise<InvocationResult>((resolve) => (this.finish = resolve));
      cancelTimeout = clock.after(timeoutSeconds * 1000, () => {
        this.end(timedOut(timeoutSeconds));
      });
      this.post({ kind: 'invoke', requestId, invokedFunctionArn: arn, payload, deadline });
      return await result;
    } finally {
      cancelTimeout();
      leave();
      this.lastUsed = clock.now();
    }
  }

  /** Ends it from outside, at once. */
  kill(): void {
    this.end(exitError('signal: killed'));
  }

  busy(now: number): boolean {
    const activity = this.measureActivity();
    const due = this.nextWakeUp() <= now;
    return (
      !this.failure &&
      (!this.ready || this.messagesUnderWay() || this.count('pendingOperations') > 0 || due || activity > INACTIVE_MS)
    );
  }

  requestsInFlight(): number {
    return this.failure ? 0 : this.count('requestsInFlight');
  }

  nextWakeUp(): number {
    return this.failure ? Infinity : (this.wakeUp[0] ?? Infinity);
  }

  leapt(now: number): void {
    if (this.nextWakeUp() <= now && !this.messagesUnderWay()) {
      this.post({ kind: 'leapt' });
    }
  }

  atRest(): Promise<boolean> {
    if (this.failure !== undefined) {
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      this.rest = resolve;
      this.post({ kind: 'atRest' });
    });
  }

  private count(counter: keyof typeof Counter): number {
    return Atomics.load(this.counters, Counter[counter]);
  }

  private messagesUnderWay(): boolean {
    return (
      this.count('sentToSandbox') !== this.count('takenBySandbox') ||
      this.count('sentBySandbox') !== this.count('takenFromSandbox')
    );
  }

  /** How long the sandbox's event loop was active since this was last asked, in milliseconds. */
  private measureActivity(): number {
    const { active } = this.worker.performance.eventLoopUtilization();
    const before = this.active;
    this.active = active;
    return active - before;
  }

  private post(message: ToSandbox): void {
    Atomics.add(this.counters, Counter.sentToSandbox, 1);
    this.worker.postMessage(message);
  }

  private receive(message: FromSandbox): void {
    switch (message.kind) {
      case 'ready':
        this.ready = true;
        this.setStarted();
        break;
      case 'atRest':
        this.rest(message.rests && this.count('pendingOperations') === 0);
        break;
      case 'failedToStart':
        this.setStarted(message.error);
        break;
      case 'output':
        this.options.output(message.text);
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
    this.finish?.(result);
    this.finish = undefined;
  }

  /** Nothing of it goes on; an invocation under way fails with `failure`. */
  private end(failure: FunctionError): void {
    if (this.failure) {
      return;
    }
    this.failure = failure;
    this.rest(true);
    this.setStarted(failure);
    this.settle({ functionError: failure });
    // a thread that is stopped from outside while it parses what a socket brought takes the whole process with it
    this.post({ kind: 'exit' });
    setTimeout(() => void this.worker.terminate(), EXIT_MS).unref();
  }
}

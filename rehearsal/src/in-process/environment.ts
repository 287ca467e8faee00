import { format } from 'node:util';
import type { SimulatedAws } from '../aws';
import type { Journal } from '../journal';
import type { FunctionError } from '../lambda/protocol';
import type {
  EnvironmentSettings,
  ExecutionEnvironment,
  InvocationResult,
  InvocationRequest,
} from '../lambda/service/execution-environment';
import { exitError, timeoutError } from '../lambda/service/function-errors';
import type { RehearsalClock } from '../time/clock';
import { connectionResetError, malformedOutputError, requestTimeoutError, sdkError, sendAs } from './calls';
import type { CreateHandler, HandlerLogRecord, HandlerServices, Send } from './handler';
import type { CallFault, InvocationPoint, Faults } from './handler-faults';
import { rehearsedTime } from './handler-time';
import { KillableProcess } from './killable';
import type { InProcessResponses } from './responses';

/** What all execution environments of a rehearsal share. */
export interface EnvironmentOptions {
  readonly createHandler: CreateHandler;
  readonly clock: RehearsalClock;
  readonly journal: Journal;
  readonly aws: SimulatedAws;
  readonly responses: InProcessResponses;
  /** Returns a random number from 0 up to, but not including, 1. */
  readonly random: () => number;
}

/** A call that the handler made. */
export interface RecordedCall {
  readonly service: string;
  readonly operation: string;
  readonly input: object;
  /** The type and the logical id of the request, such as `Create Peering`. */
  readonly request: string;
}

/** Injects faults into the calls of all execution environments, and records the calls. */
export interface CallControl {
  readonly faults: Faults;
  readonly calls: RecordedCall[];
  /** All secrets that the handler received. Tests check that the journal contains none of them. */
  readonly secrets: string[];
  /** The records that the handler wrote to its log. */
  readonly logRecords: HandlerLogRecord[];
  /** The number of attempts to send a response to CloudFormation. */
  putCount: number;
  invocationPointOf(payload: string): InvocationPoint;
  onResponse(body: string): void;
}

/** The timeouts of the handler's clients in milliseconds. */
const CALL_TIMEOUT_MILLISECONDS = 20_000;
const PUT_TIMEOUT_MILLISECONDS = 10_000;

/** How long a late call takes: longer than any request. */
const LATE_MILLISECONDS = 3_600_000;

/** Returns a promise that never settles. */
const neverSettles = <T>(): Promise<T> => new Promise(() => undefined);

/** An execution environment that runs the handler in this process. */
export class InProcessEnvironment implements ExecutionEnvironment {
  lastUsedAt = 0;
  /** Resolves at once, because there is no thread that must end. */
  readonly exited = Promise.resolve();
  private readonly handler: ReturnType<CreateHandler>;
  private readonly termination: Promise<InvocationResult>;
  private resolveTermination: (result: InvocationResult) => void = () => undefined;
  /** Runs everything that the handler waits for, so that a terminated handler never continues. */
  private readonly process = new KillableProcess();
  /** The type and the logical id of the request that the handler works on, such as `Create Peering`. */
  private currentRequest = '';

  constructor(
    private readonly options: EnvironmentOptions,
    private readonly control: CallControl,
    private readonly settings: EnvironmentSettings,
  ) {
    const { credentials, configuration } = settings;
    const { region } = configuration;
    control.secrets.push(credentials.secretAccessKey, credentials.sessionToken ?? '');
    this.termination = new Promise((resolve) => (this.resolveTermination = resolve));
    const time = rehearsedTime(options.clock, options.random);
    const sendWith =
      (accessKeyId: string): Send =>
      (...parameters) =>
        this.process.run(() => this.makeCall(parameters, accessKeyId));
    this.handler = options.createHandler({
      send: sendWith(credentials.accessKeyId),
      sendWith,
      put: (...response) => this.process.run(() => this.put(...response)),
      time: { ...time, sleep: (...wait) => this.process.run(() => time.sleep(...wait)) },
      log: (record) => {
        control.logRecords.push(record);
        settings.output(format(record));
      },
      region,
    });
  }

  get isUsable(): boolean {
    return !this.process.isKilled;
  }

  async invoke({ payload }: InvocationRequest): Promise<InvocationResult> {
    const { clock } = this.options;
    const point = this.control.invocationPointOf(payload);
    const seconds = this.control.faults.timeoutSeconds?.(point) ?? this.settings.configuration.timeoutSeconds;
    const deadline = clock.now() + seconds * 1000;
    const cancel = clock.callAfter(seconds * 1000, () => {
      this.terminate(timeoutError(seconds));
    });
    this.currentRequest = point.request;
    try {
      return await Promise.race([this.run(payload, deadline), this.termination]);
    } finally {
      cancel();
      this.lastUsedAt = clock.now();
    }
  }

  kill(): void {
    this.terminate(exitError('signal: killed'));
  }

  private async run(payload: string, deadline: number): Promise<InvocationResult> {
    const getRemainingTimeInMillis = (): number => Math.max(0, deadline - this.options.clock.now());
    try {
      await this.handler(JSON.parse(payload), { getRemainingTimeInMillis });
      return { payload: 'null' };
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      return { functionError: { errorType: name, errorMessage: message } };
    }
  }

  private terminate(functionError: FunctionError): void {
    this.process.kill();
    this.resolveTermination({ functionError });
  }

  /** Makes a call, or injects a fault. */
  private async makeCall([service, operation, input, signal]: Parameters<Send>, accessKeyId: string): Promise<object> {
    const { aws, journal } = this.options;
    signal.throwIfAborted();
    const { currentRequest: request } = this;
    const { calls, faults } = this.control;
    const index = calls.length;
    const fault = faults.call?.({ index, service, operation, request });
    calls.push({ service, operation, input, request });
    const performCall = async (): Promise<object> => {
      const output = await sendAs(aws, accessKeyId, this.settings.configuration.region)(service, operation, input, signal);
      this.control.secrets.push(...secretsOf(input, output));
      return output;
    };
    if (fault === undefined) {
      return this.withTimeout(CALL_TIMEOUT_MILLISECONDS, performCall(), signal, () =>
        Promise.reject(requestTimeoutError(CALL_TIMEOUT_MILLISECONDS)),
      );
    }
    journal.write('rehearsal', operation, `${JSON.stringify(fault)} at call ${index}, during ${request}`);
    if (fault.kind === 'malformed' || ('effect' in fault && fault.effect === 'after')) {
      // the call takes effect, but the fault replaces its output or error
      await performCall().catch(() => undefined);
    }
    return this.causeFault(fault, signal);
  }

  private readonly put: HandlerServices['put'] = async (url, body, signal) => {
    signal.throwIfAborted();
    this.control.onResponse(body);
    const outcome = this.sendResponse(url, body);
    switch (outcome) {
      case 'reset':
        throw connectionResetError();
      case 'hang':
        return this.withTimeout(PUT_TIMEOUT_MILLISECONDS, neverSettles(), signal, () =>
          Promise.reject(new Error('no HTTP response within 10 seconds')),
        );
      default:
        return outcome;
    }
  };

  /** Sends a response to CloudFormation, or injects a fault. @returns the HTTP status, or why there is no HTTP response */
  private sendResponse(url: string, body: string): number | 'hang' | 'reset' {
    const { journal, responses } = this.options;
    const index = this.control.putCount++;
    const fault = this.control.faults.put?.({ index, request: this.currentRequest });
    if (fault === undefined) {
      return responses.put(url, body);
    }
    journal.write('rehearsal', 'PUT', `${JSON.stringify(fault)} at PUT ${index}, during ${this.currentRequest}`);
    switch (fault.kind) {
      case 'status':
        return fault.status;
      case 'timeout':
        return 'hang';
      case 'reset':
        if (fault.effect === 'after') {
          responses.put(url, body);
        }
        return 'reset';
    }
  }

  /** Throws the error of the fault, or waits for an output that never arrives. */
  private async causeFault(fault: CallFault, signal: AbortSignal): Promise<never> {
    switch (fault.kind) {
      case 'error':
        throw sdkError(fault.name, `${fault.name} on purpose`, fault.status);
      case 'timeout':
        return this.withTimeout<never>(CALL_TIMEOUT_MILLISECONDS, neverSettles(), signal, () =>
          Promise.reject(requestTimeoutError(CALL_TIMEOUT_MILLISECONDS)),
        );
      case 'reset':
        throw connectionResetError();
      case 'late':
        return this.withTimeout<never>(LATE_MILLISECONDS, neverSettles(), signal, neverSettles);
      case 'malformed':
        throw malformedOutputError();
      case 'killed':
        this.kill();
        return neverSettles();
    }
  }

  /** Returns the result of `task`, or the result of `onTimeout` if `task` takes longer than `milliseconds`. */
  private withTimeout<T>(milliseconds: number, task: Promise<T>, signal: AbortSignal, onTimeout: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        cancel();
        signal.removeEventListener('abort', rejectWithReason);
        settle();
      };
      const rejectWithReason = (): void => {
        finish(() => {
          reject(signal.reason as Error);
        });
      };
      const cancel = this.options.clock.callAfter(milliseconds, () => {
        finish(() => {
          resolve(onTimeout());
        });
      });
      signal.addEventListener('abort', rejectWithReason, { once: true });
      const finishWithTask = (): void => {
        finish(() => {
          resolve(task);
        });
      };
      task.then(finishWithTask, finishWithTask);
    });
  }
}

/** The secrets in a call of AssumeRole: the external id in its input, and the credentials in its output. */
function secretsOf(input: object, output: object): string[] {
  const { ExternalId: externalId } = input as { readonly ExternalId?: string };
  const { Credentials: credentials } = output as {
    readonly Credentials?: { readonly SecretAccessKey: string; readonly SessionToken: string };
  };
  const secrets = credentials === undefined ? [] : [credentials.SecretAccessKey, credentials.SessionToken];
  return externalId === undefined ? secrets : [...secrets, externalId];
}

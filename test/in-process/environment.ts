import { format } from 'node:util';
import { readError } from '../../lambda/aws/errors';
import type { createHandler } from '../../lambda/handler';
import type { LogRecord } from '../../lambda/log';
import type { PeerRole } from '../../lambda/aws/sts';
import type { Dependencies } from '../../lambda/resources/resource';
import type { SimulatedAws } from '../../rehearsal/aws';
import type { RehearsalClock } from '../../rehearsal/clock';
import type { Journal } from '../../rehearsal/journal';
import type { EnvironmentSettings, ExecutionEnvironment, InvocationResult } from '../../rehearsal/lambda/execution';
import { exitError, timedOut } from '../../rehearsal/lambda/failures';
import type { Request } from '../../rehearsal/lambda/pool';
import type { FunctionError } from '../../rehearsal/lambda/protocol';
import { SimulatedApi, type Send } from './api';
import { malformed, reset, sdkError, sendAs, timeout } from './calls';
import type { CallFault, EventPoint, Disturbance } from './disturbance';
import type { InProcessResponses } from './responses';
import { Killable } from './killable';
import { rehearsedTime } from './time';

/** What all environments of one world share. */
export interface EnvironmentOptions {
  readonly createHandler: typeof createHandler;
  readonly clock: RehearsalClock;
  readonly journal: Journal;
  readonly aws: SimulatedAws;
  readonly responses: InProcessResponses;
  /** A number from 0 up to 1. */
  readonly random: () => number;
}

/** A call that the handler made. */
export interface MadeCall {
  readonly service: string;
  readonly operation: string;
  readonly input: object;
  readonly request: string;
}

/** Injects faults into the calls of all environments, and records the calls. */
export interface CallControl {
  readonly disturbance: Disturbance;
  readonly calls: MadeCall[];
  readonly secrets: string[];
  /** What the handler logged. */
  readonly logged: LogRecord[];
  /** Tries to answer CloudFormation. */
  puts: number;
  pointOf(payload: string): EventPoint;
  onAnswer(body: string): void;
}

/** How long the handler's clients wait for an answer. */
const REQUEST_TIMEOUT = 20_000;
const PUT_TIMEOUT = 10_000;

/** No request has so much time. */
const HOUR = 3_600_000;

const never = <T>(): Promise<T> => new Promise(() => undefined);

/** An environment of the handler, called in this process, until it is killed: from then on nothing that it waits for ever comes. */
export class InProcessEnvironment implements ExecutionEnvironment {
  lastUsed = 0;
  readonly exited = Promise.resolve();
  private readonly handler: ReturnType<typeof createHandler>;
  private readonly ended: Promise<InvocationResult>;
  private setEnded: (result: InvocationResult) => void = () => undefined;
  private readonly process = new Killable();
  private request = '';

  constructor(
    private readonly options: EnvironmentOptions,
    private readonly control: CallControl,
    private readonly settings: EnvironmentSettings,
  ) {
    const { credentials, configuration } = settings;
    const { region } = configuration;
    control.secrets.push(credentials.secretAccessKey, credentials.sessionToken ?? '');
    this.ended = new Promise((resolve) => (this.setEnded = resolve));
    const log = (record: LogRecord): void => {
      control.logged.push(record);
      settings.output(format(record));
    };
    const time = rehearsedTime(options.clock, options.random);
    this.handler = options.createHandler({
      api: new SimulatedApi((...asked) => this.make(asked)),
      assume: (role, sessionName) => new SimulatedApi(this.sendAs(role, sessionName)),
      put: (...sent) => this.process.run(() => this.put(...sent)),
      time: { ...time, sleep: (...args) => this.process.run(() => time.sleep(...args)) },
      log: { info: log, error: log, failedRequest: log },
      region,
    });
  }

  get usable(): boolean {
    return !this.process.isKilled;
  }

  async invoke({ payload }: Request): Promise<InvocationResult> {
    const { clock } = this.options;
    const point = this.control.pointOf(payload);
    const seconds = this.control.disturbance.seconds?.(point) ?? this.settings.configuration.timeoutSeconds;
    const end = clock.now() + seconds * 1000;
    const cancel = clock.after(seconds * 1000, () => {
      this.end(timedOut(seconds));
    });
    this.request = point.request;
    try {
      return await Promise.race([this.run(payload, end), this.ended]);
    } finally {
      cancel();
      this.lastUsed = clock.now();
    }
  }

  kill(): void {
    this.end(exitError('signal: killed'));
  }

  private async run(payload: string, end: number): Promise<InvocationResult> {
    const getRemainingTimeInMillis = (): number => Math.max(0, end - this.options.clock.now());
    try {
      await this.handler(JSON.parse(payload), { getRemainingTimeInMillis });
      return { payload: 'null' };
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      return { functionError: { errorType: name, errorMessage: message } };
    }
  }

  private end(functionError: FunctionError): void {
    this.process.kill();
    this.setEnded({ functionError });
  }

  /** Makes calls as a role, with one session for all of them. */
  private sendAs({ arn, externalId }: PeerRole, sessionName: string): Send {
    let session: Promise<string> | undefined;
    const assume = async (signal: AbortSignal): Promise<string> => {
      if (externalId !== undefined) {
        this.control.secrets.push(externalId);
      }
      const input = {
        RoleArn: arn,
        RoleSessionName: sessionName,
        ...(externalId === undefined ? {} : { ExternalId: externalId }),
      };
      const output = await this.make(['sts', 'AssumeRole', input, signal]).catch((error: unknown) => {
        throw notAssumed(arn, error);
      });
      const { Credentials } = output as {
        readonly Credentials: { readonly AccessKeyId: string; readonly SecretAccessKey: string; readonly SessionToken: string };
      };
      this.control.secrets.push(Credentials.SecretAccessKey, Credentials.SessionToken);
      return Credentials.AccessKeyId;
    };
    return async (...asked) => {
      session ??= assume(asked[3]).catch((error: unknown) => {
        session = undefined;
        throw error;
      });
      return this.make(asked, await session);
    };
  }

  private make(asked: Parameters<Send>, accessKeyId?: string): Promise<object> {
    return this.process.run(() => this.makeAlive(asked, accessKeyId));
  }

  private async makeAlive(
    [service, operation, input, signal]: Parameters<Send>,
    accessKeyId = this.settings.credentials.accessKeyId,
  ): Promise<object> {
    const { aws, journal } = this.options;
    signal.throwIfAborted();
    const { request } = this;
    const { calls, disturbance } = this.control;
    const index = calls.length;
    const fault = disturbance.call?.({ index, service, operation, request });
    calls.push({ service, operation, input, request });
    const answer = (): Promise<object> =>
      sendAs(aws, accessKeyId, this.settings.configuration.region)(service, operation, input, signal);
    if (fault === undefined) {
      return this.within(REQUEST_TIMEOUT, answer(), signal, () => Promise.reject(timeout(REQUEST_TIMEOUT)));
    }
    journal.write('story', operation, `${JSON.stringify(fault)} at call ${index}, during ${request}`);
    if (fault.kind === 'malformed' || ('effect' in fault && fault.effect === 'after')) {
      await answer().catch(() => undefined);
    }
    return this.break(fault, signal);
  }

  private readonly put: Dependencies['put'] = async (url, body, signal) => {
    signal.throwIfAborted();
    this.control.onAnswer(body);
    const outcome = this.attempt(url, body);
    switch (outcome) {
      case 'reset':
        throw reset();
      case 'hang':
        return this.within(PUT_TIMEOUT, never(), signal, () => Promise.reject(new Error('no answer within 10 seconds')));
      default:
        return outcome;
    }
  };

  /** One try to answer CloudFormation. */
  private attempt(url: string, body: string): number | 'hang' | 'reset' {
    const { journal, responses } = this.options;
    const index = this.control.puts++;
    const fault = this.control.disturbance.put?.({ index, request: this.request });
    if (fault === undefined) {
      return responses.put(url, body);
    }
    journal.write('story', 'PUT', `${JSON.stringify(fault)} at PUT ${index}, during ${this.request}`);
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

  private async break(fault: CallFault, signal: AbortSignal): Promise<never> {
    switch (fault.kind) {
      case 'error':
        throw sdkError(fault.name, `${fault.name} on purpose`, fault.status);
      case 'timeout':
        return this.within<never>(REQUEST_TIMEOUT, never(), signal, () => Promise.reject(timeout(REQUEST_TIMEOUT)));
      case 'reset':
        throw reset();
      case 'late':
        return this.within<never>(HOUR, never(), signal, never);
      case 'malformed':
        throw malformed();
      case 'killed':
        this.kill();
        return never();
    }
  }

  /** What comes within so many milliseconds, or else what `late` gives. */
  private within<T>(milliseconds: number, task: Promise<T>, signal: AbortSignal, late: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        cancel();
        signal.removeEventListener('abort', stop);
        settle();
      };
      const stop = (): void => {
        finish(() => {
          reject(signal.reason as Error);
        });
      };
      const cancel = this.options.clock.after(milliseconds, () => {
        finish(() => {
          resolve(late());
        });
      });
      signal.addEventListener('abort', stop, { once: true });
      const settled = (): void => {
        finish(() => {
          resolve(task);
        });
      };
      task.then(settled, settled);
    });
  }
}

function notAssumed(arn: string, cause: unknown): Error {
  const { name, message } = readError(cause);
  const { $metadata } = cause as { readonly $metadata?: object };
  return Object.assign(new Error(`the role ${arn} could not be assumed: ${message}`, { cause }), { name, $metadata });
}

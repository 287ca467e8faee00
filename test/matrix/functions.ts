import { randomUUID } from 'node:crypto';
import { createHandler } from '../../lambda/handler';
import type { LogRecord } from '../../lambda/log';
import type { PeerRole } from '../../lambda/properties';
import type { Time } from '../../lambda/time';
import { ServiceError, type SimulatedAws } from '../../rehearsal/aws';
import type { Caller } from '../../rehearsal/aws/endpoint';
import type { RehearsalClock } from '../../rehearsal/clock';
import type { Journal } from '../../rehearsal/journal';
import {
  DEFAULT_EVENT_INVOKE,
  describeFunction,
  functionArn,
  FunctionNotFound,
  parseArn,
  type EventInvokeConfiguration,
  type FunctionConfiguration,
  type FunctionDescription,
  type Functions,
} from '../../rehearsal/lambda/functions';
import { deliver } from '../../rehearsal/lambda/retries';
import { SimulatedApi, type Send } from './api';
import type { CallFault, Disturbance, EventPoint } from './disturbance';
import type { InProcessResponses } from './responses';

export interface InProcessOptions {
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

/** How long the handler's clients wait for an answer. */
const REQUEST_TIMEOUT = 20_000;
const PUT_TIMEOUT = 10_000;

/** No request has so much time. */
const HOUR = 3_600_000;

const never = (): Promise<never> => new Promise(() => undefined);

/** Lambda, where every function is the handler of lambda/, called in this process. */
export class InProcessFunctions implements Functions {
  readonly calls: MadeCall[] = [];
  readonly secrets: string[] = [];
  disturbance: Disturbance = {};
  puts = 0;
  events = 0;
  private readonly functions = new Map<string, { configuration: FunctionConfiguration; eventInvoke: EventInvokeConfiguration }>();

  constructor(private readonly options: InProcessOptions) {}

  deploy(configuration: FunctionConfiguration): string {
    const arn = functionArn(configuration.account, configuration.region, configuration.functionName);
    this.functions.set(arn, { configuration, eventInvoke: this.functions.get(arn)?.eventInvoke ?? DEFAULT_EVENT_INVOKE });
    return arn;
  }

  configureEventInvoke(arn: string, change: Partial<EventInvokeConfiguration> = {}): void {
    this.functions.set(parseArn(arn).unqualified, { ...this.find(arn), eventInvoke: { ...DEFAULT_EVENT_INVOKE, ...change } });
  }

  remove(arn: string): void {
    this.functions.delete(arn);
  }

  has(arn: string): boolean {
    return this.functions.has(parseArn(arn).unqualified);
  }

  list(): FunctionDescription[] {
    return [...this.functions.values()].map(({ configuration }) => describeFunction(configuration));
  }

  invokeAsync(arn: string, payload: unknown): void {
    this.find(arn);
    const { clock } = this.options;
    const event = JSON.stringify(payload);
    const { RequestType, LogicalResourceId } = payload as { readonly RequestType: string; readonly LogicalResourceId: string };
    const point = { index: this.events++, request: `${RequestType} ${LogicalResourceId}` };
    for (const seconds of [0, ...(this.disturbance.copies?.(point) ?? [])]) {
      const queued = {
        settings: () => this.functions.get(arn)?.eventInvoke,
        attempt: () => this.run(arn, event, point),
      };
      clock.detached(() => {
        void clock
          .sleep(seconds * 1000)
          .then(() => deliver(queued, clock))
          .then((outcome) => {
            this.log(arn, { message: 'an event came to its end', outcome });
          });
      });
    }
  }

  /** One invocation; whether it succeeded. */
  private async run(arn: string, event: string, point: EventPoint): Promise<boolean> {
    const { aws, clock } = this.options;
    const { role, functionName, region, timeoutSeconds } = this.find(arn).configuration;
    const credentials = aws.iam.assumeRoleForService(role, 'lambda.amazonaws.com', functionName);
    this.secrets.push(credentials.secretAccessKey, credentials.sessionToken ?? '');
    const principal = principalOf(aws, credentials.accessKeyId);
    const end = clock.now() + (this.disturbance.seconds?.(point) ?? timeoutSeconds) * 1000;
    const process = new Process(this.options, this, { principal, region }, point.request);
    const handler = createHandler({
      api: new SimulatedApi(process.send),
      assume: (role, sessionName) => new SimulatedApi(process.sendAs(role, sessionName)),
      put: process.put,
      time: process.time,
      log: {
        info: (record) => {
          this.log(arn, record);
        },
        error: (record) => {
          this.log(arn, record);
        },
      },
      region,
    });
    const timeout = clock.after(end - clock.now(), () => {
      process.kill('the function timed out');
    });
    try {
      await Promise.race([handler(JSON.parse(event), { getRemainingTimeInMillis: () => end - clock.now() }), process.killed]);
      return true;
    } catch (error) {
      this.log(arn, { message: 'the invocation failed', error: String(error), id: randomUUID() });
      return false;
    } finally {
      timeout();
    }
  }

  private find(arn: string): { configuration: FunctionConfiguration; eventInvoke: EventInvokeConfiguration } {
    const found = this.functions.get(parseArn(arn).unqualified);
    if (found === undefined) {
      throw new FunctionNotFound(arn);
    }
    return found;
  }

  private log(arn: string, record: LogRecord): void {
    this.options.journal.write('lambda', arn.slice(arn.lastIndexOf(':') + 1), JSON.stringify(record));
  }
}

/** What one invocation has of the world, until it is killed: from then on nothing that it waits for ever comes. */
class Process {
  readonly killed: Promise<never>;
  private dead = false;
  private end: (reason: Error) => void = () => undefined;

  constructor(
    private readonly options: InProcessOptions,
    private readonly functions: InProcessFunctions,
    private readonly caller: Caller,
    private readonly request: string,
  ) {
    this.killed = new Promise<never>((_, reject) => (this.end = reject));
    // nobody may be waiting any more
    this.killed.catch(() => undefined);
  }

  readonly send: Send = (...call) => this.make(call, this.caller);

  /** Makes calls as a role, with one session for all of them. */
  sendAs({ arn, externalId }: PeerRole, sessionName: string): Send {
    let session: Promise<Caller> | undefined;
    const assume = async (signal: AbortSignal): Promise<Caller> => {
      if (externalId !== undefined) {
        this.functions.secrets.push(externalId);
      }
      const input = {
        RoleArn: arn,
        RoleSessionName: sessionName,
        ...(externalId === undefined ? {} : { ExternalId: externalId }),
      };
      const output = await this.send('sts', 'AssumeRole', input, signal);
      const { Credentials } = output as {
        readonly Credentials: { readonly AccessKeyId: string; readonly SecretAccessKey: string; readonly SessionToken: string };
      };
      this.functions.secrets.push(Credentials.SecretAccessKey, Credentials.SessionToken);
      return { ...this.caller, principal: principalOf(this.options.aws, Credentials.AccessKeyId) };
    };
    return async (...call) => {
      session ??= assume(call[3]).catch((error: unknown) => {
        session = undefined;
        throw error;
      });
      return this.make(call, await session);
    };
  }

  private async make([service, operation, input, signal]: Parameters<Send>, caller: Caller): Promise<object> {
    const { aws, journal } = this.options;
    if (this.dead) {
      return never();
    }
    signal.throwIfAborted();
    const { calls, disturbance } = this.functions;
    const index = calls.length;
    const fault = disturbance.call?.({ index, service, operation, request: this.request });
    calls.push({ service, operation, input, request: this.request });
    if (fault === undefined) {
      return this.perform(service, operation, input, caller);
    }
    journal.write('story', operation, `${JSON.stringify(fault)} at call ${index}, during ${this.request}`);
    if (fault.kind === 'malformed' || ('effect' in fault && fault.effect === 'after')) {
      await aws.call(service, operation, input, caller).catch(() => undefined);
    }
    return this.break(fault, signal);
  }

  readonly put = async (url: string, body: string, signal: AbortSignal): Promise<number> => {
    const { responses } = this.options;
    if (this.dead) {
      return never();
    }
    signal.throwIfAborted();
    const fault = this.functions.disturbance.put?.({ index: this.functions.puts++, request: this.request });
    if (fault === undefined) {
      return Promise.resolve(responses.put(url, body));
    }
    this.options.journal.write(
      'story',
      'PUT',
      `${JSON.stringify(fault)} at PUT ${this.functions.puts - 1}, during ${this.request}`,
    );
    switch (fault.kind) {
      case 'status':
        return fault.status;
      case 'reset':
        if (fault.effect === 'after') {
          responses.put(url, body);
        }
        throw reset();
      case 'timeout':
        await this.time.sleep(PUT_TIMEOUT, signal);
        throw new Error('no answer within 10 seconds');
    }
  };

  readonly time: Time = {
    now: () => this.options.clock.now(),
    jitter: () => this.options.random(),
    sleep: (milliseconds, signal) => {
      if (this.dead) {
        return never();
      }
      return new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const stop = (): void => {
          cancel();
          reject(signal.reason as Error);
        };
        const cancel = this.options.clock.after(milliseconds, () => {
          signal.removeEventListener('abort', stop);
          if (!this.dead) {
            resolve();
          }
        });
        signal.addEventListener('abort', stop, { once: true });
      });
    },
  };

  kill(reason: string): void {
    this.dead = true;
    this.end(new Error(reason));
  }

  private async perform(service: string, operation: string, input: object, caller: Caller): Promise<object> {
    const outcome = await call(this.options.aws, service, operation, input, caller).catch((error: unknown) => error as Error);
    if (this.dead) {
      return never();
    }
    if (outcome instanceof Error) {
      throw outcome;
    }
    return outcome;
  }

  private async break(fault: CallFault, signal: AbortSignal): Promise<never> {
    switch (fault.kind) {
      case 'error':
        throw sdkError(fault.name, `${fault.name} on purpose`, fault.status);
      case 'timeout':
        await this.time.sleep(REQUEST_TIMEOUT, signal);
        throw Object.assign(new Error('Request did not complete within 20000 ms'), { name: 'TimeoutError', $metadata: {} });
      case 'reset':
        throw reset();
      case 'late':
        return this.time.sleep(HOUR, signal).then(never);
      case 'malformed':
        throw Object.assign(new SyntaxError("Expected property name or '}' in JSON at position 1"), {
          $metadata: { httpStatusCode: 200 },
        });
      case 'killed':
        this.kill('Runtime exited with error: signal: killed');
        return never();
    }
  }
}

/** Makes a call of the simulated AWS; rejects as the SDK does. */
function call(aws: SimulatedAws, service: string, operation: string, input: object, caller: Caller): Promise<object> {
  return aws.call(service, operation, input, caller).catch((error: unknown) => {
    throw error instanceof ServiceError ? sdkError(error.code, error.message, error.status) : error;
  });
}

/** Calls as whom these credentials are. */
export function sendAs(aws: SimulatedAws, accessKeyId: string, region: string): Send {
  return (service, operation, input) =>
    call(aws, service, operation, input, { principal: principalOf(aws, accessKeyId), region });
}

function principalOf({ iam }: SimulatedAws, accessKeyId: string): Caller['principal'] {
  const session = iam.lookUp(accessKeyId);
  if (session === undefined) {
    throw sdkError('ExpiredToken', 'The role of the session is gone', 403);
  }
  return session.principal;
}

/** As the SDK throws it. */
function sdkError(name: string, message: string, httpStatusCode: number): Error {
  return Object.assign(new Error(message), {
    name,
    $fault: httpStatusCode < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode },
  });
}

function reset(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', $metadata: {} });
}

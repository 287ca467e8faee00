import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Credentials } from '../aws/iam';
import type { RehearsalClock } from '../clock';
import type { Journal } from '../journal';
import { Environment, type InvocationResult } from './environment';
import { CFN_RESPONSE } from './inline';
import type { SandboxSettings } from './protocol';

/** A function as CloudFormation, or another deployer, configures it. */
export interface FunctionConfiguration {
  readonly functionName: string;
  readonly account: string;
  readonly region: string;
  readonly role: string;
  readonly handler: string;
  readonly runtime: string;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly logGroupName: string;
  readonly code: { readonly directory: string } | { readonly zipFile: string };
}

/** What `AWS::Lambda::EventInvokeConfig` sets. */
export interface EventInvokeConfiguration {
  readonly maximumRetryAttempts: number;
  readonly maximumEventAgeSeconds: number;
}

export interface LambdaOptions {
  readonly clock: RehearsalClock;
  readonly journal: Journal;
  readonly endpointUrl: string;
  readonly assumeRole: (roleArn: string, sessionName: string) => Credentials;
  /** Where the response URLs of custom resources lead to, for functions of a Region. */
  readonly responseEndpoint: (region: string) => Promise<SandboxSettings['responseEndpoint']>;
  /** A module that sees the packages that Lambda's runtime brings along (`@aws-sdk/*`). @default - this one */
  readonly runtimeModule?: string;
}

interface DeployedFunction {
  configuration: FunctionConfiguration;
  taskRoot: string;
  eventInvoke: EventInvokeConfiguration;
  readonly environments: Set<Environment>;
  readonly idle: Environment[];
}

export interface Invocation {
  readonly payload?: unknown;
  /** `Unhandled` where the function failed; the payload is the error then. */
  readonly functionError?: string;
}

const DEFAULT_EVENT_INVOKE: EventInvokeConfiguration = { maximumRetryAttempts: 2, maximumEventAgeSeconds: 6 * 3600 };
/** Waits before the first and the second retry of an asynchronous event. */
const RETRY_DELAYS_MS = [60_000, 120_000];
/** An environment that was not used for so long is gone. */
const WARM_MS = 10 * 60_000;

export const functionArn = (account: string, region: string, name: string): string =>
  `arn:aws:lambda:${region}:${account}:function:${name}`;

export class FunctionNotFound extends Error {
  constructor(readonly arn: string) {
    super(`Function not found: ${arn}`);
  }
}

/** Lambda: functions run from their deployed code in environments of their own, in rehearsed time. */
export class LambdaService {
  private readonly functions = new Map<string, DeployedFunction>();
  /** Of functions that were removed, too, while they run. */
  private readonly environments = new Set<Environment>();
  private readonly temporary: string[] = [];
  private closed = false;

  constructor(private readonly options: LambdaOptions) {}

  /** Creates the function, or replaces its code and configuration; warm environments of the old one are not used again. */
  deploy(configuration: FunctionConfiguration): string {
    const arn = functionArn(configuration.account, configuration.region, configuration.functionName);
    const taskRoot = this.unpack(configuration);
    const existing = this.functions.get(arn);
    if (existing) {
      Object.assign(existing, { configuration, taskRoot });
      existing.idle.splice(0).forEach((environment) => {
        this.discard(existing, environment);
      });
    } else {
      this.functions.set(arn, { configuration, taskRoot, eventInvoke: DEFAULT_EVENT_INVOKE, environments: new Set(), idle: [] });
    }
    return arn;
  }

  configureEventInvoke(arn: string, configuration: Partial<EventInvokeConfiguration> = {}): void {
    this.find(arn).eventInvoke = { ...DEFAULT_EVENT_INVOKE, ...configuration };
  }

  /** Deletes the function; what runs ends by itself. */
  remove(arn: string): void {
    const fn = this.functions.get(arn);
    this.functions.delete(arn);
    fn?.idle.splice(0).forEach((environment) => {
      this.discard(fn, environment);
    });
  }

  has(arn: string): boolean {
    return this.functions.has(arn);
  }

  configuration(arn: string): FunctionConfiguration {
    return this.find(arn).configuration;
  }

  /** As other services invoke it: queued, and tried again as the function's event invoke configuration says. */
  invokeAsync(arn: string, payload: unknown): void {
    this.find(arn);
    const event = JSON.stringify(payload);
    this.options.clock.detached(() => void this.deliver(arn, event, randomUUID()));
  }

  /** As another function would, waiting for the answer. */
  async invoke(arn: string, payload: unknown): Promise<Invocation> {
    this.find(arn);
    const event = JSON.stringify(payload);
    const result = await this.options.clock.wait(this.options.clock.detached(() => this.run(arn, event, randomUUID())));
    return 'payload' in result
      ? { payload: JSON.parse(result.payload) as unknown }
      : { payload: result.functionError, functionError: 'Unhandled' };
  }

  /** Ends every running environment of the function at once, as an out-of-memory kill would; returns how many. */
  kill(arn: string): number {
    const fn = this.find(arn);
    const running = [...fn.environments].filter((environment) => !fn.idle.includes(environment));
    running.forEach((environment) => {
      this.discard(fn, environment);
    });
    return running.length;
  }

  close(): void {
    this.closed = true;
    this.functions.clear();
    this.environments.forEach((environment) => {
      environment.kill();
    });
    this.temporary.forEach((directory) => {
      rmSync(directory, { recursive: true, force: true });
    });
  }

  private find(arn: string): DeployedFunction {
    const fn = this.functions.get(arn);
    if (!fn) {
      throw new FunctionNotFound(arn);
    }
    return fn;
  }

  private unpack({ code }: FunctionConfiguration): string {
    if ('directory' in code) {
      return realpathSync(code.directory);
    }
    const directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'rehearsal-function-')));
    this.temporary.push(directory);
    writeFileSync(path.join(directory, 'index.js'), code.zipFile);
    mkdirSync(path.join(directory, 'node_modules'));
    writeFileSync(path.join(directory, 'node_modules', 'cfn-response.js'), CFN_RESPONSE);
    return directory;
  }

  private async deliver(arn: string, event: string, requestId: string): Promise<void> {
    const { clock } = this.options;
    const accepted = clock.now();
    for (let attempt = 0; ; attempt++) {
      const fn = this.functions.get(arn);
      if (!fn) {
        this.log(arn, `event ${requestId} dropped: the function is gone`);
        return;
      }
      const result = await this.run(arn, event, requestId);
      const { maximumRetryAttempts, maximumEventAgeSeconds } = fn.eventInvoke;
      if ('payload' in result) {
        return;
      }
      if (attempt >= maximumRetryAttempts) {
        this.log(arn, `event ${requestId} dropped after ${attempt + 1} attempts`);
        return;
      }
      const delay = RETRY_DELAYS_MS[attempt] ?? Infinity;
      const expires = accepted + maximumEventAgeSeconds * 1000;
      await clock.sleep(Math.min(delay, expires - clock.now()));
      if (clock.now() >= expires) {
        this.log(arn, `event ${requestId} dropped: older than ${maximumEventAgeSeconds} seconds`);
        return;
      }
    }
  }

  private async run(arn: string, event: string, requestId: string): Promise<InvocationResult> {
    const { clock } = this.options;
    const fn = this.find(arn);
    const started = clock.now();
    this.log(arn, `START RequestId: ${requestId}`);
    const result = await this.runIn(fn, arn, event, requestId);
    if ('functionError' in result) {
      const { errorType, errorMessage } = result.functionError;
      this.log(arn, `${errorType}: ${errorMessage}`);
    }
    this.log(arn, `END RequestId: ${requestId} Duration: ${clock.now() - started} ms`);
    return result;
  }

  private async runIn(fn: DeployedFunction, arn: string, event: string, requestId: string): Promise<InvocationResult> {
    const { configuration } = fn;
    let environment: Environment;
    try {
      environment = this.takeWarm(fn) ?? (await this.options.clock.work(() => this.start(fn, arn)));
    } catch (error) {
      const errorMessage = error instanceof Error ? error.message : String(error);
      return { functionError: { errorType: 'Lambda.InitError', errorMessage } };
    }
    const result = await environment.invoke(requestId, event);
    if (environment.usable && fn.configuration === configuration && this.functions.get(arn) === fn) {
      fn.idle.push(environment);
    } else {
      this.discard(fn, environment);
    }
    return result;
  }

  private takeWarm(fn: DeployedFunction): Environment | undefined {
    const oldest = this.options.clock.now() - WARM_MS;
    for (let environment = fn.idle.pop(); environment; environment = fn.idle.pop()) {
      if (environment.usable && environment.lastUsed >= oldest) {
        return environment;
      }
      this.discard(fn, environment);
    }
    return undefined;
  }

  private async start(fn: DeployedFunction, arn: string): Promise<Environment> {
    const { clock, endpointUrl, assumeRole } = this.options;
    const { configuration, taskRoot } = fn;
    const {
      functionName,
      region,
      role,
      handler,
      runtime,
      memoryMegabytes,
      environment: own,
      timeoutSeconds,
      logGroupName,
    } = configuration;
    if (!runtime.startsWith('nodejs')) {
      throw new Error(`the runtime ${runtime} of ${functionName} is not simulated: only nodejs ones are`);
    }
    const responseEndpoint = await this.options.responseEndpoint(region);
    if (this.closed) {
      throw new Error('the rehearsal is over');
    }
    const credentials = assumeRole(role, functionName);
    const logStreamName = `${new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${randomUUID().replaceAll('-', '')}`;
    const variables = {
      PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
      LANG: 'en_US.UTF-8',
      TZ: ':UTC',
      // the Node.js that stands in for the runtime's may be older, and the SDK would say so with every start
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      ...own,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_SESSION_TOKEN: credentials.sessionToken ?? '',
      AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}`,
      AWS_ENDPOINT_URL: endpointUrl,
      AWS_LAMBDA_FUNCTION_NAME: functionName,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMegabytes),
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: logGroupName,
      AWS_LAMBDA_LOG_STREAM_NAME: logStreamName,
      LAMBDA_TASK_ROOT: taskRoot,
      LAMBDA_RUNTIME_DIR: '/var/runtime',
      _HANDLER: handler,
    };
    const environment = new Environment({
      clock,
      taskRoot,
      handler,
      runtimeModule: this.options.runtimeModule ?? __filename,
      responseEndpoint,
      context: {
        functionName,
        functionVersion: '$LATEST',
        invokedFunctionArn: arn,
        memoryLimitInMB: String(memoryMegabytes),
        logGroupName,
        logStreamName,
      },
      variables,
      timeoutSeconds,
      output: (text) => {
        this.log(arn, text.trimEnd());
      },
    });
    fn.environments.add(environment);
    this.environments.add(environment);
    return environment;
  }

  private discard(fn: DeployedFunction, environment: Environment): void {
    fn.environments.delete(environment);
    this.environments.delete(environment);
    environment.kill();
  }

  private log(arn: string, text: string): void {
    this.options.journal.write('lambda', arn.slice(arn.lastIndexOf(':') + 1), text);
  }
}

import { randomUUID } from 'node:crypto';
import type { Credentials } from '../aws/iam';
import type { RehearsalClock } from '../clock';
import { Environment, type InvocationResult } from './environment';
import type { FunctionConfiguration } from './functions';
import type { SandboxSettings } from './protocol';

export interface PoolOptions {
  readonly clock: RehearsalClock;
  readonly endpointUrl: string;
  readonly assumeRole: (roleArn: string, sessionName: string) => Credentials;
  /** Tells that a function's role was used to write its logs. */
  readonly writesLogs: (configuration: FunctionConfiguration, logStreamName: string) => Promise<void>;
  /** Where the response URLs of custom resources lead to, for functions of a Region. */
  readonly responseEndpoint: (region: string) => Promise<SandboxSettings['responseEndpoint']>;
  /** A module that sees the packages that Lambda's runtime brings along (`@aws-sdk/*`). @default - this one */
  readonly runtimeModule?: string;
  /** Each environment gets random numbers of its own, and the same ones in every run. */
  readonly nextSeed: () => number;
  readonly log: (functionName: string, text: string) => void;
}

/** One event for a function. */
export interface Request {
  readonly requestId: string;
  /** As it was invoked: with the version or alias, where one was named. */
  readonly arn: string;
  /** JSON. */
  readonly payload: string;
}

/** An environment that was not used for so long is gone. */
const WARM_MS = 10 * 60_000;

/** One version of a function, and the environments that run it. */
export class Pool {
  retired = false;
  private readonly environments = new Set<Environment>();
  private readonly idle: Environment[] = [];

  constructor(
    private readonly options: PoolOptions,
    readonly version: string,
    readonly configuration: FunctionConfiguration,
    readonly taskRoot: string,
  ) {}

  /** The same code and configuration as another version. */
  copy(version: string): Pool {
    return new Pool(this.options, version, this.configuration, this.taskRoot);
  }

  async run(request: Request): Promise<InvocationResult> {
    let environment: Environment;
    try {
      environment = this.takeWarm() ?? (await this.options.clock.work(() => this.start()));
    } catch (error) {
      const errorMessage = error instanceof Error ? error.message : String(error);
      return { functionError: { errorType: 'Lambda.InitError', errorMessage } };
    }
    const result = await environment.invoke(request);
    if (environment.usable && !this.retired) {
      this.idle.push(environment);
    } else {
      this.discard(environment);
    }
    return result;
  }

  /** None of its environments is used again; what runs ends by itself. */
  retire(): void {
    this.retired = true;
    this.idle.splice(0).forEach((environment) => {
      this.discard(environment);
    });
  }

  /** @returns how many were running. */
  killRunning(): number {
    const running = [...this.environments].filter((environment) => !this.idle.includes(environment));
    running.forEach((environment) => {
      this.discard(environment);
    });
    return running.length;
  }

  async close(): Promise<void> {
    this.retired = true;
    const environments = [...this.environments];
    environments.forEach((environment) => {
      environment.kill();
    });
    await Promise.all(environments.map(({ exited }) => exited));
  }

  private takeWarm(): Environment | undefined {
    const oldest = this.options.clock.now() - WARM_MS;
    for (let environment = this.idle.pop(); environment; environment = this.idle.pop()) {
      if (environment.usable && environment.lastUsed >= oldest) {
        return environment;
      }
      this.discard(environment);
    }
    return undefined;
  }

  private async start(): Promise<Environment> {
    const { clock, endpointUrl, assumeRole, writesLogs, log } = this.options;
    const { configuration, taskRoot, version } = this;
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
    const credentials = assumeRole(role, functionName);
    const date = new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/');
    const logStreamName = `${date}/[${version}]${randomUUID().replaceAll('-', '')}`;
    await writesLogs(configuration, logStreamName);
    if (this.retired) {
      throw new Error('the function is gone, or the rehearsal is over');
    }
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
      AWS_LAMBDA_FUNCTION_VERSION: version,
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
        functionVersion: version,
        memoryLimitInMB: String(memoryMegabytes),
        logGroupName,
        logStreamName,
      },
      variables,
      timeoutSeconds,
      seed: this.options.nextSeed(),
      output: (text) => {
        log(functionName, text.trimEnd());
      },
    });
    this.environments.add(environment);
    return environment;
  }

  private discard(environment: Environment): void {
    this.environments.delete(environment);
    environment.kill();
  }
}

import { putEmbeddedMetrics } from '../../aws/cloudwatch/embedded-metrics';
import type { Metrics } from '../../aws/cloudwatch/metrics';
import type { Credentials } from '../../aws/iam/iam';
import type { Ids } from '../../aws/ids';
import type { RehearsalClock } from '../../time/clock';
import type {
  EnvironmentSettings,
  ExecutionEnvironment,
  InvocationResult,
  InvocationRequest,
  StartEnvironment,
} from './execution-environment';
import type { FunctionConfiguration } from './function-configuration';

export interface EnvironmentPoolOptions {
  readonly clock: RehearsalClock;
  readonly ids: Ids;
  readonly metrics: Metrics;
  readonly assumeRole: (roleArn: string, sessionName: string) => Credentials;
  /** Creates the log group with the function's role. @returns whether the role may write to it */
  readonly prepareLogs: (configuration: FunctionConfiguration, logStreamName: string) => Promise<boolean>;
  readonly startEnvironment: StartEnvironment;
  readonly log: (functionName: string, text: string) => void;
}

/** An environment that has been idle for longer is not reused. */
const WARM_MS = 10 * 60_000;

/** The execution environments of one version of a function. */
export class EnvironmentPool {
  /** Whether the version was deleted or replaced. */
  isRetired = false;
  private readonly environments = new Set<ExecutionEnvironment>();
  private readonly idle: ExecutionEnvironment[] = [];

  constructor(
    private readonly options: EnvironmentPoolOptions,
    readonly version: string,
    readonly configuration: FunctionConfiguration,
    readonly taskRoot: string,
  ) {}

  /** Creates a pool for another version with the same code and configuration. */
  withVersion(version: string): EnvironmentPool {
    return new EnvironmentPool(this.options, version, this.configuration, this.taskRoot);
  }

  async run(request: InvocationRequest): Promise<InvocationResult> {
    let environment: ExecutionEnvironment;
    try {
      environment = this.takeWarm() ?? (await this.options.clock.work(() => this.start()));
    } catch (error) {
      const errorMessage = error instanceof Error ? error.message : String(error);
      return { functionError: { errorType: 'Lambda.InitError', errorMessage } };
    }
    const result = await environment.invoke(request);
    if (environment.isUsable && !this.isRetired) {
      this.idle.push(environment);
    } else {
      this.discard(environment);
    }
    return result;
  }

  /** Ends the idle environments now, and the others after their running invocations. */
  retire(): void {
    this.isRetired = true;
    this.idle.splice(0).forEach((environment) => {
      this.discard(environment);
    });
  }

  /** Kills the environments that are running an invocation. @returns the number of killed environments */
  killRunning(): number {
    const running = [...this.environments].filter((environment) => environment.isUsable && !this.idle.includes(environment));
    running.forEach((environment) => {
      this.discard(environment);
    });
    return running.length;
  }

  async close(): Promise<void> {
    this.isRetired = true;
    const environments = [...this.environments];
    environments.forEach((environment) => {
      environment.kill();
    });
    await Promise.all(environments.map(({ exited }) => exited));
  }

  /** Takes a warm environment out of the idle ones. @returns undefined if there is none */
  private takeWarm(): ExecutionEnvironment | undefined {
    const earliestWarm = this.options.clock.now() - WARM_MS;
    for (let environment = this.idle.pop(); environment; environment = this.idle.pop()) {
      if (environment.isUsable && environment.lastUsedAt >= earliestWarm) {
        return environment;
      }
      this.discard(environment);
    }
    return undefined;
  }

  private async start(): Promise<ExecutionEnvironment> {
    const { clock, ids, metrics, assumeRole, prepareLogs, startEnvironment, log } = this.options;
    const { configuration, taskRoot, version } = this;
    const { functionName, role } = configuration;
    const credentials = assumeRole(role, functionName);
    const date = new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/');
    const logStreamName = `${date}/[${version}]${ids.uuid('log stream').replaceAll('-', '')}`;
    const mayWriteLogs = await prepareLogs(configuration, logStreamName);
    const output: EnvironmentSettings['output'] = (text, isFromConsole = false) => {
      log(functionName, text.trimEnd());
      // in the JSON format, the runtime wraps the console's output into a JSON object, in which CloudWatch finds no metrics
      const isWrapped = isFromConsole && configuration.logFormat === 'JSON';
      if (mayWriteLogs && !isWrapped) {
        putEmbeddedMetrics(metrics, configuration, text);
      }
    };
    const environment = await startEnvironment({ configuration, version, taskRoot, logStreamName, credentials, output });
    this.environments.add(environment);
    if (this.isRetired) {
      this.discard(environment);
      throw new Error('the function was deleted or updated, or the rehearsal was closed');
    }
    return environment;
  }

  private discard(environment: ExecutionEnvironment): void {
    environment.kill();
    void environment.exited.then(() => this.environments.delete(environment));
  }
}

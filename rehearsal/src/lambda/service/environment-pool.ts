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

/** Environments that were idle for this time are gone. */
const WARM_MS = 10 * 60_000;

/** A version of a function, and its execution environments. */
export class EnvironmentPool {
  isRetired = false;
  private readonly environments = new Set<ExecutionEnvironment>();
  private readonly idle: ExecutionEnvironment[] = [];

  constructor(
    private readonly options: EnvironmentPoolOptions,
    readonly version: string,
    readonly configuration: FunctionConfiguration,
    readonly taskRoot: string,
  ) {}

  /** The same code and configuration as another version. */
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

  /** Stops using the environments. Running invocations finish. */
  retire(): void {
    this.isRetired = true;
    this.idle.splice(0).forEach((environment) => {
      this.discard(environment);
    });
  }

  /** @returns how many were running. */
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

  private takeWarm(): ExecutionEnvironment | undefined {
    const oldest = this.options.clock.now() - WARM_MS;
    for (let environment = this.idle.pop(); environment; environment = this.idle.pop()) {
      if (environment.isUsable && environment.lastUsed >= oldest) {
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
    const writesLogs = await prepareLogs(configuration, logStreamName);
    const output: EnvironmentSettings['output'] = (text, fromConsole = false) => {
      log(functionName, text.trimEnd());
      // in the JSON format, the runtime wraps the console's output into a JSON object
      const wrapped = fromConsole && configuration.logFormat === 'JSON';
      if (writesLogs && !wrapped) {
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

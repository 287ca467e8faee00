import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Metrics } from '../../aws/cloudwatch/metrics';
import { Ids } from '../../aws/ids';
import type { Detail, Journal } from '../../journal';
import { Delivery, type DeliveryOptions } from './delivery';
import { DeployedFunction } from './deployed-function';
import type { InvocationResult, InvocationRequest } from './execution-environment';
import {
  functionArn,
  FunctionNotFound,
  LATEST,
  parseArn,
  type EventInvokeConfiguration,
  type FunctionConfiguration,
  type FunctionDescription,
} from './function-configuration';
import { LambdaMetrics } from './function-metrics';
import { CFN_RESPONSE } from './inline-code';
import { EnvironmentPool, type EnvironmentPoolOptions } from './environment-pool';

export {
  functionArn,
  FunctionNotFound,
  type EventInvokeConfiguration,
  type FunctionConfiguration,
} from './function-configuration';

export interface LambdaOptions extends Omit<EnvironmentPoolOptions, 'ids' | 'log'>, Pick<DeliveryOptions, 'sendToQueue'> {
  readonly journal: Journal;
  readonly metrics: Metrics;
}

interface InvokeOutput {
  readonly payload?: unknown;
  /** `Unhandled` if the function failed. The payload is then the error. */
  readonly functionError?: string;
}

/** Lambda in rehearsed time: versions, aliases, asynchronous delivery and metrics. Execution environments run the invocations. */
export class LambdaService {
  private readonly functions = new Map<string, DeployedFunction>();
  /** All pools, even of deleted functions, because their running invocations finish. */
  private readonly pools: EnvironmentPool[] = [];
  private readonly temporaryDirectories: string[] = [];
  private readonly metrics: LambdaMetrics;
  private readonly delivery: Delivery;
  private readonly ids = new Ids();

  constructor(private readonly options: LambdaOptions) {
    const { clock, sendToQueue } = options;
    this.metrics = new LambdaMetrics(options.metrics);
    this.delivery = new Delivery({
      clock,
      sendToQueue,
      metrics: this.metrics,
      find: (arn) => this.functions.get(parseArn(arn).unqualifiedArn),
      run: (pool, request) => this.run(pool, request),
      log: (arn, text) => {
        this.log(parseArn(arn).functionName, text);
      },
    });
  }

  /** Creates the function, or replaces its code and configuration. Warm environments of the old code are not reused. */
  deploy(configuration: FunctionConfiguration): string {
    const arn = functionArn(configuration.account, configuration.region, configuration.functionName);
    const log = (functionName: string, text: string) => {
      this.log(functionName, text);
    };
    const pool = this.addPool(
      new EnvironmentPool({ ...this.options, ids: this.ids, log }, LATEST, configuration, this.codeDirectory(configuration)),
    );
    const existing = this.functions.get(arn);
    if (existing) {
      existing.replace(pool);
    } else {
      this.functions.set(arn, new DeployedFunction(pool));
    }
    return arn;
  }

  /** Publishes the current code and configuration. @returns the version number */
  publish(arn: string): string {
    return this.find(arn).publish((latest, version) => this.addPool(latest.withVersion(version)));
  }

  unpublish(arn: string, version: string): void {
    this.functions.get(arn)?.unpublish(version);
  }

  hasAlias(arn: string, name: string): boolean {
    return this.find(arn).hasAlias(name);
  }

  /** Creates an alias for a version, or updates it. */
  setAlias(arn: string, name: string, version: string): void {
    // throws if the version does not exist
    this.findPool(`${arn}:${version}`);
    this.find(arn).setAlias(name, version);
  }

  removeAlias(arn: string, name: string): void {
    this.functions.get(arn)?.setAlias(name, undefined);
  }

  /**
   * Changes the settings for asynchronous invocations.
   *
   * @param arn the ARN. If it has no version or alias, the settings apply only to invocations without version or alias
   * @param configuration undefined to restore the default
   */
  configureEventInvoke(arn: string, configuration?: Partial<EventInvokeConfiguration>): void {
    this.find(arn).configureEventInvoke(parseArn(arn).qualifier, configuration);
  }

  hasEventInvoke(arn: string): boolean {
    return this.find(arn).hasEventInvoke(parseArn(arn).qualifier);
  }

  /** Deletes the function. Running invocations finish. */
  remove(arn: string): void {
    this.functions.get(arn)?.retire();
    this.functions.delete(arn);
  }

  has(arn: string): boolean {
    const { unqualifiedArn, qualifier } = parseArn(arn);
    return this.functions.get(unqualifiedArn)?.findPool(qualifier) !== undefined;
  }

  list(): FunctionDescription[] {
    return [...this.functions.values()].map((deployed) => deployed.describe());
  }

  /** The configurations of all functions and their published versions. */
  configurations(): FunctionConfiguration[] {
    return [...this.functions.values()].flatMap((deployed) => deployed.configurations());
  }

  configuration(arn: string): FunctionConfiguration {
    return this.findPool(arn).configuration;
  }

  /** The version number that the version or alias in the ARN refers to. */
  version(arn: string): string {
    return this.findPool(arn).version;
  }

  /** Invokes the function asynchronously. Lambda retries the event according to the event invoke configuration. */
  invokeAsync(arn: string, payload: unknown): void {
    // throws if the function does not exist
    this.findPool(arn);
    const request = this.newRequest(arn, payload);
    this.options.clock.runDetached(() => void this.delivery.deliver(request));
  }

  /** Invokes the function synchronously. */
  async invoke(arn: string, payload: unknown): Promise<InvokeOutput> {
    const pool = this.findPool(arn);
    const request = this.newRequest(arn, payload);
    // time can leap while the caller waits for the invocation
    const result = await this.options.clock.wait(this.options.clock.runDetached(() => this.run(pool, request)));
    return 'payload' in result
      ? { payload: JSON.parse(result.payload) as unknown }
      : { payload: result.functionError, functionError: 'Unhandled' };
  }

  /** Kills all running environments of the function, as if they ran out of memory. @returns the number of killed environments */
  kill(arn: string): number {
    return this.find(arn).kill();
  }

  /** Ends all environments. */
  async close(): Promise<void> {
    this.functions.clear();
    await Promise.all(this.pools.map((pool) => pool.close()));
    this.temporaryDirectories.forEach((directory) => {
      rmSync(directory, { recursive: true, force: true });
    });
  }

  private addPool(pool: EnvironmentPool): EnvironmentPool {
    this.pools.push(pool);
    return pool;
  }

  private find(arn: string): DeployedFunction {
    const fn = this.functions.get(parseArn(arn).unqualifiedArn);
    if (!fn) {
      throw new FunctionNotFound(arn);
    }
    return fn;
  }

  private findPool(arn: string): EnvironmentPool {
    const pool = this.find(arn).findPool(parseArn(arn).qualifier);
    if (!pool) {
      throw new FunctionNotFound(arn);
    }
    return pool;
  }

  private codeDirectory({ code }: FunctionConfiguration): string {
    if ('directory' in code) {
      return realpathSync(code.directory);
    }
    const directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'rehearsal-function-')));
    this.temporaryDirectories.push(directory);
    writeFileSync(path.join(directory, 'index.js'), code.zipFile);
    mkdirSync(path.join(directory, 'node_modules'));
    writeFileSync(path.join(directory, 'node_modules', 'cfn-response.js'), CFN_RESPONSE);
    return directory;
  }

  private async run(pool: EnvironmentPool, request: InvocationRequest): Promise<InvocationResult> {
    const { clock } = this.options;
    const { functionName } = pool.configuration;
    // the clock wakes sleepers one at a time, so simultaneous invocations start one after the other
    await clock.sleep(0);
    const startTime = clock.now();
    const { requestId } = request;
    this.log(functionName, `START RequestId: ${requestId}`, { kind: 'run started', requestId });
    const result = await pool.run(request);
    const hasFailed = 'functionError' in result;
    if (hasFailed) {
      const { errorType, errorMessage } = result.functionError;
      this.log(functionName, `${errorType}: ${errorMessage}`);
    }
    this.metrics.put('Invocations', request.arn, 1, startTime);
    this.metrics.put('Errors', request.arn, hasFailed ? 1 : 0, startTime);
    this.log(functionName, `END RequestId: ${requestId} Duration: ${clock.now() - startTime} ms`, {
      kind: 'run ended',
      requestId,
    });
    return result;
  }

  private newRequest(arn: string, payload: unknown): InvocationRequest {
    return { requestId: this.ids.uuid('invocation'), arn, payload: JSON.stringify(payload) };
  }

  private log(functionName: string, text: string, detail?: Detail): void {
    this.options.journal.write('lambda', functionName, text, detail);
  }
}

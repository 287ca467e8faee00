import { LATEST, DEFAULT_EVENT_INVOKE } from './function-configuration';
import type { EventInvokeConfiguration, FunctionConfiguration, FunctionDescription } from './function-configuration';
import type { EnvironmentPool } from './environment-pool';

/** A function with its versions and aliases. */
export class DeployedFunction {
  private readonly publishedPools: EnvironmentPool[] = [];
  private readonly aliases = new Map<string, string>();
  private readonly eventInvoke = new Map<string, EventInvokeConfiguration>();
  /** All pools. Includes those of replaced code, because their invocations may still be running. */
  private readonly allPools: EnvironmentPool[];

  constructor(private latestPool: EnvironmentPool) {
    this.allPools = [latestPool];
  }

  /** Replaces the code and configuration. Warm environments of the old code are not reused. */
  replace(latest: EnvironmentPool): void {
    this.latestPool.retire();
    this.latestPool = latest;
    this.allPools.push(latest);
  }

  /** @returns the version number */
  publish(createPool: (latest: EnvironmentPool, number: string) => EnvironmentPool): string {
    const newest = this.publishedPools.at(-1);
    if (newest?.configuration === this.latestPool.configuration) {
      throw new Error(
        `A version for this Lambda function exists ( ${newest.version} ). Modify the function to create a new version.`,
      );
    }
    const pool = createPool(this.latestPool, String(this.publishedPools.length + 1));
    this.publishedPools.push(pool);
    this.allPools.push(pool);
    return pool.version;
  }

  unpublish(version: string): void {
    this.publishedPools.find((pool) => pool.version === version)?.retire();
  }

  hasAlias(name: string): boolean {
    return this.aliases.has(name);
  }

  /** @param version undefined to delete the alias */
  setAlias(name: string, version: string | undefined): void {
    if (version === undefined) {
      this.aliases.delete(name);
    } else {
      this.aliases.set(name, version);
    }
  }

  /** Finds the pool of a version or alias. @param qualifier the version or alias. Default: the latest code */
  findPool(qualifier = LATEST): EnvironmentPool | undefined {
    const version = this.aliases.get(qualifier) ?? qualifier;
    return [this.latestPool, ...this.publishedPools].find((pool) => pool.version === version && !pool.isRetired);
  }

  /** The settings of a version or alias. The function's own settings are for unqualified invocations only. */
  eventInvokeOf(qualifier = LATEST): EventInvokeConfiguration {
    return this.eventInvoke.get(qualifier) ?? DEFAULT_EVENT_INVOKE;
  }

  hasEventInvoke(qualifier = LATEST): boolean {
    return this.eventInvoke.has(qualifier);
  }

  /** Changes the settings of a version or alias. @param configuration undefined to restore the default */
  configureEventInvoke(qualifier = LATEST, configuration?: Partial<EventInvokeConfiguration>): void {
    if (configuration === undefined) {
      this.eventInvoke.delete(qualifier);
    } else {
      this.eventInvoke.set(qualifier, { ...DEFAULT_EVENT_INVOKE, ...configuration });
    }
  }

  /** The configurations of the function and its published versions. */
  configurations(): FunctionConfiguration[] {
    return [this.latestPool, ...this.publishedPools]
      .filter(({ isRetired }) => !isRetired)
      .map(({ configuration }) => configuration);
  }

  describe(): FunctionDescription {
    const { account, region, functionName, role, runtime, logGroupName, vpc, kmsKeyArn } = this.latestPool.configuration;
    return {
      account,
      region,
      functionName,
      role,
      runtime,
      logGroupName,
      ...(vpc === undefined ? {} : { vpc }),
      ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
      versions: this.publishedPools.filter(({ isRetired }) => !isRetired).map(({ version }) => version),
      aliases: Object.fromEntries(this.aliases),
      eventInvoke: Object.fromEntries(this.eventInvoke),
    };
  }

  /** Ends the environments of all versions, after their running invocations. */
  retire(): void {
    this.allPools.forEach((pool) => {
      pool.retire();
    });
  }

  /** Kills the running environments. @returns the number of killed environments */
  kill(): number {
    return this.allPools.reduce((sum, pool) => sum + pool.killRunning(), 0);
  }
}

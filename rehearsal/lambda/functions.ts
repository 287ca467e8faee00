import { arnOf } from '../aws/partitions';
import type { Pool } from './pool';

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
  /** How the runtime logs what the console prints. The journal shows it as the function wrote it. @default - Text */
  readonly logFormat?: 'JSON' | 'Text';
  /** Where it runs. @default - outside of the account's VPCs */
  readonly vpc?: VpcConfiguration;
  /** The key that encrypts its environment. @default - a key that Lambda owns */
  readonly kmsKeyArn?: string;
  readonly code: { readonly directory: string } | { readonly zipFile: string };
}

/** Whether the rehearsal can run a function. It runs all functions of Node.js with the version that it runs on itself. */
export const isRunnable = (runtime: string): boolean => runtime.startsWith('nodejs');

interface VpcConfiguration {
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
}

/** What `AWS::Lambda::EventInvokeConfig` sets. */
export interface EventInvokeConfiguration {
  readonly maximumRetryAttempts: number;
  readonly maximumEventAgeSeconds: number;
  /** ARNs of destinations. */
  readonly onSuccess?: string;
  readonly onFailure?: string;
}

/** What there is of a function. */
export interface FunctionDescription {
  readonly account: string;
  readonly region: string;
  readonly functionName: string;
  readonly role: string;
  readonly runtime: string;
  readonly logGroupName: string;
  readonly vpc?: VpcConfiguration;
  readonly kmsKeyArn?: string;
  readonly versions: readonly string[];
  /** The versions that they stand for. */
  readonly aliases: Readonly<Record<string, string>>;
  /** By version or alias. */
  readonly eventInvoke: Readonly<Record<string, EventInvokeConfiguration>>;
}

const DEFAULT_EVENT_INVOKE: EventInvokeConfiguration = { maximumRetryAttempts: 2, maximumEventAgeSeconds: 6 * 3600 };

export const LATEST = '$LATEST';

export const functionArn = (account: string, region: string, name: string): string =>
  arnOf({ account, region }, 'lambda', `function:${name}`);

/** The ARN of a function, and the version or alias that follows it. */
export function parseArn(arn: string): {
  readonly unqualified: string;
  readonly functionName: string;
  readonly qualifier?: string;
} {
  const parts = arn.split(':');
  const [unqualified, functionName = '', qualifier] = [parts.slice(0, 7).join(':'), parts[6], parts[7]];
  return qualifier === undefined ? { unqualified, functionName } : { unqualified, functionName, qualifier };
}

export class FunctionNotFound extends Error {
  constructor(readonly arn: string) {
    super(`Function not found: ${arn}`);
  }
}

/** A function with its versions and aliases. */
export class DeployedFunction {
  private readonly published: Pool[] = [];
  private readonly aliases = new Map<string, string>();
  private readonly eventInvoke = new Map<string, EventInvokeConfiguration>();
  /** Of all that there ever were: what runs ends by itself. */
  private readonly pools: Pool[];

  constructor(private latest: Pool) {
    this.pools = [latest];
  }

  /** New code or configuration: warm environments of the old one are not used again. */
  replace(latest: Pool): void {
    this.latest.retire();
    this.latest = latest;
    this.pools.push(latest);
  }

  /** @returns the number of the version. */
  publish(version: (latest: Pool, number: string) => Pool): string {
    const last = this.published.at(-1);
    if (last?.configuration === this.latest.configuration) {
      throw new Error(
        `A version for this Lambda function exists ( ${last.version} ). Modify the function to create a new version.`,
      );
    }
    const pool = version(this.latest, String(this.published.length + 1));
    this.published.push(pool);
    this.pools.push(pool);
    return pool.version;
  }

  unpublish(version: string): void {
    this.published.find((pool) => pool.version === version)?.retire();
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

  /** The version that a version or alias stands for now. */
  version(qualifier = LATEST): Pool | undefined {
    const version = this.aliases.get(qualifier) ?? qualifier;
    return [this.latest, ...this.published].find((pool) => pool.version === version && !pool.retired);
  }

  /** Each version and alias has settings of its own: those of the function are for who names neither. */
  eventInvokeOf(qualifier = LATEST): EventInvokeConfiguration {
    return this.eventInvoke.get(qualifier) ?? DEFAULT_EVENT_INVOKE;
  }

  hasEventInvoke(qualifier = LATEST): boolean {
    return this.eventInvoke.has(qualifier);
  }

  /** Without a configuration, back to the default. */
  configureEventInvoke(qualifier = LATEST, configuration?: Partial<EventInvokeConfiguration>): void {
    if (configuration === undefined) {
      this.eventInvoke.delete(qualifier);
    } else {
      this.eventInvoke.set(qualifier, { ...DEFAULT_EVENT_INVOKE, ...configuration });
    }
  }

  /** Of what there is of it, published versions included. */
  configurations(): FunctionConfiguration[] {
    return [this.latest, ...this.published].filter(({ retired }) => !retired).map(({ configuration }) => configuration);
  }

  describe(): FunctionDescription {
    const { account, region, functionName, role, runtime, logGroupName, vpc, kmsKeyArn } = this.latest.configuration;
    return {
      account,
      region,
      functionName,
      role,
      runtime,
      logGroupName,
      ...(vpc === undefined ? {} : { vpc }),
      ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
      versions: this.published.filter(({ retired }) => !retired).map(({ version }) => version),
      aliases: Object.fromEntries(this.aliases),
      eventInvoke: Object.fromEntries(this.eventInvoke),
    };
  }

  retire(): void {
    this.pools.forEach((pool) => {
      pool.retire();
    });
  }

  /** @returns how many environments were running. */
  kill(): number {
    return this.pools.reduce((sum, pool) => sum + pool.killRunning(), 0);
  }
}

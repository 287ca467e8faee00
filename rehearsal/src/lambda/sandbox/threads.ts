import type { RehearsalClock } from '../../time/clock';
import type { SandboxSettings } from '../protocol';
import type { StartEnvironment } from '../service/execution-environment';
import { ThreadEnvironment } from './thread-environment';

interface ThreadOptions {
  readonly clock: RehearsalClock;
  readonly endpointUrl: string;
  /** Returns the endpoint of the response URLs for functions of a Region. */
  readonly responseEndpoint: (region: string) => Promise<SandboxSettings['responseEndpoint']>;
  /** The module from which the packages of Lambda's runtime (`@aws-sdk/*`) are resolved. @default - this file */
  readonly runtimeModule?: string | undefined;
}

/** Returns a function that starts execution environments in threads. Their code calls the simulated services over loopback. */
export function threadEnvironmentStarter({
  clock,
  endpointUrl,
  responseEndpoint,
  runtimeModule = __filename,
}: ThreadOptions): StartEnvironment {
  let lastSeed = 0;
  return async ({ configuration, version, taskRoot, logStreamName, credentials, output }) => {
    const { functionName, region, handler, runtime, memoryMegabytes, timeoutSeconds, logGroupName } = configuration;
    if (!runtime.startsWith('nodejs')) {
      throw new Error(`the runtime ${runtime} of ${functionName} is not simulated: use a Node.js runtime`);
    }
    const variables = {
      PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
      LANG: 'en_US.UTF-8',
      TZ: ':UTC',
      // without this, the SDK logs a warning at every start if this Node.js is older than the one of the runtime
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      ...configuration.environment,
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
    return new ThreadEnvironment({
      clock,
      taskRoot,
      handler,
      runtimeModule,
      responseEndpoint: await responseEndpoint(region),
      context: {
        functionName,
        functionVersion: version,
        memoryLimitInMB: String(memoryMegabytes),
        logGroupName,
        logStreamName,
      },
      variables,
      timeoutSeconds,
      seed: ++lastSeed,
      output,
    });
  };
}

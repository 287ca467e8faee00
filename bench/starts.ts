import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { AUTHORIZATION_TYPE, SCHEMA_VERSION } from '../lib/contract';

const [ACCOUNT, VPC_ID] = ['111111111111', 'vpc-0123456789abcdef0'];
const CDK_DIRECTORY = dirname(require.resolve('aws-cdk-lib/package.json'));

/** A handler whose start is measured, and the request from CloudFormation that makes it authorize. */
export interface Candidate {
  readonly name: string;
  readonly file: string;
  readonly event: object;
}

const PAIR = { PeerVpcId: VPC_ID, PeerVpcAwsAccountId: ACCOUNT, GameLiftAwsAccountId: ACCOUNT };
const COMMON_FIELDS = {
  RequestType: 'Create',
  RequestId: '01234567-89ab-cdef-0123-456789abcdef',
  StackId: `arn:aws:cloudformation:us-east-1:${ACCOUNT}:stack/Stack/01234567-89ab-cdef-0123-456789abcdef`,
  LogicalResourceId: 'Authorization',
  ServiceToken: `arn:aws:lambda:us-east-1:${ACCOUNT}:function:Handler`,
};

function requestOf(ResourceType: string, properties: object): object {
  const { ServiceToken } = COMMON_FIELDS;
  // no handler gets to use the response URL: each waits for a response of SilentGameLift, which never comes
  return {
    ...COMMON_FIELDS,
    ResponseURL: 'https://127.0.0.1/',
    ResourceType,
    ResourceProperties: { ServiceToken, ...properties },
  };
}

export const LIBRARY_HANDLER: Candidate = {
  name: 'this library',
  file: join(__dirname, '..', 'lambda', 'bundle', 'index.mjs'),
  event: requestOf(AUTHORIZATION_TYPE, { SchemaVersion: SCHEMA_VERSION, ...PAIR }),
};

/** In the benchmark, this handler loads the SDK from node_modules. On Lambda, it loads the SDK from /var/runtime. */
export const AWS_CUSTOM_RESOURCE_HANDLER: Candidate = {
  name: 'AwsCustomResource',
  file: join(CDK_DIRECTORY, 'custom-resource-handlers', 'dist', 'custom-resources', 'aws-custom-resource-handler', 'index.js'),
  event: requestOf('Custom::AWS', {
    InstallLatestAwsSdk: 'false',
    Create: JSON.stringify({
      service: 'GameLift',
      action: 'createVpcPeeringAuthorization',
      parameters: { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: VPC_ID },
      physicalResourceId: { id: 'authorization' },
    }),
  }),
};

/** A script that needs no SDK to send the request. */
export const SCRIPT_WITHOUT_SDK: Candidate = {
  name: 'Node.js alone',
  file: join(__dirname, 'children', 'signed-request.mjs'),
  event: requestOf('Custom::AWS', PAIR),
};

/** The time and memory that a process used until its first request reached GameLift. */
export interface Start {
  /** Elapsed time since the start of the process. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly megabytes: number;
}

/** A server on loopback in place of GameLift. It never responds. */
export class SilentGameLift {
  static async start(): Promise<SilentGameLift> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SilentGameLift(server);
  }

  private constructor(private readonly server: Server) {}

  /** Starts a handler in a separate process, and stops it at its first request. */
  async measure({ name, file, event }: Candidate): Promise<Start> {
    const { port } = this.server.address() as AddressInfo;
    const startedAt = process.hrtime.bigint();
    const child = fork(join(__dirname, 'children', 'lambda.mjs'), [file, JSON.stringify(event)], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        PATH: process.env.PATH,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_SESSION_TOKEN: 'token',
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
        AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      },
    });
    const endedTooEarly = once(child, 'exit').then(() => {
      throw new Error(`${name} ended before its first request to GameLift`);
    });
    // the process also ends after its measurement: this prevents an unhandled rejection
    endedTooEarly.catch(() => undefined);
    await Promise.race([this.waitForRequest(), endedTooEarly]);
    const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
    // makes children/lambda.mjs send its resource usage and exit
    child.send('stop');
    const [usage] = (await Promise.race([once(child, 'message'), endedTooEarly])) as [Omit<Start, 'seconds'>];
    return { seconds, ...usage };
  }

  async close(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async waitForRequest(): Promise<void> {
    const [{ headers }] = (await once(this.server, 'request')) as [{ readonly headers: Record<string, string> }];
    if (headers['x-amz-target'] !== 'GameLift.CreateVpcPeeringAuthorization') {
      throw new Error(`expected a request to authorize, got ${headers['x-amz-target'] ?? 'another one'}`);
    }
  }
}

import { EC2Client } from '@aws-sdk/client-ec2';
import { GameLiftClient } from '@aws-sdk/client-gamelift';
import { STSClient } from '@aws-sdk/client-sts';

export interface Clients {
  readonly gameLift: GameLiftClient;
  readonly ec2: EC2Client;
  readonly sts: STSClient;
}

/** Options for tests. By default, the AWS SDK finds the endpoint, the Region and the credentials. */
export interface ClientOptions {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Creates clients that never retry: the probe itself retries, and needs the result of each attempt. */
export function createClients(options: ClientOptions = {}): Clients {
  const configuration = { ...options, maxAttempts: 1, requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000 } };
  return {
    gameLift: new GameLiftClient(configuration),
    ec2: new EC2Client(configuration),
    sts: new STSClient(configuration),
  };
}

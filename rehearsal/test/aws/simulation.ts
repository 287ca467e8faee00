import { GameLiftClient } from '@aws-sdk/client-gamelift';
import { SimulatedAws, type Credentials } from '../../src/aws';
import { Journal } from '../../src/journal';
import { RehearsalClock, type Clock } from '../../src/time/clock';

export const VPC_ACCOUNT = '111111111111';
export const GAMELIFT_ACCOUNT = '222222222222';
export const REGION = 'us-east-1';

/** A clock that moves only if a test advances it, or if code sleeps. A sleep does not wait: it advances the clock by its duration. */
export class ManualClock implements Clock {
  private time = Date.UTC(2026, 0, 1);

  now(): number {
    return this.time;
  }

  async sleep(milliseconds: number): Promise<void> {
    if (milliseconds === Infinity) {
      // an infinite sleep never ends
      await new Promise<void>(() => undefined);
    }
    this.time += milliseconds;
  }

  work<T>(task: () => Promise<T>): Promise<T> {
    return task();
  }

  serve(task: () => Promise<void>): Promise<void> {
    return task();
  }

  advance(seconds: number): void {
    this.time += seconds * 1000;
  }
}

/** A simulation whose time the test controls with `clock.advance`. */
export interface Simulation {
  readonly clock: ManualClock;
  readonly journal: Journal;
  readonly aws: SimulatedAws;
}

/** A simulation for tests inside `clock.work`. Time leaps while the test sleeps, and stands still while it does anything else. */
export interface TimedSimulation {
  readonly clock: RehearsalClock;
  readonly journal: Journal;
  readonly aws: SimulatedAws;
}

export async function startTimedSimulation(): Promise<TimedSimulation> {
  const clock = new RehearsalClock(Date.UTC(2026, 0, 1));
  const journal = new Journal(() => clock.now());
  return { clock, journal, aws: await SimulatedAws.start({ clock, journal }) };
}

export async function startSimulation(): Promise<Simulation> {
  const clock = new ManualClock();
  const journal = new Journal(() => clock.now());
  return { clock, journal, aws: await SimulatedAws.start({ clock, journal }) };
}

export interface ClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly maxAttempts: number;
  readonly credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
}

/** The configuration of all SDK clients in these tests. They make one attempt, because retries would wait in real time. */
export function clientConfig(aws: SimulatedAws, credentials: Credentials): ClientConfig {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return {
    endpoint: aws.endpointUrl,
    region: REGION,
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  };
}

export function gameLiftClient(aws: SimulatedAws, credentials: Credentials): GameLiftClient {
  return new GameLiftClient(clientConfig(aws, credentials));
}

export const LAMBDA_TRUST = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

export function allow(action: string | string[], resource = '*', condition?: object): object {
  return { Effect: 'Allow', Action: action, Resource: resource, ...(condition === undefined ? {} : { Condition: condition }) };
}

export function policy(...statements: object[]): object {
  return { Version: '2012-10-17', Statement: statements };
}

/** Creates a role for a Lambda function with this policy, and starts a session of the role. */
export function createRoleSession(
  aws: SimulatedAws,
  policyDocument: object,
  roleName = 'Handler',
): { roleArn: string; credentials: Credentials } {
  const { arn } = aws.iam.createRole({ account: VPC_ACCOUNT, roleName, assumeRolePolicy: LAMBDA_TRUST });
  aws.iam.putRolePolicy(VPC_ACCOUNT, roleName, 'Default', policyDocument);
  return { roleArn: arn, credentials: aws.iam.assumeRoleForService(arn, 'lambda.amazonaws.com', 'function') };
}

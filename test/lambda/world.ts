import { rehearsedTime } from 'rehearsal/in-process';
import type { AuthorizationRecord, ConnectionRecord, Ec2Peering } from '../../lambda/aws/api';
import { createHandler } from '../../lambda/handler';
import type { Log, LogRecord } from '../../lambda/log';
import type { Dependencies } from '../../lambda/resources/resource';
import type { Time } from '../../lambda/time';

export const VPC = 'vpc-0123456789abcdef0';
export const VPC_ACCOUNT = '111111111111';
export const GAMELIFT_ACCOUNT = '222222222222';
/** The part of the stack's id that makes it unique. */
export const GUID = '6b2e1c9c-0000-4000-8000-000000000000';
export const STACK_ID = `arn:aws:cloudformation:eu-central-1:${VPC_ACCOUNT}:stack/Peered/${GUID}`;
/** In milliseconds. */
export const HOUR = 3_600_000;
/** The presigned URL for the response. Whoever knows its signature can respond to the request. */
export const SECRET_URL = 'https://cloudformation-custom-resource-response.s3.amazonaws.com/key?X-Amz-Signature=5ec2e7';

type Api = Dependencies['api'];

/** An error as the AWS SDK throws it. */
export function awsError(name: string, message = `${name} of AWS`, httpStatusCode = 400): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
}

/** The results of successive calls: outputs, or errors to throw. The last result is repeated. */
type Script<T> = (T | Error)[];

function takeResult<T>(script: Script<T>): T {
  const next = script.length > 1 ? script.shift() : script[0];
  if (next === undefined) {
    throw new Error('the test did not expect this call');
  }
  if (next instanceof Error) {
    throw next;
  }
  return next;
}

/** A log that adds its records to the list. */
export function recordingLog(records: LogRecord[] = []): Log {
  const add = (record: LogRecord): void => void records.push(record);
  return { info: add, error: add, failedRequest: add };
}

const rejectUnexpectedCall = (): Promise<never> => Promise.reject(new Error('the test did not expect this call'));

/** An API that records its calls, except for `vpcExists`, and returns the results that the test sets. */
export class ScriptedApi implements Api {
  readonly calls: string[] = [];
  createAuthorizationResults: Script<{ readonly expiresInHours: number } | AuthorizationRecord> = [{ expiresInHours: 24 }];
  deleteAuthorizationResults: Script<'done'> = ['done'];
  describeAuthorizationsResults: Script<readonly AuthorizationRecord[]> = [[]];
  vpcExistsResults: Script<boolean | 'denied'> = [true];
  describeConnectionsResults: Script<readonly ConnectionRecord[]> = [[]];
  describePeeringsResults: Script<readonly Ec2Peering[]> = [[]];

  readonly createVpcPeeringConnection = rejectUnexpectedCall;
  readonly deleteVpcPeeringConnection = rejectUnexpectedCall;
  readonly describeFleet = rejectUnexpectedCall;
  readonly describeFleetEvents = rejectUnexpectedCall;
  readonly listFleetTags = rejectUnexpectedCall;
  readonly tagFleet = rejectUnexpectedCall;
  readonly untagFleet = rejectUnexpectedCall;
  readonly describeVpcCidrBlocks = rejectUnexpectedCall;
  readonly describeRouteTables = rejectUnexpectedCall;
  readonly createRoute = rejectUnexpectedCall;
  readonly replaceRoute = rejectUnexpectedCall;
  readonly deleteRoute = rejectUnexpectedCall;
  readonly setDnsResolution = rejectUnexpectedCall;
  readonly tagPeering = rejectUnexpectedCall;
  readonly describeStackStatus = rejectUnexpectedCall;
  readonly untagPeering = rejectUnexpectedCall;

  constructor(private readonly time: Time) {}

  /** An authorization that expires in the given hours, or has expired if they are negative. */
  authorizationExpiringIn(hours: number): AuthorizationRecord {
    const now = this.time.now();
    return {
      GameLiftAwsAccountId: GAMELIFT_ACCOUNT,
      PeerVpcAwsAccountId: VPC_ACCOUNT,
      PeerVpcId: VPC,
      CreationTime: new Date(now + (hours - 24) * HOUR),
      ExpirationTime: new Date(now + hours * HOUR),
    };
  }

  async createVpcPeeringAuthorization(input: { GameLiftAwsAccountId: string; PeerVpcId: string }): Promise<AuthorizationRecord> {
    this.calls.push(`Create ${input.PeerVpcId} ${input.GameLiftAwsAccountId}`);
    await Promise.resolve();
    const output = takeResult(this.createAuthorizationResults);
    return 'expiresInHours' in output ? this.authorizationExpiringIn(output.expiresInHours) : output;
  }

  async deleteVpcPeeringAuthorization(input: { GameLiftAwsAccountId: string; PeerVpcId: string }): Promise<void> {
    this.calls.push(`Delete ${input.PeerVpcId} ${input.GameLiftAwsAccountId}`);
    await Promise.resolve();
    takeResult(this.deleteAuthorizationResults);
  }

  async describeVpcPeeringAuthorizations(): Promise<readonly AuthorizationRecord[]> {
    this.calls.push('Describe authorizations');
    await Promise.resolve();
    return takeResult(this.describeAuthorizationsResults);
  }

  async describeVpcPeeringConnections(fleetId: string | undefined): Promise<readonly ConnectionRecord[]> {
    this.calls.push(`Describe connections${fleetId === undefined ? '' : ` of ${fleetId}`}`);
    await Promise.resolve();
    return takeResult(this.describeConnectionsResults);
  }

  async describePeerings(vpcId: string): Promise<readonly Ec2Peering[]> {
    this.calls.push(`Describe peerings of ${vpcId}`);
    await Promise.resolve();
    return takeResult(this.describePeeringsResults);
  }

  async vpcExists(): Promise<boolean> {
    await Promise.resolve();
    const output = takeResult(this.vpcExistsResults);
    if (output === 'denied') {
      throw awsError('UnauthorizedOperation');
    }
    return output;
  }
}

export interface TestResponse {
  readonly Status: string;
  readonly Reason?: string;
  readonly PhysicalResourceId: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly Data?: Record<string, unknown>;
}

/** Runs the handler with a scripted AWS, simulated time, and a response endpoint that records the responses. */
export class TestWorld {
  readonly time = rehearsedTime();
  readonly api = new ScriptedApi(this.time);
  readonly responses: TestResponse[] = [];
  readonly logRecords: LogRecord[] = [];
  readonly log = recordingLog(this.logRecords);
  /** The HTTP statuses that the response endpoint returns, in order. The last one is repeated. */
  httpStatuses: (number | Error)[] = [200];
  put: Dependencies['put'] = async (url, body) => {
    expect(url).toBe(SECRET_URL);
    await Promise.resolve();
    const status = takeResult(this.httpStatuses);
    if (status === 200) {
      this.responses.push(JSON.parse(body) as TestResponse);
    }
    return status;
  };

  /**
   * Runs the handler with an event. Returns the last response that the endpoint received.
   *
   * @param remainingSeconds the time that Lambda leaves for the invocation
   */
  async run(event: unknown, { remainingSeconds = 900 } = {}): Promise<TestResponse | undefined> {
    const end = this.time.now() + remainingSeconds * 1000;
    const handler = createHandler({
      api: this.api,
      assume: () => {
        throw new Error('the test did not expect a role to be assumed');
      },
      put: (...args) => this.put(...args),
      time: this.time,
      log: this.log,
      region: 'eu-central-1',
    });
    await handler(event, { getRemainingTimeInMillis: () => end - this.time.now() });
    expect(JSON.stringify(this.logRecords)).not.toContain('X-Amz-Signature');
    return this.responses.at(-1);
  }
}

/** CloudFormation's request for an authorization. `change` overrides members of the request. */
export function requestOf(requestType: string, change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    RequestType: requestType,
    ResponseURL: SECRET_URL,
    StackId: STACK_ID,
    RequestId: 'f0f0f0f0-0000-4000-8000-000000000000',
    ResourceType: 'Custom::GameLiftVpcPeeringAuthorization',
    LogicalResourceId: 'Authorization',
    ...(requestType === 'Create' ? {} : { PhysicalResourceId: `${GUID}/Authorization` }),
    ResourceProperties: propertiesOf(),
    ...change,
  };
}

/** The properties of an authorization. `change` overrides some of them. */
export function propertiesOf(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    ServiceToken: 'arn:aws:lambda:eu-central-1:111111111111:function:Handler',
    SchemaVersion: '1',
    PeerVpcId: VPC,
    PeerVpcAwsAccountId: VPC_ACCOUNT,
    GameLiftAwsAccountId: GAMELIFT_ACCOUNT,
    ...change,
  };
}

import type { SimulatedAws, Fleet, FleetOutcome } from 'rehearsal/aws';
import { KillableProcess, rehearsedTime, sendAs } from 'rehearsal/in-process';
import type { Send, ServiceName } from 'rehearsal/in-process';
import { createHandler } from '../../lambda/handler';
import type { LogRecord } from '../../lambda/log';
import { SimulatedApi } from '../in-process/api';
import { ACCOUNT, MatrixRehearsal, ACCOUNT_AND_REGION, REGION } from '../matrix/rehearsal';
import type { Readings } from '../matrix/rehearsal';
import { GUID, recordingLog, SECRET_URL } from './world';
import type { TestResponse } from './world';

const STACK_ID = `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/Game/${GUID}`;

interface HandlerResult {
  readonly response: TestResponse | undefined;
  readonly logRecords: readonly LogRecord[];
}

/** Runs the handler on a simulated AWS that contains a fleet. Tests send CloudFormation's requests to the handler. */
export class SimulatedWorld {
  /** @param change overrides members of the input of CreateFleet */
  static async create(readings: Readings = {}, change: object = {}, outcome: FleetOutcome = {}): Promise<SimulatedWorld> {
    const matrix = await MatrixRehearsal.populate(readings);
    matrix.aws.scriptedOutcomes.fleet = () => outcome;
    const fleetId = await createFleet(matrix.aws, change);
    // wait until the fleet is ACTIVE, or has its scripted outcome
    await matrix.waitDays(1);
    return new SimulatedWorld(matrix, fleetId);
  }

  /** The operations that the handler has called since the last `run`. */
  calls: string[] = [];
  /** Returns an error to make the call fail without reaching the simulation. */
  errorFor: (service: ServiceName, operation: string) => Error | undefined | Promise<Error | undefined> = () => undefined;
  /** Returns an output to make the call succeed without reaching the simulation. */
  outputFor: (service: ServiceName, operation: string) => object | undefined = () => undefined;
  /** Returns the random number, from 0 to 1, that spreads out the handler's retries. */
  jitter: () => number = () => 0;
  /** The roles that the handler assumed, with the names of the sessions. */
  readonly assumedRoles: object[] = [];

  private constructor(
    private readonly matrix: MatrixRehearsal,
    public fleetId: string,
  ) {}

  get aws(): SimulatedAws {
    return this.matrix.aws;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.matrix.clock.now();
  }

  sleep(milliseconds: number): Promise<void> {
    return this.matrix.clock.sleep(milliseconds);
  }

  /** The id of the peer VPC. */
  get vpcId(): string {
    return this.matrix.vpcs.A.vpcId;
  }

  get routeTableIds(): readonly string[] {
    return this.matrix.vpcs.A.routeTableIds;
  }

  /**
   * The statuses of the fleet's connections, and the ids of the route tables with routes to a peering connection. Routes to the connections
   * that existed before the fleet are left out.
   */
  get state(): { readonly connectionStatuses: readonly string[]; readonly tablesWithRoutes: readonly string[] } {
    const { connections, routes } = this.matrix.aws.inventory();
    const connectionsOfFleet = (connections as { fleetId: string; status: string }[]).filter(
      ({ fleetId }) => fleetId === this.fleetId,
    );
    const earlierPeeringIds = new Set((this.matrix.initialInventory.peerings as { id: string }[]).map(({ id }) => id));
    return {
      connectionStatuses: connectionsOfFleet.map(({ status }) => status),
      tablesWithRoutes: (routes as { target: string; routeTableId: string }[])
        .filter(({ target }) => target.startsWith('pcx-') && !earlierPeeringIds.has(target))
        .map(({ routeTableId }) => routeTableId),
    };
  }

  /** Sends an event after a pause, so that no call is throttled. */
  async run(event: object): Promise<HandlerResult> {
    await this.sleep(30_000);
    this.calls = [];
    return await this.handle(event, new KillableProcess());
  }

  /** Sends an event at once. Kills the handler after the given time if it is still running. */
  async runAtOnce(event: object, killAfterMilliseconds = Infinity): Promise<TestResponse | undefined> {
    const handlerProcess = new KillableProcess();
    const untilKilled = new Promise<undefined>((resolve) => {
      this.matrix.clock.callAfter(killAfterMilliseconds, () => {
        handlerProcess.kill();
        resolve(undefined);
      });
    });
    return await Promise.race([this.handle(event, handlerProcess).then(({ response }) => response), untilKilled]);
  }

  private async handle(event: object, handlerProcess: KillableProcess): Promise<HandlerResult> {
    const { clock } = this.matrix;
    const end = clock.now() + 900_000;
    const responses: TestResponse[] = [];
    const logRecords: LogRecord[] = [];
    const time = rehearsedTime(clock, () => this.jitter());
    const api = new SimulatedApi((...call) => handlerProcess.run(() => this.sendCall(...call)));
    const handler = createHandler({
      api,
      assume: (role, session) => {
        this.assumedRoles.push({ ...role, session });
        return api;
      },
      put: (_, body) =>
        handlerProcess.run(() => {
          responses.push(JSON.parse(body) as TestResponse);
          return Promise.resolve(200);
        }),
      time: { ...time, sleep: (...args) => handlerProcess.run(() => time.sleep(...args)) },
      log: recordingLog(logRecords),
      region: REGION,
    });
    await handler(event, { getRemainingTimeInMillis: () => end - clock.now() });
    expect(responses).toHaveLength(1);
    return { response: responses[0], logRecords };
  }

  /** The properties of the custom resource for the fleet's connection. */
  properties(change: object = {}): object {
    return {
      SchemaVersion: '1',
      PeerVpcId: this.vpcId,
      PeerVpcAwsAccountId: ACCOUNT,
      GameLiftAwsAccountId: ACCOUNT,
      FleetId: this.fleetId,
      TimeoutSeconds: '600',
      Routes: 'EveryRouteTable',
      DnsResolution: 'false',
      AdoptExisting: 'false',
      PeerOnCreate: 'false',
      ...change,
    };
  }

  /**
   * Sends a request for the fleet's connection, as CloudFormation does.
   *
   * @param change overrides members of the request, such as the stack id
   */
  async send(
    type: 'Create' | 'Update' | 'Delete',
    properties = this.properties(),
    physicalId?: string,
    change: object = {},
  ): Promise<{ readonly response: TestResponse | undefined }> {
    return await this.run({
      ...this.request(type, properties),
      ...(physicalId === undefined ? {} : { PhysicalResourceId: physicalId }),
      ...change,
    });
  }

  /** A request for the fleet's connection, as CloudFormation sends it, but without a physical id. */
  request(type: 'Create' | 'Update' | 'Delete', properties = this.properties()): object {
    return {
      RequestType: type,
      ResponseURL: SECRET_URL,
      StackId: STACK_ID,
      RequestId: 'f0f0f0f0-0000-4000-8000-000000000006',
      ResourceType: 'Custom::GameLiftVpcPeeringConnection',
      LogicalResourceId: 'Peering',
      ResourceProperties: properties,
      ...(type === 'Update' ? { OldResourceProperties: properties } : {}),
    };
  }

  /** Authorizes by hand, unless an authorization is valid. */
  authorizeByHand(): Promise<void> {
    return this.matrix.authorizeUnlessValid('A');
  }

  /** Cancels the authorization by hand, if there is one. */
  async cancelAuthorizationByHand(): Promise<void> {
    if (this.isAuthorized) {
      const input = { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: this.vpcId };
      await this.aws.callGameLift('DeleteVpcPeeringAuthorization', input, ACCOUNT_AND_REGION);
    }
  }

  get isAuthorized(): boolean {
    return this.aws.inventory().authorizations.some(({ peerVpcId }) => peerVpcId === this.vpcId);
  }

  /** Creates another fleet by hand, and returns its id. */
  createFleet(change: object): Promise<string> {
    return createFleet(this.aws, change);
  }

  /** Authorizes and creates the connection by hand. */
  async connectByHand(): Promise<void> {
    await this.matrix.authorize('A');
    const input = { FleetId: this.fleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: this.vpcId };
    await this.aws.callGameLift('CreateVpcPeeringConnection', input, ACCOUNT_AND_REGION);
    await this.sleep(60_000);
  }

  /** Deletes the fleet's connection by hand. An authorization must be valid. */
  async disconnectByHand(): Promise<void> {
    const input = { FleetId: this.fleetId, VpcPeeringConnectionId: this.attributes?.VpcPeeringConnectionId };
    await this.aws.callGameLift('DeleteVpcPeeringConnection', input, ACCOUNT_AND_REGION);
    await this.sleep(60_000);
  }

  /** Removes all tags of the fleet's peering connection in EC2. */
  removePeeringTags(): void {
    this.aws.ec2.tags.clear(ACCOUNT, String(this.attributes?.VpcPeeringConnectionId));
  }

  /** The tags of the fleet. Tests may change them. */
  get tags(): Map<string, string> {
    const fleet = this.findFleet(this.fleetId);
    if (fleet === undefined) {
      throw new Error('the fleet is gone');
    }
    return fleet.tags;
  }

  /** The expected attributes of the fleet's connection; undefined if it is not active. */
  get attributes(): Record<string, unknown> | undefined {
    return this.attributesOf(this.fleetId);
  }

  /** The expected attributes of the connection of any fleet. */
  attributesOf(fleetId: string): Record<string, unknown> | undefined {
    const { connections } = this.matrix.aws.inventory();
    const active = (connections as { id: string; fleetId: string; status: string }[]).find(
      (connection) => connection.fleetId === fleetId && connection.status === 'active',
    );
    const vpc = this.findFleet(fleetId)?.vpc;
    return active === undefined
      ? undefined
      : { VpcPeeringConnectionId: active.id, GameLiftVpcId: vpc?.vpcId, GameLiftCidrBlock: vpc?.cidrBlock };
  }

  /** Waits in simulated time. Authorizations expire after one day. */
  waitDays(days: number): Promise<void> {
    return this.matrix.waitDays(days);
  }

  close(): void {
    this.matrix.close();
  }

  findFleet(fleetId: string): Fleet | undefined {
    return this.aws.gameLift.fleets.find(ACCOUNT_AND_REGION, fleetId);
  }

  private readonly sendCall: Send = async (service, operation, ...rest) => {
    const { aws } = this.matrix;
    this.calls.push(operation);
    const error = await this.errorFor(service, operation);
    if (error !== undefined) {
      throw error;
    }
    const send = sendAs(aws, aws.iam.administrator(ACCOUNT).accessKeyId, REGION);
    return this.outputFor(service, operation) ?? send(service, operation, ...rest);
  };
}

/** Creates a fleet, and returns its id. `change` overrides members of the input. */
async function createFleet(aws: SimulatedAws, change: object): Promise<string> {
  const fleet = { Name: 'Lobby', BuildId: 'build-1', EC2InstanceType: 'c5.large', ...change };
  const { FleetAttributes } = (await aws.callGameLift('CreateFleet', fleet, ACCOUNT_AND_REGION)) as {
    readonly FleetAttributes: { readonly FleetId: string };
  };
  return FleetAttributes.FleetId;
}

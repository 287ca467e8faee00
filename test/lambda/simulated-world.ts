import type { SimulatedAws, Fleet, FleetOutcome } from 'rehearsal/aws';
import { Killable, rehearsedTime, sendAs } from 'rehearsal/in-process';
import type { Send, ServiceName } from 'rehearsal/in-process';
import { createHandler } from '../../lambda/handler';
import type { LogRecord } from '../../lambda/log';
import { SimulatedApi } from '../in-process/api';
import { ACCOUNT, MatrixWorld, PLACE, REGION } from '../matrix/world';
import type { Readings } from '../matrix/world';
import { GUID, recordingLog, SECRET_URL } from './world';
import type { TestAnswer } from './world';

const STACK_ID = `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/Game/${GUID}`;

interface Outcome {
  readonly answer: TestAnswer | undefined;
  readonly logged: readonly LogRecord[];
}

/** The handler on a simulated AWS with a fleet in it, which a test sends events by hand: for requests that really run. */
export class SimulatedWorld {
  /** @param change of the input of CreateFleet */
  static async create(readings: Readings = {}, change: object = {}, outcome: FleetOutcome = {}): Promise<SimulatedWorld> {
    const matrix = await MatrixWorld.populate(readings);
    matrix.aws.scriptedOutcomes.fleet = () => outcome;
    const fleetId = await createFleet(matrix.aws, change);
    await matrix.pass(1);
    return new SimulatedWorld(matrix, fleetId);
  }

  calls: string[] = [];
  /** What a call is refused with instead of being made. */
  refusal: (service: ServiceName, operation: string) => Error | undefined | Promise<Error | undefined> = () => undefined;
  /** What a call is answered with instead of being made. */
  output: (service: ServiceName, operation: string) => object | undefined = () => undefined;
  /** What spreads out the handler's retries: from 0 up to 1. */
  jitter: () => number = () => 0;
  /** Each role that was assumed, and by which session. */
  readonly assumed: object[] = [];

  private constructor(
    private readonly matrix: MatrixWorld,
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

  get vpcId(): string {
    return this.matrix.places.A.vpcId;
  }

  get routeTableIds(): readonly string[] {
    return this.matrix.places.A.routeTableIds;
  }

  /** The status of what connects the fleet, and the tables of the routes to it, or to what connected it before. */
  get peerings(): { readonly statuses: readonly string[]; readonly routed: readonly string[] } {
    const { connections, routes } = this.matrix.aws.inventory();
    const own = (connections as { fleetId: string; status: string }[]).filter(({ fleetId }) => fleetId === this.fleetId);
    const foreign = new Set((this.matrix.before.peerings as { id: string }[]).map(({ id }) => id));
    return {
      statuses: own.map(({ status }) => status),
      routed: (routes as { target: string; routeTableId: string }[])
        .filter(({ target }) => target.startsWith('pcx-') && !foreign.has(target))
        .map(({ routeTableId }) => routeTableId),
    };
  }

  /** Sends an event when nothing is refused for its rate any more. */
  async run(event: object): Promise<Outcome> {
    await this.sleep(30_000);
    this.calls = [];
    return await this.handle(event, new Killable());
  }

  /** Sends an event at once. Kills the handler after that many milliseconds, unless it has ended before. */
  async runAtOnce(event: object, killedAfter = Infinity): Promise<TestAnswer | undefined> {
    const process = new Killable();
    const killed = new Promise<undefined>((resolve) => {
      this.matrix.clock.after(killedAfter, () => {
        process.kill();
        resolve(undefined);
      });
    });
    return await Promise.race([this.handle(event, process).then(({ answer }) => answer), killed]);
  }

  private async handle(event: object, process: Killable): Promise<Outcome> {
    const { clock } = this.matrix;
    const end = clock.now() + 900_000;
    const answers: TestAnswer[] = [];
    const logged: LogRecord[] = [];
    const time = rehearsedTime(clock, () => this.jitter());
    const api = new SimulatedApi((...call) => process.run(() => this.send(...call)));
    const handler = createHandler({
      api,
      assume: (role, session) => {
        this.assumed.push({ ...role, session });
        return api;
      },
      put: (_, body) =>
        process.run(() => {
          answers.push(JSON.parse(body) as TestAnswer);
          return Promise.resolve(200);
        }),
      time: { ...time, sleep: (...args) => process.run(() => time.sleep(...args)) },
      log: recordingLog(logged),
      region: REGION,
    });
    await handler(event, { getRemainingTimeInMillis: () => end - clock.now() });
    expect(answers).toHaveLength(1);
    return { answer: answers[0], logged };
  }

  /** What is declared of the fleet's connection. */
  declare(change: object = {}): object {
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
   * Asks for the fleet's connection, as CloudFormation does.
   *
   * @param id what CloudFormation knows it by
   * @param change of the request, such as that it is another stack's
   */
  async ask(
    type: 'Create' | 'Update' | 'Delete',
    declared = this.declare(),
    id?: string,
    change: object = {},
  ): Promise<{ readonly answer: TestAnswer | undefined }> {
    return await this.run({
      ...this.request(type, declared),
      ...(id === undefined ? {} : { PhysicalResourceId: id }),
      ...change,
    });
  }

  /** What CloudFormation sends, but for the id that it knows the connection by. */
  request(type: 'Create' | 'Update' | 'Delete', declared = this.declare()): object {
    return {
      RequestType: type,
      ResponseURL: SECRET_URL,
      StackId: STACK_ID,
      RequestId: `f0f0f0f0-0000-4000-8000-00000000000${type.length}`,
      ResourceType: 'Custom::GameLiftVpcPeeringConnection',
      LogicalResourceId: 'Peering',
      ResourceProperties: declared,
      ...(type === 'Update' ? { OldResourceProperties: declared } : {}),
    };
  }

  /** Somebody authorizes the VPC by hand, unless that is valid already. */
  authorizeByHand(): Promise<void> {
    return this.matrix.authorizeUnlessValid('A');
  }

  /** Somebody withdraws what authorizes the VPC, if anything does. */
  async cancelAuthorizationByHand(): Promise<void> {
    if (this.isAuthorized) {
      const input = { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: this.vpcId };
      await this.aws.callGameLift('DeleteVpcPeeringAuthorization', input, PLACE);
    }
  }

  get isAuthorized(): boolean {
    return this.aws.inventory().authorizations.some(({ peerVpcId }) => peerVpcId === this.vpcId);
  }

  /** Somebody creates another fleet. @returns its id */
  createFleet(change: object): Promise<string> {
    return createFleet(this.aws, change);
  }

  /** Somebody authorizes and connects the fleet by hand. */
  async connectByHand(): Promise<void> {
    await this.matrix.authorize('A');
    const input = { FleetId: this.fleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: this.vpcId };
    await this.aws.callGameLift('CreateVpcPeeringConnection', input, PLACE);
    await this.sleep(60_000);
  }

  /** Somebody deletes the fleet's connection by hand, while it is authorized. */
  async disconnectByHand(): Promise<void> {
    const input = { FleetId: this.fleetId, VpcPeeringConnectionId: this.attributes?.VpcPeeringConnectionId };
    await this.aws.callGameLift('DeleteVpcPeeringConnection', input, PLACE);
    await this.sleep(60_000);
  }

  /** Removes all tags of the peering that connects the fleet. */
  removePeeringTags(): void {
    this.aws.ec2.tags.clear(ACCOUNT, String(this.attributes?.VpcPeeringConnectionId));
  }

  /** Of the fleet, for whoever changes them. */
  get tags(): Map<string, string> {
    const fleet = this.find(this.fleetId);
    if (fleet === undefined) {
      throw new Error('the fleet is gone');
    }
    return fleet.tags;
  }

  /** What the attributes of the fleet's connection have to be; undefined where it is not active. */
  get attributes(): Record<string, unknown> | undefined {
    return this.attributesOf(this.fleetId);
  }

  /** The same of another fleet. */
  attributesOf(id: string): Record<string, unknown> | undefined {
    const { connections } = this.matrix.aws.inventory();
    const active = (connections as { id: string; fleetId: string; status: string }[]).find(
      ({ fleetId, status }) => fleetId === id && status === 'active',
    );
    const vpc = this.find(id)?.vpc;
    return active === undefined
      ? undefined
      : { VpcPeeringConnectionId: active.id, GameLiftVpcId: vpc?.vpcId, GameLiftCidrBlock: vpc?.cidrBlock };
  }

  /** Until authorizations have lapsed, and more. */
  pass(days: number): Promise<void> {
    return this.matrix.pass(days);
  }

  close(): void {
    this.matrix.close();
  }

  find(fleetId: string): Fleet | undefined {
    return this.aws.gameLift.fleets.find(PLACE, fleetId);
  }

  private readonly send: Send = async (...call) => {
    const { aws } = this.matrix;
    this.calls.push(call[1]);
    const error = await this.refusal(call[0], call[1]);
    if (error !== undefined) {
      throw error;
    }
    return this.output(call[0], call[1]) ?? sendAs(aws, aws.iam.administrator(ACCOUNT).accessKeyId, REGION)(...call);
  };
}

/**
 * @param change of the input of CreateFleet
 * @returns the id of the fleet
 */
async function createFleet(aws: SimulatedAws, change: object): Promise<string> {
  const fleet = { Name: 'Lobby', BuildId: 'build-1', EC2InstanceType: 'c5.large', ...change };
  const { FleetAttributes } = (await aws.callGameLift('CreateFleet', fleet, PLACE)) as {
    readonly FleetAttributes: { readonly FleetId: string };
  };
  return FleetAttributes.FleetId;
}

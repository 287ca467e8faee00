import type { RehearsalClock } from 'rehearsal';
import type { SimulatedAws, Fleet, FleetOutcome } from 'rehearsal/aws';
import { sendAs } from 'rehearsal/in-process';
import type { Send, ServiceName } from 'rehearsal/in-process';
import { createHandler } from '../../lambda/handler';
import type { LogRecord } from '../../lambda/log';
import type { Time } from '../../lambda/time';
import { SimulatedApi } from '../in-process/api';
import { ACCOUNT, MatrixWorld, PLACE, REGION } from '../matrix/world';
import type { Readings } from '../matrix/world';
import { recordingLog, SECRET_URL } from './world';
import type { TestAnswer } from './world';

const STACK_ID = 'arn:aws:cloudformation:us-east-1:111111111111:stack/Game/6b2e1c9c-0000-4000-8000-000000000000';

/** The handler on a simulated AWS with a fleet in it, which a test sends events by hand: for requests that really run. */
export class SimulatedWorld {
  /** @param change of the input of CreateFleet */
  static async create(readings: Readings = {}, change: object = {}, outcome: FleetOutcome = {}): Promise<SimulatedWorld> {
    const matrix = await MatrixWorld.populate(readings);
    matrix.aws.scriptedOutcomes.fleet = () => outcome;
    const fleet = { Name: 'Lobby', BuildId: 'build-1', EC2InstanceType: 'c5.large', ...change };
    const made = await matrix.aws.callGameLift('CreateFleet', fleet, PLACE);
    const { FleetAttributes } = made as { readonly FleetAttributes: { readonly FleetId: string } };
    await matrix.waitDays(1);
    return new SimulatedWorld(matrix, FleetAttributes.FleetId);
  }

  calls: string[] = [];
  /** What a call is refused with instead of being made. */
  refusal: (service: ServiceName, operation: string) => Error | undefined = () => undefined;
  /** What a call is answered with instead of being made. */
  output: (service: ServiceName, operation: string) => object | undefined = () => undefined;
  /** Each role that was assumed, and by which session. */
  readonly assumed: object[] = [];

  private constructor(
    private readonly matrix: MatrixWorld,
    readonly fleetId: string,
  ) {}

  get aws(): SimulatedAws {
    return this.matrix.aws;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.matrix.clock.now();
  }

  get vpcId(): string {
    return this.matrix.vpcs.A.vpcId;
  }

  get routeTableIds(): readonly string[] {
    return this.matrix.vpcs.A.routeTableIds;
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

  async run(event: object): Promise<{ readonly answer: TestAnswer | undefined; readonly logged: readonly LogRecord[] }> {
    const { clock } = this.matrix;
    // by now nothing is refused for its rate
    await clock.sleep(30_000);
    const end = clock.now() + 900_000;
    const answers: TestAnswer[] = [];
    const logged: LogRecord[] = [];
    this.calls = [];
    const handler = createHandler({
      api: new SimulatedApi(this.send),
      assume: (role, session) => {
        this.assumed.push({ ...role, session });
        return new SimulatedApi(this.send);
      },
      put: (_, body) => {
        answers.push(JSON.parse(body) as TestAnswer);
        return Promise.resolve(200);
      },
      time: timeOf(clock),
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
      RequestType: type,
      ResponseURL: SECRET_URL,
      StackId: STACK_ID,
      RequestId: `f0f0f0f0-0000-4000-8000-00000000000${type.length}`,
      ResourceType: 'Custom::GameLiftVpcPeeringConnection',
      LogicalResourceId: 'Peering',
      ...(id === undefined ? {} : { PhysicalResourceId: id }),
      ResourceProperties: declared,
      ...(type === 'Update' ? { OldResourceProperties: declared } : {}),
      ...change,
    });
  }

  /** Somebody authorizes and connects the fleet by hand. */
  async connectByHand(): Promise<void> {
    await this.matrix.authorize('A');
    const input = { FleetId: this.fleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: this.vpcId };
    await this.aws.callGameLift('CreateVpcPeeringConnection', input, PLACE);
    await this.matrix.clock.sleep(60_000);
  }

  /** Somebody deletes the fleet's connection by hand, while it is authorized. */
  async disconnectByHand(): Promise<void> {
    const input = { FleetId: this.fleetId, VpcPeeringConnectionId: this.attributes?.VpcPeeringConnectionId };
    await this.aws.callGameLift('DeleteVpcPeeringConnection', input, PLACE);
    await this.matrix.clock.sleep(60_000);
  }

  /** Removes all tags of the peering that connects the fleet. */
  removePeeringTags(): void {
    this.aws.ec2.tags.clear(ACCOUNT, String(this.attributes?.VpcPeeringConnectionId));
  }

  /** Of the fleet, for whoever changes them. */
  get tags(): Map<string, string> {
    const { fleet } = this;
    if (fleet === undefined) {
      throw new Error('the fleet is gone');
    }
    return fleet.tags;
  }

  /** What the attributes of the fleet's connection have to be; undefined where it is not active. */
  get attributes(): Record<string, unknown> | undefined {
    const { connections } = this.matrix.aws.inventory();
    const active = (connections as { id: string; fleetId: string; status: string }[]).find(
      ({ fleetId, status }) => fleetId === this.fleetId && status === 'active',
    );
    const vpc = this.fleet?.vpc;
    return active === undefined
      ? undefined
      : { VpcPeeringConnectionId: active.id, GameLiftVpcId: vpc?.vpcId, GameLiftCidrBlock: vpc?.cidrBlock };
  }

  /** Until authorizations have lapsed, and more. */
  pass(days: number): Promise<void> {
    return this.matrix.waitDays(days);
  }

  close(): void {
    this.matrix.close();
  }

  private get fleet(): Fleet | undefined {
    return this.aws.gameLift.fleets.find(PLACE, this.fleetId);
  }

  private readonly send: Send = (...call) => {
    const { aws } = this.matrix;
    this.calls.push(call[1]);
    const error = this.refusal(call[0], call[1]);
    if (error !== undefined) {
      return Promise.reject(error);
    }
    const output = this.output(call[0], call[1]);
    return output === undefined
      ? sendAs(aws, aws.iam.administrator(ACCOUNT).accessKeyId, REGION)(...call)
      : Promise.resolve(output);
  };
}

function timeOf(clock: RehearsalClock): Time {
  return {
    now: () => clock.now(),
    jitter: () => 0,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const stop = (): void => {
          cancel();
          reject(signal.reason as Error);
        };
        const cancel = clock.after(milliseconds, () => {
          signal.removeEventListener('abort', stop);
          resolve();
        });
        signal.addEventListener('abort', stop, { once: true });
      }),
  };
}

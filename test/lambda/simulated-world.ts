import { createHandler } from '../../lambda/handler';
import type { LogRecord } from '../../lambda/log';
import type { Time } from '../../lambda/time';
import type { SimulatedAws } from '../../rehearsal/aws';
import type { FleetFate } from '../../rehearsal/aws/surroundings';
import type { RehearsalClock } from '../../rehearsal/clock';
import { SimulatedApi } from '../matrix/api';
import type { Send, ServiceName } from '../matrix/api';
import { sendAs } from '../matrix/functions';
import { ACCOUNT, MatrixWorld, PLACE, REGION } from '../matrix/world';
import type { Readings } from '../matrix/world';
import type { TestAnswer } from './world';

/** The handler on a simulated AWS with a fleet in it, which a test sends events by hand: for requests that really run. */
export class SimulatedWorld {
  /** @param change of the input of CreateFleet */
  static async create(readings: Readings = {}, change: object = {}, fate: FleetFate = {}): Promise<SimulatedWorld> {
    const matrix = await MatrixWorld.populate(readings);
    matrix.aws.fates.fleet = () => fate;
    const fleet = { Name: 'Lobby', BuildId: 'build-1', EC2InstanceType: 'c5.large', ...change };
    const made = await matrix.aws.callGameLift('CreateFleet', fleet, PLACE);
    const { FleetAttributes } = made as { readonly FleetAttributes: { readonly FleetId: string } };
    await matrix.pass(1);
    return new SimulatedWorld(matrix, FleetAttributes.FleetId);
  }

  calls: string[] = [];
  /** What a call is refused with instead of being made. */
  refusal: (service: ServiceName, operation: string) => Error | undefined = () => undefined;
  /** Each role that was assumed, and by which session. */
  readonly assumed: object[] = [];

  private constructor(
    private readonly matrix: MatrixWorld,
    readonly fleetId: string,
  ) {}

  get aws(): SimulatedAws {
    return this.matrix.aws;
  }

  get vpcId(): string {
    return this.matrix.places.A.vpcId;
  }

  get routeTableIds(): readonly string[] {
    return this.matrix.places.A.routeTableIds;
  }

  /** The status of what connects the fleet, and its routes' tables. */
  get peerings(): { readonly statuses: readonly string[]; readonly routed: readonly string[] } {
    const { connections, peerings, routes } = this.matrix.aws.inventory();
    const own = (connections as { fleetId: string; status: string }[]).filter(({ fleetId }) => fleetId === this.fleetId);
    const foreign = new Set((this.matrix.before.peerings as { id: string }[]).map(({ id }) => id));
    const ids = new Set((peerings as { id: string }[]).map(({ id }) => id).filter((id) => !foreign.has(id)));
    return {
      statuses: own.map(({ status }) => status),
      routed: (routes as { target: string; routeTableId: string }[])
        .filter(({ target }) => ids.has(target))
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
      log: { info: (record) => void logged.push(record), error: (record) => void logged.push(record) },
      region: REGION,
    });
    await handler(event, { getRemainingTimeInMillis: () => end - clock.now() });
    expect(answers).toHaveLength(1);
    return { answer: answers[0], logged };
  }

  close(): void {
    this.matrix.close();
  }

  private readonly send: Send = (...call) => {
    const { aws } = this.matrix;
    this.calls.push(call[1]);
    const error = this.refusal(call[0], call[1]);
    return error === undefined ? sendAs(aws, aws.iam.administrator(ACCOUNT).accessKeyId, REGION)(...call) : Promise.reject(error);
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

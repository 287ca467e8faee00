import type { Clock } from '../clock';
import type { Journal } from '../journal';
import { randomNumbers } from '../random-numbers';
import { Alarms } from './alarms';
import { Behaviours } from './behaviours';
import { Ec2 } from './ec2';
import { Endpoint, type Caller } from './endpoint';
import type { ApiCall, Fault } from './faults';
import { GameLift } from './gamelift';
import { History } from './history';
import { Iam } from './iam';
import { takeInventory, type Inventory, type InventoryPart } from './inventory';
import { Keys } from './keys';
import { LogGroups } from './log-groups';
import { Metrics } from './metrics';
import { NotUnderstood } from './not-understood';
import { ParameterStore } from './parameters';
import { Queues } from './queues';
import type { Place, Service, ServiceCall } from './service';
import { stsService } from './sts';
import { Fates } from './surroundings';

export type { AlarmDescription, AlarmState } from './alarms';
export { BEHAVIOURS, Behaviours, checkReading } from './behaviours';
export type { Behaviour, BehaviourName, Reading } from './behaviours';
export { Ec2 } from './ec2';
export { BrokenAnswerError } from './faults';
export type { ApiCall, Fault } from './faults';
export { GameLift } from './gamelift';
export { Iam, IamError } from './iam';
export type { Credentials, Grant } from './iam';
export { withoutExpirationTime, type Inventory } from './inventory';
export type { Metric, Statistic } from './metrics';
export type { Message } from './queues';
export { ServiceError } from './service';
export type { ConnectionFate, Fates, FleetFate } from './surroundings';

interface AwsOptions {
  readonly clock: Clock;
  readonly journal: Journal;
  /** Rehearsed milliseconds per call. Above 0, do not call from inside `clock.work()` in this process. Default 0; a `Rehearsal` has 1 */
  readonly callMilliseconds?: number;
}

/** The longest that a read and the knowledge of a change in IAM can be late. */
const LATEST_READ = 15_000;
const LATEST_PROPAGATION = 60_000;

/** GameLift, EC2, STS, IAM and what goes with them, of every account and Region: on loopback, or for callers in this process only. */
export class SimulatedAws {
  static async start(options: AwsOptions): Promise<SimulatedAws> {
    const aws = new SimulatedAws(options);
    await aws.endpoint.listen();
    return aws;
  }

  readonly iam: Iam;
  readonly behaviours = new Behaviours();
  readonly ec2: Ec2;
  readonly gameLift: GameLift;
  readonly parameters = new ParameterStore();
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  readonly queues: Queues;
  readonly logGroups = new LogGroups();
  readonly keys = new Keys();
  readonly notUnderstood = new NotUnderstood();
  /** How long things take in GameLift, and how they end. */
  readonly fates = new Fates();

  private readonly endpoint: Endpoint;
  private readonly parts: (() => Partial<InventoryPart>)[] = [];

  constructor({ clock, journal, callMilliseconds = 0 }: AwsOptions) {
    const { behaviours } = this;
    const random = randomNumbers(0);
    const history = new History(clock);
    const propagation = (): number => (behaviours.get('iamPropagation') === 'at once' ? 0 : random() * LATEST_PROPAGATION);
    const { notUnderstood } = this;
    this.iam = new Iam(clock, propagation, notUnderstood);
    const read: ServiceCall['read'] = (look) =>
      behaviours.get('readBack') === 'at once' ? look() : history.late(() => random() * LATEST_READ, look);
    this.endpoint = new Endpoint({ clock, journal, iam: this.iam, notUnderstood, callMilliseconds, read });
    this.ec2 = new Ec2(history);
    const { ec2, endpoint, fates, iam } = this;
    this.metrics = new Metrics(clock);
    this.alarms = new Alarms(clock, this.metrics);
    this.queues = new Queues(clock, journal, iam, this.metrics);
    ec2.peerings.failedSeenByAccepter = () => behaviours.get('failedSeenByAccepter') === 'seen';
    this.gameLift = new GameLift({ clock, history, journal, behaviours, iam, ec2, fates });
    endpoint.register('gamelift', this.gameLift.service);
    endpoint.register('ec2', this.ec2.service);
    endpoint.register('sts', stsService(iam));
  }

  /** For every service and Region; a request's signature says which it is for. Throws unless it was started on loopback. */
  get endpointUrl(): string {
    return this.endpoint.url;
  }

  /** Adds a service; `name` is its name in credential scopes. */
  register(name: string, service: Service): void {
    this.endpoint.register(name, service);
  }

  /**
   * Called for every API call once it was authenticated, before it is authorized and before rate limits; what it returns replaces the
   * answer.
   *
   * @returns the function that removes it
   */
  intercept(interceptor: (call: ApiCall) => Fault | undefined): () => void {
    return this.endpoint.intercept(interceptor);
  }

  /** Calls GameLift as an account's administrator, as CloudFormation does. @returns the output as JSON has it; throws `ServiceError` */
  callGameLift(operation: string, input: object, place: Place): Promise<unknown> {
    return this.endpoint.call('gamelift', `GameLift.${operation}`, input, place);
  }

  /** Calls a service as someone in this process, without the wire. @returns the output as the operation gives it; throws as `Endpoint.run` */
  call(service: string, operation: string, input: object, caller: Caller): Promise<object> {
    return this.endpoint.run(service, operation, input, caller);
  }

  /** Everything that is there, as plain data to compare; of one account, or of all but GameLift's own. */
  inventory(account?: string): Inventory {
    const { gameLift, ec2, iam, logGroups, keys, queues, alarms, parameters } = this;
    return takeInventory(
      { gameLift, ec2, iam, logGroups, keys, queues, alarms, parameters, parts: this.parts.map((part) => part()) },
      account,
    );
  }

  /** Adds what another service has to the inventory; called with each inventory. */
  addToInventory(part: () => Partial<InventoryPart>): void {
    this.parts.push(part);
  }

  async close(): Promise<void> {
    await this.endpoint.close();
  }
}

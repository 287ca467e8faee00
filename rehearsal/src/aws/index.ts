import type { Journal } from '../journal';
import { NotUnderstood } from '../not-understood';
import { randomNumbers } from '../random-numbers';
import type { Clock } from '../time/clock';
import { History } from '../time/history';
import { Behaviours } from './behaviours';
import { Alarms } from './cloudwatch/alarms';
import { LogGroups } from './cloudwatch/log-groups';
import { Metrics } from './cloudwatch/metrics';
import { Ec2 } from './ec2/ec2';
import { GameLift } from './gamelift/gamelift';
import { ScriptedOutcomes } from './gamelift/scripted-outcomes';
import { Iam } from './iam/iam';
import { stsService } from './iam/sts';
import { takeInventory, type Inventory, type InventoryPart } from './inventory';
import { Keys } from './kms/keys';
import type { AccountAndRegion, Service, ServiceCall } from './service';
import { Queues } from './sqs/queues';
import { ParameterStore } from './ssm/parameter-store';
import { Endpoint, type Caller } from './wire/endpoint';
import type { ApiCall, Fault } from './wire/faults';

export type { AlarmDescription, AlarmState } from './cloudwatch/alarms';
export { BEHAVIOURS, Behaviours, requireReading } from './behaviours';
export type { Behaviour, BehaviourName, Reading } from './behaviours';
export { Ec2 } from './ec2/ec2';
export type { Peering, RouteTable } from './ec2/ec2';
export { BrokenResponseError } from './wire/faults';
export type { ApiCall, Fault } from './wire/faults';
export { GameLift } from './gamelift/gamelift';
export { Iam, IamError } from './iam/iam';
export type { Credentials, Grant, Principal } from './iam/iam';
export { withoutExpirationTime, type Inventory } from './inventory';
export type { Metric, Statistic } from './cloudwatch/metrics';
export type { Message } from './sqs/queues';
export { arnOf } from './partitions';
export { JSON_ERRORS, ServiceError } from './service';
export type { WireResponse } from './service';
export type { Fleet } from './gamelift/fleets';
export type { ConnectionOutcome, ScriptedOutcomes, FleetOutcome } from './gamelift/scripted-outcomes';

interface AwsOptions {
  readonly clock: Clock;
  readonly journal: Journal;
  /**
   * The duration of each call, in rehearsed milliseconds. If the duration is more than 0, code inside `clock.work()` must not send
   * HTTP requests to the services: time stands still in `clock.work()`, so the request would never return. Default: 0. A `Rehearsal` sets 1
   */
  readonly callMilliseconds?: number;
}

/** The longest delay until a read shows a write. */
const MAX_READ_DELAY_MS = 15_000;
/** The longest delay until IAM applies a change. */
const MAX_PROPAGATION_MS = 60_000;

/** GameLift, EC2, STS, IAM and related services, for every account and Region. */
export class SimulatedAws {
  /** Creates the services, and an endpoint on loopback that serves them. */
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
  /** The durations and outcomes of GameLift's operations. */
  readonly scriptedOutcomes = new ScriptedOutcomes();
  /** Returns how late a read shows a change, in milliseconds, if reads are late. @default - random, up to 15 seconds */
  readDelay: () => number;

  private readonly endpoint: Endpoint;
  private readonly inventorySources: (() => Partial<InventoryPart>)[] = [];

  constructor({ clock, journal, callMilliseconds = 0 }: AwsOptions) {
    const { behaviours, notUnderstood } = this;
    const random = randomNumbers(0);
    const history = new History(clock);
    const propagationDelay = (): number => (behaviours.get('iamPropagation') === 'at once' ? 0 : random() * MAX_PROPAGATION_MS);
    this.iam = new Iam(clock, propagationDelay, notUnderstood);
    this.readDelay = () => random() * MAX_READ_DELAY_MS;
    const read: ServiceCall['read'] = (getState) =>
      behaviours.get('readBack') === 'at once' ? getState() : history.readLate(() => this.readDelay(), getState);
    this.endpoint = new Endpoint({ clock, journal, iam: this.iam, notUnderstood, callMilliseconds, read });
    this.ec2 = new Ec2(history);
    const { ec2, endpoint, scriptedOutcomes, iam } = this;
    this.metrics = new Metrics(clock);
    this.alarms = new Alarms(clock, this.metrics);
    this.queues = new Queues(clock, journal, iam, this.metrics);
    ec2.peerings.isFailedShownToAccepter = () => behaviours.get('failedSeenByAccepter') === 'shown';
    this.gameLift = new GameLift({ clock, history, journal, behaviours, iam, ec2, scriptedOutcomes });
    endpoint.register('gamelift', this.gameLift.service);
    endpoint.register('ec2', this.ec2.service);
    endpoint.register('sts', stsService(iam));
  }

  /** The URL of all services in all Regions. Throws unless the services listen on loopback. */
  get endpointUrl(): string {
    return this.endpoint.url;
  }

  /** Adds a service. @param name its name in credential scopes */
  register(name: string, service: Service): void {
    this.endpoint.register(name, service);
  }

  /**
   * Calls `interceptor` for every API call, after authentication and before authorization and rate limits. If `interceptor` returns a
   * fault, the service does not perform the call, and the caller gets the fault.
   *
   * @returns a function that removes the interceptor
   */
  intercept(interceptor: (call: ApiCall) => Fault | undefined): () => void {
    return this.endpoint.intercept(interceptor);
  }

  /** Calls GameLift as the account's administrator, as CloudFormation does. @returns the JSON output; throws `ServiceError` */
  callGameLift(operation: string, input: object, place: AccountAndRegion): Promise<unknown> {
    return this.endpoint.callAsAdministrator('gamelift', `GameLift.${operation}`, input, place);
  }

  /** Calls a service as `caller`, without HTTP. @returns the operation's output; throws like `Endpoint.call` */
  call(service: string, operation: string, input: object, caller: Caller): Promise<object> {
    return this.endpoint.call(service, operation, input, caller);
  }

  /** Lists everything that exists in one account, or in all accounts except that of the GameLift service itself. */
  inventory(account?: string): Inventory {
    const { gameLift, ec2, iam, logGroups, keys, queues, alarms, parameters } = this;
    return takeInventory(
      {
        gameLift,
        ec2,
        iam,
        logGroups,
        keys,
        queues,
        alarms,
        parameters,
        parts: this.inventorySources.map((listResources) => listResources()),
      },
      account,
    );
  }

  /** Adds the resources of another service to the inventory. `listResources` is called for each inventory. */
  addToInventory(listResources: () => Partial<InventoryPart>): void {
    this.inventorySources.push(listResources);
  }

  async close(): Promise<void> {
    await this.endpoint.close();
  }
}

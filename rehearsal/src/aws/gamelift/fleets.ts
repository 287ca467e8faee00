import { runInBackground } from '../../time/background';
import type { History, HistoricValue } from '../../time/history';
import type { Vpc } from '../ec2/network';
import { Ids } from '../ids';
import { arnOf } from '../partitions';
import { ServiceError, type AccountAndRegion } from '../service';
import type { Input } from '../wire/input-constraints';
import type { GameLiftContext } from './context';
import type { FleetOutcome } from './scripted-outcomes';

type FleetStatus =
  'NEW' | 'DOWNLOADING' | 'VALIDATING' | 'BUILDING' | 'ACTIVATING' | 'ACTIVE' | 'DELETING' | 'ERROR' | 'TERMINATED';

export interface FleetEvent {
  readonly id: string;
  readonly code: string;
  readonly message: string;
  readonly time: Date;
}

type Attributes = Readonly<Record<string, string>>;

/** GameLift's own account, which owns the VPCs of fleets. */
export const GAMELIFT_OWN_ACCOUNT = '999999999999';

/** When a fleet reaches each status, as a fraction of its activation time. */
const STAGES: readonly (readonly [FleetStatus, number])[] = [
  ['DOWNLOADING', 0.04],
  ['VALIDATING', 0.2],
  ['BUILDING', 0.24],
  ['ACTIVATING', 0.8],
  ['ACTIVE', 1],
];
/** GameLift's developer guide allows a deletion only in these statuses. */
const DELETABLE_STATUSES: readonly FleetStatus[] = ['ACTIVE', 'ERROR'];
const MAX_TAGS_PER_FLEET = 50;

type FleetOptions = Pick<Fleet, 'id' | 'arn' | 'place' | 'creationTime' | 'attributes' | 'vpc'>;

/** A fleet. `Fleets` keeps deleted fleets, because their events can still be read. */
export class Fleet {
  readonly tags: Map<string, string>;
  /** Resolves when the fleet is ACTIVATING. */
  readonly whenActivating: Promise<void>;
  /** Resolves when the fleet is ACTIVE, or can no longer become ACTIVE. */
  readonly whenSettled: Promise<void>;
  private resolveActivating: () => void = () => undefined;
  private resolveSettled: () => void = () => undefined;
  readonly id: string;
  readonly arn: string;
  readonly place: AccountAndRegion;
  readonly creationTime: Date;
  /** The VPC of the instances. Undefined unless the compute type is EC2. */
  readonly vpc: Vpc | undefined;
  private readonly statusValue: HistoricValue<FleetStatus>;
  private readonly attributesValue: HistoricValue<Attributes>;
  private readonly allEvents: FleetEvent[] = [];

  constructor(
    private readonly history: History,
    { id, arn, place, creationTime, attributes, vpc }: FleetOptions,
  ) {
    this.id = id;
    this.arn = arn;
    this.place = place;
    this.creationTime = creationTime;
    this.vpc = vpc;
    this.whenActivating = new Promise((resolve) => (this.resolveActivating = resolve));
    this.whenSettled = new Promise((resolve) => (this.resolveSettled = resolve));
    this.tags = history.map();
    this.statusValue = history.value<FleetStatus>('NEW');
    this.attributesValue = history.value(attributes);
  }

  get status(): FleetStatus {
    return this.statusValue.current;
  }

  /** The attributes that CreateFleet and UpdateFleetAttributes set. */
  get attributes(): Attributes {
    return this.attributesValue.current;
  }

  set attributes(attributes: Attributes) {
    this.attributesValue.current = attributes;
  }

  /** The events that a read returns. A read that returns an earlier state misses the newest events. */
  get events(): readonly FleetEvent[] {
    return this.allEvents.filter(({ time }) => time.getTime() <= this.history.now());
  }

  get exists(): boolean {
    return this.status !== 'TERMINATED';
  }

  record(event: FleetEvent): void {
    this.allEvents.push(event);
  }

  setStatus(status: FleetStatus): void {
    this.statusValue.current = status;
    if (status === 'ACTIVATING') {
      this.resolveActivating();
    }
    const isBeforeActive = status !== 'ACTIVE' && STAGES.some(([stage]) => stage === status);
    if (!isBeforeActive) {
      this.resolveSettled();
    }
  }
}

/** The fleets of every account and Region. */
export class Fleets {
  private readonly byId: Map<string, Fleet>;
  private readonly ids = new Ids();
  private vpcCount = 0;

  constructor(private readonly context: GameLiftContext) {
    this.byId = context.history.map();
  }

  create(place: AccountAndRegion, attributes: Attributes, tags: ReadonlyMap<string, string>): Fleet {
    const { clock, history, behaviours } = this.context;
    const id = `fleet-${this.ids.uuid('fleet')}`;
    const account = behaviours.get('fleetArns') === 'with account' ? place.account : '';
    const arn = arnOf({ account, region: place.region }, 'gamelift', `fleet/${id}`);
    const vpc = attributes.ComputeType === 'EC2' ? this.createVpc(place, attributes.Name ?? '') : undefined;
    const fleet = new Fleet(history, { id, arn, place, creationTime: new Date(clock.now()), attributes, vpc });
    this.tag(fleet, tags);
    this.byId.set(id, fleet);
    this.record(fleet, 'FLEET_CREATED', `Fleet ${id} was created.`);
    return fleet;
  }

  /** Activates the fleet. @param peeringProblem resolves to the reason why the fleet's peering failed, or to undefined */
  activate(fleet: Fleet, peeringProblem: Promise<string | undefined>): void {
    const { clock, scriptedOutcomes } = this.context;
    const { end, isReady } = this.outcomeOf(fleet.place, fleet.attributes.Name ?? '');
    // fleets without EC2 instances need no time
    const seconds = fleet.vpc === undefined ? 0 : scriptedOutcomes.fleetActivationSeconds;
    runInBackground(async () => {
      let elapsedShare = 0;
      for (const [status, share] of STAGES) {
        await clock.sleep((share - elapsedShare) * seconds * 1000);
        elapsedShare = share;
        if (status === 'ACTIVE') {
          const problem = await peeringProblem;
          if (problem !== undefined || end !== undefined || isReady?.() === false) {
            this.fail(fleet, end, problem ?? 'The fleet failed to start a server process.');
            return;
          }
        }
        this.setStatus(fleet, status);
      }
    });
  }

  requireDeletable({ id, status }: Fleet): void {
    if (!DELETABLE_STATUSES.includes(status)) {
      throw new ServiceError('InvalidFleetStatusException', `Fleet ${id} cannot be deleted while it is ${status}.`);
    }
  }

  /** @param problem the reason why the deletion will fail; undefined if it will succeed */
  delete(fleet: Fleet, problem: string | undefined): void {
    const { clock, ec2, scriptedOutcomes } = this.context;
    this.setStatus(fleet, 'DELETING');
    runInBackground(async () => {
      await clock.sleep(scriptedOutcomes.fleetDeletionSeconds * 1000);
      if (problem !== undefined) {
        this.fail(fleet, 'error', problem);
        return;
      }
      if (fleet.vpc !== undefined) {
        ec2.deleteVpc(GAMELIFT_OWN_ACCOUNT, fleet.place.region, fleet.vpc.vpcId);
      }
      this.setStatus(fleet, 'TERMINATED');
      this.record(fleet, 'FLEET_DELETED', `Fleet ${fleet.id} was deleted.`);
    });
  }

  /** Finds a fleet by id or ARN, and ignores the account in the ARN. Throws `NotFoundException` unless it exists. */
  getFleet(place: AccountAndRegion, idOrArn: string): Fleet {
    const fleet = this.find(place, idOrArn);
    if (fleet?.exists !== true) {
      throw new ServiceError('NotFoundException', `Fleet ${idOrArn} not found.`);
    }
    return fleet;
  }

  /** Like `getFleet`, but also finds deleted fleets, and returns undefined if there is none. */
  find({ account, region }: AccountAndRegion, idOrArn: string): Fleet | undefined {
    const fleet = this.byId.get(idOrArn.slice(idOrArn.lastIndexOf('/') + 1));
    return fleet?.place.account === account && fleet.place.region === region ? fleet : undefined;
  }

  list({ account, region }: AccountAndRegion): Fleet[] {
    return this.all().filter(({ place }) => place.account === account && place.region === region);
  }

  /** The fleets of every account and Region, without deleted ones. */
  all(): Fleet[] {
    return [...this.byId.values()].filter(({ exists }) => exists);
  }

  tag(fleet: Fleet, tags: ReadonlyMap<string, string>): void {
    const all = new Map([...fleet.tags, ...tags]);
    if (all.size > MAX_TAGS_PER_FLEET || [...tags.keys()].some((key) => key.startsWith('aws:'))) {
      const rule = `a fleet has at most ${MAX_TAGS_PER_FLEET} tags, and no key starts with aws:`;
      throw new ServiceError('TaggingFailedException', `The tags cannot be set: ${rule}`);
    }
    all.forEach((value, key) => fleet.tags.set(key, value));
  }

  record(fleet: Fleet, code: string, message: string): void {
    const id = this.ids.uuid('event');
    fleet.record({ id, code, message, time: new Date(this.context.clock.now()) });
  }

  /** Records a fleet event about peering, if the reading of `fleetEvents` is `written`. */
  recordPeering(fleet: Fleet, outcome: 'SUCCEEDED' | 'FAILED' | 'DELETED', message: string): void {
    if (this.context.behaviours.get('fleetEvents') === 'written') {
      this.record(fleet, `FLEET_VPC_PEERING_${outcome}`, message);
    }
  }

  private setStatus(fleet: Fleet, status: FleetStatus): void {
    fleet.setStatus(status);
    this.context.journal.write('gamelift', fleet.id, status, { kind: 'fleet', status });
    if (STAGES.some(([stage]) => stage === status)) {
      this.record(fleet, `FLEET_STATE_${status}`, `Fleet ${fleet.id} is ${status}.`);
    }
  }

  /** Moves the fleet to ERROR. If its scripted outcome is `hang`, the fleet keeps its status instead. */
  private fail(fleet: Fleet, end: FleetOutcome['end'], message: string): void {
    if (end !== 'hang') {
      this.setStatus(fleet, 'ERROR');
      this.record(fleet, 'FLEET_STATE_ERROR', message);
    }
  }

  private createVpc({ account, region }: AccountAndRegion, name: string): Vpc | undefined {
    const { behaviours, ec2 } = this.context;
    const number = behaviours.get('fleetCidrBlocks') === 'distinct' ? this.vpcCount++ : 0;
    // /20 blocks, one after the other, from 10.192.0.0 on
    const { cidrBlock = `10.${192 + (number >> 4)}.${(number % 16) * 16}.0/20` } = this.outcomeOf({ account, region }, name);
    const { vpcId } = ec2.createVpc({ account: GAMELIFT_OWN_ACCOUNT, region, cidrBlock });
    return ec2.findVpc(GAMELIFT_OWN_ACCOUNT, region, vpcId);
  }

  private outcomeOf(place: AccountAndRegion, name: string): FleetOutcome {
    return this.context.scriptedOutcomes.fleet({ name, ...place });
  }
}

/** Reads the attributes with these names from the input. Leaves out those that the input does not contain. */
export function attributesOf(input: Input, names: readonly string[]): Attributes {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = input.optionalText(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

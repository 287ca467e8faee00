import { randomNumbers } from 'rehearsal';
import type { Peering, RouteTable } from 'rehearsal/aws';
import { ACCOUNT, ACCOUNT_AND_REGION } from '../matrix/rehearsal';
import type { Readings } from '../matrix/rehearsal';
import { SimulatedWorld } from './simulated-world';
import { awsError, GUID } from './world';
import type { TestResponse } from './world';

/*
 * Lives of connections while each read is late by a different time of up to 15 seconds. The requests must succeed, and leave nothing behind.
 */

/** The unique part of the id of another stack. */
const GUID_OF_OTHER_STACK = '7c3f2d8d-0000-4000-8000-000000000000';
/** GameLift's possible errors for a missing authorization, and for the deletion of a connection that exists until its fleet is deleted. */
const REFUSALS = ['UnauthorizedException', 'NotFoundException', 'InvalidRequestException'] as const;
const MAX_LATENESS_MILLISECONDS = 15_000;
/** Fifty arbitrary seeds, and two with which GameLift's list, read soon after a request, still shows the state before it. */
const SEEDS = [...Array.from({ length: 50 }, (_, index) => index + 1), 118, 257];

/** CloudFormation generates an id if it got no response to the create. */
const GENERATED_ID = { PhysicalResourceId: 'Game-Peering-1B2C3D' };

/** Chooses a random reading of each question that AWS leaves open. */
function readingsOf(random: () => number): Readings {
  const choose = <T>(...readings: readonly T[]): T => readings[Math.floor(readings.length * random())] as T;
  return {
    readBack: 'up to 15 seconds late',
    deletingConnections: 'deleting for a while',
    missingAuthorization: choose(...REFUSALS),
    useOfAuthorization: choose('reusable', 'consumed'),
    existingConnection: choose('InvalidRequestException', 'accepted'),
    connectionIds: choose('id of EC2', 'id of GameLift'),
    fleetEvents: choose('written', 'never seen'),
    endedConnections: choose('listed for hours', 'not listed'),
    peerVpcWrites: choose('every route table', 'main route table', 'none'),
    peerVpcWritesOnDelete: choose('removed', 'left behind'),
    throttledCalls: choose('not counted', 'counted'),
  };
}

/** What a test can choose besides the seed. */
interface LifeOptions {
  readonly readings?: Readings;
  /** How long AWS may deny calls, because new permissions have not reached all of AWS yet. Default: random */
  readonly denialMilliseconds?: number;
}

/** The members of an inventory that `Life` looks at. */
interface InventoryMembers {
  readonly connections: readonly { readonly fleetId: string; readonly status: string }[];
  readonly peerings: readonly {
    readonly id: string;
    readonly requester: string;
    readonly status: string;
    readonly dnsResolution: { readonly accepter: boolean };
  }[];
  readonly routes: readonly { readonly routeTableId: string; readonly destination: string; readonly target: string }[];
}

/** Adds a gateway route table, in which EC2 allows no route to a peering connection. */
function addGatewayTable({ aws, vpcId }: SimulatedWorld): void {
  const [gatewayId = ''] = [...aws.ec2.gateways].flatMap(([id, gateway]) => (gateway.vpcId === vpcId ? [id] : []));
  aws.ec2.associateGateway(ACCOUNT_AND_REGION, aws.ec2.createRouteTable(ACCOUNT_AND_REGION, vpcId), gatewayId);
}

let currentWorld: SimulatedWorld | undefined;

afterEach(() => {
  currentWorld?.close();
});

/** What a life begins with. */
interface LifeStart {
  readonly world: SimulatedWorld;
  readonly random: () => number;
  readonly denialMilliseconds: number;
}

async function prepareLife(seed: number, { readings = {}, denialMilliseconds }: LifeOptions): Promise<LifeStart> {
  const random = randomNumbers(seed);
  const world = await SimulatedWorld.create({ ...readingsOf(random), ...readings });
  currentWorld = world;
  addGatewayTable(world);
  // wait until every read shows the table
  await world.sleep(MAX_LATENESS_MILLISECONDS);
  return { world, random, denialMilliseconds: denialMilliseconds ?? (random() < 0.5 ? 0 : 45_000) };
}

/** The life of one connection in a simulated AWS. */
class Life {
  static async begin(seed: number, options: LifeOptions = {}): Promise<Life> {
    return new Life(await prepareLife(seed, options));
  }

  readonly world: SimulatedWorld;
  /** The error with which GameLift refuses to delete the connection although the deletion is authorized. */
  deletionRefusal: string | undefined;
  private readonly fleetIds: string[];
  private startedAt: number | undefined;
  private requests = 0;
  private readonly random: () => number;

  constructor({ world, random, denialMilliseconds }: LifeStart) {
    this.world = world;
    this.random = random;
    this.fleetIds = [world.fleetId];
    world.jitter = random;
    world.aws.readDelay = () =>
      [0, MAX_LATENESS_MILLISECONDS - 1, MAX_LATENESS_MILLISECONDS * random()][Math.floor(3 * random())] ?? 0;
    world.errorFor = async (service, operation) => {
      // each call takes 50 milliseconds
      await world.sleep(50);
      if (operation === 'DeleteVpcPeeringConnection' && this.deletionRefusal !== undefined && world.isAuthorized) {
        return awsError(this.deletionRefusal, 'the connection ends with its fleet');
      }
      const isDenied = world.now() - (this.startedAt ?? 0) < denialMilliseconds && random() < 0.3;
      return isDenied ? awsError(service === 'gamelift' ? 'AccessDeniedException' : 'UnauthorizedOperation') : undefined;
    };
  }

  /** The physical id of the fleet's connection. */
  get id(): string {
    return `${GUID}/Peering/${this.world.fleetId}/${this.world.vpcId}`;
  }

  /** A request as CloudFormation sends it. */
  request(type: 'Create' | 'Update' | 'Delete', change: object = {}): object {
    this.requests += 1;
    const properties = this.world.properties();
    return {
      ...this.world.request(type, properties),
      RequestId: `f0f0f0f0-0000-4000-8000-${String(this.requests).padStart(12, '0')}`,
      ...(type === 'Create' ? {} : { PhysicalResourceId: this.id }),
      ...change,
    };
  }

  /** Runs the handler, and kills it after the given time. GameLift takes a random time to create and delete connections. */
  async run(event: object, { killAfterMilliseconds = Infinity } = {}): Promise<TestResponse | undefined> {
    this.startedAt ??= this.world.now();
    const { scriptedOutcomes } = this.world.aws;
    scriptedOutcomes.connectionSeconds = 1 + 40 * this.random();
    scriptedOutcomes.connectionDeletionSeconds = 20 * this.random();
    return await this.world.runAtOnce(event, killAfterMilliseconds);
  }

  sleep(milliseconds: number): Promise<void> {
    return this.world.sleep(milliseconds);
  }

  /** Delivers an event twice, the second time after a random delay. */
  async runTwice(event: object, maxDelayMilliseconds: number): Promise<readonly (TestResponse | undefined)[]> {
    const secondRun = this.sleep(this.randomUpTo(maxDelayMilliseconds)).then(() => this.run(event));
    return await Promise.all([this.run(event), secondRun]);
  }

  /** Kills the handler after a random time, and delivers the event again a minute later. */
  async runAgainAfterKill(event: object, maxMillisecondsUntilKill: number): Promise<TestResponse | undefined> {
    await this.run(event, { killAfterMilliseconds: this.randomUpTo(maxMillisecondsUntilKill) });
    await this.sleep(60_000);
    return await this.run(event);
  }

  /** Sends a delete while the create is running, once the create has claimed the connection. */
  async deleteDuringCreate(): Promise<void> {
    const createRun = this.run(this.request('Create'));
    // before the claim is written, the delete can't know that a create is running
    while (this.world.tags.size === 0) {
      await this.sleep(100);
    }
    await this.sleep(this.randomUpTo(60_000));
    await this.runSuccessfully(this.request('Delete', GENERATED_ID));
    await createRun;
  }

  /** A random number of milliseconds, from 0 to the given maximum. */
  randomUpTo(milliseconds: number): number {
    return Math.floor(milliseconds * this.random());
  }

  /** What exists: connected fleets, route tables with targets, connections with DNS resolution, and the fleet id of each tag. */
  get state(): object {
    const { aws } = this.world;
    const { connections, peerings, routes } = aws.inventory() as unknown as InventoryMembers;
    const fleets = this.fleetIds.flatMap((id) => this.world.findFleet(id) ?? []);
    const [vpcIds, cidrBlocks] = [fleets.map(({ vpc }) => vpc?.vpcId), fleets.map(({ vpc }) => vpc?.cidrBlock)];
    return {
      connectedFleetIds: connections
        .filter(({ fleetId, status }) => this.fleetIds.includes(fleetId) && status === 'active')
        .map(({ fleetId }) => fleetId),
      routesToFleet: routes
        .filter(({ destination }) => cidrBlocks.includes(destination))
        .map(({ routeTableId, target }) => [routeTableId, target]),
      peeringIdsWithDns: peerings
        .filter(({ requester, status }) => vpcIds.includes(requester) && status === 'active')
        .filter(({ dnsResolution }) => dnsResolution.accepter)
        .map(({ id }) => id),
      fleetIdsOfTags: fleets.flatMap(({ id, tags }) => [...tags.keys()].map(() => id)),
    };
  }

  /** The expected value of `state` while the fleet is connected, with routes in the given tables. */
  expectedState({ routeTableIds = this.world.routeTableIds, hasDnsResolution = false } = {}): object {
    const { fleetId } = this.world;
    const peeringId = this.peeringOf(fleetId)?.id;
    return {
      connectedFleetIds: [fleetId],
      routesToFleet: routeTableIds.map((routeTableId) => [routeTableId, peeringId]),
      peeringIdsWithDns: hasDnsResolution ? [peeringId] : [],
      // the claim and the note
      fleetIdsOfTags: [fleetId, fleetId],
    };
  }

  /** EC2's peering connection of a fleet. */
  peeringOf(fleetId: string): Peering | undefined {
    const { world } = this;
    return world.aws.ec2.peerings.findLive(world.findFleet(fleetId)?.vpc?.vpcId ?? '', world.vpcId);
  }

  /** Creates a route by hand that sends traffic for the fleet's CIDR block to another connection. */
  addConflictingRoute(): void {
    const [destination, target] = [this.cidrBlock, this.conflictingTargetId];
    this.conflictingTableRoutes.set(destination, { destination, kind: 'vpcPeeringConnectionId', target });
  }

  removeConflictingRoute(): void {
    this.conflictingTableRoutes.delete(this.cidrBlock);
  }

  /** The route table in which addConflictingRoute creates its route. */
  get conflictingTableId(): string {
    return this.world.routeTableIds[1] ?? '';
  }

  /** The target of the route that addConflictingRoute creates: the peering connection of somebody else's fleet. */
  get conflictingTargetId(): string {
    return this.world.aws.ec2.peerings.all()[0]?.id ?? '';
  }

  private get conflictingTableRoutes(): RouteTable['routes'] {
    return this.world.aws.ec2.routeTable(ACCOUNT_AND_REGION, this.conflictingTableId).routes;
  }

  private get cidrBlock(): string {
    return this.world.findFleet(this.world.fleetId)?.vpc?.cidrBlock ?? '';
  }

  /** Creates another fleet, waits until every read shows it, and returns its id. */
  async createFleet(change: object = {}): Promise<string> {
    const id = await this.world.createFleet({ Name: 'Other', ...change });
    this.fleetIds.push(id);
    await this.sleep(MAX_LATENESS_MILLISECONDS + 2_000);
    this.world.findFleet(id)?.setStatus('ACTIVE');
    return id;
  }

  /** Deletes the fleet's connection by hand. */
  async disconnectByHand(): Promise<void> {
    await this.world.authorizeByHand();
    await this.world.disconnectByHand();
  }

  async runSuccessfully(event: object): Promise<TestResponse> {
    const response = await this.run(event);
    expect(response).toMatchObject({ Status: 'SUCCESS' });
    if (response === undefined) {
      throw new Error('CloudFormation got no response');
    }
    return response;
  }

  /** Creates the connection, and checks that it exists. */
  async create(): Promise<void> {
    const response = await this.runSuccessfully(this.request('Create'));
    expect(response).toMatchObject({ Data: this.world.attributes, PhysicalResourceId: this.id });
    expect(this.state).toEqual(this.expectedState());
  }
}

const EMPTY_STATE = { connectedFleetIds: [], routesToFleet: [], peeringIdsWithDns: [], fleetIdsOfTags: [] };

describe.each(SEEDS)('the handler, with late reads and random seed %i,', (seed) => {
  test('creates a connection, and deletes it a second later', async () => {
    const life = await Life.begin(seed);
    await life.create();
    await life.sleep(1_000);
    await life.runSuccessfully(life.request('Delete'));
    expect(life.state).toEqual(EMPTY_STATE);
  });

  test('updates a connection a second after the create, and rolls the update back', async () => {
    const life = await Life.begin(seed);
    await life.create();
    const [mainTableId = ''] = life.world.routeTableIds;
    const previousProperties = life.world.properties();
    const newProperties = life.world.properties({ DnsResolution: 'true', Routes: 'RouteTables', RouteTableIds: [mainTableId] });
    const update = { ResourceProperties: newProperties, OldResourceProperties: previousProperties };
    const rollback = { ResourceProperties: previousProperties, OldResourceProperties: newProperties };
    for (const [change, routeTableIds, hasDnsResolution] of [
      [update, [mainTableId], true],
      [rollback, life.world.routeTableIds, false],
    ] as const) {
      await life.sleep(1_000);
      const response = await life.runSuccessfully(life.request('Update', change));
      expect(response).toMatchObject({ Data: life.world.attributes, PhysicalResourceId: life.id });
      expect(life.state).toEqual(life.expectedState({ routeTableIds, hasDnsResolution }));
    }
    await life.sleep(1_000);
    const responseWithoutChange = await life.runSuccessfully(life.request('Update'));
    expect(responseWithoutChange).toMatchObject({ Data: life.world.attributes, PhysicalResourceId: life.id });
    await life.runSuccessfully(life.request('Delete'));
    expect(life.state).toEqual(EMPTY_STATE);
  });

  test('deletes the connection after the create could not create its routes, and creates the connection again', async () => {
    const life = await Life.begin(seed, { readings: { peerVpcWrites: 'none' } });
    life.addConflictingRoute();
    const createResponse = await life.run(life.request('Create'));
    expect(createResponse).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(`to ${life.conflictingTargetId}`) as string,
    });
    await life.sleep(1_000);
    await life.runSuccessfully(life.request('Delete', { PhysicalResourceId: createResponse?.PhysicalResourceId }));
    expect(life.state).toEqual({ ...EMPTY_STATE, routesToFleet: [[life.conflictingTableId, life.conflictingTargetId]] });
    life.removeConflictingRoute();
    await life.sleep(1_000);
    await life.create();
  });

  test('creates and deletes a connection several times', async () => {
    const life = await Life.begin(seed);
    for (let turn = 0; turn < 3; turn += 1) {
      await life.create();
      await life.sleep(life.randomUpTo(3_000));
      await life.runSuccessfully(life.request('Delete'));
      expect(life.state).toEqual(EMPTY_STATE);
      await life.sleep(life.randomUpTo(3_000));
    }
  });

  test('fails if somebody created the connection by hand, and leaves the connection unchanged', async () => {
    const life = await Life.begin(seed);
    await life.world.connectByHand();
    const before = life.state;
    const createResponse = await life.run(life.request('Create'));
    expect(createResponse).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('exists already') as string });
    await life.sleep(1_000);
    await life.runSuccessfully(life.request('Delete', { PhysicalResourceId: createResponse?.PhysicalResourceId }));
    expect(life.state).toEqual(before);
  });

  test('adopts a connection that somebody created by hand, and undoes its changes on delete', async () => {
    const life = await Life.begin(seed);
    await life.world.connectByHand();
    const before = life.state;
    const ResourceProperties = life.world.properties({ AdoptExisting: 'true', DnsResolution: 'true' });
    const response = await life.runSuccessfully(life.request('Create', { ResourceProperties }));
    expect(response).toMatchObject({ Data: life.world.attributes });
    expect(life.state).toEqual(life.expectedState({ hasDnsResolution: true }));
    await life.sleep(1_000);
    const update = {
      ResourceProperties: life.world.properties({ AdoptExisting: 'true' }),
      OldResourceProperties: ResourceProperties,
    };
    await life.runSuccessfully(life.request('Update', update));
    expect(life.state).toEqual(life.expectedState());
    await life.sleep(1_000);
    await life.runSuccessfully(life.request('Delete', update));
    expect(life.state).toEqual(before);
  });

  test('creates one connection if the create is delivered twice', async () => {
    const life = await Life.begin(seed);
    const event = life.request('Create');
    const responses = await life.runTwice(event, 60_000);
    const expected = { Status: 'SUCCESS', Data: life.world.attributes, PhysicalResourceId: life.id };
    expect(responses).toMatchObject([expected, expected]);
    expect(life.state).toEqual(life.expectedState());
    await life.runSuccessfully(life.request('Delete'));
    expect(life.state).toEqual(EMPTY_STATE);
  });

  test('creates the connection if the create is killed and run again', async () => {
    const life = await Life.begin(seed);
    const event = life.request('Create');
    expect(await life.runAgainAfterKill(event, 70_000)).toMatchObject({
      Status: 'SUCCESS',
      Data: life.world.attributes,
      PhysicalResourceId: life.id,
    });
    expect(life.state).toEqual(life.expectedState());
  });

  test('deletes the connection of a killed create', async () => {
    const life = await Life.begin(seed);
    await life.run(life.request('Create'), { killAfterMilliseconds: life.randomUpTo(70_000) });
    await life.sleep(1_000);
    await life.runSuccessfully(life.request('Delete', GENERATED_ID));
    await life.sleep(120_000);
    expect(life.state).toEqual(EMPTY_STATE);
  });

  test('leaves nothing behind if the delete arrives while the create is running', async () => {
    const life = await Life.begin(seed);
    await life.deleteDuringCreate();
    await life.sleep(120_000);
    expect(life.state).toEqual(EMPTY_STATE);
  });

  test('deletes the connection if the delete is delivered twice', async () => {
    const life = await Life.begin(seed);
    await life.create();
    await life.sleep(1_000);
    const event = life.request('Delete');
    expect(await life.runTwice(event, 40_000)).toMatchObject([{ Status: 'SUCCESS' }, { Status: 'SUCCESS' }]);
    expect(life.state).toEqual(EMPTY_STATE);
  });

  test('deletes the connection if the delete is killed and run again', async () => {
    const life = await Life.begin(seed);
    await life.create();
    await life.sleep(1_000);
    expect(await life.runAgainAfterKill(life.request('Delete'), 40_000)).toMatchObject({ Status: 'SUCCESS' });
    expect(life.state).toEqual(EMPTY_STATE);
  });

  test('replaces the connection with the connection of a new fleet, and restores the previous connection in a rollback', async () => {
    const life = await Life.begin(seed);
    const otherFleetId = await life.createFleet();
    await life.create();
    const [previous, next] = [life.world.properties(), life.world.properties({ FleetId: otherFleetId })];
    await life.sleep(1_000);
    const update = { ResourceProperties: next, OldResourceProperties: previous };
    const { Data, PhysicalResourceId } = await life.runSuccessfully(life.request('Update', update));
    expect(Data).toEqual(life.world.attributesOf(otherFleetId));
    const rollback = { ResourceProperties: previous, OldResourceProperties: next, PhysicalResourceId };
    expect(await life.runSuccessfully(life.request('Update', rollback))).toMatchObject({
      Data: life.world.attributes,
      PhysicalResourceId: life.id,
    });
    await life.runSuccessfully(life.request('Delete', { ResourceProperties: next, PhysicalResourceId }));
    expect(life.state).toEqual(life.expectedState());
  });

  test('creates the connection again in the next update if somebody deleted it by hand', async () => {
    const life = await Life.begin(seed);
    await life.create();
    await life.disconnectByHand();
    await life.sleep(30_000);
    const response = await life.runSuccessfully(life.request('Update'));
    expect(response).toMatchObject({ Data: life.world.attributes, PhysicalResourceId: life.id });
    await life.sleep(1_000);
    await life.runSuccessfully(life.request('Delete'));
    expect(life.state).toEqual(EMPTY_STATE);
  });

  test('lets at most one of two stacks create the same connection at the same time, and leaves nothing behind of a stack that fails', async () => {
    const life = await Life.begin(seed);
    const StackId = `arn:aws:cloudformation:us-east-1:${ACCOUNT}:stack/Other/${GUID_OF_OTHER_STACK}`;
    const stacks = [{}, { StackId }] as const;
    const responses = await Promise.all([
      life.run(life.request('Create')),
      life.sleep(life.randomUpTo(60_000)).then(() => life.run(life.request('Create', { StackId }))),
    ]);
    const failedIndexes = responses.flatMap((response, index) => (response?.Status === 'FAILED' ? [index] : []));
    expect(failedIndexes).not.toEqual([]);
    for (const index of failedIndexes) {
      const { PhysicalResourceId, Reason } = responses[index] ?? {};
      expect(Reason).toContain(
        `belongs to resource Peering of stack ${index === 0 ? `Other (${GUID_OF_OTHER_STACK})` : `Game (${GUID})`}, `,
      );
      await life.runSuccessfully(life.request('Delete', { ...stacks[index], PhysicalResourceId }));
    }
    expect(life.state).toEqual(failedIndexes.length === 2 ? EMPTY_STATE : life.expectedState());
  });
});

const ON_CREATE = { PeerOnCreate: 'true' };

/** The life of a connection that GameLift creates with its fleet. GameLift deletes it on request, or only with the fleet. */
class LifeOnCreate extends Life {
  static override async begin(seed: number): Promise<LifeOnCreate> {
    const life = new LifeOnCreate(await prepareLife(seed, {}));
    // undefined for half of the seeds: then GameLift does not refuse the deletion
    life.deletionRefusal = REFUSALS[seed % 6];
    life.world.fleetId = await life.createPeeredFleet();
    return life;
  }

  /** Creates a fleet that GameLift peers. AWS does not document whether GameLift does that before the fleet is ACTIVE. */
  async createPeeredFleet(): Promise<string> {
    const { world } = this;
    const { scriptedOutcomes } = world.aws;
    await world.authorizeByHand();
    // after 80 percent of this time, GameLift creates the connection. By then, every read must show the fleet
    scriptedOutcomes.fleetActivationSeconds = MAX_LATENESS_MILLISECONDS / 1000 / 0.8;
    scriptedOutcomes.connectionSeconds = this.randomUpTo(60_000) / 1000;
    const id = await this.createFleet({ PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: world.vpcId });
    await world.cancelAuthorizationByHand();
    return id;
  }

  override request(type: 'Create' | 'Update' | 'Delete', change: object = {}): object {
    const properties = this.world.properties(ON_CREATE);
    const previous = type === 'Update' ? { OldResourceProperties: properties } : {};
    return super.request(type, { ResourceProperties: properties, ...previous, ...change });
  }

  override async create(): Promise<void> {
    await super.create();
    this.expectNothingRequested();
  }

  expectNothingRequested(): void {
    const { calls, isAuthorized } = this.world;
    expect(calls).not.toContain('CreateVpcPeeringConnection');
    expect(isAuthorized).toBe(false);
  }

  /**
   * Checks that nothing is left behind. Exception: if GameLift refuses to delete the connection, the connection remains, and so does an
   * authorization, which the deletion of the fleet needs.
   */
  expectDeleted(): void {
    const { aws, fleetId, isAuthorized } = this.world;
    const isKept = this.deletionRefusal !== undefined;
    expect(this.state).toEqual(isKept ? { ...EMPTY_STATE, connectedFleetIds: [fleetId] } : EMPTY_STATE);
    if (isKept) {
      expect(aws.ec2.tags.all().filter(({ resourceId }) => resourceId === this.peeringOf(fleetId)?.id)).toEqual([]);
      expect(isAuthorized).toBe(true);
    }
  }
}

describe.each(SEEDS)('the handler, with peerOnCreate, late reads and random seed %i,', (seed) => {
  let life: LifeOnCreate;

  beforeEach(async () => {
    life = await LifeOnCreate.begin(seed);
  });

  test('waits for the connection, updates it, and deletes it', async () => {
    await life.create();
    await life.sleep(1_000);
    const change = { ResourceProperties: life.world.properties({ ...ON_CREATE, DnsResolution: 'true' }) };
    const response = await life.runSuccessfully(life.request('Update', change));
    expect(response).toMatchObject({ Data: life.world.attributes, PhysicalResourceId: life.id });
    expect(life.state).toEqual(life.expectedState({ hasDnsResolution: true }));
    life.expectNothingRequested();
    await life.sleep(1_000);
    await life.runSuccessfully(life.request('Delete', change));
    life.expectDeleted();
  });

  test('finds the connection if the create is delivered twice', async () => {
    const event = life.request('Create');
    const responses = await life.runTwice(event, 60_000);
    const expected = { Status: 'SUCCESS', Data: life.world.attributes, PhysicalResourceId: life.id };
    expect(responses).toMatchObject([expected, expected]);
    expect(life.state).toEqual(life.expectedState());
    life.expectNothingRequested();
  });

  test('finds the connection if the create is killed and run again', async () => {
    const event = life.request('Create');
    expect(await life.runAgainAfterKill(event, 70_000)).toMatchObject({
      Status: 'SUCCESS',
      Data: life.world.attributes,
      PhysicalResourceId: life.id,
    });
    expect(life.state).toEqual(life.expectedState());
    life.expectNothingRequested();
  });

  test('deletes the connection of a killed create', async () => {
    await life.run(life.request('Create'), { killAfterMilliseconds: life.randomUpTo(70_000) });
    await life.sleep(1_000);
    await life.runSuccessfully(life.request('Delete', GENERATED_ID));
    life.expectDeleted();
  });

  test('deletes the connection if the delete arrives while the create is running', async () => {
    await life.deleteDuringCreate();
    life.expectDeleted();
  });

  test('deletes the connection after the create could not create its routes', async () => {
    life.addConflictingRoute();
    const createResponse = await life.run(life.request('Create'));
    expect(createResponse).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(`to ${life.conflictingTargetId}`) as string,
    });
    await life.sleep(1_000);
    await life.runSuccessfully(life.request('Delete', { PhysicalResourceId: createResponse?.PhysicalResourceId }));
    life.removeConflictingRoute();
    life.expectDeleted();
  });

  test('deletes the connection if the delete is delivered twice', async () => {
    await life.create();
    await life.sleep(1_000);
    const event = life.request('Delete');
    expect(await life.runTwice(event, 40_000)).toMatchObject([{ Status: 'SUCCESS' }, { Status: 'SUCCESS' }]);
    life.expectDeleted();
  });

  test('deletes the connection if the delete is killed and run again', async () => {
    await life.create();
    await life.sleep(1_000);
    // the handler repeats a deletion that GameLift refuses, so a delete can take longer than one without peerOnCreate
    expect(await life.runAgainAfterKill(life.request('Delete'), 160_000)).toMatchObject({ Status: 'SUCCESS' });
    life.expectDeleted();
  });

  test('uses the connection of a new fleet, and uses the previous connection again after a rollback', async () => {
    await life.create();
    const otherFleetId = await life.createPeeredFleet();
    const [previous, next] = [life.world.properties(ON_CREATE), life.world.properties({ ...ON_CREATE, FleetId: otherFleetId })];
    const update = { ResourceProperties: next, OldResourceProperties: previous };
    const { Data, PhysicalResourceId } = await life.runSuccessfully(life.request('Update', update));
    expect(Data).toEqual(life.world.attributesOf(otherFleetId));
    life.expectNothingRequested();
    const rollback = { ResourceProperties: previous, OldResourceProperties: next, PhysicalResourceId };
    expect(await life.runSuccessfully(life.request('Update', rollback))).toMatchObject({
      Data: life.world.attributes,
      PhysicalResourceId: life.id,
    });
    await life.runSuccessfully(life.request('Delete', { ResourceProperties: next, PhysicalResourceId }));
    expect(life.state).toMatchObject({
      routesToFleet: (life.expectedState() as typeof life.state & { routesToFleet: object }).routesToFleet,
      fleetIdsOfTags: [life.world.fleetId, life.world.fleetId],
    });
    expect(life.world.calls).not.toContain('CreateVpcPeeringConnection');
  });

  test('fails in an update after somebody deleted the connection by hand, says that only a new fleet is peered, and requests nothing', async () => {
    await life.create();
    await life.disconnectByHand();
    await life.world.cancelAuthorizationByHand();
    await life.sleep(30_000);
    expect(await life.run(life.request('Update'))).toMatchObject({
      Status: 'FAILED',
      PhysicalResourceId: life.id,
      Reason: expect.stringMatching(/replace the fleet, or remove peerOnCreate, which also replaces the fleet/) as string,
    });
    life.expectNothingRequested();
    await life.runSuccessfully(life.request('Delete'));
    expect(life.state).toEqual(EMPTY_STATE);
  });
});

test.each(SEEDS)(
  'the handler responds within three seconds after the connection is active, or 35 seconds after the create, if reads are not late, with random seed %i',
  async (seed) => {
    const readings = { readBack: 'at once', fleetEvents: 'written' } as const;
    const life = await Life.begin(seed, { readings, denialMilliseconds: 0 });
    await life.world.authorizeByHand();
    const createdAt = life.world.now();
    await life.create();
    const { events } = life.world.findFleet(life.world.fleetId) ?? { events: [] };
    const activeAt = events.find(({ code }) => code === 'FLEET_VPC_PEERING_SUCCEEDED')?.time.getTime() ?? NaN;
    // the handler reads its claim again 15 seconds after it wrote the claim, and 15 seconds after GameLift accepted the request. The other
    // two seconds are for its calls
    const earliestEnd = createdAt + 32_000;
    expect(life.world.now() - Math.max(activeAt, earliestEnd)).toBeLessThan(3_000);
  },
);

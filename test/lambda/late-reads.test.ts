import { createHandler } from '../../lambda/handler';
import type { Time } from '../../lambda/time';
import { conditionsOf, LateAws, MAIN_TABLE, numbersOf, OTHER_TABLE, tableOf } from './late-aws';
import type { Conditions } from './late-aws';
import { VirtualTime } from './virtual-time';
import { recordingLog, SECRET_URL } from './world';
import type { TestAnswer } from './world';

/*
 * Connections where reads are up to 15 seconds late, and each read shows another moment: whatever happens to one stack, its
 * requests succeed, and nothing is left behind.
 */

const FLEET = 'fleet-00000000-0000-4000-8000-000000000001';
const OTHER_FLEET = 'fleet-00000000-0000-4000-8000-000000000002';
const VPC = 'vpc-0123456789abcdef0';
const ACCOUNT = '111111111111';
const GUID = '6b2e1c9c-0000-4000-8000-000000000000';
const OTHER_GUID = '7c3f2d8d-0000-4000-8000-000000000000';
const ID = `${GUID}/Peering/${FLEET}/${VPC}`;
const BY_HAND = 'pcx-by-hand';
/** The last two once left a route behind that GameLift wrote while the connection was being deleted. */
const SEEDS = [...Array.from({ length: 50 }, (_, index) => index + 1), 151, 188];

const never = new Promise<never>(() => undefined);

function declare(change: object = {}): object {
  return {
    SchemaVersion: '1',
    PeerVpcId: VPC,
    PeerVpcAwsAccountId: ACCOUNT,
    GameLiftAwsAccountId: ACCOUNT,
    FleetId: FLEET,
    TimeoutSeconds: '600',
    Routes: 'EveryRouteTable',
    DnsResolution: 'false',
    AdoptExisting: 'false',
    PeerOnCreate: 'false',
    ...change,
  };
}

/** CloudFormation invents an id if it does not know the one that a create chose. */
const UNKNOWN_ID = { PhysicalResourceId: 'Game-Peering-1B2C3D' };

/** What one life sees of its world. */
class Life {
  readonly time = new VirtualTime();
  readonly random: () => number;
  readonly aws: LateAws;
  private requests = 0;

  constructor(seed: number, conditions: Conditions = {}) {
    this.random = numbersOf(seed);
    this.aws = new LateAws(this.time, this.random, { ...conditionsOf(this.random), ...conditions }, [FLEET, OTHER_FLEET]);
  }

  /** A request as CloudFormation sends it. */
  request(type: 'Create' | 'Update' | 'Delete', change: object = {}): object {
    this.requests += 1;
    return {
      RequestType: type,
      ResponseURL: SECRET_URL,
      StackId: `arn:aws:cloudformation:us-east-1:${ACCOUNT}:stack/Game/${GUID}`,
      RequestId: `f0f0f0f0-0000-4000-8000-${String(this.requests).padStart(12, '0')}`,
      ResourceType: 'Custom::GameLiftVpcPeeringConnection',
      LogicalResourceId: 'Peering',
      ResourceProperties: declare(),
      ...(type === 'Create' ? {} : { PhysicalResourceId: ID }),
      ...(type === 'Update' ? { OldResourceProperties: declare() } : {}),
      ...change,
    };
  }

  /** Runs the handler, which is killed after some time if that is given: then nothing of it goes on. */
  async run(event: object, killedAfter = Infinity): Promise<TestAnswer | undefined> {
    const { time } = this;
    const killedAt = time.now() + killedAfter;
    const end = time.now() + 900_000;
    const unlessKilled = <T>(value: T): T | Promise<never> => (time.now() >= killedAt ? never : value);
    const ownTime: Time = {
      now: () => time.now(),
      jitter: () => this.random(),
      sleep: (...args) => time.sleep(...args).then(unlessKilled),
    };
    const api = new Proxy(this.aws, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === 'function'
          ? async (...args: unknown[]) => {
              await unlessKilled(undefined);
              const value: unknown = await Reflect.apply(member, target, args);
              return await unlessKilled(value);
            }
          : member;
      },
    });
    const answer = new Promise<TestAnswer | undefined>((resolve, reject) => {
      const handler = createHandler({
        api,
        assume: () => api,
        put: (_, body) => {
          resolve(JSON.parse(body) as TestAnswer);
          return Promise.resolve(200);
        },
        time: ownTime,
        log: recordingLog(),
        region: 'us-east-1',
      });
      handler(event, { getRemainingTimeInMillis: () => end - time.now() }).catch(reject);
      if (killedAfter < Infinity) {
        void this.pass(killedAfter).then(() => {
          resolve(undefined);
        });
      }
    });
    return await answer;
  }

  pass(milliseconds: number): Promise<void> {
    return this.time.sleep(milliseconds, new AbortController().signal);
  }

  /** Delivers an event twice, the second time within that many milliseconds. */
  async runTwice(event: object, milliseconds: number): Promise<readonly (TestAnswer | undefined)[]> {
    const copy = this.pass(this.atRandom(milliseconds)).then(() => this.run(event));
    return await Promise.all([this.run(event), copy]);
  }

  /** Kills the handler within that many milliseconds, and delivers the event again a minute later. */
  async runAgainAfterKill(event: object, milliseconds: number): Promise<TestAnswer | undefined> {
    await this.run(event, this.atRandom(milliseconds));
    await this.pass(60_000);
    return await this.run(event);
  }

  /** Sends a delete while the create is running, once the create has claimed the connection. */
  async deleteDuringCreate(): Promise<void> {
    const created = this.run(this.request('Create'));
    // before the claim, nothing shows the delete that a create is running
    while (Object.keys(this.aws.state.fleetTags[FLEET] ?? {}).length === 0) {
      await this.pass(100);
    }
    await this.pass(this.atRandom(60_000));
    await this.succeed(this.request('Delete', UNKNOWN_ID));
    await created;
  }

  /** From 0 up to that many milliseconds. */
  atRandom(milliseconds: number): number {
    return Math.floor(milliseconds * this.random());
  }

  /** What there is: of connections the fleets, of routes table and target, and of the tags how many. */
  get left(): object {
    const { connections, fleetTags, peerings, routes } = this.aws.state;
    return {
      connected: connections.filter(({ status }) => status === 'active').map(({ fleetId }) => fleetId),
      routed: Object.entries(routes).flatMap(([table, targets]) => Object.values(targets).map((target) => [table, target])),
      names: peerings.filter(({ dnsResolution, status }) => dnsResolution && status === 'active').map(({ id }) => id),
      tags: Object.entries(fleetTags).flatMap(([fleetId, tags]) => Object.keys(tags).map(() => fleetId)),
    };
  }

  /** What has to be there, with routes in these tables. */
  connected(fleetId = FLEET, tables: readonly string[] = [MAIN_TABLE, OTHER_TABLE], resolvesNames = false): object {
    const { connections } = this.aws.state;
    const peeringId = connections.find((one) => one.fleetId === fleetId && one.status === 'active')?.peeringId;
    return {
      connected: [fleetId],
      routed: tables.map((table) => [table, peeringId]),
      names: resolvesNames ? [peeringId] : [],
      tags: [fleetId, fleetId],
    };
  }

  /** What a response has to give of the fleet's connection. */
  attributes(fleetId = FLEET): object {
    const connection = this.aws.state.connections.find((one) => one.fleetId === fleetId && one.status === 'active');
    const { vpcId, cidrBlock } = this.aws.vpcOf(fleetId);
    return { VpcPeeringConnectionId: connection?.id, GameLiftVpcId: vpcId, GameLiftCidrBlock: cidrBlock };
  }

  async succeed(event: object): Promise<TestAnswer> {
    const answer = await this.run(event);
    expect(answer).toMatchObject({ Status: 'SUCCESS' });
    if (answer === undefined) {
      throw new Error('CloudFormation got no response');
    }
    return answer;
  }

  async create(): Promise<void> {
    const answer = await this.succeed(this.request('Create'));
    expect(answer).toMatchObject({ Data: this.attributes(), PhysicalResourceId: ID });
    expect(this.left).toEqual(this.connected());
  }
}

const NOTHING = { connected: [], routed: [], names: [], tags: [] };

describe.each(SEEDS)('with late reads, by seed %i', (seed) => {
  test('creates a connection, and deletes it a second later', async () => {
    const life = new Life(seed);
    await life.create();
    await life.pass(1_000);
    await life.succeed(life.request('Delete'));
    expect(life.left).toEqual(NOTHING);
  });

  test('updates a connection a second after the create, and rolls it back', async () => {
    const life = new Life(seed);
    await life.create();
    const changed = declare({ DnsResolution: 'true', Routes: 'RouteTables', RouteTableIds: [MAIN_TABLE] });
    const update = { ResourceProperties: changed, OldResourceProperties: declare() };
    const rollback = { ResourceProperties: declare(), OldResourceProperties: changed };
    for (const [change, tables, resolvesNames] of [
      [update, [MAIN_TABLE], true],
      [rollback, [MAIN_TABLE, OTHER_TABLE], false],
    ] as const) {
      await life.pass(1_000);
      const answer = await life.succeed(life.request('Update', change));
      expect(answer).toMatchObject({ Data: life.attributes(), PhysicalResourceId: ID });
      expect(life.left).toEqual(life.connected(FLEET, tables, resolvesNames));
    }
    await life.pass(1_000);
    const unchanged = await life.succeed(life.request('Update'));
    expect(unchanged).toMatchObject({ Data: life.attributes(), PhysicalResourceId: ID });
    await life.succeed(life.request('Delete'));
    expect(life.left).toEqual(NOTHING);
  });

  test('deletes what a create made that failed at its routes, and creates it again', async () => {
    const life = new Life(seed, { writesRoutes: false });
    const { cidrBlock } = life.aws.vpcOf(FLEET);
    life.aws.change((state) => void (tableOf(state, OTHER_TABLE)[cidrBlock] = BY_HAND));
    const failed = await life.run(life.request('Create'));
    expect(failed).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(`to ${BY_HAND}`) as string });
    await life.pass(1_000);
    await life.succeed(life.request('Delete', { PhysicalResourceId: failed?.PhysicalResourceId }));
    expect(life.left).toEqual({ ...NOTHING, routed: [[OTHER_TABLE, BY_HAND]] });
    life.aws.change((state) => void Reflect.deleteProperty(tableOf(state, OTHER_TABLE), cidrBlock));
    await life.pass(1_000);
    await life.create();
  });

  test('creates and deletes a connection several times', async () => {
    const life = new Life(seed);
    for (let turn = 0; turn < 3; turn += 1) {
      await life.create();
      await life.pass(life.atRandom(3_000));
      await life.succeed(life.request('Delete'));
      expect(life.left).toEqual(NOTHING);
      await life.pass(life.atRandom(3_000));
    }
  });

  test('fails if somebody created the connection by hand, and leaves it unchanged', async () => {
    const life = new Life(seed);
    life.aws.connectByHand(FLEET, VPC);
    const before = life.left;
    const failed = await life.run(life.request('Create'));
    expect(failed).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('exists already') as string });
    await life.pass(1_000);
    await life.succeed(life.request('Delete', { PhysicalResourceId: failed?.PhysicalResourceId }));
    expect(life.left).toEqual(before);
  });

  test('adopts a connection that somebody created by hand, and undoes its changes on delete', async () => {
    const life = new Life(seed);
    life.aws.connectByHand(FLEET, VPC);
    const before = life.left;
    const ResourceProperties = declare({ AdoptExisting: 'true', DnsResolution: 'true' });
    const answer = await life.succeed(life.request('Create', { ResourceProperties }));
    expect(answer).toMatchObject({ Data: life.attributes() });
    expect(life.left).toEqual(life.connected(FLEET, [MAIN_TABLE, OTHER_TABLE], true));
    await life.pass(1_000);
    const changed = { ResourceProperties: declare({ AdoptExisting: 'true' }), OldResourceProperties: ResourceProperties };
    await life.succeed(life.request('Update', changed));
    expect(life.left).toEqual(life.connected());
    await life.pass(1_000);
    await life.succeed(life.request('Delete', changed));
    expect(life.left).toEqual(before);
  });

  test('creates one connection if the create is delivered twice', async () => {
    const life = new Life(seed);
    const event = life.request('Create');
    const answers = await life.runTwice(event, 60_000);
    const expected = { Status: 'SUCCESS', Data: life.attributes(), PhysicalResourceId: ID };
    expect(answers).toMatchObject([expected, expected]);
    expect(life.left).toEqual(life.connected());
    await life.succeed(life.request('Delete'));
    expect(life.left).toEqual(NOTHING);
  });

  test('creates the connection if the create is killed and run again', async () => {
    const life = new Life(seed);
    const event = life.request('Create');
    expect(await life.runAgainAfterKill(event, 70_000)).toMatchObject({
      Status: 'SUCCESS',
      Data: life.attributes(),
      PhysicalResourceId: ID,
    });
    expect(life.left).toEqual(life.connected());
  });

  test('deletes what a killed create has made', async () => {
    const life = new Life(seed);
    await life.run(life.request('Create'), life.atRandom(70_000));
    await life.pass(1_000);
    await life.succeed(life.request('Delete', UNKNOWN_ID));
    await life.pass(120_000);
    expect(life.left).toEqual(NOTHING);
  });

  test('leaves nothing if the delete overtakes the create', async () => {
    const life = new Life(seed);
    await life.deleteDuringCreate();
    await life.pass(120_000);
    expect(life.left).toEqual(NOTHING);
  });

  test('deletes the connection if the delete is delivered twice', async () => {
    const life = new Life(seed);
    await life.create();
    await life.pass(1_000);
    const event = life.request('Delete');
    expect(await life.runTwice(event, 40_000)).toMatchObject([{ Status: 'SUCCESS' }, { Status: 'SUCCESS' }]);
    expect(life.left).toEqual(NOTHING);
  });

  test('deletes the connection if the delete is killed and run again', async () => {
    const life = new Life(seed);
    await life.create();
    await life.pass(1_000);
    expect(await life.runAgainAfterKill(life.request('Delete'), 40_000)).toMatchObject({ Status: 'SUCCESS' });
    expect(life.left).toEqual(NOTHING);
  });

  test('replaces the connection with that of a new fleet, and rolls it back', async () => {
    const life = new Life(seed);
    await life.create();
    const [former, next] = [declare(), declare({ FleetId: OTHER_FLEET })];
    await life.pass(1_000);
    const there = { ResourceProperties: next, OldResourceProperties: former };
    const { Data, PhysicalResourceId } = await life.succeed(life.request('Update', there));
    expect(Data).toEqual(life.attributes(OTHER_FLEET));
    const back = { ResourceProperties: former, OldResourceProperties: next, PhysicalResourceId };
    expect(await life.succeed(life.request('Update', back))).toMatchObject({ Data: life.attributes(), PhysicalResourceId: ID });
    await life.succeed(life.request('Delete', { ResourceProperties: next, PhysicalResourceId }));
    expect(life.left).toEqual(life.connected());
  });

  test('creates the connection again in the next update if somebody deleted it by hand', async () => {
    const life = new Life(seed);
    await life.create();
    life.aws.deleteByHand(FLEET);
    await life.pass(30_000);
    const answer = await life.succeed(life.request('Update'));
    expect(answer).toMatchObject({ Data: life.attributes(), PhysicalResourceId: ID });
    await life.pass(1_000);
    await life.succeed(life.request('Delete'));
    expect(life.left).toEqual(NOTHING);
  });

  test('lets at most one of two stacks create the same connection at once, and leaves nothing of the other', async () => {
    const life = new Life(seed);
    const StackId = `arn:aws:cloudformation:us-east-1:${ACCOUNT}:stack/Other/${OTHER_GUID}`;
    const stacks = [{}, { StackId }] as const;
    const answers = await Promise.all([
      life.run(life.request('Create')),
      life.pass(life.atRandom(60_000)).then(() => life.run(life.request('Create', { StackId }))),
    ]);
    const failed = answers.flatMap((answer, index) => (answer?.Status === 'FAILED' ? [index] : []));
    expect(failed).not.toEqual([]);
    for (const index of failed) {
      const { PhysicalResourceId, Reason } = answers[index] ?? {};
      expect(Reason).toContain(
        `belongs to resource Peering of stack ${index === 0 ? `Other (${OTHER_GUID})` : `Game (${GUID})`}, `,
      );
      await life.succeed(life.request('Delete', { ...stacks[index], PhysicalResourceId }));
    }
    expect(life.left).toEqual(failed.length === 2 ? NOTHING : life.connected());
  });
});

const ON_CREATE = { PeerOnCreate: 'true' };

/** The life of a fleet that GameLift peers on creation. GameLift deletes the connection on request, or only with the fleet. */
class LifeOnCreate extends Life {
  private readonly isKept: boolean;

  constructor(seed: number) {
    const refusals = ['UnauthorizedException', 'NotFoundException', 'InvalidRequestException'] as const;
    const keptRefusal = refusals[seed % 6];
    super(seed, { keptRefusal });
    this.isKept = keptRefusal !== undefined;
    this.aws.connectOnCreate(FLEET, VPC, this.atRandom(60_000));
  }

  override request(type: 'Create' | 'Update' | 'Delete', change: object = {}): object {
    const declared = declare(ON_CREATE);
    const former = type === 'Update' ? { OldResourceProperties: declared } : {};
    return super.request(type, { ResourceProperties: declared, ...former, ...change });
  }

  override async create(): Promise<void> {
    await super.create();
    this.checkNothingRequested();
  }

  checkNothingRequested(): void {
    const { connections, authorizations } = this.aws.state;
    expect(connections).toHaveLength(1);
    expect(authorizations).toEqual({});
  }

  /** Nothing of the connection, or nothing but the connection, which the deletion of the fleet then needs an authorization for. */
  checkDeleted(): void {
    const { peerings, authorizations } = this.aws.state;
    expect(this.left).toEqual(this.isKept ? { ...NOTHING, connected: [FLEET] } : NOTHING);
    if (this.isKept) {
      expect(peerings.map(({ tags }) => tags)).toEqual([{}]);
      expect(authorizations).toHaveProperty(VPC);
    }
  }
}

describe.each(SEEDS)('a fleet that is peered on creation, where reads are late, by seed %i', (seed) => {
  let life: LifeOnCreate;

  beforeEach(() => {
    life = new LifeOnCreate(seed);
  });

  test('its connection is awaited, changed, and deleted', async () => {
    await life.create();
    await life.pass(1_000);
    const change = { ResourceProperties: declare({ ...ON_CREATE, DnsResolution: 'true' }) };
    const answer = await life.succeed(life.request('Update', change));
    expect(answer).toMatchObject({ Data: life.attributes(), PhysicalResourceId: ID });
    expect(life.left).toEqual(life.connected(FLEET, [MAIN_TABLE, OTHER_TABLE], true));
    life.checkNothingRequested();
    await life.pass(1_000);
    await life.succeed(life.request('Delete', change));
    life.checkDeleted();
  });

  test('a creation that is delivered twice', async () => {
    const event = life.request('Create');
    const answers = await life.runTwice(event, 60_000);
    const expected = { Status: 'SUCCESS', Data: life.attributes(), PhysicalResourceId: ID };
    expect(answers).toMatchObject([expected, expected]);
    expect(life.left).toEqual(life.connected());
    life.checkNothingRequested();
  });

  test('a creation that is killed, and run again', async () => {
    const event = life.request('Create');
    expect(await life.runAgainAfterKill(event, 70_000)).toMatchObject({
      Status: 'SUCCESS',
      Data: life.attributes(),
      PhysicalResourceId: ID,
    });
    expect(life.left).toEqual(life.connected());
    life.checkNothingRequested();
  });

  test('a creation that is killed, and then deleted', async () => {
    await life.run(life.request('Create'), life.atRandom(70_000));
    await life.pass(1_000);
    await life.succeed(life.request('Delete', UNKNOWN_ID));
    life.checkDeleted();
  });

  test('a creation that is overtaken by its deletion', async () => {
    await life.deleteDuringCreate();
    life.checkDeleted();
  });

  test('a creation that fails at its routes, and the deletion that follows', async () => {
    const { cidrBlock } = life.aws.vpcOf(FLEET);
    life.aws.change((state) => void (tableOf(state, OTHER_TABLE)[cidrBlock] = BY_HAND));
    const failed = await life.run(life.request('Create'));
    expect(failed).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(`to ${BY_HAND}`) as string });
    await life.pass(1_000);
    await life.succeed(life.request('Delete', { PhysicalResourceId: failed?.PhysicalResourceId }));
    life.aws.change((state) => void Reflect.deleteProperty(tableOf(state, OTHER_TABLE), cidrBlock));
    life.checkDeleted();
  });

  test('a deletion that is delivered twice', async () => {
    await life.create();
    await life.pass(1_000);
    const event = life.request('Delete');
    expect(await life.runTwice(event, 40_000)).toMatchObject([{ Status: 'SUCCESS' }, { Status: 'SUCCESS' }]);
    life.checkDeleted();
  });

  test('a deletion that is killed, and run again', async () => {
    await life.create();
    await life.pass(1_000);
    expect(await life.runAgainAfterKill(life.request('Delete'), 160_000)).toMatchObject({ Status: 'SUCCESS' });
    life.checkDeleted();
  });

  test('the fleet is replaced, and the update is rolled back', async () => {
    await life.create();
    life.aws.connectOnCreate(OTHER_FLEET, VPC, life.atRandom(60_000));
    const [former, next] = [declare(ON_CREATE), declare({ ...ON_CREATE, FleetId: OTHER_FLEET })];
    const there = { ResourceProperties: next, OldResourceProperties: former };
    const { Data, PhysicalResourceId } = await life.succeed(life.request('Update', there));
    expect(Data).toEqual(life.attributes(OTHER_FLEET));
    expect(life.aws.state.connections).toHaveLength(2);
    const back = { ResourceProperties: former, OldResourceProperties: next, PhysicalResourceId };
    expect(await life.succeed(life.request('Update', back))).toMatchObject({ Data: life.attributes(), PhysicalResourceId: ID });
    await life.succeed(life.request('Delete', { ResourceProperties: next, PhysicalResourceId }));
    expect(life.left).toMatchObject({
      routed: (life.connected() as typeof life.left & { routed: object }).routed,
      tags: [FLEET, FLEET],
    });
    expect(life.aws.state.connections).toHaveLength(2);
  });

  test('somebody deletes its connection by hand: an update says that only a new fleet is peered, and requests nothing', async () => {
    await life.create();
    life.aws.deleteByHand(FLEET);
    await life.pass(30_000);
    expect(await life.run(life.request('Update'))).toMatchObject({
      Status: 'FAILED',
      PhysicalResourceId: ID,
      Reason: expect.stringMatching(/replace the fleet, or remove peerOnCreate, which replaces it too/) as string,
    });
    life.checkNothingRequested();
    await life.succeed(life.request('Delete'));
    expect(life.left).toEqual(NOTHING);
  });
});

test.each(SEEDS)(
  'responds within three seconds after the connection is active if reads are not late, by seed %i',
  async (seed) => {
    const life = new Life(seed, { isLate: false, hasEvents: true, deniedMilliseconds: 0 });
    await life.aws.createVpcPeeringAuthorization({ PeerVpcId: VPC });
    const began = life.time.now();
    await life.create();
    // a claim is read again 15 seconds after it was written, and 15 seconds after GameLift accepted the request
    const readable = began + 32_000;
    expect(life.time.now() - Math.max(life.aws.activeAt, readable)).toBeLessThan(3_000);
  },
);

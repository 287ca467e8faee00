import { RehearsalClock, Journal } from 'rehearsal';
import type { CloudFormation } from 'rehearsal';
import { SimulatedAws } from 'rehearsal/aws';
import type { BehaviourName, Inventory, Reading } from 'rehearsal/aws';
import { InProcessWorld } from 'rehearsal/in-process';
import type { InProcessFunctions, InProcessResponses } from 'rehearsal/in-process';
import { createHandlerInProcess } from '../in-process/handler';

export const ACCOUNT = '111111111111';
export const OTHER_ACCOUNT = '222222222222';
export const REGION = 'us-east-1';
export const DAY = 24 * 3_600_000;
export const PLACE = { account: ACCOUNT, region: REGION };
/** Two calls of one operation that are so many milliseconds apart are not throttled. */
const RATE_TOKEN = 15_000;
const START = Date.parse('2026-01-01T00:00:00Z');

/** A VPC that was there before, and its route tables, the main one first. */
export interface VpcPlace {
  readonly account: string;
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  readonly routeTableIds: readonly string[];
}

/** C is the other account's. */
export type VpcName = 'A' | 'B' | 'C';

/** What of the neighbourhood stacks refer to. */
export type Places = Readonly<Record<VpcName, VpcPlace>>;

/** A fleet that somebody made and peered by hand. */
interface HandMade {
  readonly fleetId: string;
  readonly peeringId: string;
}

/** Where the id of a hand-made fleet is looked up. */
export function fleetParameter(name: string): string {
  return `/fleets/${name}`;
}

/** One choice for every question that AWS leaves open. */
export type Readings = { readonly [Name in BehaviourName]?: Reading<Name> } & {
  /** Row 17, CloudFormation's own. */
  readonly failedUpdatePhysicalId?: 'stored' | 'ignored';
};

/**
 * A small AWS in this process, in a time that passes in leaps alone: every run is the same. It is not empty: there are VPCs
 * of two accounts, with routes and tags, and somebody else's fleet that is peered with one of them.
 */
export class MatrixWorld {
  /** @param foreignVpc the VPC that somebody else's fleet is peered with */
  static async populate(readings: Readings = {}, foreignVpc: VpcName = 'A'): Promise<MatrixWorld> {
    const world = new MatrixWorld(readings);
    await world.settle(foreignVpc);
    for (const [name, reading] of Object.entries(readings)) {
      if (name !== 'failedUpdatePhysicalId') {
        world.aws.behaviours.set(name as BehaviourName, reading as Reading<BehaviourName>);
      }
    }
    return world;
  }

  readonly clock: RehearsalClock;
  readonly journal: Journal;
  readonly aws: SimulatedAws;
  readonly responses: InProcessResponses;
  readonly functions: InProcessFunctions;
  readonly cloudFormation: CloudFormation;
  readonly places: Places;
  handMade: HandMade | undefined;
  private original: Inventory | undefined;
  private readonly world: InProcessWorld;

  private constructor({ failedUpdatePhysicalId = 'stored' }: Readings) {
    const world = new InProcessWorld({
      ...PLACE,
      startTime: START,
      failedUpdatePhysicalId,
      createHandler: createHandlerInProcess,
    });
    this.world = world;
    ({
      clock: this.clock,
      journal: this.journal,
      aws: this.aws,
      responses: this.responses,
      lambda: this.functions,
      cloudFormation: this.cloudFormation,
    } = world);
    // what the handler answers must not hold a secret either
    this.functions.onResponse = (body) => {
      this.journal.write('s3', 'answer', body);
    };
    this.places = layOut(this.aws);
  }

  /** What was there before any stack. */
  get before(): Inventory {
    if (this.original === undefined) {
      throw new Error('the world is not settled yet');
    }
    return this.original;
  }

  pass(days: number): Promise<void> {
    return this.clock.sleep(days * DAY);
  }

  /** Runs `task`; rejects where nothing of it goes on any more. */
  async live<T>(task: () => Promise<T>): Promise<T> {
    let cancel: () => void = () => undefined;
    const stuck = new Promise<never>((_, reject) => {
      cancel = this.clock.after(1000 * DAY, () => {
        reject(new Error('the rehearsal is stuck: nothing happens any more'));
      });
    });
    try {
      return await Promise.race([task(), stuck]);
    } finally {
      cancel();
    }
  }

  /** What neither logs nor answers nor errors may hold. */
  get secrets(): readonly string[] {
    const keys = [ACCOUNT, OTHER_ACCOUNT].map((account) => this.aws.iam.administrator(account).secretAccessKey);
    return [...this.responses.secrets, ...this.functions.secrets.filter((secret) => secret !== ''), ...keys];
  }

  close(): void {
    void this.world.close();
  }

  /** Somebody else's fleet, peered with a VPC since some days. */
  private async settle(vpc: VpcName): Promise<void> {
    const { aws } = this;
    aws.scriptedOutcomes.fleetActivationSeconds = 120;
    aws.scriptedOutcomes.fleet = ({ name }) => (name === 'Foreign' ? { cidrBlock: '10.240.0.0/20' } : {});
    const fleet = {
      Name: 'Foreign',
      BuildId: 'build-1',
      EC2InstanceType: 'c5.large',
      PeerVpcAwsAccountId: this.places[vpc].account,
      PeerVpcId: this.places[vpc].vpcId,
      Tags: [{ Key: 'owner', Value: 'somebody else' }],
    };
    await this.authorize(vpc);
    await aws.callGameLift('CreateFleet', fleet, PLACE);
    await this.pass(2);
    const [peering] = aws.ec2.peerings.all();
    aws.ec2.tags.put(ACCOUNT, peering?.id ?? '', new Map([['owner', 'somebody else']]));
    this.original = aws.inventory();
  }

  /** By hand, as docs/troubleshooting.md advises where nothing else is left. */
  async authorize(vpc: VpcName): Promise<void> {
    const { account, vpcId } = this.places[vpc];
    const input = { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: vpcId };
    await this.aws.callGameLift('CreateVpcPeeringAuthorization', input, { account, region: REGION });
  }

  /** The same, where an authorization may be valid already: GameLift may refuse a second one. */
  async authorizeUnlessValid(vpc: VpcName): Promise<void> {
    await this.clock.sleep(RATE_TOKEN);
    await this.authorize(vpc).catch(() => undefined);
  }

  /** The same for every VPC. */
  async authorizeAll(): Promise<void> {
    for (const vpc of ['A', 'B', 'C'] as const) {
      await this.authorizeUnlessValid(vpc);
    }
  }

  /** By hand, as docs/troubleshooting.md advises, what CloudFormation skipped and forgot. */
  async deleteForgottenFleets(): Promise<void> {
    const { aws, before, clock } = this;
    const known = new Set((before.fleets as readonly { readonly id: string }[]).map(({ id }) => id));
    for (const { id } of aws.gameLift.fleets.list(PLACE).filter((fleet) => !known.has(fleet.id))) {
      await this.authorizeAll();
      await aws.callGameLift('DeleteFleet', { FleetId: id }, PLACE);
      await clock.sleep(4 * RATE_TOKEN);
    }
  }

  /** Somebody else peers VPC A with so many VPCs of theirs. */
  peerWithMore(count: number): void {
    const { aws, places } = this;
    const accepter = { vpcId: places.A.vpcId, account: ACCOUNT, cidrBlocks: ['10.90.0.0/16'] };
    for (let index = 0; index < count; index += 1) {
      const { vpcId } = aws.ec2.createVpc({ account: OTHER_ACCOUNT, region: REGION, cidrBlock: `10.${100 + index}.0.0/16` });
      const requester = { vpcId, account: OTHER_ACCOUNT, cidrBlocks: [`10.${100 + index}.0.0/16`] };
      aws.ec2.peerings.request(REGION, requester, accepter).move('active');
    }
    this.original = aws.inventory();
  }

  /** Somebody makes a fleet and peers it with VPC A, by hand: it is of what was there before any stack. */
  async peerByHand({ name, description }: { readonly name: string; readonly description: string }): Promise<void> {
    const { aws } = this;
    const { vpcId, routeTableIds } = this.places.A;
    const fleet = { Name: name, Description: description, BuildId: 'build-1', EC2InstanceType: 'c5.large' };
    await aws.callGameLift('CreateFleet', fleet, PLACE);
    await this.pass(0.1);
    const made = aws.gameLift.fleets.list(PLACE).find(({ attributes }) => attributes.Name === name);
    if (made?.vpc === undefined) {
      throw new Error(`GameLift made no fleet ${name}`);
    }
    await this.authorize('A');
    const connection = { FleetId: made.id, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: vpcId };
    await aws.callGameLift('CreateVpcPeeringConnection', connection, PLACE);
    // until the authorization has lapsed
    await this.pass(2);
    const peeringId = aws.ec2.peerings.between(made.vpc.vpcId, vpcId)?.id ?? '';
    aws.ec2.tags.put(ACCOUNT, peeringId, new Map([['Name', 'made by hand']]));
    const route = { destination: made.vpc.cidrBlock, kind: 'vpcPeeringConnectionId', target: peeringId };
    const [table = ''] = routeTableIds;
    if (aws.ec2.routeTables.get(table)?.routes.has(route.destination) === false) {
      aws.ec2.createRoute(PLACE, table, route);
    }
    aws.parameters.put(PLACE, fleetParameter(name), { type: 'String', value: made.id });
    this.handMade = { fleetId: made.id, peeringId };
    this.original = aws.inventory();
  }
}

function layOut({ ec2 }: SimulatedAws): Places {
  const vpc = (account: string, cidr: string, tables: number): VpcPlace => {
    const place = { account, region: REGION };
    const { vpcId } = ec2.createVpc({ ...place, cidrBlock: `${cidr}.0.0/16` });
    const main = ec2.vpc(place, vpcId).mainRouteTableId;
    const gateway = ec2.createGateway(place, 'igw');
    ec2.attachGateway(place, gateway, vpcId);
    ec2.tags.put(account, vpcId, new Map([['Name', `studio ${cidr}`]]));
    const isolated = Array.from({ length: tables }, (_, index) => {
      const cidrBlock = `${cidr}.${index}.0/24`;
      const subnetId = ec2.createSubnet(place, { vpcId, cidrBlock, availabilityZone: 'us-east-1a' });
      const routeTableId = ec2.createRouteTable(place, vpcId);
      ec2.associate(place, routeTableId, subnetId);
      ec2.createRoute(place, routeTableId, { destination: '0.0.0.0/0', kind: 'gatewayId', target: gateway });
      return { subnetId, routeTableId };
    });
    return {
      account,
      vpcId,
      subnetIds: isolated.map(({ subnetId }) => subnetId),
      routeTableIds: [main, ...isolated.map(({ routeTableId }) => routeTableId)],
    };
  };
  return { A: vpc(ACCOUNT, '10.90', 2), B: vpc(ACCOUNT, '10.91', 1), C: vpc(OTHER_ACCOUNT, '10.92', 2) };
}

/** The same in every world, so that a stack can be synthesized before there is one. */
export function placesOf(): Places {
  const clock = new RehearsalClock(START);
  return layOut(new SimulatedAws({ clock, journal: new Journal(() => 0) }));
}

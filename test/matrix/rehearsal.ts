import { RehearsalClock, Journal } from 'rehearsal';
import type { CloudFormation } from 'rehearsal';
import { SimulatedAws } from 'rehearsal/aws';
import type { BehaviourName, Inventory, Reading } from 'rehearsal/aws';
import { InProcessRehearsal } from 'rehearsal/in-process';
import type { InProcessLambda, InProcessResponses } from 'rehearsal/in-process';
import { createHandlerInProcess } from '../in-process/handler';

export const ACCOUNT = '111111111111';
export const OTHER_ACCOUNT = '222222222222';
export const REGION = 'us-east-1';
/** The account and region of the stack and of GameLift's fleets. */
export const ACCOUNT_AND_REGION = { account: ACCOUNT, region: REGION };
export const DAY_MS = 24 * 3_600_000;
/** GameLift does not throttle calls of one operation that are this far apart. */
const CALL_INTERVAL_MS = 15_000;
const START_TIME = Date.parse('2026-01-01T00:00:00Z');

/** A VPC that no stack creates. The first of its route tables is the main route table. */
export interface ExistingVpc {
  readonly account: string;
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  readonly routeTableIds: readonly string[];
}

/** VPC C is in the other account. */
export type VpcName = 'A' | 'B' | 'C';

export type ExistingVpcs = Readonly<Record<VpcName, ExistingVpc>>;

/** A fleet that somebody created and peered by hand. */
interface FleetPeeredByHand {
  readonly fleetId: string;
  readonly peeringId: string;
}

/** The name of the SSM parameter that contains the id of a fleet that was created by hand. */
export function fleetParameter(name: string): string {
  return `/fleets/${name}`;
}

/** The chosen readings. Questions without a choice have their default reading. */
export type Readings = { readonly [Name in BehaviourName]?: Reading<Name> } & {
  /** What CloudFormation does with the physical id of an update that failed. */
  readonly failedUpdatePhysicalId?: 'stored' | 'ignored';
};

/**
 * A rehearsal in this process and in simulated time, so that every run is the same. Before the first deployment, the simulated AWS contains
 * VPCs of two accounts, with routes and tags, and somebody else's fleet, which is peered with one of the VPCs.
 */
export class MatrixRehearsal {
  /** @param foreignVpc the VPC that somebody else's fleet is peered with */
  static async populate(readings: Readings = {}, foreignVpc: VpcName = 'A'): Promise<MatrixRehearsal> {
    const rehearsal = new MatrixRehearsal(readings);
    await rehearsal.addForeignFleet(foreignVpc);
    for (const [name, reading] of Object.entries(readings)) {
      if (name !== 'failedUpdatePhysicalId') {
        rehearsal.aws.behaviours.set(name as BehaviourName, reading as Reading<BehaviourName>);
      }
    }
    return rehearsal;
  }

  readonly clock: RehearsalClock;
  readonly journal: Journal;
  readonly aws: SimulatedAws;
  readonly responses: InProcessResponses;
  readonly functions: InProcessLambda;
  readonly cloudFormation: CloudFormation;
  readonly vpcs: ExistingVpcs;
  fleetPeeredByHand: FleetPeeredByHand | undefined;
  private recordedInventory: Inventory | undefined;
  private readonly inProcess: InProcessRehearsal;

  private constructor({ failedUpdatePhysicalId = 'stored' }: Readings) {
    const rehearsal = new InProcessRehearsal({
      ...ACCOUNT_AND_REGION,
      startTime: START_TIME,
      failedUpdatePhysicalId,
      createHandler: createHandlerInProcess,
    });
    this.inProcess = rehearsal;
    ({
      clock: this.clock,
      journal: this.journal,
      aws: this.aws,
      responses: this.responses,
      lambda: this.functions,
      cloudFormation: this.cloudFormation,
    } = rehearsal);
    // the journal also contains the responses, so that leakedSecrets searches them
    this.functions.onResponse = (body) => {
      this.journal.write('s3', 'answer', body);
    };
    this.vpcs = createVpcs(this.aws);
  }

  /** What existed before the first deployment. */
  get initialInventory(): Inventory {
    if (this.recordedInventory === undefined) {
      throw new Error('populate() has not finished');
    }
    return this.recordedInventory;
  }

  waitDays(days: number): Promise<void> {
    return this.clock.sleep(days * DAY_MS);
  }

  /** Runs the task. Rejects if it has not ended after 1000 simulated days. */
  async failIfStuck<T>(task: () => Promise<T>): Promise<T> {
    let cancel: () => void = () => undefined;
    const stuck = new Promise<never>((_, reject) => {
      cancel = this.clock.callAfter(1000 * DAY_MS, () => {
        reject(new Error('the rehearsal is stuck: the task did not end within 1000 simulated days'));
      });
    });
    try {
      return await Promise.race([task(), stuck]);
    } finally {
      cancel();
    }
  }

  /** The secrets that logs, responses and errors must not contain. */
  get secrets(): readonly string[] {
    const keys = [ACCOUNT, OTHER_ACCOUNT].map((account) => this.aws.iam.administrator(account).secretAccessKey);
    return [...this.responses.secrets, ...this.functions.secrets.filter((secret) => secret !== ''), ...keys];
  }

  close(): void {
    void this.inProcess.close();
  }

  /** Creates somebody else's fleet, peered with the VPC, and waits two days, until the authorization has expired. */
  private async addForeignFleet(vpc: VpcName): Promise<void> {
    const { aws } = this;
    aws.scriptedOutcomes.fleetActivationSeconds = 120;
    aws.scriptedOutcomes.fleet = ({ name }) => (name === 'Foreign' ? { cidrBlock: '10.240.0.0/20' } : {});
    const fleet = {
      Name: 'Foreign',
      BuildId: 'build-1',
      EC2InstanceType: 'c5.large',
      PeerVpcAwsAccountId: this.vpcs[vpc].account,
      PeerVpcId: this.vpcs[vpc].vpcId,
      Tags: [{ Key: 'owner', Value: 'somebody else' }],
    };
    await this.authorize(vpc);
    await aws.callGameLift('CreateFleet', fleet, ACCOUNT_AND_REGION);
    await this.waitDays(2);
    const [peering] = aws.ec2.peerings.all();
    aws.ec2.tags.put(ACCOUNT, peering?.id ?? '', new Map([['owner', 'somebody else']]));
    this.recordedInventory = aws.inventory();
  }

  /** Authorizes by hand, as docs/troubleshooting.md says. */
  async authorize(vpc: VpcName): Promise<void> {
    const { account, vpcId } = this.vpcs[vpc];
    const input = { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: vpcId };
    await this.aws.callGameLift('CreateVpcPeeringAuthorization', input, { account, region: REGION });
  }

  /** Authorizes by hand. Ignores an error, because GameLift may refuse this if an authorization is still valid. */
  async authorizeUnlessValid(vpc: VpcName): Promise<void> {
    await this.clock.sleep(CALL_INTERVAL_MS);
    await this.authorize(vpc).catch(() => undefined);
  }

  /** Authorizes all VPCs by hand. */
  async authorizeAll(): Promise<void> {
    for (const vpc of ['A', 'B', 'C'] as const) {
      await this.authorizeUnlessValid(vpc);
    }
  }

  /** Deletes by hand the fleets whose deletion CloudFormation skipped, as docs/troubleshooting.md says. */
  async deleteForgottenFleets(): Promise<void> {
    const { aws, initialInventory, clock } = this;
    const foreignFleetIds = new Set((initialInventory.fleets as readonly { readonly id: string }[]).map(({ id }) => id));
    for (const { id } of aws.gameLift.fleets.list(ACCOUNT_AND_REGION).filter((fleet) => !foreignFleetIds.has(fleet.id))) {
      await this.authorizeAll();
      await aws.callGameLift('DeleteFleet', { FleetId: id }, ACCOUNT_AND_REGION);
      // until GameLift has deleted the fleet
      await clock.sleep(4 * CALL_INTERVAL_MS);
    }
  }

  /** Creates VPCs in the other account, and peers them with VPC A without GameLift. */
  addOtherPeerings(count: number): void {
    const { aws, vpcs } = this;
    const accepter = { vpcId: vpcs.A.vpcId, account: ACCOUNT, cidrBlocks: ['10.90.0.0/16'] };
    for (let index = 0; index < count; index += 1) {
      const { vpcId } = aws.ec2.createVpc({ account: OTHER_ACCOUNT, region: REGION, cidrBlock: `10.${100 + index}.0.0/16` });
      const requester = { vpcId, account: OTHER_ACCOUNT, cidrBlocks: [`10.${100 + index}.0.0/16`] };
      aws.ec2.peerings.request(REGION, requester, accepter).setStatus('active');
    }
    this.recordedInventory = aws.inventory();
  }

  /** Creates a fleet and peers it with VPC A by hand, before the first deployment. */
  async peerByHand({ name, description }: { readonly name: string; readonly description: string }): Promise<void> {
    const { aws } = this;
    const { vpcId, routeTableIds } = this.vpcs.A;
    const fleet = { Name: name, Description: description, BuildId: 'build-1', EC2InstanceType: 'c5.large' };
    await aws.callGameLift('CreateFleet', fleet, ACCOUNT_AND_REGION);
    await this.waitDays(0.1);
    const createdFleet = aws.gameLift.fleets.list(ACCOUNT_AND_REGION).find(({ attributes }) => attributes.Name === name);
    if (createdFleet?.vpc === undefined) {
      throw new Error(`fleet ${name} does not exist or has no VPC 0.1 days after CreateFleet`);
    }
    await this.authorize('A');
    const connection = { FleetId: createdFleet.id, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: vpcId };
    await aws.callGameLift('CreateVpcPeeringConnection', connection, ACCOUNT_AND_REGION);
    // wait until the authorization has expired
    await this.waitDays(2);
    const peeringId = aws.ec2.peerings.findLive(createdFleet.vpc.vpcId, vpcId)?.id ?? '';
    aws.ec2.tags.put(ACCOUNT, peeringId, new Map([['Name', 'created by hand']]));
    const route = { destination: createdFleet.vpc.cidrBlock, kind: 'vpcPeeringConnectionId', target: peeringId };
    const [mainRouteTableId = ''] = routeTableIds;
    if (aws.ec2.routeTables.get(mainRouteTableId)?.routes.has(route.destination) === false) {
      aws.ec2.createRoute(ACCOUNT_AND_REGION, mainRouteTableId, route);
    }
    aws.parameters.put(ACCOUNT_AND_REGION, fleetParameter(name), { type: 'String', value: createdFleet.id });
    this.fleetPeeredByHand = { fleetId: createdFleet.id, peeringId };
    this.recordedInventory = aws.inventory();
  }
}

function createVpcs({ ec2 }: SimulatedAws): ExistingVpcs {
  const createVpc = (account: string, cidrPrefix: string, subnetCount: number): ExistingVpc => {
    const place = { account, region: REGION };
    const { vpcId } = ec2.createVpc({ ...place, cidrBlock: `${cidrPrefix}.0.0/16` });
    const mainRouteTableId = ec2.vpc(place, vpcId).mainRouteTableId;
    const gateway = ec2.createGateway(place, 'igw');
    ec2.attachGateway(place, gateway, vpcId);
    ec2.tags.put(account, vpcId, new Map([['Name', `studio ${cidrPrefix}`]]));
    const subnets = Array.from({ length: subnetCount }, (_, index) => {
      const cidrBlock = `${cidrPrefix}.${index}.0/24`;
      const subnetId = ec2.createSubnet(place, { vpcId, cidrBlock, availabilityZone: 'us-east-1a' });
      const routeTableId = ec2.createRouteTable(place, vpcId);
      ec2.associateSubnet(place, routeTableId, subnetId);
      ec2.createRoute(place, routeTableId, { destination: '0.0.0.0/0', kind: 'gatewayId', target: gateway });
      return { subnetId, routeTableId };
    });
    return {
      account,
      vpcId,
      subnetIds: subnets.map(({ subnetId }) => subnetId),
      routeTableIds: [mainRouteTableId, ...subnets.map(({ routeTableId }) => routeTableId)],
    };
  };
  return {
    A: createVpc(ACCOUNT, '10.90', 2),
    B: createVpc(ACCOUNT, '10.91', 1),
    C: createVpc(OTHER_ACCOUNT, '10.92', 2),
  };
}

/** The VPCs of every `MatrixRehearsal`. Their ids are always the same, so stacks can be synthesized before a rehearsal exists. */
export function createExistingVpcs(): ExistingVpcs {
  const clock = new RehearsalClock(START_TIME);
  return createVpcs(new SimulatedAws({ clock, journal: new Journal(() => 0) }));
}

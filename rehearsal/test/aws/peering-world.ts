import {
  DescribeVpcPeeringConnectionsCommand as DescribePcx,
  EC2Client,
  type VpcPeeringConnection as Pcx,
} from '@aws-sdk/client-ec2';
import {
  CreateFleetCommand,
  CreateVpcPeeringAuthorizationCommand,
  CreateVpcPeeringConnectionCommand,
  DeleteFleetCommand,
  DeleteVpcPeeringConnectionCommand,
  DescribeFleetAttributesCommand,
  DescribeFleetEventsCommand,
  DescribeVpcPeeringConnectionsCommand,
  type CreateFleetInput,
  type GameLiftClient,
  type VpcPeeringConnection,
} from '@aws-sdk/client-gamelift';
import { clientConfig, GAMELIFT_ACCOUNT, gameLiftClient, REGION, startTimedWorld, VPC_ACCOUNT, type TimedWorld } from './world';

const FLEET = { BuildId: 'build-1', EC2InstanceType: 'c5.large' } as const;

/** Two accounts, a VPC and the calls that peer it, each after a pause that the rate limits ask for. */
export class PeeringWorld {
  static async start(): Promise<PeeringWorld> {
    return new PeeringWorld(await startTimedWorld());
  }

  /** Who owns the VPC, and authorizes. */
  owner: GameLiftClient;
  readonly manager: GameLiftClient;
  readonly ec2: EC2Client;
  readonly vpcId: string;

  private constructor(readonly world: TimedWorld) {
    const { aws } = world;
    this.owner = gameLiftClient(aws, aws.iam.administrator(VPC_ACCOUNT));
    this.manager = gameLiftClient(aws, aws.iam.administrator(GAMELIFT_ACCOUNT));
    this.ec2 = new EC2Client(clientConfig(aws, aws.iam.administrator(VPC_ACCOUNT)));
    this.vpcId = aws.ec2.createVpc({ account: VPC_ACCOUNT, region: REGION, cidrBlock: '10.0.0.0/16' }).vpcId;
  }

  get aws(): TimedWorld['aws'] {
    return this.world.aws;
  }

  wait(seconds: number): Promise<void> {
    return this.world.clock.sleep(seconds * 1000);
  }

  async close(): Promise<void> {
    this.world.clock.close();
    this.owner.destroy();
    this.manager.destroy();
    this.ec2.destroy();
    await this.aws.close();
  }

  async createFleet(input: Partial<CreateFleetInput> = {}): Promise<string> {
    const { FleetAttributes } = await this.manager.send(new CreateFleetCommand({ Name: 'fleet', ...FLEET, ...input }));
    return FleetAttributes?.FleetId ?? '';
  }

  async activeFleet(input: Partial<CreateFleetInput> = {}): Promise<string> {
    const fleetId = await this.createFleet(input);
    // a second later: what is due at the same moment wakes in the order in which it went to sleep
    await this.wait(1501);
    return fleetId;
  }

  async deleteFleet(FleetId: string): Promise<void> {
    await this.manager.send(new DeleteFleetCommand({ FleetId }));
  }

  async fleetStatus(fleetId: string): Promise<string | undefined> {
    const { FleetAttributes } = await this.manager.send(new DescribeFleetAttributesCommand({ FleetIds: [fleetId] }));
    return FleetAttributes?.[0]?.Status;
  }

  async events(FleetId: string): Promise<string[]> {
    const { Events } = await this.manager.send(new DescribeFleetEventsCommand({ FleetId, Limit: 100 }));
    return Events?.map(({ EventCode }) => EventCode ?? '') ?? [];
  }

  async authorize(PeerVpcId = this.vpcId): Promise<void> {
    await this.wait(10);
    await this.owner.send(new CreateVpcPeeringAuthorizationCommand({ GameLiftAwsAccountId: GAMELIFT_ACCOUNT, PeerVpcId }));
  }

  async connect(FleetId: string, PeerVpcId = this.vpcId): Promise<void> {
    await this.wait(10);
    await this.manager.send(new CreateVpcPeeringConnectionCommand({ FleetId, PeerVpcAwsAccountId: VPC_ACCOUNT, PeerVpcId }));
  }

  async disconnect(FleetId: string, VpcPeeringConnectionId: string | undefined): Promise<void> {
    await this.wait(10);
    await this.manager.send(new DeleteVpcPeeringConnectionCommand({ FleetId, VpcPeeringConnectionId }));
  }

  async connections(FleetId?: string): Promise<VpcPeeringConnection[]> {
    await this.wait(10);
    return (await this.manager.send(new DescribeVpcPeeringConnectionsCommand({ FleetId }))).VpcPeeringConnections ?? [];
  }

  async statuses(fleetId: string): Promise<(string | undefined)[]> {
    return (await this.connections(fleetId)).map(({ Status }) => Status?.Code);
  }

  /** An active fleet, authorized, connected, and active. */
  async peer(): Promise<{ fleetId: string; connection: VpcPeeringConnection }> {
    const fleetId = await this.activeFleet();
    await this.authorize();
    await this.connect(fleetId);
    await this.wait(30);
    const [connection] = await this.connections(fleetId);
    return { fleetId, connection: connection ?? {} };
  }

  /** What the owner of the VPC sees in EC2. */
  async peerings(): Promise<Pcx[]> {
    return (await this.ec2.send(new DescribePcx({}))).VpcPeeringConnections ?? [];
  }
}

import {
  DescribeVpcPeeringConnectionsCommand as DescribeEc2PeeringsCommand,
  EC2Client,
  type VpcPeeringConnection as Ec2Peering,
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
import {
  clientConfig,
  GAMELIFT_ACCOUNT,
  gameLiftClient,
  REGION,
  startTimedSimulation,
  VPC_ACCOUNT,
  type TimedSimulation,
} from './simulation';

const REQUIRED_FLEET_INPUT = { BuildId: 'build-1', EC2InstanceType: 'c5.large' } as const;

/** Two accounts, a VPC, and calls that connect fleets with the VPC. Waits for ten seconds before calls with a low rate limit. */
export class PeeringSimulation {
  static async start(): Promise<PeeringSimulation> {
    return new PeeringSimulation(await startTimedSimulation());
  }

  /** Calls GameLift in the account of the VPC. A test can replace it with a client that has fewer permissions. */
  peerVpcClient: GameLiftClient;
  /** Calls GameLift in the account of the fleets. */
  readonly fleetClient: GameLiftClient;
  /** Calls EC2 in the account of the VPC. */
  readonly ec2Client: EC2Client;
  readonly vpcId: string;

  private constructor(private readonly simulation: TimedSimulation) {
    const { aws } = simulation;
    this.peerVpcClient = gameLiftClient(aws, aws.iam.administrator(VPC_ACCOUNT));
    this.fleetClient = gameLiftClient(aws, aws.iam.administrator(GAMELIFT_ACCOUNT));
    this.ec2Client = new EC2Client(clientConfig(aws, aws.iam.administrator(VPC_ACCOUNT)));
    this.vpcId = aws.ec2.createVpc({ account: VPC_ACCOUNT, region: REGION, cidrBlock: '10.0.0.0/16' }).vpcId;
  }

  get clock(): TimedSimulation['clock'] {
    return this.simulation.clock;
  }

  get aws(): TimedSimulation['aws'] {
    return this.simulation.aws;
  }

  wait(seconds: number): Promise<void> {
    return this.clock.sleep(seconds * 1000);
  }

  async close(): Promise<void> {
    this.clock.close();
    this.peerVpcClient.destroy();
    this.fleetClient.destroy();
    this.ec2Client.destroy();
    await this.aws.close();
  }

  async createFleet(input: Partial<CreateFleetInput> = {}): Promise<string> {
    const { FleetAttributes } = await this.fleetClient.send(
      new CreateFleetCommand({ Name: 'fleet', ...REQUIRED_FLEET_INPUT, ...input }),
    );
    return FleetAttributes?.FleetId ?? '';
  }

  async createActiveFleet(input: Partial<CreateFleetInput> = {}): Promise<string> {
    const fleetId = await this.createFleet(input);
    // the activation takes 1500 seconds: a test that waits for exactly 1500 seconds can wake before the fleet is ACTIVE
    await this.wait(1501);
    return fleetId;
  }

  async deleteFleet(FleetId: string): Promise<void> {
    await this.fleetClient.send(new DeleteFleetCommand({ FleetId }));
  }

  async fleetStatus(fleetId: string): Promise<string | undefined> {
    const { FleetAttributes } = await this.fleetClient.send(new DescribeFleetAttributesCommand({ FleetIds: [fleetId] }));
    return FleetAttributes?.[0]?.Status;
  }

  async eventCodes(FleetId: string): Promise<string[]> {
    const { Events } = await this.fleetClient.send(new DescribeFleetEventsCommand({ FleetId, Limit: 100 }));
    return Events?.map(({ EventCode }) => EventCode ?? '') ?? [];
  }

  async authorize(PeerVpcId = this.vpcId): Promise<void> {
    await this.wait(10);
    await this.peerVpcClient.send(
      new CreateVpcPeeringAuthorizationCommand({ GameLiftAwsAccountId: GAMELIFT_ACCOUNT, PeerVpcId }),
    );
  }

  async connect(FleetId: string, PeerVpcId = this.vpcId): Promise<void> {
    await this.wait(10);
    await this.fleetClient.send(new CreateVpcPeeringConnectionCommand({ FleetId, PeerVpcAwsAccountId: VPC_ACCOUNT, PeerVpcId }));
  }

  async disconnect(FleetId: string, VpcPeeringConnectionId: string | undefined): Promise<void> {
    await this.wait(10);
    await this.fleetClient.send(new DeleteVpcPeeringConnectionCommand({ FleetId, VpcPeeringConnectionId }));
  }

  async connections(FleetId?: string): Promise<VpcPeeringConnection[]> {
    await this.wait(10);
    return (await this.fleetClient.send(new DescribeVpcPeeringConnectionsCommand({ FleetId }))).VpcPeeringConnections ?? [];
  }

  async connectionStatuses(fleetId: string): Promise<(string | undefined)[]> {
    return (await this.connections(fleetId)).map(({ Status }) => Status?.Code);
  }

  /** Creates an active fleet and connects it. The connection is active afterwards, unless a test makes it fail. */
  async connectNewFleet(): Promise<{ fleetId: string; connection: VpcPeeringConnection }> {
    const fleetId = await this.createActiveFleet();
    await this.authorize();
    await this.connect(fleetId);
    await this.wait(30);
    const [connection] = await this.connections(fleetId);
    return { fleetId, connection: connection ?? {} };
  }

  /** The peering connections that EC2 shows to the account of the VPC. */
  async ec2Peerings(): Promise<Ec2Peering[]> {
    return (await this.ec2Client.send(new DescribeEc2PeeringsCommand({}))).VpcPeeringConnections ?? [];
  }
}

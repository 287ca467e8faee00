import { SimulatedAws } from '../../src/aws';
import { Journal } from '../../src/journal';
import { RehearsalClock } from '../../src/time/clock';
import { LAMBDA_TRUST, REGION, VPC_ACCOUNT } from './simulation';

export const ACCOUNT_AND_REGION = { account: VPC_ACCOUNT, region: REGION };

/** One account with a VPC. Tests call the simulated services directly, without HTTP. */
export class LocalSimulation {
  readonly clock = new RehearsalClock(Date.UTC(2026, 0, 1));
  readonly aws = new SimulatedAws({ clock: this.clock, journal: new Journal(() => this.clock.now()) });
  readonly vpcId = this.aws.ec2.createVpc({ ...ACCOUNT_AND_REGION, cidrBlock: '10.0.0.0/16' }).vpcId;
  readonly authorizationInput = { GameLiftAwsAccountId: VPC_ACCOUNT, PeerVpcId: this.vpcId };

  async close(): Promise<void> {
    this.clock.close();
    await this.aws.close();
  }

  wait(seconds: number): Promise<void> {
    return this.clock.sleep(seconds * 1000);
  }

  /** Makes a call with this access key, by default with the key of the account's administrator. */
  call(
    service: string,
    operation: string,
    input: object,
    accessKeyId = this.aws.iam.administrator(VPC_ACCOUNT).accessKeyId,
  ): Promise<object> {
    const session = this.aws.iam.findSession(accessKeyId);
    if (session === undefined) {
      throw new Error(`expected the access key of an administrator or of a role session, got ${accessKeyId}`);
    }
    return this.aws.call(service, operation, input, { principal: session.principal, region: REGION });
  }

  gameLift(operation: string, input: object = {}, accessKeyId?: string): Promise<object> {
    return this.call('gamelift', operation, input, accessKeyId);
  }

  ec2(operation: string, input: object = {}): Promise<object> {
    return this.call('ec2', operation, input);
  }

  /** Creates a role with this policy. @returns an access key of the role */
  createRoleWithAccessKey(policyDocument: object): string {
    const roleName = 'Caller';
    const { arn } = this.aws.iam.createRole({ account: VPC_ACCOUNT, roleName, assumeRolePolicy: LAMBDA_TRUST });
    this.aws.iam.putRolePolicy(VPC_ACCOUNT, roleName, 'Default', policyDocument);
    return this.aws.iam.assumeRoleForService(arn, 'lambda.amazonaws.com', 'function').accessKeyId;
  }

  async createFleet(input: object = {}): Promise<string> {
    const fleet = { Name: 'fleet', BuildId: 'build-1', EC2InstanceType: 'c5.large', ...input };
    const { FleetAttributes } = (await this.gameLift('CreateFleet', fleet)) as {
      readonly FleetAttributes: { readonly FleetId: string };
    };
    return FleetAttributes.FleetId;
  }

  /** Creates a fleet whose input names the VPC as its peer. */
  createFleetWithPeerVpc(): Promise<string> {
    return this.createFleet({ PeerVpcAwsAccountId: VPC_ACCOUNT, PeerVpcId: this.vpcId });
  }

  async createActiveFleet(): Promise<string> {
    const fleetId = await this.createFleet();
    // the activation takes 1500 seconds: a test that waits for exactly 1500 seconds can wake before the fleet is ACTIVE
    await this.wait(1501);
    return fleetId;
  }

  async authorize(accessKeyId?: string): Promise<void> {
    await this.gameLift('CreateVpcPeeringAuthorization', this.authorizationInput, accessKeyId);
  }

  async connect(FleetId: string, accessKeyId?: string): Promise<void> {
    const input = { FleetId, PeerVpcAwsAccountId: VPC_ACCOUNT, PeerVpcId: this.vpcId };
    await this.gameLift('CreateVpcPeeringConnection', input, accessKeyId);
  }

  /** Deletes the first connection. */
  async disconnect(FleetId: string): Promise<void> {
    const [connection] = this.aws.gameLift.connections.list();
    await this.gameLift('DeleteVpcPeeringConnection', { FleetId, VpcPeeringConnectionId: connection?.id });
  }

  /** Creates an active fleet with an active connection. */
  async connectNewFleet(): Promise<{ readonly fleetId: string; readonly peeringId: string }> {
    const fleetId = await this.createActiveFleet();
    await this.authorize();
    await this.connect(fleetId);
    await this.wait(60);
    return { fleetId, peeringId: this.aws.ec2.peerings.all()[0]?.id ?? '' };
  }

  /** The statuses of all connections, as GameLift describes them. */
  async connectionStatuses(): Promise<readonly { readonly Code: string; readonly Message: string }[]> {
    const { VpcPeeringConnections } = (await this.gameLift('DescribeVpcPeeringConnections')) as {
      readonly VpcPeeringConnections: readonly { readonly Status: { readonly Code: string; readonly Message: string } }[];
    };
    return VpcPeeringConnections.map(({ Status }) => Status);
  }
}

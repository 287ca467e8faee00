import { LAMBDA_PRINCIPAL } from './function-configuration';
import type { Network } from '../../aws/ec2/network';
import type { Iam } from '../../aws/iam/iam';
import { arnOf } from '../../aws/partitions';
import { ServiceError } from '../../aws/service';
import type { Clock } from '../../time/clock';
import type { FunctionConfiguration } from './function-configuration';
import type { LambdaService } from './lambda-service';

/** According to Lambda's developer guide, it takes up to 20 minutes to delete an interface that no function uses any more. */
const DELETION_SECONDS = 20 * 60;

/** Lambda refuses a function in a VPC if the role may not perform one of these actions. */
const REQUIRED_ACTIONS = ['CreateNetworkInterface', 'DescribeNetworkInterfaces', 'DeleteNetworkInterface'];

/** The other actions that Lambda's developer guide lists. */
const OTHER_ACTIONS = ['DescribeSubnets', 'AssignPrivateIpAddresses', 'UnassignPrivateIpAddresses'];

interface NetworkInterfacesOptions {
  readonly clock: Clock;
  readonly iam: Iam;
  readonly ec2: Network;
  readonly lambda: LambdaService;
}

/**
 * The network interfaces of functions in a VPC: one for each combination of a subnet and security groups. Functions with the same
 * combination share an interface. Lambda creates and deletes the interfaces with the role of a function.
 */
export class NetworkInterfaces {
  /** The ids of the existing interfaces that Lambda created and has not tried to delete. */
  private readonly managedIds = new Set<string>();

  constructor(private readonly options: NetworkInterfacesOptions) {}

  /** Creates the missing interfaces of a function. Throws Lambda's error if Lambda refuses the function. */
  async connect(configuration: FunctionConfiguration): Promise<void> {
    const { ec2 } = this.options;
    const { vpc, role, functionName } = configuration;
    if (vpc === undefined) {
      return;
    }
    if (vpc.subnetIds.length === 0 || vpc.securityGroupIds.length === 0) {
      throw invalidParameter('SubnetIds and SecurityIds must coexist or be both empty list.');
    }
    for (const action of REQUIRED_ACTIONS) {
      if (!(await this.isAllowed(configuration, role, action))) {
        throw invalidParameter(`The provided execution role does not have permissions to call ${action} on EC2`);
      }
    }
    // Lambda does not require these permissions. Checking them makes the report list them as used
    for (const action of OTHER_ACTIONS) {
      await this.isAllowed(configuration, role, action);
    }
    const missingSubnetIds = vpc.subnetIds.filter(
      (subnetId) => !this.ids().some((id) => this.isUsedBy(id, configuration, subnetId)),
    );
    const description = `AWS Lambda VPC ENI-${functionName}`;
    const createdIds: string[] = [];
    try {
      for (const subnetId of missingSubnetIds) {
        createdIds.push(ec2.createNetworkInterface(configuration, { subnetId, groupIds: vpc.securityGroupIds, description }));
      }
    } catch (error) {
      createdIds.forEach((id) => {
        ec2.deleteNetworkInterface(configuration, id);
      });
      throw error instanceof ServiceError ? ec2Refusal(error) : error;
    }
    createdIds.forEach((id) => this.managedIds.add(id));
  }

  /**
   * Deletes the interfaces that no function uses, after the time that Lambda needs. Keeps an interface if a function uses it again before
   * the deletion, or if the role may no longer delete it.
   */
  async release({ role }: FunctionConfiguration): Promise<void> {
    const { clock, ec2 } = this.options;
    const unusedIds = this.ids().filter((id) => !this.isUsed(id));
    if (unusedIds.length === 0) {
      return;
    }
    await clock.sleep(DELETION_SECONDS * 1000);
    for (const id of unusedIds) {
      const vpc = ec2.networkInterfaces.get(id)?.subnet.vpc;
      if (vpc !== undefined && this.managedIds.has(id) && !this.isUsed(id)) {
        // if the role does not allow the deletion, Lambda does not try again
        this.managedIds.delete(id);
        if (await this.isAllowed(vpc, role, 'DeleteNetworkInterface', id)) {
          ec2.deleteNetworkInterface(vpc, id);
        }
      }
    }
  }

  private ids(): string[] {
    return [...this.managedIds];
  }

  private isUsed(id: string): boolean {
    return this.options.lambda
      .configurations()
      .some(
        (configuration) => configuration.vpc?.subnetIds.some((subnetId) => this.isUsedBy(id, configuration, subnetId)) === true,
      );
  }

  /** Whether the function uses the interface in the subnet. */
  private isUsedBy(id: string, { account, region, vpc }: FunctionConfiguration, subnetId: string): boolean {
    const networkInterface = this.options.ec2.networkInterfaces.get(id);
    const groups = new Set(vpc?.securityGroupIds);
    return (
      networkInterface?.subnet.vpc.account === account &&
      networkInterface.subnet.vpc.region === region &&
      networkInterface.subnet.subnetId === subnetId &&
      networkInterface.groupIds.length === groups.size &&
      networkInterface.groupIds.every((groupId) => groups.has(groupId))
    );
  }

  private async isAllowed(place: { account: string; region: string }, role: string, action: string, id = '*'): Promise<boolean> {
    const arn = action.startsWith('Describe') ? '*' : arnOf(place, 'ec2', `network-interface/${id}`);
    return (await this.options.iam.decideForService(role, LAMBDA_PRINCIPAL, `ec2:${action}`, { arn })).allowed;
  }
}

const ec2Refusal = ({ code, message }: ServiceError): ServiceError =>
  invalidParameter(`Error occurred while CreateNetworkInterface. EC2 Error Code: ${code}. EC2 Error Message: ${message}`);

const invalidParameter = (message: string): ServiceError => new ServiceError('InvalidParameterValueException', message);

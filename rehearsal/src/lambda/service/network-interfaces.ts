import type { Network } from '../../aws/ec2/network';
import type { Iam } from '../../aws/iam/iam';
import { arnOf } from '../../aws/partitions';
import { ServiceError } from '../../aws/service';
import type { Clock } from '../../time/clock';
import type { FunctionConfiguration } from './function-configuration';
import type { LambdaService } from './lambda-service';

const LAMBDA = 'lambda.amazonaws.com';

/** Lambda's developer guide: up to 20 minutes until an interface that no function uses any more is deleted. */
const DELETION_SECONDS = 20 * 60;

/** The permissions without which Lambda refuses a function in a VPC. */
const REQUIRED = ['CreateNetworkInterface', 'DescribeNetworkInterfaces', 'DeleteNetworkInterface'];

/** Those that Lambda's developer guide lists besides. */
const USED = ['DescribeSubnets', 'AssignPrivateIpAddresses', 'UnassignPrivateIpAddresses'];

interface NetworkInterfacesOptions {
  readonly clock: Clock;
  readonly iam: Iam;
  readonly ec2: Network;
  readonly lambda: LambdaService;
}

/**
 * The network interfaces by which functions reach a VPC: one for each subnet and set of security groups, whichever functions share
 * it. Lambda creates and deletes them with the role of a function.
 */
export class NetworkInterfaces {
  /** The ids of the interfaces that Lambda still has to delete. */
  private readonly managed = new Set<string>();

  constructor(private readonly options: NetworkInterfacesOptions) {}

  /** Creates the interfaces that the function needs and that are not there; throws, in the words of Lambda, where it refuses the function. */
  async connect(configuration: FunctionConfiguration): Promise<void> {
    const { ec2 } = this.options;
    const { vpc, role, functionName } = configuration;
    if (vpc === undefined) {
      return;
    }
    if (vpc.subnetIds.length === 0 || vpc.securityGroupIds.length === 0) {
      throw invalid('SubnetIds and SecurityIds must coexist or be both empty list.');
    }
    for (const action of REQUIRED) {
      if (!(await this.may(configuration, role, action))) {
        throw invalid(`The provided execution role does not have permissions to call ${action} on EC2`);
      }
    }
    // whatever the answer: the report of permissions counts what was asked for as needed
    for (const action of USED) {
      await this.may(configuration, role, action);
    }
    const missing = vpc.subnetIds.filter((subnetId) => !this.ids().some((id) => this.serves(id, configuration, subnetId)));
    const description = `AWS Lambda VPC ENI-${functionName}`;
    const created: string[] = [];
    try {
      for (const subnetId of missing) {
        created.push(ec2.createNetworkInterface(configuration, { subnetId, groupIds: vpc.securityGroupIds, description }));
      }
    } catch (error) {
      created.forEach((id) => {
        ec2.deleteNetworkInterface(configuration, id);
      });
      throw error instanceof ServiceError ? refusedByEc2(error) : error;
    }
    created.forEach((id) => this.managed.add(id));
  }

  /**
   * Deletes the interfaces that no function uses any more, if that is still so when Lambda gets to it, and if the role of the function
   * that used them still allows it then. Resolves when that is done.
   */
  async release({ role }: FunctionConfiguration): Promise<void> {
    const { clock, ec2 } = this.options;
    const unused = this.ids().filter((id) => !this.isUsed(id));
    if (unused.length === 0) {
      return;
    }
    await clock.sleep(DELETION_SECONDS * 1000);
    for (const id of unused) {
      const vpc = ec2.networkInterfaces.get(id)?.subnet.vpc;
      if (vpc !== undefined && this.managed.has(id) && !this.isUsed(id)) {
        // Lambda cannot delete it later either, if the role is gone
        this.managed.delete(id);
        if (await this.may(vpc, role, 'DeleteNetworkInterface', id)) {
          ec2.deleteNetworkInterface(vpc, id);
        }
      }
    }
  }

  private ids(): string[] {
    return [...this.managed];
  }

  private isUsed(id: string): boolean {
    return this.options.lambda
      .configurations()
      .some(
        (configuration) => configuration.vpc?.subnetIds.some((subnetId) => this.serves(id, configuration, subnetId)) === true,
      );
  }

  private serves(id: string, { account, region, vpc }: FunctionConfiguration, subnetId: string): boolean {
    const found = this.options.ec2.networkInterfaces.get(id);
    const { account: owner, region: home } = found?.subnet.vpc ?? {};
    const groups = new Set(vpc?.securityGroupIds);
    return (
      owner === account &&
      home === region &&
      found?.subnet.subnetId === subnetId &&
      found.groupIds.length === groups.size &&
      found.groupIds.every((groupId) => groups.has(groupId))
    );
  }

  private async may(place: { account: string; region: string }, role: string, action: string, id = '*'): Promise<boolean> {
    const arn = action.startsWith('Describe') ? '*' : arnOf(place, 'ec2', `network-interface/${id}`);
    return (await this.options.iam.decideForService(role, LAMBDA, `ec2:${action}`, { arn })).allowed;
  }
}

const refusedByEc2 = ({ code, message }: ServiceError): ServiceError =>
  invalid(`Error occurred while CreateNetworkInterface. EC2 Error Code: ${code}. EC2 Error Message: ${message}`);

const invalid = (message: string): ServiceError => new ServiceError('InvalidParameterValueException', message);

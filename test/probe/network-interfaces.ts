import type { SimulatedAws } from '../../rehearsal/aws';
import { EC2_DIALECT } from '../../rehearsal/aws/dialects';
import { securityGroupOperations } from '../../rehearsal/aws/ec2-groups';
import { networkOperations } from '../../rehearsal/aws/ec2-network';
import { peeringOperations } from '../../rehearsal/aws/ec2-peerings';
import { tagOperations } from '../../rehearsal/aws/ec2-tags';
import type { NetworkInterface } from '../../rehearsal/aws/network';
import { QueryService } from '../../rehearsal/aws/query';
import { authorizeDescribe, filtered } from '../../rehearsal/aws/selection';
import type { Filters } from '../../rehearsal/aws/selection';

/*
 * The simulated EC2 has network interfaces, and no operation that describes them. The probe needs it to see that a VPC is empty.
 */

const FILTERS: Filters<NetworkInterface> = { 'vpc-id': ({ subnet }) => subnet.vpc.vpcId };

export function addDescribeNetworkInterfaces(aws: SimulatedAws): void {
  const { ec2 } = aws;
  const service = new QueryService('ec2', 'http://ec2.amazonaws.com/doc/2016-11-15/', EC2_DIALECT, {
    ...networkOperations(ec2),
    ...peeringOperations(ec2),
    ...securityGroupOperations(ec2),
    ...tagOperations(ec2),
    DescribeNetworkInterfaces: async (parameters, call) => {
      await authorizeDescribe(parameters, call);
      const own = [...ec2.networkInterfaces.values()].filter(({ subnet }) => subnet.vpc.account === call.account);
      const chosen = filtered(parameters, own, FILTERS, () => new Map());
      return { networkInterfaceSet: chosen.map(({ networkInterfaceId }) => ({ networkInterfaceId })) };
    },
  });
  aws.register('ec2', service);
}

import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import { CONNECTION_TYPE } from '../../lib/contract';
import type { Way } from './way';

/** With this library. */
export const LIBRARY: Way = {
  name: 'this library',
  connectionType: CONNECTION_TYPE,
  connect: (stack, networks) => {
    networks.forEach(({ vpcId, fleets }, networkIndex) => {
      const vpc = ec2.Vpc.fromVpcAttributes(stack, `Vpc${networkIndex}`, { vpcId, availabilityZones: ['us-east-1a'] });
      const authorization = new VpcPeeringAuthorization(stack, `Authorization${networkIndex}`, { vpc });
      fleets.forEach((fleet, fleetIndex) => {
        new VpcPeeringConnection(stack, `Peering${networkIndex}x${fleetIndex}`, { authorization, fleet });
      });
    });
  },
};

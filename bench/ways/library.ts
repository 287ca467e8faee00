import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../../lib';
import { CONNECTION_TYPE } from '../../lib/contract';
import type { Way } from './way';

/** This library. */
export const LIBRARY: Way = {
  name: 'this library',
  connectionType: CONNECTION_TYPE,
  connect: (stack, networks) => {
    networks.forEach(({ vpcId, fleets }, number) => {
      const vpc = ec2.Vpc.fromVpcAttributes(stack, `Vpc${number}`, { vpcId, availabilityZones: ['us-east-1a'] });
      const authorization = new VpcPeeringAuthorization(stack, `Authorization${number}`, { vpc });
      fleets.forEach((fleet, index) => {
        new VpcPeeringConnection(stack, `Peering${number}x${index}`, { authorization, fleet });
      });
    });
  },
};

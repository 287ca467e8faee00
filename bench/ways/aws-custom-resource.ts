import { Stack } from 'aws-cdk-lib';
import {
  AwsCustomResource,
  AwsCustomResourcePolicy,
  PhysicalResourceId,
  PhysicalResourceIdReference,
} from 'aws-cdk-lib/custom-resources';
import type { AwsSdkCall } from 'aws-cdk-lib/custom-resources';
import type { Construct } from 'constructs';
import { peeringStatement } from './permissions';
import type { Way } from './way';

const TYPE = 'Custom::Peering';

/** Lambda's own SDK has these operations, so no newer SDK needs to be installed. */
const options = () => ({ policy: AwsCustomResourcePolicy.fromStatements([peeringStatement()]), installLatestAwsSdk: false });

/** Authorizes with AwsCustomResource. */
export function authorize(scope: Construct, id: string, peerVpcId: string): AwsCustomResource {
  const parameters = { GameLiftAwsAccountId: Stack.of(scope).account, PeerVpcId: peerVpcId };
  const physicalResourceId = PhysicalResourceId.of('authorization');
  const call: AwsSdkCall = {
    service: 'GameLift',
    action: 'createVpcPeeringAuthorization',
    parameters,
    physicalResourceId,
  };
  const onDelete = { service: 'GameLift', action: 'deleteVpcPeeringAuthorization', parameters };
  return new AwsCustomResource(scope, id, { onCreate: call, onUpdate: call, onDelete, ...options() });
}

/** AwsCustomResource makes one call for each request of CloudFormation. It neither waits nor authorizes again. */
export const AWS_CUSTOM_RESOURCE: Way = {
  name: 'AwsCustomResource',
  connectionType: TYPE,
  connect: (stack, networks) => {
    networks.forEach(({ vpcId, fleets }, number) => {
      const authorization = authorize(stack, `Authorization${number}`, vpcId);
      fleets.forEach((fleet, index) => {
        const { fleetId } = fleet.fleetRef;
        const request: AwsSdkCall = {
          service: 'GameLift',
          action: 'createVpcPeeringConnection',
          parameters: { FleetId: fleetId, PeerVpcAwsAccountId: stack.account, PeerVpcId: vpcId },
          physicalResourceId: PhysicalResourceId.of(fleetId),
        };
        const requested = new AwsCustomResource(stack, `Peering${number}x${index}`, {
          onCreate: request,
          onUpdate: request,
          resourceType: TYPE,
          ...options(),
        });
        requested.node.addDependency(authorization);
        // CreateVpcPeeringConnection does not return the id that the deletion needs
        const find: AwsSdkCall = {
          service: 'GameLift',
          action: 'describeVpcPeeringConnections',
          parameters: { FleetId: fleetId },
          physicalResourceId: PhysicalResourceId.fromResponse('VpcPeeringConnections.0.VpcPeeringConnectionId'),
        };
        const found = new AwsCustomResource(stack, `Found${number}x${index}`, {
          onCreate: find,
          onUpdate: find,
          onDelete: {
            service: 'GameLift',
            action: 'deleteVpcPeeringConnection',
            parameters: { FleetId: fleetId, VpcPeeringConnectionId: new PhysicalResourceIdReference() },
          },
          resourceType: TYPE,
          ...options(),
        });
        found.node.addDependency(requested);
      });
    });
  },
};

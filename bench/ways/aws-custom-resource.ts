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

/** The SDK in Lambda's runtime has these operations, so the function need not download a newer one. */
const commonProps = () => ({ policy: AwsCustomResourcePolicy.fromStatements([peeringStatement()]), installLatestAwsSdk: false });

/** Authorizes with AwsCustomResource. */
export function authorize(scope: Construct, id: string, peerVpcId: string): AwsCustomResource {
  const parameters = { GameLiftAwsAccountId: Stack.of(scope).account, PeerVpcId: peerVpcId };
  const physicalResourceId = PhysicalResourceId.of('authorization');
  const authorizeCall: AwsSdkCall = {
    service: 'GameLift',
    action: 'createVpcPeeringAuthorization',
    parameters,
    physicalResourceId,
  };
  const onDelete = { service: 'GameLift', action: 'deleteVpcPeeringAuthorization', parameters };
  return new AwsCustomResource(scope, id, { onCreate: authorizeCall, onUpdate: authorizeCall, onDelete, ...commonProps() });
}

/** With AwsCustomResource, which makes one call for each request. It neither waits for the connection nor authorizes again. */
export const AWS_CUSTOM_RESOURCE: Way = {
  name: 'AwsCustomResource',
  connectionType: TYPE,
  connect: (stack, networks) => {
    networks.forEach(({ vpcId, fleets }, networkIndex) => {
      const authorization = authorize(stack, `Authorization${networkIndex}`, vpcId);
      fleets.forEach((fleet, fleetIndex) => {
        const { fleetId } = fleet.fleetRef;
        const requestCall: AwsSdkCall = {
          service: 'GameLift',
          action: 'createVpcPeeringConnection',
          parameters: { FleetId: fleetId, PeerVpcAwsAccountId: stack.account, PeerVpcId: vpcId },
          physicalResourceId: PhysicalResourceId.of(fleetId),
        };
        const requestResource = new AwsCustomResource(stack, `Peering${networkIndex}x${fleetIndex}`, {
          onCreate: requestCall,
          onUpdate: requestCall,
          resourceType: TYPE,
          ...commonProps(),
        });
        requestResource.node.addDependency(authorization);
        // the output of the request does not contain the id that the deletion needs
        const findCall: AwsSdkCall = {
          service: 'GameLift',
          action: 'describeVpcPeeringConnections',
          parameters: { FleetId: fleetId },
          physicalResourceId: PhysicalResourceId.fromResponse('VpcPeeringConnections.0.VpcPeeringConnectionId'),
        };
        const findResource = new AwsCustomResource(stack, `Found${networkIndex}x${fleetIndex}`, {
          onCreate: findCall,
          onUpdate: findCall,
          onDelete: {
            service: 'GameLift',
            action: 'deleteVpcPeeringConnection',
            parameters: { FleetId: fleetId, VpcPeeringConnectionId: new PhysicalResourceIdReference() },
          },
          resourceType: TYPE,
          ...commonProps(),
        });
        findResource.node.addDependency(requestResource);
      });
    });
  },
};

import { ServiceError } from '../service';

/** Error codes by kind of resource. */
const NOT_FOUND_CODES: Readonly<Record<string, string>> = {
  vpc: 'InvalidVpcID.NotFound',
  subnet: 'InvalidSubnetID.NotFound',
  routeTable: 'InvalidRouteTableID.NotFound',
  'security group': 'InvalidGroup.NotFound',
  internetGateway: 'InvalidInternetGatewayID.NotFound',
  networkInterface: 'InvalidNetworkInterfaceID.NotFound',
  vpnGateway: 'InvalidVpnGatewayID.NotFound',
  vpcPeeringConnection: 'InvalidVpcPeeringConnectionID.NotFound',
};

/** Returns EC2's error for ids of resources that do not exist. @param kind the resource type, as in EC2's messages */
export function notFound(kind: string, ids: readonly string[]): ServiceError {
  const subject = ids.length === 1 ? `ID '${ids[0] ?? ''}' does` : `IDs '${ids.join(', ')}' do`;
  return new ServiceError(NOT_FOUND_CODES[kind] ?? 'InvalidID', `The ${kind} ${subject} not exist`);
}

import { ServiceError } from '../service';

const NOT_FOUND: Readonly<Record<string, string>> = {
  vpc: 'InvalidVpcID.NotFound',
  subnet: 'InvalidSubnetID.NotFound',
  routeTable: 'InvalidRouteTableID.NotFound',
  'security group': 'InvalidGroup.NotFound',
  internetGateway: 'InvalidInternetGatewayID.NotFound',
  networkInterface: 'InvalidNetworkInterfaceID.NotFound',
  vpnGateway: 'InvalidVpnGatewayID.NotFound',
  vpcPeeringConnection: 'InvalidVpcPeeringConnectionID.NotFound',
};

/** EC2's error for ids of resources that do not exist. */
export function notFound(kind: string, ids: readonly string[]): ServiceError {
  const subject = ids.length === 1 ? `ID '${ids[0] ?? ''}' does` : `IDs '${ids.join(', ')}' do`;
  return new ServiceError(NOT_FOUND[kind] ?? 'InvalidID', `The ${kind} ${subject} not exist`);
}

import {
  activeConnection,
  authorize,
  cancelAuthorization,
  deleteConnection,
  requestConnection,
  waitForConnection,
} from './gamelift.mjs';

/*
 * The functions that a user writes for custom-resources.Provider. They handle two resources: a connection, and, if there is no FleetId, an
 * authorization.
 */

/** Returns once the connection is active. */
export async function onEvent(event) {
  const result = await onEventWithoutWaiting(event);
  if (event.RequestType === 'Delete' || event.ResourceProperties.FleetId === undefined) {
    return result;
  }
  const { VpcPeeringConnectionId, IpV4CidrBlock } = await waitForConnection(event.ResourceProperties);
  return { ...result, Data: { VpcPeeringConnectionId, IpV4CidrBlock } };
}

/** Only requests the connection: `isComplete` checks whether it is active. */
export async function onEventWithoutWaiting({ RequestType, ResourceProperties }) {
  const { FleetId, PeerVpcId } = ResourceProperties;
  if (RequestType === 'Delete') {
    await (FleetId === undefined ? cancelAuthorization(ResourceProperties) : deleteConnection(ResourceProperties));
    return {};
  }
  await (FleetId === undefined ? authorize(ResourceProperties) : requestConnection(ResourceProperties));
  return { PhysicalResourceId: FleetId ?? PeerVpcId };
}

/** The Provider calls this again until `IsComplete` is true. */
export async function isComplete({ RequestType, ResourceProperties }) {
  if (RequestType === 'Delete' || ResourceProperties.FleetId === undefined) {
    return { IsComplete: true };
  }
  const connection = await activeConnection(ResourceProperties);
  if (connection === undefined) {
    return { IsComplete: false };
  }
  const { VpcPeeringConnectionId, IpV4CidrBlock } = connection;
  return { IsComplete: true, Data: { VpcPeeringConnectionId, IpV4CidrBlock } };
}

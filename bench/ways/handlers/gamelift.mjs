import { setTimeout } from 'node:timers/promises';
import { GameLift } from '@aws-sdk/client-gamelift';

/*
 * The calls of GameLift that the handlers of Provider and the handwritten handler make, with the SDK's default retries, as in AWS's samples.
 */

const gameLift = new GameLift({});

/** Authorizes the peering of a VPC. A deletion must call it, too, because an authorization is valid for only 24 hours. */
export async function authorize({ GameLiftAwsAccountId, PeerVpcId }) {
  await gameLift.createVpcPeeringAuthorization({ GameLiftAwsAccountId, PeerVpcId });
}

export async function cancelAuthorization({ GameLiftAwsAccountId, PeerVpcId }) {
  await gameLift.deleteVpcPeeringAuthorization({ GameLiftAwsAccountId, PeerVpcId });
}

export async function requestConnection({ GameLiftAwsAccountId, PeerVpcId, FleetId }) {
  await gameLift.createVpcPeeringConnection({ FleetId, PeerVpcAwsAccountId: GameLiftAwsAccountId, PeerVpcId });
}

/** The connection if it is active. Undefined if it is still pending. */
export async function activeConnection({ PeerVpcId, FleetId }) {
  const { VpcPeeringConnections = [] } = await gameLift.describeVpcPeeringConnections({ FleetId });
  const connection = VpcPeeringConnections.find((one) => one.PeerVpcId === PeerVpcId && one.Status?.Code !== 'deleted');
  if (connection?.Status?.Code === 'failed') {
    throw new Error(connection.Status.Message);
  }
  return connection?.Status?.Code === 'active' ? connection : undefined;
}

/** Polls as often as GameLift's rate limit allows a single caller. */
export async function waitForConnection(properties) {
  for (;;) {
    const connection = await activeConnection(properties);
    if (connection !== undefined) {
      return connection;
    }
    await setTimeout(10_000);
  }
}

/** Deletes a connection if it still exists. It no longer exists if its fleet was deleted. */
export async function deleteConnection(properties) {
  await authorize(properties);
  const { PeerVpcId, FleetId } = properties;
  try {
    const { VpcPeeringConnections = [] } = await gameLift.describeVpcPeeringConnections({ FleetId });
    const connection = VpcPeeringConnections.find((one) => one.PeerVpcId === PeerVpcId && one.Status?.Code === 'active');
    if (connection !== undefined) {
      await gameLift.deleteVpcPeeringConnection({ FleetId, VpcPeeringConnectionId: connection.VpcPeeringConnectionId });
    }
  } catch (error) {
    if (error.name !== 'NotFoundException') {
      throw error;
    }
  }
}

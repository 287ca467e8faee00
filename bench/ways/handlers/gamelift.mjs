import { setTimeout } from 'node:timers/promises';
import { GameLift } from '@aws-sdk/client-gamelift';

/*
 * What the handlers of Provider and the handwritten one do. They call GameLift as AWS's samples call services: with the SDK's default
 * retries.
 */

const gameLift = new GameLift({});

/** Authorizes the peering of a VPC; before a deletion too, because an authorization is valid for 24 hours only. */
export async function authorize({ GameLiftAwsAccountId, PeerVpcId }) {
  await gameLift.createVpcPeeringAuthorization({ GameLiftAwsAccountId, PeerVpcId });
}

export async function cancelAuthorization({ GameLiftAwsAccountId, PeerVpcId }) {
  await gameLift.deleteVpcPeeringAuthorization({ GameLiftAwsAccountId, PeerVpcId });
}

export async function requestConnection({ GameLiftAwsAccountId, PeerVpcId, FleetId }) {
  await gameLift.createVpcPeeringConnection({ FleetId, PeerVpcAwsAccountId: GameLiftAwsAccountId, PeerVpcId });
}

/** The connection once it is active, undefined before that. */
export async function activeConnection({ PeerVpcId, FleetId }) {
  const { VpcPeeringConnections = [] } = await gameLift.describeVpcPeeringConnections({ FleetId });
  const connection = VpcPeeringConnections.find((one) => one.PeerVpcId === PeerVpcId && one.Status?.Code !== 'deleted');
  if (connection?.Status?.Code === 'failed') {
    throw new Error(connection.Status.Message);
  }
  return connection?.Status?.Code === 'active' ? connection : undefined;
}

/** Polls, as often as one caller may. */
export async function waitForConnection(properties) {
  for (;;) {
    const connection = await activeConnection(properties);
    if (connection !== undefined) {
      return connection;
    }
    await setTimeout(10_000);
  }
}

/** Deletes a connection, unless it is gone, as with its fleet. */
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

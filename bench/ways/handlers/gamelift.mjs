import { setTimeout } from 'node:timers/promises';
import { GameLift } from '@aws-sdk/client-gamelift';

/*
 * The calls that the handlers for Provider and the handwritten handler share. They use the SDK's default retries, like AWS's samples.
 */

const gameLift = new GameLift({});

/** Authorizes the peering of a VPC. A deletion calls it, too, because an authorization is valid for only 24 hours. */
export async function authorize({ GameLiftAwsAccountId, PeerVpcId }) {
  await gameLift.createVpcPeeringAuthorization({ GameLiftAwsAccountId, PeerVpcId });
}

export async function cancelAuthorization({ GameLiftAwsAccountId, PeerVpcId }) {
  await gameLift.deleteVpcPeeringAuthorization({ GameLiftAwsAccountId, PeerVpcId });
}

/** In the benchmarks, one account owns the VPC and the fleets. */
export async function requestConnection({ GameLiftAwsAccountId, PeerVpcId, FleetId }) {
  await gameLift.createVpcPeeringConnection({ FleetId, PeerVpcAwsAccountId: GameLiftAwsAccountId, PeerVpcId });
}

/** Returns the connection if it is active, otherwise undefined. Throws if the connection failed. */
export async function activeConnection({ PeerVpcId, FleetId }) {
  const { VpcPeeringConnections = [] } = await gameLift.describeVpcPeeringConnections({ FleetId });
  const connection = VpcPeeringConnections.find(
    (candidate) => candidate.PeerVpcId === PeerVpcId && candidate.Status?.Code !== 'deleted',
  );
  if (connection?.Status?.Code === 'failed') {
    throw new Error(connection.Status.Message);
  }
  return connection?.Status?.Code === 'active' ? connection : undefined;
}

/** Polls as often as the rate limit allows for a single caller. */
export async function waitForConnection(properties) {
  for (;;) {
    const connection = await activeConnection(properties);
    if (connection !== undefined) {
      return connection;
    }
    await setTimeout(10_000);
  }
}

/** Deletes a connection, unless it no longer exists, for example because its fleet was deleted. */
export async function deleteConnection(properties) {
  await authorize(properties);
  const { PeerVpcId, FleetId } = properties;
  try {
    const { VpcPeeringConnections = [] } = await gameLift.describeVpcPeeringConnections({ FleetId });
    const connection = VpcPeeringConnections.find(
      (candidate) => candidate.PeerVpcId === PeerVpcId && candidate.Status?.Code === 'active',
    );
    if (connection !== undefined) {
      await gameLift.deleteVpcPeeringConnection({ FleetId, VpcPeeringConnectionId: connection.VpcPeeringConnectionId });
    }
  } catch (error) {
    if (error.name !== 'NotFoundException') {
      throw error;
    }
  }
}

import type { Ec2Api, GameLiftApi } from '../aws/api';
import type { Calls } from '../aws/calls';
import { isAlive, listedConnectionOf } from '../aws/connections';
import type { Pair } from '../model/pair';

/**
 * Whether any fleet of this account and Region is peered with the VPC, no matter who peered it. Does not count a connection whose deletion
 * failed: it still exists, but GameLift lists it as failed.
 */
export async function isPeeredWithFleet(
  { peerVpcId }: Pair,
  api: Pick<GameLiftApi, 'describeVpcPeeringConnections'>,
  calls: Calls,
): Promise<boolean> {
  const records = await calls.make('DescribeVpcPeeringConnections', (signal) =>
    api.describeVpcPeeringConnections(undefined, signal),
  );
  return records.some((record) => record.PeerVpcId === peerVpcId && isAlive(listedConnectionOf(record)));
}

/**
 * Whether the VPC is peered with any VPC of another account. A handler that runs in the VPC's account has no better evidence of a peered
 * fleet: the VPCs of fleets belong to an account of AWS, and only the account of the fleets can list GameLift's connections.
 */
export async function isPeeredWithVpcOfAnotherAccount(
  { peerVpcId, peerVpcAccount }: Pair,
  api: Pick<Ec2Api, 'describePeerings'>,
  calls: Calls,
): Promise<boolean> {
  const peerings = await calls.make('DescribeVpcPeeringConnections of EC2', (signal) => api.describePeerings(peerVpcId, signal));
  return peerings.some((peering) => isAlive(peering) && peering.requesterAccount !== peerVpcAccount);
}

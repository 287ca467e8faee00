import type { Ec2Api, GameLiftApi } from '../aws/api';
import type { Calls } from '../aws/calls';
import { isAlive, peeringOf } from '../peering/watch';
import type { Pair } from '../resources/properties';

/** Whether a fleet of this account and Region is peered with the VPC, whoever peered it. */
export async function isPeeredWithFleet(
  { peerVpcId }: Pair,
  api: Pick<GameLiftApi, 'describeVpcPeeringConnections'>,
  calls: Calls,
): Promise<boolean> {
  const records = await calls.make('DescribeVpcPeeringConnections', (signal) =>
    api.describeVpcPeeringConnections(undefined, signal),
  );
  return records.some((record) => record.PeerVpcId === peerVpcId && isAlive(peeringOf(record)));
}

/**
 * Whether a VPC of another account is peered with the VPC. The account of the VPC can't see more: GameLift's VPCs belong to an account of
 * AWS, and GameLift lists connections only to the account of the fleets.
 */
export async function isPeeredWithOtherAccount(
  { peerVpcId, peerVpcAccount }: Pair,
  api: Pick<Ec2Api, 'describePeerings'>,
  calls: Calls,
): Promise<boolean> {
  const sides = await calls.make('DescribeVpcPeeringConnections of EC2', (signal) => api.describePeerings(peerVpcId, signal));
  return sides.some((side) => isAlive(side) && side.requesterAccount !== peerVpcAccount);
}

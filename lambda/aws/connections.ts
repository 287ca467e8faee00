import type { ConnectionRecord } from './api';

/** A VPC peering connection as GameLift lists it. `Ec2Peering` is the same connection as EC2 shows it. */
export interface ListedConnection {
  readonly id: string;
  readonly status: string;
  /** Why the connection has this status; empty if GameLift gives no reason. */
  readonly message: string;
  readonly gameLiftVpcId: string | undefined;
  readonly cidrBlock: string | undefined;
}

export function listedConnectionOf({
  VpcPeeringConnectionId,
  Status,
  GameLiftVpcId,
  IpV4CidrBlock,
}: ConnectionRecord): ListedConnection {
  return {
    id: VpcPeeringConnectionId ?? '',
    status: Status?.Code ?? '',
    message: Status?.Message ?? '',
    gameLiftVpcId: GameLiftVpcId,
    cidrBlock: IpV4CidrBlock,
  };
}

/** The handler's own status for a requested connection that GameLift no longer lists, or never listed. Such a connection has ended. */
export const NOT_LISTED = 'not listed';

/** The statuses of connections that have ended or are being deleted. GameLift and EC2 may show such connections for hours. */
const ENDED_STATUSES: ReadonlySet<string> = new Set(['failed', 'rejected', 'expired', 'deleting', 'deleted', NOT_LISTED]);

/** Whether a connection is active or can still become active. */
export function isAlive({ status }: { readonly status: string }): boolean {
  return !ENDED_STATUSES.has(status);
}

import type { ConnectionRecord } from './api';

/** A VPC peering connection as GameLift lists it. `Ec2Peering` is the same connection as EC2 shows it. */
export interface ListedConnection {
  readonly id: string;
  readonly status: string;
  /** Why it has this status; empty if GameLift does not say. */
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

/** The status of a connection whose request GameLift has accepted, and that it does not list. */
export const NOT_LISTED = 'not listed';

/** Records with one of these statuses stay visible for hours. */
const ENDED: ReadonlySet<string> = new Set(['failed', 'rejected', 'expired', 'deleting', 'deleted', NOT_LISTED]);

/** Whether a connection, as GameLift or EC2 shows it, can still be, or become, active. */
export function isAlive({ status }: { readonly status: string }): boolean {
  return !ENDED.has(status);
}

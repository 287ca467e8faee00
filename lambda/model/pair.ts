import type { PeerRole } from '../aws/sts';

/** The VPC and the accounts that an authorization is for, and the role that the handler assumes in the account of the VPC. */
export interface Pair {
  readonly peerVpcId: string;
  readonly peerVpcAccount: string;
  readonly gameLiftAccount: string;
  /** Undefined if the handler uses its own role. */
  readonly peerRole: PeerRole | undefined;
}

export function isSamePair(one: Pair, other: Pair): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

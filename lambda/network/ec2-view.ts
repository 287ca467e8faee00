import type { Ec2Peering } from '../aws/api';

/** The peering connections of the peer VPC, as EC2 shows them. */
export type Ec2View =
  | { readonly kind: 'shown'; readonly peerings: readonly Ec2Peering[] }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** The peering connections that EC2 shows. Empty if EC2 can't be read. */
export function peeringsIn(view: Ec2View): readonly Ec2Peering[] {
  return view.kind === 'shown' ? view.peerings : [];
}

/** The CIDR blocks of the peer VPC. */
export type VpcBlocks =
  | { readonly kind: 'shown'; readonly blocks: readonly string[] }
  | { readonly kind: 'no such VPC' }
  | { readonly kind: 'unavailable' };

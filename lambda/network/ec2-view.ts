import type { Ec2Peering } from '../aws/api';

/** What EC2 shows of the peerings of the VPC. */
export type Ec2View =
  | { readonly kind: 'shown'; readonly peerings: readonly Ec2Peering[] }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** The peerings that EC2 shows; none where it can't be asked. */
export function shownBy(view: Ec2View): readonly Ec2Peering[] {
  return view.kind === 'shown' ? view.peerings : [];
}

/** The CIDR blocks of the peer VPC. */
export type VpcBlocks =
  | { readonly kind: 'shown'; readonly blocks: readonly string[] }
  | { readonly kind: 'no such VPC' }
  | { readonly kind: 'unavailable' };

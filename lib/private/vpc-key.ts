import { CfnResource } from 'aws-cdk-lib';
import type { ResolvedValue } from './template';
import { isKnown } from './validation';
import type { Comparison } from './validation';

/**
 * Identifies a VPC at synthesis: by its id, or by the path of the resource that creates it. `unknown`: the id is a token that does not refer
 * to such a resource.
 */
export interface VpcKey {
  readonly kind: 'id' | 'resource' | 'unknown';
  readonly text: string;
}

/** The key of a VPC. An attribute of a VPC's resource and a reference to the resource have the same key. */
export function vpcKeyOf({ value, targets }: ResolvedValue): VpcKey {
  if (typeof value === 'string') {
    return { kind: isKnown(value) ? 'id' : 'unknown', text: value };
  }
  const { Ref: reference = '' } = (value ?? {}) as { readonly Ref?: string };
  // a reference is resolved to '<path of its target>::<attribute>'
  const path = reference.split('::')[0] ?? '';
  const isVpc = [...targets].some(
    (target) => target.node.path === path && CfnResource.isCfnResource(target) && target.cfnResourceType === 'AWS::EC2::VPC',
  );
  return isVpc ? { kind: 'resource', text: path } : { kind: 'unknown', text: JSON.stringify(value ?? '') };
}

/** Whether two keys identify the same VPC. A key with an id cannot be compared with a key of a resource. */
export function compareVpcKeys(one: VpcKey, other: VpcKey): Comparison {
  if (one.kind !== other.kind) {
    return 'unknown';
  }
  if (one.text === other.text) {
    return 'same';
  }
  return one.kind === 'unknown' ? 'unknown' : 'different';
}

import type { AccountAndRegion } from './service';

/** The partitions other than `aws`, with the domain of their service URLs. */
const PARTITIONS: readonly { readonly prefix: string; readonly partition: string; readonly urlSuffix: string }[] = [
  { prefix: 'cn-', partition: 'aws-cn', urlSuffix: 'amazonaws.com.cn' },
  { prefix: 'us-gov-', partition: 'aws-us-gov', urlSuffix: 'amazonaws.com' },
];

export const partitionOf = (region: string): string => findPartition(region)?.partition ?? 'aws';

export const urlSuffixOf = (region: string): string => findPartition(region)?.urlSuffix ?? 'amazonaws.com';

/** The ARN of a resource, in the partition of its Region. */
export const arnOf = ({ account, region }: AccountAndRegion, service: string, resource: string): string =>
  `arn:${partitionOf(region)}:${service}:${region}:${account}:${resource}`;

function findPartition(region: string): (typeof PARTITIONS)[number] | undefined {
  return PARTITIONS.find(({ prefix }) => region.startsWith(prefix));
}

import { BlockList, isIPv4, isIPv6 } from 'node:net';

const partsOf = (cidr: string): [address: string, length: string] => {
  const [, address = '', length = ''] = /^(.+)\/(\d|[1-9]\d{1,2})$/.exec(cidr) ?? [];
  return [address, length];
};

/** Whether the text is an IPv4 CIDR block. Like EC2, accepts addresses that have bits after the prefix, such as 10.0.0.1/16. */
export function isCidr(text: string): boolean {
  const [address, length] = partsOf(text);
  return isIPv4(address) && Number(length) <= 32;
}

/** Whether the text is an IPv6 CIDR block. */
export function isIpv6Cidr(text: string): boolean {
  const [address, length] = partsOf(text);
  return isIPv6(address) && Number(length) <= 128;
}

export const prefixLength = (cidr: string): number => Number(partsOf(cidr)[1]);

/** Whether the `outer` IPv4 block contains the whole `inner` block. */
export function contains(outer: string, inner: string): boolean {
  const block = new BlockList();
  block.addSubnet(partsOf(outer)[0], prefixLength(outer));
  return prefixLength(outer) <= prefixLength(inner) && block.check(partsOf(inner)[0]);
}

/** Whether two IPv4 blocks have at least one address in common. */
export const overlap = (one: string, other: string): boolean => contains(one, other) || contains(other, one);

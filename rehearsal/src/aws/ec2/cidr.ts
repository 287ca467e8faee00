import { isIPv6 } from 'node:net';

function bounds(cidr: string): [first: number, last: number] {
  const [address = '', length = '32'] = cidr.split('/');
  const value = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(value / size) * size;
  return [first, first + size - 1];
}

/** Whether the text is an IPv4 CIDR block. Like EC2, accepts addresses with bits beyond the prefix. */
export function isCidr(text: string): boolean {
  const [, address = '', length] = /^((?:\d{1,3}\.){3}\d{1,3})\/(\d{1,2})$/.exec(text) ?? [];
  return length !== undefined && Number(length) <= 32 && address.split('.').every((octet) => Number(octet) <= 255);
}

/** Whether the text is an IPv6 CIDR block. */
export function isIpv6Cidr(text: string): boolean {
  const [, address = '', length] = /^(.+)\/(\d{1,3})$/.exec(text) ?? [];
  return length !== undefined && Number(length) <= 128 && isIPv6(address);
}

export const prefixLength = (cidr: string): number => Number(cidr.split('/')[1]);

/** Whether the `outer` IPv4 block contains the whole `inner` block. */
export function contains(outer: string, inner: string): boolean {
  const [firstOfOuter, lastOfOuter] = bounds(outer);
  const [firstOfInner, lastOfInner] = bounds(inner);
  return firstOfOuter <= firstOfInner && lastOfInner <= lastOfOuter;
}

/** Whether two IPv4 blocks have an address in common. */
export function overlap(one: string, other: string): boolean {
  const [firstOfOne, lastOfOne] = bounds(one);
  const [firstOfOther, lastOfOther] = bounds(other);
  return firstOfOne <= lastOfOther && firstOfOther <= lastOfOne;
}

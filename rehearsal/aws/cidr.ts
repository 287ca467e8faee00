function bounds(cidr: string): [first: number, last: number] {
  const [address = '', length = '32'] = cidr.split('/');
  const value = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(value / size) * size;
  return [first, first + size - 1];
}

/** Whether two IPv4 blocks have an address in common. */
export function overlap(one: string, other: string): boolean {
  const [firstOfOne, lastOfOne] = bounds(one);
  const [firstOfOther, lastOfOther] = bounds(other);
  return firstOfOne <= lastOfOther && firstOfOther <= lastOfOne;
}

import { createHash } from 'node:crypto';

/** Generates ids. They are the same in every run, because outputs and reports contain them. */
export class Ids {
  private serial = 0;

  /** An id in the format of EC2, such as `vpc-0123456789abcdef0`. */
  ec2Id(prefix: string): string {
    return `${prefix}-${hexHash(`${prefix}${++this.serial}`)}`;
  }

  /** @param kind what gets the id, such as `queue` */
  uuid(kind: string): string {
    const digits = createHash('sha256').update(`${kind}${++this.serial}`).digest('hex');
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  }

  /** @param purpose what the bytes are for, such as a signature */
  bytes(purpose: string, length: number): Buffer {
    return createHash('shake256', { outputLength: length }).update(`${purpose}${++this.serial}`).digest();
  }
}

/** A hash of 17 hexadecimal digits, as in EC2's ids. */
export function hexHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 17);
}

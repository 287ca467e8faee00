import { createHash } from 'node:crypto';

/** Ids that are the same in every run, since they find their way into outputs and reports. */
export class Ids {
  private serial = 0;

  /** As EC2 makes them. */
  next(prefix: string): string {
    return `${prefix}-${hexadecimal(`${prefix}${++this.serial}`)}`;
  }

  /** @param kind what it is the id of */
  uuid(kind: string): string {
    const digits = createHash('sha256').update(`${kind}${++this.serial}`).digest('hex');
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  }

  /** @param kind what they are for */
  bytes(kind: string, length: number): Buffer {
    return createHash('shake256', { outputLength: length }).update(`${kind}${++this.serial}`).digest();
  }
}

export function hexadecimal(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 17);
}

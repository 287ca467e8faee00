import { Ids } from '../ids';
import { arnOf } from '../partitions';
import type { AccountAndRegion } from '../service';

interface Key extends AccountAndRegion {
  readonly keyId: string;
}

/** The KMS keys of every account and Region. Key policies are not simulated. */
export class Keys {
  private readonly byArn = new Map<string, Key>();
  private readonly ids = new Ids();

  create({ account, region }: AccountAndRegion): { readonly keyId: string; readonly arn: string } {
    const keyId = this.ids.uuid('key');
    const arn = arnOfKey({ account, region }, keyId);
    this.byArn.set(arn, { account, region, keyId });
    return { keyId, arn };
  }

  has(arn: string): boolean {
    return this.byArn.has(arn);
  }

  /** Removes the key at once. KMS keeps a key for a waiting period, in which the key can't be used. */
  scheduleDeletion(place: AccountAndRegion, keyId: string): void {
    this.byArn.delete(arnOfKey(place, keyId));
  }

  list(): Key[] {
    return [...this.byArn.values()];
  }
}

const arnOfKey = (place: AccountAndRegion, keyId: string): string => arnOf(place, 'kms', `key/${keyId}`);

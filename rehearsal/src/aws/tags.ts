import type { History } from '../time/history';
import type { Context } from './iam/iam';
import { ServiceError } from './service';

const TAGS_PER_RESOURCE = 50;
const KEY_LENGTH = 127;
const VALUE_LENGTH = 256;

/** Returns the condition key `aws:TagKeys` of a request. It is absent if the request has no tag keys. */
export function tagKeys(keys: readonly string[]): Context {
  return keys.length === 0 ? {} : { 'aws:TagKeys': [...keys] };
}

/** The tags of EC2 resources. The two accounts of a peering connection each have their own tags on it. */
export class Tags {
  private readonly byResource: Map<string, ReadonlyMap<string, string>>;

  constructor(history: History) {
    this.byResource = history.map();
  }

  get(account: string, resourceId: string): ReadonlyMap<string, string> {
    return this.byResource.get(`${account} ${resourceId}`) ?? new Map<string, string>();
  }

  /** Adds tags, and overwrites existing values. */
  put(account: string, resourceId: string, tags: ReadonlyMap<string, string>): void {
    for (const [key, value] of tags) {
      if (key.startsWith('aws:')) {
        throw new ServiceError('InvalidParameterValue', `Tag keys starting with 'aws:' are reserved for internal use`);
      }
      if (key.length > KEY_LENGTH || value.length > VALUE_LENGTH) {
        throw new ServiceError('InvalidParameterValue', `Tag key or value exceeds ${KEY_LENGTH} or ${VALUE_LENGTH} characters`);
      }
    }
    const all = new Map([...this.get(account, resourceId), ...tags]);
    if (all.size > TAGS_PER_RESOURCE) {
      throw new ServiceError('TagLimitExceeded', `More than ${TAGS_PER_RESOURCE} tags specified`);
    }
    this.byResource.set(`${account} ${resourceId}`, all);
  }

  /** Removes tags by key. If `tags` contains a value for the key, removes the tag only if it has that value. */
  remove(account: string, resourceId: string, tags: ReadonlyMap<string, string | undefined>): void {
    const isRemoved = (key: string, value: string): boolean => tags.has(key) && (tags.get(key) ?? value) === value;
    const remaining = [...this.get(account, resourceId)].filter(([key, value]) => !isRemoved(key, value));
    this.byResource.set(`${account} ${resourceId}`, new Map(remaining));
  }

  clear(account: string, resourceId: string): void {
    this.byResource.delete(`${account} ${resourceId}`);
  }

  all(): { readonly account: string; readonly resourceId: string; readonly key: string; readonly value: string }[] {
    return [...this.byResource].flatMap(([name, tags]) => {
      const [account = '', resourceId = ''] = name.split(' ');
      return [...tags].map(([key, value]) => ({ account, resourceId, key, value }));
    });
  }

  /** The tags of one account. */
  list(account: string): { readonly resourceId: string; readonly key: string; readonly value: string }[] {
    return this.all().flatMap(({ account: owner, ...tag }) => (owner === account ? [tag] : []));
  }
}

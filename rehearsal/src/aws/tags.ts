import type { History } from '../time/history';
import type { ConditionContext } from './iam/iam';
import { ServiceError } from './service';

/** EC2's limits. */
const MAX_TAGS_PER_RESOURCE = 50;
const MAX_KEY_LENGTH = 127;
const MAX_VALUE_LENGTH = 256;

/** Returns the condition key `aws:TagKeys` of a request, or no condition key if the request has no tag keys. */
export function tagKeysContext(keys: readonly string[]): ConditionContext {
  return keys.length === 0 ? {} : { 'aws:TagKeys': [...keys] };
}

/** The tags of EC2 resources. The two accounts of a peering connection don't see each other's tags on the connection. */
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
      if (key.length > MAX_KEY_LENGTH || value.length > MAX_VALUE_LENGTH) {
        throw new ServiceError(
          'InvalidParameterValue',
          `Tag key or value exceeds ${MAX_KEY_LENGTH} or ${MAX_VALUE_LENGTH} characters`,
        );
      }
    }
    const all = new Map([...this.get(account, resourceId), ...tags]);
    if (all.size > MAX_TAGS_PER_RESOURCE) {
      throw new ServiceError('TagLimitExceeded', `More than ${MAX_TAGS_PER_RESOURCE} tags specified`);
    }
    this.byResource.set(`${account} ${resourceId}`, all);
  }

  /** Removes tags by key. If `tags` contains a value for a key, removes the tag only if its current value is the same. */
  remove(account: string, resourceId: string, tags: ReadonlyMap<string, string | undefined>): void {
    const isRemoved = (key: string, value: string): boolean => tags.has(key) && (tags.get(key) ?? value) === value;
    const remaining = [...this.get(account, resourceId)].filter(([key, value]) => !isRemoved(key, value));
    this.byResource.set(`${account} ${resourceId}`, new Map(remaining));
  }

  clear(account: string, resourceId: string): void {
    this.byResource.delete(`${account} ${resourceId}`);
  }

  all(): { readonly account: string; readonly resourceId: string; readonly key: string; readonly value: string }[] {
    return [...this.byResource].flatMap(([accountAndId, tags]) => {
      const [account = '', resourceId = ''] = accountAndId.split(' ');
      return [...tags].map(([key, value]) => ({ account, resourceId, key, value }));
    });
  }

  /** The tags of one account. */
  list(account: string): { readonly resourceId: string; readonly key: string; readonly value: string }[] {
    return this.all().flatMap(({ account: owner, ...tag }) => (owner === account ? [tag] : []));
  }
}

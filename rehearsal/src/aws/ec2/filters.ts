import { ServiceError, type ServiceCall } from '../service';
import { wildcardPattern } from '../wildcards';
import type { Members, Parameters } from '../wire/query';
import { notFound } from './errors';

/** The filters of an operation, by name. Each function returns the values of an item, one of which must match the filter. */
export type Filters<T> = Readonly<Record<string, (item: T) => string | readonly string[]>>;

/** The resources that an operation such as DescribeVpcs can return. */
interface DescribedResources<T> {
  /** The name of the resource type in EC2's error messages. */
  readonly kind: string;
  /** The resources that the caller can see. */
  readonly visible: readonly T[];
  readonly idOf: (item: T) => string;
  readonly tagsOf: (item: T) => ReadonlyMap<string, string>;
  readonly filters: Filters<T>;
}

const MIN_PAGE_SIZE = 5;
const MAX_PAGE_SIZE = 1000;

/** Checks the permission for an operation that has no resource-level permissions, and ends the call if it is a dry run. */
export async function authorizeDescribe(parameters: Parameters, call: ServiceCall): Promise<void> {
  await call.authorize(`ec2:${call.operation}`, ['*'], { 'ec2:Region': call.region });
  endDryRun(parameters);
}

/** Throws `DryRunOperation` if the request is a dry run: the caller has the permissions. */
export function endDryRun(parameters: Parameters): void {
  if (parameters.get('DryRun') === 'true') {
    throw new ServiceError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
  }
}

/** Returns the items that match every filter of the request. A filter matches if one of its values matches. */
export function applyFilters<T>(
  parameters: Parameters,
  items: readonly T[],
  filters: Filters<T>,
  tagsOf: (item: T) => ReadonlyMap<string, string>,
): T[] {
  const matchers = parameters.structures('Filter').map((filter) => {
    const name = filter.get('Name') ?? '';
    const attribute = attributeOf(name, filters, tagsOf);
    const patterns = filter.list('Value').map((value) => new RegExp(wildcardPattern(value)));
    return (item: T) => [attribute(item)].flat().some((value) => patterns.some((pattern) => pattern.test(value)));
  });
  return items.filter((item) => matchers.every((matches) => matches(item)));
}

/**
 * Returns a page of the resources that have one of the ids and match the filters. Throws if an id does not exist.
 *
 * @param ids empty for all resources
 */
export function pageOfMatches<T>(
  parameters: Parameters,
  ids: readonly string[],
  { kind, visible, idOf, tagsOf, filters }: DescribedResources<T>,
): { readonly items: readonly T[]; readonly next: Members } {
  const missingIds = ids.filter((id) => !visible.some((item) => idOf(item) === id));
  if (missingIds.length > 0) {
    throw notFound(kind, missingIds);
  }
  const requestedItems = visible.filter((item) => ids.length === 0 || ids.includes(idOf(item)));
  return pageOf(parameters, applyFilters(parameters, requestedItems, filters, tagsOf));
}

/** Returns the function of a filter: see `Filters`. All operations have the filters `tag-key` and `tag:KEY`. */
function attributeOf<T>(
  name: string,
  filters: Filters<T>,
  tagsOf: (item: T) => ReadonlyMap<string, string>,
): (item: T) => string | readonly string[] {
  if (name === 'tag-key') {
    return (item) => [...tagsOf(item).keys()];
  }
  if (name.startsWith('tag:')) {
    return (item) => tagsOf(item).get(name.slice('tag:'.length)) ?? [];
  }
  const attribute = Object.hasOwn(filters, name) ? filters[name] : undefined;
  if (attribute === undefined) {
    throw new ServiceError('InvalidParameterValue', `The filter '${name}' is invalid`);
  }
  return attribute;
}

/** Returns the items of the requested page, and the token of the next page. */
export function pageOf<T>(parameters: Parameters, items: readonly T[]): { readonly items: readonly T[]; readonly next: Members } {
  const maxResults = parameters.get('MaxResults');
  const size = maxResults === undefined ? items.length : Number(maxResults);
  if (maxResults !== undefined && !(size >= MIN_PAGE_SIZE && size <= MAX_PAGE_SIZE)) {
    const message = `Value ( ${maxResults} ) for parameter maxResults is invalid. Expecting a value greater than or equal to 5.`;
    throw new ServiceError('InvalidParameterValue', message);
  }
  // a token is the index of the first item of the page, in Base64; without a token, the index is 0
  const start = Number(Buffer.from(parameters.get('NextToken') ?? '', 'base64').toString());
  if (Number.isNaN(start)) {
    throw new ServiceError('InvalidNextToken', 'The token is invalid.');
  }
  const end = start + size;
  return {
    items: items.slice(start, end),
    next: end < items.length ? { nextToken: Buffer.from(String(end)).toString('base64') } : {},
  };
}

/** Throws unless each id has the prefix and 8 (EC2's old format) or 17 hexadecimal digits (the new one). */
export function requireWellFormedIds(ids: readonly string[], prefix: string, code: string): void {
  const malformedId = ids.find((id) => !new RegExp(`^${prefix}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`).test(id));
  if (malformedId !== undefined) {
    throw new ServiceError(code, `Invalid id: "${malformedId}"`);
  }
}

export function tagSet(tags: ReadonlyMap<string, string>): Members {
  return tags.size === 0 ? {} : { tagSet: [...tags].map(([key, value]) => ({ key, value })) };
}

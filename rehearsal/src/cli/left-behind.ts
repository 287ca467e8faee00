import { withoutExpirationTime, type Inventory } from '../aws/index';
import { withoutIds } from '../report';

/** An item that exists only after a life (left behind), or only before it (missing). */
export interface Difference {
  readonly change: 'left behind' | 'missing';
  readonly kind: keyof Inventory;
  readonly item: object;
}

/** The title of each kind of item, and the properties that identify an item. */
const INVENTORY_KINDS: Readonly<Record<keyof Inventory, readonly [title: string, ...identifiers: readonly string[]]>> = {
  stacks: ['stacks', 'name', 'status'],
  fleets: ['fleets', 'id', 'status'],
  connections: ['peering connections in GameLift', 'id', 'status'],
  peerings: ['peering connections in EC2', 'id', 'status'],
  authorizations: ['authorizations', 'peerVpcId', 'gameLiftAccount'],
  vpcs: ['VPCs', 'vpcId'],
  subnets: ['subnets', 'subnetId'],
  networkInterfaces: ['network interfaces', 'networkInterfaceId'],
  routeTables: ['route tables', 'routeTableId'],
  routes: ['routes', 'routeTableId', 'destination'],
  internetGateways: ['internet gateways', 'id'],
  vpnGateways: ['virtual private gateways', 'id'],
  securityGroups: ['security groups', 'groupId'],
  rules: ['rules of security groups', 'groupId', 'direction', 'peer'],
  tags: ['tags', 'resourceId', 'key'],
  roles: ['roles', 'arn'],
  policies: ['managed policies', 'arn'],
  functions: ['functions', 'functionName'],
  logGroups: ['log groups', 'name'],
  keys: ['keys', 'keyId'],
  queues: ['queues', 'name'],
  alarms: ['alarms', 'arn'],
  parameters: ['parameters', 'name'],
  schedules: ['schedules', 'arn'],
  scheduleGroups: ['schedule groups', 'arn'],
  exports: ['exports', 'name'],
  otherResources: ['other resources', 'type', 'physicalId'],
};

export function compareInventories(before: Inventory, after: Inventory): Difference[] {
  return (Object.keys(INVENTORY_KINDS) as (keyof Inventory)[]).flatMap((kind) => [
    ...itemsWithoutEqual(after[kind], before[kind]).map((item) => ({ change: 'left behind' as const, kind, item })),
    ...itemsWithoutEqual(before[kind], after[kind]).map((item) => ({ change: 'missing' as const, kind, item })),
  ]);
}

/** Returns one line for each difference, with all properties of the item. */
export const differenceLines = (before: Inventory, after: Inventory): string[] =>
  compareInventories(before, after).map(differenceLine);

export const differenceLine = ({ change, kind, item }: Difference): string => `${change} of ${kind}: ${JSON.stringify(item)}`;

/** Returns one line for each kind, with the identifiers of its items: `routes (2): rtb-1 10.0.0.0/16, rtb-2 10.0.0.0/16`. */
export function summaryLines(differences: readonly Difference[]): string[] {
  const itemNames = new Map<string, string[]>();
  for (const { change, kind, item } of differences) {
    const [title, ...identifiers] = INVENTORY_KINDS[kind];
    const values = new Map<string, unknown>(Object.entries(item));
    const name = identifiers.map((property) => shortIdentifier(String(values.get(property)))).join(' ');
    const heading = change === 'missing' ? `missing ${title}` : title;
    itemNames.set(heading, [...(itemNames.get(heading) ?? []), name]);
  }
  return [...itemNames].map(([heading, names]) => `${heading} (${names.length}): ${names.join(', ')}`);
}

/** Shortens an ARN to the part after the account, and shortens or removes UUIDs: `withoutIds`. */
const shortIdentifier = (identifier: string): string => withoutIds(identifier.replace(/^arn:[^:]*:[^:]*:[^:]*:[^:]*:/, ''));

/** Returns the items that have no equal item in `others`. Each of the `others` matches only one item. Expiration times are ignored. */
function itemsWithoutEqual(items: readonly object[], others: readonly object[]): object[] {
  const unmatched = others.map(comparableText);
  return items.filter((item) => {
    const index = unmatched.indexOf(comparableText(item));
    if (index >= 0) {
      unmatched.splice(index, 1);
    }
    return index < 0;
  });
}

const comparableText = (item: object): string => JSON.stringify(withoutExpirationTime(item));

import { withoutExpirationTime, type Inventory } from '../aws/index';
import { withoutIds } from '../report';

/** Something that there is after a life and was not there before, or the other way around. */
export interface Difference {
  readonly change: 'left behind' | 'missing';
  readonly kind: keyof Inventory;
  readonly item: object;
}

/** What a kind is called, and what tells its items apart. */
const KINDS: Readonly<Record<keyof Inventory, readonly [title: string, ...names: readonly string[]]>> = {
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

export function compare(before: Inventory, after: Inventory): Difference[] {
  return (Object.keys(KINDS) as (keyof Inventory)[]).flatMap((kind) => [
    ...without(after[kind], before[kind]).map((item) => ({ change: 'left behind' as const, kind, item })),
    ...without(before[kind], after[kind]).map((item) => ({ change: 'missing' as const, kind, item })),
  ]);
}

/** The same, a line each, with everything that is known of each. */
export const differences = (before: Inventory, after: Inventory): string[] => compare(before, after).map(detailsOf);

export const detailsOf = ({ change, kind, item }: Difference): string => `${change} of ${kind}: ${JSON.stringify(item)}`;

/** A line for each kind, with what names its items: `routes (2): rtb-1 10.0.0.0/16, rtb-2 10.0.0.0/16`. */
export function summaryOf(found: readonly Difference[]): string[] {
  const names = new Map<string, string[]>();
  for (const { change, kind, item } of found) {
    const [title, ...keys] = KINDS[kind];
    const values = new Map<string, unknown>(Object.entries(item));
    const name = keys.map((key) => shortened(String(values.get(key)))).join(' ');
    const heading = change === 'missing' ? `missing ${title}` : title;
    names.set(heading, [...(names.get(heading) ?? []), name]);
  }
  return [...names].map(([heading, items]) => `${heading} (${items.length}): ${items.join(', ')}`);
}

/** Without the account and the Region of an ARN. */
const shortened = (name: string): string => withoutIds(name.replace(/^arn:[^:]*:[^:]*:[^:]*:[^:]*:/, ''));

/** Equal items count as often as there are of them; an authorization that was renewed is the same. */
function without(items: readonly object[], others: readonly object[]): object[] {
  const rest = others.map(comparable);
  return items.filter((item) => {
    const index = rest.indexOf(comparable(item));
    rest.splice(index, index < 0 ? 0 : 1);
    return index < 0;
  });
}

const comparable = (item: object): string => JSON.stringify(withoutExpirationTime(item));

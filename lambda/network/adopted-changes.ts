import { createHash } from 'node:crypto';
import { CHANGED_FLEET_TAG, TAG_PREFIX } from '../../lib/contract';
import type { Ec2Peering } from '../aws/api';

/*
 * The changes that a resource has made to a connection that it adopted. Before it makes a change, it records the change in EC2's tags on the
 * peering connection, so that its delete can undo the change.
 */

const CHANGED_PREFIX = `${TAG_PREFIX}changed:`;
const MAX_TAG_VALUE_LENGTH = 256;

export interface Changes {
  /** Whether DNS resolution was on before the change; undefined if it was not changed. */
  readonly dnsResolutionBefore?: boolean | undefined;
  /** The route tables to which a route was added. */
  readonly routeTableIds: readonly string[];
}

const DNS_PREFIX = 'dns-was-';

export function readChanges({ tags }: Ec2Peering): Changes {
  const words = Object.entries(tags).flatMap(([key, value]) => (key.startsWith(CHANGED_PREFIX) ? value.split(' ') : []));
  const dns = words.find((word) => word.startsWith(DNS_PREFIX));
  return {
    dnsResolutionBefore: dns === undefined ? undefined : dns === `${DNS_PREFIX}true`,
    routeTableIds: words.filter((word) => word.startsWith('rtb-')),
  };
}

/**
 * The tags that record the changes and the fleet. The value of one tag has space for eleven route tables, so several tags may be necessary.
 * The key of a tag contains a digest of its value. So a new tag never overwrites a tag that exists, but that a read does not show yet.
 */
export function tagsOfChanges(
  fleetId: string,
  { dnsResolutionBefore, routeTableIds }: Changes,
): Readonly<Record<string, string>> {
  const values: string[] = [];
  for (const word of [...(dnsResolutionBefore === undefined ? [] : [`${DNS_PREFIX}${dnsResolutionBefore}`]), ...routeTableIds]) {
    const last = values.at(-1);
    if (last === undefined || last.length + 1 + word.length > MAX_TAG_VALUE_LENGTH) {
      values.push(word);
    } else {
      values[values.length - 1] = `${last} ${word}`;
    }
  }
  const tags = values.map((value) => [`${CHANGED_PREFIX}${createHash('sha256').update(value).digest('hex').slice(0, 8)}`, value]);
  return Object.fromEntries(tags.length === 0 ? [] : [[CHANGED_FLEET_TAG, fleetId], ...tags]) as Readonly<Record<string, string>>;
}

/** The keys of the tags that record changes, and of the tag that names the fleet. */
export function tagKeysOfChanges({ tags }: Ec2Peering): readonly string[] {
  return Object.keys(tags).filter((key) => key.startsWith(CHANGED_PREFIX));
}

/** The fleet for which a resource changed the connection; undefined if no resource did. */
export function fleetOfChanges({ tags }: Ec2Peering): string | undefined {
  return tags[CHANGED_FLEET_TAG];
}

/** The changes to one adopted connection, as its tags record them. */
export class AdoptedChanges {
  private current: Changes;

  constructor(
    side: Ec2Peering,
    private readonly write: (changes: Changes) => Promise<void>,
  ) {
    this.current = readChanges(side);
  }

  get recordedChanges(): Changes {
    return this.current;
  }

  /** Whether this library created the route in the route table. */
  hasCreatedRoute(routeTableId: string): boolean {
    return this.current.routeTableIds.includes(routeTableId);
  }

  /** Writes changes to the tags, unless they were recorded before. Call it before making the changes. */
  async record(changes: Changes): Promise<void> {
    const { current } = this;
    const newChanges: Changes = {
      dnsResolutionBefore: current.dnsResolutionBefore === undefined ? changes.dnsResolutionBefore : undefined,
      routeTableIds: changes.routeTableIds.filter((id) => !current.routeTableIds.includes(id)),
    };
    if (newChanges.dnsResolutionBefore !== undefined || newChanges.routeTableIds.length > 0) {
      await this.write(newChanges);
      this.current = {
        dnsResolutionBefore: current.dnsResolutionBefore ?? newChanges.dnsResolutionBefore,
        routeTableIds: [...current.routeTableIds, ...newChanges.routeTableIds],
      };
    }
  }
}

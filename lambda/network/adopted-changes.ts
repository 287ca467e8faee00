import { createHash } from 'node:crypto';
import { CHANGED_FLEET_TAG, TAG_PREFIX } from '../../lib/contract';
import type { Ec2Peering } from '../aws/api';

/*
 * The changes that a resource has made to a connection that it adopted. The resource writes them to EC2's tags on the peering connection
 * before it makes each change, so that its delete can undo them.
 */

const CHANGED_PREFIX = `${TAG_PREFIX}changed:`;
const MAX_TAG_VALUE = 256;

export interface Changes {
  /** Whether DNS resolution was on before the change; undefined if it was not changed. */
  readonly dnsResolution?: boolean | undefined;
  /** The route tables to which a route was added. */
  readonly routeTableIds: readonly string[];
}

const DNS_PREFIX = 'dns-was-';

export function readChanges({ tags }: Ec2Peering): Changes {
  const words = Object.entries(tags).flatMap(([key, value]) => (key.startsWith(CHANGED_PREFIX) ? value.split(' ') : []));
  const dns = words.find((word) => word.startsWith(DNS_PREFIX));
  return {
    dnsResolution: dns === undefined ? undefined : dns === `${DNS_PREFIX}true`,
    routeTableIds: words.filter((word) => word.startsWith('rtb-')),
  };
}

/**
 * The tags that record the changes and the fleet. The value of one tag has space for eleven route tables, so several tags may be necessary.
 * The key of a tag contains a digest of its value. So a new tag never overwrites an existing tag that a late read did not show.
 */
export function tagsOfChanges(fleetId: string, { dnsResolution, routeTableIds }: Changes): Readonly<Record<string, string>> {
  const values: string[] = [];
  for (const word of [...(dnsResolution === undefined ? [] : [`${DNS_PREFIX}${dnsResolution}`]), ...routeTableIds]) {
    const last = values.at(-1);
    if (last === undefined || last.length + 1 + word.length > MAX_TAG_VALUE) {
      values.push(word);
    } else {
      values[values.length - 1] = `${last} ${word}`;
    }
  }
  const tags = values.map((value) => [`${CHANGED_PREFIX}${createHash('sha256').update(value).digest('hex').slice(0, 8)}`, value]);
  return Object.fromEntries(tags.length === 0 ? [] : [[CHANGED_FLEET_TAG, fleetId], ...tags]) as Readonly<Record<string, string>>;
}

export function keysOfChanges({ tags }: Ec2Peering): readonly string[] {
  return Object.keys(tags).filter((key) => key.startsWith(CHANGED_PREFIX));
}

/** The fleet for which a resource changed the connection; undefined if no resource did. */
export function fleetOfChanges({ tags }: Ec2Peering): string | undefined {
  return tags[CHANGED_FLEET_TAG];
}

/** The changes to one adopted connection, as its tags record them. */
export class AdoptedChanges {
  private recordedChanges: Changes;

  constructor(
    side: Ec2Peering,
    private readonly write: (more: Changes) => Promise<void>,
  ) {
    this.recordedChanges = readChanges(side);
  }

  get recorded(): Changes {
    return this.recordedChanges;
  }

  /** Whether this library created the route in the route table. */
  hasCreatedRoute(routeTableId: string): boolean {
    return this.recordedChanges.routeTableIds.includes(routeTableId);
  }

  /** Writes more changes to the tags. Call it before making each change. */
  async record(more: Changes): Promise<void> {
    const { recordedChanges } = this;
    const added: Changes = {
      dnsResolution: recordedChanges.dnsResolution === undefined ? more.dnsResolution : undefined,
      routeTableIds: more.routeTableIds.filter((id) => !recordedChanges.routeTableIds.includes(id)),
    };
    if (added.dnsResolution !== undefined || added.routeTableIds.length > 0) {
      await this.write(added);
      this.recordedChanges = {
        dnsResolution: recordedChanges.dnsResolution ?? added.dnsResolution,
        routeTableIds: [...recordedChanges.routeTableIds, ...added.routeTableIds],
      };
    }
  }
}

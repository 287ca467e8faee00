import type { Api } from './api';
import type { Calls } from './calls';

/*
 * A tag on the fleet, written before the first change and removed last. It says which VPC the probe connects, so that the next run
 * can undo what a crashed run has left. Nothing else is needed, since nothing was peered or authorized before.
 */

export const MARKER_KEY = 'gamelift-vpc-peering-probe';

export interface Marker {
  readonly vpcId: string;
  readonly started: string;
}

export function markerValue({ vpcId, started }: Marker): string {
  return `${vpcId} ${started}`;
}

/** The tag's value as it is read. Undefined if there is no such tag. */
export async function readMarkerValue(calls: Calls, api: Api, fleetArn: string): Promise<string | undefined> {
  const { Tags: tags = [] } = await calls.read(api.tags(fleetArn));
  return tags.find(({ Key }) => Key === MARKER_KEY)?.Value;
}

export async function readMarker(calls: Calls, api: Api, fleetArn: string): Promise<Marker | undefined> {
  const [, vpcId, started] = /^(vpc-\S+) (\S+)$/.exec((await readMarkerValue(calls, api, fleetArn)) ?? '') ?? [];
  return vpcId === undefined || started === undefined ? undefined : { vpcId, started };
}

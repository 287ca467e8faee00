import type { Api } from './api';
import type { Calls } from './calls';

/*
 * The marker is a tag on the fleet, which the probe sets before the first change and removes last. The tag contains the id of the VPC, so that
 * the next run can undo the changes of a run that crashed.
 */

export const MARKER_KEY = 'gamelift-vpc-peering-probe';

export interface Marker {
  readonly vpcId: string;
  readonly startTime: string;
}

export function markerValue({ vpcId, startTime }: Marker): string {
  return `${vpcId} ${startTime}`;
}

/** @returns undefined if the fleet does not have the tag */
export async function readMarkerValue(calls: Calls, api: Api, fleetArn: string): Promise<string | undefined> {
  const { Tags: tags = [] } = await calls.callOrThrow(api.tags(fleetArn));
  return tags.find(({ Key }) => Key === MARKER_KEY)?.Value;
}

export async function readMarker(calls: Calls, api: Api, fleetArn: string): Promise<Marker | undefined> {
  const [, vpcId, startTime] = /^(vpc-\S+) (\S+)$/.exec((await readMarkerValue(calls, api, fleetArn)) ?? '') ?? [];
  return vpcId === undefined || startTime === undefined ? undefined : { vpcId, startTime };
}

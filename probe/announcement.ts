import type { Marker } from './marker';
import { MARKER_KEY } from './marker';
import type { Target } from './target';

/** The duration of a run if GameLift creates and deletes each connection within a minute, as in the rehearsal. */
const USUAL_MINUTES = 5;

/** The duration of a run in which each wait lasts until its timeout. */
const LONGEST_HOURS = 2;

/** Lists the changes that the user has to confirm. */
export function announcement({ pair, fleetArn }: Target, region: string, earlierRun: Marker | undefined): string {
  const { account, fleetId, vpcId } = pair;
  return [
    `The probe will, in account ${account} and ${region}:`,
    ...(earlierRun === undefined
      ? []
      : [
          `- first undo the changes of the run that began at ${earlierRun.startTime}: connections of ${fleetId} with ${earlierRun.vpcId}, the authorization,`,
          '  and the routes and rules of the peering. If that run has not ended, do not continue',
        ]),
    `- set the tag ${MARKER_KEY} on ${fleetArn}`,
    `- authorize the peering of ${vpcId}, connect ${fleetId} with it up to three times, and delete the connections`,
    '- remove the authorization, the tag, and the routes and rules that GameLift leaves behind',
    '',
    `This takes about ${USUAL_MINUTES} minutes, if GameLift creates and deletes a connection within a minute. In the worst case, the probe gives up after ${LONGEST_HOURS} hours.`,
    'During this time, it calls the six peering operations as often as the rate limit allows: one call of each in ten seconds',
    'for the whole account. Deployments at the same time are slower, and their connections may fail.',
  ].join('\n');
}

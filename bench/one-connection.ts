import type { Reading } from 'rehearsal/aws';
import { createExistingResources, deployConnections } from '../test/life/common-stacks';
import { withRehearsal } from './rehearsals';
import { verdict } from './result';
import type { Measurement } from './result';
import { medianOf } from './statistics';
import { LIBRARY } from './ways/library';

/** The target: a median below this. */
const MAX_SECONDS = 3;
/** How long GameLift takes to make the connection active, in each run: 2, 4, … 60 seconds. */
const ACTIVATION_SECONDS = Array.from({ length: 30 }, (_, index) => 2 * (index + 1));
const FLEET_EVENTS: readonly Reading<'fleetEvents'>[] = ['written', 'never seen'];

/** Measures the rehearsed time from the activation of the connection to the response to CloudFormation. */
function secondsUntilResponse(activationSeconds: number, fleetEvents: Reading<'fleetEvents'>): Promise<number> {
  return withRehearsal(LIBRARY, async (rehearsal) => {
    rehearsal.aws.behaviours.set('fleetEvents', fleetEvents);
    rehearsal.aws.scriptedOutcomes.connectionSeconds = activationSeconds;
    const status = await deployConnections(rehearsal, await createExistingResources(rehearsal));
    const { entries } = rehearsal.journal;
    const activeEntry = entries.find(({ message }) => /^peering of .* SUCCEEDED: /.test(message));
    // the handler sends its response to CloudFormation to a URL of S3
    const responseEntry = entries.find(({ source, subject }) => source === 's3' && subject.startsWith('Peering'));
    if (status !== 'CREATE_COMPLETE' || activeEntry === undefined || responseEntry === undefined) {
      throw new Error(`the stack with one connection is ${status}`);
    }
    return (responseEntry.time - activeEntry.time) / 1000;
  });
}

export const ONE_CONNECTION: Measurement = {
  name: 'one-connection',
  measure: async () => {
    const allSeconds: number[] = [];
    const rows: string[][] = [];
    for (const fleetEvents of FLEET_EVENTS) {
      const seconds: number[] = [];
      for (const activationSeconds of ACTIVATION_SECONDS) {
        seconds.push(await secondsUntilResponse(activationSeconds, fleetEvents));
      }
      allSeconds.push(...seconds);
      rows.push([
        fleetEvents,
        ...[Math.min(...seconds), medianOf(seconds), Math.max(...seconds)].map((value) => value.toFixed(1)),
      ]);
    }
    const median = medianOf(allSeconds);
    return {
      title: 'One connection',
      method:
        'Rehearsed seconds from the moment when GameLift has made a connection active to the response to CloudFormation, for connections ' +
        `that take 2 to ${2 * ACTIVATION_SECONDS.length} seconds to become active, whether or not GameLift writes events of the fleet.`,
      tables: [{ head: ['fleet events', 'least', 'median', 'most'], rows }],
      targets: [
        {
          what: 'from active to the response',
          target: `median below ${MAX_SECONDS} s`,
          measured: `${median.toFixed(1)} s`,
          verdict: verdict(median < MAX_SECONDS),
        },
      ],
    };
  },
};

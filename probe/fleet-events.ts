import { MINUTE } from './clock';
import type { ExperimentContext } from './experiment-context';

/** Far more pages than the events of one run need. */
const MAX_PAGES = 20;

export interface PeeringEvent {
  readonly id: string;
  readonly code: string;
}

/** Reads the peering events of the fleet since ten minutes before the run, in case AWS's clock and the clock of this machine differ. */
export async function readEvents({ calls, api, pair }: ExperimentContext, startedAt: number): Promise<readonly PeeringEvent[]> {
  const events: PeeringEvent[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { Events = [], NextToken } = await calls.callOrThrow(api.fleetEvents(pair.fleetId, startedAt - 10 * MINUTE, nextToken));
    events.push(...Events.map(({ EventId = '', EventCode = '' }) => ({ id: EventId, code: EventCode })));
    nextToken = NextToken;
    if (nextToken === undefined) {
      break;
    }
  }
  return events.filter(({ code }) => code.startsWith('FLEET_VPC_PEERING_'));
}

/** Settles whether GameLift writes events for peerings. The caller read the events before and after it created and deleted a connection. */
export function settleFleetEvents(
  { findings }: ExperimentContext,
  eventsBefore: readonly PeeringEvent[],
  eventsAfter: readonly PeeringEvent[],
): void {
  const newEvents = eventsAfter.filter(({ id }) => !eventsBefore.some((event) => event.id === id));
  const codes = [...new Set(newEvents.map(({ code }) => code))].join(', ');
  if (newEvents.length > 0) {
    findings.settle('fleetEvents', 'written', `New events of the fleet: ${codes}`);
  } else {
    findings.settle('fleetEvents', 'never seen', 'A connection was created and deleted, but the fleet has no new peering events');
  }
}

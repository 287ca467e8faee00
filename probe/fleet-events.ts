import { MINUTE } from './clock';
import type { ExperimentContext } from './experiment-context';

/** The events of one run fit in far fewer pages. */
const MAX_PAGES = 20;

export interface PeeringEvent {
  readonly id: string;
  readonly code: string;
}

/** Reads the peering events of the fleet. Begins ten minutes before the run, in case the clocks differ. */
export async function readEvents({ calls, api, pair }: ExperimentContext, started: number): Promise<readonly PeeringEvent[]> {
  const events: PeeringEvent[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { Events = [], NextToken } = await calls.read(api.fleetEvents(pair.fleetId, started - 10 * MINUTE, nextToken));
    events.push(...Events.map(({ EventId = '', EventCode = '' }) => ({ id: EventId, code: EventCode })));
    nextToken = NextToken;
    if (nextToken === undefined) {
      break;
    }
  }
  return events.filter(({ code }) => code.startsWith('FLEET_VPC_PEERING_'));
}

export function settleFleetEvents(
  { findings }: ExperimentContext,
  before: readonly PeeringEvent[],
  after: readonly PeeringEvent[],
): void {
  const added = after.filter(({ id }) => !before.some((event) => event.id === id));
  const codes = [...new Set(added.map(({ code }) => code))].join(', ');
  if (added.length > 0) {
    findings.settle('fleetEvents', 'written', `New events of the fleet: ${codes}`);
  } else {
    findings.settle('fleetEvents', 'never seen', 'A connection was created and deleted, but the fleet has no new peering events');
  }
}

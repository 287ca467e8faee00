import { MINUTE } from './clock';
import type { Lab } from './lab';

/** More pages of events than a fleet has in the minutes of a run. */
const PAGES = 20;

export interface PeeringEvent {
  readonly id: string;
  readonly code: string;
}

/** The events about peering since some minutes before the run, in case that the clocks differ. */
export async function readEvents({ calls, api, pair }: Lab, started: number): Promise<readonly PeeringEvent[]> {
  const events: PeeringEvent[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < PAGES; page += 1) {
    const { Events = [], NextToken } = await calls.read(api.fleetEvents(pair.fleetId, started - 10 * MINUTE, nextToken));
    events.push(...Events.map(({ EventId = '', EventCode = '' }) => ({ id: EventId, code: EventCode })));
    nextToken = NextToken;
    if (nextToken === undefined) {
      break;
    }
  }
  return events.filter(({ code }) => code.startsWith('FLEET_VPC_PEERING_'));
}

export function settleFleetEvents({ findings }: Lab, before: readonly PeeringEvent[], after: readonly PeeringEvent[]): void {
  const fresh = after.filter(({ id }) => !before.some((event) => event.id === id));
  const codes = [...new Set(fresh.map(({ code }) => code))].join(', ');
  if (fresh.length > 0) {
    findings.settle('fleetEvents', 'written', `New events of the fleet: ${codes}`);
  } else {
    findings.settle(
      'fleetEvents',
      'never seen',
      'A connection was made and deleted, and the fleet has no new events about peering',
    );
  }
}

import type { FleetRecord } from '../aws/api';
import { NothingDoneProblem } from '../problem';
import type { ConnectionContext } from './context';
import type { Observer } from './observer';

/** Statuses of a fleet that is being created. */
const CREATING_STATUSES: ReadonlySet<string> = new Set(['NEW', 'DOWNLOADING', 'VALIDATING', 'BUILDING', 'ACTIVATING']);

const POLL_MILLISECONDS = 10_000;

/**
 * Waits until the fleet is ACTIVE.
 *
 * @throws NothingDoneProblem if the fleet does not exist, is not an EC2 fleet, or does not become ACTIVE in time.
 */
export async function waitForActiveFleet({ spec, calls, region }: ConnectionContext, observer: Observer): Promise<FleetRecord> {
  const { fleetId, timeoutSeconds } = spec;
  const startedAt = calls.now();
  for (;;) {
    const fleet = await observer.findFleet();
    if (fleet === undefined) {
      throw new NothingDoneProblem(
        `there is no fleet ${fleetId} in this account and ${region}`,
        'correct the fleet of the VpcPeeringConnection, then deploy again',
      );
    }
    const { computeType, status } = fleet;
    if (computeType !== 'EC2') {
      throw new NothingDoneProblem(
        `GameLift peers EC2 fleets only, and fleet ${fleetId} is of compute type ${computeType}`,
        'pass an EC2 fleet to the VpcPeeringConnection',
      );
    }
    if (status === 'ACTIVE') {
      return fleet;
    }
    if (!CREATING_STATUSES.has(status)) {
      throw new NothingDoneProblem(
        `fleet ${fleetId} is in status ${status} and will not become ACTIVE`,
        'look at its events, replace it, then deploy again',
      );
    }
    if (calls.now() - startedAt >= timeoutSeconds * 1000) {
      throw new NothingDoneProblem(
        `fleet ${fleetId} was still in status ${status} after ${timeoutSeconds} seconds`,
        'look at its events, raise the timeout of the VpcPeeringConnection, then deploy again',
      );
    }
    await calls.sleepWhile(`fleet ${fleetId} was still in status ${status}`, POLL_MILLISECONDS);
  }
}

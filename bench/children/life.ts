import { IMPORTED_FLEETS, rehearseManyConnections } from '../../test/life/many-connections';
import { deployFleetStack, deleteStack, startFastRehearsal } from '../../test/life/common-stacks';
import { DAY_MS, closeRehearsals } from '../../test/life/rehearsals';

/*
 * Rehearses the life of stacks in process, as the tests do.
 *
 * life.ts one      a fleet and its connection, for thirty days
 * life.ts fifty    fifty connections in one stack
 */

async function main(life: string | undefined): Promise<void> {
  const rehearsal = await startFastRehearsal();
  if (life === 'fifty') {
    await rehearseManyConnections(rehearsal, 50, IMPORTED_FLEETS);
  } else {
    await deployFleetStack(rehearsal);
    await rehearsal.clock.sleep(30 * DAY_MS);
    await deleteStack(rehearsal);
  }
  await closeRehearsals();
}

void main(process.argv[2]);

import { IMPORTED, rehearseMany } from '../../test/life/many';
import { deploy, remove, start } from '../../test/life/scene';
import { DAY, Stage } from '../../test/life/stage';

/*
 * Rehearses the life of one stack in process, as the tests do.
 *
 * life one      a fleet and its connection, for thirty days
 * life fifty    fifty connections in one stack
 */

async function main(life: string | undefined): Promise<void> {
  const rehearsal = await start();
  if (life === 'fifty') {
    await rehearseMany(rehearsal, 50, IMPORTED);
  } else {
    await deploy(rehearsal);
    await rehearsal.clock.sleep(30 * DAY);
    await remove(rehearsal);
  }
  await Stage.clear();
}

void main(process.argv[2]);

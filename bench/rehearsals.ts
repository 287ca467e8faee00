import { Rehearsal } from 'rehearsal';
import { startRehearsal, closeRehearsals } from '../test/life/rehearsals';
import { addStepFunctions } from './step-functions';
import { LIBRARY } from './ways/library';
import type { Way } from './ways/way';

const START_TIME = Date.parse('2026-01-01T00:00:00Z');

/** Runs a task in a new rehearsal. The handler of this library runs in process, the alternatives run over the wire. */
export async function withRehearsal<T>(way: Way, task: (rehearsal: Rehearsal) => Promise<T>): Promise<T> {
  const rehearsal =
    way === LIBRARY ? await startRehearsal({ startTime: START_TIME }) : await Rehearsal.start({ startTime: START_TIME });
  addStepFunctions(rehearsal);
  try {
    return await task(rehearsal);
  } finally {
    await rehearsal.close();
    await closeRehearsals();
  }
}

import { Interrupted } from '../../probe/errors';
import { ProbeWorld } from './world';
import type { Readings } from './world';

/*
 * Whenever a run is stopped, nothing is left behind: at once if it is interrupted, and by the next run if it is killed.
 */

const WORLDS: Readonly<Record<string, Readings>> = {
  'by default': {},
  'if reads are late': { readBack: 'up to 15 seconds late' },
  'if each use consumes the authorization, deletions take a while, and GameLift leaves routes behind': {
    useOfAuthorization: 'consumed',
    missingAuthorization: 'failed',
    deletingConnections: 'deleting for a while',
    connectionIds: 'own of GameLift',
    peerVpcWritesOnDelete: 'left behind',
    authorizingAgain: 'InvalidRequestException',
  },
};

/** For a busy machine: each test takes half a minute on a quiet one. */
const TIMEOUT = 900_000;

let world: ProbeWorld;
afterEach(() => ProbeWorld.clear());

/** Runs with an act at each of the calls, until a run makes fewer calls. */
async function atEachCall(readings: Readings, check: (call: number) => Promise<'within' | 'beyond'>): Promise<number> {
  world = await ProbeWorld.start(readings);
  // with less to wait for, there are fewer calls that look alike
  world.aws.scriptedOutcomes.connectionSeconds = 6;
  for (let call = 1; ; call += 1) {
    if ((await check(call)) === 'beyond') {
      return call;
    }
    // until what has ended is not listed any more
    await world.pass(3);
  }
}

/** Runs on until the earlier run is undone, or until there is nothing to undo. */
async function undoEarlierRun(): Promise<void> {
  const run = world.start({
    onLine: (line) => {
      if (line === 'the earlier run is undone' || line.startsWith('measuring')) {
        run.stop.abort(new Interrupted('SIGINT'));
      }
    },
  });
  await run.outcome;
}

describe.each(Object.entries(WORLDS))('%s', (_name, readings) => {
  test(
    'undoes everything when it is interrupted at any call',
    async () => {
      const calls = await atEachCall(readings, async (call) => {
        const run = world.start();
        const act = world.atCall(call, () => {
          run.stop.abort(new Interrupted('SIGINT'));
          return undefined;
        });
        const outcome = await run.outcome;
        act.remove();
        expect({ call, left: world.leftBehind }).toEqual({ call, left: [] });
        if (act.happened) {
          return 'within';
        }
        // the last run was not interrupted, and those before it did not disturb it
        expect(outcome.kind).toBe('finished');
        return 'beyond';
      });
      expect(calls).toBeGreaterThan(50);
    },
    TIMEOUT,
  );

  test(
    'the next run undoes everything when it is killed at any call',
    async () => {
      const calls = await atEachCall(readings, async (call) => {
        const killed = world.start();
        const act = world.atCall(call, () => {
          killed.kill();
          return undefined;
        });
        await Promise.race([killed.outcome, act.done]);
        act.remove();
        if (!act.happened) {
          return 'beyond';
        }
        await undoEarlierRun();
        await world.settle();
        expect({ call, left: world.leftBehind }).toEqual({ call, left: [] });
        return 'within';
      });
      expect(calls).toBeGreaterThan(50);
    },
    TIMEOUT,
  );
});

import { Interrupted } from '../../probe/errors';
import { ProbeWorld } from './world';
import type { Readings } from './world';

/*
 * A run that is interrupted at any call undoes its changes. If it is killed, the next run undoes them.
 */

const WORLDS: Readonly<Record<string, Readings>> = {
  'by default': {},
  'if reads are late': { readBack: 'up to 15 seconds late' },
  'if each use consumes the authorization, deletions are slow, and GameLift leaves routes behind': {
    useOfAuthorization: 'consumed',
    missingAuthorization: 'failed',
    deletingConnections: 'deleting for a while',
    connectionIds: 'id of GameLift',
    peerVpcWritesOnDelete: 'left behind',
    authorizingAgain: 'InvalidRequestException',
  },
};

/** Generous: each test takes half a minute on an idle machine. In milliseconds. */
const TIMEOUT = 900_000;

let world: ProbeWorld;
afterEach(() => ProbeWorld.clear());

/** Calls `check` for the first call, the second one, and so on, until a run has fewer calls. Returns their number. */
async function forEachCall(readings: Readings, check: (call: number) => Promise<'called' | 'not called'>): Promise<number> {
  world = await ProbeWorld.start(readings);
  // shorter waits mean fewer similar calls
  world.aws.scriptedOutcomes.connectionSeconds = 6;
  for (let call = 1; ; call += 1) {
    if ((await check(call)) === 'not called') {
      return call;
    }
    // until ended connections are not listed any more
    await world.waitHours(3);
  }
}

/** Runs until the changes of the earlier run were undone, or until there are none. */
async function undoEarlierRun(): Promise<void> {
  const run = world.start({
    onLine: (line) => {
      if (line === 'the changes of the earlier run were undone' || line.startsWith('measuring')) {
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
      const calls = await forEachCall(readings, async (call) => {
        const run = world.start();
        const hook = world.atCall(call, () => {
          run.stop.abort(new Interrupted('SIGINT'));
          return undefined;
        });
        const outcome = await run.outcome;
        hook.remove();
        expect({ call, left: world.leftBehind }).toEqual({ call, left: [] });
        if (hook.wasCalled) {
          return 'called';
        }
        // the last run was not interrupted
        expect(outcome.kind).toBe('finished');
        return 'not called';
      });
      expect(calls).toBeGreaterThan(50);
    },
    TIMEOUT,
  );

  test(
    'the next run undoes everything after a run was killed at any call',
    async () => {
      const calls = await forEachCall(readings, async (call) => {
        const killed = world.start();
        const hook = world.atCall(call, () => {
          killed.kill();
          return undefined;
        });
        await Promise.race([killed.outcome, hook.done]);
        hook.remove();
        if (!hook.wasCalled) {
          return 'not called';
        }
        await undoEarlierRun();
        await world.settle();
        expect({ call, left: world.leftBehind }).toEqual({ call, left: [] });
        return 'called';
      });
      expect(calls).toBeGreaterThan(50);
    },
    TIMEOUT,
  );
});

import { Interrupted } from '../../probe/errors';
import { ProbeFixture } from './fixture';
import type { Readings } from './fixture';

/*
 * A run that is interrupted undoes its changes. After a run that was killed, the next run undoes the changes. Each test interrupts or kills one
 * run at its first call, one run at its second call, and so on.
 */

const SCENARIOS: Readonly<Record<string, Readings>> = {
  'with the default readings': {},
  'with late reads': { readBack: 'up to 15 seconds late' },
  'with consumed authorizations, slow deletions, and routes that GameLift leaves behind': {
    useOfAuthorization: 'consumed',
    missingAuthorization: 'accepted, then fails',
    deletingConnections: 'deleting for a while',
    connectionIds: 'id of GameLift',
    peerVpcWritesOnDelete: 'left behind',
    authorizingAgain: 'InvalidRequestException',
  },
};

/** Each test takes half a minute on an idle machine. */
const TIMEOUT_MILLISECONDS = 900_000;

let fixture: ProbeFixture;
afterEach(() => ProbeFixture.closeAll());

/** Runs `check` with the number of each call: 1, 2, and so on, until a run has fewer calls. Returns the last number. */
async function forEachCall(readings: Readings, check: (call: number) => Promise<'called' | 'not called'>): Promise<number> {
  fixture = await ProbeFixture.create(readings);
  // GameLift connects quickly, so that the probe makes fewer similar calls while it waits
  fixture.aws.scriptedOutcomes.connectionSeconds = 6;
  for (let call = 1; ; call += 1) {
    if ((await check(call)) === 'not called') {
      return call;
    }
    // wait until ended connections are not listed any more
    await fixture.waitHours(3);
  }
}

/** Runs the probe until it has undone the changes of the earlier run, or begins its experiments because there are none. */
async function undoEarlierRun(): Promise<void> {
  const run = fixture.startRun({
    onLine: (line) => {
      if (line === 'the changes of the earlier run were undone' || line.startsWith('measuring')) {
        run.stop.abort(new Interrupted('SIGINT'));
      }
    },
  });
  await run.outcome;
}

describe.each(Object.entries(SCENARIOS))('the probe, %s,', (_name, readings) => {
  test(
    'undoes everything if it is interrupted at any call',
    async () => {
      const callCount = await forEachCall(readings, async (call) => {
        const run = fixture.startRun();
        const hook = fixture.atCall(call, () => {
          run.stop.abort(new Interrupted('SIGINT'));
          return undefined;
        });
        const outcome = await run.outcome;
        hook.remove();
        expect({ call, left: fixture.leftBehind }).toEqual({ call, left: [] });
        if (hook.wasCalled) {
          return 'called';
        }
        // the last run was not interrupted
        expect(outcome.kind).toBe('finished');
        return 'not called';
      });
      // with fewer calls, the runs ended too early
      expect(callCount).toBeGreaterThan(50);
    },
    TIMEOUT_MILLISECONDS,
  );

  test(
    'undoes everything in the run that follows a run that was killed at any call',
    async () => {
      const callCount = await forEachCall(readings, async (call) => {
        const killedRun = fixture.startRun();
        const hook = fixture.atCall(call, () => {
          killedRun.kill();
          return undefined;
        });
        await Promise.race([killedRun.outcome, hook.untilCalled]);
        hook.remove();
        if (!hook.wasCalled) {
          return 'not called';
        }
        await undoEarlierRun();
        await fixture.waitForGameLift();
        expect({ call, left: fixture.leftBehind }).toEqual({ call, left: [] });
        return 'called';
      });
      // with fewer calls, the runs ended too early
      expect(callCount).toBeGreaterThan(50);
    },
    TIMEOUT_MILLISECONDS,
  );
});

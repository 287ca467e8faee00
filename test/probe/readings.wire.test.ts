import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BEHAVIOURS } from 'rehearsal/aws';
import { QUESTIONS } from '../../probe/questions';
import type { Question } from '../../probe/questions';
import { reportTable } from '../../probe/report';
import { ProbeWorld, wrongReadings } from './world';
import type { Readings } from './world';

/*
 * For each reading of each question, the probe reports the reading that is set, or leaves the question open if `OPEN` says so.
 */

let world: ProbeWorld;
afterEach(() => ProbeWorld.clear());

/** The questions that stay open under a reading, in addition to readBack. */
const OPEN: Readonly<Record<string, readonly Question[]>> = {
  'useOfAuthorization=consumed': ['usedAuthorizations'],
  'peerVpcWrites=none': ['peerVpcWritesOnDelete'],
  // a late read looks like a slow deletion
  'readBack=up to 15 seconds late': ['deletingConnections'],
};

async function expectReadings(readings: Readings): Promise<void> {
  world = await ProbeWorld.start(readings);
  const outcome = await world.run();
  expect(outcome.kind).toBe('finished');
  expect(wrongReadings(outcome, readings)).toEqual([]);
  const open = outcome.findings.filter(({ kind }) => kind === 'open').map(({ question }) => question);
  const allowed = Object.entries(readings).flatMap(([question, reading]) => OPEN[`${question}=${reading}`] ?? []);
  const late = readings.readBack === 'up to 15 seconds late';
  expect(open.filter((question) => !allowed.includes(question))).toEqual(late ? [] : ['readBack']);
  expect(world.leftBehind).toEqual([]);
}

const ALL = Object.entries(QUESTIONS).flatMap(([question, readings]) => readings.map((reading) => ({ question, reading })));

test('the questions and readings are those of the rehearsal', () => {
  const known = Object.entries(BEHAVIOURS).filter(([name]) => Object.hasOwn(QUESTIONS, name));
  const sorted = (readings: readonly string[]): readonly string[] => [...readings].sort();
  expect(known.map(([name, { readings }]) => [name, sorted(readings)])).toEqual(
    Object.entries(QUESTIONS).map(([name, readings]) => [name, sorted(readings)]),
  );
});

test.each(ALL)('reports $question = $reading', async ({ question, reading }) => {
  await expectReadings({ [question]: reading });
});

test.each(ALL.filter(({ question }) => question !== 'readBack'))(
  'reports $question = $reading, or leaves it open, if reads are late',
  async ({ question, reading }) => {
    const readings = { readBack: 'up to 15 seconds late', [question]: reading };
    await expectReadings(readings);
  },
);

test.each(QUESTIONS.missingAuthorization)(
  'reports that each use consumes an authorization, if a missing one shows as %s',
  async (missingAuthorization) => {
    await expectReadings({
      useOfAuthorization: 'consumed',
      missingAuthorization,
      existingConnection: 'accepted',
      authorizingAgain: 'InvalidRequestException',
    });
  },
);

test('does not report that throttled calls are counted if other callers use the rate limit', async () => {
  world = await ProbeWorld.start();
  const endThrottling = simulateOtherCallers(world);
  const outcome = await world.run();
  endThrottling();
  expect(outcome.kind).toBe('finished');
  expect(wrongReadings(outcome, {})).toEqual([]);
});

/** Throttles every third call of DescribeVpcPeeringAuthorizations, as if others had used the rate limit. */
function simulateOtherCallers({ aws }: ProbeWorld): () => void {
  let calls = 0;
  return aws.intercept(({ operation }) => {
    if (operation !== 'DescribeVpcPeeringAuthorizations') {
      return undefined;
    }
    calls += 1;
    return calls % 3 === 0 ? { kind: 'error', name: 'ThrottlingException', message: 'Rate exceeded', status: 400 } : undefined;
  });
}

test('retries after a throttling error with an unknown name, and leaves the question open', async () => {
  world = await ProbeWorld.start();
  const { aws } = world;
  let lastCall = -Infinity;
  aws.intercept(({ operation }) => {
    const now = world.rehearsal.clock.now();
    const isEarly = now - lastCall < 10_000;
    if (operation !== 'DescribeVpcPeeringAuthorizations') {
      return undefined;
    }
    lastCall = isEarly ? lastCall : now;
    return isEarly ? { kind: 'error', name: 'SlowDown', message: 'Rate exceeded', status: 400 } : undefined;
  });
  const { findings } = await world.run();
  const finding = findings.find(({ question }) => question === 'throttlingError');
  expect(finding).toMatchObject({
    kind: 'open',
    why:
      'The second of two calls in a row of DescribeVpcPeeringAuthorizations returned SlowDown after 0 s. ' +
      'No reading has this name: ThrottlingException, TooManyRequestsException, RequestLimitExceeded',
  });
});

test('leaves peerVpcWrites open if there is only one route table', async () => {
  world = await ProbeWorld.start({}, { routeTables: 1 });
  const { findings } = await world.run();
  expect(findings.find(({ question }) => question === 'peerVpcWrites')).toMatchObject({
    kind: 'open',
    why: expect.stringContaining('The VPC has only one route table, so both readings look the same: add another one') as string,
  });
});

test('docs/probe.md shows the table of a run', async () => {
  world = await ProbeWorld.start();
  const { findings } = await world.run();
  expect(readFileSync(join(__dirname, '..', '..', 'docs', 'probe.md'), 'utf8')).toContain(reportTable(findings));
});

test('names no id and no account in its findings', async () => {
  world = await ProbeWorld.start({ connectionIds: 'id of GameLift', peerVpcWritesOnDelete: 'left behind' });
  const { findings } = await world.run();
  const text = JSON.stringify(findings);
  expect(text).toContain('pcx-…');
  expect(text).not.toMatch(/\d{12}|(fleet|vpc|pcx|rtb|sg)-[0-9a-f]|arn:aws/);
});

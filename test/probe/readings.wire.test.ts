import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BEHAVIOURS } from 'rehearsal/aws';
import { QUESTIONS } from '../../probe/questions';
import type { Question } from '../../probe/questions';
import { reportTable } from '../../probe/report';
import { ProbeFixture, wrongReadings } from './fixture';
import type { Readings } from './fixture';

/*
 * Tests that the probe reports each reading that the rehearsal is set to. Some readings leave questions open: see `QUESTIONS_LEFT_OPEN`.
 */

let fixture: ProbeFixture;
afterEach(() => ProbeFixture.closeAll());

/** The questions that stay open under a reading, in addition to readBack. */
const QUESTIONS_LEFT_OPEN: Readonly<Record<string, readonly Question[]>> = {
  'useOfAuthorization=consumed': ['usedAuthorizations'],
  'peerVpcWrites=none': ['peerVpcWritesOnDelete'],
  // a late read looks like a slow deletion
  'readBack=up to 15 seconds late': ['deletingConnections'],
};

/** Runs the probe under these readings, and expects that it reports them. */
async function expectReadings(readings: Readings): Promise<void> {
  fixture = await ProbeFixture.create(readings);
  const outcome = await fixture.run();
  expect(outcome.kind).toBe('finished');
  expect(wrongReadings(outcome, readings)).toEqual([]);
  const openQuestions = outcome.findings.filter(({ kind }) => kind === 'open').map(({ question }) => question);
  const possiblyOpenQuestions = Object.entries(readings).flatMap(
    ([question, reading]) => QUESTIONS_LEFT_OPEN[`${question}=${reading}`] ?? [],
  );
  // if no read was late, the probe can't prove that reads are never late, so readBack stays open
  const areReadsLate = readings.readBack === 'up to 15 seconds late';
  expect(openQuestions.filter((question) => !possiblyOpenQuestions.includes(question))).toEqual(areReadsLate ? [] : ['readBack']);
  expect(fixture.leftBehind).toEqual([]);
}

const ALL_READINGS = Object.entries(QUESTIONS).flatMap(([question, readings]) =>
  readings.map((reading) => ({ question, reading })),
);

test('the probe has the same questions and readings as the rehearsal', () => {
  const sharedBehaviours = Object.entries(BEHAVIOURS).filter(([name]) => Object.hasOwn(QUESTIONS, name));
  const sorted = (readings: readonly string[]): readonly string[] => [...readings].sort();
  expect(sharedBehaviours.map(([name, { readings }]) => [name, sorted(readings)])).toEqual(
    Object.entries(QUESTIONS).map(([name, readings]) => [name, sorted(readings)]),
  );
});

test.each(ALL_READINGS)('the probe reports the reading $reading of $question', async ({ question, reading }) => {
  await expectReadings({ [question]: reading });
});

test.each(ALL_READINGS.filter(({ question }) => question !== 'readBack'))(
  'the probe reports the reading $reading of $question, or leaves the question open, if reads are late',
  async ({ question, reading }) => {
    const readings = { readBack: 'up to 15 seconds late', [question]: reading };
    await expectReadings(readings);
  },
);

test.each(QUESTIONS.missingAuthorization)(
  'the probe reports that each use consumes the authorization if a missing authorization leads to %s',
  async (missingAuthorization) => {
    await expectReadings({
      useOfAuthorization: 'consumed',
      missingAuthorization,
      existingConnection: 'accepted',
      authorizingAgain: 'InvalidRequestException',
    });
  },
);

test('the probe does not report that throttled calls count if other callers use the rate limit', async () => {
  fixture = await ProbeFixture.create();
  const endThrottling = simulateOtherCallers(fixture);
  const outcome = await fixture.run();
  endThrottling();
  expect(outcome.kind).toBe('finished');
  expect(wrongReadings(outcome, {})).toEqual([]);
});

/** Throttles every third call of DescribeVpcPeeringAuthorizations, as if other callers had used the rate limit. */
function simulateOtherCallers({ aws }: ProbeFixture): () => void {
  let calls = 0;
  return aws.intercept(({ operation }) => {
    if (operation !== 'DescribeVpcPeeringAuthorizations') {
      return undefined;
    }
    calls += 1;
    return calls % 3 === 0 ? { kind: 'error', name: 'ThrottlingException', message: 'Rate exceeded', status: 400 } : undefined;
  });
}

test('the probe retries after a throttling error with an unknown name, and leaves throttlingError open', async () => {
  fixture = await ProbeFixture.create();
  const { aws } = fixture;
  let lastCall = -Infinity;
  aws.intercept(({ operation }) => {
    const now = fixture.rehearsal.clock.now();
    const isAboveLimit = now - lastCall < 10_000;
    if (operation !== 'DescribeVpcPeeringAuthorizations') {
      return undefined;
    }
    lastCall = isAboveLimit ? lastCall : now;
    return isAboveLimit ? { kind: 'error', name: 'SlowDown', message: 'Rate exceeded', status: 400 } : undefined;
  });
  const { findings } = await fixture.run();
  const finding = findings.find(({ question }) => question === 'throttlingError');
  expect(finding).toMatchObject({
    kind: 'open',
    reason:
      'The second of two calls in a row of DescribeVpcPeeringAuthorizations returned SlowDown after 0 s. ' +
      'No reading has this name: ThrottlingException, TooManyRequestsException, RequestLimitExceeded',
  });
});

test('the probe leaves peerVpcWrites open if there is only one route table', async () => {
  fixture = await ProbeFixture.create({}, { routeTables: 1 });
  const { findings } = await fixture.run();
  expect(findings.find(({ question }) => question === 'peerVpcWrites')).toMatchObject({
    kind: 'open',
    reason: expect.stringContaining(
      'The VPC has only one route table, so both readings look the same: add another route table',
    ) as string,
  });
});

test('docs/probe.md shows the table of a run', async () => {
  fixture = await ProbeFixture.create();
  const { findings } = await fixture.run();
  expect(readFileSync(join(__dirname, '..', '..', 'docs', 'probe.md'), 'utf8')).toContain(reportTable(findings));
});

test('the findings contain no ids and no accounts', async () => {
  fixture = await ProbeFixture.create({ connectionIds: 'id of GameLift', peerVpcWritesOnDelete: 'left behind' });
  const { findings } = await fixture.run();
  const text = JSON.stringify(findings);
  expect(text).toContain('pcx-…');
  expect(text).not.toMatch(/\d{12}|(fleet|vpc|pcx|rtb|sg)-[0-9a-f]|arn:aws/);
});

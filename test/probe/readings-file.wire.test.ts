import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { CfnFleet } from 'aws-cdk-lib/aws-gamelift';
import { readReadings, rehearse } from 'rehearsal/cli';
import { reportJson } from '../../probe/report';
import { synthesize, closeRehearsals } from '../life/rehearsals';
import { ACCOUNT, ProbeFixture, REGION } from './fixture';

/*
 * Tests that the rehearsal accepts the file that the probe writes.
 */

afterEach(async () => {
  await closeRehearsals();
  await ProbeFixture.closeAll();
});

function writeReadingsFile(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'readings-')), 'readings.json');
  writeFileSync(file, text);
  return file;
}

async function runRehearsal(
  ...args: string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const code = await rehearse(args, { print: (text) => stdout.push(text), printError: (text) => stderr.push(text) });
  return { code, stdout: stdout.join('\n'), stderr: stderr.join('\n') };
}

test('the file contains the readings that the probe found, but no questions that stayed open', async () => {
  const fixture = await ProbeFixture.create({ missingAuthorization: 'NotFoundException', throttledCalls: 'counted' });
  const { findings } = await fixture.run();
  const file = writeReadingsFile(reportJson(findings, { region: REGION, date: new Date(0) }));
  const readings = readReadings(file);
  expect(readings).toContainEqual({ name: 'missingAuthorization', reading: 'NotFoundException' });
  expect(readings).toContainEqual({ name: 'throttledCalls', reading: 'counted' });
  expect(readings.map(({ name }) => name)).not.toContain('readBack');
  expect(readings).toHaveLength(findings.filter(({ kind }) => kind === 'settled').length);
});

/** Synthesizes a stack that fails: its fleet is peered on creation, but nothing authorizes the peering. */
const synthesizeUnauthorizedPeering = (): string =>
  synthesize((stack) => {
    const vpc = new ec2.CfnVPC(stack, 'Vpc', { cidrBlock: '10.90.0.0/16' });
    new CfnFleet(stack, 'Fleet', {
      name: 'Lobby',
      buildId: 'build-1',
      ec2InstanceType: 'c5.large',
      peerVpcAwsAccountId: ACCOUNT,
      peerVpcId: vpc.ref,
    });
  });

test('the rehearsal uses the readings of the file', async () => {
  const questions = { missingAuthorization: { reading: 'NotFoundException', evidence: '' }, readBack: { undetermined: 'late' } };
  const file = writeReadingsFile(JSON.stringify({ questions }));
  const { stdout } = await runRehearsal(synthesizeUnauthorizedPeering(), '--readings', file);
  expect(stdout).toContain('Error Code: NotFoundException)');
});

test('--behaviour overrides a reading of the file', async () => {
  const file = writeReadingsFile(JSON.stringify({ questions: { missingAuthorization: { reading: 'NotFoundException' } } }));
  const args = ['--readings', file, '--behaviour', 'missingAuthorization=InvalidRequestException'];
  const { stdout } = await runRehearsal(synthesizeUnauthorizedPeering(), ...args);
  expect(stdout).toContain('Error Code: InvalidRequestException)');
  expect(stdout).not.toContain('Error Code: NotFoundException)');
});

test.each([
  ['not json', /^--readings must be a file that npm run probe has written, got \S+: Unexpected token/],
  ['[]', /: it has no object named questions$/],
  ['{"questions": []}', /: it has no object named questions$/],
  ['{"questions": {"tides": {"reading": "high"}}}', /: unknown question 'tides': choose one of authorizingAgain, /],
  // every object inherits a property with the name toString
  ['{"questions": {"toString": {"reading": "high"}}}', /: unknown question 'toString': choose one of authorizingAgain, /],
  [
    '{"questions": {"fleetEvents": {"reading": "late"}}}',
    /: unknown reading 'late' of behaviour 'fleetEvents': choose one of written, never seen$/,
  ],
  [
    '{"questions": {"fleetEvents": "written"}}',
    /: 'fleetEvents' has neither a reading nor a text that says why it is undetermined$/,
  ],
])('npm run rehearse fails with a clear message if the file contains %s', async (text, message) => {
  const { code, stdout, stderr } = await runRehearsal('--readings', writeReadingsFile(text), '.');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
});

test('npm run rehearse fails with a clear message if the file does not exist', async () => {
  const { code, stderr } = await runRehearsal('--readings', '/nowhere.json', '.');
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /^--readings must be a file that npm run probe has written, got \/nowhere\.json: .*ENOENT: no such file/,
  );
});

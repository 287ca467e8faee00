import type { Fault } from 'rehearsal/aws';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Rehearsal } from 'rehearsal';
import type { RehearsalOptions, Source } from 'rehearsal';
import { InProcessRehearsal } from 'rehearsal/in-process';
import { createHandlerInProcess } from '../in-process/handler';

/*
 * Starts rehearsals for tests, synthesizes their stacks, and reads their journals.
 */

/** The name of the stack in tests with one stack. */
export const STACK = 'Stack';
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

type Template = Record<string, unknown> & { Resources: Record<string, { Type: string; Properties: Record<string, unknown> }> };

const assemblyDirectories: string[] = [];

/** Synthesizes an app, and returns the directory of the cloud assembly. `closeRehearsals` deletes it. */
export function synthesizeApp(addStacks: (app: App) => void): string {
  const outdir = mkdtempSync(join(tmpdir(), 'life-'));
  assemblyDirectories.push(outdir);
  const app = new App({ outdir, analyticsReporting: false });
  addStacks(app);
  app.synth();
  return outdir;
}

/** Synthesizes an app with one stack, and returns the directory of the cloud assembly. */
export function synthesize(addConstructs: (stack: Stack) => void, name = STACK): string {
  return synthesizeApp((app) => {
    addConstructs(new Stack(app, name));
  });
}

/** Changes the template of a stack in a cloud assembly, and returns the directory of the assembly. */
export function editTemplate(directory: string, change: (template: Template) => void, stack = STACK): string {
  const file = join(directory, `${stack}.template.json`);
  const template = JSON.parse(readFileSync(file, 'utf8')) as Template;
  change(template);
  writeFileSync(file, JSON.stringify(template));
  return directory;
}

/** Whether the bundled handler runs in threads and calls AWS over loopback. Set in test/wire/jest.config.mjs. */
const isOverTheWire = (globalThis as { readonly overTheWire?: boolean }).overTheWire === true;

const openRehearsals: Rehearsal[] = [];

/** Starts a simulated AWS, in process or over the wire. */
export async function startRehearsal(options: RehearsalOptions = {}): Promise<Rehearsal> {
  const settings = { startTime: Date.parse('2026-01-01T00:00:00Z'), ...options };
  const rehearsal = isOverTheWire
    ? await Rehearsal.start(settings)
    : new InProcessRehearsal({ ...settings, createHandler: createHandlerInProcess });
  openRehearsals.push(rehearsal);
  return rehearsal;
}

/** Closes all rehearsals, and deletes all cloud assemblies. */
export async function closeRehearsals(): Promise<void> {
  for (const rehearsal of openRehearsals.splice(0)) {
    await rehearsal.close();
    writeJournal(rehearsal);
  }
  for (const directory of assemblyDirectories.splice(0)) {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * If the environment variable JOURNALS names a folder, writes the journal of each test to a file there. In process, two runs of the same code
 * write identical files. Over the wire, random ids in the files differ.
 */
function writeJournal({ journal }: Rehearsal): void {
  const { JOURNALS: folder } = process.env;
  if (folder === undefined) {
    return;
  }
  // in `afterAll`, there is no current test
  const { currentTestName = 'after all tests', testPath = '' } = expect.getState();
  const name = `${basename(testPath)} ${currentTestName}`.replace(/[^\w.]+/g, '-').slice(0, 200);
  const lines = journal.entries.map(
    (entry) => `${new Date(entry.time).toISOString()} ${entry.source} ${entry.subject} ${entry.message}\n`,
  );
  mkdirSync(folder, { recursive: true });
  appendFileSync(join(folder, `${name}.txt`), lines.join(''));
}

/** The subject and the message of each journal entry from one source. */
export function journalLinesFrom(rehearsal: Rehearsal, source: Source): string[] {
  return rehearsal.journal.entries
    .filter((entry) => entry.source === source)
    .map(({ subject, message }) => `${subject} ${message}`);
}

/** The number of calls of a GameLift operation, by all callers. */
export function countCalls(rehearsal: Rehearsal, operation: string): number {
  return rehearsal.journal.entries.filter(({ source, subject }) => source === 'gamelift' && subject === operation).length;
}

/** The number of responses that CloudFormation accepted. */
export function countResponses(rehearsal: Rehearsal): number {
  return journalLinesFrom(rehearsal, 's3').filter((line) => line.endsWith(' accepted')).length;
}

/** The handler's error messages, from CloudFormation's events of custom resources that failed. */
export function failureReasons(rehearsal: Rehearsal): string[] {
  return journalLinesFrom(rehearsal, 'cloudformation')
    .map((line) => /_FAILED Custom::\w+: .*?Message returned: (.*) \(RequestId: /s.exec(line)?.[1])
    .filter((reason) => reason !== undefined);
}

/** The ARN of the stack's only function. */
export function handlerArn(rehearsal: Rehearsal): string {
  const resource = rehearsal.cloudFormation.describe(STACK).resources.find(({ type }) => type === 'AWS::Lambda::Function');
  const arn = resource?.attributes.Arn;
  if (typeof arn !== 'string') {
    throw new Error(`stack ${STACK} has no AWS::Lambda::Function with an Arn`);
  }
  return arn;
}

/** A fault: AWS answers the call with this error. */
export const errorFault = (name: string, message = 'No', status = 400): Fault => ({ kind: 'error', name, message, status });

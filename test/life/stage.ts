import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Rehearsal } from '../../rehearsal';
import type { RehearsalOptions } from '../../rehearsal';
import type { Source } from '../../rehearsal/journal';

export const STACK = 'Stack';
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

type Template = Record<string, unknown> & { Resources: Record<string, { Type: string; Properties: Record<string, unknown> }> };

const directories: string[] = [];

/** Synthesizes an app as the CDK CLI would, and gives the directory of the cloud assembly. */
export function synthesizeApp(build: (app: App) => void): string {
  const outdir = mkdtempSync(join(tmpdir(), 'life-'));
  directories.push(outdir);
  const app = new App({ outdir, analyticsReporting: false });
  build(app);
  app.synth();
  return outdir;
}

/** The same for one stack. */
export function synthesize(build: (stack: Stack) => void, name = STACK): string {
  return synthesizeApp((app) => {
    build(new Stack(app, name));
  });
}

/** The same assembly with another template. */
export function edit(directory: string, change: (template: Template) => void, stack = STACK): string {
  const file = join(directory, `${stack}.template.json`);
  const template = JSON.parse(readFileSync(file, 'utf8')) as Template;
  change(template);
  writeFileSync(file, JSON.stringify(template));
  return directory;
}

/** A rehearsed AWS for one test, gone after it. */
export class Stage {
  private static open: Rehearsal[] = [];

  static async start(options: RehearsalOptions = {}): Promise<Rehearsal> {
    const rehearsal = await Rehearsal.start({ startTime: Date.parse('2026-01-01T00:00:00Z'), ...options });
    Stage.open.push(rehearsal);
    return rehearsal;
  }

  static async clear(): Promise<void> {
    await Promise.all(Stage.open.splice(0).map((rehearsal) => rehearsal.close()));
    for (const directory of directories.splice(0)) {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

/** What was written about one part of the world. */
export function told(rehearsal: Rehearsal, source: Source): string[] {
  return rehearsal.journal.entries
    .filter((entry) => entry.source === source)
    .map(({ subject, message }) => `${subject} ${message}`);
}

/** The calls of one operation, by anyone. */
export function calls(rehearsal: Rehearsal, operation: string): number {
  return rehearsal.journal.entries.filter(({ source, subject }) => source === 'gamelift' && subject === operation).length;
}

/** How many answers CloudFormation accepted. */
export function answers(rehearsal: Rehearsal): number {
  return told(rehearsal, 's3').filter((line) => line.endsWith(' accepted')).length;
}

/** Why custom resources failed, in the handler's own words. */
export function failures(rehearsal: Rehearsal): string[] {
  return told(rehearsal, 'cloudformation')
    .map((line) => /_FAILED Custom::\w+: .*?Message returned: (.*) \(RequestId: /s.exec(line)?.[1])
    .filter((reason) => reason !== undefined);
}

/** The ARN of the stack's one function. */
export function handlerArn(rehearsal: Rehearsal): string {
  const resource = rehearsal.cloudFormation.describe(STACK).resources.find(({ type }) => type === 'AWS::Lambda::Function');
  const arn = resource?.attributes.Arn;
  if (typeof arn !== 'string') {
    throw new Error('the stack has no function');
  }
  return arn;
}

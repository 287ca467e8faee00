import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Rehearsal } from '../rehearsal';
import { differences } from '../rehearsal/life';
import { line, span, table } from '../rehearsal/report';
import { readReadings, setReadings } from './readings-file';
import type { ChosenReading } from './readings-file';
import { synthesize } from './synthesize';
import type { Context } from './synthesize';
import useTemporaryDirectory from './temporary-directory';

/*
 * Rehearses the life of the stacks of app.ts, then of the same stacks written without this library, and shows both.
 * `npm start -- --readings FILE` does it under the readings that npm run probe found in a real account.
 */

const STACKS = ['GameLiftVpcPeering', 'GameLiftPeeredOnCreation'];
const ACCOUNT = '111111111111';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

interface Step {
  readonly name: string;
  readonly wait?: number;
  /** What is synthesized; undefined deletes the stacks. */
  readonly context?: Context;
  /** What CloudFormation is to say of each stack. */
  readonly expected: readonly string[];
}

const STEPS: readonly Step[] = [
  { name: 'create', context: {}, expected: ['CREATE_COMPLETE', 'CREATE_COMPLETE'] },
  { name: 'deploy again, nothing changed', context: {}, expected: ['CREATE_COMPLETE', 'CREATE_COMPLETE'] },
  {
    name: '25 hours later, renewed',
    wait: 25 * HOUR,
    context: { renewal: 'everySynthesis' },
    expected: ['UPDATE_COMPLETE', 'CREATE_COMPLETE'],
  },
  {
    name: 'ten days later, a new build',
    wait: 10 * DAY,
    context: { build: '2' },
    expected: ['UPDATE_COMPLETE', 'UPDATE_COMPLETE'],
  },
  {
    name: 'two days later, not connected',
    wait: 2 * DAY,
    context: { build: '2', peered: 'no' },
    expected: ['UPDATE_COMPLETE', 'UPDATE_COMPLETE'],
  },
  { name: 'connected again', context: { build: '2' }, expected: ['UPDATE_COMPLETE', 'UPDATE_COMPLETE'] },
  { name: 'thirty days later, delete', wait: 30 * DAY, expected: ['DELETE_COMPLETE', 'DELETE_COMPLETE'] },
];

interface Outcome {
  readonly status: string;
  readonly took: string;
  /** Until when it is authorized, where the stack tells. */
  readonly authorization: string;
  readonly trouble: readonly string[];
}

/** When the authorization of a stack expires, as its last deployment gave it. */
function expiryOf(outputs: Readonly<Record<string, unknown>>): number {
  return Date.parse(String(outputs.AuthorizationExpires));
}

/** Deploys or deletes both stacks, as `cdk deploy --all` and `cdk destroy --all` do. */
async function perform(rehearsal: Rehearsal, step: Step, directory: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const stack of STACKS) {
    const earlier = step === STEPS[0] ? NaN : expiryOf(rehearsal.cloudFormation.describe(stack).outputs);
    const start = rehearsal.clock.now();
    const from = rehearsal.journal.entries.length;
    const { cloudFormation } = rehearsal;
    const outcome = await (
      step.context === undefined ? cloudFormation.delete(stack) : cloudFormation.deploy(directory, stack)
    ).catch((error: unknown) => ({
      status: 'refused',
      outputs: {},
      reason: error instanceof Error ? error.message : String(error),
    }));
    const now = rehearsal.clock.now();
    const expires = expiryOf(outcome.outputs);
    const found = earlier < start ? `had lapsed ${span(start - earlier)} before` : '';
    const left = expires > now ? `authorized for ${span(expires - now)}` : '';
    const failed = rehearsal.journal.entries
      .slice(from)
      .filter(({ source, message }) => source === 'cloudformation' && /_FAILED .*: /.test(message));
    outcomes.push({
      status: outcome.status,
      took: span(now - start),
      authorization: [found, left].filter((text) => text !== '').join(', '),
      trouble: [
        ...failed.map(({ subject, message }) => `${subject}: ${message.replace(/ \(RequestId: .*?\)/, '')}`),
        ...(outcome.status === 'refused' ? [outcome.reason ?? ''] : []),
      ],
    });
  }
  return outcomes;
}

interface Life {
  readonly steps: readonly Outcome[][];
  readonly leftBehind: readonly string[];
}

/** Has an app synthesized for each step; gives the directories. */
async function prepare(app: string, assemblies: string): Promise<readonly string[]> {
  const directories: string[] = [];
  for (const [index, { context }] of STEPS.entries()) {
    const directory = join(assemblies, `${app.replace(/\W/g, '-')}-${index}`);
    directories.push(context === undefined ? '' : await synthesize(app, context, directory));
  }
  return directories;
}

async function live(title: string, assemblies: readonly string[], readings: readonly ChosenReading[]): Promise<Life> {
  console.log(`\n=== ${title}\n`);
  // always the same time, since callers that wait for a rate limit go by the clock
  const rehearsal = await Rehearsal.start({ account: ACCOUNT, startTime: Date.UTC(2026, 0, 1) });
  try {
    setReadings(rehearsal.aws, readings);
    const start = rehearsal.clock.now();
    rehearsal.journal.onEntry((entry) => {
      console.log(line(entry, start));
    });
    const before = rehearsal.aws.inventory();
    const steps: Outcome[][] = [];
    for (const [index, step] of STEPS.entries()) {
      rehearsal.journal.write('story', step.name, '');
      await rehearsal.clock.sleep(step.wait ?? 0);
      steps.push(await perform(rehearsal, step, assemblies[index] ?? ''));
    }
    await rehearsal.clock.sleep(2 * DAY);
    return { steps, leftBehind: differences(before, rehearsal.aws.inventory()) };
  } finally {
    await rehearsal.close();
  }
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { readings: { type: 'string' } } });
  const readings = values.readings === undefined ? [] : readReadings(values.readings);
  const assemblies = useTemporaryDirectory();
  console.log('synthesizing bin/app.ts and bin/comparison.ts for each step');
  const [app, comparison] = await Promise.all([prepare('bin/app.ts', assemblies), prepare('bin/comparison.ts', assemblies)]);
  const ours = await live('with this library: bin/app.ts', app, readings);
  const theirs = await live('without it, by AwsCustomResource: bin/comparison.ts', comparison, readings);

  const show = ({ status, took, authorization }: Outcome): string[] => [status, took, authorization];
  for (const [index, stack] of STACKS.entries()) {
    const rows = STEPS.map((step, number) => {
      const mine = ours.steps[number]?.[index];
      const other = theirs.steps[number]?.[index];
      const ok = mine?.status === step.expected[index];
      return [ok ? 'ok' : 'FAILED', step.name, ...(mine === undefined ? [] : show(mine)), other?.status ?? ''];
    });
    console.log(`\n${table(['', stack, 'with this library', 'took', 'authorization', 'with AwsCustomResource'], rows)}`);
  }
  console.log('\nWhy the stacks without this library fail:');
  for (const trouble of new Set(theirs.steps.flat().flatMap((outcome) => outcome.trouble))) {
    console.log(`- ${trouble}`);
  }
  const mended = ours.steps.every((outcomes, number) =>
    outcomes.every(({ status }, index) => status === STEPS[number]?.expected[index]),
  );
  console.log(`\nleft behind two days after the deletion: with this library ${ours.leftBehind.join('\n') || 'nothing'}`);
  process.exitCode = mended && ours.leftBehind.length === 0 ? 0 : 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

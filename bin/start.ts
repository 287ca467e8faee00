import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Rehearsal } from 'rehearsal';
import {
  withFirstFailure,
  compareInventories,
  summaryLines,
  CONSOLE,
  requireWritable,
  readReadings,
  setReadings,
} from 'rehearsal/cli';
import type { Difference, Output, ChosenReading } from 'rehearsal/cli';
import { pageOf, picturedLife } from 'rehearsal/picture';
import type { PicturedLife } from 'rehearsal/picture';
import { formatFailure, formatEntry, formatList, formatDuration, formatStep, formatTable, withoutIds } from 'rehearsal/report';
import { run } from './commands';
import { synthesize } from './synthesize';
import type { Context } from './synthesize';
import useTemporaryDirectory from './temporary-directory';

/*
 * Rehearses the life of the stacks of app.ts, then of the same stacks written without this library, and compares both.
 */

const USAGE = `usage: npm start [-- options]

Rehearses the life of two stacks in a simulated AWS, with this library and without it. Prints a line for each step, and compares
the final states of the stacks. It needs no AWS account.

  --readings FILE  the readings that npm run probe found in a real account
  --html FILE      writes a picture of both lives to a web page
  --verbose        prints each event as well
  --help           prints this

With npm's own option --silent, as in npm start --silent, npm prints no lines of its own.`;

const STACKS = ['GameLiftVpcPeering', 'GameLiftPeeredOnCreation'];
const ACCOUNT = '111111111111';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const LEGEND = `A stack that a step does not change keeps its status, and takes no time. An authorization is valid for 24 hours. The
column “authorization” says how long before the step it had expired, and for how long it is valid after the step.`;

interface Step {
  readonly name: string;
  /** How long to wait before the step. Default: 0 */
  readonly waitMilliseconds?: number;
  /** The context of the synthesis. Without it, the step deletes the stacks. */
  readonly context?: Context;
  /** The expected status of each stack. */
  readonly expectedStatuses: readonly string[];
}

const STEPS: readonly Step[] = [
  { name: 'create', context: {}, expectedStatuses: ['CREATE_COMPLETE', 'CREATE_COMPLETE'] },
  { name: 'deploy again, nothing changed', context: {}, expectedStatuses: ['CREATE_COMPLETE', 'CREATE_COMPLETE'] },
  {
    name: '25 hours later, renewed',
    waitMilliseconds: 25 * HOUR,
    context: { renewal: 'everySynthesis' },
    expectedStatuses: ['UPDATE_COMPLETE', 'CREATE_COMPLETE'],
  },
  {
    name: 'ten days later, a new build',
    waitMilliseconds: 10 * DAY,
    context: { build: '2' },
    expectedStatuses: ['UPDATE_COMPLETE', 'UPDATE_COMPLETE'],
  },
  {
    name: 'two days later, not connected',
    waitMilliseconds: 2 * DAY,
    context: { build: '2', peered: 'no' },
    expectedStatuses: ['UPDATE_COMPLETE', 'UPDATE_COMPLETE'],
  },
  { name: 'connected again', context: { build: '2' }, expectedStatuses: ['UPDATE_COMPLETE', 'UPDATE_COMPLETE'] },
  { name: 'thirty days later, delete', waitMilliseconds: 30 * DAY, expectedStatuses: ['DELETE_COMPLETE', 'DELETE_COMPLETE'] },
];

/** The result of a step for one stack. */
interface Outcome {
  /** The name of the stack. */
  readonly name: string;
  readonly status: string;
  /** Why the stack failed, or why the step was refused. */
  readonly reason?: string;
  readonly duration: string;
  /**
   * How long before the step the authorization had expired, and how long it is valid after the step. Empty if the stack has no output
   * `AuthorizationExpires`.
   */
  readonly authorization: string;
}

/** When the authorization of a stack expires, according to its outputs. */
function expiryOf(outputs: Readonly<Record<string, unknown>>): number {
  return Date.parse(String(outputs.AuthorizationExpires));
}

/** Runs a step for a stack: deploys or deletes it. */
async function performStep(rehearsal: Rehearsal, stack: string, step: Step, directory: string): Promise<Outcome> {
  const { clock, cloudFormation, journal } = rehearsal;
  // before the first step, the stack does not exist
  const previousExpiry = step === STEPS[0] ? NaN : expiryOf(cloudFormation.describe(stack).outputs);
  const startTime = clock.now();
  const entriesBefore = journal.entries.length;
  const result = await (
    step.context === undefined ? cloudFormation.delete(stack) : cloudFormation.deploy(directory, stack)
  ).catch((error: unknown) => ({
    status: 'refused',
    outputs: {},
    reason: withoutIds(error instanceof Error ? error.message : String(error)),
  }));
  const now = clock.now();
  const expiry = expiryOf(result.outputs);
  const expiredText = previousExpiry < startTime ? `expired ${formatDuration(startTime - previousExpiry)} before` : '';
  const validText = expiry > now ? `valid for ${formatDuration(expiry - now)} after` : '';
  return {
    ...withFirstFailure({ name: stack, ...result }, journal.entries.slice(entriesBefore)),
    duration: formatDuration(now - startTime),
    authorization: [expiredText, validText].filter((text) => text !== '').join(', '),
  };
}

/** What happened to both stacks in all steps. */
interface Life {
  /** The outcomes of both stacks, for each step. */
  readonly steps: readonly Outcome[][];
  readonly leftBehind: readonly Difference[];
  readonly picture: PicturedLife;
}

/**
 * Synthesizes an app once for each context of the steps.
 *
 * @returns the directory of the assembly for each step, and an empty text for a step that deletes
 */
async function synthesizeSteps(app: string, parentDirectory: string): Promise<readonly string[]> {
  const directoryByContext = new Map<string, string>();
  const directories: string[] = [];
  for (const { context } of STEPS) {
    const key = JSON.stringify(context);
    const directory = join(parentDirectory, `${app.replace(/\W/g, '-')}-${directoryByContext.size}`);
    if (context !== undefined && !directoryByContext.has(key)) {
      directoryByContext.set(key, await synthesize(app, context, directory));
    }
    directories.push(directoryByContext.get(key) ?? '');
  }
  return directories;
}

/** Options of `rehearseBothLives`. */
export interface LivesOptions {
  /** Readings to use instead of the defaults of the rehearsal. Default: none */
  readonly readings?: readonly ChosenReading[];
  /** The file to write a picture of both lives to. Default: no picture */
  readonly html?: string | undefined;
  /** Prints each event as well. */
  readonly verbose: boolean;
  /** Where the cloud assemblies are written. */
  readonly directory: string;
  /** Builds the library, which the stacks need. */
  readonly build: () => Promise<unknown>;
}

/** Rehearses all steps with both stacks. */
async function rehearseLife(
  title: string,
  assemblies: readonly string[],
  { readings = [], verbose }: LivesOptions,
  print: Output['print'],
): Promise<Life> {
  print(`\n${title}:\n`);
  // a fixed start time makes runs reproducible, because the waits for a rate limit depend on the clock
  const rehearsal = await Rehearsal.start({ account: ACCOUNT, startTime: Date.UTC(2026, 0, 1) });
  try {
    const { aws, clock, journal } = rehearsal;
    setReadings(aws, readings);
    const startTime = clock.now();
    if (verbose) {
      journal.onEntry((entry) => {
        print(formatEntry(entry, startTime));
      });
    }
    const before = aws.inventory();
    const steps: Outcome[][] = [];
    for (const [index, step] of STEPS.entries()) {
      await clock.sleep(step.waitMilliseconds ?? 0);
      journal.write('rehearsal', step.name, '');
      const outcomes: Outcome[] = [];
      // like `cdk deploy --all` and `cdk destroy --all`, but continues after a failure
      for (const stack of STACKS) {
        outcomes.push(await performStep(rehearsal, stack, step, assemblies[index] ?? ''));
      }
      print(formatStep({ name: step.name, elapsedMilliseconds: clock.now() - startTime, stacks: outcomes }));
      steps.push(outcomes);
    }
    await clock.sleep(2 * DAY);
    const leftBehind = compareInventories(before, aws.inventory());
    return { steps, leftBehind, picture: picturedLife(title, startTime, rehearsal) };
  } finally {
    await rehearsal.close();
  }
}

/** Tables that compare the steps of both lives. */
function comparisonTables(withLibrary: Life, withoutLibrary: Life): string {
  return STACKS.map((stack, stackIndex) => {
    const rows = STEPS.map(({ name, expectedStatuses }, stepIndex) => {
      const outcome = withLibrary.steps[stepIndex]?.[stackIndex];
      const cells = outcome === undefined ? [] : [outcome.status, outcome.duration, outcome.authorization];
      return [
        outcome?.status === expectedStatuses[stackIndex] ? 'ok' : 'FAILED',
        name,
        ...cells,
        withoutLibrary.steps[stepIndex]?.[stackIndex]?.status ?? '',
      ];
    });
    return formatTable(['', stack, 'with this library', 'took', 'authorization', 'with AwsCustomResource'], rows);
  }).join('\n\n');
}

/** The distinct failure reasons, each with the first step that failed for it. */
function reasonsOf({ steps }: Life): string[] {
  const reasons = new Map<string, string>();
  for (const [stepIndex, outcomes] of steps.entries()) {
    for (const outcome of outcomes) {
      if (outcome.reason !== undefined && !reasons.has(outcome.reason)) {
        reasons.set(outcome.reason, formatFailure(STEPS[stepIndex]?.name ?? '', outcome));
      }
    }
  }
  return [...reasons.values()];
}

/**
 * Rehearses both lives and compares them.
 *
 * @returns whether the stacks with this library had the expected statuses and left nothing behind
 */
export async function rehearseBothLives(options: LivesOptions, print: Output['print']): Promise<boolean> {
  const { directory, build, html } = options;
  print('Rehearsing the life of two stacks in a simulated AWS, with this library and without it. This takes about a minute.\n');
  print('building the library');
  await build();
  print('synthesizing bin/app.ts and bin/comparison.ts');
  const [assembliesWithLibrary, assembliesWithoutLibrary] = await Promise.all([
    synthesizeSteps('bin/app.ts', directory),
    synthesizeSteps('bin/comparison.ts', directory),
  ]);
  const withLibrary = await rehearseLife('With this library (bin/app.ts)', assembliesWithLibrary, options, print);
  const withoutLibrary = await rehearseLife(
    'Without it, with the AwsCustomResource of the CDK (bin/comparison.ts)',
    assembliesWithoutLibrary,
    options,
    print,
  );
  print(`\n${comparisonTables(withLibrary, withoutLibrary)}`);
  print(`\n${LEGEND}`);
  print(`\n${formatList('Why the stacks without this library fail', reasonsOf(withoutLibrary))}`);
  print(`\n${formatList('Left behind two days after the deletion, with this library', summaryLines(withLibrary.leftBehind))}`);
  print(`\n${formatList('Left behind two days after the deletion, without it', summaryLines(withoutLibrary.leftBehind))}`);
  if (html !== undefined) {
    writeFileSync(
      html,
      pageOf('Two stacks with GameLift fleets that are peered with VPCs', [withLibrary.picture, withoutLibrary.picture]),
    );
    print(`\npicture of both lives: ${html}`);
  }
  return (
    withLibrary.leftBehind.length === 0 &&
    withLibrary.steps.every((outcomes, stepIndex) =>
      outcomes.every(({ status }, stackIndex) => status === STEPS[stepIndex]?.expectedStatuses[stackIndex]),
    )
  );
}

/**
 * Runs the command.
 *
 * @returns its exit code: 0 if both stacks behaved as expected, 1 if not, 2 if an argument is invalid
 */
export async function start(args: readonly string[], { print, printError }: Output): Promise<number> {
  let options: ReturnType<typeof parseArguments>;
  try {
    options = parseArguments(args);
  } catch (error) {
    printError(error instanceof Error ? error.message : String(error));
    return 2;
  }
  if (options.help) {
    print(USAGE);
    return 0;
  }
  const build = () => run(['npm', 'run', '--silent', 'build'], { cwd: join(__dirname, '..') });
  return (await rehearseBothLives({ ...options, directory: useTemporaryDirectory(), build }, print)) ? 0 : 1;
}

function parseArguments(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      html: { type: 'string' },
      readings: { type: 'string' },
    },
  });
  const { html, help } = values;
  if (html !== undefined && !help) {
    requireWritable('--html', html);
  }
  return { ...values, readings: values.readings === undefined ? [] : readReadings(values.readings) };
}

if (require.main === module) {
  start(process.argv.slice(2), CONSOLE).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    },
  );
}

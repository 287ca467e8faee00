import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BEHAVIOURS, requireReading } from '../aws';
import type { Behaviour } from '../aws';
import { readTemplates } from '../cloudformation/template/cloud-assembly';
import { pageOf, picturedLife } from '../picture';
import { formatEntry, formatList, formatStep, unusedPermissions } from '../report';
import { CLOUDFORMATION_BEHAVIOURS, Rehearsal } from '..';
import { hasSucceeded, runLife } from './life';
import { requireWritable } from './output';
import type { Output } from './output';
import { readReadings, setReadings } from './readings-file';
import type { ChosenReading } from './readings-file';
import { readableSummary, jsonDocumentOf } from './summary';
import { findUnrunnableFunctions } from './unrunnable-functions';
import type { UnrunnableFunction } from './unrunnable-functions';

/*
 * The command `npm run rehearse`: rehearses the stacks in the cloud assemblies of any CDK app.
 */

const USAGE = `usage: npm run rehearse -- <assembly> [<assembly> ...] [options]
       npm run rehearse -- --behaviours
       npm run rehearse -- --help

Deploys all stacks of a cloud assembly (the output of cdk synth) in a simulated AWS, updates them to each further assembly,
deletes them after thirty days, and lists what is left behind two days later. Prints a line for each step, and a summary.

  --days N                     rehearsed days from one assembly to the next (default 10)
  --behaviour name=value       chooses a reading: an answer to a question that AWS's documents leave open; may be repeated
  --behaviours                 lists all behaviours and their readings
  --readings FILE              the readings that npm run probe found in a real account; --behaviour overrides them
  --account A                  the account of environment-agnostic stacks (default 111111111111)
  --vpc account/region/cidr    creates a VPC before the first deployment, and prints its id (the same in each run); may be repeated
  --html FILE                  writes a picture of the life to a web page
  --verbose                    prints each event as well
  --json                       prints the summary as one JSON document, and everything else to standard error
  --help                       prints this help

The exit code is 0 if all stacks are complete and nothing is left behind, 1 if not, and 2 if an argument is wrong. Use npm's own
option --silent to keep npm's lines out of the output: npm run --silent rehearse -- cdk.out --json.`;

const ALL_BEHAVIOURS: Readonly<Record<string, Behaviour>> = { ...BEHAVIOURS, ...CLOUDFORMATION_BEHAVIOURS };

/** The Region of environment-agnostic stacks. */
const DEFAULT_REGION = 'us-east-1';

interface ExistingVpc {
  readonly account: string;
  readonly region: string;
  readonly cidrBlock: string;
}

interface RehearseOptions {
  readonly assemblies: readonly string[];
  readonly days: number;
  readonly readings: readonly ChosenReading[];
  readonly account: string;
  readonly vpcs: readonly ExistingVpc[];
  readonly unrunnableFunctions: readonly UnrunnableFunction[];
  readonly isVerbose: boolean;
  readonly printsJson: boolean;
  /** The file for the picture of the life. Undefined to create no picture. */
  readonly pictureFile: string | undefined;
}

/**
 * Runs the command.
 *
 * @returns the exit code: 0 if all stacks are complete and nothing is left behind, 1 if not, 2 if an argument is wrong
 */
export async function rehearse(args: readonly string[], output: Output): Promise<number> {
  let options: RehearseOptions | 'behaviours' | 'help' | undefined;
  try {
    options = parseArguments(args);
  } catch (error) {
    output.printError(error instanceof Error ? error.message : String(error));
    return 2;
  }
  if (options === undefined) {
    output.printError(USAGE);
    return 2;
  }
  if (options === 'behaviours' || options === 'help') {
    output.print(options === 'help' ? USAGE : behaviourList());
    return 0;
  }
  return await runRehearsal(options, output);
}

/**
 * Returns `behaviours` or `help` if the command only prints a text, and undefined if there are no arguments.
 *
 * @throws Error that says what was received and what is allowed
 */
function parseArguments(args: readonly string[]): RehearseOptions | 'behaviours' | 'help' | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      days: { type: 'string', default: '10' },
      behaviour: { type: 'string', multiple: true, default: [] },
      behaviours: { type: 'boolean', default: false },
      readings: { type: 'string' },
      account: { type: 'string', default: '111111111111' },
      vpc: { type: 'string', multiple: true, default: [] },
      verbose: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      html: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    return 'help';
  }
  if (values.behaviours) {
    return 'behaviours';
  }
  if (args.length === 0) {
    return undefined;
  }
  const days = Number(values.days);
  if (!/^\d+(\.\d+)?$/.test(values.days)) {
    throw new Error(`--days must be a number of days, 0 or more, got '${values.days}'`);
  }
  if (!/^\d{12}$/.test(values.account)) {
    throw new Error(`--account must be an AWS account id of 12 digits, got '${values.account}'`);
  }
  const { account, verbose: isVerbose, json: printsJson, html: pictureFile } = values;
  const fromFile = values.readings === undefined ? [] : readReadings(values.readings);
  const readings = [...fromFile, ...values.behaviour.map(parseReading)];
  const vpcs = values.vpc.map(parseVpc);
  if (positionals.length === 0) {
    throw new Error('no cloud assembly was given: add the output directory of cdk synth');
  }
  const templates = positionals.map(readTemplates);
  for (const [index, directory] of positionals.entries()) {
    if (templates[index]?.length === 0) {
      throw new Error(`a cloud assembly must have a stack, got ${directory} without stacks`);
    }
  }
  if (pictureFile !== undefined) {
    requireWritable('--html', pictureFile);
  }
  const unrunnableFunctions = findUnrunnableFunctions(templates.flat());
  return { assemblies: positionals, days, readings, account, vpcs, unrunnableFunctions, isVerbose, printsJson, pictureFile };
}

function parseReading(text: string): ChosenReading {
  const [, name, reading] = /^([^=]*)=(.*)$/.exec(text) ?? [];
  if (name === undefined || reading === undefined) {
    throw new Error(`--behaviour must be name=value, got '${text}'`);
  }
  requireReading(ALL_BEHAVIOURS, name, reading);
  return { name, reading };
}

function parseVpc(text: string): ExistingVpc {
  const [, account, region, cidrBlock] = /^(\d{12})\/([a-z0-9-]+)\/(\d+(?:\.\d+){3}\/\d+)$/.exec(text) ?? [];
  if (account === undefined || region === undefined || cidrBlock === undefined) {
    throw new Error(`--vpc must be account/region/cidr such as 222222222222/us-east-1/10.90.0.0/16, got '${text}'`);
  }
  return { account, region, cidrBlock };
}

function behaviourList(): string {
  return Object.entries(ALL_BEHAVIOURS)
    .map(([name, { question, readings, default: defaultReading }]) => {
      const labels = readings.map((reading) => (reading === defaultReading ? `${reading} (default)` : reading));
      return `${name}: ${question}\n  ${labels.join(' · ')}`;
    })
    .join('\n');
}

async function runRehearsal(options: RehearseOptions, { print, printError }: Output): Promise<number> {
  const { assemblies, days, readings, account, unrunnableFunctions, isVerbose, printsJson, pictureFile } = options;
  const printProgress = printsJson ? printError : print;
  // Rehearsal.start takes the reading for CloudFormation; setReadings, below, sets all other readings
  const failedUpdateReading = readings.findLast(({ name }) => name === 'failedUpdatePhysicalId')?.reading;
  const rehearsal = await Rehearsal.start({
    // a fixed time, so that every run gives the same result
    startTime: Date.UTC(2026, 0, 1),
    account,
    region: DEFAULT_REGION,
    failedUpdatePhysicalId: failedUpdateReading === 'ignored' ? 'ignored' : 'stored',
  });
  try {
    const { aws, clock, journal } = rehearsal;
    setReadings(
      aws,
      readings.filter(({ name }) => Object.hasOwn(BEHAVIOURS, name)),
    );
    printProgress(`rehearsing ${assemblies.join(', then ')}: time is simulated, so this takes seconds to minutes`);
    const vpcs = options.vpcs.map((vpc) => ({ ...vpc, vpcId: aws.ec2.createVpc(vpc).vpcId }));
    for (const { vpcId, cidrBlock, account: vpcAccount, region } of vpcs) {
      printProgress(`created ${vpcId} with ${cidrBlock} in account ${vpcAccount} and ${region}`);
    }
    if (unrunnableFunctions.length > 0) {
      const functions = unrunnableFunctions.map(({ name, runtime }) => `${name}: ${runtime}`);
      printProgress(formatList('functions whose invocations fail, because the rehearsal runs only Node.js', functions));
    }
    const start = clock.now();
    if (isVerbose) {
      journal.onEntry((entry) => {
        printProgress(formatEntry(entry, start));
      });
    }
    const deployments = assemblies.map((assembly, index) => ({
      name: ['create', 'update'][index] ?? `update ${index}`,
      days: index === 0 ? 0 : days,
      assembly,
    }));
    const life = await runLife(rehearsal, deployments, (step) => {
      printProgress(formatStep(step));
    });
    const outcome = { vpcs, unrunnableFunctions, life, unusedPermissions: unusedPermissions(aws.iam.grants()) };
    print(printsJson ? JSON.stringify(jsonDocumentOf(outcome), null, 2) : `\n${readableSummary(outcome)}`);
    if (pictureFile !== undefined) {
      writeFileSync(pictureFile, pageOf('A life in a rehearsal', [picturedLife(assemblies.join(', '), start, rehearsal)]));
      printProgress(`\npicture of the life: ${pictureFile}`);
    }
    return hasSucceeded(life) ? 0 : 1;
  } finally {
    await rehearsal.close();
  }
}

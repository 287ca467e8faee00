import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BEHAVIOURS, checkReading } from '../aws';
import type { Behaviour } from '../aws';
import { readTemplates } from '../cloudformation/template/cloud-assembly';
import { pageOf, picturedLife } from '../picture';
import { line, list, stepLine, unusedPermissions } from '../report';
import { CLOUDFORMATION_BEHAVIOURS, Rehearsal } from '..';
import { hasSucceeded, live } from './life';
import { requireWritable } from './output';
import type { Output } from './output';
import { readReadings, setReadings } from './readings-file';
import type { ChosenReading } from './readings-file';
import { describeRehearsal, documentOf } from './summary';
import { unrunnableFunctions } from './unrunnable-functions';
import type { UnrunnableFunction } from './unrunnable-functions';

/*
 * Rehearses the life of the stacks of cloud assemblies, of any CDK app.
 */

const USAGE = `usage: npm run rehearse -- <assembly> [<assembly> ...] [options]
       npm run rehearse -- --behaviours
       npm run rehearse -- --help

Deploys all stacks of a cloud assembly (the output of cdk synth) in a simulated AWS, updates them to each further assembly,
deletes them after thirty days, and looks two days later what is left behind. Prints a line for each step, and a summary.

  --days N                     rehearsed days from one assembly to the next (default 10)
  --behaviour name=value       one reading of what AWS does not say; may be repeated
  --behaviours                 lists them
  --readings FILE              the readings that npm run probe found in a real account; --behaviour overrides them
  --account A                  the account of stacks that are not bound to one (default 111111111111)
  --vpc account/region/cidr    a VPC that is there before; may be repeated; its id is printed, and is the same in each run
  --html FILE                  writes a picture of the life as one web page
  --verbose                    prints each event as well
  --json                       prints the summary as one JSON document, and everything else to standard error
  --help                       prints this

The exit code is 0 if all stacks were complete and nothing is left behind, 1 if not, and 2 if an argument is wrong. With npm's own
option --silent, as in npm run --silent rehearse -- cdk.out --json, npm prints nothing before.`;

const SWITCHES: Readonly<Record<string, Behaviour>> = { ...BEHAVIOURS, ...CLOUDFORMATION_BEHAVIOURS };

const REGION = 'us-east-1';

interface ExistingVpc {
  readonly account: string;
  readonly region: string;
  readonly cidrBlock: string;
}

interface Request {
  readonly assemblies: readonly string[];
  readonly days: number;
  readonly behaviours: readonly ChosenReading[];
  readonly account: string;
  readonly vpcs: readonly ExistingVpc[];
  readonly unrunnable: readonly UnrunnableFunction[];
  readonly verbose: boolean;
  readonly json: boolean;
  /** The file for the picture of the life, if there is to be one. */
  readonly html: string | undefined;
}

/**
 * What the command does.
 *
 * @returns its exit code: 0 if all was complete and nothing is left behind, 1 if not, 2 if it was not understood
 */
export async function rehearse(args: readonly string[], output: Output): Promise<number> {
  let request: Request | 'behaviours' | 'help' | undefined;
  try {
    request = parse(args);
  } catch (error) {
    output.complain(error instanceof Error ? error.message : String(error));
    return 2;
  }
  if (request === undefined) {
    output.complain(USAGE);
    return 2;
  }
  if (request === 'behaviours' || request === 'help') {
    output.print(request === 'help' ? USAGE : listing());
    return 0;
  }
  return await run(request, output);
}

/** @throws Error that says what was got and what is allowed. */
function parse(args: readonly string[]): Request | 'behaviours' | 'help' | undefined {
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
  const { account, verbose, json } = values;
  const found = values.readings === undefined ? [] : readReadings(values.readings);
  const behaviours = [...found, ...values.behaviour.map(chosenOf)];
  const vpcs = values.vpc.map(vpcOf);
  if (positionals.length === 0) {
    throw new Error('an assembly must be given, the output directory of cdk synth, got none');
  }
  const templates = positionals.map(readTemplates);
  for (const [index, directory] of positionals.entries()) {
    if (templates[index]?.length === 0) {
      throw new Error(`an assembly must have a stack, got ${directory} without any`);
    }
  }
  if (values.html !== undefined) {
    requireWritable('--html', values.html);
  }
  const unrunnable = unrunnableFunctions(templates.flat());
  return { assemblies: positionals, days, behaviours, account, vpcs, unrunnable, verbose, json, html: values.html };
}

function chosenOf(text: string): ChosenReading {
  const [, name, reading] = /^([^=]*)=(.*)$/.exec(text) ?? [];
  if (name === undefined || reading === undefined) {
    throw new Error(`--behaviour must be name=value, got '${text}'`);
  }
  checkReading(SWITCHES, name, reading);
  return { name, reading };
}

function vpcOf(text: string): ExistingVpc {
  const [, account, region, cidrBlock] = /^(\d{12})\/([a-z0-9-]+)\/(\d+(?:\.\d+){3}\/\d+)$/.exec(text) ?? [];
  if (account === undefined || region === undefined || cidrBlock === undefined) {
    throw new Error(`--vpc must be account/region/cidr such as 222222222222/us-east-1/10.90.0.0/16, got '${text}'`);
  }
  return { account, region, cidrBlock };
}

function listing(): string {
  const { length } = Object.keys(SWITCHES);
  return Object.entries(SWITCHES)
    .sort(([, { row: one = length }], [, { row: other = length }]) => one - other)
    .map(([name, { row, question, readings, default: standard }]) => {
      const values = readings.map((reading) => (reading === standard ? `${reading} (default)` : reading));
      return `${name}${row === undefined ? '' : ` (row ${row})`}: ${question}\n  ${values.join(' · ')}`;
    })
    .join('\n');
}

async function run(request: Request, { print, complain }: Output): Promise<number> {
  const { assemblies, days, behaviours, account, unrunnable, verbose, json, html } = request;
  const tell = json ? complain : print;
  const ignored = behaviours.findLast(({ name }) => name === 'failedUpdatePhysicalId')?.reading === 'ignored';
  const rehearsal = await Rehearsal.start({
    // always the same time, since callers that wait for a rate limit go by the clock
    startTime: Date.UTC(2026, 0, 1),
    account,
    region: REGION,
    failedUpdatePhysicalId: ignored ? 'ignored' : 'stored',
  });
  try {
    const { aws, clock, journal } = rehearsal;
    setReadings(
      aws,
      behaviours.filter(({ name }) => Object.hasOwn(BEHAVIOURS, name)),
    );
    tell(`rehearsing ${assemblies.join(', then ')}: time is simulated, so this takes seconds to minutes`);
    const vpcs = request.vpcs.map((vpc) => ({ ...vpc, vpcId: aws.ec2.createVpc(vpc).vpcId }));
    for (const { vpcId, cidrBlock, account: owner, region } of vpcs) {
      tell(`there is ${vpcId} with ${cidrBlock} in account ${owner} and ${region}`);
    }
    if (unrunnable.length > 0) {
      const functions = unrunnable.map(({ name, runtime }) => `${name}: ${runtime}`);
      tell(list('functions that are not run, because the rehearsal runs only Node.js: each invocation fails', functions));
    }
    const start = clock.now();
    if (verbose) {
      journal.onEntry((entry) => {
        tell(line(entry, start));
      });
    }
    const deployments = assemblies.map((assembly, index) => ({
      name: ['create', 'update'][index] ?? `update ${index}`,
      days: index === 0 ? 0 : days,
      assembly,
    }));
    const life = await live(rehearsal, deployments, (step) => {
      tell(stepLine(step));
    });
    const outcome = { vpcs, unrunnable, life, unused: unusedPermissions(aws.iam.grants()) };
    print(json ? JSON.stringify(documentOf(outcome), null, 2) : `\n${describeRehearsal(outcome)}`);
    if (html !== undefined) {
      writeFileSync(html, pageOf('A rehearsed life', [picturedLife(assemblies.join(', '), start, rehearsal)]));
      tell(`\npicture of the life: ${html}`);
    }
    return hasSucceeded(life) ? 0 : 1;
  } finally {
    await rehearsal.close();
  }
}

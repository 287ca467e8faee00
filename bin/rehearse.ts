import { parseArgs } from 'node:util';
import { OPTIONAL_BEHAVIOURS, Rehearsal } from '../rehearsal';
import { BEHAVIOURS, checkReading } from '../rehearsal/aws';
import type { Behaviour } from '../rehearsal/aws';
import { readStacks } from '../rehearsal/cloudformation/assembly';
import { live } from '../rehearsal/life';
import type { Life } from '../rehearsal/life';
import { line, span, table, unneeded } from '../rehearsal/report';
import type { Unneeded } from '../rehearsal/report';
import { readReadings, setReadings } from './readings-file';
import type { ChosenReading } from './readings-file';
import useTemporaryDirectory from './temporary-directory';

/*
 * Rehearses the life of the stacks of cloud assemblies, of any CDK app.
 */

const USAGE = `usage: npm run rehearse -- <assembly> [<assembly> ...] [options]
       npm run rehearse -- --behaviours

Deploys all stacks of a cloud assembly (the output of cdk synth) in a simulated AWS, updates them to each further assembly,
deletes them after thirty days, and looks two days later what is left behind.

  --days N                     rehearsed days from one assembly to the next (default 10)
  --behaviour name=value       one reading of what AWS does not say; may be repeated
  --behaviours                 lists them
  --readings FILE              the readings that npm run probe found in a real account; --behaviour overrides them
  --account A                  the account of stacks that are not bound to one (default 111111111111)
  --vpc account/region/cidr    a VPC that is there before; may be repeated; its id is printed, and is the same in each run`;

const SWITCHES: Readonly<Record<string, Behaviour>> = { ...BEHAVIOURS, ...OPTIONAL_BEHAVIOURS };

const REGION = 'us-east-1';

/** Where what is printed goes. */
export interface Output {
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

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
}

/**
 * What the command does.
 *
 * @returns its exit code: 0 if all was complete and nothing is left behind, 1 if not, 2 if it was not understood
 */
export async function rehearse(args: readonly string[], output: Output): Promise<number> {
  let request: Request | 'behaviours' | undefined;
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
  if (request === 'behaviours') {
    output.print(listing());
    return 0;
  }
  return await run(request, output);
}

/** @throws Error that says what was got and what is allowed. */
function parse(args: readonly string[]): Request | 'behaviours' | undefined {
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
    },
  });
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
  const { account } = values;
  const found = values.readings === undefined ? [] : readReadings(values.readings);
  const behaviours = [...found, ...values.behaviour.map(chosenOf)];
  const vpcs = values.vpc.map(vpcOf);
  if (positionals.length === 0) {
    throw new Error('an assembly must be given, the output directory of cdk synth, got none');
  }
  for (const directory of positionals) {
    if (readStacks(directory, { account, region: REGION }).length === 0) {
      throw new Error(`an assembly must have a stack, got ${directory} without any`);
    }
  }
  return { assemblies: positionals, days, behaviours, account, vpcs };
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

async function run({ assemblies, days, behaviours, account, vpcs }: Request, { print }: Output): Promise<number> {
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
    for (const vpc of vpcs) {
      print(`there is ${aws.ec2.createVpc(vpc).vpcId} with ${vpc.cidrBlock} in account ${vpc.account} and ${vpc.region}`);
    }
    const start = clock.now();
    journal.onEntry((entry) => {
      print(line(entry, start));
    });
    const life = await live(
      rehearsal,
      assemblies.map((assembly, index) => ({
        name: ['create', 'update'][index] ?? `update ${index}`,
        days: index === 0 ? 0 : days,
        assembly,
      })),
    );
    print(report(life, unneeded(aws.iam.grants())));
    return life.trouble.length === 0 ? 0 : 1;
  } finally {
    await rehearsal.close();
  }
}

function report({ steps, leftBehind, notUnderstood, trouble }: Life, permissions: readonly Unneeded[]): string {
  const rows = steps.flatMap(({ name, after, stacks, refused }) => [
    ...stacks.map((stack) => [name, span(after), stack.name, `${stack.account} ${stack.region}`, stack.status]),
    ...(refused === undefined ? [] : [[name, span(after), '', '', 'refused']]),
  ]);
  const failed = trouble.filter((text) => !leftBehind.includes(text));
  return [
    `\n${table(['step', 'done after', 'stack', 'of', 'status'], rows)}`,
    ...(failed.length === 0 ? [] : [failed.join('\n')]),
    `left behind two days after the deletion: ${leftBehind.length === 0 ? 'nothing' : `\n${leftBehind.join('\n')}`}`,
    notUnderstood.length === 0
      ? 'not understood: nothing'
      : `not understood, so that AWS may do something else:\n${notUnderstood.map((what) => `- ${what}`).join('\n')}`,
    permissions.length === 0
      ? 'granted and never needed: nothing'
      : `granted and never needed:\n${permissions.map(({ role, scope, actions }) => `- ${role}: ${actions.join(', ')} on ${scope}`).join('\n')}`,
  ].join('\n\n');
}

if (require.main === module) {
  useTemporaryDirectory();
  rehearse(process.argv.slice(2), { print: console.log, complain: console.error }).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
  );
}

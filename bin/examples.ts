import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Rehearsal } from 'rehearsal';
import { differenceLine, summaryLines, runLife } from 'rehearsal/cli';
import type { Difference } from 'rehearsal/cli';
import { formatEntry, formatStep } from 'rehearsal/report';
import { commandsNotInstalled } from './commands';
import { report, runCheck } from './outcomes';
import type { Outcome } from './outcomes';
import { synthesize } from './synthesize';
import useTemporaryDirectory from './temporary-directory';

/*
 * Synthesizes each example with the CDK CLI and cdk-nag's checks, and rehearses its life: creation, a new build ten days later, and
 * deletion after thirty days. If cfn-lint is installed, it checks the templates, too.
 */

const EXAMPLES = join(__dirname, '..', 'examples');
const GAMELIFT_ACCOUNT = '111111111111';
const VPC_ENVIRONMENT = { account: '222222222222', region: 'us-east-1' };

/** The CIDR blocks of the existing VPCs that some examples use. The key is the name of the context value with the id of the VPC. */
const VPC_CIDR_BLOCKS = { vpcId: '10.90.0.0/16', betaVpcId: '10.91.0.0/16', prodVpcId: '10.92.0.0/16' };

/** For each example that retains resources: a pattern that matches the lines of the inventory about these resources. */
const RETAINED_RESOURCES: Readonly<Record<string, RegExp>> = {
  draining: /^left behind of (fleets|connections|peerings|routes|securityGroups|rules|tags): |"type":"AWS::GameLift::Build"/,
  pipeline: /^left behind of otherResources: .*"type":"AWS::S3::Bucket","physicalId":"Pipeline-PipelineArtifactsBucket/,
};

/** The deployments of each example, with the days to wait before each. */
const DEPLOYMENTS = [
  { name: 'create', build: '1', days: 0 },
  { name: 'new build', build: '2', days: 10 },
] as const;

/** The findings of cfn-lint for the templates of an assembly. Empty if cfn-lint is not installed. @throws Error if cfn-lint itself fails */
function lint(assembly: string): string[] {
  const templates = readdirSync(assembly, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.template.json'),
  );
  const { error, status, stdout, stderr } = spawnSync('cfn-lint', templates, { cwd: assembly, encoding: 'utf8' });
  if (error !== undefined) {
    if ('code' in error && error.code === 'ENOENT') {
      return [];
    }
    throw error;
  }
  const findings = stdout.split('\n\n').filter((finding) => finding.trim() !== '');
  if (findings.length === 0 && status !== 0) {
    throw new Error(`cfn-lint failed: ${stderr}`);
  }
  return findings;
}

/** Rehearses the life of an example. @throws Error that lists the findings of cfn-lint, the failures, and what is left behind */
async function checkExample(example: string, parentDirectory: string): Promise<void> {
  // a fixed start time makes runs reproducible, because the waits for a rate limit depend on the clock
  const rehearsal = await Rehearsal.start({ account: GAMELIFT_ACCOUNT, startTime: Date.UTC(2026, 0, 1) });
  try {
    const { aws, clock, journal } = rehearsal;
    const startTime = clock.now();
    const context = Object.fromEntries(
      Object.entries(VPC_CIDR_BLOCKS).map(([name, cidrBlock]) => [
        name,
        aws.ec2.createVpc({ ...VPC_ENVIRONMENT, cidrBlock }).vpcId,
      ]),
    );
    const deployments = await Promise.all(
      DEPLOYMENTS.map(async ({ name, build, days }) => {
        const directory = join(parentDirectory, `${example}-${build}`);
        return { name, days, assembly: await synthesize(`examples/${example}.ts`, { ...context, build }, directory) };
      }),
    );
    const lintFindings = deployments.flatMap(({ assembly }) => lint(assembly));
    const { failures, leftBehind } = await runLife(rehearsal, deployments, (step) => {
      console.log(`${example}  ${formatStep(step)}`);
    });
    const failureEvents = journal.entries.filter(
      ({ source, message }) => source === 'cloudformation' && message.includes('_FAILED'),
    );
    const isRetained = (difference: Difference): boolean =>
      RETAINED_RESOURCES[example]?.test(differenceLine(difference)) === true;
    summaryLines(leftBehind.filter(isRetained)).forEach((text) => {
      console.log(`${example}  retained ${text}`);
    });
    const unexpected = leftBehind.filter((difference) => !isRetained(difference)).map(differenceLine);
    const problems = [
      ...lintFindings,
      ...failureEvents.map((entry) => formatEntry(entry, startTime)),
      ...unexpected,
      ...failures,
    ];
    if (problems.length > 0) {
      throw new Error(problems.join('\n'));
    }
  } finally {
    await rehearsal.close();
  }
}

async function main(): Promise<void> {
  const parentDirectory = useTemporaryDirectory();
  const examples = readdirSync(EXAMPLES)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => basename(file, '.ts'));
  const outcomes: Outcome[] = [];
  for (const example of examples) {
    outcomes.push(await runCheck(example, () => checkExample(example, parentDirectory)));
  }
  if (commandsNotInstalled(['cfn-lint']).length > 0) {
    const problem = 'install cfn-lint to check the templates of the examples';
    outcomes.push({ name: 'cfn-lint', result: 'not available', problem });
  }
  report('example', outcomes);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

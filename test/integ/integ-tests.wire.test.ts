import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Rehearsal } from 'rehearsal';
import { differenceLines } from 'rehearsal/cli';
import { run } from '../../bin/commands';

/*
 * Checks the integration tests without an account: their templates equal the snapshots, and the tests pass in the rehearsal.
 */

const ROOT = join(__dirname, '..', '..');
const RUNNER = join(ROOT, 'node_modules', '@aws-cdk', 'integ-runner', 'bin', 'integ-runner');
const GAME_ACCOUNT = '111111111111';
const DATA_ACCOUNT = '222222222222';
const REGION = 'us-east-1';
const MINUTE = 60_000;

const STACKS = {
  'one-account': ['GameLiftVpcPeeringOneAccount'],
  'peer-on-create': ['GameLiftVpcPeeringOnCreate'],
  'peer-role': ['GameLiftVpcPeeringRoleData', 'GameLiftVpcPeeringRoleGame'],
};
type TestName = keyof typeof STACKS;
const TEST_NAMES = Object.keys(STACKS) as TestName[];
const TEST_FILES = TEST_NAMES.map((name) => `integ.${name}.ts`);

test(
  'the templates of each integration test equal its snapshot',
  async () => {
    expect((await run([process.execPath, RUNNER, '--list'], { cwd: ROOT })).trim().split('\n')).toEqual(TEST_FILES);
    await run([process.execPath, RUNNER, '--strict', ...TEST_FILES], { cwd: ROOT });
  },
  5 * MINUTE,
);

interface TestCase {
  readonly stacks: readonly string[];
  readonly assertionStack: string;
  readonly hooks: { readonly postDeploy: readonly string[]; readonly postDestroy: readonly string[] };
}

/** Runs the stacks, assertions and hooks of an integration test in the rehearsal, as integ-runner does. */
class RehearsedTest {
  static async start(name: TestName): Promise<RehearsedTest> {
    const rehearsal = await Rehearsal.start({ account: GAME_ACCOUNT });
    const { vpcId } = rehearsal.aws.ec2.createVpc({ account: DATA_ACCOUNT, region: REGION, cidrBlock: '10.90.0.0/16' });
    const directory = mkdtempSync(join(tmpdir(), 'integ-'));
    const env = { CDK_OUTDIR: directory, DATA_VPC_ID: vpcId };
    await run([process.execPath, '--import', 'tsx', join(__dirname, `integ.${name}.ts`)], { cwd: ROOT, env });
    const { testCases } = JSON.parse(readFileSync(join(directory, 'integ.json'), 'utf8')) as {
      readonly testCases: Readonly<Record<string, TestCase>>;
    };
    const [testCase] = Object.values(testCases);
    if (testCase === undefined) {
      throw new Error(`integ.${name}.ts has no test case`);
    }
    return new RehearsedTest(rehearsal, directory, testCase);
  }

  private constructor(
    readonly rehearsal: Rehearsal,
    private readonly directory: string,
    readonly testCase: TestCase,
  ) {}

  /** Deploys the stacks, and returns the name and the status of each. */
  async deploy(): Promise<string[]> {
    const statuses: string[] = [];
    for (const stack of this.testCase.stacks) {
      statuses.push(`${stack} ${(await this.rehearsal.cloudFormation.deploy(this.directory, stack)).status}`);
    }
    return statuses;
  }

  /** Deploys the stack with the assertions, and returns their statuses. */
  async deployAssertions(): Promise<unknown[]> {
    await this.waitForRateLimit();
    const { cloudFormation } = this.rehearsal;
    const { status, outputs } = await cloudFormation.deploy(this.directory, this.testCase.assertionStack);
    expect(status).toBe('CREATE_COMPLETE');
    return Object.values(outputs).map((output) => (JSON.parse(String(output)) as { readonly status: unknown }).status);
  }

  /** Runs the commands of a hook. */
  async runHook(commands: readonly string[]): Promise<void> {
    await this.waitForRateLimit();
    const { aws } = this.rehearsal;
    const { accessKeyId, secretAccessKey } = aws.iam.administrator(GAME_ACCOUNT);
    const env = {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL: aws.endpointUrl,
    };
    for (const command of commands) {
      const [file = '', ...parameters] = command.split(' ');
      await run([file, ...parameters], { cwd: __dirname, env });
    }
  }

  /** Waits until GameLift's rate limit allows more calls. In reality, integ-runner publishes assets and starts commands in that time. */
  private waitForRateLimit(): Promise<void> {
    return this.rehearsal.clock.sleep(MINUTE);
  }

  /** Deletes all stacks, and returns the name and the status of each. */
  async deleteStacks(): Promise<string[]> {
    const results = await this.rehearsal.cloudFormation.deleteAll(this.directory);
    return results.map(({ name, status }) => `${name} ${status}`);
  }
}

let openTest: RehearsedTest | undefined;

afterEach(async () => {
  await openTest?.rehearsal.close();
  openTest = undefined;
});

async function startTest(name: TestName): Promise<RehearsedTest> {
  openTest = await RehearsedTest.start(name);
  return openTest;
}

test.each(TEST_NAMES)(
  'integ.%s.ts passes and leaves only a log group behind, although the authorization was canceled before the deletion',
  async (name) => {
    const integrationTest = await startTest(name);
    const { rehearsal, testCase } = integrationTest;
    const before = rehearsal.aws.inventory();
    expect(await integrationTest.deploy()).toEqual(STACKS[name].map((stack) => `${stack} CREATE_COMPLETE`));
    expect(rehearsal.aws.inventory().authorizations).toHaveLength(1);
    expect(new Set(await integrationTest.deployAssertions())).toEqual(new Set(['success']));
    await integrationTest.runHook(testCase.hooks.postDeploy);
    expect(rehearsal.aws.inventory().authorizations).toEqual([]);
    const deleted = [...STACKS[name], testCase.assertionStack].reverse();
    expect(await integrationTest.deleteStacks()).toEqual(deleted.map((stack) => `${stack} DELETE_COMPLETE`));
    await integrationTest.runHook(testCase.hooks.postDestroy);
    // the log group of the assertions' function, which Lambda creates: see docs/integration-tests.md
    const [logGroup, ...others] = differenceLines(before, rehearsal.aws.inventory());
    expect(logGroup).toContain(`left behind of logGroups: {"name":"/aws/lambda/${testCase.assertionStack}-`);
    expect(others).toEqual([]);
  },
  2 * MINUTE,
);

test(
  'an assertion fails if the connection no longer exists',
  async () => {
    const integrationTest = await startTest('one-account');
    await integrationTest.deploy();
    const { aws, clock } = integrationTest.rehearsal;
    const [connection] = aws.inventory().connections as { readonly id: string; readonly fleetId: string }[];
    const input = { FleetId: connection?.fleetId, VpcPeeringConnectionId: connection?.id };
    await aws.callGameLift('DeleteVpcPeeringConnection', input, { account: GAME_ACCOUNT, region: REGION });
    await clock.sleep(MINUTE);
    expect((await integrationTest.deployAssertions()).sort()).toEqual(['fail', 'success']);
  },
  2 * MINUTE,
);

test(
  'the hook after the deletion fails if something is left behind',
  async () => {
    const integrationTest = await startTest('one-account');
    await integrationTest.deploy();
    const { postDeploy, postDestroy } = integrationTest.testCase.hooks;
    await integrationTest.runHook(postDeploy);
    await expect(integrationTest.runHook(postDestroy)).rejects.toThrow(/left behind: \[\{"FleetId":"fleet-.*"Code":"active"/);
  },
  2 * MINUTE,
);

import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import { Construct } from 'constructs';
import type { Rehearsal } from 'rehearsal';
import { VpcPeeringAuthorization, VpcPeeringConnection } from '../lib';
import { ACCOUNT, ACCOUNT_AND_REGION, startFastRehearsal } from './life/common-stacks';
import { closeRehearsals, STACK, synthesize } from './life/rehearsals';

/*
 * Checks docs/day-two.md: runs commands of the CDK CLI with a deployed stack.
 */

const CLI = join(__dirname, '..', 'node_modules', 'aws-cdk', 'bin', 'cdk');

/** The ids of the constructs in the deployed stack. */
const DEPLOYED_IDS = {
  vpc: 'Vpc',
  fleet: 'Fleet',
  authorization: 'Authorization',
  connection: 'Peering',
  otherSecurityGroup: 'Other',
};

/** Options of the synthesized stack. An id replaces the one of `DEPLOYED_IDS`. */
interface StackOptions extends Partial<typeof DEPLOYED_IDS> {
  /** The id of a parent construct of all others. Default: the stack is their parent. */
  readonly scope?: string;
  readonly dnsResolution?: boolean;
}

function synthesizeStack({ scope, dnsResolution = false, ...changedIds }: StackOptions = {}): string {
  const ids = { ...DEPLOYED_IDS, ...changedIds };
  return synthesize((stack) => {
    const parent = scope === undefined ? stack : new Construct(stack, scope);
    const vpc = new ec2.Vpc(parent, ids.vpc, {
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Data', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    });
    const fleet = new gamelift.CfnFleet(parent, ids.fleet, { name: 'fleet', buildId: 'build-1', ec2InstanceType: 'c5.large' });
    const authorization = new VpcPeeringAuthorization(parent, ids.authorization, { vpc });
    const peering = new VpcPeeringConnection(parent, ids.connection, { authorization, fleet, dnsResolution });
    const database = new ec2.SecurityGroup(parent, 'Database', { vpc });
    peering.allowTo(database, ec2.Port.tcp(5432));
    new ec2.SecurityGroup(parent, ids.otherSecurityGroup, { vpc, description: 'other' });
  });
}

interface Manifest {
  readonly artifacts: Record<string, { properties: Record<string, unknown>; dependencies?: string[] }>;
}

/** Removes the assets from the assembly: with assets, the CLI needs a bootstrapped account. */
function removeAssets(assembly: string): string {
  const file = join(assembly, 'manifest.json');
  const { artifacts, ...manifest } = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  const { [`${STACK}.assets`]: assets, [STACK]: stack, ...others } = artifacts;
  if (assets === undefined || stack === undefined) {
    throw new Error(`${file} has no stack with assets`);
  }
  const { templateFile } = stack.properties;
  const stackWithoutAssets = { ...stack, properties: { templateFile }, dependencies: [] };
  writeFileSync(file, JSON.stringify({ ...manifest, artifacts: { ...others, [STACK]: stackWithoutAssets } }));
  return assembly;
}

let rehearsal: Rehearsal;

beforeAll(async () => {
  rehearsal = await startFastRehearsal();
  expect((await rehearsal.cloudFormation.deploy(synthesizeStack(), STACK)).status).toBe('CREATE_COMPLETE');
  // the CLI waits for a bootstrap stack, so deploy one
  const toolkit = synthesize((stack) => {
    new ec2.CfnVPC(stack, 'Vpc', { cidrBlock: '10.0.0.0/16' });
  }, 'CDKToolkit');
  expect((await rehearsal.cloudFormation.deploy(toolkit, 'CDKToolkit')).status).toBe('CREATE_COMPLETE');
});
afterAll(closeRehearsals);

/** Runs the CLI, and returns what it prints. */
async function runCdk(assembly: string, ...command: readonly string[]): Promise<string> {
  const { accessKeyId, secretAccessKey } = rehearsal.aws.iam.administrator(ACCOUNT);
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: ACCOUNT_AND_REGION.region,
    AWS_ENDPOINT_URL: rehearsal.aws.endpointUrl,
    AWS_EC2_METADATA_DISABLED: 'true',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    NO_COLOR: '1',
  };
  const execution = promisify(execFile)(process.execPath, [CLI, ...command, '--app', removeAssets(assembly)], { env });
  const { stdout, stderr } = await execution.catch(
    (error: unknown) => error as { readonly stdout: string; readonly stderr: string },
  );
  return stdout + stderr;
}

describe('cdk refactor', () => {
  const refactor = (assembly: string): Promise<string> => runCdk(assembly, 'refactor', '--unstable=refactor', '--dry-run');

  test('finds nothing to do for the deployed stack', async () => {
    expect(await refactor(synthesizeStack())).toContain('Nothing to refactor.');
  });

  test('proposes to rename a resource that this library does not use', async () => {
    const output = await refactor(synthesizeStack({ otherSecurityGroup: 'Another' }));
    expect(output).toMatch(/AWS::EC2::SecurityGroup +│ Stack\.Other34654A52 +│ Stack\.Another6390C402/);
    expect(output).not.toContain('Custom::');
  });

  test.each<[string, StackOptions, string]>([
    ['the connection is renamed', { connection: 'Connection' }, 'Stack.Peering3EBF733F'],
    ['the fleet is renamed', { fleet: 'Lobby' }, 'Stack.AuthorizationAE2C3694'],
    ['the VPC is renamed', { vpc: 'Network' }, 'Stack.GameLiftVpcPeeringHandlerConnect42394c9a9E82A71B'],
    ['all resources move into a construct', { scope: 'Game' }, 'Stack.Peering3EBF733F'],
  ])('refuses if %s, and prints a resource that would change', async (_, change, resource) => {
    const output = await refactor(synthesizeStack(change));
    expect(output).toContain('Refactor failed: A refactor operation cannot add, remove or update resources.');
    expect(output).toContain(resource);
  });

  test('proposes to move the custom resources of a renamed authorization', async () => {
    const output = await refactor(synthesizeStack({ authorization: 'Authorized' }));
    expect(output).toMatch(/Custom::GameLiftVpcPeeringAuthorization +│ Stack\.AuthorizationAE2C3694 +│/);
    expect(output).toMatch(/Custom::GameLiftVpcPeeringTeardown +│ Stack\.AuthorizationTeardown2EDA4C03 +│/);
  });
});

test('cdk deploy --hotswap ignores a change of a connection, and does not mention it', async () => {
  const before = rehearsal.aws.inventory();
  const output = await runCdk(
    synthesizeStack({ dnsResolution: true }),
    'deploy',
    '--hotswap',
    '--require-approval',
    'never',
    STACK,
  );
  expect(output).toContain('Stack (no changes)');
  expect(output).not.toContain('Peering');
  expect(rehearsal.aws.inventory()).toEqual(before);
});
